//! What the database says of itself, from figures that cost the same however large it is.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension};

use super::Reader;
use crate::error::{Context, Error};
use crate::{PARSER, migrate, open};

/// The database's figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// The schema of the file.
    pub schema: i64,
    /// The engine.
    pub engine: &'static str,
    /// Events ever stored.
    pub events: i64,
    /// Conversation ids ever given, to subagents too.
    pub conversations: i64,
    /// When the event that was stored last was captured, in nanoseconds since 1970, UTC.
    pub last_event_ns: Option<i64>,
    /// Sessions that wait to be derived; counted up to [`Health::DIRTY_LIMIT`].
    pub dirty_sessions: i64,
    /// Sessions that were derived by older rules and wait to be derived again; counted up to the same. Until then search and
    /// figures lack what the newer rules add.
    pub older_sessions: i64,
    /// Bytes of the file.
    pub bytes: u64,
    /// Bytes of the write-ahead log.
    pub wal_bytes: u64,
}

impl Health {
    /// No more sessions than this are counted.
    pub const DIRTY_LIMIT: i64 = 10_000;
}

/// Both tables are append-only and never reuse an id, so the last id is the count.
const COUNTS: &str = "
    select coalesce((select max(id) from events), 0), coalesce((select max(id) from conversation_ids), 0),
           (select count(*) from (select 1 from dirty_sessions limit ?1))";

const OLDER: &str =
    "select count(*) from (select 1 from derivations indexed by derivations_parser where parser < ?2 limit ?1)";

const LAST_EVENT: &str = "select captured_ns from events order by id desc limit 1";

/// Reads them. Sizes come from the directory: opening the file by hand would drop the engine's locks.
pub(super) fn read(conn: &Connection, path: &Path) -> Result<Health, Error> {
    let schema = migrate::check(conn, path)?;
    let (events, conversations, dirty_sessions) = conn
        .prepare_cached(COUNTS)
        .op("prepare")?
        .query_row([Health::DIRTY_LIMIT], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .op("count rows")?;
    let last_event_ns = conn
        .prepare_cached(LAST_EVENT)
        .op("prepare")?
        .query_row([], |row| row.get(0))
        .optional()
        .op("look for the last event")?;
    let mut wal = path.as_os_str().to_owned();
    wal.push("-wal");
    Ok(Health {
        schema,
        engine: open::engine_version().0,
        events,
        conversations,
        last_event_ns,
        dirty_sessions,
        older_sessions: older_sessions(conn)?,
        bytes: size(path),
        wal_bytes: size(Path::new(&wal)),
    })
}

const HAS_TRANSCRIPTS: &str = "
    select exists (select 1 from transcripts join origins on origins.id = origin_id and own = 1
                    where root = ?1 and superseded_ms is null)";

impl Reader {
    /// Whether a transcript below `root` was ever read here.
    ///
    /// # Errors
    /// As [`Reader::list`].
    pub fn has_transcripts(&mut self, root: &Path) -> Result<bool, Error> {
        let root = root.to_string_lossy();
        self.ask(|conn| {
            conn.prepare_cached(HAS_TRANSCRIPTS)
                .op("prepare")?
                .query_row([&root], |row| row.get(0))
                .op("look for a root")
        })
    }
}

/// Sessions that were derived by older rules, counted up to [`Health::DIRTY_LIMIT`].
pub(super) fn older_sessions(conn: &Connection) -> Result<i64, Error> {
    conn.prepare_cached(OLDER)
        .op("prepare")?
        .query_row([Health::DIRTY_LIMIT, PARSER], |row| row.get(0))
        .op("count sessions that older rules derived")
}

fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |file| file.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::seed::Store;

    #[test]
    fn figures() {
        let store = Store::new();
        let empty = store.reader().health().unwrap();
        assert_eq!((empty.events, empty.conversations, empty.last_event_ns), (0, 0, None));
        store.event(b"{}");
        store.turn(&crate::read::seed::turn("s", 1, "p"));
        let health = store.reader().health().unwrap();
        assert_eq!((health.schema, health.events, health.conversations), (migrate::SCHEMA, 1, 1));
        assert_eq!(health.last_event_ns, Some(5));
        assert!(health.bytes + health.wal_bytes > 0);
        let old = PARSER - 1;
        store
            .conn
            .execute_batch(&format!(
                "insert into derivations (session_id, parser) values ('a', 0), ('b', {old}), ('c', {PARSER})"
            ))
            .unwrap();
        assert_eq!(store.reader().health().unwrap().older_sessions, 2);
    }
}
