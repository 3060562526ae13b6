//! How the ingester does, from figures that cost the same however large the store is.

use rusqlite::{Connection, OptionalExtension};

use super::Reader;
use crate::error::{Context, Error};
use crate::figures::{Figures, Pass, Seen};
use crate::latency::{self, Latency};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

impl Reader {
    /// What is kept of how the ingester does. `now_ms` is now, since 1970.
    ///
    /// # Errors
    /// As [`Reader::list`].
    pub fn figures(&mut self, now_ms: i64) -> Result<Figures, Error> {
        self.ask(|conn| read(conn, now_ms))
    }

    /// How long the events waited that were committed in that slot of five minutes or later, as far as it is still kept.
    ///
    /// # Errors
    /// As [`Reader::list`].
    pub fn waited(&mut self, from: i64) -> Result<Vec<Waited>, Error> {
        self.ask(|conn| {
            let mut query = conn
                .prepare_cached("select slot, bucket, events from latencies where slot >= ?1 order by slot, bucket")
                .op("prepare")?;
            let rows = query.query_map([from], |row| {
                Ok(Waited { slot: row.get(0)?, wait_ms: latency::middle(row.get(1)?), events: row.get(2)? })
            });
            rows.and_then(Iterator::collect).op("read the waits")
        })
    }
}

/// So many events that were committed in one slot of five minutes waited about so long from their capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waited {
    /// The slot, in units of five minutes since 1970.
    pub slot: i64,
    /// Milliseconds, at most 1/16 off.
    pub wait_ms: i64,
    /// How many.
    pub events: i64,
}

fn read(conn: &Connection, now_ms: i64) -> Result<Figures, Error> {
    let first_stored_ms = conn
        .prepare_cached("select stored_ms from events order by id limit 1")
        .op("prepare")?
        .query_row([], |row| row.get(0))
        .optional()
        .op("look for the first event")?;
    Ok(Figures {
        last_pass: last_pass(conn)?,
        hour: waits(conn, now_ms, HOUR_MS)?,
        day: waits(conn, now_ms, DAY_MS)?,
        totals: totals(conn)?,
        seen: seen(conn)?,
        first_stored_ms,
    })
}

fn last_pass(conn: &Connection) -> Result<Option<Pass>, Error> {
    let mut query = conn
        .prepare_cached(
            "select command, began_ms, took_ms, queue_ms, transcripts_ms, derive_ms, stored, replayed, failed, put_back,
                    adopted, drained, bytes, transcript_files, transcript_bytes, sessions, conversations, trouble
               from passes order by id desc limit 1",
        )
        .op("prepare")?;
    let pass = query.query_row([], |row| {
        Ok(Pass {
            command: row.get(0)?,
            began_ms: row.get(1)?,
            took_ms: row.get(2)?,
            queue_ms: row.get(3)?,
            transcripts_ms: row.get(4)?,
            derive_ms: row.get(5)?,
            stored: row.get(6)?,
            replayed: row.get(7)?,
            failed: row.get(8)?,
            ignored: 0,
            put_back: row.get(9)?,
            adopted: row.get(10)?,
            drained: row.get(11)?,
            bytes: row.get(12)?,
            transcript_files: row.get(13)?,
            transcript_bytes: row.get(14)?,
            sessions: row.get(15)?,
            conversations: row.get(16)?,
            trouble: row.get(17)?,
        })
    });
    pass.optional().op("read the last pass")
}

/// Of the slots that reach into the span: five minutes more than the span at most. Slots of the future are none.
fn waits(conn: &Connection, now_ms: i64, span_ms: i64) -> Result<Latency, Error> {
    let mut query = conn
        .prepare_cached(
            "select bucket, sum(events) from latencies where slot between ?1 and ?2 group by bucket order by 1",
        )
        .op("prepare")?;
    let slots = [latency::slot(now_ms - span_ms), latency::slot(now_ms)];
    let rows = query.query_map(slots, |row| Ok((row.get(0)?, row.get(1)?))).op("read waits")?;
    Ok(Latency::of(&rows.collect::<Result<Vec<_>, _>>().op("read a wait")?))
}

fn totals(conn: &Connection) -> Result<Vec<(String, i64)>, Error> {
    let mut query = conn.prepare_cached("select name, value from totals order by name").op("prepare")?;
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).op("read totals")?;
    rows.collect::<Result<_, _>>().op("read a total")
}

fn seen(conn: &Connection) -> Result<Seen, Error> {
    let mut seen = Seen::default();
    let mut query = conn.prepare_cached("select from_hook, from_transcript, turns from turns_seen").op("prepare")?;
    let mut rows = query.query([]).op("read sources")?;
    while let Some(row) = rows.next().op("read a source")? {
        let both: (bool, bool) = (row.get(0).op("read a source")?, row.get(1).op("read a source")?);
        let turns = row.get(2).op("read a source")?;
        match both {
            (true, false) => seen.hook_only = turns,
            (false, true) => seen.transcript_only = turns,
            (true, true) => seen.both = turns,
            (false, false) => {}
        }
    }
    Ok(seen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrate;
    use crate::read::seed::{Row, Store, turn};

    /// What the triggers counted is what counting gives, after any change.
    #[test]
    fn sources_are_counted_as_they_change() {
        let store = Store::new();
        let check = |sql: &str, expected: [i64; 3]| {
            store.conn.execute_batch(sql).unwrap();
            let Seen { hook_only, transcript_only, both } = store.reader().figures(0).unwrap().seen;
            assert_eq!([hook_only, transcript_only, both], expected, "{sql}");
            for ((hook, transcript), counted) in [(1, 0), (0, 1), (1, 1)].into_iter().zip(expected) {
                let sql = "select count(*) from turns where kind in ('human', 'command', 'shell')
                              and from_hook = ?1 and from_transcript = ?2";
                let found = store.conn.query_row(sql, [hook, transcript], |row| row.get::<_, i64>(0));
                assert_eq!(found, Ok(counted));
            }
        };
        check("", [0, 0, 0]);
        for n in 1..=5 {
            store.turn(&turn("s", n, "p"));
        }
        store.turn(&Row { kind: "subagent", ..turn("s", 6, "p") });
        check("", [5, 0, 0]);
        check("update turns set from_transcript = 1 where id <= 2", [3, 0, 2]);
        check("update turns set from_hook = 0, from_transcript = 1 where id = 3", [2, 1, 2]);
        check("update turns set kind = 'local' where id = 4", [1, 1, 2]);
        check("update turns set kind = 'shell' where id = 6", [2, 1, 2]);
        check("update turns set status = 'open', kind = 'command' where id = 1", [2, 1, 2]);
        check("delete from turns where id in (1, 6)", [1, 1, 1]);
        check(
            "insert into turns select * from turns where id = 2
             on conflict (id) do update set from_hook = 0",
            [1, 2, 0],
        );
        check("delete from turns", [0, 0, 0]);
    }

    /// What an older store holds is counted when it is migrated.
    #[test]
    fn sources_of_an_older_store() {
        let home = tempfile::tempdir().unwrap();
        let dir = queue::DataDir::new(home.path());
        std::fs::create_dir_all(dir.database_dir()).unwrap();
        let conn = Connection::open(dir.database()).unwrap();
        for sql in &migrate::MIGRATIONS[..5] {
            conn.execute_batch(sql).unwrap();
        }
        conn.pragma_update(None, "application_id", migrate::APPLICATION_ID).unwrap();
        conn.pragma_update(None, "user_version", 5).unwrap();
        let sources = [("human", 1, 0), ("command", 1, 1), ("shell", 1, 1), ("human", 0, 1), ("subagent", 0, 1)];
        for (kind, hook, transcript) in sources {
            conn.execute("insert into conversation_ids (created_ms) values (0)", []).unwrap();
            let sql = "insert into turns (id, session_id, ordinal, timestamp_ms, kind, via, status, from_hook,
                                          from_transcript, metadata, digest)
                       values (last_insert_rowid(), 's', 1, 1, ?1, 'print', 'complete', ?2, ?3, '{}', x'')";
            conn.execute(sql, rusqlite::params![kind, hook, transcript]).unwrap();
        }
        drop(conn);
        drop(crate::write::Writer::open(&dir).unwrap());
        let seen = Reader::open(&dir).unwrap().figures(0).unwrap().seen;
        assert_eq!(seen, Seen { hook_only: 1, transcript_only: 1, both: 2 });
    }
}
