//! The second thread of an intake: it stores one batch and archives its files while the next batch is being read.
//!
//! Reading is the file system's work, storing is compression and the database's; side by side they take little more than
//! the longer of the two. One batch is under way at most, so memory and open files stay bounded, and batches are committed
//! in the order in which they were read.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::Scope;
use std::time::SystemTime;

use super::batch::Batch;
use super::places::Places;
use crate::error::Error;
use crate::report::PassReport;
use crate::step::Steps;
use crate::store_handle::StoreHandle;

/// The thread, as its giver sees it.
pub(crate) struct Committer {
    work: SyncSender<Batch>,
    done: Receiver<Done>,
    under_way: bool,
    /// Of batches that failed: what is not stored, or stored and not archived.
    left: Batch,
}

struct Done {
    batch: Batch,
    result: Result<(), Error>,
    report: PassReport,
}

impl Committer {
    /// Starts the thread; it ends with the committer.
    pub(crate) fn start<'scope>(
        scope: &'scope Scope<'scope, '_>,
        store: &'scope mut StoreHandle,
        places: &'scope Places,
        now: SystemTime,
        steps: &'scope Steps<'_>,
    ) -> Self {
        let (work, batches) = sync_channel::<Batch>(0);
        let (tell, done) = sync_channel(1);
        scope.spawn(move || {
            for mut batch in batches {
                let mut report = PassReport::default();
                let result = batch.flush(store, places, now, steps, &mut report);
                if tell.send(Done { batch, result, report }).is_err() {
                    break;
                }
            }
        });
        Self { work, done, under_way: false, left: Batch::default() }
    }

    /// Hands over the files of `batch`, once the batch before is done.
    ///
    /// # Errors
    /// Those of the batch before.
    pub(crate) fn give(&mut self, batch: &mut Batch, report: &mut PassReport) -> Result<(), Error> {
        self.wait(report)?;
        if !batch.is_empty() {
            // The thread lives as long as the channel, so this is received.
            self.under_way = self.work.send(std::mem::take(batch)).is_ok();
        }
        Ok(())
    }

    /// Waits until nothing is under way.
    ///
    /// # Errors
    /// Those of the batch that was.
    pub(crate) fn wait(&mut self, report: &mut PassReport) -> Result<(), Error> {
        if std::mem::take(&mut self.under_way)
            && let Ok(done) = self.done.recv()
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
