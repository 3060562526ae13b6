//! Queue files, byte for byte under their names.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension, params};

use super::{Exporter, rows};
use crate::codec;
use crate::error::{Context, Error};
use crate::ids::EventId;
use crate::veil::Bytes;

/// Which queue files.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    /// Only of these sessions.
    pub sessions: Option<BTreeSet<String>>,
    /// Captured at this time or later, in milliseconds since 1970, UTC.
    pub since_ms: Option<i64>,
    /// Captured before this time.
    pub until_ms: Option<i64>,
}

/// A stored queue file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventFile {
    /// Its row.
    pub id: EventId,
    /// The queue file's name.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
}

const EVENTS: &str = "
    select id, name, size, session_id, captured_ns from events where id > ?1 order by id limit 5000";

const PAYLOAD: &str = "select codec, payload, size from events where id = ?1";

impl Exporter {
    /// The stored queue files, in the order in which they were stored.
    ///
    /// # Errors
    /// The engine's.
    pub fn events(&mut self, filter: &EventFilter) -> Result<Vec<EventFile>, Error> {
        let since = filter.since_ms.map_or(i64::MIN, |ms| ms.saturating_mul(1_000_000));
        let until = filter.until_ms.map_or(i64::MAX, |ms| ms.saturating_mul(1_000_000));
        let (mut found, mut last) = (Vec::new(), 0);
        loop {
            let page = self.look(|conn| {
                rows(conn, "list events", EVENTS, [last], |row| {
                    let event = EventFile {
                        id: EventId(row.get(0)?),
                        name: row.get(1)?,
                        size: row.get::<_, i64>(2)?.unsigned_abs(),
                    };
                    Ok((event, row.get::<_, String>(3)?, row.get::<_, i64>(4)?))
                })
            })?;
            let Some((end, ..)) = page.last() else { return Ok(found) };
            last = end.id.0;
            found.extend(page.into_iter().filter_map(|(event, session, captured)| {
                let wanted = (since..until).contains(&captured)
                    && filter.sessions.as_ref().is_none_or(|sessions| sessions.contains(&session));
                wanted.then_some(event)
            }));
        }
    }

    /// The bytes of a queue file.
    ///
    /// # Errors
    /// The engine's; [`Error::Corrupt`] when they cannot be unpacked.
    pub fn payload(&mut self, event: &EventFile) -> Result<Vec<u8>, Error> {
        let packed: Option<(i64, Vec<u8>, i64)> = self.look(|conn| {
            conn.prepare_cached(PAYLOAD)
                .op("prepare")?
                .query_row(params![event.id.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                .optional()
                .op("read an event")
        })?;
        let damaged = |what: String| Error::Corrupt { op: "read an event", detail: format!("{} {what}", event.name) };
        let (kind, bytes, size) = packed.ok_or_else(|| damaged("is missing".into()))?;
        let payload = codec::unpack(kind, bytes, usize::try_from(size).unwrap_or(0))
            .map_err(|error| damaged(format!("cannot be unpacked: {error}")))?;
        let (payload, hidden) = self.veil.blanked(payload, Bytes::Json);
        self.hidden += hidden;
        Ok(payload)
    }
}
