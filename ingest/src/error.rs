//! What can stop a pass, sorted by what the caller does about it: come back later, give up, or ask for other settings.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::exit::Exit;
use crate::step::Step;
use terminal::size;

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
    /// The store did.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The settings cannot be used.
    #[error(transparent)]
    Settings(#[from] settings::Error),
    /// The data directory cannot be used.
    #[error("{path}: {problem}")]
    Home {
        /// The directory or the part of it that is wrong.
        path: PathBuf,
        /// What is wrong and what to do.
        problem: String,
    },
    /// The disk is nearly full.
    #[error(
        "keep {} free in {path}: there are only {}; nothing is taken in until there is more room (`min_space`)",
        size(*wanted), size(*free)
    )]
    Space {
        /// The data directory.
        path: PathBuf,
        /// Bytes that we may still write.
        free: u64,
        /// Bytes that have to stay free.
        wanted: u64,
    },
    /// Too little room to upgrade the database.
    #[error(
        "upgrade the database from schema {schema}: a copy of it is kept first, and {} are needed for that in {path}, where {} are free; nothing was changed",
        size(*wanted), size(*free)
    )]
    UpgradeSpace {
        /// Where room is needed.
        path: PathBuf,
        /// Bytes that we may still write there.
        free: u64,
        /// Bytes that the copy and the upgrade take, and that have to stay free.
        wanted: u64,
        /// Its schema.
        schema: i64,
    },
    /// The folder of the backups, or of the archive, is a link to what is not there, such as a disk that is not mounted.
    #[error(
        "reach the {what}: {link} is a link to {target}, and there is no such folder; mount its disk, or make the folder"
    )]
    Away {
        /// What is kept there.
        what: &'static str,
        /// The link.
        link: PathBuf,
        /// Where it leads.
        target: PathBuf,
    },
    /// The database is older than we are, and what keeps it so is known.
    #[error("{error}; the last pass could not, as it failed to {why}")]
    Hindered {
        /// That it is older.
        error: Box<Self>,
        /// What the last pass failed to do.
        why: String,
    },
    /// A packed day does not hold what was put into it.
    #[error("pack {path}: what was read back is not what was written; the files stay as they are, look at the disk")]
    Pack {
        /// The packed file, which is not in its place yet.
        path: PathBuf,
    },
    /// Somebody else is at it.
    #[error("lock {path}: {what}; try again when that is done")]
    Held {
        /// The lock.
        path: PathBuf,
        /// What they do.
        what: &'static str,
    },
    /// A place that cannot be used for what is to be done. Nothing there is changed.
    #[error("{path}: {problem}")]
    Refused {
        /// As it was given.
        path: PathBuf,
        /// What is wrong and what to do.
        problem: String,
    },
    /// The database is to be replaced, and somebody has it open or takes in.
    #[error("lock {path}: {who} uses it; end that and try again")]
    InUse {
        /// The database.
        path: PathBuf,
        /// Who, as far as is known.
        who: String,
    },
    /// A signal ended it before it was done.
    #[error("{0}: ended by a signal before it was done; nothing is changed")]
    Ended(&'static str),
    /// Flags that do not go together, or a value that only the store could check.
    #[error("{0}; see --help")]
    Usage(String),
    /// An export could not be written.
    #[error(transparent)]
    Export(#[from] export::Error),
    /// A line of an exported file cannot be read. Those before it are taken in.
    #[error("import {path}: line {number}: {problem}")]
    Line {
        /// The file.
        path: PathBuf,
        /// From 1.
        number: u64,
        /// What was expected.
        problem: String,
    },
    /// The cron expression cannot be used.
    #[error("cron expression: {0}")]
    Cron(String),
    /// What is to be logged cannot be understood.
    #[error("log: {0}")]
    LogFilter(String),
    /// A path that cannot be imported.
    #[error("{path}: {problem}")]
    Import {
        /// As it was given.
        path: PathBuf,
        /// What is wrong and what to do.
        problem: String,
    },
    /// An observer ended the pass; the tests die here.
    #[error("stopped after {0:?}")]
    Stopped(Step),
}

impl Error {
    /// Whether it passes by itself: nothing is counted against a file, everything stays where it is, and it is tried again.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Io { source, .. }
            | Self::Store(store::Error::Io { source, .. })
            | Self::Export(export::Error::Io { source, .. }) => is_transient(source),
            Self::Store(error) | Self::Export(export::Error::Store(error)) => {
                matches!(error, store::Error::Busy { .. } | store::Error::Storage { .. })
            }
            Self::Space { .. }
            | Self::UpgradeSpace { .. }
            | Self::Away { .. }
            | Self::Held { .. }
            | Self::InUse { .. }
            | Self::Ended(_) => true,
            Self::Settings(_)
            | Self::Home { .. }
            | Self::Refused { .. }
            | Self::Usage(_)
            | Self::Export(_)
            | Self::Cron(_)
            | Self::LogFilter(_)
            | Self::Hindered { .. }
            | Self::Pack { .. }
            | Self::Import { .. }
            | Self::Line { .. }
            | Self::Stopped(_) => false,
        }
    }

    /// Whether a folder of ours is not what it was: moved away, on a disk that is gone, of a mode that keeps us out. What is
    /// wrong with one file is found out before.
    pub(crate) fn is_of_a_folder(&self) -> bool {
        let (Self::Io { source, .. } | Self::Store(store::Error::Io { source, .. })) = self else { return false };
        matches!(source.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::PermissionDenied)
    }

    /// What the store says of a database that waits for its upgrade, if this is that.
    pub(crate) fn of_older(&self) -> Option<&store::Error> {
        let (Self::Store(error) | Self::Export(export::Error::Store(error))) = self else { return None };
        matches!(error, store::Error::NotMigrated { .. }).then_some(error)
    }

    /// The same, with what keeps the database from being upgraded.
    pub(crate) fn explained(self) -> Self {
        match self.of_older().and_then(status::hindrance) {
            Some(why) => Self::Hindered { error: Box::new(self), why },
            None => self,
        }
    }

    /// Whether it says nothing of other files: the disk cannot give back this one.
    pub(crate) fn is_of_one_file(&self) -> bool {
        let Self::Io { source, .. } = self else { return false };
        Errno::from_io_error(source).is_some_and(|errno| BAD_SPOT.contains(&errno))
    }

    /// Whether the process ran out of open files; fewer at a time may do.
    pub(crate) fn is_out_of_files(&self) -> bool {
        let Self::Io { source, .. } = self else { return false };
        matches!(Errno::from_io_error(source), Some(Errno::MFILE | Errno::NFILE))
    }

    /// The exit code of a program that ends with it.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Settings(_) | Self::Home { .. } | Self::Cron(_) | Self::LogFilter(_) => Exit::Config,
            Self::Usage(_) => Exit::Usage,
            Self::Import { .. } => Exit::Usage,
            Self::Store(
                store::Error::TooNew { .. }
                | store::Error::Foreign { .. }
                | store::Error::Unfit { .. }
                | store::Error::NoFile { .. },
            ) => Exit::Config,
            // Not by this process; the next one may be of the newer version.
            Self::Store(store::Error::Outdated { .. }) => Exit::Busy,
            _ if self.is_transient() => Exit::Busy,
            _ => Exit::Failure,
        }
    }
}

/// What a disk says of a block that it cannot give back, and a file system of a damaged inode.
const BAD_SPOT: [Errno; 5] = [Errno::IO, Errno::UCLEAN, Errno::BADMSG, Errno::NODATA, Errno::REMOTEIO];

/// Whether an I/O error may be another the next time, or none, and is no word on what the file holds.
fn is_transient(error: &io::Error) -> bool {
    let passing = [
        Errno::NOSPC,
        Errno::DQUOT,
        Errno::MFILE,
        Errno::NFILE,
        Errno::NOMEM,
        Errno::AGAIN,
        Errno::INTR,
        Errno::BUSY,
        Errno::ROFS,
        Errno::STALE,
    ];
    // The kind is what is left where a path was added to the error.
    Errno::from_io_error(error).is_some_and(|errno| passing.contains(&errno) || BAD_SPOT.contains(&errno))
        || matches!(
            error.kind(),
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::ReadOnlyFilesystem | ErrorKind::OutOfMemory
        )
}

/// `.at("rename", &path)` on an I/O result.
pub(crate) trait At<T> {
    /// Names the operation and the file.
    fn at(self, op: &'static str, path: &Path) -> Result<T, Error>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, op: &'static str, path: &Path) -> Result<T, Error> {
        self.map_err(|source| Error::Io { op, path: path.to_owned(), source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(error: &Error, transient: bool, exit: Exit) {
        assert_eq!((error.is_transient(), error.exit()), (transient, exit), "{error}");
    }

    fn io(errno: Errno) -> Error {
        Error::Io { op: "open", path: "/a".into(), source: errno.into() }
    }

    #[test]
    fn what_passes_by_itself() {
        for errno in BAD_SPOT {
            check(&io(errno), true, Exit::Busy);
            assert!(io(errno).is_of_one_file(), "{errno}");
        }
        for errno in [Errno::NOSPC, Errno::DQUOT, Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::ROFS] {
            check(&io(errno), true, Exit::Busy);
            assert!(!io(errno).is_of_one_file(), "{errno}");
        }
        check(&io(Errno::ACCESS), false, Exit::Failure);
        check(&store::Error::Busy { op: "begin", by: None }.into(), true, Exit::Busy);
        check(&store::Error::Storage { op: "commit", detail: String::new(), full: true }.into(), true, Exit::Busy);
        check(&store::Error::Corrupt { op: "commit", detail: String::new() }.into(), false, Exit::Failure);
        check(&store::Error::TooNew { path: "/a".into(), found: 9, known: 1 }.into(), false, Exit::Config);
        check(&settings::Error::NoHome.into(), false, Exit::Config);
        assert!(io(Errno::MFILE).is_out_of_files());
    }
}
