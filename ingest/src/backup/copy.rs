//! One checked copy: written beside its place, checked from end to end, synced, and only then given its name.

use std::fs::{self, File, TryLockError};
use std::io;
use std::ops::ControlFlow;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use export::out::Existing;
use queue::DataDir;
use store::check::{Checked, check};
use store::watch::Watch;

use crate::disk::sync_dir;
use crate::error::{At, Error};
use terminal::size;

/// Ends the name of a copy that is not whole yet.
pub(crate) const PARTIAL: &str = ".partial";

/// Ends the name of what the engine keeps beside a copy while it writes it.
pub(super) const JOURNAL: &str = "-journal";

/// A good copy.
#[derive(Debug)]
pub(crate) struct Made {
    /// Its size.
    pub(crate) bytes: u64,
    /// What is in it.
    pub(crate) checked: Checked,
}

/// How the bytes come into the file, until the watch ends it.
pub(crate) type Copying<'a> = dyn Fn(&Path, &Watch<'_>) -> Result<(), store::Error> + 'a;

/// Copies the database to `dest`. `show` is told now and then how far it is.
///
/// # Errors
/// The store's and the operating system's; [`Error::Refused`] if `dest` is taken, [`Error::Ended`] if `stop` ended it.
/// Nothing is left then, and what stood there still does.
pub(super) fn make(
    home: &DataDir,
    dest: &Path,
    existing: Existing,
    stop: &AtomicBool,
    show: &(dyn Fn(String) + Sync),
) -> Result<Made, Error> {
    make_by(&|to, watch| store::backup::copy_live(home, to, watch), Checked::is_good, home, dest, existing, stop, show)
}

/// The same, by another way of copying, and of what passes the check.
///
/// # Errors
/// As [`make`].
pub(crate) fn make_by(
    copying: &Copying<'_>,
    passes: fn(&Checked) -> bool,
    home: &DataDir,
    dest: &Path,
    existing: Existing,
    stop: &AtomicBool,
    show: &(dyn Fn(String) + Sync),
) -> Result<Made, Error> {
    vacant(dest, existing)?;
    let partial = Partial::create(dest)?;
    let on = |so_far: String| {
        show(so_far);
        if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let written = || fs::metadata(&partial.path).map_or(0, |meta| meta.len());
    let whole = fs::metadata(home.database()).map_or(0, |meta| meta.len());
    copying(&partial.path, &|| on(format!("{} of at most {} copied", size(written()), size(whole.max(written())))))
        .map_err(|error| ended(error, stop))?;
    let bytes = written();
    let checked =
        check(&partial.path, &|| on(format!("{} are checked", size(bytes)))).map_err(|error| ended(error, stop))?;
    if let Some(problem) = checked.problems.first().filter(|_| !passes(&checked)) {
        let detail = problem.detail.clone();
        return Err(store::Error::Corrupt { op: "back up", detail }.into());
    }
    partial.place(dest, existing)?;
    Ok(Made { bytes, checked })
}

/// What is not ours to replace is told before the work.
fn vacant(dest: &Path, existing: Existing) -> Result<(), Error> {
    let problem = match fs::symlink_metadata(dest) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).at("look at", dest),
        Ok(meta) if !meta.is_file() => "is not a file; name another place",
        Ok(_) if existing == Existing::Keep => TAKEN,
        Ok(_) => return Ok(()),
    };
    Err(Error::Refused { path: dest.to_owned(), problem: problem.to_owned() })
}

const TAKEN: &str = "is there already; name another place, or replace it with --force";

/// A store that was interrupted because we wanted to end.
fn ended(error: store::Error, stop: &AtomicBool) -> Error {
    match error {
        store::Error::Interrupted { .. } if stop.load(Ordering::Relaxed) => Error::Ended("back up the database"),
        error => error.into(),
    }
}

/// The copy while it is not whole. It is locked, so that nobody takes it for left over; dropped, it is gone.
pub(crate) struct Partial {
    file: File,
    path: PathBuf,
}

impl Partial {
    /// Makes it, and locks it.
    ///
    /// # Errors
    /// The operating system's; [`Error::Held`] while somebody else writes there.
    pub(crate) fn create(dest: &Path) -> Result<Self, Error> {
        let mut path = dest.as_os_str().to_owned();
        path.push(PARTIAL);
        let path = PathBuf::from(path);
        remove_abandoned(&path)?;
        let mut options = File::options();
        let file = options.read(true).write(true).create_new(true).mode(0o600).open(&path).at("create", &path)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file, path }),
            Err(TryLockError::Error(error)) => Err(error).at("lock", &path),
            Err(TryLockError::WouldBlock) => Err(held(&path)),
        }
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Gives it its name, when the disk has it.
    ///
    /// # Errors
    /// The operating system's; [`Error::Refused`] if `dest` is taken.
    pub(crate) fn place(self, dest: &Path, existing: Existing) -> Result<(), Error> {
        self.file.sync_all().at("sync", &self.path)?;
        match existing {
            Existing::Replace => fs::rename(&self.path, dest).at("rename to", dest)?,
            Existing::Keep => match queue::place::rename_new(&self.path, dest) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    return Err(Error::Refused { path: dest.to_owned(), problem: TAKEN.to_owned() });
                }
                done => done.at("rename to", dest)?,
            },
        }
        sync_dir(dest.parent().unwrap_or(Path::new(".")))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // Under its own name it is there no more, or it is of no use.
        let _ = fs::remove_file(&self.path);
    }
}

/// Removes a partial copy whose maker died, and what the engine left beside it.
pub(super) fn remove_abandoned(path: &Path) -> Result<(), Error> {
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        file => match file.at("open", path)?.try_lock() {
            Ok(()) => fs::remove_file(path).at("remove", path)?,
            Err(TryLockError::Error(error)) => return Err(error).at("lock", path),
            Err(TryLockError::WouldBlock) => return Err(held(path)),
        },
    }
    let mut journal = path.as_os_str().to_owned();
    journal.push(JOURNAL);
    match fs::remove_file(&journal) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error).at("remove", Path::new(&journal)),
        _ => Ok(()),
    }
}

fn held(path: &Path) -> Error {
    Error::Held { path: path.to_owned(), what: "somebody writes a backup there" }
}
