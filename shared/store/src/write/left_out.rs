//! Sessions that began in an ignored folder, and what the store itself can tell of where another began.
//!
//! A row is a hash of the session and of the pattern that ignores it, so nothing of either can be read from it, and it means
//! nothing any more where that pattern is gone. Rows are never removed: with the pattern back they are as true as before.

use std::collections::HashSet;
use std::ops::ControlFlow;

use rusqlite::Connection;

use super::Writer;
use super::ground::{Ground, Role};
use crate::codec;
use crate::error::{Context, Error};
use crate::sieve::{Mark, hash};

/// A session, and a pattern that ignores it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LeftOut(Mark);

impl LeftOut {
    /// Of this session by this pattern.
    pub fn new(session_id: &str, pattern: &str) -> Self {
        let mut both = blake3::hash(session_id.as_bytes()).as_bytes().to_vec();
        both.extend_from_slice(pattern.as_bytes());
        Self(hash(&both))
    }
}

/// How many there are; it only grows.
pub(super) fn count(conn: &Connection) -> Result<i64, Error> {
    conn.prepare_cached("select count(*) from left_out")
        .op("prepare")?
        .query_row([], |row| row.get(0))
        .op("count ignored sessions")
}

/// All of them.
pub(super) fn load(conn: &Connection) -> Result<HashSet<LeftOut>, Error> {
    let mut query = conn.prepare_cached("select key from left_out").op("prepare")?;
    let rows = query.query_map([], |row| Ok(LeftOut(row.get(0)?))).op("read ignored sessions")?;
    rows.collect::<Result<_, _>>().op("read an ignored session")
}

fn is_known(conn: &Connection, key: LeftOut) -> Result<bool, Error> {
    conn.prepare_cached("select exists (select 1 from left_out where key = ?1)")
        .op("prepare")?
        .query_row([key.0], |row| row.get(0))
        .op("look for an ignored session")
}

impl Writer {
    /// Keeps for good that these are ignored. Only after this returned may anything of them be removed.
    ///
    /// # Errors
    /// As [`Writer::batch`] and [`super::Batch::commit`].
    pub fn leave_out(&mut self, keys: &[LeftOut]) -> Result<(), Error> {
        let mut new = Vec::new();
        for key in keys {
            if !is_known(&self.conn, *key)? {
                new.push(key);
            }
        }
        if new.is_empty() {
            return Ok(());
        }
        let batch = self.batch()?;
        for key in new {
            batch
                .tx
                .prepare_cached("insert into left_out (key) values (?1) on conflict do nothing")
                .op("prepare")?
                .execute([key.0])
                .op("keep an ignored session")?;
        }
        batch.commit()
    }
}

impl Ground<'_> {
    /// Whether it was kept that one of these is ignored.
    ///
    /// # Errors
    /// The engine's.
    pub fn is_left_out(&self, keys: &[LeftOut]) -> Result<bool, Error> {
        for key in keys {
            if is_known(&self.tx, *key)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The beginning of the session's transcript, of several the one that came first, piece after piece until `take` breaks.
    ///
    /// # Errors
    /// As [`Ground::bytes`].
    pub fn beginning(&self, session_id: &str, take: impl FnMut(&[u8]) -> ControlFlow<()>) -> Result<(), Error> {
        let files = self.files(session_id)?;
        let main = files.iter().filter(|file| file.role == Role::Main).min_by_key(|file| file.id);
        main.map_or(Ok(()), |main| self.bytes(main.id, 0, take))
    }

    /// The payloads of the session's events as they were captured, until `take` breaks.
    ///
    /// # Errors
    /// As [`Ground::events`].
    pub fn payloads(&self, session_id: &str, mut take: impl FnMut(&[u8]) -> ControlFlow<()>) -> Result<(), Error> {
        let sql = "select size, codec, payload from events where session_id = ?1 order by captured_ns";
        let mut query = self.tx.prepare_cached(sql).op("prepare")?;
        let mut rows = query.query([session_id]).op("read events")?;
        while let Some(row) = rows.next().op("read an event")? {
            let read = || -> rusqlite::Result<(i64, i64, Vec<u8>)> { Ok((row.get(0)?, row.get(1)?, row.get(2)?)) };
            let (size, kind, payload) = read().op("read an event")?;
            let payload = codec::unpack(kind, payload, size as usize)
                .map_err(|error| Error::Corrupt { op: "unpack an event", detail: error.to_string() })?;
            if take(&payload).is_break() {
                break;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::sieve::Guard;

    struct Patterns(Vec<String>);

    impl Guard for Patterns {
        fn hides(&self) -> bool {
            false
        }
        fn hide_in_json(&self, _bytes: &mut [u8]) -> bool {
            false
        }
        fn hide_in_text(&self, _bytes: &mut [u8]) -> bool {
            false
        }
        fn patterns(&self) -> &[String] {
            &self.0
        }
    }

    /// A row is of one session and one pattern, and whoever writes sees at once what another has kept.
    #[test]
    fn what_is_kept() {
        let home = tempfile::tempdir().unwrap();
        let dir = queue::DataDir::new(home.path());
        let (mut writer, mut other) = (Writer::open(&dir).unwrap(), Writer::open(&dir).unwrap());
        other.guard(Arc::new(Patterns(vec!["/else".to_owned(), "/private".to_owned()])));
        let kept = |writer: &Writer| writer.sieve().unwrap().left_out.len();
        assert_eq!(kept(&other), 0);
        for _ in 0..2 {
            writer.leave_out(&[LeftOut::new("s", "/private"), LeftOut::new("s", "/p")]).unwrap();
        }
        assert_eq!((kept(&other), kept(&writer)), (2, 0));
        let ground = writer.ground().unwrap();
        let check = |session: &str, pattern: &str, expected: bool| {
            assert_eq!(ground.is_left_out(&[LeftOut::new(session, pattern)]).unwrap(), expected, "{session} {pattern}");
        };
        check("s", "/private", true);
        check("s", "/p", true);
        check("s", "/privat", false);
        check("s/", "private", false);
        check("", "", false);
        assert!(!ground.is_left_out(&[]).unwrap());
    }
}
