//! Files on their way into one transaction: read, understood, each still under its lock. Then that transaction, and what
//! follows it.
//!
//! The order is what makes a crash harmless: rows and their keys are committed durably, and only then does a file leave
//! processing. A death in between is a replay, which the key (name, hash) turns into nothing.

use queue::broken::{Rule, broken};
use store::write::{NewEvent, Stored};

use crate::clock::{Clock, millis};
use crate::error::Error;
use crate::intake::claim::Claim;
use crate::intake::discard::Discarded;
use crate::intake::parse::Facts;
use crate::intake::places::Places;
use crate::intake::reject::{Class, Reject};
use crate::report::PassReport;
use crate::step::{Step, Steps};
use crate::store_handle::StoreHandle;

/// One file, ready to be stored.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) claim: Claim,
    pub(crate) payload: Vec<u8>,
    pub(crate) facts: Facts,
    /// The payload without what is not to be kept, if there is such.
    pub(crate) hidden: Option<Vec<u8>>,
}

/// How much goes into one transaction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) files: usize,
    pub(crate) bytes: u64,
}

/// The files of one transaction.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    items: Vec<Item>,
    pub(crate) discarded: Discarded,
    bytes: u64,
}

impl Batch {
    pub(crate) fn push(&mut self, item: Item) {
        self.bytes += item.payload.len() as u64;
        self.items.push(item);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.files() == 0
    }

    fn files(&self) -> usize {
        self.items.len() + self.discarded.len()
    }

    /// Whether `next` more bytes should wait for the next transaction.
    pub(crate) fn is_full_for(&self, next: u64, limits: Limits) -> bool {
        !self.is_empty() && (self.files() >= limits.files || self.bytes + next > limits.bytes)
    }

    /// Stores all and moves the files to the archive, or removes them if there is none. A file that the store refuses goes to failed, its neighbours are
    /// stored. One that is stored and cannot be moved stays in processing, its neighbours are moved.
    ///
    /// # Errors
    /// What is not about a single file; the files that are not stored are in `self` still.
    pub(crate) fn flush(
        &mut self,
        store: &mut StoreHandle,
        places: &Places,
        clock: Clock,
        steps: &Steps<'_>,
        report: &mut PassReport,
    ) -> Result<(), Error> {
        self.discarded.flush(store, places, report)?;
        if self.items.is_empty() {
            return Ok(());
        }
        if broken(Rule::CommitBeforeMove) {
            self.items.iter_mut().try_for_each(|item| item.claim.move_to_archive(places).map(drop))?;
        }
        match write(&mut self.items, store, clock, steps) {
            Ok(stored) => self.settle(&stored, places, steps, report),
            Err(Unwritten::Refused(_)) if self.items.len() > 1 => {
                let mut rest = std::mem::take(&mut self.items).into_iter();
                while let Some(item) = rest.next() {
                    let mut alone =
                        Self { bytes: item.payload.len() as u64, items: vec![item], discarded: Discarded::default() };
                    if let Err(error) = alone.flush(store, places, clock, steps, report) {
                        self.items = alone.items;
                        self.items.extend(rest);
                        return Err(error);
                    }
                }
                Ok(())
            }
            Err(Unwritten::Refused(error)) => {
                let sieve = store.with(|writer| Ok(writer.sieve()?))?;
                for item in self.items.drain(..) {
                    let reject = Reject::new(Class::Refused, error.to_string());
                    item.claim.fail(places, &sieve, &reject, clock.began, steps)?;
                    report.failed += 1;
                }
                Ok(())
            }
            Err(Unwritten::Otherwise(error)) => Err(error),
        }
    }

    /// After the commit.
    fn settle(
        &mut self,
        stored: &[Stored],
        places: &Places,
        steps: &Steps<'_>,
        report: &mut PassReport,
    ) -> Result<(), Error> {
        self.bytes = 0;
        for (stored, item) in stored.iter().zip(std::mem::take(&mut self.items)) {
            if let Stored::New(_) = stored {
                report.stored += 1;
                report.bytes += item.payload.len() as u64;
            }
            let moved = match (stored, &item.hidden) {
                (Stored::Forgotten, _) => item.claim.archive_nowhere(places),
                (_, Some(bytes)) => item.claim.archive_as(places, bytes),
                (_, None) => item.claim.archive(places),
            };
            if let Err(stays) = moved {
                report.keep(stays);
                steps.at(Step::PutBack)?;
                continue;
            }
            match stored {
                Stored::New(_) => {}
                Stored::Replay(_) => report.replayed += 1,
                Stored::Forgotten => report.forgotten += 1,
            }
            steps.at(Step::Archived)?;
        }
        Ok(())
    }

    /// Takes over the files of `other`.
    pub(crate) fn append(&mut self, mut other: Self) {
        self.items.append(&mut other.items);
        self.bytes += other.bytes;
        self.discarded.append(other.discarded);
    }

    /// After a transient fault: nobody's attempt counts.
    pub(crate) fn put_back(self, places: &Places, report: &mut PassReport) {
        self.discarded.put_back(places, report);
        for item in self.items {
            item.claim.put_back(places);
            report.put_back += 1;
        }
    }
}

/// Why a transaction came to nothing.
enum Unwritten {
    /// The store refuses what one of the files holds.
    Refused(store::Error),
    /// It is not about a file.
    Otherwise(Error),
}

fn write(
    items: &mut [Item],
    store: &mut StoreHandle,
    clock: Clock,
    steps: &Steps<'_>,
) -> Result<Vec<Stored>, Unwritten> {
    let stored_ms = millis(clock.began);
    // What fails before a file is given to it is no file's fault, whatever the engine says.
    let mut given = false;
    let written = store.with(|writer| {
        let mut stored = Vec::with_capacity(items.len());
        while stored.len() < items.len() {
            given = false;
            let batch = writer.batch()?;
            given = true;
            let first = stored.len();
            for item in &mut items[first..] {
                if stored.len() > first && batch.is_due() {
                    break; // the rest in a transaction of its own: others wait for this one to end
                }
                let (one, hidden) = batch.add_event_hiding(&NewEvent {
                    name: item.claim.name(),
                    captured_ns: item.claim.parts().captured_ns,
                    event: &item.facts.event,
                    session_id: &item.facts.session_id,
                    prompt_id: item.facts.prompt_id.as_deref(),
                    payload: &item.payload,
                    stored_ms,
                })?;
                item.hidden = hidden;
                stored.push(one);
            }
            let now_ms = clock.now_ms();
            let new = stored.iter().zip(&*items).skip(first).filter(|(stored, _)| matches!(stored, Stored::New(_)));
            batch.count_waits(now_ms, new.map(|(_, item)| now_ms.saturating_sub(captured_ms(item))))?;
            steps.at(Step::Written)?;
            batch.commit()?;
            steps.at(Step::Committed)?;
        }
        Ok(stored)
    });
    written.map_err(|error| match error {
        Error::Store(error @ store::Error::Sql { .. }) if given => Unwritten::Refused(error),
        error => Unwritten::Otherwise(error),
    })
}

fn captured_ms(item: &Item) -> i64 {
    i64::try_from(item.claim.parts().captured_ns / 1_000_000).unwrap_or(i64::MAX)
}
