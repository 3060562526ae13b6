//! The queue's side of a pass: the way of the listed files (claim, read, understand, into a batch), and what becomes of
//! those that do not get there.
//!
//! Reading order: `places` and `scan` (what lies where), `lock` and `claim` (how a file becomes ours), `parse` and `reject`
//! (what it says, or why not), `batch` (the transaction, then the archive) and `committer` (the thread that does it),
//! `discard`, `fail`; beside them `janitor` and `spill` (files that the hook left elsewhere), `lost` (what it could leave nowhere),
//! `twins` (one file under two names), `watch` (which directory is worth a look), `files` (how many may be open), `whose` (where it
//! happened, for what is ignored).

pub(crate) mod batch;
pub(crate) mod claim;
mod committer;
mod discard;
pub(crate) mod fail;
pub(crate) mod files;
pub(crate) mod janitor;
pub(crate) mod lock;
pub(crate) mod lost;
pub(crate) mod parse;
pub(crate) mod places;
mod poison;
pub(crate) mod reject;
pub(crate) mod scan;
pub(crate) mod spill;
pub(crate) mod twins;
pub(crate) mod watch;
pub(crate) mod whose;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use queue::broken::{Rule, broken};
use queue::{QueueName, Token};
use store::sieve::Sieve;

use crate::clock::Clock;
use crate::error::Error;
use crate::intake::batch::{Batch, Item, Limits};
use crate::intake::claim::{Claim, DEATHS, Taken};
use crate::intake::committer::{Committer, Storing};
use crate::intake::discard::Discarded;
use crate::intake::janitor::Again;
use crate::intake::places::Places;
use crate::intake::reject::{Class, Reject};
use crate::intake::scan::{Kind, Listed, Scan};
use crate::report::PassReport;
use crate::step::{Step, Steps};
use crate::store_handle::StoreHandle;
use crate::transcripts::ignored::{Fate, Ignored};

/// What taking in needs and changes.
pub(crate) struct Intake<'a, 's> {
    pub(crate) places: &'a Places,
    pub(crate) limits: Limits,
    pub(crate) max_event: u64,
    pub(crate) clock: Clock,
    pub(crate) stop: &'a AtomicBool,
    pub(crate) steps: &'a Steps<'s>,
    pub(crate) ignored: &'a mut Ignored,
    /// What may be kept of a file that fails.
    pub(crate) sieve: Arc<Sieve>,
    pub(crate) report: &'a mut PassReport,
    /// Sessions whose transcripts are to be followed.
    pub(crate) touched: &'a mut BTreeSet<String>,
}

impl Intake<'_, '_> {
    /// Takes in what `scan` found.
    ///
    /// # Errors
    /// What is not about a single file. Files that were begun and not stored are put back.
    pub(crate) fn take(&mut self, kind: Kind, scan: Scan, store: &mut StoreHandle) -> Result<Again, Error> {
        self.report.left_alone += scan.foreign;
        self.take_odd(kind, &scan.odd)?;
        let busy_before = self.report.busy;
        let put_back_before = self.report.put_back;
        if !scan.files.is_empty() {
            self.take_files(kind, scan.files, store)?;
        }
        let left = scan.more || self.report.busy > busy_before || self.report.put_back > put_back_before;
        // What waited may have been told of by what came after it.
        self.report.more |= scan.more || self.ignored.release();
        Ok(if left { Again::Yes } else { Again::No })
    }

    fn take_odd(&mut self, kind: Kind, odd: &[Box<str>]) -> Result<(), Error> {
        if kind == Kind::Processing {
            // Nobody puts such a thing there by the rules of the queue.
            self.report.left_alone += odd.len() as u64;
            return Ok(());
        }
        for name in odd {
            match fail::bury_odd(self.places, name, self.clock.began, self.steps)? {
                fail::Oddity::Buried => self.report.failed += 1,
                fail::Oddity::Stays => self.report.left_alone += 1,
                fail::Oddity::Gone => {}
            }
        }
        Ok(())
    }

    fn take_files(&mut self, kind: Kind, files: Vec<Listed>, store: &mut StoreHandle) -> Result<(), Error> {
        let (dead, files): (Vec<_>, Vec<_>) = files.into_iter().partition(|listed| listed.attempt >= DEATHS);
        for listed in &dead {
            self.bury_dead(kind, listed, store).or_else(|error| self.report.leave(error))?;
        }
        self.ignored.look_again();
        let mut left = Batch::default();
        let storing = Storing { store, places: self.places, clock: self.clock, steps: self.steps };
        let taken = thread::scope(|scope| {
            let mut committer = if files.len() > self.limits.files {
                Committer::beside(scope, storing)
            } else {
                Committer::here(storing)
            };
            let taken = self.read_all(kind, files, &mut left, &mut committer);
            let (stored, unstored) = committer.end(self.report);
            left.append(unstored);
            taken.and(stored)
        });
        self.ignored.rest();
        if taken.is_err() {
            self.ignored.ask_again();
        }
        if taken.as_ref().is_err_and(|error| !matches!(error, Error::Stopped(_))) {
            left.put_back(self.places, self.report);
        }
        taken
    }

    fn pass_over(&mut self, listed: &Listed, taken: &Taken) {
        match taken {
            Taken::Busy => self.report.busy += 1,
            Taken::LeftAlone(odd) => {
                tracing::debug!(file = %listed.name, ?odd, "left alone");
                self.report.left_alone += 1;
            }
            Taken::Gone | Taken::Claim(_) => {}
        }
    }

    /// A file whose reader died three times is not understood again. If the last death came after the commit it is
    /// stored, and belongs into the archive like any other.
    fn bury_dead(&mut self, kind: Kind, listed: &Listed, store: &mut StoreHandle) -> Result<(), Error> {
        let Some(parts) = listed.parts() else { return Ok(()) };
        let claim = match self.claim(kind, listed, parts)? {
            Taken::Claim(claim) => claim,
            other => {
                self.pass_over(listed, &other);
                return Ok(());
            }
        };
        if self.fate(&claim, &claim.head()?)? == Fate::Ignored {
            let mut discarded = Discarded::default();
            discarded.push(claim, self.ignored.decided());
            return discarded.flush(store, self.places, self.report);
        }
        let stored = claim.size() <= self.max_event && {
            let payload = claim.read()?;
            store.with(|writer| Ok(writer.has_event(claim.name(), &payload)?))?
        };
        if stored {
            let step = match claim.archive(self.places) {
                Ok(_) => {
                    self.report.replayed += 1;
                    Step::Archived
                }
                Err(stays) => {
                    self.report.keep(stays);
                    Step::PutBack
                }
            };
            return self.steps.at(step);
        }
        self.reject(claim, &Reject::new(Class::Crashes, format!("its reader died {DEATHS} times")))
    }

    fn read_all(
        &mut self,
        kind: Kind,
        files: Vec<Listed>,
        batch: &mut Batch,
        committer: &mut Committer<'_, '_>,
    ) -> Result<(), Error> {
        for listed in files {
            // Between two files is the place to stop: what was begun is still committed.
            if self.stop.load(Ordering::Relaxed) {
                break;
            }
            let Some(parts) = listed.parts() else { continue };
            if self.ignored.waits(&listed.name) {
                self.report.waiting += 1;
                continue;
            }
            // A file whose reader died before is read alone, so that its next death takes nobody along.
            let suspect = listed.attempt > 0 && !broken(Rule::AttemptSingly);
            if suspect {
                self.store_now(batch, committer)?;
            } else if batch.is_full_for(0, self.limits) {
                committer.give(batch, self.report)?;
            }
            let taken = match self.claim(kind, &listed, parts) {
                Err(error) if error.is_out_of_files() => {
                    self.store_now(batch, committer)?;
                    self.claim(kind, &listed, parts)
                }
                taken => taken,
            };
            match taken {
                Ok(Taken::Claim(claim)) => self.read(claim, batch, committer)?,
                Ok(other) => self.pass_over(&listed, &other),
                Err(error) => self.report.leave(error)?,
            }
            if suspect {
                self.store_now(batch, committer)?;
            }
        }
        committer.give(batch, self.report)
    }

    /// Nothing is under way afterwards.
    fn store_now(&mut self, batch: &mut Batch, committer: &mut Committer<'_, '_>) -> Result<(), Error> {
        committer.give(batch, self.report)?;
        committer.wait(self.report)
    }

    fn claim(&mut self, kind: Kind, listed: &Listed, parts: QueueName) -> Result<Taken, Error> {
        match kind {
            Kind::Incoming => Claim::incoming(self.places, &listed.name, parts, self.steps),
            Kind::Processing => Claim::leftover(self.places, &listed.name, parts, listed.attempt, self.steps),
        }
    }

    fn read(&mut self, claim: Claim, batch: &mut Batch, committer: &mut Committer<'_, '_>) -> Result<(), Error> {
        if claim.size() > self.max_event {
            let fate = claim.head().and_then(|head| self.fate(&claim, &head));
            let Some(claim) = self.wanted(claim, fate, batch)? else { return Ok(()) };
            let detail = format!("{} bytes, max_event is {}", claim.size(), self.max_event);
            return self.reject(claim, &Reject::new(Class::TooLarge, detail));
        }
        if batch.is_full_for(claim.size(), self.limits) {
            committer.give(batch, self.report)?;
        }
        let payload = match claim.read() {
            Ok(payload) => payload,
            Err(error) => {
                claim.put_back(self.places);
                return self.report.leave(error);
            }
        };
        poison::die_of(&payload);
        let fate = self.fate(&claim, &payload);
        let Some(claim) = self.wanted(claim, fate, batch)? else { return Ok(()) };
        let parsed = parse::parse(&payload, claim.parts());
        self.steps.at(Step::Parsed)?;
        match parsed {
            Ok(facts) => {
                self.touch(&facts.session_id);
                batch.push(Item { claim, payload, facts, hidden: None });
                Ok(())
            }
            Err(reject) => self.reject(claim, &reject),
        }
    }

    /// What is to become of what `payload`, or the beginning of it, tells of, by what the settings ignore.
    fn fate(&mut self, claim: &Claim, payload: &[u8]) -> Result<Fate, Error> {
        if self.ignored.is_empty() {
            return Ok(Fate::Taken);
        }
        let whose = whose::read(payload, claim.parts());
        let fate = self.ignored.event(whose.session.as_deref(), whose.cwd.as_deref())?;
        if let (Fate::Waits, Some(session)) = (fate, whose.session) {
            self.ignored.wait(claim.name(), session);
        }
        Ok(fate)
    }

    /// Gives the file back if it is to be taken in.
    fn wanted(&mut self, claim: Claim, fate: Result<Fate, Error>, batch: &mut Batch) -> Result<Option<Claim>, Error> {
        match fate {
            Ok(Fate::Taken) => return Ok(Some(claim)),
            Ok(Fate::Ignored) => batch.discarded.push(claim, self.ignored.decided()),
            Ok(Fate::Waits) => {
                self.report.waiting += 1;
                claim.put_back(self.places);
            }
            Err(error) => {
                claim.put_back(self.places);
                return Err(error);
            }
        }
        Ok(None)
    }

    /// Even a bad file tells that something happened in the session of its name.
    fn reject(&mut self, claim: Claim, reject: &Reject) -> Result<(), Error> {
        self.touch(claim.parts().session.as_str());
        claim.fail(self.places, &self.sieve, reject, self.clock.began, self.steps)?;
        self.report.failed += 1;
        Ok(())
    }

    fn touch(&mut self, session: &str) {
        if session != Token::UNKNOWN.as_str() && !self.touched.contains(session) {
            self.touched.insert(session.to_owned());
        }
    }
}
