//! Puts the turns of a lineage in place of those that were there, writing only what differs.
//!
//! Design constraints:
//! - What was settled before a session's [`Part`] is not looked at, so the work is in proportion to the part.
//! - Deriving happens outside a write transaction, so the ground may have moved on meanwhile. The tokens read at its
//!   beginning are compared here; if one differs nothing is written and the session stays dirty.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{OptionalExtension, params};

use super::Batch;
use super::rows::Placed;
use super::session::Session;
use super::turn::{Parent, Turn};
use crate::error::{Context, Error};
use crate::ids::ConversationId;

/// A lineage as it was derived: what was read, and what came of it.
#[derive(Debug, Default)]
pub struct Lineage {
    /// Its sessions, whole or from where they are settled.
    pub parts: BTreeMap<String, Part>,
    /// The conversations, parents before nothing in particular.
    pub turns: Vec<Turn>,
}

/// What was derived of one session.
#[derive(Debug, Default)]
pub struct Part {
    /// The token its `dirty_sessions` row had when reading began.
    pub token: Option<i64>,
    /// Its prompt lines.
    pub prompt_lines: BTreeSet<[u8; 16]>,
    /// What is known of the session, with what was known from before.
    pub facts: Session,
    /// How many of the session's own conversations are settled and stand before the part.
    pub from: i64,
    /// Subagents of settled conversations whose own are part of it all the same, because they still run.
    pub agents: BTreeSet<String>,
    /// The version of the rules.
    pub parser: i64,
    /// Up to where the session is settled from now on.
    pub settled: Option<Settled>,
    /// There is more behind the part: the session stays dirty.
    pub more: bool,
}

/// Up to where a session is settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// An event that was captured earlier than this breaks the seal, in nanoseconds since 1970.
    pub from_ns: i64,
    /// What deriving wants to know again, a JSON object.
    pub seal: String,
}

/// How closely [`Batch::replace`] looks at what is written already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Look {
    /// At a digest of each conversation.
    #[default]
    Digests,
    /// At every row of it, and whether the index has its texts.
    Rows,
}

/// What [`Batch::replace`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replaced {
    /// So many conversations were new or different, so many are gone.
    Written {
        /// New or different.
        changed: u64,
        /// No longer there.
        removed: u64,
    },
    /// The ground changed meanwhile: derive again.
    Outdated,
}

impl Batch<'_> {
    /// Writes what differs and takes the sessions off the dirty list.
    ///
    /// # Errors
    /// The engine's; the batch must then be given up.
    pub fn replace(&self, lineage: &Lineage, look: Look, now_ms: i64) -> Result<Replaced, Error> {
        if !self.tokens_are(&lineage.parts)? {
            return Ok(Replaced::Outdated);
        }
        self.put_prompt_lines(&lineage.parts)?;
        if self.lineage_grew(&lineage.parts)? {
            return Ok(Replaced::Outdated);
        }
        let ids = self.identify(&lineage.turns, now_ms)?;
        let mut before = BTreeMap::new();
        for (session, part) in &lineage.parts {
            self.digests(session, part, &mut before)?;
        }
        let mut homes = BTreeMap::new();
        for (session, part) in &lineage.parts {
            homes.insert(session, self.put_session(&part.facts)?);
        }
        let mut changed = 0;
        for (turn, id) in lineage.turns.iter().zip(&ids) {
            let parent = match turn.parent {
                Some(Parent::Here(index)) => ids.get(index).copied(),
                Some(Parent::Settled(id)) => Some(id),
                None => None,
            };
            let digest = turn.digest(parent);
            let known = match before.remove(id) {
                Some(known) => Some(known),
                None => self.digest_elsewhere(*id)?, // it has moved here from a session outside the lineage
            };
            let same = known.as_deref() == Some(&digest[..]);
            if same && look == Look::Digests {
                continue;
            }
            let folder_id = match homes.get(&turn.session_id) {
                Some(home) => self.folder(home, turn.cwd.as_deref())?,
                None => None,
            };
            let row = Placed { id: *id, turn, parent, digest: &digest, folder_id };
            if !same || !self.has_rows(&row)? {
                self.put_turn(&row, known.is_some(), look)?;
                changed += 1;
            }
        }
        let removed = before.len() as u64;
        for id in before.into_keys() {
            self.remove_turn(id, look)?;
        }
        for home in homes.values() {
            self.refile(home)?;
        }
        for (session, part) in &lineage.parts {
            self.put_links(&part.facts)?;
            self.put_derivation(session, part)?;
        }
        self.want_places(lineage)?;
        Ok(Replaced::Written { changed, removed })
    }

    fn tokens_are(&self, parts: &BTreeMap<String, Part>) -> Result<bool, Error> {
        let mut query =
            self.tx.prepare_cached("select token from dirty_sessions where session_id = ?1").op("prepare")?;
        for (session, part) in parts {
            let found: Option<i64> =
                query.query_row([session], |row| row.get(0)).optional().op("read a session's token")?;
            if found != part.token {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn put_prompt_lines(&self, parts: &BTreeMap<String, Part>) -> Result<(), Error> {
        for (session, part) in parts {
            for line in &part.prompt_lines {
                self.execute(
                    "insert into prompt_lines (line, session_id) values (?1, ?2) on conflict do nothing",
                    params![line, session],
                )?;
            }
        }
        Ok(())
    }

    /// Another ingester may just have derived a session that shares a line with this lineage.
    fn lineage_grew(&self, parts: &BTreeMap<String, Part>) -> Result<bool, Error> {
        let mut query = self.tx.prepare_cached("select session_id from prompt_lines where line = ?1").op("prepare")?;
        for line in parts.values().flat_map(|part| &part.prompt_lines) {
            let sessions = query.query_map([line], |row| row.get::<_, String>(0)).op("read a line's sessions")?;
            for session in sessions {
                if !parts.contains_key(&session.op("read a line's session")?) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// What is written of a part already.
    fn digests(&self, session: &str, part: &Part, found: &mut BTreeMap<ConversationId, Vec<u8>>) -> Result<(), Error> {
        let mut own = self
            .tx
            .prepare_cached("select id, digest from turns where session_id = ?1 and ordinal >= ?2")
            .op("prepare")?;
        let mut of_agent = self
            .tx
            .prepare_cached("select id, digest from turns where session_id = ?1 and agent_id = ?2")
            .op("prepare")?;
        let mut take = |rows: &mut rusqlite::Rows<'_>| -> rusqlite::Result<()> {
            while let Some(row) = rows.next()? {
                found.insert(ConversationId(row.get(0)?), row.get(1)?);
            }
            Ok(())
        };
        own.query(params![session, part.from]).and_then(|mut rows| take(&mut rows)).op("read a session's turns")?;
        for agent in &part.agents {
            let rows = of_agent.query([session, agent]);
            rows.and_then(|mut rows| take(&mut rows)).op("read a subagent's turns")?;
        }
        Ok(())
    }

    fn digest_elsewhere(&self, id: ConversationId) -> Result<Option<Vec<u8>>, Error> {
        self.tx
            .prepare_cached("select digest from turns where id = ?1")
            .op("prepare")?
            .query_row([id.0], |row| row.get(0))
            .optional()
            .op("read a turn")
    }

    fn put_derivation(&self, session: &str, part: &Part) -> Result<(), Error> {
        let settled = part.settled.as_ref();
        self.execute(
            "insert into derivations (session_id, parser, settled_ns, seal) values (?1, ?2, ?3, ?4)
             on conflict (session_id) do update set
                parser = excluded.parser, settled_ns = excluded.settled_ns, seal = excluded.seal
             where (parser, settled_ns, seal) is not (excluded.parser, excluded.settled_ns, excluded.seal)",
            params![session, part.parser, settled.map(|it| it.from_ns), settled.map(|it| &it.seal)],
        )?;
        if part.more {
            return Ok(());
        }
        self.execute("delete from dirty_sessions where session_id = ?1", [session])
    }

    pub(crate) fn execute(&self, sql: &str, params: impl rusqlite::Params) -> Result<(), Error> {
        self.tx.prepare_cached(sql).op("prepare")?.execute(params).op("write")?;
        Ok(())
    }
}
