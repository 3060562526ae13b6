//! What an import asks the store: which roots were ever read, what is there already, how much there is to see.

use std::collections::HashMap;

use rusqlite::params;

use super::Writer;
use super::pieces::Pieces;
use crate::error::{Context, Error};
use crate::ids::{EventId, Span, SpanSource};
use crate::sieve::same_bytes;

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

    /// When each of these payloads, if it is stored of this session, was captured: at its own time, or if it has none as the
    /// first, second, … of the same bytes. What is hidden makes no difference.
    ///
    /// # Errors
    /// The engine's.
    pub fn captures(&self, session_id: &str, payloads: &[(&[u8], Option<u64>)]) -> Result<Vec<Option<u64>>, Error> {
        let mut by_size = self.events_by_size(session_id)?;
        let mut bytes = Pieces::new(&self.conn);
        let mut found = vec![None; payloads.len()];
        for likeness in [Likeness::Exact, Likeness::Masked] {
            for (found, (payload, at)) in found.iter_mut().zip(payloads).filter(|(found, _)| found.is_none()) {
                let Some(stored) = by_size.get_mut(&payload.len()) else { continue };
                let hash = blake3::hash(payload);
                for one in stored.iter_mut().filter(|one| at.map_or(!one.taken, |at| at == one.captured_ns)) {
                    let is_same = match likeness {
                        Likeness::Exact => one.hash == *hash.as_bytes(),
                        Likeness::Masked => bytes.read(one.whole, |stored| same_bytes(stored, payload))?,
                    };
                    if is_same {
                        (one.taken, *found) = (true, Some(one.captured_ns));
                        break;
                    }
                }
            }
        }
        Ok(found)
    }

    fn events_by_size(&self, session_id: &str) -> Result<HashMap<usize, Vec<Capture>>, Error> {
        let mut query = self
            .conn
            .prepare_cached(
                "select id, size, hash, captured_ns from events where session_id = ?1 order by captured_ns, name, id",
            )
            .op("prepare")?;
        let mut rows = query.query([session_id]).op("read the events of a session")?;
        let mut found: HashMap<_, Vec<_>> = HashMap::new();
        while let Some(row) = rows.next().op("read the events of a session")? {
            let read = || -> rusqlite::Result<(i64, u32, [u8; 32], i64)> {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            };
            let (id, length, hash, captured_ns) = read().op("read an event")?;
            let whole = Span { source: SpanSource::Event(EventId(id)), offset: 0, length };
            let one = Capture { whole, hash, captured_ns: captured_ns as u64, taken: false };
            found.entry(length as usize).or_default().push(one);
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

/// A stored event of a session.
struct Capture {
    whole: Span,
    hash: [u8; 32],
    captured_ns: u64,
    /// It is one of those that were looked for.
    taken: bool,
}

/// How a payload is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Likeness {
    Exact,
    Masked,
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
