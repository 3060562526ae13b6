//! One configuration of Claude Code: our entries into its settings, and out of them.
//!
//! ```text
//! settings as they were ─▶ backup ─▶ record (hash of what will be there) ─▶ rename
//! ```
//!
//! As long as the file is what we left, the backup is what it was before, byte for byte, and is put back. Once somebody else
//! has changed it, only our entries are taken out; and when setup runs again after such a change, the backup becomes the file
//! as it is without them.

mod kept;
mod told;

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use super::document;
use super::edit::{self, Wanted};
use super::file::Snapshot;
use super::whose;
use crate::claude::Call;
use crate::error::{At, Error};
use crate::setup::call::Rate;
use crate::setup::command;
use crate::setup::record::{Hooks, Record};
use crate::setup::user::{Effect, User, say};
use crate::setup::version::Client;
use settings::Chosen;

/// So often it is begun again because somebody changed the file meanwhile.
const TRIES: usize = 20;

/// How much is taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// What we put in: the file becomes what it was, and that may have called our hook already.
    AsBefore,
    /// Whatever calls our hook.
    All,
}

/// A configuration.
pub(super) struct Configuration<'a> {
    user: &'a User<'a>,
    folder: PathBuf,
    settings: PathBuf,
}

impl<'a> Configuration<'a> {
    /// The one in this folder.
    pub(super) fn of(user: &'a User<'a>, folder: &Path) -> Result<Self, Error> {
        match folder.metadata() {
            Ok(meta) if !meta.is_dir() => {
                let problem = "is no folder; --config-dir is where Claude Code keeps its own things".to_owned();
                Err(Error::Refused { path: folder.to_owned(), problem })
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error).at("look at", folder),
            _ => Ok(Self { user, folder: folder.to_owned(), settings: folder.join("settings.json") }),
        }
    }

    /// Refuses what could not be done, before anything is.
    pub(super) fn check(&self, wanted: &Wanted<'_>) -> Result<(), Error> {
        if !self.folder.exists() && !self.folder.parent().is_some_and(Path::is_dir) {
            let problem = "there is no such folder, nor the one that would hold it; check --config-dir for a typo";
            return Err(Error::Refused { path: self.folder.clone(), problem: problem.to_owned() });
        }
        if wanted.call.rate == Rate::Answered {
            command::check(&self.folder)?;
        }
        let found = self.read()?;
        let is_changed = found.bytes.as_deref() != Some(self.with_hooks(&found, wanted)?.as_bytes());
        let places = [Some(self.folder.as_path()), found.path.parent()];
        let commands = self.folder.join("commands");
        let has_command = wanted.call.rate == Rate::Plain || command::is_there(&self.folder);
        let places = places.into_iter().flatten().filter(|_| is_changed);
        places.chain((!has_command).then_some(commands.as_path())).try_for_each(writable)
    }

    /// Puts our entries in. Gives whether there was anything to do.
    pub(super) fn join(&self, effect: Effect, wanted: &Wanted<'_>, client: &Client) -> Result<bool, Error> {
        let is_changed = match effect {
            Effect::Tell => {
                let found = self.read()?;
                let text = self.with_hooks(&found, wanted)?;
                self.show(&found, &text)?;
                let is_new = wanted.call.rate == Rate::Answered && !command::is_there(&self.folder);
                if is_new {
                    say(&format!("would write {}", command::path(&self.folder).display()))?;
                }
                is_new || found.bytes.as_deref() != Some(text.as_bytes())
            }
            Effect::Change => {
                self.make_folders(wanted.call.rate)?;
                let before = self.read()?;
                let is_changed = self.write(wanted)?;
                if is_changed {
                    let count = wanted.events.len();
                    say(&format!("set up hooks for {count} events in {} ({client})", self.settings.display()))?;
                    self.tell_moved(&before, wanted)?;
                }
                is_changed | self.set_rate(wanted.call.rate)?
            }
        };
        let root = self.folder.join("projects");
        let settings = self.user.settings;
        if settings.projects_chosen == Chosen::Named && !settings.projects.contains(&root) {
            say(&format!("note: `projects` is set, so that {} is not read; add it there", root.display()))?;
        }
        Ok(is_changed)
    }

    /// Takes our entries out. Gives whether there was anything to do.
    pub(super) fn leave(&self, effect: Effect, extent: Extent) -> Result<bool, Error> {
        let entry = self.entry()?;
        let is_changed = match effect {
            Effect::Tell => {
                let found = self.read_to_leave()?;
                let text = self.without_hooks(&found, entry.as_ref(), extent)?;
                let is_changed = text.as_ref().map(String::as_bytes) != found.bytes.as_deref();
                match text {
                    Some(text) => self.show(&found, &text)?,
                    None if found.bytes.is_some() => say(&format!("would remove {}", found.path.display()))?,
                    None => {}
                }
                let (others, answers) = self.others()?;
                self.tell_of_others(&others)?;
                let command = command::is_there(&self.folder) && !answers;
                return Ok(is_changed || entry.is_some() || command);
            }
            Effect::Change => self.unwrite(entry.as_ref(), extent)?,
        };
        self.read_to_leave()?.clear()?;
        let (others, answers) = self.others()?;
        self.tell_of_others(&others)?;
        let is_ours = !answers && entry.as_ref().is_none_or(|entry| entry.rate);
        let had_command = is_ours && command::take_out(&self.folder)?;
        if had_command {
            say(&format!("taken out {}", command::path(&self.folder).display()))?;
        }
        if let Some(entry) = &entry {
            if let Some(backup) = &entry.backup {
                // Without it nobody could tell any more that the file is as it was.
                self.note_left()?;
                remove_if_there(backup)?;
                remove_if_there(&backup.with_added_extension("partial"))?;
                if !is_changed {
                    say(&format!(
                        "taken out {}; there was nothing else to do in {}",
                        backup.display(),
                        self.settings.display()
                    ))?;
                }
            }
            for folder in entry.made.iter().rev() {
                let _ = fs::remove_dir(folder); // not if there is anything in it by now
            }
            Record::change(&self.user.settings.home, |record| {
                record.hooks.retain(|hooks| hooks.config_dir != self.folder);
                let has_plugin = record.plugins.iter().any(|plugin| plugin.path.starts_with(&self.folder));
                let has_service = !record.services.is_empty();
                record.projects.retain(|root| has_plugin || has_service || *root != self.folder.join("projects"));
            })?;
        }
        Ok(is_changed || had_command || entry.is_some())
    }

    /// Whether anything here could be ours, as far as its words tell.
    pub(super) fn names_us(&self) -> bool {
        let text = queue::plain::read(&self.settings).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        ["prompt-hook", "prompt-manager"].iter().any(|name| text.contains(name)) || command::is_there(&self.folder)
    }

    /// The file, or that there is none.
    fn read(&self) -> Result<Snapshot, Error> {
        if !self.folder.exists() {
            return Ok(Snapshot { path: self.settings.clone(), bytes: None });
        }
        Snapshot::read(&self.settings)
    }

    /// The same where it may be gone with the folder to which a link leads.
    fn read_to_leave(&self) -> Result<Snapshot, Error> {
        let is_gone = || fs::metadata(&self.settings).is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
        match self.read() {
            Err(_) if is_gone() => Ok(Snapshot { path: self.settings.clone(), bytes: None }),
            found => found,
        }
    }

    fn refused(&self, fault: &document::Fault) -> Error {
        Error::Refused { path: self.settings.clone(), problem: fault.to_string() }
    }

    fn with_hooks(&self, found: &Snapshot, wanted: &Wanted<'_>) -> Result<String, Error> {
        let bytes = found.bytes.as_deref().unwrap_or_default();
        let put = document::text(bytes).and_then(|text| edit::put(text, wanted, self.user.var));
        put.map_err(|fault| self.refused(&fault))
    }

    /// The file as it is to be without our entries; `None`: there is to be none.
    fn without_hooks(&self, found: &Snapshot, entry: Option<&Hooks>, extent: Extent) -> Result<Option<String>, Error> {
        let Some(bytes) = &found.bytes else { return Ok(None) };
        let text = document::text(bytes).map_err(|fault| self.refused(&fault))?;
        let before = entry.and_then(|entry| entry.backup.as_ref()).and_then(|path| fs::read_to_string(path).ok());
        // What was kept is what is there, or nothing was kept yet: nothing was changed, or all was given back.
        let is_as_before = entry.is_some_and(|entry| {
            entry.left || entry.written.is_empty() || (entry.backup.is_some() && before.as_deref() == Some(text))
        });
        if is_as_before && extent == Extent::AsBefore {
            return Ok(Some(text.to_owned()));
        }
        let is_ours = entry.is_some_and(|entry| entry.settings == found.path && entry.written == hash(bytes));
        let take_out = |text: &str| self.edited_without(text, before.as_deref());
        match (is_ours, entry.is_some_and(|entry| entry.backup.is_none()), &before) {
            (true, true, _) => Ok(None),
            (true, _, Some(before)) if extent == Extent::AsBefore => Ok(Some(before.clone())),
            // Nobody else has changed it: what was there is the file to take ours out of.
            (true, _, Some(before)) => take_out(before).map(Some),
            _ => take_out(text).map(Some),
        }
    }

    fn edited_without(&self, text: &str, before: Option<&str>) -> Result<String, Error> {
        let ours = |call: &Call| whose::elsewhere(self.user, call).is_none();
        edit::take_out(text, before, self.user.var, &ours).map_err(|fault| self.refused(&fault))
    }

    fn write(&self, wanted: &Wanted<'_>) -> Result<bool, Error> {
        for _ in 0..TRIES {
            let found = self.read()?;
            let text = self.with_hooks(&found, wanted)?;
            let is_same = found.bytes.as_deref() == Some(text.as_bytes());
            // One that was begun and not written tells of folders alone.
            let entry = self.entry()?.filter(|entry| !entry.written.is_empty() && !entry.left);
            if is_same && entry.as_ref().is_some_and(|entry| entry.written == hash(text.as_bytes())) {
                self.note(|_| {})?;
                return Ok(false);
            }
            let backup = self.back_up(&found, entry.as_ref(), is_same)?;
            let written = hash(text.as_bytes());
            self.note(|hooks| {
                hooks.settings.clone_from(&found.path);
                hooks.written.clone_from(&written);
                hooks.backup.clone_from(&backup);
                hooks.left = false;
                hooks.client = wanted.version.map(|version| version.to_string());
            })?;
            if is_same {
                return Ok(entry.is_none());
            }
            if found.replace(text.as_bytes())? {
                if let Some(backup) = backup.filter(|_| entry.is_none()) {
                    say(&format!("kept the file as it was: {}", backup.display()))?;
                }
                return Ok(true);
            }
        }
        Err(self.unsteady())
    }

    fn unwrite(&self, entry: Option<&Hooks>, extent: Extent) -> Result<bool, Error> {
        for _ in 0..TRIES {
            let found = self.read_to_leave()?;
            let text = self.without_hooks(&found, entry, extent)?;
            let shown = self.settings.display();
            match text {
                None if found.bytes.is_none() => return Ok(false),
                None => {
                    if found.remove()? {
                        say(&format!("taken out the hooks: removed {shown}, which was not there before"))?;
                        return Ok(true);
                    }
                }
                Some(text) if found.bytes.as_deref() == Some(text.as_bytes()) => return Ok(false),
                Some(text) => {
                    if found.replace(text.as_bytes())? {
                        say(&format!("taken out the hooks of {shown}"))?;
                        self.tell_left(&text)?;
                        return Ok(true);
                    }
                }
            }
        }
        Err(self.unsteady())
    }

    fn unsteady(&self) -> Error {
        Error::Held { path: self.settings.clone(), what: "somebody changes it all the time" }
    }

    /// Makes the folders that are missing, on record before they are there.
    fn make_folders(&self, rate: Rate) -> Result<(), Error> {
        let commands = self.folder.join("commands");
        let wanted = std::iter::once(&self.folder).chain((rate == Rate::Answered).then_some(&commands));
        let missing: Vec<_> = wanted.filter(|folder| !folder.exists()).cloned().collect();
        if !missing.is_empty() {
            self.note(|hooks| {
                let new = missing.iter().filter(|folder| !hooks.made.contains(folder)).cloned().collect::<Vec<_>>();
                hooks.made.extend(new);
            })?;
        }
        missing.iter().try_for_each(|folder| DirBuilder::new().mode(0o700).create(folder).at("make", folder))
    }

    fn set_rate(&self, rate: Rate) -> Result<bool, Error> {
        let is_wanted = rate == Rate::Answered;
        let is_changed = if is_wanted { command::put(&self.folder)? } else { command::take_out(&self.folder)? };
        if is_changed {
            let done = if is_wanted { "set up" } else { "taken out" };
            say(&format!("{done} {}", command::path(&self.folder).display()))?;
        }
        let mut emptied = None;
        Record::change(&self.user.settings.home, |record| {
            for hooks in record.hooks.iter_mut().filter(|hooks| hooks.config_dir == self.folder) {
                hooks.rate = is_wanted;
                if !is_wanted && let Some(at) = hooks.made.iter().position(|made| made.ends_with("commands")) {
                    emptied = Some(hooks.made.remove(at));
                }
            }
        })?;
        if let Some(folder) = emptied {
            let _ = fs::remove_dir(folder); // not if there is anything in it by now
        }
        Ok(is_changed)
    }
}

/// Makes sure that something can be put into a folder, or into the one above in which it will be made. One that is read-only is
/// left so, as a file is, also by root.
fn writable(folder: &Path) -> Result<(), Error> {
    let Some(folder) = folder.ancestors().find(|above| above.exists()) else { return Ok(()) };
    let mode = folder.metadata().at("look at", folder)?.permissions().mode();
    let asked = access(folder, Access::WRITE_OK | Access::EXEC_OK);
    if mode & 0o200 != 0 && asked.is_ok() {
        return Ok(());
    }
    let shown = folder.display();
    let problem = match asked {
        Err(error) if mode & 0o200 != 0 => format!("nothing can be put there ({})", io::Error::from(error)),
        _ => format!("is read-only and is left so; run: chmod u+w '{shown}'"),
    };
    Err(Error::Refused { path: folder.to_owned(), problem })
}

fn remove_if_there(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error).at("remove", path),
        _ => Ok(()),
    }
}

/// BLAKE3 in hexadecimal digits.
fn hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}
