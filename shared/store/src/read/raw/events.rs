//! The hook events of a conversation.
//!
//! No table says which these are; deriving does not need one. A submit, and whatever else an id was given for, is found by
//! its key. The others by what correlation.md 16 to 18 says of them: by the prompt id that they name, of several prompts with one
//! id the last before them; without an id the last prompt before them; a subagent's by its agent. What begins and ends a
//! session is the session's.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, params};

use super::{Filling, RawPart, RawPosition, RawSource};
use crate::codec;
use crate::error::{Context, Error};
use crate::human::get::all_keys;
use crate::ids::{ConversationId, EventId, Key};
use crate::read::conversation::survivor;
use crate::read::turn::Turn;
use crate::veil::{Bytes, Veil};
use crate::words::Kind;
use crate::write::event_key;

/// So many rows are looked at for a page.
const ROWS: usize = 5_000;
/// Somebody who types while Claude works waits for their turn, mostly not so long.
const QUEUED_MS: i64 = 3_600_000;
/// The clocks of a hook and of a line's writer are read one after the other.
const APART_MS: i64 = 5_000;

const EVENTS: &str = "
    select e.id, o.origin, e.name, e.hash, e.captured_ns, e.event, e.prompt_id, e.size
      from events e join origins o on o.id = e.origin_id
     where e.session_id = ?1 and (e.captured_ns, e.id) > (?2, ?3) and e.captured_ns <= ?4
     order by e.captured_ns, e.id limit ?5";

const PAYLOAD: &str = "select codec, payload, size from events where id = ?1";

const BY_KEY: &str = "select conversation_id from conversation_keys where kind = 'event' and key = ?1";

/// The submits of a session before a moment, the last first.
const SUBMITS: &str = "
    select o.origin, e.name, e.hash, e.captured_ns
      from events e join origins o on o.id = e.origin_id
     where e.session_id = ?1 and e.captured_ns < ?2 and e.event = 'UserPromptSubmit'
     order by e.captured_ns desc limit ?3";

/// The conversations of a session that something can have happened in.
const TURNS: &str = "
    select id, timestamp_ms, prompt_id, agent_id from turns
     where session_id = ?1 and kind <> ?2 and (from_hook or from_transcript) order by timestamp_ms, ordinal, id";

/// The events in which its texts and calls stand.
const SPOKEN: &str = "
    select source_id from blocks where conversation_id = ?1 and source = 1
     union select input_source_id from tool_calls where conversation_id = ?1 and input_source = 1
     union select output_source_id from tool_calls where conversation_id = ?1 and output_source = 1";

struct Row {
    id: EventId,
    origin: String,
    name: String,
    hash: Vec<u8>,
    captured_ns: i64,
    event: String,
    prompt_id: Option<String>,
    size: u64,
}

struct Other {
    id: ConversationId,
    timestamp_ms: i64,
    prompt_id: Option<String>,
    agent_id: Option<String>,
}

/// Whose an event may be.
struct Owners<'a> {
    conn: &'a Connection,
    turn: &'a Turn,
    others: Vec<Other>,
    spoken: BTreeSet<i64>,
}

/// Fills a page with the events after a place. Gives where the next page begins, if this one is full before the last of them.
pub(super) fn fill(
    conn: &Connection,
    turn: &Turn,
    after: Option<RawPosition>,
    veil: &Veil,
    page: &mut Filling,
) -> Result<Option<RawPosition>, Error> {
    let owners = Owners::of(conn, turn)?;
    let place = |row: &Row, from| RawPosition { part: RawPart::Events, major: row.captured_ns, minor: row.id.0, from };
    let begin = turn.timestamp_ms.saturating_sub(if turn.agent_id.is_some() { APART_MS } else { QUEUED_MS });
    let end = turn.ended_ms.filter(|_| turn.agent_id.is_some()).map_or(i64::MAX, |end| end.saturating_add(APART_MS));
    let (major, minor, from) = match after {
        // What is cut off begins again with itself.
        Some(at) => (at.major, at.minor - i64::from(at.from > 0), at.from),
        None => (owners.first_ns(begin.saturating_mul(1_000_000))?, 0, 0),
    };
    let rows = owners.rows(major, minor, end.saturating_mul(1_000_000))?;
    for row in &rows {
        let Some(payload) = owners.own(row)? else { continue };
        let (payload, _) = veil.blanked(payload, Bytes::Json);
        let source =
            RawSource::Event { event: row.event.clone(), name: row.name.clone(), captured_ns: row.captured_ns };
        let read = |from: u64, length: u64| {
            let from = usize::try_from(from).unwrap_or(usize::MAX).min(payload.len());
            let end = from.saturating_add(usize::try_from(length).unwrap_or(usize::MAX)).min(payload.len());
            Ok(payload[from..end].to_vec())
        };
        let from = if after.is_some_and(|at| at.minor == row.id.0) { from } else { 0 };
        let cut = page.add(&source, row.size, from, read)?;
        if cut.is_some() || page.is_full() {
            return Ok(Some(place(row, cut.unwrap_or(0))));
        }
    }
    Ok(rows.last().filter(|_| rows.len() == ROWS).map(|row| place(row, 0)))
}

impl<'a> Owners<'a> {
    fn of(conn: &'a Connection, turn: &'a Turn) -> Result<Self, Error> {
        let mut statement = conn.prepare_cached(TURNS).op("prepare")?;
        let others = statement.query_map([&*turn.session_id, Kind::Local.as_str()], |row| {
            Ok(Other {
                id: ConversationId(row.get(0)?),
                timestamp_ms: row.get(1)?,
                prompt_id: row.get(2)?,
                agent_id: row.get(3)?,
            })
        });
        let others = others.op("read a session's conversations")?.collect::<Result<_, _>>();
        let mut statement = conn.prepare_cached(SPOKEN).op("prepare")?;
        let spoken = statement.query_map([turn.id.0], |row| row.get(0)).op("read a conversation's events")?;
        let spoken = spoken.collect::<Result<_, _>>().op("read a conversation's events")?;
        Ok(Self { conn, turn, others: others.op("read a session's conversations")?, spoken })
    }

    /// Where its events begin: at `begin_ns`, or with a submit that waited longer and that it is known by.
    fn first_ns(&self, begin_ns: i64) -> Result<i64, Error> {
        let keys: BTreeSet<Key> = all_keys(self.conn, self.turn.id.0)?.into_iter().collect();
        let mut statement = self.conn.prepare_cached(SUBMITS).op("prepare")?;
        let mut rows =
            statement.query(params![self.turn.session_id, begin_ns, ROWS as i64]).op("list earlier submits")?;
        let mut first = begin_ns;
        while let Some(row) = rows.next().op("read an earlier submit")? {
            let read = || -> rusqlite::Result<(String, String, Vec<u8>, i64)> {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            };
            let (origin, name, hash, captured_ns) = read().op("read an earlier submit")?;
            if keys.contains(&Key::Event(event_key(&origin, &name, &hash))) {
                first = captured_ns;
            }
        }
        Ok(first)
    }

    fn rows(&self, major: i64, minor: i64, end: i64) -> Result<Vec<Row>, Error> {
        let mut statement = self.conn.prepare_cached(EVENTS).op("prepare")?;
        let rows = statement.query_map(params![self.turn.session_id, major, minor, end, ROWS as i64], |row| {
            Ok(Row {
                id: EventId(row.get(0)?),
                origin: row.get(1)?,
                name: row.get(2)?,
                hash: row.get(3)?,
                captured_ns: row.get(4)?,
                event: row.get(5)?,
                prompt_id: row.get(6)?,
                size: row.get::<_, i64>(7)?.unsigned_abs(),
            })
        });
        rows.op("list a session's events")?.collect::<Result<_, _>>().op("list a session's events")
    }

    /// The payload, if the event is the conversation's.
    fn own(&self, row: &Row) -> Result<Option<Vec<u8>>, Error> {
        if matches!(row.event.as_str(), "SessionStart" | "SessionEnd" | "Setup") {
            return Ok(None);
        }
        let sure = match self.keyed(row)? {
            Some(owner) => owner == self.turn.id,
            None => self.spoken.contains(&row.id.0),
        };
        if sure {
            return self.payload(row).map(Some);
        }
        if self.keyed(row)?.is_some() || (self.turn.agent_id.is_none() && self.named(row) != Some(self.turn.id)) {
            return Ok(None);
        }
        let payload = self.payload(row)?;
        let agent = agent(&payload).filter(|agent| self.others.iter().any(|other| is_agent(&other.agent_id, agent)));
        let own = match (&self.turn.agent_id, agent) {
            (None, None) => true,
            (Some(_), Some(agent)) => is_agent(&self.turn.agent_id, &agent),
            _ => false,
        };
        Ok(own.then_some(payload))
    }

    /// The conversation that got its id for this event.
    fn keyed(&self, row: &Row) -> Result<Option<ConversationId>, Error> {
        let key = event_key(&row.origin, &row.name, &row.hash);
        let mut statement = self.conn.prepare_cached(BY_KEY).op("prepare")?;
        let found = statement.query_row([key.as_slice()], |row| row.get(0).map(ConversationId)).optional();
        found.op("look for an event's conversation")?.map(|id| survivor(self.conn, id)).transpose()
    }

    /// The conversation, no subagent's, that the event's prompt id names, or else its time.
    fn named(&self, row: &Row) -> Option<ConversationId> {
        let captured_ms = row.captured_ns / 1_000_000;
        let of_people = || self.others.iter().filter(|other| other.agent_id.is_none());
        let latest = |id: Option<&str>| {
            let of = |other: &&Other| id.is_none() || other.prompt_id.as_deref() == id;
            let before = of_people().filter(of).rfind(|other| other.timestamp_ms <= captured_ms);
            before.or_else(|| of_people().find(|other| id.is_some() && of(other)))
        };
        let named = row.prompt_id.as_deref().filter(|id| !id.is_empty()).and_then(|id| latest(Some(id)));
        named.or_else(|| latest(None)).map(|other| other.id)
    }

    fn payload(&self, row: &Row) -> Result<Vec<u8>, Error> {
        let mut statement = self.conn.prepare_cached(PAYLOAD).op("prepare")?;
        let packed = statement.query_row([row.id.0], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, i64>(2)?)));
        let (kind, bytes, size) = packed.op("read an event")?;
        codec::unpack(kind, bytes, usize::try_from(size).unwrap_or(0))
            .map_err(|error| Error::Corrupt { op: "unpack an event", detail: format!("{}: {error}", row.name) })
    }
}

/// The agent that a payload names.
fn agent(payload: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Named {
        agent_id: Option<String>,
    }
    serde_json::from_slice::<Named>(payload).ok()?.agent_id
}

fn is_agent(known: &Option<String>, agent: &str) -> bool {
    let bare = |id: &str| id.strip_prefix("agent-").unwrap_or(id).to_owned();
    known.as_deref().is_some_and(|known| bare(known) == bare(agent))
}
