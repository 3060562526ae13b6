//! Another user of this machine, for whom root sets up the services of the system.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{MetadataExt, lchown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use queue::layout::create_private_dir;

use crate::child::{self, Output};
use crate::error::{At, Error};

/// As the system knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Account {
    /// The name.
    pub(super) name: String,
    uid: u32,
    gid: u32,
    /// The home directory.
    pub(super) home: PathBuf,
}

impl Account {
    /// The one of this name.
    ///
    /// # Errors
    /// [`Error::Usage`] if there is none.
    pub(super) fn named(name: &str) -> Result<Self, Error> {
        let none = || Error::Usage(format!("there is no user '{name}' on this machine: --user wants one"));
        let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
        if name.is_empty() || name.starts_with('-') || !plain {
            return Err(none());
        }
        // It knows users of the network too.
        let limit = Duration::from_secs(10);
        let asked = child::run(Command::new("getent").args(["passwd", name]), b"", Output::Kept, limit);
        let known = match asked {
            Ok(ended) if ended.status.success() => String::from_utf8_lossy(&ended.stdout).into_owned(),
            _ => fs::read_to_string("/etc/passwd").at("read", Path::new("/etc/passwd"))?,
        };
        known.lines().filter_map(Self::parse).find(|account| account.name == name).ok_or_else(none)
    }

    fn parse(line: &str) -> Option<Self> {
        let mut fields = line.split(':');
        let name = fields.next()?.to_owned();
        let (uid, gid) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
        let home = PathBuf::from(fields.nth(1)?);
        home.is_absolute().then_some(Self { name, uid, gid, home })
    }

    /// Their environment, as far as settings ask for it.
    pub(super) fn variable(&self, name: &str) -> Option<OsString> {
        (name == "HOME").then(|| self.home.clone().into())
    }

    /// Makes a private folder of theirs, with what is missing above it.
    ///
    /// # Errors
    /// The operating system's.
    pub(super) fn make_dir(&self, path: &Path) -> Result<(), Error> {
        let missing: Vec<_> = path.ancestors().take_while(|dir| !dir.exists()).collect();
        create_private_dir(path).at("make", path)?;
        missing.into_iter().try_for_each(|dir| self.own(dir))
    }

    /// Makes a file theirs that we have written.
    ///
    /// # Errors
    /// The operating system's.
    pub(super) fn own(&self, path: &Path) -> Result<(), Error> {
        let is_theirs = path.symlink_metadata().is_ok_and(|meta| meta.uid() == self.uid);
        if is_theirs { Ok(()) } else { lchown(path, Some(self.uid), Some(self.gid)).at("give away", path) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_and_unknown() {
        let root = Account::named("root").unwrap();
        assert_eq!((root.uid, root.variable("HOME")), (0, Some(root.home.clone().into())));
        for name in ["", "no-such-user-here", "-x", "a b", "root:x"] {
            assert!(matches!(Account::named(name), Err(Error::Usage(_))), "{name}");
        }
        assert_eq!(Account::parse("u:x:1000:100:U,,,:/home/u:/bin/sh").unwrap().home, Path::new("/home/u"));
        assert_eq!(Account::parse("broken:x"), None);
    }
}
