//! Puts the turns of a lineage in place of those that were there, writing only what differs.
//!
//! Design constraints:
//! - An id is given by the first key seen and never changes its meaning (`conversation_ids` has autoincrement: none is
//!   reused). When two ids prove to be one conversation the lower survives and `aliases` says so.
//! - Deriving happens outside a write transaction, so the ground may have moved on meanwhile. The tokens read at its
//!   beginning are compared here; if one differs nothing is written and the session stays dirty.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{OptionalExtension, params};

use super::Batch;
use super::session::{Link, LinkKind, Session};
use super::turn::{Block, ToolCall, Turn};
use crate::error::{Context, Error};
use crate::ids::{ConversationId, Key, Span};
use crate::usage::Usage;

/// A lineage as it was derived: what was read, and what came of it.
#[derive(Debug, Default)]
pub struct Lineage {
    /// Its sessions, each with the token its `dirty_sessions` row had when reading began.
    pub sessions: BTreeMap<String, Option<i64>>,
    /// The prompt lines of each session.
    pub prompt_lines: BTreeMap<String, BTreeSet<[u8; 16]>>,
    /// The facts of each session.
    pub facts: Vec<Session>,
    /// The conversations, parents before nothing in particular.
    pub turns: Vec<Turn>,
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

const KEEP_KEY: &str =
    "insert into conversation_keys (kind, key, conversation_id) values (?1, ?2, ?3) on conflict do nothing";

const MOVE_KEY: &str = "insert into conversation_keys (kind, key, conversation_id) values (?1, ?2, ?3)
                        on conflict do update set conversation_id = excluded.conversation_id";

impl Batch<'_> {
    /// Writes what differs and takes the sessions off the dirty list.
    ///
    /// # Errors
    /// The engine's; the batch must then be given up.
    pub fn replace(&self, lineage: &Lineage, now_ms: i64) -> Result<Replaced, Error> {
        if !self.tokens_are(&lineage.sessions)? {
            return Ok(Replaced::Outdated);
        }
        self.put_prompt_lines(lineage)?;
        if self.lineage_grew(lineage)? {
            return Ok(Replaced::Outdated);
        }
        let ids = self.identify(&lineage.turns, now_ms)?;
        let mut before = self.turn_digests(lineage)?;
        let mut changed = 0;
        for (turn, id) in lineage.turns.iter().zip(&ids) {
            let parent = turn.parent.and_then(|index| ids.get(index)).copied();
            let digest = digest_with_parent(turn, parent);
            let known = match before.remove(id) {
                Some(known) => Some(known),
                None => self.digest_elsewhere(*id)?, // it has moved here from a session outside the lineage
            };
            if known.as_deref() != Some(&digest[..]) {
                self.remove_turn(*id)?;
                self.put_turn(*id, turn, parent, &digest)?;
                changed += 1;
            }
        }
        let removed = before.len() as u64;
        for id in before.into_keys() {
            self.remove_turn(id)?;
        }
        for facts in &lineage.facts {
            self.put_session(facts)?;
            self.put_links(facts)?;
        }
        self.want_places(lineage)?;
        for session in lineage.sessions.keys() {
            self.execute("delete from dirty_sessions where session_id = ?1", [session])?;
        }
        Ok(Replaced::Written { changed, removed })
    }

    fn tokens_are(&self, expected: &BTreeMap<String, Option<i64>>) -> Result<bool, Error> {
        let mut query =
            self.tx.prepare_cached("select token from dirty_sessions where session_id = ?1").op("prepare")?;
        for (session, token) in expected {
            let found: Option<i64> =
                query.query_row([session], |row| row.get(0)).optional().op("read a session's token")?;
            if found != *token {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn put_prompt_lines(&self, lineage: &Lineage) -> Result<(), Error> {
        for (session, lines) in &lineage.prompt_lines {
            for line in lines {
                self.execute(
                    "insert into prompt_lines (line, session_id) values (?1, ?2) on conflict do nothing",
                    params![line, session],
                )?;
            }
        }
        Ok(())
    }

    /// Another ingester may just have derived a session that shares a line with this lineage.
    fn lineage_grew(&self, lineage: &Lineage) -> Result<bool, Error> {
        let mut query = self.tx.prepare_cached("select session_id from prompt_lines where line = ?1").op("prepare")?;
        for line in lineage.prompt_lines.values().flatten() {
            let sessions = query.query_map([line], |row| row.get::<_, String>(0)).op("read a line's sessions")?;
            for session in sessions {
                if !lineage.sessions.contains_key(&session.op("read a line's session")?) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// The id of each turn; makes those that are new, and the aliases. No two turns ever get the same id.
    fn identify(&self, turns: &[Turn], now_ms: i64) -> Result<Vec<ConversationId>, Error> {
        // Who gets an id that the keys of several turns lead to: a prompt before what nobody asked, and either before
        // what was formerly known by the key. An id that was answered with a prompt stays with it.
        let by_rank = |turn: &Turn| match turn.prompt_text {
            Some(_) => [turn.keys.clone(), Vec::new(), turn.former_keys.clone()],
            None => [Vec::new(), turn.keys.clone(), turn.former_keys.clone()],
        };
        let mut owner: BTreeMap<ConversationId, usize> = BTreeMap::new();
        for rank in 0..3 {
            for (index, turn) in turns.iter().enumerate() {
                for key in &by_rank(turn)[rank] {
                    if let Some(id) = self.find_key(key)? {
                        owner.entry(id).or_insert(index);
                    }
                }
            }
        }
        let mut known = vec![BTreeSet::new(); turns.len()];
        for (id, index) in owner {
            known[index].insert(id);
        }
        let mut ids = Vec::with_capacity(turns.len());
        for (turn, known) in turns.iter().zip(&known) {
            // A key whose id went to another conversation leads to the new one from now on.
            let (id, keep) = match known.first() {
                Some(id) => (*id, KEEP_KEY),
                None => {
                    self.execute("insert into conversation_ids (created_ms) values (?1)", [now_ms])?;
                    (ConversationId(self.tx.last_insert_rowid()), MOVE_KEY)
                }
            };
            ids.push(id);
            for key in &turn.keys {
                self.execute(keep, params![key.kind(), key.bytes(), id.0])?;
            }
            self.execute("delete from aliases where id = ?1", [id.0])?;
            for other in known.iter().filter(|other| **other != id) {
                self.execute(
                    "insert into aliases (id, survivor) values (?1, ?2)
                     on conflict do update set survivor = excluded.survivor where survivor <> excluded.survivor",
                    [other.0, id.0],
                )?;
                self.execute("update aliases set survivor = ?2 where survivor = ?1", [other.0, id.0])?;
            }
        }
        Ok(ids)
    }

    fn find_key(&self, key: &Key) -> Result<Option<ConversationId>, Error> {
        self.tx
            .prepare_cached("select conversation_id from conversation_keys where kind = ?1 and key = ?2")
            .op("prepare")?
            .query_row(params![key.kind(), key.bytes()], |row| row.get(0).map(ConversationId))
            .optional()
            .op("look for a key")
    }

    fn turn_digests(&self, lineage: &Lineage) -> Result<BTreeMap<ConversationId, Vec<u8>>, Error> {
        let mut found = BTreeMap::new();
        let mut query = self.tx.prepare_cached("select id, digest from turns where session_id = ?1").op("prepare")?;
        for session in lineage.sessions.keys() {
            let rows = query
                .query_map([session], |row| Ok((ConversationId(row.get(0)?), row.get(1)?)))
                .op("read a session's turns")?;
            for row in rows {
                let (id, digest) = row.op("read a turn")?;
                found.insert(id, digest);
            }
        }
        Ok(found)
    }

    fn digest_elsewhere(&self, id: ConversationId) -> Result<Option<Vec<u8>>, Error> {
        self.tx
            .prepare_cached("select digest from turns where id = ?1")
            .op("prepare")?
            .query_row([id.0], |row| row.get(0))
            .optional()
            .op("read a turn")
    }

    fn remove_turn(&self, id: ConversationId) -> Result<(), Error> {
        self.execute("delete from search where rowid in (select id from blocks where conversation_id = ?1)", [id.0])?;
        self.execute("delete from turns where id = ?1", [id.0])
    }

    fn put_turn(
        &self,
        id: ConversationId,
        turn: &Turn,
        parent: Option<ConversationId>,
        digest: &[u8],
    ) -> Result<(), Error> {
        self.execute(
            "insert into turns (id, session_id, parent_id, agent_id, ordinal, timestamp_ms, ended_ms, kind, via, status,
                                prompt_text, response_text, prompt_id, model, cwd, from_hook, from_transcript, metadata, digest)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)",
            params![
                id.0,
                turn.session_id,
                parent.map(|id| id.0),
                turn.agent_id,
                turn.ordinal,
                turn.timestamp_ms,
                turn.ended_ms,
                turn.kind.as_str(),
                turn.via.as_str(),
                turn.status.as_str(),
                turn.prompt_text,
                turn.response_text,
                turn.prompt_id,
                turn.model,
                turn.cwd,
                turn.from_hook,
                turn.from_transcript,
                turn.metadata,
                digest,
            ],
        )?;
        for (seq, block) in (0..).zip(&turn.blocks) {
            self.put_block(id, seq, block)?;
        }
        for (seq, call) in (0..).zip(&turn.tool_calls) {
            self.put_call(id, seq, call)?;
        }
        for (seq, usage) in (0..).zip(&turn.usage) {
            self.put_usage(id, seq, usage)?;
        }
        Ok(())
    }

    fn put_block(&self, id: ConversationId, seq: i64, block: &Block) -> Result<(), Error> {
        let (source, source_id, offset, length) = columns(block.span);
        self.execute(
            "insert into blocks (conversation_id, seq, kind, at_ms, tool_use_id, source, source_id, source_offset, source_length)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            params![id.0, seq, block.kind.as_str(), block.at_ms, block.tool_use_id, source, source_id, offset, length],
        )?;
        if let Some(words) = &block.search {
            let block_id = self.tx.last_insert_rowid();
            self.execute("insert into search (rowid, text) values (?1, ?2)", params![block_id, words])?;
        }
        Ok(())
    }

    fn put_call(&self, id: ConversationId, seq: i64, call: &ToolCall) -> Result<(), Error> {
        let (in_source, in_id, in_offset, in_length) = columns(call.input);
        let (out_source, out_id, out_offset, out_length) = columns(call.output);
        self.execute(
            "insert into tool_calls (conversation_id, seq, tool_use_id, name, is_error, refused, finished, started_ms, duration_ms,
                                     input_source, input_source_id, input_offset, input_length,
                                     output_source, output_source_id, output_offset, output_length)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
            params![
                id.0,
                seq,
                call.tool_use_id,
                call.name,
                call.is_error,
                call.refused,
                call.finished,
                call.started_ms,
                call.duration_ms,
                in_source,
                in_id,
                in_offset,
                in_length,
                out_source,
                out_id,
                out_offset,
                out_length
            ],
        )
    }

    fn put_usage(&self, id: ConversationId, seq: i64, usage: &Usage) -> Result<(), Error> {
        self.execute(
            "insert into usage (conversation_id, seq, message_id, request_id, model, input_tokens, output_tokens,
                                cache_creation_tokens, cache_creation_1h_tokens, cache_read_tokens)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            params![
                id.0,
                seq,
                usage.message_id,
                usage.request_id,
                usage.model,
                usage.input_tokens,
                usage.output_tokens,
                usage.cache_creation_tokens,
                usage.cache_creation_1h_tokens,
                usage.cache_read_tokens
            ],
        )
    }

    fn put_session(&self, facts: &Session) -> Result<(), Error> {
        self.execute(
            "insert into sessions (session_id, title, title_from, cwd, git_branch, version, model, started_ms, ended_ms, counts)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             on conflict (session_id) do update set
                title = excluded.title, title_from = excluded.title_from, cwd = excluded.cwd,
                git_branch = excluded.git_branch, version = excluded.version, model = excluded.model,
                started_ms = excluded.started_ms, ended_ms = excluded.ended_ms, counts = excluded.counts
             where (title, title_from, cwd, git_branch, version, model, started_ms, ended_ms, counts)
                is not (excluded.title, excluded.title_from, excluded.cwd, excluded.git_branch, excluded.version,
                        excluded.model, excluded.started_ms, excluded.ended_ms, excluded.counts)",
            params![
                facts.session_id,
                facts.title.as_ref().map(|title| &title.text),
                facts.title.as_ref().map(|title| title.from.as_str()),
                facts.cwd.as_ref().or(facts.hook_cwd.as_ref()),
                facts.git_branch,
                facts.version,
                facts.model,
                facts.started_ms,
                facts.ended_ms,
                facts.counts.json(),
            ],
        )
    }

    /// Puts what a session's own lines and events tell of links in place of what they told before. The earlier session
    /// tells where it goes on; of `/clear` both sides tell; everything else the later one tells.
    fn put_links(&self, facts: &Session) -> Result<(), Error> {
        let before = self.links_told_by(&facts.session_id)?;
        for link in before.difference(&facts.links) {
            self.execute(
                "delete from session_links where session_id = ?1 and kind = ?2 and other_session_id = ?3",
                params![link.session_id, link.kind.as_str(), link.other_session_id],
            )?;
        }
        for link in facts.links.difference(&before) {
            self.execute(
                "insert into session_links (session_id, kind, other_session_id) values (?1, ?2, ?3)
                 on conflict do nothing",
                params![link.session_id, link.kind.as_str(), link.other_session_id],
            )?;
        }
        Ok(())
    }

    fn links_told_by(&self, session_id: &str) -> Result<BTreeSet<Link>, Error> {
        let mut query = self
            .tx
            .prepare_cached(
                "select session_id, kind, other_session_id from session_links
                  where (session_id = ?1 and kind <> 'continued-from')
                     or (other_session_id = ?1 and kind in ('continued-from', 'cleared-from'))",
            )
            .op("prepare")?;
        let rows = query
            .query_map([session_id], |row| {
                let kind: String = row.get(1)?;
                let kind = LinkKind::ALL.into_iter().find(|known| known.as_str() == kind);
                Ok(kind.map(|kind| (row.get(0), kind, row.get(2))))
            })
            .op("read a session's links")?;
        let mut found = BTreeSet::new();
        for row in rows {
            if let Some((session, kind, other)) = row.op("read a link")? {
                found.insert(Link {
                    session_id: session.op("read a link")?,
                    kind,
                    other_session_id: other.op("read a link")?,
                });
            }
        }
        Ok(found)
    }

    pub(crate) fn execute(&self, sql: &str, params: impl rusqlite::Params) -> Result<(), Error> {
        self.tx.prepare_cached(sql).op("prepare")?.execute(params).op("write")?;
        Ok(())
    }
}

/// A parent is known by its id, so its number among the lineage's turns (which may change) is left out.
fn digest_with_parent(turn: &Turn, parent: Option<ConversationId>) -> Vec<u8> {
    // By which keys it was known before is no part of the row either: it may be forgotten once its own keys are there.
    let plain = Turn { parent: None, former_keys: Vec::new(), ..turn.clone() };
    let mut digest = plain.digest().to_vec();
    digest.extend(parent.map_or(0, |id| id.0).to_le_bytes());
    digest
}

/// The columns of a place, all null where there is none.
fn columns(span: Option<Span>) -> (Option<i64>, Option<i64>, Option<i64>, Option<i64>) {
    match span.map(Span::columns) {
        Some((source, id, offset, length)) => (Some(source), Some(id), Some(offset), Some(length)),
        None => (None, None, None, None),
    }
}
