//! Another user of this machine, for whom root sets up the services of the system.

use std::ffi::OsString;
use std::fs;
#[cfg(target_os = "linux")]
use std::io;
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
        known(name)?.lines().filter_map(Self::parse).find(|account| account.name == name).ok_or_else(none)
    }

    /// How people call the one of this number.
    pub(super) fn name_of(uid: u32) -> String {
        let known = known(&uid.to_string()).unwrap_or_default();
        let found = known.lines().filter_map(Self::parse).find(|account| account.uid == uid);
        found.map_or_else(|| format!("user {uid}"), |account| account.name)
    }

    /// Whose sockets are that a manager opens for this account; `None`: for whoever calls.
    pub(super) fn opener(account: Option<&Self>) -> u32 {
        if account.is_some() { 0 } else { rustix::process::geteuid().as_raw() }
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

    /// Does something in their places with their rights and no others: links of theirs lead root nowhere, and what is made is theirs.
    ///
    /// # Errors
    /// The operating system's, and those of `work`.
    #[cfg(target_os = "linux")]
    pub(super) fn act<T: Send>(&self, work: impl FnOnce() -> Result<T, Error> + Send) -> Result<T, Error> {
        use rustix::process::{Gid, Uid};
        if !rustix::process::geteuid().is_root() || self.uid == 0 {
            return work();
        }
        let (uid, gid) = (Uid::from_raw(self.uid), Gid::from_raw(self.gid));
        // Rights are a thread's own, and end with it.
        let as_them = || {
            rustix::thread::set_thread_groups(&[gid])?;
            rustix::thread::set_thread_res_gid(gid, gid, gid)?;
            rustix::thread::set_thread_res_uid(uid, uid, uid)
        };
        let done = std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                as_them().map_err(io::Error::from).at("act as", Path::new(&self.name))?;
                work()
            });
            thread.join().map_err(|_| io::Error::other("it panicked"))
        });
        done.at("act as", Path::new(&self.name))?
    }

    /// There is no systemd.
    ///
    /// # Errors
    /// Those of `work`.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn act<T: Send>(&self, work: impl FnOnce() -> Result<T, Error> + Send) -> Result<T, Error> {
        work()
    }

    /// Makes a private folder of theirs, with what is missing above it.
    ///
    /// # Errors
    /// The operating system's.
    pub(super) fn make_dir(&self, path: &Path) -> Result<(), Error> {
        self.act(|| create_private_dir(path).at("make", path))
    }
}

/// Lines as in `/etc/passwd`, of this user among others, by name or number.
fn known(key: &str) -> Result<String, Error> {
    // It knows users of the network too.
    let limit = Duration::from_secs(10);
    let asked = child::run(Command::new("getent").args(["passwd", key]), b"", Output::Kept, limit);
    match asked {
        Ok(ended) if ended.status.success() => Ok(String::from_utf8_lossy(&ended.stdout).into_owned()),
        _ => fs::read_to_string("/etc/passwd").at("read", Path::new("/etc/passwd")),
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
