//! The loop of `run`: a pass, its line in the log, and sleep until the next one. Nothing else.
//!
//! What a supervisor or a person asks for in between is heard by `signals`, what the supervisor is told goes through
//! `supervisor`, what has to be done once a day is done `beside`, and who wants to know how it goes hears it from `tell`.

mod beside;
mod tell;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{IsTerminal, Write};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use settings::Settings;
use supervisor::Notify;

use crate::copies::Beware;
use crate::doctor::outside::Word;
use crate::error::{At, Error};
use crate::notify::Who;
use crate::pass::{self, Context, Effort};
use crate::presence::Presence;
use crate::report::{PassReport, Stopwatch, Times};
use crate::schedule::{Moment, Schedule};
use crate::signals::{self, Reload};
use beside::Beside;
use tell::Tell;

/// After faults the pauses double up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How the settings come about: flags, environment and file, as they are now.
pub type Reread<'a> = dyn Fn() -> Result<Settings, Error> + 'a;

/// Runs passes until SIGTERM or SIGINT; reads the settings again at SIGHUP.
///
/// # Errors
/// What will not mend itself.
pub fn run(
    ctx: &mut Context,
    settings: Settings,
    schedule: Schedule,
    reread: &Reread<'_>,
    stop: &Arc<AtomicBool>,
    who: Who,
) -> Result<(), Error> {
    let reload = signals::listen_as_service(stop.clone()).at("listen for signals in", settings.home.root())?;
    let mut notify = Notify::new(&|name| std::env::var_os(name));
    notify.opening();
    ctx.open()?;
    let copies = Beware::of(&settings.home);
    let mut daemon =
        Daemon { ctx, settings, schedule, reread, stop, reload, recorded: None, notify, copies, restless: None };
    daemon.announce();
    let mut beside = Beside::default();
    let mut tell = Tell::new(who);
    let done = daemon.passes(&mut beside, &mut tell);
    if let Err(error) = &done {
        daemon.notify.status(&format!("failed: {error}"));
    }
    daemon.notify.stopping();
    stop.store(true, Ordering::Relaxed);
    beside.end();
    tell.end();
    // What went wrong is logged by the caller, as of every command.
    if done.is_ok() {
        tracing::info!("stopped");
    }
    done
}

struct Daemon<'a> {
    ctx: &'a mut Context,
    settings: Settings,
    schedule: Schedule,
    reread: &'a Reread<'a>,
    stop: &'a Arc<AtomicBool>,
    reload: Reload,
    /// When it was last changed what was set up, as far as it was read: there may be a new projects root on record.
    recorded: Option<SystemTime>,
    notify: Notify,
    copies: Beware,
    /// From when on the store may be put to rest, if there is something to put.
    restless: Option<Instant>,
}

impl Daemon<'_> {
    fn announce(&mut self) {
        let ready = format!("watching {} ({})", self.settings.home.root().display(), self.schedule.shown());
        tracing::info!("{ready}");
        // A person at a terminal has read it in the log just now.
        if !(std::io::stdout().is_terminal() && std::io::stderr().is_terminal()) {
            // Whoever started us may have gone; that is no reason to stop.
            let _ = writeln!(std::io::stdout(), "{ready}").and_then(|()| std::io::stdout().flush());
        }
        // A large backlog may take longer than a supervisor waits for a start, and the queue takes what comes meanwhile.
        self.notify.ready();
        self.notify.status(&format!("{ready}: first look"));
    }

    fn passes(&mut self, beside: &mut Beside, tell: &mut Tell) -> Result<(), Error> {
        let mut presence = Presence::begin(&self.settings.home, Some(&self.schedule), Moment::now().wall);
        let (mut faults, mut first, mut word) = (0, true, Word::default());
        while !self.stopping() {
            let woke = Moment::now();
            let report = self.pass(woke)?;
            note(&report);
            presence.passed(self.ctx, &report, woke, Some(&self.schedule));
            word.leave(&self.settings, woke.wall, woke.mono);
            tell.look(&self.settings, woke);
            if report.trouble.is_some() {
                self.notify.status(&format!("in trouble: {report}"));
                // What is too old may be what fills the disk.
                beside.look(&self.settings, woke, self.stop);
                self.sleep(pause(faults, self.schedule.patience()));
                faults += 1;
                continue;
            }
            if faults > 0 || !report.is_idle() || first {
                self.notify.status(&format!("last: {report}"));
            }
            (faults, first) = (0, false);
            if report.more {
                continue;
            }
            self.rest(&report, woke.mono);
            beside.look(&self.settings, woke, self.stop);
            while !self.stopping() {
                self.reload_if_asked();
                let now = Moment::now();
                let Some(left) = self.schedule.wait(woke, now) else { break };
                self.park(left, now.mono);
            }
        }
        Ok(())
    }

    /// At the first look that finds nothing after one that found something: who is at work goes on being served first.
    fn rest(&mut self, report: &PassReport, now: Instant) {
        if !report.is_idle() {
            self.restless = Some(now);
        } else if self.restless.is_some_and(|since| since <= now) {
            // If a reader was in the way, it is for longer.
            self.restless = if self.ctx.rest() { None } else { now.checked_add(LONGEST_PAUSE) };
        }
    }

    fn pass(&mut self, woke: Moment) -> Result<PassReport, Error> {
        let mut watch = Stopwatch::new(woke.mono);
        let (notify, copies, stop) = (&mut self.notify, &mut self.copies, self.stop);
        notify.alive(woke.mono);
        let mut report = pass::run(self.ctx, woke.wall, Effort::Changed, &mut |step| {
            let now = Instant::now();
            watch.at(step, now);
            notify.alive(now);
            copies.after(step, stop, &mut |now| notify.alive(now));
            ControlFlow::Continue(())
        })?;
        report.took_ms = watch.times();
        Ok(report)
    }

    fn stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn reload_if_asked(&mut self) {
        let recorded = self.settings.home.setup().metadata().and_then(|meta| meta.modified()).ok();
        let is_set_up = std::mem::replace(&mut self.recorded, recorded) != recorded;
        let is_asked = self.reload.taken();
        if !is_asked && !is_set_up {
            return;
        }
        self.notify.reloading();
        let before = self.settings.clone();
        match self.reload() {
            Ok(()) if is_asked || self.settings != before => {
                tracing::info!("read the settings again: {}", self.schedule.shown());
            }
            Ok(()) => {}
            Err(error) => tracing::error!("the settings stay as they were: {error}"),
        }
        self.notify.ready();
    }

    fn reload(&mut self) -> Result<(), Error> {
        let mut settings = (self.reread)()?;
        let schedule = Schedule::new(&settings.schedule)?;
        if settings.home != self.settings.home {
            let (new, old) = (settings.home.root().display(), self.settings.home.root().display());
            tracing::error!("`home` is {new} now; this process stays at {old}, start it anew for the other");
            settings.home = self.settings.home.clone();
        }
        if let Some(problem) = &settings.record_problem {
            tracing::warn!("{problem}");
            // Those that were known are read on.
            settings.projects.clone_from(&self.settings.projects);
        }
        self.ctx.adopt(&settings);
        (self.settings, self.schedule) = (settings, schedule);
        Ok(())
    }

    fn sleep(&mut self, pause: Duration) {
        let begin = Instant::now();
        while !self.stopping()
            && let Some(left) = pause.checked_sub(begin.elapsed()).filter(|left| !left.is_zero())
        {
            self.reload_if_asked();
            self.park(left, Instant::now());
        }
    }

    /// Until a signal comes, at most for `left`, and not longer than the supervisor can go without a sign of life.
    fn park(&mut self, left: Duration, now: Instant) {
        self.notify.alive(now);
        thread::park_timeout(self.notify.often().map_or(left, |often| left.min(often)));
    }
}

fn note(report: &PassReport) {
    let Times { queue: queue_ms, transcripts: transcripts_ms, derive: derive_ms } = report.took_ms;
    if report.trouble.is_some() {
        tracing::warn!(queue_ms, transcripts_ms, derive_ms, "{report}");
    } else if report.is_idle() {
        tracing::debug!(queue_ms, transcripts_ms, derive_ms, "{report}");
    } else {
        tracing::info!(queue_ms, transcripts_ms, derive_ms, "{report}");
    }
}

/// Doubles with each fault in a row, and varies by a quarter, so that several ingesters do not come back at once.
fn pause(faults: u32, shortest: Duration) -> Duration {
    let full = shortest.saturating_mul(1 << faults.min(16)).min(LONGEST_PAUSE);
    let random = RandomState::new().build_hasher().finish() % 1024;
    full.mul_f64(0.75 + random as f64 / 2048.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        let second = Duration::from_secs(1);
        for (faults, full) in [(0, 1), (1, 2), (5, 32), (6, 60), (1000, 60)] {
            let full = second * full;
            let found = pause(faults, second);
            assert!(found >= full.mul_f64(0.75) && found <= full.mul_f64(1.26), "{faults}: {found:?}");
        }
    }
}
