//! Where the lines of `history.jsonl` stand: what a person typed, by the session it was typed in.
//!
//! The lines themselves are ground, as the file is stored verbatim; this index of them is derived and grows with the file.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use rusqlite::params;

use super::ground::{Ground, read_bytes};
use super::pieces::Pieces;
use super::{Batch, Writer};
use crate::error::{Context, Error};
use crate::ids::TranscriptId;

/// The session of `history.jsonl` in `transcripts`, which belongs to none.
pub const HISTORY_SESSION: &str = "history";

/// A line to be indexed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTyped {
    /// Where its JSON object begins in the file.
    pub offset: u64,
    /// How long that is.
    pub length: u64,
    /// Hash of the object's bytes.
    pub key: [u8; 16],
    /// Its session; `None` where an old version of Claude Code named none.
    pub session_id: Option<String>,
    /// When it was typed, in milliseconds since 1970.
    pub at_ms: i64,
}

/// An indexed line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypedLine {
    /// Its file.
    pub transcript: TranscriptId,
    /// Where its JSON object begins there.
    pub offset: u64,
    /// Hash of the object's bytes.
    pub key: [u8; 16],
    /// When it was typed.
    pub at_ms: i64,
    /// The object; what is not UTF-8 in it is replaced.
    pub json: String,
}

/// Which typed lines of a session are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// All.
    All,
    /// Those that a conversation was made of before.
    Known,
}

impl Batch<'_> {
    /// Where the last indexed line of a file ends.
    ///
    /// # Errors
    /// The engine's.
    pub fn typed_until(&self, id: TranscriptId) -> Result<u64, Error> {
        self.tx
            .prepare_cached(
                "select offset + length from typed_lines where transcript_id = ?1 order by offset desc limit 1",
            )
            .op("prepare")?
            .query_map([id.0], |row| row.get::<_, i64>(0))
            .op("read the index of typed lines")?
            .next()
            .transpose()
            .op("read the index of typed lines")
            .map(|end| end.unwrap_or(0) as u64)
    }

    /// The stored bytes of a file from `offset` on.
    ///
    /// # Errors
    /// The engine's, or [`Error::Corrupt`] when a chunk cannot be unpacked.
    pub fn bytes_from(&self, id: TranscriptId, offset: u64, mut take: impl FnMut(&[u8])) -> Result<(), Error> {
        read_bytes(&self.tx, id, offset, |chunk| {
            take(chunk);
            ControlFlow::Continue(())
        })
    }

    /// Indexes lines of a file. A session of which nothing else is known is to be derived again; for any other they
    /// change nothing.
    ///
    /// # Errors
    /// The engine's.
    pub fn add_typed(&self, id: TranscriptId, lines: &[NewTyped]) -> Result<(), Error> {
        let mut sessions = BTreeSet::new();
        for line in lines {
            let session = line.session_id.as_deref().unwrap_or_default();
            self.execute(
                "insert into typed_lines (transcript_id, offset, length, key, session_id, at_ms)
                 values (?1, ?2, ?3, ?4, ?5, ?6) on conflict do nothing",
                params![id.0, line.offset as i64, line.length as i64, line.key, session, line.at_ms],
            )?;
            sessions.insert(session);
        }
        let mut known = self
            .tx
            .prepare_cached(
                "select exists (select 1 from transcripts where session_id = ?1)
                     or exists (select 1 from events where session_id = ?1)",
            )
            .op("prepare")?;
        for session in sessions.into_iter().filter(|session| !session.is_empty()) {
            if !known.query_row([session], |row| row.get(0)).op("look for a session")? {
                self.mark_dirty(session)?;
            }
        }
        Ok(())
    }
}

impl Ground<'_> {
    /// What was typed in a session, in order of time.
    ///
    /// # Errors
    /// The engine's, or [`Error::Corrupt`] when a chunk cannot be unpacked.
    pub fn typed(&self, session_id: &str, wanted: Wanted) -> Result<Vec<TypedLine>, Error> {
        let sql = match wanted {
            Wanted::All => {
                "select transcript_id, offset, length, key, at_ms from typed_lines
                  where session_id = ?1 order by at_ms, transcript_id, offset"
            }
            Wanted::Known => {
                "select t.transcript_id, t.offset, t.length, t.key, t.at_ms
                   from typed_lines t
                  where t.session_id = ?1
                    and exists (select 1 from conversation_keys k where k.kind = 'line' and k.key = t.key)
                  order by t.at_ms, t.transcript_id, t.offset"
            }
        };
        let mut query = self.tx.prepare_cached(sql).op("prepare")?;
        let rows = query
            .query_map([session_id], |row| {
                Ok((row.get(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?, row.get(3)?, row.get(4)?))
            })
            .op("read typed lines")?;
        let places: Vec<(i64, i64, i64, [u8; 16], i64)> = rows.collect::<Result<_, _>>().op("read a typed line")?;
        let mut pieces = Pieces::new(&self.tx);
        let mut found = Vec::with_capacity(places.len());
        for (file, offset, length, key, at_ms) in places {
            let bytes = pieces.of_file(file, offset as u64, length as usize)?;
            let json = String::from_utf8_lossy(&bytes).into_owned();
            found.push(TypedLine { transcript: TranscriptId(file), offset: offset as u64, key, at_ms, json });
        }
        Ok(found)
    }
}

impl Writer {
    /// Typed lines that name no session, of all files: kept, and shown nowhere.
    ///
    /// # Errors
    /// The engine's.
    pub fn typed_without_session(&self) -> Result<u64, Error> {
        self.conn
            .query_row("select count(*) from typed_lines where session_id = ''", [], |row| row.get::<_, i64>(0))
            .op("count typed lines")
            .map(|count| count as u64)
    }
}
