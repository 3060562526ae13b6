//! The file of one event while it is written: `tmp/NAME`, then `incoming/NAME`.
//!
//! ```text
//! created in tmp, locked  --append-->  bytes in tmp  --place-->  complete in incoming
//! ```
//!
//! A hook that dies on the way leaves its file in tmp. The shared lock dies with it, so an ingester that can lock the
//! file exclusively knows that nobody writes to it any more, and takes it over if it is complete. The name in tmp has the same
//! form as the final one, and in nearly all cases is the same.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use queue::layout::create_private_dir;
use queue::name::QueueName;
use queue::place::rename_new;
use queue::sys;

use crate::fault::Fault;

/// How often the next nanosecond is tried. So many events in one is a clock that stands still.
const TRIES: usize = 65_536;

/// A file in `tmp` that this process writes, of one queue or spill place.
pub(crate) struct Draft {
    place: PathBuf,
    path: PathBuf,
    name: QueueName,
    file: File,
    /// What was appended in full. More may be in the file if the last append failed midway.
    len: u64,
}

impl Draft {
    /// Makes a file under `name`, or under the next free nanosecond. Missing directories are made.
    pub(crate) fn create(place: &Path, mut name: QueueName) -> Result<Self, Fault> {
        let tmp = place.join("tmp");
        let mut made = false;
        for _ in 0..TRIES {
            let path = tmp.join(name.to_string());
            match create_locked(&path) {
                Ok(file) => return Ok(Self { place: place.into(), path, name, file, len: 0 }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => name.captured_ns += 1,
                Err(error) if error.kind() == io::ErrorKind::NotFound && !made => {
                    made = true;
                    make(&tmp)?;
                    make(&place.join("incoming"))?;
                }
                Err(error) => return Err(Fault::new("create", path, error)),
            }
        }
        Err(Fault::new("find a free name in", tmp, io::ErrorKind::AlreadyExists.into()))
    }

    /// The name as it is by now.
    pub(crate) fn name(&self) -> QueueName {
        self.name
    }

    /// Writes `bytes` at the end.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.file.write_all(bytes).map_err(|error| Fault::new("write", &self.path, error))?;
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Takes over what `other` has.
    pub(crate) fn append_from(&mut self, other: &Self) -> Result<(), Fault> {
        let mut buffer = vec![0; 64 * 1024];
        let mut offset = 0;
        while offset < other.len {
            let wanted = buffer.len().min(usize::try_from(other.len - offset).unwrap_or(usize::MAX));
            let part = &mut buffer[..wanted];
            other.file.read_exact_at(part, offset).map_err(|error| Fault::new("read back", &other.path, error))?;
            self.append(part)?;
            offset += wanted as u64;
        }
        Ok(())
    }

    /// Moves the file into `incoming` under `name`, or under the next free nanosecond.
    ///
    /// By default nothing is waited for: a finished rename survives the death of any process, and the started
    /// write-back leaves a power cut little room. `strict` is for those who would rather wait for the disk.
    pub(crate) fn place(&mut self, name: QueueName, strict: bool) -> Result<(), Fault> {
        if strict {
            self.file.sync_data().map_err(|error| Fault::new("sync", &self.path, error))?;
        } else {
            sys::start_writeback(&self.file);
        }
        let incoming = self.place.join("incoming");
        self.name = QueueName { captured_ns: self.name.captured_ns, ..name };
        self.rename_into(&incoming)?;
        if strict {
            let synced = File::open(&incoming).and_then(|dir| dir.sync_all());
            synced.map_err(|error| Fault::new("sync", incoming, error))?;
        }
        Ok(())
    }

    fn rename_into(&mut self, incoming: &Path) -> Result<(), Fault> {
        let mut made = false;
        for _ in 0..TRIES {
            let path = incoming.join(self.name.to_string());
            match rename_new(&self.path, &path) {
                Ok(()) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => self.name.captured_ns += 1,
                Err(error) if error.kind() == io::ErrorKind::NotFound && !made => {
                    made = true;
                    make(incoming)?;
                }
                Err(error) => return Err(Fault::new("rename to", path, error)),
            }
        }
        Err(Fault::new("find a free name in", incoming, io::ErrorKind::AlreadyExists.into()))
    }

    /// Removes the file from tmp, if it can be.
    pub(crate) fn discard(self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// A new file that only its owner can open, with a shared lock that is not waited for. `O_EXCL` follows no link.
fn create_locked(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)?;
    match file.try_lock_shared() {
        // An ingester looks at this very file, and will take it for one without a writer: let it have it, empty.
        Err(TryLockError::WouldBlock) => {
            fs::remove_file(path)?;
            Err(io::ErrorKind::AlreadyExists.into())
        }
        // Some network file systems have no locks. The event matters more.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
    }
}

fn make(dir: &Path) -> Result<(), Fault> {
    create_private_dir(dir).map_err(|error| Fault::new("make", dir, error))
}
