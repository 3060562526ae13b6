//! One pass, the plain function behind `once`, behind every wake of `run`, and in the tests.
//!
//! ```text
//! spill ─┐
//! tmp ───┴▶ incoming ──claim──▶ processing ──commit──▶ archive        then: follow transcripts ──▶ derive conversations
//!                                         └──reject──▶ failed
//! ```
//!
//! What was taken back comes first, then what is new, the oldest first. Files whose reader died come last and one at a time:
//! if one of them kills this pass too, everything else is stored by then. A pass on a quiet queue costs a `stat` for each
//! directory and nothing else. Any number of passes may run in any number of processes.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use settings::Settings;

use crate::backlog::{self, Done};
use crate::clock::{Clock, elapsed};
use crate::derive;
use crate::disk::Room;
use crate::error::Error;
use crate::forget;
use crate::intake::Intake;
use crate::intake::batch::Limits;
use crate::intake::claim::DEATHS;
use crate::intake::files;
use crate::intake::janitor::{Again, Janitor};
use crate::intake::lost;
use crate::intake::places::Places;
use crate::intake::scan::{Kind, LISTED, Scan, scan};
use crate::intake::spill;
use crate::intake::watch::Watch;
use crate::rate::{self, Waiting};
use crate::report::PassReport;
use crate::show::Show;
use crate::step::{Observer, Step, Steps};
use crate::store_handle::StoreHandle;
use crate::transcripts::Look;
use crate::transcripts::ignored::Ignored;
use crate::upgrade::Opening;

/// Claude Code writes its transcript some time after the event that tells of it, so a session is followed for a while
/// after its last event.
const FRESH: Duration = Duration::from_secs(10);

/// How much a pass looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// What seems to have changed: a wake of `run`.
    Changed,
    /// Everything: `once`.
    Everything,
}

/// What outlives a pass.
#[derive(Debug)]
pub struct Context {
    places: Places,
    store: StoreHandle,
    room: Room,
    limits: Limits,
    max_event: u64,
    projects: Vec<PathBuf>,
    ignored: Ignored,
    sweep_every: Duration,
    watch: Watch,
    janitor: Janitor,
    /// Sessions and when their last event was taken in.
    fresh: BTreeMap<String, SystemTime>,
    swept: Option<SystemTime>,
    /// Something may have to be derived.
    underived: bool,
    /// Sessions may have been derived by older rules.
    older: bool,
    /// Whether a rating from within a session waits for its transcript.
    asked: Waiting,
    stop: Arc<AtomicBool>,
}

impl Context {
    /// For a data directory that is [prepared](crate::home::prepare). When `stop` becomes true a pass ends early, in order.
    pub fn new(settings: &Settings, stop: Arc<AtomicBool>) -> Self {
        Self {
            places: Places::new(&settings.home, settings.spill.as_deref()).archiving(settings.archive),
            store: StoreHandle::new(Opening::of(settings, &stop)),
            room: Room::new(settings),
            limits: Limits { files: files::allow(settings.batch), bytes: settings::BATCH_BYTES },
            max_event: settings.max_event,
            projects: settings.projects.clone(),
            ignored: Ignored::new(settings),
            sweep_every: settings.sweep_every,
            watch: Watch::default(),
            janitor: Janitor::default(),
            fresh: BTreeMap::new(),
            swept: None,
            underived: true,
            older: true,
            asked: Waiting::Yes,
            stop,
        }
    }

    /// Goes on with other settings. What it knows of the queue and the transcripts stays, except where they lie elsewhere
    /// now; the data directory is the one it began with.
    pub fn adopt(&mut self, settings: &Settings) {
        let new = Self::new(settings, self.stop.clone());
        if new.projects != self.projects || new.ignored.differs(&self.ignored) {
            self.swept = None;
        }
        self.places = new.places;
        self.room = new.room;
        self.store.adopt(new.store);
        self.limits = new.limits;
        self.max_event = new.max_event;
        self.projects = new.projects;
        self.ignored = new.ignored;
        self.sweep_every = new.sweep_every;
    }

    /// Puts the store to rest while there is nothing to do: what is committed moves into the database file. `false` when
    /// somebody reads what would have to go, or a fault kept it; then it can wait.
    pub fn rest(&mut self) -> bool {
        self.store.rest().unwrap_or_else(|error| {
            tracing::warn!("checkpoint: failed to {error}");
            false
        })
    }

    /// Opens the database, or says why it cannot be; a fault that will pass is left to the first pass.
    ///
    /// # Errors
    /// What will not mend itself.
    pub fn open(&mut self) -> Result<(), Error> {
        self.store
            .with(|_| Ok(()))
            .or_else(|error| if error.is_transient() || error.is_of_a_folder() { Ok(()) } else { Err(error) })
    }

    /// Notes what a pass did. If that is not possible now, it is not noted.
    pub(crate) fn note(&mut self, figures: &store::Pass) {
        if let Err(error) = self.store.with(|writer| Ok(writer.note_pass(figures)?)) {
            tracing::debug!("figures: failed to {error}");
        }
    }
}

/// Does one pass. Faults that will pass are in the report as `trouble`; everything they touch stays for the next pass.
///
/// # Errors
/// What will not mend itself, and [`Error::Stopped`] when `observe` ends the pass.
pub fn run(
    ctx: &mut Context,
    now: SystemTime,
    effort: Effort,
    observe: &mut Observer<'_>,
) -> Result<PassReport, Error> {
    if effort == Effort::Everything {
        ctx.watch.forget();
        ctx.swept = None;
        ctx.underived = true;
    }
    let mut pass =
        Pass { ctx, now, clock: Clock::start(now), steps: Steps::new(observe), report: PassReport::default() };
    let done = pass.queue().and_then(|()| pass.sessions());
    let mut report = pass.report;
    match done {
        Ok(()) => {}
        Err(error) if error.is_transient() || error.is_of_a_folder() => {
            ctx.watch.forget();
            ctx.underived = true;
            report.trouble.get_or_insert_with(|| error.to_string());
        }
        Err(error) => return Err(error),
    }
    Ok(report)
}

struct Pass<'a, 's> {
    ctx: &'a mut Context,
    now: SystemTime,
    clock: Clock,
    steps: Steps<'s>,
    report: PassReport,
}

impl Pass<'_, '_> {
    fn queue(&mut self) -> Result<(), Error> {
        let places = self.ctx.places.clone();
        if let Some(spill) = &places.spill {
            self.adopt(&spill.tmp, &spill.incoming)?;
            if self.ctx.watch.due(&spill.incoming, self.now) {
                let again = spill::drain(&places, spill, &self.steps, &mut self.report)?;
                self.look_again(&spill.incoming, again);
            }
        }
        self.adopt(&places.tmp, &places.incoming)?;
        let mut left = self.scan(Kind::Processing, &places.processing)?;
        let suspects = left.as_mut().map(|left| left.take_suspects(DEATHS));
        self.intake(Kind::Processing, &places.processing, left)?;
        let new = self.scan(Kind::Incoming, &places.incoming)?;
        self.intake(Kind::Incoming, &places.incoming, new)?;
        let before = self.report.taken();
        self.intake(Kind::Processing, &places.processing, suspects)?;
        // A new file of the same name had to wait for such a one.
        self.report.more |= self.report.busy > 0 && self.report.taken() > before;
        Ok(())
    }

    fn adopt(&mut self, tmp: &Path, incoming: &Path) -> Result<(), Error> {
        if self.ctx.watch.due(tmp, self.now) {
            lost::tell(&self.ctx.places, self.now)?;
            let places = (tmp, incoming);
            let again = self.ctx.janitor.adopt(places, self.ctx.max_event, self.now, &self.steps, &mut self.report)?;
            self.look_again(tmp, again);
        }
        Ok(())
    }

    /// Reads `dir` if that is worth it.
    fn scan(&mut self, kind: Kind, dir: &Path) -> Result<Option<Scan>, Error> {
        if self.ctx.stop.load(Ordering::Relaxed) || !self.ctx.watch.due(dir, self.now) {
            return Ok(None);
        }
        // Before a file is touched for nothing.
        self.ctx.room.check()?;
        self.ctx.store.with(|_| Ok(()))?;
        let found = scan(dir, kind, LISTED)?;
        self.steps.at(Step::Scanned)?;
        Ok(Some(found))
    }

    fn intake(&mut self, kind: Kind, dir: &Path, found: Option<Scan>) -> Result<(), Error> {
        let Some(found) = found else { return Ok(()) };
        let sieve = self.ctx.store.with(|writer| Ok(writer.sieve()?))?;
        let mut touched = BTreeSet::new();
        let taken = Intake {
            places: &self.ctx.places,
            limits: self.ctx.limits,
            max_event: self.ctx.max_event,
            clock: self.clock,
            stop: &self.ctx.stop,
            steps: &self.steps,
            ignored: &mut self.ctx.ignored,
            sieve,
            report: &mut self.report,
            touched: &mut touched,
        }
        .take(kind, found, &mut self.ctx.store);
        self.ctx.underived |= self.report.stored > 0;
        self.ctx.fresh.extend(touched.into_iter().map(|session| (session, self.now)));
        let again = taken?;
        self.look_again(dir, again);
        Ok(())
    }

    fn look_again(&mut self, dir: &Path, again: Again) {
        if again == Again::Yes {
            self.ctx.watch.again(dir);
        }
    }

    /// What the queue told of is looked up in the transcripts, and both become conversations.
    fn sessions(&mut self) -> Result<(), Error> {
        let sweep = self.ctx.swept.is_none_or(|swept| elapsed(swept, self.now, self.ctx.sweep_every));
        let look = match () {
            () if self.ctx.stop.load(Ordering::Relaxed) => None,
            () if sweep => Some(Look::Sweep),
            () if !self.ctx.fresh.is_empty() => Some(Look::Sessions(self.ctx.fresh.keys().cloned().collect())),
            () => None,
        };
        if sweep {
            // A backup that was put in place may hold what was forgotten since, and who forgets may die.
            let Context { store, stop, places, .. } = &mut *self.ctx;
            let flow = store.with(|writer| forget::learn(writer, places, stop, &Show::new(true)))?;
            self.report.more |= flow.is_break();
        }
        if let Some(look) = look {
            self.ctx.room.check()?;
            // What is taken in first is derived first: a large backlog can be listed while it is still coming in.
            let Context { projects, ignored, store, stop, .. } = &mut *self.ctx;
            let (report, steps) = (&mut self.report, &self.steps);
            let followed = store.with(|writer| {
                let mut stopped = Ok(());
                backlog::take_in(writer, projects, &look, ignored, &mut |done| {
                    match done {
                        Done::Followed(followed) => {
                            report.transcript_files += followed.files;
                            report.transcript_bytes += followed.bytes;
                            report.trouble = report.trouble.take().or(followed.trouble);
                            stopped = steps.at(Step::Followed);
                        }
                        Done::Derived(derived) => {
                            count(report, derived);
                            stopped = steps.at(Step::Derived);
                        }
                    }
                    if stopped.is_err() || stop.load(Ordering::Relaxed) {
                        return ControlFlow::Break(());
                    }
                    ControlFlow::Continue(())
                })?;
                stopped
            });
            followed?;
            self.report.waiting += self.ctx.ignored.unread;
            self.ctx.underived = true;
            if sweep {
                if self.ctx.ignored.ask_again() {
                    self.ctx.watch.again(&self.ctx.places.processing);
                }
                self.ctx.swept = Some(self.now);
            }
        }
        let mut ask = self.ctx.asked == Waiting::Yes;
        if self.ctx.underived && !self.ctx.stop.load(Ordering::Relaxed) {
            let Context { store, stop, .. } = &mut *self.ctx;
            let steps = &self.steps;
            let derived = store.with(|writer| {
                let mut stopped = Ok(());
                let derived = derive::derive_observed(writer, &mut |_| {
                    stopped = steps.at(Step::Derived);
                    if stopped.is_err() || stop.load(Ordering::Relaxed) {
                        ControlFlow::Break(())
                    } else {
                        ControlFlow::Continue(())
                    }
                })?;
                stopped.map(|()| derived)
            })?;
            self.ctx.store.with(|writer| Ok(crate::places::look_up(writer)?))?;
            self.steps.at(Step::Derived)?;
            count(&mut self.report, derived);
            self.ctx.underived = false;
            ask = true;
        }
        if ask && !self.ctx.stop.load(Ordering::Relaxed) {
            let now = self.now;
            self.ctx.asked = self.ctx.store.with(|writer| Ok(rate::apply(writer, now)?))?;
            self.steps.at(Step::Rated)?;
        }
        if self.ctx.older && !self.ctx.stop.load(Ordering::Relaxed) {
            // One transaction in each pass, so that what is new never waits for what is old.
            let derived = self.ctx.store.with(|writer| Ok(derive::derive_older(writer)?))?;
            count(&mut self.report, derived);
            self.ctx.older = derived.sessions > 0;
            self.report.more |= self.ctx.older;
        }
        let now = self.now;
        self.ctx.fresh.retain(|_, last| !elapsed(*last, now, FRESH));
        Ok(())
    }
}

fn count(report: &mut PassReport, derived: derive::Derived) {
    report.sessions += derived.sessions;
    report.conversations += derived.conversations;
}
