//! Every archived file has its row, with the same bytes.

use std::path::{Path, PathBuf};

use store::read::inspect::{HeldAs, Inspector};

use super::code::Code;
use super::queue::entries;
use super::round::{Mend, Round};
use crate::archive::{self, Archived};
use crate::error::Error;
use crate::intake::places::split_attempt;

/// Reads all of the archive and compares it with the store.
pub(super) fn look(round: &mut Round<'_>, store: Option<&Inspector>) -> Result<(), Error> {
    let root = round.settings.home.archive();
    if archive::within_reach(&root).is_err() {
        return Ok(()); // told of with the folders
    }
    strange(round, &root)?;
    let Some(store) = store else { return Ok(()) };
    for day in archive::days(&root)?.into_values() {
        for pack in &day.packs {
            let read = archive::each_packed(pack, &mut |one| compare(round, store, &one));
            match read {
                Err(Error::Io { path, .. }) if path == *pack => {
                    if pack.exists() {
                        round.found(Code::PackUnreadable, round.place(pack));
                    }
                }
                read => read?,
            }
        }
        for path in day.folder.iter().flat_map(|folder| archive::files(folder)) {
            let path = path?;
            if round.is_stopped() {
                return Ok(());
            }
            if let Some(bytes) = archive::read(&path)? {
                compare(round, store, &Archived { place: &path, file: &archive::name_of(&path), bytes })?;
            }
        }
    }
    Ok(())
}

fn compare(round: &mut Round<'_>, store: &Inspector, one: &Archived<'_>) -> Result<(), Error> {
    round.checked.archived += 1;
    round.at("the archive", round.checked.archived);
    let Some(name) = one.queue_name().map(|name| name.to_string()) else {
        round.found(Code::ArchiveStrange, format!("{} in {}", one.file, round.place(one.place)));
        return Ok(());
    };
    let shown = || {
        let place = one.place.strip_prefix(round.settings.home.root()).unwrap_or(one.place).display();
        if one.place.ends_with(one.file) { place.to_string() } else { format!("{} in {place}", one.file) }
    };
    match store.held(&name, &one.bytes)? {
        HeldAs::Same => {}
        // It may have been dropped or packed since, or be on its way back.
        _ if !one.place.exists() || waits(round, &name)? => {}
        HeldAs::Other => {
            let shown = shown();
            round.found(Code::ArchiveChanged, shown);
        }
        HeldAs::Nothing => {
            let shown = shown();
            round.found(Code::ArchiveRowMissing, shown);
            round.mend(Code::ArchiveRowMissing, Mend::PutBack(one.place.to_owned(), one.file.to_owned()));
        }
    }
    Ok(())
}

/// Whether a file of this name is in the queue.
fn waits(round: &Round<'_>, name: &str) -> Result<bool, Error> {
    let home = &round.settings.home;
    let is_claimed = |path: PathBuf| split_attempt(&archive::name_of(&path)).is_some_and(|(of, _)| of == name);
    Ok(home.incoming().join(name).exists()
        || entries(&home.processing())?.flatten().any(|entry| is_claimed(entry.path())))
}

/// What is neither a day nor a file of one.
fn strange(round: &mut Round<'_>, root: &Path) -> Result<(), Error> {
    let days = archive::days(root)?;
    let known: Vec<_> = days.values().flat_map(|day| day.folder.iter().chain(&day.packs)).collect();
    for entry in entries(root)? {
        let entry = entry?;
        let path = entry.path();
        let is_part = archive::name_of(&path).ends_with(".partial");
        if !known.contains(&&path) && !is_part && path.symlink_metadata().is_ok() {
            round.found(Code::ArchiveStrange, round.place(&path));
        }
    }
    for folder in days.values().filter_map(|day| day.folder.as_ref()) {
        for entry in entries(folder)? {
            let entry = entry?;
            let path = entry.path();
            let is_ours = archive::queue_name(&archive::name_of(&path)).is_some();
            if !(is_ours && path.symlink_metadata().map_or(true, |meta| meta.is_file())) {
                round.found(Code::ArchiveStrange, round.place(&path));
            }
        }
    }
    Ok(())
}
