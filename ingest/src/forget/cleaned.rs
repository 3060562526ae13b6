//! A copy of another database without what was forgotten here: how a backup is cleaned, and how a database from elsewhere is
//! looked at before it is taken in.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use queue::DataDir;
use store::sieve::Guard;
use store::watch::unwatched;
use store::write::Writer;

use super::{catch_up, going};
use crate::error::{At, Error};
use crate::restore::ENDED;

/// The copy, in a data directory of its own that goes with the value.
#[derive(Debug)]
pub(crate) struct Cleaned {
    dir: DataDir,
}

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
        let root = place.join(format!("cleaning-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root); // of one that died with our number
        let dir = DataDir::new(root.clone());
        queue::layout::create_private_dir(&dir.database_dir()).at("create", &root)?;
        let cleaned = Self { dir };
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
        if catch_up(&mut writer, stop, &|_| {})?.is_break() {
            return Err(ENDED);
        }
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
