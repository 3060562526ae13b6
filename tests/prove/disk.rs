//! A small disk of our own in a file, with a file system that can be cut off, filled and mounted again.
//!
//! `ops/prove` runs in a mount namespace of its own where it may, so that nothing of it is left on the machine whatever happens.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file system, and how it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// In memory, with this much room.
    Tmpfs(&'static str),
    Ext4,
    Xfs,
}

impl Kind {
    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tmpfs(_) => "tmpfs",
            Self::Ext4 => "ext4",
            Self::Xfs => "XFS",
        }
    }
}

/// How the power goes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cut {
    /// The journal was written to the disk just before.
    JournalWritten = 1,
    /// It was not: what it held is gone too.
    JournalLost = 2,
}

/// A mounted disk. It is taken down when this goes.
#[derive(Debug)]
pub(crate) struct Disk {
    kind: Kind,
    image: PathBuf,
    at: PathBuf,
}

impl Disk {
    /// Makes a disk of `mib` MiB in the file `image`, and mounts it at the folder `at`. `None`, and a word about it, where that is
    /// not allowed or a tool is missing.
    pub(crate) fn new(kind: Kind, mib: u64, image: PathBuf, at: &Path) -> Option<Self> {
        let disk = Self { kind, image, at: at.to_owned() };
        let made = match kind {
            Kind::Tmpfs(_) => true,
            Kind::Ext4 => disk.file(mib) && did("mkfs.ext4", &["-q", "-F", "-m", "0"], &[&disk.image]),
            Kind::Xfs => disk.file(mib) && did("mkfs.xfs", &["-q", "-f"], &[&disk.image]),
        };
        if !(made && disk.mount()) {
            println!("SKIPPED: no {} can be made and mounted here; that needs root and its mkfs", kind.name());
            return None;
        }
        let closed = fs::set_permissions(at, std::os::unix::fs::PermissionsExt::from_mode(0o700));
        closed.unwrap_or_else(|error| panic!("close {}: {error}", at.display()));
        Some(disk)
    }

    fn file(&self, mib: u64) -> bool {
        fs::File::create(&self.image).and_then(|file| file.set_len(mib << 20)).is_ok()
    }

    fn mount(&self) -> bool {
        match self.kind {
            Kind::Tmpfs(options) => did("mount", &["-t", "tmpfs", "-o", options, "none"], &[&self.at]),
            // A loop device that nobody uses any more goes by itself.
            Kind::Ext4 | Kind::Xfs => did("mount", &["-o", "loop"], &[&self.image, &self.at]),
        }
    }

    /// Cuts the disk off, as a power failure does: what did not reach it is lost, and every call fails from now on.
    pub(crate) fn cut(&self, cut: Cut) {
        // FS_IOC_SHUTDOWN, which no crate has behind a safe function: _IOR('X', 125, __u32).
        let script = "import fcntl,os,struct,sys; fcntl.ioctl(os.open(sys.argv[1],0),0x8004587d,struct.pack('I',int(sys.argv[2])))";
        let done = did("python3", &["-c", script, &self.at.to_string_lossy(), &(cut as u32).to_string()], &[]);
        assert!(done, "{} at {} cannot be cut off", self.kind.name(), self.at.display());
    }

    /// Switches the machine on again: the file system mends itself from its journal.
    pub(crate) fn again(&self) {
        self.down();
        assert!(self.mount(), "{} cannot be mounted again", self.kind.name());
    }

    /// Takes it down, once nobody has a file open there.
    fn down(&self) {
        for _ in 0..200 {
            if did("umount", &[], &[&self.at]) {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(25));
        }
        panic!("{} stays in use", self.at.display());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Whoever still has a file there keeps it until its own end; a test that fails has nobody to wait for.
        let _ = did("umount", &["--lazy"], &[&self.at]);
        let _ = fs::remove_file(&self.image);
    }
}

fn did(program: &str, args: &[&str], paths: &[&Path]) -> bool {
    let output = Command::new(program).args(args).args(paths).output();
    output.is_ok_and(|output| output.status.success())
}
