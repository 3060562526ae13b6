//! Where the server of a data directory listens, for whoever asks on this machine: `run/api.url`, which it holds locked as long as
//! it lives. The lock alone says whether it does; what the dead left is written over.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;

use queue::DataDir;
use settings::Listen;

/// A server's word of itself, as long as this is kept.
#[derive(Debug)]
pub(crate) struct Whereabouts(#[expect(dead_code, reason = "kept for its lock")] File);

impl Whereabouts {
    /// Leaves word, if no other server of this data directory has.
    pub(crate) fn leave(home: &DataDir, url: &str) -> io::Result<Option<Self>> {
        let path = home.api_url();
        let mut options = File::options();
        options.write(true).create(true).truncate(false).mode(0o600);
        let mut file = queue::plain::open(&mut options, &path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        file.set_len(0)?;
        writeln!(file, "{url}")?;
        Ok(Some(Self(file)))
    }
}

/// Where the server of this data directory listens, if one lives and has left word.
pub(crate) fn of(home: &DataDir) -> Option<Listen> {
    let mut file = queue::plain::open(File::options().read(true), &home.api_url()).ok()?;
    if !matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)) {
        return None;
    }
    let mut url = String::new();
    file.read_to_string(&mut url).ok()?;
    let url = url.trim_end();
    url.strip_prefix("http://").unwrap_or(url).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_long_as_it_lives() {
        let dir = tempfile::tempdir().unwrap();
        let home = DataDir::new(dir.path());
        home.create().unwrap();
        let check = |expected: Option<&str>| {
            assert_eq!(of(&home).map(|listen| listen.to_string()).as_deref(), expected);
        };
        check(None);
        let first = Whereabouts::leave(&home, "http://127.0.0.1:20001").unwrap();
        assert!(first.is_some() && Whereabouts::leave(&home, "http://127.0.0.1:2").unwrap().is_none());
        check(Some("127.0.0.1:20001"));
        drop(first);
        check(None);
        let _next = Whereabouts::leave(&home, "unix:/run/pm").unwrap();
        check(Some("unix:/run/pm"));
    }
}
