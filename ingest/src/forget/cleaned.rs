//! A copy of another database without what was forgotten here: how a backup is cleaned, and how a database from elsewhere is
//! looked at before it is taken in. Whoever wants its rows copies them; bytes of what was forgotten may stand between them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use queue::DataDir;
use store::sieve::Guard;
use store::watch::unwatched;
use store::write::Writer;

use super::{going, take_out};
use crate::error::{At, Error};
use crate::restore::ENDED;

/// The copy, in a data directory of its own that goes with the value.
#[derive(Debug)]
pub(crate) struct Cleaned {
    dir: DataDir,
    /// Held as long as somebody works here.
    _lock: fs::File,
}

/// How the folder of a copy is named, before the number of the process.
const NAME: &str = "cleaning-";
const LOCK: &str = "lock";

impl Cleaned {
    /// Copies `from` into a new folder in `place` and holds the copy against what `home` has forgotten, and lets `guard` hide
    /// what it hides.
    ///
    /// # Errors
    /// The store's and the operating system's; [`ENDED`] if `stop` ended it.
    pub(crate) fn of(
        home: &DataDir,
        from: &Path,
        place: &Path,
        guard: Option<Arc<dyn Guard>>,
        stop: &AtomicBool,
    ) -> Result<Self, Error> {
        remove_abandoned(place)?;
        let root = place.join(format!("{NAME}{}", std::process::id()));
        let dir = DataDir::new(root.clone());
        queue::layout::create_private_dir(&dir.database_dir()).at("create", &root)?;
        let lock = fs::File::create_new(root.join(LOCK)).at("create", &root)?;
        lock.try_lock().map_err(std::io::Error::other).at("lock", &root)?;
        let cleaned = Self { dir, _lock: lock };
        fs::File::create_new(cleaned.database()).at("create", &cleaned.database())?;
        store::backup::copy_other(from, &cleaned.database(), &unwatched)?;
        bring_ledger(home, &cleaned.dir)?;
        let mut writer = Writer::open(&cleaned.dir)?;
        if let Some(guard) = guard {
            writer.guard(guard);
            if writer.sift_all(&mut |_| going(stop))?.1.is_break() {
                return Err(ENDED);
            }
        }
        if take_out(&mut writer, stop, &|_| {})?.is_break() {
            return Err(ENDED);
        }
        writer.leave_pages()?;
        writer.all_forgotten()?;
        // It may become our database again, beside a file that has grown since.
        writer.leave_ledger()?;
        Ok(cleaned)
    }

    pub(crate) fn dir(&self) -> &DataDir {
        &self.dir
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.dir.database()
    }
}

impl Drop for Cleaned {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(self.dir.root());
    }
}

/// Whether somebody works in a folder at this moment: here, or where another store is imported.
pub(super) fn is_being_made(folder: &Path) -> bool {
    fs::File::open(folder.join(LOCK)).is_ok_and(|lock| lock.try_lock().is_err())
}

/// Removes the copies in `place` of those that died while they made one: they hold what was forgotten.
///
/// # Errors
/// The operating system's.
pub(super) fn remove_abandoned(place: &Path) -> Result<(), Error> {
    let entries = match fs::read_dir(place) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries.at("list", place)?,
    };
    for entry in entries {
        let folder = entry.at("list", place)?.path();
        // Without a lock it died before there was anything in it.
        let is_cleaning = folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with(NAME));
        if is_cleaning && folder.is_dir() && !is_being_made(&folder) {
            fs::remove_dir_all(&folder).at("remove", &folder)?;
        }
    }
    Ok(())
}

/// Lets `dir` know what `home` has forgotten, as soon as its database is opened.
///
/// # Errors
/// The operating system's.
pub(crate) fn bring_ledger(home: &DataDir, dir: &DataDir) -> Result<(), Error> {
    match fs::copy(home.forgotten(), dir.forgotten()) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        done => done.map(drop).at("copy", &home.forgotten()),
    }
}
