//! What is dropped: days of the archive by age and by size, and what failed long ago. Nothing of the archive goes before
//! the database was seen to hold it, and nothing that failed goes without a word.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use settings::Settings;
use status::failed::{Failed, Failures, NOTE, age_ms};
use store::write::Writer;

use super::{How, Report, before, is_of_one_day};
use crate::archive::{self, Archived, Day};
use crate::error::{At, Error};
use crate::intake::lock;

/// Days of the archive that are older or more than the settings allow.
pub(super) fn archive(
    settings: &Settings,
    writer: &Writer,
    sure: Option<SystemTime>,
    how: How,
    stop: &AtomicBool,
    report: &mut Report,
) -> Result<(), Error> {
    let days: Vec<_> = archive::days(&settings.home.archive())?
        .into_iter()
        .map(|(date, day)| {
            // One that cannot be looked at says so when its turn comes.
            let size = size_of(&day).unwrap_or(0);
            (date, day, size)
        })
        .collect();
    let old = settings.archive_keep.zip(sure).map(|(keep, sure)| before(sure, keep));
    let mut total: u64 = days.iter().map(|(.., size)| size).sum();
    for (date, day, size) in days {
        let too_old = old.is_some_and(|old| date < old);
        let too_much = settings.archive_max.is_some_and(|max| total > max);
        if stop.load(Ordering::Relaxed) || !(too_old || too_much) {
            break; // those behind it are younger
        }
        let missing = missing(&day, writer).and_then(|missing| {
            if missing == 0 && how == How::Do {
                drop_day(&day)?;
                tracing::info!(day = %date, bytes = size, "dropped from the archive");
            }
            Ok(missing)
        });
        match missing {
            Ok(0) => {
                report.dropped_days.push(date.to_string());
                report.dropped_bytes += size;
                total -= size;
            }
            Ok(missing) => report.keep(date, missing),
            Err(error) if is_of_one_day(&error) => report.keep_for(date, &error),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// How many files of the day the database cannot give back, because it has no row of them or a damaged one.
fn missing(day: &Day, writer: &Writer) -> Result<u64, Error> {
    let mut missing = 0;
    let mut look = |archived: Archived<'_>| {
        let known = match archived.queue_name() {
            Some(name) => writer.gives_back(&name.to_string(), &archived.bytes)?,
            None => false,
        };
        missing += u64::from(!known);
        Ok(())
    };
    for pack in &day.packs {
        archive::each_packed(pack, &mut look)?;
    }
    for path in folder_files(day) {
        let path = path?;
        if let Some(bytes) = archive::read(&path)? {
            look(Archived { place: &path, file: &archive::name_of(&path), bytes })?;
        }
    }
    Ok(missing)
}

/// The queue files of the day that are not packed.
pub(super) fn folder_files(day: &Day) -> impl Iterator<Item = Result<PathBuf, Error>> {
    day.folder.iter().flat_map(|folder| archive::files(folder))
}

fn all_files(day: &Day) -> impl Iterator<Item = Result<PathBuf, Error>> {
    day.packs.iter().cloned().map(Ok).chain(folder_files(day))
}

fn drop_day(day: &Day) -> Result<(), Error> {
    for path in all_files(day) {
        let path = path?;
        fs::remove_file(&path).at("remove", &path)?;
    }
    if let Some(folder) = &day.folder {
        // What is not ours stays, and its folder with it.
        let _ = fs::remove_dir(folder);
    }
    Ok(())
}

fn size_of(day: &Day) -> Result<u64, Error> {
    all_files(day).map(|path| Ok(bytes(&path?))).sum()
}

/// The size of a file; 0 if it is gone.
pub(super) fn bytes(path: &Path) -> u64 {
    path.symlink_metadata().map_or(0, |meta| meta.len())
}

/// What failed longer ago than `keep`. One that cannot be removed keeps none of the others.
pub(super) fn failed(
    settings: &Settings,
    keep: Duration,
    now: SystemTime,
    how: How,
    report: &mut Report,
) -> Result<(), Error> {
    let dir = settings.home.failed();
    let mut done = Ok(());
    let found = Failures::read(&dir, usize::MAX / 2).at("list", &dir)?;
    let old = |file: &Failed| file.is_file && u128::from(age_ms(file.failed_ms, now)) > keep.as_millis();
    for file in found.files.iter().filter(|file| old(file)) {
        match if how == How::Do { drop_failed(&dir, &file.file, &old) } else { Ok(true) } {
            Ok(true) => report.dropped_failed.push(file.file.clone()),
            Ok(false) => {}
            Err(error) => done = done.and(Err(error)),
        }
    }
    done
}

/// Removes a file and its note; false if it is not `old` any more or somebody is at it. Since it was listed, `retry` may
/// have taken it and another failed under its name: both of them lock the note, so it is locked, and then looked at again.
fn drop_failed(dir: &Path, file: &str, old: &dyn Fn(&Failed) -> bool) -> Result<bool, Error> {
    let note = dir.join(format!("{file}{NOTE}"));
    let mut options = OpenOptions::new();
    let held = options.write(true).create(true).truncate(false).mode(0o600).open(&note).at("open", &note)?;
    if !lock::try_exclusive(&held).at("lock", &note)? {
        return Ok(false);
    }
    let meta = held.metadata().at("look at", &note)?;
    if !lock::is_at(&meta, &note).at("look at", &note)? {
        return Ok(false);
    }
    let Some(found) = Failed::look(dir, file).filter(old) else {
        if meta.len() == 0 {
            let _ = fs::remove_file(&note); // it is ours: it was made to be locked
        }
        return Ok(false);
    };
    let reason = found.reason.as_deref().unwrap_or("unknown");
    tracing::warn!(file, reason, bytes = found.size, "dropped from failed: it is older than failed_keep");
    let path = dir.join(file);
    fs::remove_file(&path).at("remove", &path)?;
    let _ = fs::remove_file(&note);
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Between the list and the removal somebody may retry a file, and it may fail again.
    #[test]
    fn what_failed_is_looked_at_again_under_its_lock() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a");
        let note = dir.path().join(format!("a{NOTE}"));
        let check = |old: bool, expected: bool, left: usize| {
            assert_eq!(drop_failed(dir.path(), "a", &|_| old).unwrap(), expected);
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), left);
        };
        check(true, false, 0); // gone
        fs::write(&file, "1").unwrap();
        check(false, false, 1); // young
        fs::write(&note, "{}").unwrap();
        check(false, false, 2);
        let held = OpenOptions::new().write(true).open(&note).unwrap();
        assert!(lock::try_exclusive(&held).unwrap());
        check(true, false, 2); // somebody is at it
        drop(held);
        check(true, true, 0);
        fs::write(&file, "1").unwrap();
        check(true, true, 0); // without a note
    }
}
