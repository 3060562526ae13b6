//! Reads back from the ground what deriving needs, from one moment of the database.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use queue::DataDir;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};

use super::Writer;
use super::transcripts::CHUNK;
use crate::codec;
use crate::error::{Context, Error};
use crate::ids::{EventId, TranscriptId};
use crate::open::{self, DbLock};

/// An event with its payload.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its row.
    pub id: EventId,
    /// What it is recognised by: first by that this data directory captured it, then by that anyone did.
    pub keys: [[u8; 16]; 2],
    /// When the hook ran, in nanoseconds since 1970.
    pub captured_ns: i64,
    /// `hook_event_name`.
    pub event: String,
    /// The name of the queue file.
    pub name: String,
    /// The turn.
    pub prompt_id: Option<String>,
    /// The queue file.
    pub payload: Vec<u8>,
}

/// A stored file of a session.
#[derive(Clone, Debug)]
pub struct StoredFile {
    /// Its row.
    pub id: TranscriptId,
    /// What it is.
    pub role: Role,
    /// For a subagent's files: its id.
    pub agent_id: Option<String>,
    /// Another file stands at its path by now.
    pub superseded: bool,
    /// How many bytes of it are stored.
    pub size: u64,
}

/// What a file of a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The session's own transcript.
    Main,
    /// A subagent's transcript.
    Subagent,
    /// What is known of a subagent: `agent-*.meta.json`.
    Meta,
    /// A large tool output that was written beside.
    ToolResult,
    /// `history.jsonl`: what was typed, in all sessions.
    History,
}

impl Role {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Subagent => "subagent",
            Self::Meta => "meta",
            Self::ToolResult => "tool-result",
            Self::History => "history",
        }
    }

    pub(crate) fn from_word(word: &str) -> Self {
        match word {
            "subagent" => Self::Subagent,
            "meta" => Self::Meta,
            "tool-result" => Self::ToolResult,
            "history" => Self::History,
            _ => Self::Main,
        }
    }
}

/// A moment of the ground tables.
#[derive(Debug)]
pub struct Ground<'w> {
    pub(super) tx: Transaction<'w>,
}

/// A connection of its own that reads the ground, for another thread than the writer's.
#[derive(Debug)]
pub struct GroundReader {
    conn: Connection,
    _lock: Option<DbLock>,
}

impl GroundReader {
    /// Opens the database of `dir` beside a writer.
    ///
    /// # Errors
    /// The engine's.
    pub fn open(dir: &DataDir) -> Result<Self, Error> {
        let opened = open::anywhere(dir)?;
        Ok(Self { conn: opened.conn, _lock: opened.lock })
    }

    /// The ground as it is now, until the value is dropped.
    ///
    /// # Errors
    /// The engine's.
    pub fn ground(&mut self) -> Result<Ground<'_>, Error> {
        begin(&mut self.conn)
    }
}

fn begin(conn: &mut Connection) -> Result<Ground<'_>, Error> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Deferred).op("begin reading")?;
    Ok(Ground { tx })
}

impl Writer {
    /// A second connection to the same store.
    ///
    /// # Errors
    /// The engine's.
    pub fn ground_reader(&self) -> Result<GroundReader, Error> {
        GroundReader::open(&self.dir)
    }

    /// The ground as it is now, until the value is dropped. Takes no write lock.
    ///
    /// # Errors
    /// The engine's.
    pub fn ground(&mut self) -> Result<Ground<'_>, Error> {
        begin(&mut self.conn)
    }
}

impl Ground<'_> {
    /// Up to `limit` sessions that wait to be derived, the longest waiting first, except those in `skip`.
    ///
    /// # Errors
    /// The engine's.
    pub fn dirty_sessions(&self, limit: usize, skip: &BTreeSet<String>) -> Result<Vec<String>, Error> {
        let mut query = self.tx.prepare_cached("select session_id from dirty_sessions order by id").op("prepare")?;
        let rows = query.query_map([], |row| row.get::<_, String>(0)).op("read dirty sessions")?;
        let fresh = rows.filter(|row| !matches!(row, Ok(session) if skip.contains(session)));
        fresh.take(limit).collect::<Result<_, _>>().op("read a dirty session")
    }

    /// The token of a dirty session, `None` when it is clean.
    ///
    /// # Errors
    /// The engine's.
    pub fn token(&self, session_id: &str) -> Result<Option<i64>, Error> {
        self.tx
            .prepare_cached("select token from dirty_sessions where session_id = ?1")
            .op("prepare")?
            .query_row([session_id], |row| row.get(0))
            .optional()
            .op("read a session's token")
    }

    /// The other sessions that hold one of these prompt lines.
    ///
    /// # Errors
    /// The engine's.
    pub fn sessions_with(&self, lines: &BTreeSet<[u8; 16]>) -> Result<BTreeSet<String>, Error> {
        let mut query = self.tx.prepare_cached("select session_id from prompt_lines where line = ?1").op("prepare")?;
        let mut found = BTreeSet::new();
        for line in lines {
            let rows = query.query_map([line], |row| row.get::<_, String>(0)).op("read a line's sessions")?;
            for row in rows {
                found.insert(row.op("read a line's session")?);
            }
        }
        Ok(found)
    }

    /// The events of a session from a moment on, in order of capture.
    ///
    /// # Errors
    /// The engine's, or [`Error::Corrupt`] when a payload cannot be unpacked.
    pub fn events(&self, session_id: &str, from_ns: i64, mut take: impl FnMut(Event)) -> Result<(), Error> {
        let mut query = self
            .tx
            .prepare_cached(
                "select e.id, o.origin, e.name, e.hash, e.captured_ns, e.event, e.prompt_id, e.size, e.codec, e.payload
                   from events e join origins o on o.id = e.origin_id
                  where e.session_id = ?1 and e.captured_ns >= ?2 order by e.captured_ns, e.name, o.origin, e.id",
            )
            .op("prepare")?;
        let mut rows = query.query(rusqlite::params![session_id, from_ns]).op("read events")?;
        while let Some(row) = rows.next().op("read an event")? {
            take(event_of(row)?);
        }
        Ok(())
    }

    /// The sessions' starts and ends that were captured within `within_ns` of this time, on the machine of any event of
    /// `session_id`: with the session of each.
    ///
    /// # Errors
    /// As [`Ground::events`].
    pub fn starts_and_ends(
        &self,
        session_id: &str,
        captured_ns: i64,
        within_ns: i64,
    ) -> Result<Vec<(String, Event)>, Error> {
        // Names begin with the time in 19 digits, and the index of names is the only one in order of time.
        let name = |ns: i64| format!("{:019}", ns.max(0));
        let mut query = self
            .tx
            .prepare_cached(
                "select e.id, o.origin, e.name, e.hash, e.captured_ns, e.event, e.prompt_id, e.size, e.codec, e.payload,
                        e.session_id
                   from events e indexed by events_key join origins o on o.id = e.origin_id
                  where e.name between ?2 and ?3 and e.event in ('SessionStart', 'SessionEnd')
                    and e.origin_id in (select origin_id from events where session_id = ?1)
                  order by e.captured_ns, e.name, o.origin, e.id",
            )
            .op("prepare")?;
        let (from, to) = (name(captured_ns.saturating_sub(within_ns)), name(captured_ns.saturating_add(within_ns)));
        let mut rows = query.query([session_id, &from, &to]).op("read starts and ends")?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().op("read a start or an end")? {
            found.push((row.get(10).op("read a start or an end")?, event_of(row)?));
        }
        Ok(found)
    }

    /// The files of a session, in an order that every store has that holds the same: of several at one path the longest first.
    ///
    /// # Errors
    /// The engine's.
    pub fn files(&self, session_id: &str) -> Result<Vec<StoredFile>, Error> {
        let mut query = self
            .tx
            .prepare_cached(
                "select t.id, t.role, t.agent_id, t.superseded_ms is not null, t.stored_size
                   from transcripts t join origins o on o.id = t.origin_id
                  where t.session_id = ?1
                  order by t.path, t.stored_size desc, o.origin, t.root, t.superseded_ms, t.tail_hash, t.id",
            )
            .op("prepare")?;
        let rows = query
            .query_map([session_id], |row| {
                Ok(StoredFile {
                    id: TranscriptId(row.get(0)?),
                    role: Role::from_word(&row.get::<_, String>(1)?),
                    agent_id: row.get(2)?,
                    superseded: row.get(3)?,
                    size: row.get::<_, i64>(4)? as u64,
                })
            })
            .op("read a session's files")?;
        rows.collect::<Result<_, _>>().op("read a session's file")
    }

    /// The bytes of a stored file from an offset on, chunk after chunk, until `take` breaks.
    ///
    /// # Errors
    /// The engine's, or [`Error::Corrupt`] when a chunk cannot be unpacked.
    pub fn bytes(&self, id: TranscriptId, from: u64, take: impl FnMut(&[u8]) -> ControlFlow<()>) -> Result<(), Error> {
        read_bytes(&self.tx, id, from, take)
    }
}

/// The bytes of a stored file from an offset on, chunk after chunk, until `take` breaks.
pub(super) fn read_bytes(
    conn: &Connection,
    id: TranscriptId,
    from: u64,
    mut take: impl FnMut(&[u8]) -> ControlFlow<()>,
) -> Result<(), Error> {
    let mut query = conn
        .prepare_cached(
            "select size, codec, bytes from transcript_chunks where transcript_id = ?1 and seq >= ?2 order by seq",
        )
        .op("prepare")?;
    let mut rows = query.query([id.0, (from / CHUNK as u64) as i64]).op("read chunks")?;
    let mut skip = (from % CHUNK as u64) as usize;
    while let Some(row) = rows.next().op("read a chunk")? {
        let chunk = unpack_chunk(row)?;
        if take(chunk.get(std::mem::take(&mut skip)..).unwrap_or_default()).is_break() {
            break;
        }
    }
    Ok(())
}

pub(super) fn unpack_chunk(row: &rusqlite::Row<'_>) -> Result<Vec<u8>, Error> {
    let read = || -> rusqlite::Result<(i64, i64, Vec<u8>)> { Ok((row.get(0)?, row.get(1)?, row.get(2)?)) };
    let (size, kind, bytes) = read().op("read a chunk")?;
    codec::unpack(kind, bytes, size as usize)
        .map_err(|error| Error::Corrupt { op: "unpack a chunk", detail: error.to_string() })
}

/// An event from the columns that [`Ground::events`] asks for.
pub(super) fn event_of(row: &rusqlite::Row<'_>) -> Result<Event, Error> {
    let unpack = || -> rusqlite::Result<(Event, usize, i64)> {
        let (origin, name, hash): (String, String, Vec<u8>) = (row.get(1)?, row.get(2)?, row.get(3)?);
        let event = Event {
            id: EventId(row.get(0)?),
            keys: [event_key(&origin, &name, &hash), event_key(ANYWHERE, &name, &hash)],
            captured_ns: row.get(4)?,
            event: row.get(5)?,
            name,
            prompt_id: row.get(6)?,
            payload: row.get(9)?,
        };
        Ok((event, row.get::<_, i64>(7)? as usize, row.get(8)?))
    };
    let (mut event, size, kind) = unpack().op("read an event")?;
    event.payload = codec::unpack(kind, event.payload, size)
        .map_err(|error| Error::Corrupt { op: "unpack an event", detail: error.to_string() })?;
    Ok(event)
}

/// In place of an origin, which is never empty: the key that an event has in every store. A name holds the nanosecond and the
/// session, so the same name with the same bytes is the same event, whoever took it in. What people said of a conversation
/// that only hooks know finds it by this key in a store that takes the queue files in anew.
pub(super) const ANYWHERE: &str = "";

/// The key of an event, in `conversation_keys` and in `tombstones`.
pub(crate) fn event_key(origin: &str, name: &str, hash: &[u8]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    for part in [origin.as_bytes(), name.as_bytes(), hash] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let mut key = [0; 16];
    hasher.finalize_xof().fill(&mut key);
    key
}
