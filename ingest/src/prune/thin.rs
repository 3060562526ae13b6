//! What is dropped: days of the archive by age and by size, and what failed long ago. Nothing of the archive goes before
//! the database was seen to hold it, and nothing that failed goes without a word.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use chrono::NaiveDate;
use settings::Settings;
use status::failed::{Failures, NOTE, age_ms};
use store::write::Writer;

use super::{How, Kept, Report, before};
use crate::archive::{self, Archived, Day};
use crate::error::{At, Error};

/// Days of the archive that are older or more than the settings allow.
pub(super) fn archive(
    settings: &Settings,
    writer: &Writer,
    now: SystemTime,
    how: How,
    stop: &AtomicBool,
    report: &mut Report,
) -> Result<(), Error> {
    let days: Vec<_> = archive::days(&settings.home.archive())?
        .into_iter()
        .map(|(date, day)| size_of(&day).map(|size| (date, day, size)))
        .collect::<Result<_, _>>()?;
    let old = settings.archive_keep.filter(|_| !report.clock_jumped).map(|keep| before(now, keep));
    let mut total: u64 = days.iter().map(|(.., size)| size).sum();
    for (date, day, size) in days {
        let too_old = old.is_some_and(|old| date < old);
        let too_much = settings.archive_max.is_some_and(|max| total > max);
        if stop.load(Ordering::Relaxed) || !(too_old || too_much) {
            break; // those behind it are younger
        }
        match missing(&day, writer)? {
            0 => {
                if how == How::Do {
                    drop_day(&day)?;
                    tracing::info!(day = %date, bytes = size, "dropped from the archive");
                }
                report.dropped_days.push(date.to_string());
                report.dropped_bytes += size;
                total -= size;
            }
            missing => report.kept_days.push(keep(date, missing)),
        }
    }
    Ok(())
}

fn keep(date: NaiveDate, missing: u64) -> Kept {
    tracing::warn!(day = %date, missing, "a day of the archive is not dropped: files of it are missing or damaged in the database");
    Kept { day: date.to_string(), missing }
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
    for path in folder_files(day)? {
        if let Some(bytes) = archive::read(&path)? {
            look(Archived { place: &path, file: &archive::name_of(&path), bytes })?;
        }
    }
    Ok(missing)
}

fn folder_files(day: &Day) -> Result<Vec<PathBuf>, Error> {
    Ok(day.folder.iter().map(|folder| archive::files(folder)).collect::<Result<Vec<_>, _>>()?.concat())
}

fn drop_day(day: &Day) -> Result<(), Error> {
    for path in day.packs.iter().cloned().chain(folder_files(day)?) {
        fs::remove_file(&path).at("remove", &path)?;
    }
    if let Some(folder) = &day.folder {
        // What is not ours stays, and its folder with it.
        let _ = fs::remove_dir(folder);
    }
    Ok(())
}

fn size_of(day: &Day) -> Result<u64, Error> {
    Ok(day.packs.iter().cloned().chain(folder_files(day)?).map(|path| bytes(&path)).sum())
}

/// The size of a file; 0 if it is gone.
pub(super) fn bytes(path: &Path) -> u64 {
    path.symlink_metadata().map_or(0, |meta| meta.len())
}

/// What failed longer ago than `keep`.
pub(super) fn failed(
    settings: &Settings,
    keep: Duration,
    now: SystemTime,
    how: How,
    report: &mut Report,
) -> Result<(), Error> {
    let dir = settings.home.failed();
    let found = Failures::read(&dir, usize::MAX / 2).at("list", &dir)?;
    for file in
        found.files.iter().filter(|file| file.is_file && u128::from(age_ms(file.failed_ms, now)) > keep.as_millis())
    {
        if how == How::Do {
            let path = dir.join(&file.file);
            let reason = file.reason.as_deref().unwrap_or("unknown");
            tracing::warn!(
                file = file.file,
                reason,
                bytes = file.size,
                "dropped from failed: it is older than failed_keep"
            );
            fs::remove_file(&path).at("remove", &path)?;
            let _ = fs::remove_file(dir.join(format!("{}{NOTE}", file.file)));
        }
        report.dropped_failed.push(file.file.clone());
    }
    Ok(())
}
