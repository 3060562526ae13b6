//! The user's own copy of the hook, which Claude Code calls: `~/.local/state/prompt-manager/bin/prompt-hook`.
//!
//! A package that is upgraded or removed takes its programs away, and a hook that is missing is an error at every prompt. So
//! what settings name lies in no package's folder and not in the data directory, which people may delete; nobody else may
//! write to it, because it runs at every prompt; and a new one takes its place by a rename, so that there is always one.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::user::User;
use super::version::start;
use crate::disk::{replace_durably, sync_dir};
use crate::error::{At, Error};

/// Claude Code calls it as the user whose copy it is; nobody else has any business with it.
const MODE: u32 = 0o700;
/// A copy that was not tried yet.
const TRIAL: &str = ".prompt-hook.trial";

/// What became of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewed {
    /// It is the same as before.
    Same,
    /// It was made, or replaced.
    New,
}

/// Where it lies.
///
/// # Errors
/// [`Error::Settings`] without a home directory, [`Error::Refused`] if that is a place that may be taken away.
pub fn path(user: &User<'_>) -> Result<PathBuf, Error> {
    let path = user.state()?.join("bin/prompt-hook");
    if real(&path).starts_with(real(user.settings.home.root())) {
        let problem = "the hook's copy would lie in the data directory; set XDG_STATE_HOME to another place".to_owned();
        return Err(Error::Refused { path, problem });
    }
    Ok(path)
}

/// Where a path leads that need not be there yet.
fn real(path: &Path) -> PathBuf {
    let found = path.ancestors().find_map(|above| Some((above, above.canonicalize().ok()?)));
    let Some((above, real)) = found else { return path.to_owned() };
    path.strip_prefix(above).map_or_else(|_| path.to_owned(), |rest| real.join(rest))
}

/// The hook that came with this program: it lies beside it.
///
/// # Errors
/// [`Error::Refused`] if it is not there; the operating system's.
pub fn source() -> Result<PathBuf, Error> {
    let own = std::env::current_exe().at("find", Path::new("this program"))?;
    let own = own.canonicalize().at("find", &own)?;
    let path = own.with_file_name("prompt-hook");
    if path.is_file() {
        return Ok(path);
    }
    Err(Error::Refused { path, problem: "there is no hook beside this program; give --hook its path".to_owned() })
}

/// Puts a copy of the program `from` at `to`, unless the same is there, and makes sure that it runs.
///
/// # Errors
/// [`Error::Refused`] if others may write to a folder on the way, or the copy cannot be run; the operating system's.
pub fn place(from: &Path, to: &Path) -> Result<Renewed, Error> {
    let folder = to.parent().unwrap_or(Path::new("/"));
    DirBuilder::new().recursive(true).mode(0o700).create(folder).at("make", folder)?;
    if let Some((path, problem)) = open_to_others(folder).at("look at", folder)? {
        return Err(Error::Refused { path, problem: format!("{problem}; the hook's copy would not be safe there") });
    }
    let bytes = fs::read(from).at("read", from)?;
    if has(to, &bytes) {
        check_runs(to)?;
        return Ok(Renewed::Same);
    }
    // Tried where it will lie: a disk may be one on which nothing runs.
    let trial = to.with_file_name(TRIAL);
    let done = replace_durably(&trial, &bytes, MODE).and_then(|()| check_runs(&trial)).and_then(|()| {
        fs::rename(&trial, to).at("write", to)?;
        sync_dir(folder)
    });
    if done.is_err() {
        let _ = fs::remove_file(&trial);
    }
    done.map(|()| Renewed::New)
}

/// Whether what is at `to` is the program `from`.
pub fn is_same(from: &Path, to: &Path) -> bool {
    fs::read(from).is_ok_and(|bytes| fs::read(to).is_ok_and(|there| there == bytes))
}

/// Whether that very program is there, a file of ours that nobody else can read, run or write.
fn has(path: &Path, bytes: &[u8]) -> bool {
    let Ok(meta) = path.symlink_metadata() else { return false };
    if !meta.is_file() || meta.len() != bytes.len() as u64 || !is_ours(meta.uid()) {
        return false;
    }
    let mut there = Vec::with_capacity(bytes.len());
    let is_read = File::open(path).and_then(|mut file| file.read_to_end(&mut there)).is_ok();
    is_read
        && there == bytes
        && (meta.mode() & 0o7777 == MODE || fs::set_permissions(path, Permissions::from_mode(MODE)).is_ok())
}

/// Takes a copy away, and the folder if nothing else is in it. Gives whether there was one.
///
/// # Errors
/// The operating system's.
pub fn remove(path: &Path) -> Result<bool, Error> {
    let was_there = match fs::remove_file(path) {
        Ok(()) => true,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => false,
        Err(error) => return Err(error).at("remove", path),
    };
    // What one left that died while it was made.
    for name in [TRIAL, ".prompt-hook.trial.partial"] {
        let _ = fs::remove_file(path.with_file_name(name));
    }
    if let Some(folder) = path.parent()
        && fs::remove_dir(folder).is_err()
        && was_there
    {
        sync_dir(folder)?;
    }
    Ok(was_there)
}

/// The first folder from `folder` up to which somebody else may write, and how it comes. A file itself counts too.
///
/// A folder that is writable by a group is left be where the group is the user's own: many systems give each user one.
///
/// # Errors
/// The operating system's.
pub fn open_to_others(folder: &Path) -> io::Result<Option<(PathBuf, String)>> {
    let real = folder.canonicalize()?;
    let group = rustix::process::getegid().as_raw();
    for path in real.ancestors() {
        let meta = path.metadata()?;
        let mode = meta.mode();
        if !is_ours(meta.uid()) {
            return Ok(Some((path.to_owned(), format!("belongs to user {}", meta.uid()))));
        }
        let by_others = mode & 0o002 != 0 || (mode & 0o020 != 0 && meta.gid() != group && meta.gid() != 0);
        let is_sticky = meta.is_dir() && mode & 0o1000 != 0;
        if by_others && (!is_sticky || path == real) {
            let problem =
                format!("others may write to it (mode {:04o}); run: chmod go-w '{}'", mode & 0o7777, path.display());
            return Ok(Some((path.to_owned(), problem)));
        }
    }
    Ok(None)
}

/// Root may write everywhere anyway.
fn is_ours(owner: u32) -> bool {
    owner == 0 || owner == rustix::process::geteuid().as_raw()
}

/// A disk may be mounted so that nothing on it runs, and a program may be one of another machine.
fn check_runs(path: &Path) -> Result<(), Error> {
    let mut command = Command::new(path);
    command.env("PROMPT_MANAGER_DISABLE", "1").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let problem = match start(&mut command).and_then(|mut child| child.wait()) {
        Ok(status) if status.success() => return Ok(()),
        Ok(status) => format!("does not run here ({status})"),
        Err(error) => format!("does not run here ({error})"),
    };
    Err(Error::Refused { path: path.to_owned(), problem: format!("{problem}; nothing was changed") })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Place {
        dir: tempfile::TempDir,
    }

    impl Place {
        fn new() -> Self {
            let place = Self { dir: tempfile::tempdir().unwrap() };
            place.program("exit 0");
            place
        }

        fn path(&self, name: &str) -> PathBuf {
            self.dir.path().join(name)
        }

        fn program(&self, line: &str) {
            fs::write(self.path("built"), format!("#!/bin/sh\n{line}\n")).unwrap();
        }

        fn copy(&self) -> Result<Renewed, Error> {
            place(&self.path("built"), &self.path("state/bin/prompt-hook"))
        }
    }

    #[test]
    fn a_copy_is_made_once_and_renewed() {
        let place = Place::new();
        let copy = place.path("state/bin/prompt-hook");
        assert_eq!(place.copy().unwrap(), Renewed::New);
        let first = copy.metadata().unwrap().ino();
        assert_eq!(copy.metadata().unwrap().mode() & 0o7777, 0o700);
        assert_eq!(place.copy().unwrap(), Renewed::Same);
        assert_eq!(copy.metadata().unwrap().ino(), first);
        // Somebody may write to it: that is mended. A link is not followed.
        fs::set_permissions(&copy, Permissions::from_mode(0o777)).unwrap();
        assert_eq!(place.copy().unwrap(), Renewed::Same);
        assert_eq!(copy.metadata().unwrap().mode() & 0o7777, 0o700);
        place.program("exit 0 # later");
        assert_eq!(place.copy().unwrap(), Renewed::New);
        assert_ne!(copy.metadata().unwrap().ino(), first);
        fs::rename(&copy, place.path("other")).unwrap();
        std::os::unix::fs::symlink(place.path("other"), &copy).unwrap();
        assert_eq!(place.copy().unwrap(), Renewed::New);
        assert!(copy.symlink_metadata().unwrap().is_file());
        assert!(remove(&copy).unwrap() && !remove(&copy).unwrap());
        assert!(!place.path("state/bin").exists() && place.path("state").exists());
    }

    #[test]
    fn what_is_refused() {
        let place = Place::new();
        let check = |expected: &str| {
            let error = place.copy().unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        place.program("exit 3");
        check("does not run here");
        fs::write(place.path("built"), "no program").unwrap();
        check("does not run here");
        place.program("exit 0");
        for (folder, mode) in [("state", 0o777), ("state/bin", 0o1777)] {
            fs::set_permissions(place.path(folder), Permissions::from_mode(mode)).unwrap();
            check("others may write to it");
            fs::set_permissions(place.path(folder), Permissions::from_mode(0o700)).unwrap();
        }
        assert!(place.copy().is_ok());
        fs::remove_file(place.path("built")).unwrap();
        check("read ");
    }
}
