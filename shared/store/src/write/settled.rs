//! What deriving asks of the settled part of a session, so that it need not be read again.

use rusqlite::{Connection, OptionalExtension, params};

use super::derived::Settled;
use super::ground::Ground;
use super::{Batch, Writer};
use crate::error::{Context, Error};
use crate::ids::{ConversationId, Key};

/// How a session was derived last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Derivation {
    /// By which version of the rules.
    pub parser: i64,
    /// Up to where it is settled.
    pub settled: Option<Settled>,
}

const IS_SETTLED: &str = "
    select exists (
        select 1 from conversation_keys k
          left join aliases a on a.id = k.conversation_id
          join turns t on t.id = coalesce(a.survivor, k.conversation_id)
         where k.kind = ?1 and k.key = ?2
           and (t.session_id <> ?3 or (t.ordinal < ?4 and t.agent_id is null)))";

const HAS_PROMPT: &str = "
    select exists (select 1 from turns indexed by turns_prompt
                    where session_id = ?1 and prompt_id = ?2 and ordinal < ?3 and agent_id is null)";

// The plus keeps the engine from putting the one condition into the other.
const HAS_MESSAGE: &str = "
    select t.agent_id
      from usage u indexed by usage_message cross join turns t on t.id = u.conversation_id
     where substr(u.message_id, -8) = substr(?1, -8) and +u.message_id = ?1
       and t.session_id = ?2 and t.ordinal < ?3";

const PARENT: &str = "
    select p.id, p.ordinal
      from turns t indexed by turns_agent join turns p on p.id = t.parent_id
     where t.agent_id = ?1 and t.session_id = ?2 and p.ordinal < ?3 limit 1";

const UNSEAL: &str = "update derivations set settled_ns = null, seal = null where session_id = ?1";

/// Every session is to be derived again from its beginning.
pub(crate) fn mark_all_dirty(conn: &Connection) -> Result<(), Error> {
    conn.execute_batch(
        "update derivations set settled_ns = null, seal = null where seal is not null;
         insert into dirty_sessions (session_id, token)
         select session_id, random() from
            (select session_id from transcripts where role <> 'history'
             union select session_id from events
             union select session_id from derivations
             union select session_id from turns)
          where true
         on conflict (session_id) do update set token = excluded.token",
    )
    .op("mark all sessions")
}

impl Batch<'_> {
    /// An event of this moment has come: if it stands in the settled part, nothing of the session is settled any more.
    pub(super) fn unseal_before(&self, session_id: &str, captured_ns: i64) -> Result<(), Error> {
        self.execute(&format!("{UNSEAL} and settled_ns > ?2"), params![session_id, captured_ns])
    }

    /// Every session is to be derived again from its beginning.
    ///
    /// # Errors
    /// The engine's.
    pub fn mark_all_dirty(&self) -> Result<(), Error> {
        mark_all_dirty(&self.tx)
    }

    /// Empties the indexes of words; deriving with [`super::Look::Rows`] fills them again. Those of what people say and of
    /// titles, which deriving does not write, are made anew here.
    ///
    /// # Errors
    /// The engine's.
    pub fn clear_index(&self) -> Result<(), Error> {
        self.execute("insert into search (search) values ('delete-all')", [])?;
        self.execute("insert into search_tools (search_tools) values ('delete-all')", [])?;
        self.execute("insert into search_parts (search_parts) values ('delete-all')", [])?;
        self.index_texts()
    }

    /// The session is to be derived from its beginning.
    ///
    /// # Errors
    /// The engine's.
    pub fn unseal(&self, session_id: &str) -> Result<(), Error> {
        self.execute(UNSEAL, [session_id])
    }
}

impl Writer {
    /// How many sessions wait to be derived.
    ///
    /// # Errors
    /// The engine's.
    pub fn dirty(&self) -> Result<u64, Error> {
        self.conn
            .query_row("select count(*) from dirty_sessions", [], |row| row.get::<_, i64>(0))
            .map(|count| count as u64)
            .op("count dirty sessions")
    }
}

impl Ground<'_> {
    /// How a session was derived last, `None` if never.
    ///
    /// # Errors
    /// The engine's.
    pub fn derivation(&self, session_id: &str) -> Result<Option<Derivation>, Error> {
        self.tx
            .prepare_cached("select parser, settled_ns, seal from derivations where session_id = ?1")
            .op("prepare")?
            .query_row([session_id], |row| {
                let settled = row.get::<_, Option<i64>>(1)?.zip(row.get(2)?);
                Ok(Derivation {
                    parser: row.get(0)?,
                    settled: settled.map(|(from_ns, seal)| Settled { from_ns, seal }),
                })
            })
            .optional()
            .op("read a derivation")
    }

    /// Up to `limit` sessions that were derived by older rules than `parser`.
    ///
    /// # Errors
    /// The engine's.
    pub fn derived_before(&self, parser: i64, limit: usize) -> Result<Vec<String>, Error> {
        let mut query = self
            .tx
            .prepare_cached("select session_id from derivations where parser < ?1 order by parser limit ?2")
            .op("prepare")?;
        let rows = query.query_map([parser, limit as i64], |row| row.get(0)).op("read old derivations")?;
        rows.collect::<Result<_, _>>().op("read an old derivation")
    }

    /// Whether a key leads to a conversation that the part of a session from turn `from` on has nothing to do with: a
    /// settled one of its own, or another session's. A subagent's may be written again at any time.
    ///
    /// # Errors
    /// The engine's.
    pub fn is_settled(&self, key: &Key, session_id: &str, from: i64) -> Result<bool, Error> {
        self.asks(IS_SETTLED, params![key.kind(), key.bytes(), session_id, from])
    }

    /// Whether a settled turn of the session has this prompt id.
    ///
    /// # Errors
    /// The engine's.
    pub fn has_settled_prompt(&self, prompt_id: &str, session_id: &str, from: i64) -> Result<bool, Error> {
        self.asks(HAS_PROMPT, params![session_id, prompt_id, from])
    }

    /// Whether a settled turn of the session, or a subagent other than `agents`, counts the tokens of this message.
    ///
    /// # Errors
    /// The engine's.
    pub fn has_settled_message(
        &self,
        message_id: &str,
        session_id: &str,
        from: i64,
        agents: impl Fn(&str) -> bool,
    ) -> Result<bool, Error> {
        let mut query = self.tx.prepare_cached(HAS_MESSAGE).op("prepare")?;
        let rows = query
            .query_map(params![message_id, session_id, from], |row| row.get::<_, Option<String>>(0))
            .op("look for a message")?;
        for agent in rows {
            if !agent.op("look for a message")?.is_some_and(|agent| agents(&agent)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The settled conversation that started a subagent, with its ordinal.
    ///
    /// # Errors
    /// The engine's.
    pub fn settled_parent(
        &self,
        agent_id: &str,
        session_id: &str,
        from: i64,
    ) -> Result<Option<(ConversationId, i64)>, Error> {
        self.tx
            .prepare_cached(PARENT)
            .op("prepare")?
            .query_row(params![agent_id, session_id, from], |row| Ok((ConversationId(row.get(0)?), row.get(1)?)))
            .optional()
            .op("look for a subagent's parent")
    }

    fn asks(&self, sql: &str, params: impl rusqlite::Params) -> Result<bool, Error> {
        self.tx.prepare_cached(sql).op("prepare")?.query_row(params, |row| row.get(0)).op("ask the settled part")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is asked at each appended line must not depend on how long the session is: every table is searched by all that
    /// tells its rows apart.
    #[test]
    fn nothing_reads_the_settled_part() {
        let home = tempfile::tempdir().unwrap();
        let writer = Writer::open(&queue::DataDir::new(home.path())).unwrap();
        let check = |sql: &str, expected: &[&str]| {
            let mut query = writer.conn.prepare(&format!("explain query plan {sql}")).unwrap();
            let mut rows = query.raw_query();
            let mut plan = Vec::new();
            while let Some(row) = rows.next().unwrap() {
                let step: String = row.get(3).unwrap();
                plan.extend((step.starts_with("SEARCH") || step.starts_with("SCAN ")).then_some(step));
            }
            plan.retain(|step| step != "SCAN CONSTANT ROW");
            assert_eq!(plan, expected, "{sql}");
        };
        let row = "USING INTEGER PRIMARY KEY (rowid=?)";
        check(
            IS_SETTLED,
            &[
                "SEARCH k USING PRIMARY KEY (kind=? AND key=?)",
                &format!("SEARCH a {row} LEFT-JOIN"),
                &format!("SEARCH t {row}"),
            ],
        );
        check(HAS_PROMPT, &["SEARCH turns USING INDEX turns_prompt (session_id=? AND prompt_id=?)"]);
        check(HAS_MESSAGE, &["SEARCH u USING INDEX usage_message (<expr>=?)", &format!("SEARCH t {row}")]);
        check(PARENT, &["SEARCH t USING INDEX turns_agent (agent_id=?)", &format!("SEARCH p {row}")]);
    }
}
