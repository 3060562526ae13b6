//! Queue files of what was forgotten, wherever they lie: in the archive, day by day, in failed and where hooks write.

use std::fs;
use std::path::{Path, PathBuf};

use queue::QueueName;
use store::write::Writer;

use super::report::Report;
use crate::archive::{self, pack};
use crate::backup::copy::PARTIAL;
use crate::error::{At, Error};
use crate::intake::lock::{self, Outcome};
use crate::intake::places::Places;

/// Removes what was just forgotten, by the names of its events, and what was at any time, by the stones. What cannot be read or
/// removed is in the report, and does not keep the rest.
pub(super) fn remove(places: &Places, writer: &Writer, report: &mut Report) {
    let names = std::mem::take(&mut report.names);
    let is_gone = |file: &str, bytes: &[u8]| match archive::queue_name(whole(file)).map(|name| name.to_string()) {
        Some(name) => Ok(names.contains(&name) || writer.is_forgotten(&name, bytes)?),
        None => Ok(false),
    };
    from_archive(&places.archive, &is_gone, report);
    for folder in beside(places) {
        let listed = list(folder);
        for path in report.of(folder, listed) {
            let removed = remove_forgotten(places, writer, &path);
            match report.of(&path, removed) {
                true => report.failed += 1,
                false => report.leave(&path),
            }
        }
    }
}

/// Counts what [`remove`] would remove of what the report names.
///
/// # Errors
/// The operating system's.
pub(super) fn count(places: &Places, report: &mut Report) -> Result<(), Error> {
    let names = std::mem::take(&mut report.names);
    let is_gone = |file: &str, _: &[u8]| {
        Ok(archive::queue_name(whole(file)).is_some_and(|name| names.contains(&name.to_string())))
    };
    from_archive(&places.archive, &is_gone, report);
    for folder in beside(places) {
        for path in list(folder)? {
            match name_of(&path) {
                Some(name) if report.whole.contains(name.session.as_str()) => report.failed += 1,
                _ => report.leave(&path),
            }
        }
    }
    Ok(())
}

/// Removes what was not taken in and is of sessions that were forgotten as a whole: a file may have come there since.
///
/// # Errors
/// The operating system's and the store's, the first: one folder does not keep the others.
pub(crate) fn remove_failed(places: &Places, writer: &Writer) -> Result<(), Error> {
    if !writer.has_forgotten()? {
        return Ok(());
    }
    let mut done = Ok(());
    for folder in beside(places) {
        let removed = list(folder)
            .and_then(|listed| listed.iter().try_for_each(|path| remove_forgotten(places, writer, path).map(drop)));
        done = done.and(removed);
    }
    done
}

/// Where lies what could not be taken in, or was not written to its end: in failed, and where hooks write, in the queue and in their
/// second place. It says nothing of its conversation; its name tells the session.
fn beside(places: &Places) -> impl Iterator<Item = &Path> {
    let written = [&places.tmp].into_iter().chain(places.spill.as_ref().map(|spill| &spill.tmp));
    [&places.failed].into_iter().chain(written).map(PathBuf::as_path)
}

fn list(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.at("list", folder)?,
    };
    entries.map(|entry| Ok(entry.at("list", folder)?.path())).collect()
}

fn remove_forgotten(places: &Places, writer: &Writer, path: &Path) -> Result<bool, Error> {
    let is_gone = is_of_forgotten(writer, path)? && !is_being_written(places, path)?;
    if is_gone {
        fs::remove_file(path).at("remove", path)?;
    }
    Ok(is_gone)
}

/// The name of a queue file that failed or was left, whatever is added to it.
pub(super) fn name_of(path: &Path) -> Option<QueueName> {
    let file = archive::name_of(path);
    QueueName::numbered(file.strip_suffix(".reason.json").unwrap_or(whole(&file)))
}

/// Who dies while he copies a queue file to another disk leaves a part of it.
fn whole(file: &str) -> &str {
    file.strip_suffix(PARTIAL).unwrap_or(file)
}

fn is_of_forgotten(writer: &Writer, path: &Path) -> Result<bool, Error> {
    let Some(name) = name_of(path) else { return Ok(false) };
    let captured_ms = i64::try_from(name.captured_ns / 1_000_000).unwrap_or(i64::MAX);
    Ok(writer.is_session_forgotten(name.session.as_str(), captured_ms)?)
}

/// A hook that lives holds a lock on its file.
fn is_being_written(places: &Places, path: &Path) -> Result<bool, Error> {
    let is_free = path.starts_with(&places.failed) || matches!(lock::lock(path).at("lock", path)?, Outcome::Locked(_));
    Ok(!is_free)
}

fn from_archive(root: &Path, is_gone: &pack::Choice<'_>, report: &mut Report) {
    let dry_run = report.dry_run;
    if !dry_run {
        let removed = pack::remove_abandoned(root);
        report.of(root, removed);
    }
    let days = archive::days(root);
    for day in report.of(root, days).into_values() {
        for pack in &day.packs {
            let gone = if dry_run { pack::count(pack, is_gone) } else { pack::without(pack, is_gone) };
            report.archived += report.of(pack, gone);
        }
        let Some(folder) = day.folder else { continue };
        let parts = parts(&folder);
        let parts = report.of(&folder, parts).into_iter().map(Ok);
        for path in archive::files(&folder).chain(parts) {
            let Some(path) = report.of(&folder, path.map(Some)) else { continue };
            let gone = from_folder(&path, is_gone, dry_run);
            report.archived += u64::from(report.of(&path, gone));
        }
    }
}

fn parts(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = fs::read_dir(folder).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
    let paths: Vec<PathBuf> = entries.at("list", folder)?;
    Ok(paths.into_iter().filter(|path| path.is_file() && archive::name_of(path).ends_with(PARTIAL)).collect())
}

fn from_folder(path: &Path, is_gone: &pack::Choice<'_>, dry_run: bool) -> Result<bool, Error> {
    let Some(bytes) = archive::read(path)? else { return Ok(false) };
    let is_gone = is_gone(&archive::name_of(path), &bytes)?;
    if is_gone && !dry_run {
        fs::remove_file(path).at("remove", path)?;
    }
    Ok(is_gone)
}
