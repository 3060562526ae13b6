//! A hook, one call at a time: its file in tmp under a shared lock, its bytes in pieces, the rename, the end of its process.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use queue::QueueName;
use queue::place::rename_new;

use super::ledger::{Breach, Ledger};

/// One whose process lives.
pub(crate) struct Hook {
    place: PathBuf,
    path: PathBuf,
    name: QueueName,
    file: File,
    written: Vec<u8>,
    rest: Vec<u8>,
    is_placed: bool,
}

impl Hook {
    /// It has made its file, under the next free nanosecond, and written half of its payload.
    pub(crate) fn begin(place: &Path, mut name: QueueName, payload: &[u8], ledger: &mut Ledger) -> Self {
        let (path, mut file) = loop {
            let path = place.join("tmp").join(name.to_string());
            match File::options().read(true).write(true).create_new(true).mode(0o600).open(&path) {
                Ok(file) => break (path, file),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => name.captured_ns += 1,
                Err(error) => panic!("create {}: {error}", path.display()),
            }
        };
        file.try_lock_shared().expect("a lock on a new file");
        let (half, rest) = payload.split_at(payload.len() / 2);
        file.write_all(half).expect("the first half");
        ledger.given(half);
        Self { place: place.into(), path, name, file, written: half.into(), rest: rest.into(), is_placed: false }
    }

    /// It writes what it has not written yet.
    pub(crate) fn append(&mut self, ledger: &mut Ledger) {
        if self.is_placed || self.rest.is_empty() {
            return;
        }
        self.file.write_all(&self.rest).expect("the second half");
        let half = self.written.clone();
        self.written.append(&mut self.rest);
        ledger.grew(&half, &self.written);
    }

    /// It moves its file into incoming, under the next free nanosecond.
    pub(crate) fn rename(&mut self, ledger: &mut Ledger) -> Result<(), Breach> {
        while !self.is_placed {
            let to = self.place.join("incoming").join(self.name.to_string());
            match rename_new(&self.path, &to) {
                Ok(()) => (self.path, self.is_placed) = (to, true),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => self.name.captured_ns += 1,
                Err(error) => return Err(format!("taken from a hook that lives: {}: {error}", self.path.display())),
            }
        }
        ledger.acked(&self.written);
        Ok(())
    }
}
