//! Queue files of what was forgotten, wherever they lie: in the archive, day by day, and in failed.

use std::fs;

use queue::{DataDir, QueueName};
use store::write::Writer;

use super::report::Report;
use crate::archive::{self, pack};
use crate::error::{At, Error};

/// Removes them, or only counts them.
///
/// # Errors
/// The operating system's.
pub(super) fn remove(home: &DataDir, report: &mut Report, dry_run: bool) -> Result<(), Error> {
    let names = std::mem::take(&mut report.names);
    let is_gone =
        |file: &str, _: &[u8]| Ok(archive::queue_name(file).is_some_and(|name| names.contains(&name.to_string())));
    report.archived += from_archive(home, &is_gone, dry_run)?;
    report.names = names;
    failed(home, report, dry_run)
}

/// Removes from the archive what another store has forgotten.
///
/// # Errors
/// The operating system's and the store's.
pub(super) fn sift(home: &DataDir, writer: &Writer) -> Result<u64, Error> {
    let is_gone = |file: &str, bytes: &[u8]| match archive::queue_name(file) {
        Some(name) => Ok(writer.is_forgotten(&name.to_string(), bytes)?),
        None => Ok(false),
    };
    from_archive(home, &is_gone, false)
}

fn from_archive(home: &DataDir, is_gone: &pack::Choice<'_>, dry_run: bool) -> Result<u64, Error> {
    let root = home.archive();
    let mut removed = 0;
    for day in archive::days(&root)?.into_values() {
        for pack in &day.packs {
            removed += if dry_run { pack::count(pack, is_gone)? } else { pack::without(pack, is_gone)? };
        }
        for path in day.folder.iter().map(|folder| archive::files(folder)).collect::<Result<Vec<_>, _>>()?.concat() {
            let Some(bytes) = archive::read(&path)? else { continue };
            if is_gone(&archive::name_of(&path), &bytes)? {
                removed += 1;
                if !dry_run {
                    fs::remove_file(&path).at("remove", &path)?;
                }
            }
        }
    }
    Ok(removed)
}

/// What could not be taken in says nothing of its conversation; its name tells the session.
fn failed(home: &DataDir, report: &mut Report, dry_run: bool) -> Result<(), Error> {
    let folder = home.failed();
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries.at("list", &folder)?,
    };
    for entry in entries {
        let path = entry.at("list", &folder)?.path();
        let file = archive::name_of(&path);
        let name = file.strip_suffix(".reason.json").unwrap_or(&file);
        let Some(name) = QueueName::numbered(name) else { continue };
        let session = name.session.as_str();
        if report.whole.contains(session) {
            report.failed += 1;
            if !dry_run {
                fs::remove_file(&path).at("remove", &path)?;
            }
        } else if report.sessions.contains(session) {
            report.left.push(path.display().to_string());
        }
    }
    Ok(())
}
