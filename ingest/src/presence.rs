//! What an ingester tells of itself while it lives: a note in run/ under its lock, run/trouble.json while something hinders
//! it, and the figures of its passes in the store.
//!
//! All of it is for people and for `status`. Whatever goes wrong with it is no reason to do anything else, and a pass that
//! had nothing to do writes nothing, but for a sign of life once a minute.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use queue::DataDir;
use status::ingesters::{self, Ended, Note, Trouble};

use crate::clock::{elapsed, millis};
use crate::error::Error;
use crate::exit::Exit;
use crate::intake::lock;
use crate::pass::Context;
use crate::report::{PassReport, Times};
use crate::schedule::{Moment, Schedule};

/// Between two signs of life.
const SIGN: Duration = Duration::from_secs(60);
/// A fault is told in so many signs at most.
const LONGEST_TEXT: usize = 300;
/// Names that are tried: another machine's process in the same directory may have our number.
const NAMES: u32 = 16;

/// The note of this process, its lock, and what it knows of trouble.
#[derive(Debug)]
pub(crate) struct Presence {
    home: DataDir,
    /// The locked file; `None` if it could not be made.
    file: Option<(File, PathBuf)>,
    note: Note,
    written: Option<SystemTime>,
    /// A pass was good.
    was_good: bool,
}

impl Presence {
    /// Begins; what dead ingesters left is taken away. `schedule` is that of `run`; without one it is `once`.
    pub(crate) fn begin(home: &DataDir, schedule: Option<&Schedule>, now: SystemTime) -> Self {
        let note = Note {
            pid: std::process::id(),
            command: if schedule.is_some() { "run" } else { "once" }.to_owned(),
            schedule: schedule.map(|schedule| schedule.shown().to_owned()),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_ms: millis(now),
            every_ms: schedule.and_then(every_ms),
            ..Note::default()
        };
        remove_dead(home);
        let file = claim(home, note.pid).unwrap_or_else(|error| {
            tracing::debug!("presence: failed to claim a note in {}: {error}", home.run().display());
            None
        });
        let mut presence = Self { home: home.clone(), file, note, written: None, was_good: false };
        presence.write(now);
        presence
    }

    /// After a pass that began at `woke`; `schedule` is that of `run`.
    pub(crate) fn passed(&mut self, ctx: &mut Context, report: &PassReport, woke: Moment, schedule: Option<&Schedule>) {
        let took = woke.mono.elapsed();
        let now = woke.wall + took;
        let before = self.note.next_wake_ms;
        self.note.last_pass_ms = Some(millis(now));
        if let Some(schedule) = schedule {
            let next = schedule.next(woke, Moment { mono: woke.mono + took, wall: now });
            // The next look of one who looks every second is always near, and not worth writing down each time.
            let far = next.is_some_and(|next| next.duration_since(woke.wall).is_ok_and(|left| left > SIGN));
            self.note.next_wake_ms = next.filter(|_| far || schedule.every().is_none()).map(millis);
            schedule.shown().clone_into(self.note.schedule.get_or_insert_default());
            self.note.every_ms = every_ms(schedule);
        }
        let again = self.trouble(report, now);
        let sign = schedule.is_none() || self.written.is_none_or(|written| elapsed(written, now, SIGN));
        let wrote = sign || !report.is_idle() || self.note.next_wake_ms != before;
        if wrote {
            self.write(now);
        }
        let is_good = report.trouble.is_none();
        if is_good && (wrote || !self.was_good) {
            over(&self.home);
        }
        self.was_good = is_good;
        // A fault that lasts is one row, however often it is met.
        let repeats = again && report.taken() == 0;
        if !report.is_idle() && !repeats {
            ctx.note(&figures(&self.note.command, report, woke.wall, took));
        }
    }

    /// Notes a fault, or that there is none; true if it was met before.
    fn trouble(&mut self, report: &PassReport, now: SystemTime) -> bool {
        let Some(text) = &report.trouble else {
            self.note.trouble = None;
            return false;
        };
        let last = self.note.trouble.take().or_else(|| ingesters::trouble(&self.home));
        self.note.trouble = Some(tell(&self.home, last.as_ref(), text, None, now));
        last.is_some()
    }

    fn write(&mut self, now: SystemTime) {
        self.written = Some(now);
        let Some((file, path)) = &self.file else { return };
        if let Err(error) = file.write_all_at(&self.note.block(), 0) {
            tracing::debug!("presence: failed to write {}: {error}", path.display());
        }
    }
}

impl Drop for Presence {
    /// `run` takes its note away, `once` leaves it: that says when it was here.
    fn drop(&mut self) {
        if let Some((_, path)) = self.file.as_ref().filter(|_| self.note.command == "run") {
            let _ = fs::remove_file(path);
        }
    }
}

fn every_ms(schedule: &Schedule) -> Option<u64> {
    schedule.every().and_then(|every| u64::try_from(every.as_millis()).ok())
}

/// A note of our own, under our lock.
fn claim(home: &DataDir, pid: u32) -> io::Result<Option<(File, PathBuf)>> {
    for n in 1..=NAMES {
        let path = home.ingester(pid, n);
        let file = File::options().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path)?;
        // Else somebody else has it, or took it for a dead one's between the two calls.
        if lock::try_exclusive(&file)? && lock::is_at(&file.metadata()?, &path)? {
            return Ok(Some((file, path)));
        }
    }
    Ok(None)
}

fn remove_dead(home: &DataDir) {
    for found in ingesters::read(home).unwrap_or_default() {
        if let Ok(lock::Outcome::Locked(_held)) = lock::lock(&found.path) {
            let _ = fs::remove_file(&found.path);
        }
    }
}

/// Notes what ended an ingester: nobody else tells of it, and another start may end the same way. What passes by itself is
/// left out, and so is what the next version or other settings mend.
pub(crate) fn ended(home: &DataDir, error: &Error, now: SystemTime) {
    if error.exit() == Exit::Failure {
        let by = if let Error::Store(error) = error { Some(error) } else { None };
        let ended = Some(Ended::by(by));
        tell(home, ingesters::trouble(home).as_ref(), &error.to_string(), ended, now);
    }
}

/// Whoever met a fault: now it is over.
pub(crate) fn over(home: &DataDir) {
    let _ = fs::remove_file(home.trouble());
}

/// Writes a fault that was met now, and `last` time.
fn tell(home: &DataDir, last: Option<&Trouble>, text: &str, ended: Option<Ended>, now: SystemTime) -> Trouble {
    let (since_ms, count) = last.map_or((millis(now), 0), |last| (last.since_ms, last.count));
    let text = text.chars().take(LONGEST_TEXT).collect();
    let trouble = Trouble { since_ms, last_ms: millis(now), count: count + 1, text, ended };
    if let Err(error) = write_trouble(&home.trouble(), &trouble) {
        tracing::debug!("presence: failed to write {}: {error}", home.trouble().display());
    }
    trouble
}

/// Over itself: on a full disk there may be room for no other file.
fn write_trouble(path: &Path, trouble: &Trouble) -> io::Result<()> {
    let mut text = serde_json::to_vec(trouble)?;
    text.push(b'\n');
    let mut options = File::options();
    options.write(true).create(true).truncate(false).mode(0o600);
    let file = queue::plain::open(&mut options, path)?;
    file.write_all_at(&text, 0)?;
    file.set_len(text.len() as u64)
}

/// What a pass did, as the store keeps it.
fn figures(command: &str, report: &PassReport, began: SystemTime, took: Duration) -> store::Pass {
    let n = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let Times { queue, transcripts, derive } = report.took_ms;
    store::Pass {
        command: command.to_owned(),
        began_ms: millis(began),
        took_ms: i64::try_from(took.as_millis()).unwrap_or(i64::MAX),
        queue_ms: n(queue),
        transcripts_ms: n(transcripts),
        derive_ms: n(derive),
        stored: n(report.stored),
        replayed: n(report.replayed),
        failed: n(report.failed),
        ignored: n(report.ignored),
        put_back: n(report.put_back),
        adopted: n(report.adopted),
        drained: n(report.drained),
        bytes: n(report.bytes),
        transcript_files: n(report.transcript_files),
        transcript_bytes: n(report.transcript_bytes),
        sessions: n(report.sessions),
        conversations: n(report.conversations),
        trouble: report.trouble.as_ref().map(|text| text.chars().take(LONGEST_TEXT).collect()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;
    use std::time::Instant;

    use settings::{Layer, Settings};

    use super::*;

    struct Stage {
        home: DataDir,
        ctx: Context,
        _dir: tempfile::TempDir,
    }

    fn stage() -> Stage {
        let dir = tempfile::tempdir().unwrap();
        let flags = Layer { home: Some(dir.path().to_owned()), projects: Some(Vec::new()), ..Layer::default() };
        let settings = Settings::resolve(flags, &|_| None).unwrap();
        settings.home.create().unwrap();
        Stage { home: settings.home.clone(), ctx: Context::new(&settings, Arc::new(AtomicBool::new(false))), _dir: dir }
    }

    fn every(text: &str) -> Schedule {
        Schedule::new(&settings::Schedule::Every(settings::parse_duration(text).unwrap())).unwrap()
    }

    fn notes(home: &DataDir) -> Vec<(String, bool)> {
        let found = ingesters::read(home).unwrap();
        let mut notes: Vec<_> = found.into_iter().map(|found| (found.note.unwrap().command, found.alive)).collect();
        notes.sort();
        notes
    }

    #[test]
    fn as_long_as_it_lives() {
        let Stage { home, ctx: _, _dir } = stage();
        let run = Presence::begin(&home, Some(&every("1s")), SystemTime::now());
        let once = Presence::begin(&home, None, SystemTime::now());
        assert_eq!(notes(&home), [("once".to_owned(), true), ("run".to_owned(), true)]);
        drop(once);
        assert_eq!(notes(&home), [("once".to_owned(), false), ("run".to_owned(), true)]);
        let other = Presence::begin(&home, Some(&every("1s")), SystemTime::now());
        assert_eq!(notes(&home), [("run".to_owned(), true), ("run".to_owned(), true)]);
        drop((run, other));
        assert_eq!(notes(&home), []);
    }

    /// A sign of life each minute; what the note says in between is what was written last.
    #[test]
    fn an_idle_pass_writes_nothing() {
        let Stage { home, mut ctx, _dir } = stage();
        let began = SystemTime::now();
        let schedule = every("1s");
        let mut presence = Presence::begin(&home, Some(&schedule), began);
        let mut last = |presence: &mut Presence, secs: u64, report: &PassReport| {
            let woke = Moment { mono: Instant::now(), wall: began + Duration::from_secs(secs) };
            presence.passed(&mut ctx, report, woke, Some(&schedule));
            let note = ingesters::read(&home).unwrap().remove(0).note.unwrap();
            (note.last_pass_ms.map(|ms| (ms - millis(began)) / 1000), home.database().exists())
        };
        let idle = PassReport { busy: 1, ..PassReport::default() };
        assert_eq!(last(&mut presence, 1, &idle), (None, false));
        assert_eq!(last(&mut presence, 59, &idle), (None, false));
        assert_eq!(last(&mut presence, 60, &idle), (Some(60), false));
        assert_eq!(last(&mut presence, 61, &idle), (Some(60), false));
        assert_eq!(last(&mut presence, 62, &PassReport { stored: 1, ..PassReport::default() }), (Some(62), true));
    }

    #[test]
    fn trouble_is_told_until_it_is_over() {
        let Stage { home, mut ctx, _dir } = stage();
        let began = SystemTime::now();
        let mut presence = Presence::begin(&home, None, began);
        let mut pass = |presence: &mut Presence, secs: u64, trouble: Option<&str>| {
            let report = PassReport { trouble: trouble.map(str::to_owned), stored: 1, ..PassReport::default() };
            presence.passed(
                &mut ctx,
                &report,
                Moment { mono: Instant::now(), wall: began + Duration::from_secs(secs) },
                None,
            );
            ingesters::trouble(&home)
                .map(|trouble| ((trouble.last_ms - trouble.since_ms) / 1000, trouble.count, trouble.text))
        };
        assert_eq!(pass(&mut presence, 1, Some("full, very full")), Some((0, 1, "full, very full".to_owned())));
        assert_eq!(pass(&mut presence, 3, Some("full")), Some((2, 2, "full".to_owned())));
        let mut other = Presence::begin(&home, None, began);
        assert_eq!(pass(&mut other, 5, Some("full")), Some((4, 3, "full".to_owned())));
        assert_eq!(pass(&mut other, 6, None), None);
        assert_eq!(pass(&mut presence, 7, Some("é".repeat(1000).as_str())).unwrap().1, 3);
        assert_eq!(pass(&mut presence, 8, None), None);
    }

    /// Also by one that finds nothing to do.
    #[test]
    fn what_ended_an_ingester_is_told_until_a_pass_is_good() {
        let Stage { home, mut ctx, _dir } = stage();
        let check = |error: Error, expected: Option<&str>| {
            ended(&home, &error, SystemTime::now());
            let told = ingesters::trouble(&home).map(|trouble| trouble.ended.unwrap().code);
            assert_eq!(told.as_deref(), expected, "{error}");
            over(&home);
        };
        let corrupt = || store::Error::Corrupt { op: "commit", detail: String::new() };
        check(corrupt().into(), Some("database_damaged"));
        check(
            Error::Io { op: "rename", path: "/a".into(), source: io::ErrorKind::CrossesDevices.into() },
            Some("trouble"),
        );
        check(store::Error::TooNew { path: "/a".into(), found: 9, known: 1 }.into(), None);
        check(store::Error::Busy { op: "begin", by: None }.into(), None);
        ended(&home, &corrupt().into(), SystemTime::now());
        let schedule = every("1s");
        let mut presence = Presence::begin(&home, Some(&schedule), SystemTime::now());
        presence.passed(&mut ctx, &PassReport::default(), Moment::now(), Some(&schedule));
        assert_eq!(ingesters::trouble(&home), None);
    }
}
