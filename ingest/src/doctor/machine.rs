//! What the machine gives us: folders and files that are ours alone; links that lead to transcripts; and what dead processes left. At the kind of the disk and
//! at the folders that matter most `status` looks too.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use status::OTHERS;
use walkdir::WalkDir;

use super::code::Code;
use super::queue::entries;
use super::round::{Mend, Round};
use crate::error::{At, Error};
use crate::transcripts;

/// A part that nobody has written to for so long was left.
const LEFT: Duration = Duration::from_secs(24 * 3600);
/// What is younger may be on its way.
const SETTLED: Duration = Duration::from_secs(60);
/// What was set aside is worth a word after so long.
const ASIDE: Duration = Duration::from_secs(30 * 24 * 3600);

/// All of the data directory is ours and closed, and so is the spill place, where prompts wait as well.
pub(super) fn modes(round: &mut Round<'_>) -> Result<(), Error> {
    let root = round.settings.home.root().to_owned();
    closed(round, &root)?;
    match round.settings.spill.clone() {
        Some(spill) if !spill.starts_with(&root) && spill.is_dir() => closed(round, &spill),
        _ => Ok(()),
    }
}

fn closed(round: &mut Round<'_>, root: &Path) -> Result<(), Error> {
    let ours = rustix::process::geteuid().as_raw();
    for entry in WalkDir::new(root).follow_links(false) {
        if round.is_stopped() {
            return Ok(());
        }
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let path = error.path().unwrap_or(root).to_owned();
                match error.into_io_error() {
                    Some(gone) if gone.kind() == io::ErrorKind::NotFound => continue,
                    Some(error) => return Err(error).at("look at", &path),
                    None => continue,
                }
            }
        };
        let Ok(meta) = entry.path().symlink_metadata() else { continue }; // moved on since
        if meta.is_symlink() {
            continue;
        }
        let place = if entry.path() == root { root.display().to_string() } else { round.place(entry.path()) };
        if meta.uid() != ours {
            round.found(Code::OwnerForeign, place);
        } else if meta.mode() & OTHERS != 0 {
            let code = match () {
                () if is_secret(round, entry.path()) => Code::SecretOpen,
                () if meta.is_dir() => Code::FolderOpen,
                () => Code::FileOpen,
            };
            round.found(code, format!("{place} ({:04o})", meta.mode() & 0o7777));
            round.mend(code, Mend::Close(entry.path().to_owned()));
        }
    }
    Ok(())
}

/// The database, what was set aside of it, its backups, the token.
fn is_secret(round: &Round<'_>, path: &Path) -> bool {
    let home = &round.settings.home;
    (path != home.database_dir() && path.starts_with(home.database_dir()))
        || (path != home.backups() && path.starts_with(home.backups()))
        || path == home.api_token()
}

/// Who moves a project to another disk and leaves a link should know that it is not read any more.
pub(super) fn links(round: &mut Round<'_>) {
    let roots = &round.settings.projects;
    for link in roots.iter().flat_map(|root| transcripts::behind_links(root, roots)) {
        round.found(Code::LinkUnread, link.display().to_string());
    }
}

/// What was begun and never finished, and what lies there for long.
pub(super) fn left(round: &mut Round<'_>) -> Result<(), Error> {
    let home = round.settings.home.clone();
    for dir in [home.backups(), home.archive(), home.database_dir()] {
        for entry in entries(&dir)? {
            let entry = entry?;
            let path = entry.path();
            let is_file = path.symlink_metadata().is_ok_and(|meta| meta.is_file());
            if is_file && entry.file_name().to_string_lossy().ends_with(".partial") && round.age(&path) > LEFT {
                round.found(Code::LeftOver, round.place(&path));
                round.mend(Code::LeftOver, Mend::Remove(path));
            }
        }
    }
    for entry in entries(&home.database_dir())? {
        let entry = entry?;
        let path = entry.path();
        let is_aside = entry.file_name().to_string_lossy().starts_with("set-aside-");
        if is_aside && path.is_dir() && round.age(&path) > ASIDE {
            round.found(Code::SetAside, round.place(&path));
        }
    }
    // Whoever opens the database puts it in place; it was opened just now.
    if home.replacement().exists() && round.age(&home.replacement()) > SETTLED {
        round.found(Code::RestoreUnfinished, round.place(&home.replacement()));
    }
    if home.staging().exists() && round.age(&home.staging()) > LEFT {
        round.found(Code::StagingLeft, round.place(&home.staging()));
    }
    Ok(())
}
