//! Where batches are stored: beside the reading of the next one, on a second thread, or right here.
//!
//! Reading is the file system's work, storing is compression and the database's; side by side a backlog takes little more
//! than the longer of the two. One batch is under way at most, so memory and open files stay bounded, and batches are
//! committed in the order in which they were read. What fits into one batch is not worth a thread.

use super::batch::Batch;
use super::places::Places;
use crate::clock::Clock;
use crate::error::Error;
use crate::report::PassReport;
use crate::step::Steps;
use crate::store_handle::StoreHandle;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::Scope;

/// What storing a batch needs.
pub(crate) struct Storing<'a, 's> {
    pub(crate) store: &'a mut StoreHandle,
    pub(crate) places: &'a Places,
    pub(crate) clock: Clock,
    pub(crate) steps: &'a Steps<'s>,
}

impl Storing<'_, '_> {
    fn flush(&mut self, batch: &mut Batch, report: &mut PassReport) -> Result<(), Error> {
        batch.flush(self.store, self.places, self.clock, self.steps, report)
    }
}

/// The one who stores.
pub(crate) struct Committer<'a, 's> {
    way: Way<'a, 's>,
    /// Of a batch that failed: what is not stored.
    left: Batch,
}

enum Way<'a, 's> {
    Here(Storing<'a, 's>),
    Beside { work: SyncSender<Batch>, done: Receiver<Done>, under_way: bool },
}

struct Done {
    batch: Batch,
    result: Result<(), Error>,
    report: PassReport,
}

impl<'a, 's> Committer<'a, 's> {
    /// Stores on the caller's thread.
    pub(crate) fn here(storing: Storing<'a, 's>) -> Self {
        Self { way: Way::Here(storing), left: Batch::default() }
    }

    /// Starts a thread, which ends with the committer.
    pub(crate) fn beside(scope: &'a Scope<'a, '_>, mut storing: Storing<'a, 's>) -> Self
    where
        's: 'a,
    {
        let (work, batches) = sync_channel::<Batch>(0);
        let (tell, done) = sync_channel(1);
        scope.spawn(move || {
            for mut batch in batches {
                let mut report = PassReport::default();
                let result = storing.flush(&mut batch, &mut report);
                if tell.send(Done { batch, result, report }).is_err() {
                    break;
                }
            }
        });
        Self { way: Way::Beside { work, done, under_way: false }, left: Batch::default() }
    }

    /// Takes the files of `batch` to be stored, once the batch before is.
    ///
    /// # Errors
    /// Those of the batch before, or of this one.
    pub(crate) fn give(&mut self, batch: &mut Batch, report: &mut PassReport) -> Result<(), Error> {
        self.wait(report)?;
        if batch.is_empty() {
            return Ok(());
        }
        match &mut self.way {
            Way::Here(storing) => storing.flush(batch, report),
            Way::Beside { work, under_way, .. } => {
                // The thread lives as long as the channel, so this is received.
                *under_way = work.send(std::mem::take(batch)).is_ok();
                Ok(())
            }
        }
    }

    /// Waits until nothing is under way.
    ///
    /// # Errors
    /// Those of the batch that was.
    pub(crate) fn wait(&mut self, report: &mut PassReport) -> Result<(), Error> {
        if let Way::Beside { done, under_way, .. } = &mut self.way
            && std::mem::take(under_way)
            && let Ok(done) = done.recv()
        {
            report.add(done.report);
            self.left.append(done.batch);
            return done.result;
        }
        Ok(())
    }

    /// Waits, ends the thread, and gives what could not be stored.
    pub(crate) fn end(mut self, report: &mut PassReport) -> (Result<(), Error>, Batch) {
        let result = self.wait(report);
        (result, self.left)
    }
}
