//! What can go wrong while something is written out.

use std::io;
use std::path::{Path, PathBuf};

/// A failure. The text fits behind "failed to".
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused something.
    #[error("{op} {path}: {source}")]
    Io {
        /// What was being done.
        op: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// Whoever read our output has gone, which is no fault: `export | head`.
    #[error("write: the reader has gone")]
    Closed,
    /// Something else has the name.
    #[error("write {path}: it is there already; choose another --out, or --force to replace it")]
    Taken {
        /// The name.
        path: PathBuf,
    },
    /// A folder, a device or a link has the name: it is never replaced.
    #[error("write {path}: it is there and is no file; choose another --out")]
    NoFile {
        /// The name.
        path: PathBuf,
    },
    /// A name out of a store that would lead out of the folder.
    #[error("write below {dir}: the stored name {name:?} is no path below it")]
    Escapes {
        /// The folder.
        dir: PathBuf,
        /// The name.
        name: String,
    },
    /// A store in a place where we cannot write was changed by somebody else while it was read.
    #[error("read {path}: it was changed meanwhile, what was exported may not be whole; run it again")]
    Changed {
        /// The database.
        path: PathBuf,
    },
    /// The store did.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// `.at("write", &path)` on an I/O result.
pub(crate) trait At<T> {
    /// Names the operation and the file.
    fn at(self, op: &'static str, path: &Path) -> Result<T, Error>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, op: &'static str, path: &Path) -> Result<T, Error> {
        self.map_err(|source| match source.kind() {
            io::ErrorKind::BrokenPipe => Error::Closed,
            _ => Error::Io { op, path: path.to_owned(), source },
        })
    }
}
