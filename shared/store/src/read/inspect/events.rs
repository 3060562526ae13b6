//! Every stored queue file: whether its bytes are those that were captured.

use std::ops::ControlFlow;

use rusqlite::{Row, params};

use super::{Inspector, figure, rows};
use crate::codec;
use crate::error::{Context, Error};
use crate::ids::EventId;
use crate::write::copies;

/// Payload bytes that one read transaction looks at.
const SLICE: usize = 16 * 1024 * 1024;

/// What is wrong with stored bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// They cannot be unpacked, or are not as many as the row says.
    Unreadable,
    /// They are others than those that were captured.
    Changed,
    /// A piece is missing or doubled, or has a wrong length.
    Gap,
}

impl Fault {
    /// What it is of a stored file, as people say it.
    pub fn of_file(self) -> &'static str {
        match self {
            Self::Unreadable => "a piece cannot be unpacked",
            Self::Gap => "a piece is missing or has a wrong length",
            Self::Changed => "its end is another",
        }
    }
}

/// A stored queue file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenEvent {
    /// Its row.
    pub id: EventId,
    /// Its name in the queue.
    pub name: String,
    /// Whether this data directory captured it.
    pub own: bool,
    /// In bytes.
    pub size: u64,
    /// When it was captured, in nanoseconds since 1970.
    pub captured_ns: i64,
    /// When it was stored, in milliseconds since 1970.
    pub stored_ms: i64,
    /// Its session, as the row has it.
    pub session_id: String,
    /// Its kind, as the row has it.
    pub event: String,
    /// Its turn, as the row has it.
    pub prompt_id: Option<String>,
    /// Its bytes, where nothing is wrong with them.
    pub payload: Option<Vec<u8>>,
    /// What is wrong with its bytes.
    pub fault: Option<Fault>,
}

/// How the store holds a queue file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeldAs {
    /// This name with these bytes, but for what is hidden in one of them.
    Same,
    /// This name with other bytes only.
    Other,
    /// Not at all.
    Nothing,
}

const EVENTS: &str = "
    select e.id, e.name, o.own, e.size, e.captured_ns, e.stored_ms, e.hash, e.codec, e.payload,
           e.session_id, e.event, e.prompt_id
      from events e left join origins o on o.id = e.origin_id
     where e.id > ?1 order by e.id";

// Walks the index of the key, and nothing else. Another data directory may have a file of the same name.
const SAME_NAME: &str = "
    select name from events group by name having count(*) > count(distinct origin_id) order by name limit ?1";

const WAITING: &str = "
    select e.name from asked_ratings a join events e on e.id = a.event_id
     where a.settled_ms is null and e.captured_ns < ?1 order by e.name";

const HAS_NAME: &str = "select exists (select 1 from events where name = ?1)";

const HAS_NEAR: &str = "
    select exists (select 1 from events
                    where session_id = ?1 and event = ?2 and captured_ns between ?3 and ?4)";

impl Inspector {
    /// Shows every stored queue file to `visit`, in the order in which they were stored.
    ///
    /// # Errors
    /// The engine's.
    pub fn each_event(&self, visit: &mut dyn FnMut(SeenEvent) -> ControlFlow<()>) -> Result<(), Error> {
        let mut last = i64::MIN;
        loop {
            let more = self.ask(|conn| {
                let mut query = conn.prepare_cached(EVENTS).op("prepare")?;
                let mut rows = query.query([last]).op("read the events")?;
                let mut bytes = 0;
                while let Some(row) = rows.next().op("read the events")? {
                    let event = seen(row).op("read an event")?;
                    last = event.id.0;
                    bytes += usize::try_from(event.size).unwrap_or(0) + 512;
                    if visit(event).is_break() {
                        return Ok(false);
                    }
                    if bytes > SLICE {
                        return Ok(true);
                    }
                }
                Ok(false)
            })?;
            if !more {
                return Ok(());
            }
        }
    }

    /// Names of queue files that are stored more than once with different bytes; at most `limit`.
    ///
    /// # Errors
    /// The engine's.
    pub fn doubled_names(&self, limit: usize) -> Result<Vec<String>, Error> {
        self.ask(|conn| rows(conn, "compare names", SAME_NAME, [limit as i64], |row| row.get(0)))
    }

    /// The queue files of ratings from within a session that were captured before `captured_ns` and are said of nothing yet.
    ///
    /// # Errors
    /// The engine's.
    pub fn waiting_ratings(&self, captured_ns: i64) -> Result<Vec<String>, Error> {
        self.ask(|conn| rows(conn, "read ratings that wait", WAITING, [captured_ns], |row| row.get(0)))
    }

    /// Whether a queue file is stored.
    ///
    /// # Errors
    /// The engine's.
    pub fn held(&self, name: &str, payload: &[u8]) -> Result<HeldAs, Error> {
        self.ask(|conn| {
            Ok(match () {
                () if !copies(conn, name, payload, None)?.is_empty() => HeldAs::Same,
                () if figure(conn, "look for an event", HAS_NAME, [name])? > 0 => HeldAs::Other,
                () => HeldAs::Nothing,
            })
        })
    }

    /// Whether the store has an event of this kind and one of these sessions that was captured in this time, in
    /// nanoseconds since 1970.
    ///
    /// # Errors
    /// The engine's.
    pub fn has_event_near(&self, sessions: &[String], event: &str, from_ns: i64, to_ns: i64) -> Result<bool, Error> {
        self.ask(|conn| {
            for session in sessions {
                if figure(conn, "look for an event", HAS_NEAR, params![session, event, from_ns, to_ns])? > 0 {
                    return Ok(true);
                }
            }
            Ok(false)
        })
    }

    /// When this data directory captured its first event, in nanoseconds since 1970.
    ///
    /// # Errors
    /// The engine's.
    pub fn first_captured_ns(&self) -> Result<Option<i64>, Error> {
        // Names begin with the time, and are indexed.
        const FIRST: &str = "
            select e.captured_ns from events e join origins o on o.id = e.origin_id and o.own = 1
             order by e.name limit 1";
        self.ask(|conn| Ok(rows(conn, "look for the first event", FIRST, [], |row| row.get(0))?.pop()))
    }

    /// When the newest event of this data directory was captured, in nanoseconds since 1970.
    ///
    /// # Errors
    /// The engine's.
    pub fn last_captured_ns(&self) -> Result<Option<i64>, Error> {
        const LAST: &str = "
            select e.captured_ns from events e join origins o on o.id = e.origin_id and o.own = 1
             order by e.name desc limit 1";
        self.ask(|conn| Ok(rows(conn, "look for the newest event", LAST, [], |row| row.get(0))?.pop()))
    }

    /// The sessions that hang together with this one, itself first.
    ///
    /// # Errors
    /// The engine's.
    pub fn linked_sessions(&self, session_id: &str) -> Result<Vec<String>, Error> {
        const LINKED: &str = "
            select ?1 union all select other_session_id from session_links where session_id = ?1
            union all select session_id from session_links where other_session_id = ?1";
        self.ask(|conn| rows(conn, "look for linked sessions", LINKED, [session_id], |row| row.get(0)))
    }
}

fn seen(row: &Row<'_>) -> rusqlite::Result<SeenEvent> {
    let size: i64 = row.get(3)?;
    let hash: Vec<u8> = row.get(6)?;
    let (payload, fault) = match codec::unpack(row.get(7)?, row.get(8)?, usize::try_from(size).unwrap_or(0)) {
        Err(_) => (None, Some(Fault::Unreadable)),
        Ok(bytes) if blake3::hash(&bytes).as_bytes().as_slice() != hash => (None, Some(Fault::Changed)),
        Ok(bytes) => (Some(bytes), None),
    };
    Ok(SeenEvent {
        id: EventId(row.get(0)?),
        name: row.get(1)?,
        own: row.get::<_, Option<bool>>(2)?.unwrap_or(false),
        size: size.unsigned_abs(),
        captured_ns: row.get(4)?,
        stored_ms: row.get(5)?,
        session_id: row.get(9)?,
        event: row.get(10)?,
        prompt_id: row.get(11)?,
        payload,
        fault,
    })
}
