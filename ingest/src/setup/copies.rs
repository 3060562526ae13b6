//! Which copies of the hook there are. A variable says where one is put, and may say something else when it is renewed or taken
//! away: what counts is where it is, on record, and by what the entries call.

use std::path::{Path, PathBuf};

use super::record::Record;
use super::user::User;
use super::{copy, holders};
use crate::claude;
use crate::error::Error;

/// Puts a copy on record.
///
/// # Errors
/// Those of the record.
pub(super) fn note(user: &User<'_>, copy: &Path) -> Result<(), Error> {
    Record::change(&user.settings.home, |record| {
        if !record.copies.iter().any(|path| path == copy) {
            record.copies.push(copy.to_owned());
        }
    })
}

/// Strikes one out.
///
/// # Errors
/// Those of the record.
pub(super) fn forget(user: &User<'_>, copy: &Path) -> Result<(), Error> {
    Record::change(&user.settings.home, |record| record.copies.retain(|path| path != copy))
}

/// Those on record and those that the settings on record call; the usual one, if hooks were set up and nothing tells of one.
pub(crate) fn all(user: &User<'_>, record: &Record) -> Vec<PathBuf> {
    let mut all = record.copies.clone();
    for path in called(user, record) {
        if !all.contains(&path) {
            all.push(path);
        }
    }
    if all.is_empty() && !record.hooks.is_empty() {
        all.extend(copy::path(user).ok());
    }
    all
}

/// The copies of ours that the settings on record call.
pub(super) fn called(user: &User<'_>, record: &Record) -> Vec<PathBuf> {
    let read = |path: PathBuf| claude::read(&queue::plain::read(&path).unwrap_or_default());
    let settings = record.hooks.iter().filter_map(|hooks| read(hooks.config_dir.join("settings.json")));
    let calls = settings.flat_map(|settings| claude::calls(&settings, user.var));
    let programs = calls.map(|call| call.program).filter(|program| program.is_absolute());
    let mut found: Vec<_> = programs.filter(|program| holders::has(program, &user.settings.home)).collect();
    found.sort();
    found.dedup();
    found
}
