//! Holds what is stored against the stones: files chunk by chunk, events and conversations by their keys.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;

use rusqlite::{Connection, Row, params};

use super::super::ground::{Role, event_of, unpack_chunk};
use super::super::transcripts::CHUNK;
use super::super::typed::HISTORY_SESSION;
use super::super::{Batch, Writer};
use super::{SIFT, STATE};
use crate::error::{Context, Error};
use crate::human::{Stamp, Title};
use crate::ids::{ConversationId, EventId, TranscriptId};
use crate::sieve::{End, Feed, Of, Sieve, Told};

/// What was found and taken out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sifted {
    /// Files in which something was blanked.
    pub files: u64,
    /// Events that were deleted.
    pub events: u64,
    /// Conversations that were taken out.
    pub conversations: u64,
}

/// Rows looked at in one transaction.
const ROWS: i64 = 4096;

impl Batch<'_> {
    /// Blanks in a stored file what this transaction has forgotten. Whether there was anything.
    ///
    /// # Errors
    /// The engine's, or [`Error::Corrupt`] when a chunk cannot be unpacked.
    pub fn sift(&self, id: TranscriptId) -> Result<bool, Error> {
        self.sift_by(id, &Arc::new(self.own_sieve()))
    }

    fn sift_by(&self, id: TranscriptId, sieve: &Arc<Sieve>) -> Result<bool, Error> {
        let of = self.whose(id)?;
        if sieve.is_open(&of) {
            return Ok(false);
        }
        let mut feed = Feed::new(sieve.clone(), of.clone(), Vec::new());
        let mut sifted = Chunks { batch: self, id, before: VecDeque::new(), after: Vec::new(), changed: false };
        let mut query = self
            .tx
            .prepare_cached("select size, codec, bytes from transcript_chunks where transcript_id = ?1 order by seq")
            .op("prepare")?;
        let mut rows = query.query([id.0]).op("read chunks")?;
        let mut seq = 0;
        while let Some(row) = rows.next().op("read a chunk")? {
            let chunk = unpack_chunk(row)?;
            let bytes = feed.push(&chunk).into_owned();
            sifted.before.push_back((seq, chunk));
            sifted.take(&bytes)?;
            seq += 1;
        }
        drop(rows);
        sifted.take(&feed.end(End::Whole))?;
        sifted.flush()?;
        if !sifted.changed {
            return Ok(false);
        }
        self.execute("update transcripts set blanked = 1 where id = ?1", [id.0])?;
        if of.session_id == HISTORY_SESSION {
            self.drop_typed(id)?;
        } else {
            self.unseal(&of.session_id)?;
            self.mark_dirty(&of.session_id)?;
        }
        Ok(true)
    }

    fn whose(&self, id: TranscriptId) -> Result<Of, Error> {
        self.tx
            .prepare_cached("select role, session_id, path from transcripts where id = ?1")
            .op("prepare")?
            .query_row([id.0], |row| {
                let (role, session, path): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
                Ok(Of::new(Role::from_word(&role), &session, &path))
            })
            .op("look for a file")
    }

    /// The index of what was typed leaves out what is blank now; the sessions are derived again.
    fn drop_typed(&self, id: TranscriptId) -> Result<(), Error> {
        let mut query = self
            .tx
            .prepare_cached("select offset, length, session_id from typed_lines where transcript_id = ?1")
            .op("prepare")?;
        let rows = query.query_map([id.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
        let rows: Vec<(i64, i64, String)> =
            rows.op("read typed lines")?.collect::<Result<_, _>>().op("read a typed line")?;
        let mut pieces = super::super::pieces::Pieces::new(&self.tx);
        for (offset, length, session) in rows {
            let is_blank = pieces.of_file(id.0, offset.unsigned_abs(), length as usize)?.first() == Some(&b' ');
            if is_blank {
                self.execute("delete from typed_lines where transcript_id = ?1 and offset = ?2", [id.0, offset])?;
                self.unseal(&session)?;
                self.mark_dirty(&session)?;
            }
        }
        Ok(())
    }
}

/// The chunks of one file, before and after. A line may reach over several, so what comes out lags behind.
struct Chunks<'a> {
    batch: &'a Batch<'a>,
    id: TranscriptId,
    before: VecDeque<(u64, Vec<u8>)>,
    after: Vec<u8>,
    changed: bool,
}

impl Chunks<'_> {
    fn take(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.after.extend_from_slice(bytes);
        while self.after.len() >= CHUNK {
            let rest = self.after.split_off(CHUNK);
            let chunk = std::mem::replace(&mut self.after, rest);
            self.put(&chunk)?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Error> {
        let last = std::mem::take(&mut self.after);
        if last.is_empty() { Ok(()) } else { self.put(&last) }
    }

    fn put(&mut self, chunk: &[u8]) -> Result<(), Error> {
        match self.before.pop_front() {
            Some((seq, before)) if before != chunk => {
                self.changed = true;
                self.batch.put_chunk(self.id, seq, chunk, true)
            }
            _ => Ok(()),
        }
    }
}

/// What of forgetting is still to be done in a database.
pub(super) fn state(conn: &Connection) -> Result<Option<String>, Error> {
    let mut query = conn.prepare_cached("select value from meta where key = ?1").op("prepare")?;
    let mut found = query.query_map([STATE], |row| row.get(0)).op("read what is to be forgotten")?;
    found.next().transpose().op("read what is to be forgotten")
}

impl Writer {
    /// Whether stones came from elsewhere that nothing was held against yet.
    ///
    /// # Errors
    /// The engine's.
    pub fn is_to_be_sifted(&self) -> Result<bool, Error> {
        self.forgetting().map(|state| state.as_deref() == Some(SIFT))
    }

    pub(super) fn forgetting(&self) -> Result<Option<String>, Error> {
        state(&self.conn)
    }

    /// Holds everything that is stored against everything that was forgotten, in transactions of bounded size. `observe`
    /// hears of the sum and may end it: then it begins anew the next time.
    ///
    /// # Errors
    /// The engine's.
    pub fn sift_all(
        &mut self,
        observe: &mut dyn FnMut(Sifted) -> ControlFlow<()>,
    ) -> Result<(Sifted, ControlFlow<()>), Error> {
        let mut done = Sifted::default();
        for step in [Self::sift_conversations, Self::sift_events, Self::sift_files] {
            let mut last = i64::MIN;
            while let Some(next) = step(self, last, &mut done)? {
                last = next;
                if observe(done).is_break() {
                    return Ok((done, ControlFlow::Break(())));
                }
            }
        }
        self.sift_titles()?;
        let words = params![STATE, super::WORDS];
        self.conn.execute("update meta set value = ?2 where key = ?1", words).op("note what was sifted")?;
        Ok((done, ControlFlow::Continue(())))
    }

    fn sift_conversations(&mut self, last: i64, done: &mut Sifted) -> Result<Option<i64>, Error> {
        const FOUND: &str = "
            select distinct k.conversation_id from conversation_keys k join tombstones t on t.key = k.key
             where t.kind = 'conversation' and k.conversation_id > ?1 order by 1 limit ?2";
        let batch = self.batch()?;
        let mut query = batch.tx.prepare_cached(FOUND).op("prepare")?;
        let ids = query.query_map([last, 256], |row| row.get(0)).op("look for forgotten conversations")?;
        let ids: Vec<i64> = ids.collect::<Result<_, _>>().op("look for forgotten conversations")?;
        drop(query);
        for id in &ids {
            let survivor: i64 = batch
                .tx
                .prepare_cached("select coalesce((select survivor from aliases where id = ?1), ?1)")
                .op("prepare")?
                .query_row([id], |row| row.get(0))
                .op("look for an alias")?;
            batch.forget_conversation(ConversationId(survivor), 0)?;
            batch.forget_conversation(ConversationId(*id), 0)?;
        }
        batch.commit()?;
        done.conversations += ids.len() as u64;
        Ok(ids.last().copied())
    }

    fn sift_events(&mut self, last: i64, done: &mut Sifted) -> Result<Option<i64>, Error> {
        const EVENTS: &str = "
            select e.id, o.origin, e.name, e.hash, e.captured_ns, e.event, e.prompt_id, e.size, e.codec, e.payload
              from events e join origins o on o.id = e.origin_id where e.id > ?1 order by e.id limit ?2";
        let batch = self.batch()?;
        let mut query = batch.tx.prepare_cached(EVENTS).op("prepare")?;
        let mut rows = query.query([last, ROWS]).op("list events")?;
        let (mut end, mut gone) = (None, Vec::new());
        while let Some(row) = rows.next().op("list events")? {
            let read = || -> rusqlite::Result<(i64, String, String, Vec<u8>, i64, i64)> {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(7)?))
            };
            let (id, origin, name, hash, captured_ns, size) = read().op("list events")?;
            end = Some(id);
            let size = usize::try_from(size).unwrap_or(0);
            // Of a damaged one there is nothing but its name and hash.
            let payload = event_of(row).map(|event| event.payload).unwrap_or_default();
            let told = Told::read(&payload, captured_ns);
            let names = [&*origin, &*name];
            if super::is_told_of_forgotten(&batch.tx, &batch.sieve, &told, names, &hash, size)? {
                gone.push(EventId(id));
            }
        }
        drop(rows);
        drop(query);
        for id in &gone {
            batch.forget_event(*id, false, 0)?;
        }
        batch.commit()?;
        done.events += gone.len() as u64;
        Ok(end)
    }

    fn sift_files(&mut self, last: i64, done: &mut Sifted) -> Result<Option<i64>, Error> {
        let batch = self.batch()?;
        let sieve = batch.sieve.clone();
        let mut query =
            batch.tx.prepare_cached("select id from transcripts where id > ?1 order by id limit 64").op("prepare")?;
        let ids = query.query_map([last], |row| row.get(0)).op("list files")?;
        let ids: Vec<i64> = ids.collect::<Result<_, _>>().op("list files")?;
        drop(query);
        let mut end = None;
        for id in ids {
            done.files += u64::from(batch.sift_by(TranscriptId(id), &sieve)?);
            end = Some(id);
            if batch.is_due() {
                break;
            }
        }
        batch.commit()?;
        Ok(end)
    }

    fn sift_titles(&mut self) -> Result<(), Error> {
        const TITLES: &str =
            "select id, user_session_id, title, created_ms from session_titles where title is not null";
        let batch = self.batch()?;
        let mut query = batch.tx.prepare_cached(TITLES).op("prepare")?;
        let read = |row: &Row<'_>| {
            let stamp = Stamp { id: row.get(0)?, origin: String::new(), created_ms: row.get(3)? };
            Ok(Title { stamp, user_session_id: row.get(1)?, title: row.get(2)? })
        };
        let titles = query.query_map([], read).op("read titles")?;
        let titles: Vec<Title> = titles.collect::<Result<_, _>>().op("read titles")?;
        drop(query);
        for title in titles.iter().filter(|title| batch.sieve.is_title_forgotten(title)) {
            batch.remove_title(&title.stamp.id, &title.user_session_id)?;
        }
        batch.commit()
    }
}
