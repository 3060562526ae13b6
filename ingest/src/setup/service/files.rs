//! Files of ours in the folders of a manager: written whole, never over a file that is not ours, and taken away again.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Job;
use crate::disk::{replace_durably, sync_dir};
use crate::error::{At, Error};
use crate::setup::user::{Effect, say};

/// A file to be: where, and what is in it.
pub(super) type New = (PathBuf, String);

/// What tells that a file is ours.
pub(super) const MARK: &str = "Made by `prompt-manager setup service`";

/// Whether it is there, and ours.
pub(super) fn is_ours(path: &Path) -> bool {
    !path.is_symlink()
        && fs::read(path)
            .is_ok_and(|bytes| String::from_utf8_lossy(&bytes).lines().take(8).any(|line| line.contains(MARK)))
}

/// Those that are another than they are to be.
///
/// # Errors
/// [`Error::Refused`] for a file that is not ours.
pub(super) fn changed(files: &[New]) -> Result<Vec<&New>, Error> {
    for (path, _) in files {
        if path.symlink_metadata().is_ok() && !is_ours(path) {
            let what = if path.is_symlink() { "is a link" } else { "is there" };
            let problem = format!("{what}, and we have not made it; move it away first");
            return Err(Error::Refused { path: path.clone(), problem });
        }
    }
    Ok(files.iter().filter(|(path, text)| fs::read(path).ok().as_deref() != Some(text.as_bytes())).collect())
}

/// Writes them, and says so.
///
/// # Errors
/// The operating system's.
pub(super) fn write(job: &Job<'_>, files: &[&New]) -> Result<(), Error> {
    for (path, text) in files {
        if job.effect == Effect::Tell {
            say(&format!("would write {}", path.display()))?;
            continue;
        }
        let folder = path.parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(folder).at("make", folder)?;
        replace_durably(path, text.as_bytes(), 0o644)?;
        say(&format!("wrote {}", path.display()))?;
    }
    Ok(())
}

/// Takes those away that are ours, and says so. Gives whether there were any.
///
/// # Errors
/// The operating system's.
pub(super) fn remove(job: &Job<'_>, paths: &[PathBuf]) -> Result<bool, Error> {
    let mut was_there = false;
    for path in paths.iter().filter(|path| is_ours(path)) {
        was_there = true;
        if job.effect == Effect::Tell {
            say(&format!("would remove {}", path.display()))?;
            continue;
        }
        match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed.at("remove", path)?,
        }
        sync_dir(path.parent().unwrap_or(Path::new("/")))?;
        say(&format!("taken out {}", path.display()))?;
    }
    Ok(was_there)
}
