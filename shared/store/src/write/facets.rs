//! The narrow row that a conversation is found by, and which tools it used itself: written with the turn, never elsewhere.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, ToSql, params};

use super::Batch;
use super::rows::{Before, Placed};
use super::turn::Turn;
use crate::error::{Context, Error};
use crate::ids::ConversationId;
use crate::words::Status;

/// The columns of a facets row but its key, in the order in which they are written and compared.
macro_rules! columns {
    () => {
        "kind, via, status, folder_id, model_id, failed, prompt_length, tokens, cost"
    };
}

macro_rules! values {
    () => {
        "?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11"
    };
}

const PUT: &str = concat!(
    "insert into facets (timestamp_ms, conversation_id, ",
    columns!(),
    ") values (?1, ?2, ",
    values!(),
    ") on conflict do update set (",
    columns!(),
    ") = (",
    values!(),
    ") where (",
    columns!(),
    ") is not (",
    values!(),
    ")"
);

const HAS: &str = concat!(
    "select exists (select 1 from facets where timestamp_ms = ?1 and conversation_id = ?2 and (",
    columns!(),
    ") is (",
    values!(),
    "))"
);

const PUT_USE: &str = "
    insert into tool_uses (tool_id, timestamp_ms, conversation_id, calls, failures) values (?1, ?2, ?3, ?4, ?5)
    on conflict do update set calls = excluded.calls, failures = excluded.failures
     where (calls, failures) is not (excluded.calls, excluded.failures)";

const HAS_USE: &str = "
    select exists (select 1 from tool_uses u join tools n on n.id = u.tool_id
                    where n.name = ?1 and u.timestamp_ms = ?2 and u.conversation_id = ?3
                      and (u.calls, u.failures) = (?4, ?5))";

const REMOVE_USE: &str = "
    delete from tool_uses
     where tool_id = (select id from tools where name = ?1) and timestamp_ms = ?2 and conversation_id = ?3";

/// How often a tool was called, and how often that failed or was refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Uses {
    calls: i64,
    failures: i64,
}

/// The tools of a turn, by name.
fn uses(turn: &Turn) -> BTreeMap<&str, Uses> {
    let mut found: BTreeMap<&str, Uses> = BTreeMap::new();
    for call in &turn.tool_calls {
        let uses = found.entry(&call.name).or_default();
        uses.calls += 1;
        uses.failures += i64::from(call.is_error || call.refused);
    }
    found
}

/// In characters, as SQLite's `length` counts them: up to a NUL.
fn length(text: &str) -> i64 {
    text.chars().take_while(|c| *c != '\0').count() as i64
}

/// What the messages of a turn cost as far as that is known; `None` where nothing is but something was used.
fn cost(turn: &Turn) -> Option<i64> {
    let known = || turn.usage.iter().filter_map(|usage| usage.cost);
    (turn.usage.is_empty() || known().next().is_some()).then(|| known().fold(0, i64::saturating_add))
}

impl Placed<'_> {
    fn facets<T>(&self, model_id: Option<i64>, run: impl FnOnce(&[&dyn ToSql]) -> T) -> T {
        let turn = self.turn;
        let tokens = turn.usage.iter().fold(0_i64, |sum, usage| {
            let counts =
                [usage.input_tokens, usage.output_tokens, usage.cache_creation_tokens, usage.cache_read_tokens];
            counts.into_iter().fold(sum, i64::saturating_add)
        });
        run(params![
            turn.timestamp_ms,
            self.id.0,
            turn.kind.number(),
            turn.via.number(),
            turn.status.number(),
            self.folder_id,
            model_id,
            turn.status == Status::Failed || turn.tool_calls.iter().any(|call| call.is_error || call.refused),
            turn.prompt_text.as_deref().map_or(0, length),
            tokens,
            cost(turn),
        ])
    }
}

impl Batch<'_> {
    /// Takes away what will not be written over.
    pub(super) fn leave_facets(&self, row: &Placed<'_>, before: &Before) -> Result<(), Error> {
        if before.timestamp_ms != row.turn.timestamp_ms {
            return self.remove_facets(row.id, before);
        }
        let wanted = uses(row.turn);
        for name in self.tools_of(row.id)?.iter().filter(|name| !wanted.contains_key(name.as_str())) {
            self.execute(REMOVE_USE, params![name, before.timestamp_ms, row.id.0])?;
        }
        Ok(())
    }

    /// Takes away all, while the tool calls still stand there.
    pub(super) fn remove_facets(&self, id: ConversationId, before: &Before) -> Result<(), Error> {
        for name in self.tools_of(id)? {
            self.execute(REMOVE_USE, params![name, before.timestamp_ms, id.0])?;
        }
        self.execute("delete from facets where timestamp_ms = ?1 and conversation_id = ?2", [before.timestamp_ms, id.0])
    }

    pub(super) fn put_facets(&self, row: &Placed<'_>) -> Result<(), Error> {
        let model_id = match &row.turn.model {
            Some(name) => Some(self.model(name)?),
            None => None,
        };
        for model in row.turn.usage.iter().filter_map(|usage| usage.model.as_deref()) {
            self.model(model)?;
        }
        row.facets(model_id, |facets| self.execute(PUT, facets))?;
        for (name, uses) in uses(row.turn) {
            let use_of = params![self.tool(name)?, row.turn.timestamp_ms, row.id.0, uses.calls, uses.failures];
            self.execute(PUT_USE, use_of)?;
        }
        Ok(())
    }

    /// Whether they stand there as they are wanted. Tools that were not used are not looked for: `doctor` does that for all
    /// rows at once.
    pub(super) fn has_facets(&self, row: &Placed<'_>) -> Result<bool, Error> {
        let model_id = match &row.turn.model {
            Some(name) => self.number("select id from models where name = ?1", name)?,
            None => None,
        };
        let mut has = self.tx.prepare_cached(HAS).op("prepare")?;
        if !row.facets(model_id, |facets| has.query_row(facets, |row| row.get(0))).op("read facets")? {
            return Ok(false);
        }
        let mut has_use = self.tx.prepare_cached(HAS_USE).op("prepare")?;
        for (name, uses) in uses(row.turn) {
            let use_of = params![name, row.turn.timestamp_ms, row.id.0, uses.calls, uses.failures];
            if !has_use.query_row(use_of, |row| row.get(0)).op("read a tool's uses")? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The names of the tools whose calls stand there.
    fn tools_of(&self, id: ConversationId) -> Result<Vec<String>, Error> {
        let mut query =
            self.tx.prepare_cached("select distinct name from tool_calls where conversation_id = ?1").op("prepare")?;
        let names = query.query_map([id.0], |row| row.get(0)).op("read a turn's tools")?;
        names.collect::<Result<_, _>>().op("read a turn's tool")
    }

    fn model(&self, name: &str) -> Result<i64, Error> {
        match self.number("select id from models where name = ?1", name)? {
            Some(id) => Ok(id),
            None => self.numbered("insert into models (name) values (?1)", name),
        }
    }

    fn tool(&self, name: &str) -> Result<i64, Error> {
        match self.number("select id from tools where name = ?1", name)? {
            Some(id) => Ok(id),
            None => self.numbered("insert into tools (name) values (?1)", name),
        }
    }

    fn number(&self, sql: &str, name: &str) -> Result<Option<i64>, Error> {
        let mut query = self.tx.prepare_cached(sql).op("prepare")?;
        query.query_row([name], |row| row.get(0)).optional().op("look for a name")
    }

    fn numbered(&self, sql: &str, name: &str) -> Result<i64, Error> {
        self.execute(sql, [name])?;
        Ok(self.tx.last_insert_rowid())
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use crate::migrate::{self, MIGRATIONS};
    use crate::read::inspect::{FACETS, TOOL_USES};

    /// What a database of the schema before has: a forked session, a turn without a directory, tools that fail, a prompt with
    /// a NUL, tokens that no integer holds.
    const BEFORE: &str = "
        insert into origins values (1, 'own', 1), (2, 'other', 0);
        insert into transcripts (origin_id, root, path, role, session_id, device, inode, source_size, source_mtime_ns,
                                 stored_size, tail_hash) values (2, '/r', 'p', 'main', 'a', 1, 1, 1, 0, 1, x'');
        insert into events (origin_id, name, hash, captured_ns, event, session_id, size, codec, payload, stored_ms)
        values (1, 'n', x'', 5, 'Stop', 'b', 1, 0, x'', 0);
        insert into sessions (session_id, cwd) values ('a', '/a'), ('b', '/a'), ('c', null);
        insert into conversation_ids (id, created_ms) values (1, 0), (2, 0), (3, 0), (4, 0), (5, 0);
        insert into turns (id, session_id, ordinal, timestamp_ms, kind, via, status, prompt_text, model, cwd, from_hook,
                           from_transcript, metadata, digest)
        values (1, 'a', 0, 1000, 'human', 'interactive', 'complete', 'häuser', 'm', null, 1, 1, '{}', x''),
               (2, 'a', 1, 1000, 'subagent', 'sdk', 'open', null, 'm', '/a/b', 1, 1, '{}', x''),
               (3, 'b', 0, 900, 'shell', 'desktop', 'failed', 'a' || char(0) || 'b', 'n', '/a', 1, 1, '{}', x''),
               (4, 'c', 0, 2000, 'notification', 'unknown', 'interrupted', '', null, null, 1, 1, '{}', x''),
               (5, 'nowhere', 0, -5, 'local', 'print', 'complete', 'x', null, '/z', 1, 1, '{}', x'');
        insert into tool_calls (conversation_id, seq, name, is_error, refused, finished)
        values (1, 0, 'Bash', 0, 0, 1), (1, 1, 'Bash', 1, 0, 1), (1, 2, 'Edit', 0, 1, 1), (2, 0, 'Bash', 0, 0, 1);
        insert into usage (conversation_id, seq, message_id, input_tokens, output_tokens, cache_creation_tokens, cache_read_tokens)
        values (1, 0, 'x', 1, 2, 3, 4), (1, 1, 'y', 10, 20, 30, 40), (2, 0, 'z', 9223372036854775807, 1, 0, 0);";

    fn rows(conn: &Connection, sql: &str) -> Vec<String> {
        let mut query = conn.prepare(sql).unwrap();
        let count = query.column_count();
        let rows = query
            .query_map([], |row| (0..count).map(|at| row.get(at)).collect::<Result<Vec<rusqlite::types::Value>, _>>());
        rows.unwrap().map(|row| format!("{:?}", row.unwrap())).collect()
    }

    /// After an upgrade every list is there at once.
    #[test]
    fn the_migration_fills_what_lists_are_made_from() {
        let mut conn = Connection::open_in_memory().unwrap();
        crate::functions::add(&conn).unwrap();
        for sql in &MIGRATIONS[..6] {
            conn.execute_batch(sql).unwrap();
        }
        conn.execute_batch(BEFORE).unwrap();
        conn.pragma_update(None, "application_id", migrate::APPLICATION_ID).unwrap();
        conn.pragma_update(None, "user_version", 6).unwrap();
        migrate::run(&mut conn, std::path::Path::new("x")).unwrap();
        assert_eq!(rows(&conn, "select * from facets"), rows(&conn, &format!("{FACETS} order by 1, 2")));
        assert_eq!(rows(&conn, "select * from tool_uses"), rows(&conn, &format!("{TOOL_USES} order by 1, 2, 3")));
        let named = "
            select concat_ws(' ', f.kind, f.via, f.status, d.origin_id, d.cwd, m.name, f.failed, f.prompt_length, f.tokens,
                             coalesce(f.cost, 'unknown'))
              from facets f left join folders d on d.id = f.folder_id left join models m on m.id = f.model_id
             order by f.conversation_id";
        let mut query = conn.prepare(named).unwrap();
        let found: Vec<String> = query.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
        let expected = [
            "0 0 0 2 /a m 1 6 110 unknown",
            "5 2 3 2 /a/b m 0 0 9200000000000000000 unknown",
            "2 4 2 1 /a n 1 1 0 0",
            "4 5 1 0 0 0 0",
            "3 1 0 0 /z 0 1 0 0",
        ];
        assert_eq!(found, expected);
    }
}
