//! Opens the database for writing. One of an older schema is upgraded first, behind a checked copy of it in `backups/`.
//!
//! Hooks and the queue need no database and go on meanwhile. Whoever else would write is told that it is busy, and comes again.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::SystemTime;

use export::out::Existing;
use queue::DataDir;
use settings::Settings;
use status::backups::What;
use store::check::Checked;
use store::upgrade::Older;
use store::write::Writer;

use crate::backup::{copy, due};
use crate::clock::millis;
use crate::disk;
use crate::error::{At, Error};
use crate::guard;

/// What opening the database of a data directory takes.
#[derive(Clone, Debug)]
pub(crate) struct Opening {
    settings: Settings,
    stop: Arc<AtomicBool>,
}

impl Opening {
    /// By the settings; `stop` ends the copy.
    pub(crate) fn of(settings: &Settings, stop: &Arc<AtomicBool>) -> Self {
        Self { settings: settings.clone(), stop: stop.clone() }
    }

    /// Whose database it is.
    pub(crate) fn home(&self) -> &DataDir {
        &self.settings.home
    }

    /// Opens it, made or upgraded if need be, with the guard that the settings ask for.
    ///
    /// # Errors
    /// The store's; [`Error::UpgradeSpace`] if there is too little room to upgrade it. It is as it was then.
    pub(crate) fn open(&self) -> Result<Writer, Error> {
        let home = &self.settings.home;
        let mut writer = match Writer::open(home) {
            Err(store::Error::NotMigrated { .. }) => {
                if let Some(older) = Older::hold(home)? {
                    self.upgrade(older)?;
                }
                Writer::open(home)?
            }
            done => done?,
        };
        if let Some(guard) = guard::of(&self.settings)? {
            writer.guard(guard);
        }
        Ok(writer)
    }

    fn upgrade(&self, older: Older) -> Result<(), Error> {
        let (home, from, now_ms) = (&self.settings.home, older.schema(), millis(SystemTime::now()));
        let dir = due::folder(home)?;
        due::remove_partial(&dir)?;
        self.check_room(&older)?;
        let dest = dir.join(What::before_upgrade(from, now_ms));
        let copying: &copy::Copying<'_> = &|to, watch| older.copy(to, watch);
        let made = copy::make_by(copying, Checked::is_sound, home, &dest, Existing::Replace, &self.stop, &|_| {})?;
        due::thin_out(home, What::Upgrade, self.settings.backup_keep, now_ms)?;
        older.upgrade(&made.checked)?;
        tracing::info!("upgraded the database from schema {from}; as it was before it is kept in {}", dest.display());
        Ok(())
    }

    /// The copy is as large as the database, and so may be what the upgrade writes.
    fn check_room(&self, older: &Older) -> Result<(), Error> {
        let (copies, database) = (self.settings.home.backups(), self.settings.home.database_dir());
        let device = |path: &PathBuf| fs::metadata(path).map(|meta| meta.dev()).at("look at", path);
        let bytes = older.bytes()?;
        let work = bytes.saturating_add(self.settings.min_space);
        let needed = if device(&copies)? == device(&database)? {
            vec![(database, work.saturating_add(bytes))]
        } else {
            vec![(copies, bytes), (database, work)]
        };
        for (path, wanted) in needed {
            let free = disk::free(&path)?;
            if free < wanted {
                return Err(Error::UpgradeSpace { path, free, wanted, schema: older.schema() });
            }
        }
        Ok(())
    }
}
