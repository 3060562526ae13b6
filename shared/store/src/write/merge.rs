//! Takes in another database of Prompt Manager: another machine's, or a backup.
//!
//! ```text
//! other: opened, never written ─▶ ground: tombstones, places, events, files ─▶ (derive) ─▶ human: what people said
//! ```
//!
//! Ground rows keep their origin and join by their natural keys, so nothing is doubled. Ids are local to a store, so human
//! rows find their conversation by its keys, and therefore come after what was taken in is derived. Every row is
//! looked for before it is written and transactions are small: killed anywhere and run again it ends the same.
//!
//! What either side forgot stays out. Files are compared byte for byte, so both stores have to be held against the stones of
//! both first: ours once it has theirs ([`Writer::merge_stones`]), and a copy of theirs that has ours.

mod files;
mod ground;
mod human;
mod other;
mod place;
mod salvage;

use std::ops::ControlFlow;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::{Batch, Writer};
use crate::error::{Context, Error};

pub(crate) use other::of_other;
pub use other::{Other, remove_abandoned};
pub use salvage::{Ids, Salvaged, Wreck};

/// A transaction writes (or reads while it holds the lock) about so much.
const BATCH_BYTES: u64 = 16 * 1024 * 1024;
/// What a row costs besides its text.
const ROW: u64 = 256;

/// What was new here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// Hook events.
    pub events: u64,
    /// Events that were left out because one of the stores has forgotten them.
    pub forgotten: u64,
    /// Transcripts and other files, new or longer.
    pub files: u64,
    /// Bytes of events and files.
    pub bytes: u64,
    /// Conversations that are new or have changed.
    pub conversations: u64,
    /// Ratings, tags, notes, stars, splits, titles and saved views.
    pub human: u64,
    /// Conversations of an exported file that are not here.
    pub awaited: u64,
    /// Those of them of which it tells what was said: that waits for them.
    pub awaited_said: u64,
    /// Lines and fields of an exported file that this version does not know.
    pub unknown: u64,
    /// The observer ended it: what was done is kept, the rest waits for the next time.
    pub stopped: bool,
}

/// How far it is, in bytes of events and files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Looked at.
    pub done: u64,
    /// In all.
    pub of: u64,
}

/// Told after each transaction.
pub(super) type Observe<'a> = &'a mut dyn FnMut(Progress) -> ControlFlow<()>;

impl Writer {
    /// Takes over what `other` has forgotten. What is stored here is to be sifted then, before anything else comes in.
    ///
    /// # Errors
    /// As [`Writer::merge_ground`].
    pub fn merge_stones(&mut self, other: &Other) -> Result<(), Error> {
        let mut go_on = |_| ControlFlow::Continue(());
        let mut run = Run::new(self, other, Progress::default(), &mut go_on);
        ground::tombstones(&mut run)?;
        run.finish()?;
        self.read_ledger()
    }

    /// Takes in the ground rows of `other`. Derive before [`Writer::merge_human`].
    ///
    /// # Errors
    /// The engine's; [`Error::Refused`] if `other` proves to be damaged. What was committed stays.
    pub fn merge_ground(
        &mut self,
        other: &Other,
        observe: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Merged, Error> {
        let of = other.size()?;
        let mut run = Run::new(self, other, Progress { done: 0, of }, observe);
        ground::places(&mut run)?;
        ground::events(&mut run)?;
        files::files(&mut run)?;
        run.finish()
    }

    /// Takes in what people said in `other`, whose ground is here and derived.
    ///
    /// # Errors
    /// As [`Writer::merge_ground`].
    pub fn merge_human(
        &mut self,
        other: &Other,
        now_ms: i64,
        observe: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Merged, Error> {
        let of = other.size()?;
        let mut run = Run::new(self, other, Progress { done: of, of }, observe);
        human::rows(&mut run, now_ms)?;
        run.finish()
    }
}

/// One merge under way: both connections, and at most one open transaction of ours.
struct Run<'a> {
    writer: &'a Writer,
    other: &'a Other,
    batch: Option<Batch<'a>>,
    spent: u64,
    progress: Progress,
    observe: Observe<'a>,
    merged: Merged,
}

impl<'a> Run<'a> {
    fn new(writer: &'a Writer, other: &'a Other, progress: Progress, observe: Observe<'a>) -> Self {
        Self { writer, other, batch: None, spent: 0, progress, observe, merged: Merged::default() }
    }

    /// The open transaction, which holds the write lock.
    fn batch(&mut self) -> Result<&Batch<'a>, Error> {
        match &mut self.batch {
            Some(batch) => Ok(batch),
            none => {
                let writer = self.writer;
                let tx = Transaction::new_unchecked(&writer.conn, TransactionBehavior::Immediate).op("begin")?;
                let sieve = writer.sieve()?;
                Ok(none.insert(Batch::new(
                    tx,
                    writer.origin_id,
                    &writer.courtesy,
                    sieve,
                    (&writer.origin, &writer.dir),
                )))
            }
        }
    }

    /// To look something up here, in the transaction if there is one.
    fn here(&self) -> &'a Connection {
        &self.writer.conn
    }

    /// A step is done that cost so many bytes: ends the transaction when it is large.
    fn spend(&mut self, bytes: u64) -> Result<(), Error> {
        self.spent += bytes;
        if self.is_full() { self.commit() } else { Ok(()) }
    }

    fn is_full(&self) -> bool {
        self.spent >= BATCH_BYTES || self.batch.as_ref().is_some_and(Batch::is_due)
    }

    fn commit(&mut self) -> Result<(), Error> {
        self.spent = 0;
        if let Some(batch) = self.batch.take() {
            batch.commit()?;
        }
        if (self.observe)(self.progress).is_break() {
            self.merged.stopped = true;
        }
        Ok(())
    }

    /// A session has new ground: it is derived again, from its beginning, for what came may be older than its end.
    fn touch(&mut self, session_id: &str) -> Result<(), Error> {
        let batch = self.batch()?;
        batch.mark_dirty(session_id)?;
        batch.unseal(session_id)
    }

    fn finish(mut self) -> Result<Merged, Error> {
        self.commit()?;
        Ok(self.merged)
    }
}

#[cfg(test)]
mod tests;
