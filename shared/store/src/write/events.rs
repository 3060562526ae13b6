//! Queue files become rows of `events`, once each.

use rusqlite::{Connection, OptionalExtension, params};

use super::ground::event_key;
use super::{Batch, Writer};
use crate::codec;
use crate::error::{Context, Error};
use crate::ids::EventId;

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
}

impl Writer {
    /// Whether a queue file of this name and these bytes is stored already.
    ///
    /// # Errors
    /// The engine's.
    pub fn has_event(&self, name: &str, payload: &[u8]) -> Result<bool, Error> {
        Ok(find(&self.conn, name, &blake3::hash(payload), self.origin_id)?.is_some())
    }
}

impl Writer {
    /// Whether a queue file of this name and these bytes was forgotten on request: it must not come back from an archive.
    ///
    /// # Errors
    /// The engine's.
    pub fn is_forgotten(&self, name: &str, payload: &[u8]) -> Result<bool, Error> {
        let key = event_key(&self.origin, name, blake3::hash(payload).as_bytes());
        self.conn
            .prepare_cached("select exists (select 1 from tombstones where kind = 'event' and key = ?1)")
            .op("prepare")?
            .query_row([key], |row| row.get(0))
            .op("look for what was forgotten")
    }
}

fn find(conn: &Connection, name: &str, hash: &blake3::Hash, origin_id: i64) -> Result<Option<EventId>, Error> {
    conn.prepare_cached("select id from events where name = ?1 and hash = ?2 and origin_id = ?3")
        .op("prepare")?
        .query_row(params![name, hash.as_bytes(), origin_id], |row| row.get(0).map(EventId))
        .optional()
        .op("look for an event")
}

impl Batch<'_> {
    /// Stores an event and marks its session to be derived again.
    ///
    /// # Errors
    /// The engine's; the whole batch must then be given up.
    pub fn add_event(&self, event: &NewEvent<'_>) -> Result<Stored, Error> {
        let hash = blake3::hash(event.payload);
        if let Some(id) = find(&self.tx, event.name, &hash, self.origin_id)? {
            return Ok(Stored::Replay(id));
        }
        let packed = codec::pack(event.payload);
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
                event.payload.len() as i64,
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
}
