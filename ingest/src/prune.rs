//! `ingest prune`: packs and thins out the archive as the settings say. The daily chores do the same by themselves.

mod thin;

use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, NaiveDate, Utc};
use clap::Args;
use serde::Serialize;
use settings::{Archive, Settings};
use store::write::Writer;

use crate::archive::{self, pack::Packed};
use crate::chores::Chores;
use crate::cli::Place;
use crate::error::{At, Error};
use crate::exit::Exit;
use crate::report::count;
use terminal::size;

/// Shown below `ingest prune --help`.
pub const EXAMPLES: &str = "\
Examples:
  prompt-manager prune --dry-run                     what would go, and why
  PROMPT_MANAGER_ARCHIVE_KEEP=90d prompt-manager prune

By default days older than a week are packed (archive = \"pack\", pack_after = \"7d\") and nothing is dropped. archive_keep and
archive_max drop whole days of the archive, the oldest first, after every file of them was compared with the database.
failed_keep drops what failed long ago, and names each file in the log. `run` and `once` do all this once a day.
";

/// `prune`.
#[derive(Debug, Args)]
pub struct Prune {
    /// Say what would be done, and do nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
    /// Shared flags.
    #[command(flatten)]
    pub place: Place,
}

/// Whether it is done, or only said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    Do,
    Say,
}

/// What was done, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Report {
    /// Days of the archive that became one file.
    pub(crate) packed_days: u64,
    pub(crate) packed_files: u64,
    /// Bytes of these files, and of what they became (unknown before it is done).
    pub(crate) packed_bytes: u64,
    pub(crate) packed_into_bytes: u64,
    /// Days that are dropped from the archive, and the bytes that this frees.
    pub(crate) dropped_days: Vec<String>,
    pub(crate) dropped_bytes: u64,
    /// Days that should be packed or dropped and stay as they are.
    pub(crate) kept_days: Vec<Kept>,
    /// Files that are dropped from failed.
    pub(crate) dropped_failed: Vec<String>,
    /// The clock may be wrong: what is dropped by age waits.
    pub(crate) clock_jumped: bool,
    pub(crate) dry_run: bool,
}

/// A day that stays although it is old.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Kept {
    pub(crate) day: String,
    /// Files that the database cannot give back: without a row, or with a damaged one.
    pub(crate) missing: u64,
    /// What failed, if that is why.
    pub(crate) reason: Option<String>,
}

/// Prunes.
///
/// # Errors
/// The operating system's and the store's; what was done until then is done.
pub fn run(settings: &Settings, args: &Prune, stop: &Arc<AtomicBool>) -> Result<Exit, Error> {
    crate::signals::listen(stop.clone()).at("listen for signals in", settings.home.root())?;
    let now = SystemTime::now();
    let how = if args.dry_run { How::Say } else { How::Do };
    let Some(mut chores) = Chores::begin(settings)? else {
        let lock = settings.home.chores_lock();
        return Err(Error::Held { path: lock, what: "another ingester packs, prunes or backs up" });
    };
    let (report, done) = all(settings, chores.sure(now), now, how, stop);
    let noted = match how {
        How::Do => chores.note(settings, now, fault(&report, &done), stop),
        How::Say => Ok(()),
    };
    let text = if args.json { terminal::document(&report) } else { report.shown() };
    terminal::print(text.as_bytes()).at("write the figures of", &settings.home.archive())?;
    done.and(noted)?;
    Ok(if report.fault().is_some() { Exit::Failure } else { Exit::Done })
}

/// What failed first, if anything did.
pub(crate) fn fault(report: &Report, done: &Result<(), Error>) -> Option<String> {
    done.as_ref().err().map(ToString::to_string).or_else(|| report.fault().map(str::to_owned))
}

/// All of it. Age is told by the time that is `sure`; without one the clock is in doubt, and nothing goes by age. What fails with one day stays with that day and is in the
/// report; what fails for all of them is the first error, and keeps none of the other things from being done.
pub(crate) fn all(
    settings: &Settings,
    sure: Option<SystemTime>,
    now: SystemTime,
    how: How,
    stop: &AtomicBool,
) -> (Report, Result<(), Error>) {
    let by_age = settings.archive_keep.is_some() || settings.failed_keep.is_some();
    let mut report = Report { dry_run: how == How::Say, clock_jumped: sure.is_none() && by_age, ..Report::default() };
    let mut done = Ok(());
    if settings.archive == Archive::Pack {
        done = pack(settings, now, how, stop, &mut report);
    }
    if settings.archive_keep.is_some() || settings.archive_max.is_some() {
        let writer = Writer::open(&settings.home).map_err(Error::from);
        done = done.and(writer.and_then(|writer| thin::archive(settings, &writer, sure, how, stop, &mut report)));
    }
    if let (Some(keep), Some(sure)) = (settings.failed_keep, sure) {
        done = done.and(thin::failed(settings, keep, sure, how, &mut report));
    }
    (report, done)
}

/// Whether the fault is that of one day, so that the others can be done; else it would be the same with each of them.
fn is_of_one_day(error: &Error) -> bool {
    let Error::Io { source, .. } = error else { return matches!(error, Error::Pack { .. }) };
    !matches!(source.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::ReadOnlyFilesystem)
}

/// The last UTC day of which everything is at least `age` old.
fn before(now: SystemTime, age: Duration) -> NaiveDate {
    let then = now.checked_sub(age).unwrap_or(SystemTime::UNIX_EPOCH);
    DateTime::<Utc>::from(then).date_naive()
}

fn pack(settings: &Settings, now: SystemTime, how: How, stop: &AtomicBool, report: &mut Report) -> Result<(), Error> {
    let archive = settings.home.archive();
    let end = before(now, settings.pack_after);
    for (date, day) in archive::days(&archive)?.into_iter().filter(|(date, day)| *date < end && day.folder.is_some()) {
        let packed = match how {
            How::Do => archive::pack::pack(&archive, date, &day, stop),
            How::Say => thin::folder_files(&day).try_fold(Packed::default(), |sum, file| {
                Ok(Packed { files: sum.files + 1, bytes: sum.bytes + thin::bytes(&file?), ..sum })
            }),
        };
        let packed = match packed {
            Err(error) if is_of_one_day(&error) => {
                report.keep_for(date, &error);
                continue;
            }
            packed => packed?,
        };
        report.packed_days += u64::from(packed.files > 0);
        report.packed_files += packed.files;
        report.packed_bytes += packed.bytes;
        report.packed_into_bytes += packed.packed_bytes;
    }
    Ok(())
}

impl Report {
    /// Whether anything was done that is worth a line.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self { clock_jumped: self.clock_jumped, dry_run: self.dry_run, ..Self::default() }
    }

    /// The day stays: so many of its files are not in the database.
    fn keep(&mut self, date: NaiveDate, missing: u64) {
        tracing::warn!(day = %date, missing, "a day of the archive is not dropped: files of it are missing or damaged in the database");
        self.kept_days.push(Kept { day: date.to_string(), missing, reason: None });
    }

    /// The day stays: it cannot be read, packed or removed.
    fn keep_for(&mut self, date: NaiveDate, error: &Error) {
        let (day, reason) = (date.to_string(), error.to_string());
        tracing::warn!(day, "a day of the archive stays as it is: failed to {reason}");
        // It may be old enough to be packed and to be dropped.
        self.kept_days.retain(|kept| kept.day != day);
        self.kept_days.push(Kept { day, missing: 0, reason: Some(reason) });
    }

    /// What failed first with one of the days.
    pub(crate) fn fault(&self) -> Option<&str> {
        self.kept_days.iter().find_map(|kept| kept.reason.as_deref())
    }

    /// For a person.
    pub(crate) fn shown(&self) -> String {
        let would = if self.dry_run { "would be " } else { "" };
        let mut lines = Vec::new();
        if self.packed_files > 0 {
            let into = if self.dry_run { String::new() } else { format!(" into {}", size(self.packed_into_bytes)) };
            let files = count(self.packed_files, "file");
            let days = count(self.packed_days, "day");
            lines.push(format!("{days} {would}packed: {files}, {}{into}", size(self.packed_bytes)));
        }
        if !self.dropped_days.is_empty() {
            let days = count(self.dropped_days.len() as u64, "day");
            let names = self.dropped_days.join(", ");
            lines.push(format!("{days} {would}dropped from the archive ({}): {names}", size(self.dropped_bytes)));
        }
        for kept in &self.kept_days {
            let why = match &kept.reason {
                Some(reason) => format!("failed to {reason}"),
                None => format!("{} of it missing or damaged in the database", count(kept.missing, "file")),
            };
            lines.push(format!("{} stays: {why}; `doctor` says more", kept.day));
        }
        if !self.dropped_failed.is_empty() {
            let files = count(self.dropped_failed.len() as u64, "file");
            lines.push(format!("{files} {would}dropped from failed: {}", self.dropped_failed.join(", ")));
        }
        if self.clock_jumped {
            lines.push("the look before was more than a day ago, or in the future: in case the clock is wrong, nothing is dropped by age until a day or two more looks have shown the same time".to_owned());
        }
        if lines.is_empty() {
            lines.push("nothing to do".to_owned());
        }
        lines.join("\n") + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 24 * 3600;

    #[test]
    fn days_are_old_as_a_whole() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(10 * DAY + 5);
        let check = |days: u64, expected: &str| {
            assert_eq!(before(now, Duration::from_secs(days * DAY)).to_string(), expected);
        };
        check(0, "1970-01-11");
        check(7, "1970-01-04");
        check(100, "1969-10-03");
    }

    #[test]
    fn lines_for_people() {
        insta::assert_snapshot!(Report::default().shown(), @"nothing to do");
        let report = Report {
            packed_days: 2,
            packed_files: 300,
            packed_bytes: 700_000,
            packed_into_bytes: 90_000,
            dropped_days: vec!["2026-01-01".into(), "2026-01-02".into()],
            dropped_bytes: 5_000_000,
            kept_days: vec![
                Kept { day: "2026-01-03".into(), missing: 1, reason: None },
                Kept { day: "2026-01-04".into(), missing: 0, reason: Some("unpack /a: it is damaged".into()) },
            ],
            dropped_failed: vec!["x.json".into()],
            clock_jumped: true,
            dry_run: false,
        };
        insta::assert_snapshot!(report.shown(), @r"
        2 days packed: 300 files, 684 KiB into 88 KiB
        2 days dropped from the archive (4.8 MiB): 2026-01-01, 2026-01-02
        2026-01-03 stays: 1 file of it missing or damaged in the database; `doctor` says more
        2026-01-04 stays: failed to unpack /a: it is damaged; `doctor` says more
        1 file dropped from failed: x.json
        the look before was more than a day ago, or in the future: in case the clock is wrong, nothing is dropped by age until a day or two more looks have shown the same time
        ");
    }
}
