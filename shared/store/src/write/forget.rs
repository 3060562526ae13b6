//! Forgetting for good, on request: the one way in which the ground loses anything.
//!
//! ```text
//! what is chosen ──▶ stones (tombstones, and a line each in the ledger beside the database)
//!                      ├─▶ events are deleted, lines and files blanked in place
//!                      └─▶ what people said of the conversations, their keys and all that was derived of them: deleted
//! ```
//!
//! The stones alone decide what is blanked, so that a sweep, an import, another store and a backup are held to the same. An id
//! stays given: it answers with nothing, and never with something else.

mod choose;
mod ledger;
mod purge;
mod sift;
mod words;

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};

use super::ground::{ANYWHERE, event_key};
use super::origin::random;
use super::{Batch, Writer};
use crate::error::{Context, Error};
use crate::human::Title;
use crate::ids::{EventId, Key};
use crate::sieve::{Guard, Known, Mark, Of, Sieve, Told, file_mark, hash, title_mark};

pub use choose::Bare;
pub use sift::Sifted;
pub use words::INDEXES;

/// In `meta`: what of forgetting is still to be done.
const STATE: &str = "forgetting";
/// Stones were laid, here or elsewhere: everything is to be held against them.
const SIFT: &str = "sift";
/// Only the indexes of words still hold what nobody refers to.
const WORDS: &str = "words";
/// Only the file does.
const PAGES: &str = "pages";
/// Nothing here does, but the archive and the backups may.
const COPIES: &str = "copies";

/// Lays a stone. What is forgotten once more is so until the later time, and is news to whoever has read so far.
pub(super) const LAY: &str = "
    insert into tombstones (origin_id, kind, key, created_ms) values (?1, ?2, ?3, ?4)
    on conflict do update set created_ms = excluded.created_ms, id = (select max(id) + 1 from tombstones)
     where created_ms < excluded.created_ms";

/// What one transaction forgets.
#[derive(Debug, Default)]
pub(super) struct Stones {
    secret: Option<[u8; 32]>,
    /// The secret is new: the ledger has to learn it.
    secret_is_new: bool,
    added: Vec<Stone>,
}

/// A row of `tombstones`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stone {
    kind: Kind,
    key: Mark,
    created_ms: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Uuid,
    Prompt,
    Event,
    Line,
    Conversation,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Uuid, Self::Prompt, Self::Event, Self::Line, Self::Conversation];

    fn as_str(self) -> &'static str {
        match self {
            Self::Uuid => "uuid",
            Self::Prompt => "prompt",
            Self::Event => "event",
            Self::Line => "line",
            Self::Conversation => "conversation",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// The newest stone; 0 where there is none.
pub(super) fn newest(conn: &Connection) -> Result<i64, Error> {
    conn.prepare_cached("select coalesce(max(id), 0) from tombstones")
        .op("prepare")?
        .query_row([], |row| row.get(0))
        .op("look for what was forgotten")
}

/// All that was forgotten.
pub(super) fn load(conn: &Connection, guard: Option<Arc<dyn Guard>>) -> Result<Sieve, Error> {
    let mut sieve = Sieve { guard, ..Sieve::default() };
    let mut query =
        conn.prepare_cached("select id, kind, key, created_ms from tombstones order by id").op("prepare")?;
    let mut rows = query.query([]).op("read what was forgotten")?;
    while let Some(row) = rows.next().op("read what was forgotten")? {
        let read = || -> rusqlite::Result<(i64, String, Vec<u8>, i64)> {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        };
        let (id, kind, key, created_ms) = read().op("read what was forgotten")?;
        sieve.until = id;
        if let (Some(kind), Ok(key)) = (Kind::from_word(&kind), key.try_into()) {
            sieve.add(Stone { kind, key, created_ms });
        }
    }
    let mut query = conn.prepare_cached("select secret from forget_secrets").op("prepare")?;
    let secrets = query.query_map([], |row| row.get(0)).op("read the secrets of forgetting")?;
    sieve.secrets = secrets.collect::<Result<_, _>>().op("read the secrets of forgetting")?;
    Ok(sieve)
}

impl Sieve {
    fn add(&mut self, stone: Stone) {
        match stone.kind {
            Kind::Uuid => drop(self.ids.insert(stone.key)),
            Kind::Line => drop(self.texts.insert(stone.key, stone.created_ms)),
            Kind::Prompt => drop(self.prompts.insert(stone.key, stone.created_ms)),
            Kind::Event | Kind::Conversation => {} // looked up one by one
        }
    }
}

/// Whether an event was forgotten by its name and bytes, whichever data directory it came from.
pub(super) fn is_event_forgotten(conn: &Connection, origin: &str, name: &str, hash: &[u8]) -> Result<bool, Error> {
    for key in [event_key(origin, name, hash), event_key(ANYWHERE, name, hash)] {
        if forgotten_ms(conn, key)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether an event was forgotten, by all that it may be known by. Of an event without an id there may be another with the
/// same bytes, after all of them were forgotten.
pub(super) fn is_told_of_forgotten(
    conn: &Connection,
    sieve: &Sieve,
    told: &Told,
    [origin, name]: [&str; 2],
    hash: &[u8],
    size: usize,
) -> Result<bool, Error> {
    if sieve.until == 0 {
        return Ok(false);
    }
    if sieve.is_event_forgotten(told)
        || is_event_forgotten(conn, origin, name, hash)?
        || forgotten_ms(conn, masked_key(name, size))?.is_some()
    {
        return Ok(true);
    }
    for secret in &sieve.secrets {
        let until_ms = forgotten_ms(conn, Known::payload(hash).mark(secret))?;
        if until_ms.is_some_and(|until_ms| told.is_unique() || told.is_before(until_ms)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// When an event of this key was forgotten.
fn forgotten_ms(conn: &Connection, key: Mark) -> Result<Option<i64>, Error> {
    let mut query =
        conn.prepare_cached("select created_ms from tombstones where kind = 'event' and key = ?1").op("prepare")?;
    query.query_row([key], |row| row.get(0)).optional().op("look for what was forgotten")
}

/// Of an event that may be masked, or not be masked any more: its name, which holds the nanosecond, and its size, which a mask
/// leaves as it is.
fn masked_key(name: &str, size: usize) -> Mark {
    event_key("masked", name, &size.to_le_bytes())
}

/// A whole session stands among the prompts, which know until when they are forgotten. No id of a prompt looks like this.
fn session_key(session_id: &str) -> Mark {
    hash(format!("the whole session {session_id}").as_bytes())
}

/// Whether one of these keys is of a conversation that was forgotten.
pub(super) fn is_conversation_forgotten(conn: &Connection, keys: &[Key]) -> Result<bool, Error> {
    let mut query = conn
        .prepare_cached("select exists (select 1 from tombstones where kind = 'conversation' and key = ?1)")
        .op("prepare")?;
    for key in keys {
        if query.query_row([key.bytes()], |row| row.get(0)).op("look for what was forgotten")? {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Writer {
    /// Whether one of these keys is of a conversation that was forgotten.
    ///
    /// # Errors
    /// The engine's.
    pub fn is_conversation_forgotten(&self, keys: &[Key]) -> Result<bool, Error> {
        is_conversation_forgotten(&self.conn, keys)
    }

    /// Whether all of a session was forgotten at this time or later.
    ///
    /// # Errors
    /// The engine's.
    pub fn is_session_forgotten(&self, session_id: &str, at_ms: i64) -> Result<bool, Error> {
        let sieve = self.sieve()?;
        Ok(sieve.prompts.get(&session_key(session_id)).is_some_and(|until_ms| at_ms <= *until_ms))
    }

    /// Whether this title of a session was forgotten.
    ///
    /// # Errors
    /// The engine's.
    pub fn is_title_forgotten(&self, title: &Title) -> Result<bool, Error> {
        Ok(self.sieve()?.is_title_forgotten(title))
    }

    /// Whether anything was ever forgotten here.
    ///
    /// # Errors
    /// The engine's.
    pub fn has_forgotten(&self) -> Result<bool, Error> {
        Ok(newest(&self.conn)? > 0)
    }
}

impl Batch<'_> {
    /// What is known by this is forgotten from now on. The bytes are blanked by [`Batch::sift`].
    ///
    /// # Errors
    /// The engine's.
    pub fn forget(&self, known: Known, now_ms: i64) -> Result<(), Error> {
        let kind = match known {
            Known::Id(_) => Kind::Uuid,
            Known::Text(_) => Kind::Line,
        };
        self.lay(kind, known.mark(&self.secret()?), now_ms)
    }

    /// A file that has no lines, as a whole.
    ///
    /// # Errors
    /// The engine's.
    pub fn forget_file(&self, of: &Of, now_ms: i64) -> Result<(), Error> {
        self.lay(Kind::Line, file_mark(&self.secret()?, of), now_ms)
    }

    /// A prompt of which every conversation is forgotten: events of it that come later stay out.
    ///
    /// # Errors
    /// The engine's.
    pub fn forget_prompt(&self, prompt_id: &str, now_ms: i64) -> Result<(), Error> {
        self.lay(Kind::Prompt, hash(prompt_id.as_bytes()), now_ms)
    }

    /// A session of which all was forgotten: what is left of it outside of the database goes by its name and time alone.
    ///
    /// # Errors
    /// The engine's.
    pub fn forget_session(&self, session_id: &str, now_ms: i64) -> Result<(), Error> {
        self.lay(Kind::Prompt, session_key(session_id), now_ms)
    }

    /// Deletes an event. Gives the name of its queue file; `None` if it is not there. Where no event that stays has the same
    /// bytes (`alone`), those are forgotten under any name.
    ///
    /// # Errors
    /// The engine's.
    pub fn forget_event(&self, id: EventId, alone: bool, now_ms: i64) -> Result<Option<String>, Error> {
        const KEY: &str = "select o.origin, e.name, e.hash, e.session_id, e.size
                             from events e join origins o on o.id = e.origin_id where e.id = ?1";
        let found: Option<(String, String, Vec<u8>, String, i64)> = self
            .tx
            .prepare_cached(KEY)
            .op("prepare")?
            .query_row([id.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))
            .optional()
            .op("read an event")?;
        let Some((origin, name, hash, session_id, size)) = found else { return Ok(None) };
        for origin in [&*origin, ANYWHERE] {
            self.lay(Kind::Event, event_key(origin, &name, &hash), now_ms)?;
        }
        self.lay(Kind::Event, masked_key(&name, usize::try_from(size).unwrap_or(0)), now_ms)?;
        if alone {
            self.lay(Kind::Event, Known::payload(&hash).mark(&self.secret()?), now_ms)?;
        }
        self.execute("delete from asked_ratings where event_id = ?1", [id.0])?;
        self.execute("delete from events where id = ?1", [id.0])?;
        self.unseal(&session_id)?;
        self.mark_dirty(&session_id)?;
        Ok(Some(name))
    }

    /// What people called a session: gone, as titles mostly repeat a prompt. Gives how many titles.
    ///
    /// # Errors
    /// The engine's.
    pub fn forget_titles(&self, session_id: &str, now_ms: i64) -> Result<u64, Error> {
        const TITLES: &str = "
            select h.id, h.user_session_id, h.title, h.created_ms from session_titles h
             where h.user_session_id = ?1
                or h.user_session_id in (select user_session_id from user_session_members where session_id = ?1)";
        let secret = self.secret()?;
        let mut query = self.tx.prepare_cached(TITLES).op("prepare")?;
        let rows = query.query_map([session_id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)));
        let rows: Vec<(String, String, Option<String>, i64)> =
            rows.op("read titles")?.collect::<Result<_, _>>().op("read titles")?;
        for (id, session, title, created_ms) in &rows {
            if let Some(title) = title {
                // A clock may have been ahead when it was given.
                self.lay(Kind::Line, title_mark(&secret, session, title), now_ms.max(*created_ms))?;
            }
            self.remove_title(id, session)?;
        }
        Ok(rows.len() as u64)
    }

    fn lay(&self, kind: Kind, key: Mark, created_ms: i64) -> Result<(), Error> {
        self.execute(LAY, params![self.origin_id, kind.as_str(), key, created_ms])?;
        if self.tx.changes() > 0 {
            let mut stones = self.stones.borrow_mut();
            if stones.added.is_empty() {
                self.note(SIFT)?; // another session's file may name it
            }
            stones.added.push(Stone { kind, key, created_ms });
        }
        Ok(())
    }

    /// What keeps others from guessing the texts behind the hashes; made when something is forgotten for the first time.
    fn secret(&self) -> Result<[u8; 32], Error> {
        let mut stones = self.stones.borrow_mut();
        if let Some(secret) = stones.secret {
            return Ok(secret);
        }
        let found = self
            .tx
            .prepare_cached("select secret from forget_secrets where origin_id = ?1")
            .op("prepare")?
            .query_row([self.origin_id], |row| row.get(0))
            .optional()
            .op("read the secret of forgetting")?;
        let secret = match found {
            Some(secret) => secret,
            None => {
                let mut secret = [0; 32];
                secret[..16].copy_from_slice(&random()?.to_le_bytes());
                secret[16..].copy_from_slice(&random()?.to_le_bytes());
                self.execute(
                    "insert into forget_secrets (origin_id, secret) values (?1, ?2)",
                    params![self.origin_id, secret],
                )?;
                stones.secret_is_new = true;
                secret
            }
        };
        stones.secret = Some(secret);
        Ok(secret)
    }

    /// Stones came from elsewhere: everything that is stored is to be held against them.
    pub(super) fn sift_later(&self) -> Result<(), Error> {
        ledger::leave(&self.tx)?;
        self.note(SIFT)
    }

    /// Notes what is still to be done; sifting is not taken back by less.
    fn note(&self, state: &str) -> Result<(), Error> {
        self.execute(
            "insert into meta (key, value) values (?1, ?2)
             on conflict do update set value = excluded.value where value <> ?3",
            params![STATE, state, SIFT],
        )
    }

    /// A sieve of what this transaction forgets.
    fn own_sieve(&self) -> Sieve {
        let stones = self.stones.borrow();
        let mut sieve = Sieve { secrets: stones.secret.into_iter().collect(), ..Sieve::default() };
        stones.added.iter().for_each(|stone| sieve.add(*stone));
        sieve
    }
}
