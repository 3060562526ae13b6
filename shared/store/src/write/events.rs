//! Queue files become rows of `events`, once each.

use rusqlite::{Connection, OptionalExtension, params};

use super::{Batch, Writer, forget};
use crate::codec;
use crate::error::{Context, Error};
use crate::ids::EventId;
use crate::sieve::Told;

/// A queue file, as the ingester hands it over.
#[derive(Clone, Copy, Debug)]
pub struct NewEvent<'a> {
    /// The queue file's name, without the attempt that processing appends.
    pub name: &'a str,
    /// Nanoseconds since 1970, from the name.
    pub captured_ns: u64,
    /// `hook_event_name`.
    pub event: &'a str,
    /// The session.
    pub session_id: &'a str,
    /// The turn, since 2.1.196 (claude-code.md A.2).
    pub prompt_id: Option<&'a str>,
    /// The file, byte for byte.
    pub payload: &'a [u8],
    /// Now, in milliseconds.
    pub stored_ms: i64,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// A new row.
    New(EventId),
    /// The same name and bytes were there already: the file was delivered twice, or a pass died after its commit.
    Replay(EventId),
    /// It was forgotten on request, and stays out.
    Forgotten,
}

impl Writer {
    /// Whether a queue file of this name and these bytes is stored already, and can be given back.
    ///
    /// # Errors
    /// The engine's.
    pub fn has_event(&self, name: &str, payload: &[u8]) -> Result<bool, Error> {
        let hidden = self.sieve()?.masked(payload);
        for payload in [Some(payload), hidden.as_deref()].into_iter().flatten() {
            if let Some(id) = find(&self.conn, name, &blake3::hash(payload), self.origin_id)?
                && is_whole(&self.conn, id, payload)?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether these bytes can be given back under this name, whichever data directory they came from: the stored ones are
    /// read and compared, so that a last copy is not given up for a row that is damaged.
    ///
    /// # Errors
    /// The engine's.
    pub fn gives_back(&self, name: &str, payload: &[u8]) -> Result<bool, Error> {
        let mut query =
            self.conn.prepare_cached("select id from events where name = ?1 and hash = ?2").op("prepare")?;
        let ids = query
            .query_map(params![name, blake3::hash(payload).as_bytes()], |row| row.get(0).map(EventId))
            .op("look for an event")?;
        for id in ids {
            if is_whole(&self.conn, id.op("look for an event")?, payload)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Writer {
    /// Whether a queue file of this name and these bytes was forgotten on request: it must not come back from an archive.
    ///
    /// # Errors
    /// The engine's.
    pub fn is_forgotten(&self, name: &str, payload: &[u8]) -> Result<bool, Error> {
        let captured_ns = name.get(..19).and_then(|ns| ns.parse().ok()).unwrap_or(0);
        let (sieve, told, hash) = (self.sieve()?, Told::read(payload, captured_ns), blake3::hash(payload));
        let names = [&*self.origin, name];
        forget::is_told_of_forgotten(&self.conn, &sieve, &told, names, hash.as_bytes(), payload.len())
    }
}

fn find(conn: &Connection, name: &str, hash: &blake3::Hash, origin_id: i64) -> Result<Option<EventId>, Error> {
    conn.prepare_cached("select id from events where name = ?1 and hash = ?2 and origin_id = ?3")
        .op("prepare")?
        .query_row(params![name, hash.as_bytes(), origin_id], |row| row.get(0).map(EventId))
        .optional()
        .op("look for an event")
}

/// Whether a row gives back these bytes.
fn is_whole(conn: &Connection, id: EventId, payload: &[u8]) -> Result<bool, Error> {
    let (size, kind, bytes): (i64, i64, Vec<u8>) = conn
        .prepare_cached("select size, codec, payload from events where id = ?1")
        .op("prepare")?
        .query_row([id.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .op("read an event")?;
    let is_same = || codec::unpack(kind, bytes, payload.len()).is_ok_and(|found| found == payload);
    Ok(usize::try_from(size) == Ok(payload.len()) && is_same())
}

impl Batch<'_> {
    /// Stores an event and marks its session to be derived again. One that is there already gets its bytes back if they
    /// were damaged: the queue file may be the last copy.
    ///
    /// # Errors
    /// The engine's; the whole batch must then be given up.
    pub fn add_event(&self, event: &NewEvent<'_>) -> Result<Stored, Error> {
        let hidden = self.sieve.masked(event.payload);
        if hidden.is_some()
            && let Some(id) = find(&self.tx, event.name, &blake3::hash(event.payload), self.origin_id)?
        {
            return Ok(Stored::Replay(id)); // it came in before anything was hidden
        }
        let payload = hidden.as_deref().unwrap_or(event.payload);
        let hash = blake3::hash(payload);
        if self.is_out(event, payload, &hash)? {
            return Ok(Stored::Forgotten);
        }
        if let Some(id) = find(&self.tx, event.name, &hash, self.origin_id)? {
            if !is_whole(&self.tx, id, payload)? && self.refill_event(id, payload)? {
                self.unseal(event.session_id)?;
                self.mark_dirty(event.session_id)?;
            }
            return Ok(Stored::Replay(id));
        }
        let packed = codec::pack(payload);
        self.tx
            .prepare_cached(
                "insert into events (origin_id, name, hash, captured_ns, event, session_id, prompt_id, size, codec, payload, stored_ms)
                 values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )
            .op("prepare")?
            .execute(params![
                self.origin_id,
                event.name,
                hash.as_bytes(),
                i64::try_from(event.captured_ns).unwrap_or(i64::MAX),
                event.event,
                event.session_id,
                event.prompt_id,
                payload.len() as i64,
                packed.codec,
                packed.bytes,
                event.stored_ms,
            ])
            .op("store an event")?;
        let id = EventId(self.tx.last_insert_rowid());
        self.unseal_before(event.session_id, i64::try_from(event.captured_ns).unwrap_or(i64::MAX))?;
        self.mark_dirty(event.session_id)?;
        Ok(Stored::New(id))
    }

    fn is_out(&self, event: &NewEvent<'_>, payload: &[u8], hash: &blake3::Hash) -> Result<bool, Error> {
        if self.sieve.until == 0 {
            return Ok(false);
        }
        let told = Told::read(payload, i64::try_from(event.captured_ns).unwrap_or(i64::MAX));
        let names = [self.origin, event.name];
        forget::is_told_of_forgotten(&self.tx, &self.sieve, &told, names, hash.as_bytes(), payload.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A damaged row is no copy, and the file that comes once more mends it.
    #[test]
    fn a_damaged_row_gets_its_bytes_back() {
        let check = |damage: &str, whole: bool| {
            let home = tempfile::tempdir().unwrap();
            let dir = queue::DataDir::new(home.path());
            dir.create().unwrap();
            let mut writer = Writer::open(&dir).unwrap();
            let payload = [b' '; 5000];
            let event = NewEvent {
                name: "1-s-Stop.json",
                captured_ns: 1,
                event: "Stop",
                session_id: "s",
                prompt_id: None,
                payload: &payload,
                stored_ms: 1,
            };
            let store = |writer: &mut Writer| {
                let batch = writer.batch().unwrap();
                let stored = batch.add_event(&event).unwrap();
                batch.commit().unwrap();
                stored
            };
            let Stored::New(id) = store(&mut writer) else { panic!("it is new") };
            writer.conn.execute_batch(damage).unwrap();
            assert_eq!(writer.gives_back(event.name, &payload).unwrap(), whole, "{damage}");
            assert_eq!(writer.has_event(event.name, &payload).unwrap(), whole, "{damage}");
            assert!(!writer.gives_back(event.name, b"{}").unwrap(), "{damage}");
            assert_eq!(store(&mut writer), Stored::Replay(id), "{damage}");
            assert!(writer.gives_back(event.name, &payload).unwrap(), "{damage}");
        };
        check("", true);
        check("update events set payload = x'00ff'", false);
        check("update events set codec = 0", false);
        check("update events set size = 9223372036854775807", false);
    }
}
