//! Queue files of what was forgotten, wherever they lie: in the archive, day by day, and in failed.

use std::fs;

use queue::QueueName;
use settings::Settings;

use super::report::Report;
use crate::archive::{self, pack};
use crate::error::{At, Error};

/// Removes them, or only counts them.
///
/// # Errors
/// The operating system's.
pub(super) fn remove(settings: &Settings, report: &mut Report, dry_run: bool) -> Result<(), Error> {
    let root = settings.home.archive();
    let names = &report.names;
    let is_gone = |file: &str| archive::queue_name(file).is_some_and(|name| names.contains(&name.to_string()));
    let mut removed = 0;
    for day in archive::days(&root)?.into_values() {
        for pack in &day.packs {
            removed += if dry_run { pack::count(pack, &is_gone)? } else { pack::without(pack, &is_gone)? };
        }
        for path in day.folder.iter().map(|folder| archive::files(folder)).collect::<Result<Vec<_>, _>>()?.concat() {
            if is_gone(&archive::name_of(&path)) {
                removed += 1;
                if !dry_run {
                    fs::remove_file(&path).at("remove", &path)?;
                }
            }
        }
    }
    report.archived += removed;
    failed(settings, report, dry_run)
}

/// What could not be taken in says nothing of its conversation; its name tells the session.
fn failed(settings: &Settings, report: &mut Report, dry_run: bool) -> Result<(), Error> {
    let folder = settings.home.failed();
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
