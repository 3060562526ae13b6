//! A lock that nobody waits for: held shared by those who let others know something, and tried by those who want to know.
//!
//! Where there can be no such file nothing is said, and things are slower or larger, never wrong.

use std::fs::{File, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::thread;

/// The lock, as far as there can be one.
#[derive(Debug)]
pub(crate) struct Sign(Option<File>);

/// The sign is given until this is dropped.
#[derive(Debug)]
pub(crate) struct Given<'s>(Option<&'s File>);

impl Sign {
    pub(crate) fn at(path: &Path) -> Self {
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        Self(options.open(path).ok())
    }

    pub(crate) fn give(&self) -> Given<'_> {
        // Who is looking holds it for a microsecond.
        let told = |file: &&File| {
            (0..10).any(|_| {
                file.try_lock_shared().is_ok() || {
                    thread::yield_now();
                    false
                }
            })
        };
        Given(self.0.as_ref().filter(told))
    }

    /// Whether anybody gives it.
    pub(crate) fn is_given(&self) -> bool {
        let Some(file) = &self.0 else { return false };
        match file.try_lock() {
            Ok(()) => {
                let _ = file.unlock();
                false
            }
            Err(TryLockError::WouldBlock) => true,
            Err(TryLockError::Error(_)) => false,
        }
    }
}

impl Drop for Given<'_> {
    fn drop(&mut self) {
        if let Some(file) = self.0 {
            let _ = file.unlock();
        }
    }
}
