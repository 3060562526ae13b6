//! What is kept of a configuration while our entries are in it: the file as it was, and what stands on record.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Configuration, hash};
use crate::disk::replace_durably;
use crate::error::{At, Error};
use crate::setup::hooks::document;
use crate::setup::hooks::edit;
use crate::setup::hooks::file::Snapshot;
use crate::setup::record::{Hooks, Record};

/// What the backup is called.
const BACKUP: &str = "settings.json.before-prompt-manager";

impl Configuration<'_> {
    /// Keeps the file as it is without us, and gives where; `None`: there was none.
    pub(super) fn back_up(
        &self,
        found: &Snapshot,
        entry: Option<&Hooks>,
        is_same: bool,
    ) -> Result<Option<PathBuf>, Error> {
        let Some(bytes) = &found.bytes else { return Ok(None) };
        let before = entry.and_then(|entry| entry.backup.as_ref()).and_then(|path| fs::read_to_string(path).ok());
        let bytes = match entry {
            // Nothing else has changed: what was kept is still what it was before.
            Some(entry) if entry.settings == found.path && entry.written == hash(bytes) => {
                return Ok(entry.backup.clone());
            }
            // Ended before the file was changed, or after it was given back: there is nothing of ours in it.
            Some(entry) if before.as_deref().map(str::as_bytes) == Some(bytes) => return Ok(entry.backup.clone()),
            None if !is_same => bytes.clone(),
            None if let Some(shared) = self.entry_of_file(&found.path, bytes)? => match shared.backup {
                Some(path) => fs::read(&path).at("read", &path)?,
                None => return Ok(None),
            },
            _ => {
                let text = document::text(bytes).map_err(|fault| self.refused(&fault))?;
                // Also those of another data directory, whose place ours take: it may be gone when this is given back.
                let text = edit::take_out(text, before.as_deref(), self.user.var, &|_| true)
                    .map_err(|fault| self.refused(&fault))?;
                if entry.is_some_and(|entry| entry.backup.is_none()) && text.trim() == "{}" {
                    return Ok(None);
                }
                text.into_bytes()
            }
        };
        let noted = self.entry()?.and_then(|entry| entry.backup);
        let path = noted.unwrap_or_else(|| self.free_backup());
        self.note(|hooks| hooks.backup = Some(path.clone()))?;
        replace_durably(&path, &bytes, 0o600)?;
        Ok(Some(path))
    }

    /// A name that nothing has: what lies there may be all that a person has left.
    pub(super) fn free_backup(&self) -> PathBuf {
        let names = (2_u32..).map(|n| self.folder.join(format!("{BACKUP}.{n}")));
        let mut names = std::iter::once(self.folder.join(BACKUP)).chain(names);
        names.find(|path| fs::symlink_metadata(path).is_err()).unwrap_or_else(|| self.folder.join(BACKUP))
    }

    pub(super) fn entry(&self) -> Result<Option<Hooks>, Error> {
        let record = Record::read(&self.user.settings.home)?;
        Ok(record.hooks.into_iter().find(|hooks| hooks.config_dir == self.folder))
    }

    /// The entry of another configuration whose settings are this very file, as it is.
    pub(super) fn entry_of_file(&self, path: &Path, bytes: &[u8]) -> Result<Option<Hooks>, Error> {
        let record = Record::read(&self.user.settings.home)?;
        Ok(record.hooks.into_iter().find(|hooks| hooks.settings == path && hooks.written == hash(bytes)))
    }

    /// Notes that our entries are out, before what tells of that goes.
    pub(super) fn note_left(&self) -> Result<(), Error> {
        Record::change(&self.user.settings.home, |record| {
            record.hooks.iter_mut().filter(|hooks| hooks.config_dir == self.folder).for_each(|hooks| hooks.left = true);
        })
    }

    /// Changes our entry on record, which is made if need be, and with it those of configurations that share the file.
    pub(super) fn note(&self, change: impl Fn(&mut Hooks)) -> Result<(), Error> {
        Record::change(&self.user.settings.home, |record| {
            let at = record.hooks.iter().position(|hooks| hooks.config_dir == self.folder).unwrap_or_else(|| {
                record.hooks.push(Hooks { config_dir: self.folder.clone(), ..Hooks::default() });
                record.hooks.len() - 1
            });
            let ours = &mut record.hooks[at];
            change(ours);
            let (settings, written) = (ours.settings.clone(), ours.written.clone());
            for other in record.hooks.iter_mut().filter(|hooks| hooks.settings == settings && !hooks.written.is_empty())
            {
                other.written.clone_from(&written);
            }
            let root = self.folder.join("projects");
            if !record.projects.contains(&root) {
                record.projects.push(root);
            }
        })
    }
}
