//! Opens a file beneath a root without following a symlink, so that no payload or link can lead us out of it.

use std::fs::File;
use std::io;
use std::path::Path;

use rustix::fs::{Mode, OFlags};

const FLAGS: OFlags = OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);
const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// Opens `root/path` for reading. The root itself may be a symlink: a person configured it.
///
/// # Errors
/// The operating system's, naming the path.
pub(super) fn beneath(root: &Path, path: &Path) -> io::Result<File> {
    let folder = rustix::fs::open(root, FOLDER, Mode::empty())?;
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::ResolveFlags;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        match rustix::fs::openat2(&folder, path, FLAGS, Mode::empty(), resolve) {
            Ok(file) => return Ok(file.into()),
            Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => {} // an old kernel, or a sandbox that hides the call
            Err(error) => return Err(error.into()),
        }
    }
    step_by_step(folder, path)
}

/// Where openat2 is missing: one folder after another, none of them a symlink.
fn step_by_step(mut folder: rustix::fd::OwnedFd, path: &Path) -> io::Result<File> {
    let mut parts = path.components().peekable();
    while let Some(part) = parts.next() {
        let std::path::Component::Normal(name) = part else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a path that leaves the projects folder"));
        };
        if parts.peek().is_none() {
            return Ok(rustix::fs::openat(&folder, name, FLAGS, Mode::empty())?.into());
        }
        folder = rustix::fs::openat(&folder, name, FOLDER | OFlags::NOFOLLOW, Mode::empty())?;
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "an empty path"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn both(root: &Path, path: &str) -> [bool; 2] {
        let folder = rustix::fs::open(root, FOLDER, Mode::empty()).unwrap();
        [beneath(root, Path::new(path)).is_ok(), step_by_step(folder, Path::new(path)).is_ok()]
    }

    #[test]
    fn nothing_leads_out() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root");
        std::fs::create_dir_all(root.join("a")).unwrap();
        std::fs::write(root.join("a/file"), "x").unwrap();
        std::fs::write(dir.path().join("secret"), "x").unwrap();
        symlink(dir.path().join("secret"), root.join("a/link")).unwrap();
        symlink(dir.path(), root.join("out")).unwrap();
        assert_eq!(both(&root, "a/file"), [true, true]);
        for path in ["a/link", "out/secret", "../secret", "a/../../secret", "/etc/passwd", "absent", ""] {
            assert_eq!(both(&root, path), [false, false], "{path}");
        }
    }
}
