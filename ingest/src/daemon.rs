//! The loop of `run`: a pass, its line in the log, and sleep until the next one. Nothing else.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::error::{At, Error};
use crate::pass::{self, Context, Effort};
use crate::report::{PassReport, Stopwatch, Times};
use crate::schedule::Schedule;

/// After faults the pauses double up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Runs passes until SIGTERM or SIGINT.
///
/// # Errors
/// What will not mend itself.
pub fn run(ctx: &mut Context, home: &Path, schedule: &Schedule, stop: &Arc<AtomicBool>) -> Result<(), Error> {
    listen(stop.clone()).at("listen for signals in", home)?;
    ctx.open()?;
    let ready = format!("watching {} ({})", home.display(), schedule.shown());
    tracing::info!("{ready}");
    // Whoever started us may have gone; that is no reason to stop.
    let _ = writeln!(std::io::stdout(), "{ready}").and_then(|()| std::io::stdout().flush());
    let mut faults = 0;
    while !stop.load(Ordering::Relaxed) {
        let woke = (Instant::now(), SystemTime::now());
        let mut watch = Stopwatch::new(woke.0);
        let mut report = pass::run(ctx, woke.1, Effort::Changed, &mut |step| {
            watch.at(step, Instant::now());
            ControlFlow::Continue(())
        })?;
        report.took_ms = watch.times();
        note(&report);
        if report.trouble.is_some() {
            sleep(pause(faults, schedule.patience()), stop);
            faults += 1;
            continue;
        }
        faults = 0;
        while !report.more
            && !stop.load(Ordering::Relaxed)
            && let Some(left) = schedule.wait(woke)
        {
            thread::park_timeout(left);
        }
    }
    tracing::info!("stopped");
    Ok(())
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

fn sleep(pause: Duration, stop: &AtomicBool) {
    let begin = Instant::now();
    while !stop.load(Ordering::Relaxed)
        && let Some(left) = pause.checked_sub(begin.elapsed()).filter(|left| !left.is_zero())
    {
        thread::park_timeout(left);
    }
}

/// The first signal ends the loop after the transaction it is in, a second one ends the process.
pub(crate) fn listen(stop: Arc<AtomicBool>) -> std::io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT])?;
    let main = thread::current();
    thread::Builder::new().name("signals".into()).spawn(move || {
        for signal in signals.forever() {
            if stop.swap(true, Ordering::Relaxed) {
                let _ = signal_hook::low_level::emulate_default_handler(signal);
            }
            main.unpark();
        }
    })?;
    Ok(())
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
