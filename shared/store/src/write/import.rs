//! What an import asks the store: which roots were ever read, what is there already, how much there is to see.

use std::collections::HashMap;

use rusqlite::params;

use super::Writer;
use crate::error::{Context, Error};

/// Begins the keys of `meta` that hold a projects root each.
const ROOT: &str = "projects_root:";

impl Writer {
    /// The projects roots that were ever read, in order.
    ///
    /// # Errors
    /// The engine's.
    pub fn roots(&self) -> Result<Vec<String>, Error> {
        let mut query = self
            .conn
            .prepare_cached("select substr(key, ?1) from meta where key >= ?2 and key < ?3 order by key")
            .op("prepare")?;
        let end = format!("{}{}", &ROOT[..ROOT.len() - 1], (b':' + 1) as char);
        let rows = query.query_map(params![ROOT.len() as i64 + 1, ROOT, end], |row| row.get(0)).op("read the roots")?;
        rows.collect::<Result<_, _>>().op("read a root")
    }

    /// Notes that a projects root was read. Writes only what is new.
    ///
    /// # Errors
    /// The engine's.
    pub fn record_root(&self, root: &str) -> Result<(), Error> {
        let key = format!("{ROOT}{root}");
        let known: bool = self
            .conn
            .prepare_cached("select exists (select 1 from meta where key = ?1)")
            .op("prepare")?
            .query_row([&key], |row| row.get(0))
            .op("look for a root")?;
        if !known {
            self.conn
                .execute("insert into meta (key, value) values (?1, 1) on conflict do nothing", [&key])
                .op("record a root")?;
        }
        Ok(())
    }

    /// Whether an event of this name and these bytes is stored, whichever data directory it came from: its name holds the
    /// nanosecond and the session, so it is the same event.
    ///
    /// # Errors
    /// The engine's.
    pub fn has_event_of_any_origin(&self, name: &str, payload: &[u8]) -> Result<bool, Error> {
        self.conn
            .prepare_cached("select exists (select 1 from events where name = ?1 and hash = ?2)")
            .op("prepare")?
            .query_row(params![name, blake3::hash(payload).as_bytes()], |row| row.get(0))
            .op("look for an event")
    }

    /// The events of a session by the hash of their bytes, each with the times of its captures in order.
    ///
    /// # Errors
    /// The engine's.
    pub fn event_times(&self, session_id: &str) -> Result<HashMap<[u8; 32], Vec<u64>>, Error> {
        let mut query = self
            .conn
            .prepare_cached("select hash, captured_ns from events where session_id = ?1 order by captured_ns")
            .op("prepare")?;
        let rows = query
            .query_map([session_id], |row| Ok((row.get::<_, [u8; 32]>(0)?, row.get::<_, i64>(1)? as u64)))
            .op("read the events of a session")?;
        let mut found: HashMap<_, Vec<u64>> = HashMap::new();
        for row in rows {
            let (hash, captured_ns) = row.op("read an event")?;
            found.entry(hash).or_default().push(captured_ns);
        }
        Ok(found)
    }

    /// How many conversations the default list has.
    ///
    /// # Errors
    /// The engine's.
    pub fn listed(&self) -> Result<u64, Error> {
        self.conn
            .query_row("select count(*) from turns where kind in ('human', 'command', 'shell')", [], |row| {
                row.get::<_, i64>(0)
            })
            .op("count conversations")
            .map(|count| count as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_recorded_once() {
        let home = tempfile::tempdir().unwrap();
        let dir = queue::DataDir::new(home.path());
        dir.create().unwrap();
        let writer = Writer::open(&dir).unwrap();
        for root in ["/b/projects", "/a/projects", "/b/projects"] {
            writer.record_root(root).unwrap();
        }
        assert_eq!(writer.roots().unwrap(), ["/a/projects", "/b/projects"]);
    }
}
