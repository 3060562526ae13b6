//! Reads everything back for an export: many short questions, so that a long export never holds the WAL.
//!
//! Reading order: `select` (which conversations), `whole` (one of them), `said` (what people said, and how they cut
//! sessions), `files` (transcripts, byte for byte), `events` (queue files).

mod events;
mod files;
mod said;
mod select;
mod whole;

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use queue::DataDir;
use rusqlite::Connection;

use crate::error::{Context, Error};
use crate::migrate;
use crate::open::{self, DbLock, Place};
use crate::veil::{Shown, Veil};

pub use super::filter::Filter;
pub use events::{EventFile, EventFilter};
pub use files::{File, FileFilter};
pub use said::{Annotated, Annotations, Cuts, Unplaced};
pub use select::Selected;
pub use whole::{Subagents, Summary, Whole};

/// How often the engine looks whether anybody still waits, in its own steps: some milliseconds.
const LOOK_EVERY: i32 = 100_000;

/// Whether anybody still waits for what is read.
#[derive(Clone)]
struct Wanted(Arc<dyn Fn() -> bool + Send + Sync>);

impl fmt::Debug for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wanted")
    }
}

/// A read-only connection without a limit on time. It also opens a store in a place where nothing can be written.
#[derive(Debug)]
pub struct Exporter {
    conn: Connection,
    path: PathBuf,
    /// Of a store that is read as if nobody could change it: when it was last changed.
    frozen: Option<Option<SystemTime>>,
    wanted: Option<Wanted>,
    veil: Veil,
    /// Secrets that were hidden in files.
    hidden: usize,
    _lock: Option<DbLock>,
}

impl Exporter {
    /// Opens the database of `dir`, which must exist and have our schema.
    ///
    /// # Errors
    /// As [`Reader::open`](super::Reader::open).
    pub fn open(dir: &DataDir) -> Result<Self, Error> {
        let path = dir.database();
        let opened = open::anywhere(dir)?;
        let frozen = (opened.place == Place::Frozen).then(|| changed(&path));
        Ok(Self { conn: opened.conn, path, frozen, wanted: None, veil: Veil::default(), hidden: 0, _lock: opened.lock })
    }

    /// From now on every question ends with [`Error::Interrupted`] soon after `wanted` says no.
    ///
    /// # Errors
    /// The engine's.
    pub fn while_wanted(&mut self, wanted: impl Fn() -> bool + Send + Sync + 'static) -> Result<(), Error> {
        let wanted = Wanted(Arc::new(wanted));
        let looks = wanted.clone();
        self.conn.progress_handler(LOOK_EVERY, Some(move || !(looks.0)())).op("look who waits")?;
        self.wanted = Some(wanted);
        Ok(())
    }

    /// The random id of the data directory, 32 hex digits.
    ///
    /// # Errors
    /// The engine's.
    pub fn origin(&mut self) -> Result<String, Error> {
        self.ask(own_origin)
    }

    /// Whether what was read is of one piece. To be asked at the end: only a store in a place where we cannot write may
    /// have been changed under us without our seeing it.
    pub fn is_whole(&self) -> bool {
        self.frozen.is_none_or(|before| before == changed(&self.path))
    }

    /// One question: one read transaction, which ends with it.
    /// One whose answers have gone through a veil.
    pub fn veiled(self, veil: Veil) -> Self {
        Self { veil, ..self }
    }

    /// How many secrets were hidden in the bytes of files and payloads so far.
    pub fn hidden(&self) -> usize {
        self.hidden
    }

    /// Anything that is only passed on within this module, and is shown by none.
    fn look<T>(&mut self, question: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
        if self.wanted.as_ref().is_some_and(|wanted| !(wanted.0)()) {
            return Err(Error::Interrupted { op: "read for an export" }); // short questions never come to the engine's own look
        }
        let tx = self.conn.unchecked_transaction().op("begin to read")?;
        migrate::expect(&tx)?;
        question(&tx)
    }

    fn ask<T: Shown>(&mut self, question: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
        let mut answer = self.look(question)?;
        answer.hide(&self.veil);
        Ok(answer)
    }
}

fn own_origin(conn: &Connection) -> Result<String, Error> {
    conn.query_row("select origin from origins where own = 1", [], |row| row.get(0)).op("read the origin")
}

fn changed(path: &std::path::Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|meta| meta.modified()).ok()
}

/// The rows of a statement, each made by `read`.
fn rows<T>(
    conn: &Connection,
    op: &'static str,
    sql: &str,
    params: impl rusqlite::Params,
    read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, Error> {
    conn.prepare_cached(sql).op(op)?.query_map(params, read).op(op)?.collect::<Result<_, _>>().op(op)
}
