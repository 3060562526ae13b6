//! What a file system is asked beside its files: to keep a directory's names, and how much room there is.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use queue::place::rename_new;
use rustix::fs::OFlags;
use settings::Settings;

use crate::error::{At, Error};

/// Makes the names in `dir` durable: a new or moved file is found after a power cut too.
///
/// # Errors
/// The operating system's.
pub(crate) fn sync_dir(dir: &Path) -> Result<(), Error> {
    File::open(dir).and_then(|dir| dir.sync_all()).at("sync", dir)
}

/// Bytes that we may still write to the file system of `path`.
///
/// # Errors
/// The operating system's.
pub(crate) fn free(path: &Path) -> Result<u64, Error> {
    let found = rustix::fs::statvfs(path).map_err(io::Error::from).at("look at the free space of", path)?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

/// The room that has to stay free. It is asked before anything is taken in, so that what comes waits in the queue, and goes
/// on by itself as soon as there is room again.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    root: PathBuf,
    wanted: u64,
}

impl Room {
    /// Of the data directory.
    pub(crate) fn new(settings: &Settings) -> Self {
        Self { root: settings.home.root().to_owned(), wanted: settings.min_space }
    }

    /// Whether there is enough.
    ///
    /// # Errors
    /// [`Error::Space`], which passes by itself.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let free = free(&self.root)?;
        if free < self.wanted {
            return Err(Error::Space { path: self.root.clone(), free, wanted: self.wanted });
        }
        Ok(())
    }
}

/// Writes a new file of ours, over what a process that died has left of it.
///
/// # Errors
/// The operating system's.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut options = File::options();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path).at("create", path)?;
    file.write_all(bytes).at("write", path)
}

/// Renames `from` to `to` if that is free, also to another disk: there a copy is made under the name of `partial`, which lies on the
/// disk of `to`, synced and renamed, and only then `from` goes. Whoever dies in between leaves both, with the same bytes.
///
/// # Errors
/// `AlreadyExists` if `to` is taken, else the operating system's. `from` is where it was.
pub(crate) fn move_new(from: &Path, to: &Path, partial: &Path) -> io::Result<()> {
    match rename_new(from, to) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {}
        done => return done,
    }
    let copied = queue::plain::read(from).and_then(|bytes| {
        let nofollow = OFlags::NOFOLLOW.bits().cast_signed();
        let mut options = File::options();
        options.write(true).create(true).truncate(true).mode(0o600).custom_flags(nofollow);
        let mut copy = options.open(partial)?;
        copy.write_all(&bytes)?;
        copy.sync_all()?;
        rename_new(partial, to)
    });
    if let Err(error) = copied {
        let _ = fs::remove_file(partial);
        return Err(error);
    }
    File::open(to.parent().unwrap_or(Path::new("/"))).and_then(|dir| dir.sync_all())?;
    fs::remove_file(from)
}

/// Writes a small file of ours, which nobody else reads, over the one that is there.
pub(crate) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let partial = path.with_extension("json.partial");
    let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&partial)?;
    file.write_all(text.as_bytes()).and_then(|()| fs::rename(&partial, path))
}

/// Writes a file in the place of the one that is there, so that after a power cut it is the one or the other, whole. `mode` is
/// its mode, whatever the umask. A link is replaced, not followed.
///
/// # Errors
/// The operating system's.
pub(crate) fn replace_durably(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Error> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    let partial = path.with_file_name(name);
    let _ = fs::remove_file(&partial); // of a process that died: whoever writes here does it alone
    let write = || {
        let mut file = File::options().write(true).create_new(true).mode(mode).open(&partial)?;
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&partial, path)
    };
    write()
        .inspect_err(|_| {
            let _ = fs::remove_file(&partial);
        })
        .at("write", path)?;
    sync_dir(path.parent().unwrap_or(Path::new("/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room() {
        let dir = tempfile::tempdir().unwrap();
        let room = |wanted| Room { root: dir.path().to_owned(), wanted };
        assert!(room(1).check().is_ok());
        let error = room(u64::MAX).check().unwrap_err();
        assert!(error.is_transient() && error.to_string().contains("min_space"), "{error}");
    }
}
