//! What has to be done once a day and by one process alone: packing and thinning out the archive, backups, old figures.
//!
//! `run/chores.lock` is held while it is done, and holds the time at which it was done last; on a second line, since when the
//! clock is in doubt, if it is; then the last rounds, the newest first.
//! What could not be done stands in `run/chores.json` until it could.
//!
//! Nothing goes for a jump of the clock, and a machine that was off cannot be told from one: a look that comes more than a day
//! after the last proves nothing by itself. Two things prove a time. A day of looks without a jump, as where the machine runs daily:
//! then the clock is believed. Where it is used every other day each look is a jump and that day never comes; there the rounds
//! witness each other: the time of a round is sure once two more have come, each most of a day after the one before. A clock that
//! was wrong is set right in the end, which is a step back or a gap of more than `ABSENCE`, and either begins anew. So what is old
//! goes two rounds late there, and a single jump makes nothing old, however many rounds came before it. The times of queue files and
//! transcripts are no witness: they come from the same clock. How long the machine ran is none either: it was off.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use settings::Settings;
use status::chores::Failure;
use store::write::Writer;

use crate::clock::{elapsed, millis};
use crate::disk;
use crate::error::{At, Error};
use crate::forget;
use crate::intake::lock;
use crate::intake::places::Places;
use crate::prune::{self, How};

/// Between two looks at what is old. An hour less than a day, so that a `once` that comes daily is never a moment too early
/// and then two days late.
const DAILY: Duration = Duration::from_secs(23 * 3600);
/// After so long without a look, the clock may be wrong: it was a day ahead at least, or the machine was off, which nobody can
/// tell apart. An hour more than a day, for the night in which summer time ends.
const CLOCK_JUMP: Duration = Duration::from_secs(25 * 3600);
/// A clock in doubt is believed after a day on which it did not jump again.
const BELIEVED: Duration = Duration::from_secs(24 * 3600);

/// The longest gap between rounds that witness each other: a long holiday.
const ABSENCE: Duration = Duration::from_secs(32 * 24 * 3600);
/// So many rounds are kept; the oldest of them is witnessed by the others.
const ROUNDS: usize = 3;

/// The right to do them.
#[derive(Debug)]
pub(crate) struct Chores {
    lock: File,
    path: PathBuf,
    last: Option<SystemTime>,
    doubted: Option<SystemTime>,
    /// The newest first; each came after the one before it, and neither soon nor very late.
    rounds: Vec<SystemTime>,
}

impl Chores {
    /// Takes it; `None` while somebody else has it.
    ///
    /// # Errors
    /// The operating system's.
    pub(crate) fn begin(settings: &Settings) -> Result<Option<Self>, Error> {
        let path = settings.home.chores_lock();
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut lock = queue::plain::open(&mut options, &path).at("open", &path)?;
        if !lock::try_exclusive(&lock).at("lock", &path)? {
            return Ok(None);
        }
        let mut text = String::new();
        // What is no time was written by nobody: then they were never done.
        let _ = lock.read_to_string(&mut text);
        let mut times = text.lines().map(|line| {
            let ms = line.trim().parse().ok()?;
            SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(ms))
        });
        let (last, doubted) = (times.next().flatten(), times.next().flatten());
        let rounds = times.flatten().take(ROUNDS).collect();
        Ok(Some(Self { lock, path, last, doubted, rounds }))
    }

    /// When they were done last, as far as is known.
    pub(crate) fn last(&self) -> Option<SystemTime> {
        self.last
    }

    /// Whether the clock may be wrong at `now`: it is more than a day after the last look, or before it. A day
    /// later, if nothing has jumped again, it is believed. Until then nothing goes for its age: a machine that was off
    /// keeps things a day longer, and a clock that was wrong costs nothing.
    fn in_doubt(&self, now: SystemTime) -> bool {
        self.jumped(now) || self.doubted.is_some_and(|since| !elapsed(since, now, BELIEVED))
    }

    /// The time by which age is told at `now`: `now` itself unless the clock is in doubt, else that of the last round which two more
    /// have witnessed, this one among them; `None` if there is none, and nothing goes for its age.
    pub(crate) fn sure(&self, now: SystemTime) -> Option<SystemTime> {
        if self.in_doubt(now) { self.rounds_with(now).get(ROUNDS - 1).copied() } else { Some(now) }
    }

    /// The rounds when there was one at `now`. What comes within a day of a round is none: it would witness nothing.
    fn rounds_with(&self, now: SystemTime) -> Vec<SystemTime> {
        let gap = self.last.and_then(|last| now.duration_since(last).ok());
        if gap.is_none_or(|gap| gap > ABSENCE) {
            return vec![now];
        }
        // A file of an earlier version has none.
        let newest = self.rounds.first().copied().or(self.last);
        let is_round = newest.is_none_or(|newest| elapsed(newest, now, DAILY));
        let before = if self.rounds.is_empty() { newest.as_slice() } else { &self.rounds };
        is_round.then_some(now).iter().chain(before).copied().take(ROUNDS).collect()
    }

    fn jumped(&self, now: SystemTime) -> bool {
        self.last.is_some_and(|last| now.duration_since(last).map_or(true, |gone| gone > CLOCK_JUMP))
    }

    /// Notes that they were done at `now`, with what failed: `status` tells that until a round does without. One that was
    /// ended by `stop` tells nothing of what it did not come to.
    ///
    /// # Errors
    /// The operating system's.
    pub(crate) fn note(
        &mut self,
        settings: &Settings,
        now: SystemTime,
        fault: Option<String>,
        stop: &AtomicBool,
    ) -> Result<(), Error> {
        self.done(now)?;
        let path = settings.home.chores_note();
        match fault {
            None if stop.load(Ordering::Relaxed) => Ok(()),
            None => match fs::remove_file(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                removed => removed.at("remove", &path),
            },
            Some(reason) => {
                let text = terminal::document(&Failure { at_ms: millis(now), reason });
                disk::replace(&path, &text).at("write", &path)
            }
        }
    }

    fn done(&mut self, now: SystemTime) -> Result<(), Error> {
        let doubted = if self.jumped(now) { Some(now) } else { self.doubted.filter(|_| self.in_doubt(now)) };
        let rounds = self.rounds_with(now);
        let since = doubted.map_or(String::new(), |since| millis(since).to_string());
        let rest: String = rounds.iter().map(|round| format!("{}\n", millis(*round))).collect();
        let text = format!("{}\n{since}\n{rest}", millis(now));
        let write = |lock: &mut File| {
            lock.seek(SeekFrom::Start(0))?;
            lock.write_all(text.as_bytes())?;
            lock.set_len(text.len() as u64)
        };
        write(&mut self.lock).at("write", &self.path)?;
        (self.last, self.doubted, self.rounds) = (Some(now), doubted, rounds);
        Ok(())
    }
}

/// Gives the right back at once: closing the file leaves it with a child that has been forked and has not begun yet.
impl Drop for Chores {
    fn drop(&mut self) {
        let _ = self.lock.unlock();
    }
}

/// [`run`] for those who have something better to do: a fault is logged, and `status` shows what was not done.
pub(crate) fn quietly(settings: &Settings, now: SystemTime, stop: &AtomicBool) {
    if let Err(error) = run(settings, now, stop) {
        tracing::warn!("chores: failed to {error}");
    }
}

/// Does what is due; nothing while somebody else does. A fault of one does not keep the others from being done.
///
/// # Errors
/// The first fault.
pub fn run(settings: &Settings, now: SystemTime, stop: &AtomicBool) -> Result<(), Error> {
    let Some(mut chores) = Chores::begin(settings)? else { return Ok(()) };
    let daily = if chores.last().is_none_or(|last| elapsed(last, now, DAILY)) {
        daily(settings, &mut chores, now, stop)
    } else {
        Ok(())
    };
    let backups = crate::backup::due::due(settings, chores.sure(now), now, stop);
    daily.and(backups)
}

fn daily(settings: &Settings, chores: &mut Chores, now: SystemTime, stop: &AtomicBool) -> Result<(), Error> {
    let sure = chores.sure(now);
    let thinned = sure.map_or(Ok(()), |sure| thin_figures(settings, sure));
    let (report, pruned) = prune::all(settings, sure, now, How::Do, stop);
    let cleared = store::write::remove_abandoned(&settings.home.database_dir()).map_err(Error::from);
    let done = pruned.and(thinned).and(cleared).and_then(|()| forgotten(settings));
    // Also after a fault: it is tried again tomorrow, and not at every wake.
    let noted = chores.note(settings, now, prune::fault(&report, &done), stop);
    if !report.is_empty() || report.clock_jumped {
        for line in report.shown().lines() {
            tracing::info!("{line}");
        }
    }
    done.and(noted)
}

/// What could not be read goes to failed a while after its session was forgotten.
fn forgotten(settings: &Settings) -> Result<(), Error> {
    if settings.home.database().exists() {
        let places = Places::new(&settings.home, settings.spill.as_deref());
        forget::remove_failed(&places, &Writer::open(&settings.home)?)?;
    }
    Ok(())
}

fn thin_figures(settings: &Settings, sure: SystemTime) -> Result<(), Error> {
    if settings.home.database().exists() {
        Writer::open(&settings.home)?.thin_figures(millis(sure))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use settings::Layer;

    fn home() -> (tempfile::TempDir, Settings) {
        let home = tempfile::tempdir().unwrap();
        let flags = Layer { home: Some(home.path().to_owned()), ..Layer::default() };
        let settings = Settings::resolve(flags, &|_| None).unwrap();
        settings.home.create().unwrap();
        (home, settings)
    }

    #[test]
    fn one_at_a_time_and_the_time_is_kept() {
        let (_home, settings) = home();
        let mut first = Chores::begin(&settings).unwrap().unwrap();
        assert_eq!(first.last(), None);
        assert!(Chores::begin(&settings).unwrap().is_none());
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_350_951_598);
        first.done(now).unwrap();
        drop(first);
        assert_eq!(Chores::begin(&settings).unwrap().unwrap().last(), Some(now));
        std::fs::write(settings.home.chores_lock(), "no time").unwrap();
        assert_eq!(Chores::begin(&settings).unwrap().unwrap().last(), None);
    }

    /// Between fork and exec a child has all that is open here: a round that came right after another was not made.
    #[test]
    fn a_child_that_has_not_begun_keeps_no_round_from_being_made() {
        let (_home, settings) = home();
        let first = Chores::begin(&settings).unwrap().unwrap();
        let _of_the_child = first.lock.try_clone().unwrap();
        drop(first);
        assert!(Chores::begin(&settings).unwrap().is_some());
    }

    #[test]
    fn a_clock_that_jumped_is_believed_a_day_later() {
        let (_home, settings) = home();
        // Each look: at this hour, and whether the clock is in doubt then.
        let check = |looks: &[(u64, bool)]| {
            let _ = std::fs::remove_file(settings.home.chores_lock());
            for &(hour, expected) in looks {
                let now = SystemTime::UNIX_EPOCH + Duration::from_secs(hour * 3600);
                let mut chores = Chores::begin(&settings).unwrap().unwrap();
                assert_eq!(chores.in_doubt(now), expected, "at {hour} of {looks:?}");
                chores.done(now).unwrap();
            }
        };
        check(&[(1000, false), (1023, false), (1048, false), (1072, false)]);
        // A second look by hand, or at the next start, confirms nothing; nor does one after another jump.
        check(&[(1000, false), (1026, true), (1027, true), (1049, true), (1050, false), (1074, false)]);
        check(&[(1000, false), (1048, true), (1096, true), (1120, false)]);
        // Ten years ahead, and back.
        check(&[(1000, false), (88_600, true), (88_601, true), (1001, true), (1024, true), (1025, false)]);
        check(&[(1000, false), (999, true), (1022, true), (1023, false)]);
    }

    #[test]
    fn age_is_told_by_a_round_that_two_more_have_witnessed() {
        let (_home, settings) = home();
        // Each look: at this hour, and the hour by which age is told then.
        let check = |looks: &[(u64, Option<u64>)]| {
            let _ = std::fs::remove_file(settings.home.chores_lock());
            let at = |hour: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(hour * 3600);
            for &(hour, expected) in looks {
                let mut chores = Chores::begin(&settings).unwrap().unwrap();
                assert_eq!(chores.sure(at(hour)), expected.map(at), "at {hour} of {looks:?}");
                chores.done(at(hour)).unwrap();
                assert_eq!(chores.sure(at(hour)), expected.map(at), "afterwards, at {hour} of {looks:?}");
            }
        };
        check(&[(1000, Some(1000)), (1023, Some(1023)), (1048, Some(1048))]);
        check(&[
            (1000, Some(1000)),
            (1048, None),
            (1096, Some(1000)),
            (1144, Some(1048)),
            (1167, Some(1096)),
            (1191, Some(1191)),
        ]);
        // Looks between rounds witness nothing.
        check(&[(1000, Some(1000)), (1048, None), (1049, None), (1050, None), (1097, Some(1000)), (1098, Some(1000))]);
        // A step back, by a little or by years, and an absence that is too long begin anew.
        check(&[(1000, Some(1000)), (1048, None), (1096, Some(1000)), (1095, None), (1143, None), (1191, Some(1095))]);
        check(&[(1000, Some(1000)), (1048, None), (9900, None), (1049, None), (1097, None), (1145, Some(1049))]);
        check(&[(1000, Some(1000)), (1048, None), (1817, None), (1865, None), (1913, Some(1817))]);
    }

    /// It knows when the last look was, and since when there is doubt.
    #[test]
    fn a_note_of_an_earlier_version_is_the_first_round() {
        let (_home, settings) = home();
        let check = |text: &str, hours: &[u64], expected: Option<u64>| {
            std::fs::write(settings.home.chores_lock(), text).unwrap();
            let at = |hour: &u64| SystemTime::UNIX_EPOCH + Duration::from_secs(hour * 3600);
            let mut chores = Chores::begin(&settings).unwrap().unwrap();
            hours.iter().for_each(|hour| chores.done(at(hour)).unwrap());
            let last = hours.last().map(at).unwrap();
            assert_eq!(chores.sure(last), expected.as_ref().map(at), "{text:?} {hours:?}");
        };
        check("3600000000\n", &[1048, 1096], Some(1000));
        check("3600000000\n3600000000\n", &[1048, 1096], Some(1000));
        check("3600000000\n3600000000\n", &[1048], None);
        check("3600000000\n\nno time\n", &[1048, 1096], Some(1000));
    }
}
