//! The data directory: every place under it has one method here, so that no other file spells a path.
//!
//! The location is `$PROMPT_MANAGER_HOME`, else `$XDG_DATA_HOME/prompt-manager`, else `~/.local/share/prompt-manager`,
//! on Linux and macOS alike. Directories are 0700 and files 0600, whatever the umask.

use std::ffi::OsString;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// The root of everything that Prompt Manager keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataDir {
    root: PathBuf,
}

impl DataDir {
    /// A data directory at `root`, which need not exist yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The default place, from the environment. `None` when there is not even a home directory. Relative values are
    /// ignored, as the XDG specification says.
    pub fn from_env(var: impl Fn(&str) -> Option<OsString>) -> Option<Self> {
        let absolute = |name: &str| var(name).map(PathBuf::from).filter(|path| path.is_absolute());
        if let Some(home) = absolute("PROMPT_MANAGER_HOME") {
            return Some(Self::new(home));
        }
        if let Some(data) = absolute("XDG_DATA_HOME") {
            return Some(Self::new(data.join("prompt-manager")));
        }
        absolute("HOME").map(|home| Self::new(home.join(".local/share/prompt-manager")))
    }

    /// The root itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The queue's own root; `tmp`, `incoming` and the rest lie below it on one file system, so that a rename is enough.
    pub fn queue(&self) -> PathBuf {
        self.root.join("queue")
    }

    /// Files that a hook is still writing.
    pub fn tmp(&self) -> PathBuf {
        self.root.join("queue/tmp")
    }

    /// Complete files that nobody has claimed.
    pub fn incoming(&self) -> PathBuf {
        self.root.join("queue/incoming")
    }

    /// Files that an ingester has claimed.
    pub fn processing(&self) -> PathBuf {
        self.root.join("queue/processing")
    }

    /// Files that cannot be taken in, each beside a `.reason.json`.
    pub fn failed(&self) -> PathBuf {
        self.root.join("queue/failed")
    }

    /// Committed files, in a folder for each UTC day.
    pub fn archive(&self) -> PathBuf {
        self.root.join("queue/archive")
    }

    /// That this is the store of the sample, which `ops/up` shows to whoever has no sessions yet; and what it then held.
    pub fn sample(&self) -> PathBuf {
        self.root.join(".sample")
    }

    /// What was set up outside of here, so that it can be taken out again.
    pub fn setup(&self) -> PathBuf {
        self.root.join("setup.json")
    }

    /// Held exclusively by a setup that runs.
    pub fn setup_lock(&self) -> PathBuf {
        self.root.join("run/setup.lock")
    }

    /// The database file.
    pub fn database(&self) -> PathBuf {
        self.root.join("database/prompts.db")
    }

    /// What was forgotten, beside the database: a backup that is older than the forgetting learns of it from here.
    pub fn forgotten(&self) -> PathBuf {
        self.root.join("forgotten.jsonl")
    }

    /// The ingester's log.
    pub fn processor_log(&self) -> PathBuf {
        self.root.join("logs/processor.log")
    }

    /// Where the hook notes what went wrong, a line each, never a payload.
    pub fn hook_errors(&self) -> PathBuf {
        self.root.join("logs/hook-errors.log")
    }

    /// Tokens, locks and process ids of what runs now.
    pub fn run(&self) -> PathBuf {
        self.root.join("run")
    }

    /// The bearer token of the API.
    pub fn api_token(&self) -> PathBuf {
        self.root.join("run/api.token")
    }

    /// Where the API listens, held exclusively by its server as long as that lives.
    pub fn api_url(&self) -> PathBuf {
        self.root.join("run/api.url")
    }

    /// Held shared by every process that has the database open, exclusively by one that replaces it.
    pub fn db_lock(&self) -> PathBuf {
        self.root.join("run/db.lock")
    }

    /// Held shared by whoever waits to write down what a person says, so that an ingester lets him in.
    pub fn person_lock(&self) -> PathBuf {
        self.root.join("run/person.lock")
    }

    /// Held shared by whoever copies the database, so that an ingester leaves the log small for him.
    pub fn copy_lock(&self) -> PathBuf {
        self.root.join("run/copy.lock")
    }

    /// The folder of the database, and of what was set aside from there.
    pub fn database_dir(&self) -> PathBuf {
        self.root.join("database")
    }

    /// A data directory in which a database is made that is to take the place of this one.
    pub fn staging(&self) -> PathBuf {
        self.root.join("database/staging")
    }

    /// The same once it is whole: whoever opens the database first puts it in place.
    pub fn replacement(&self) -> PathBuf {
        self.root.join("database/ready")
    }

    /// Copies of the database, and of what people said.
    pub fn backups(&self) -> PathBuf {
        self.root.join("backups")
    }

    /// Held exclusively by the one who packs, prunes and backs up; its time tells when that was last done.
    pub fn chores_lock(&self) -> PathBuf {
        self.root.join("run/chores.lock")
    }

    /// The last try of each backup, while it was not a good one.
    pub fn backup_note(&self) -> PathBuf {
        self.root.join("run/backup.json")
    }

    /// What the daily chores could not do, while that is so.
    pub fn chores_note(&self) -> PathBuf {
        self.root.join("run/chores.json")
    }

    /// What was forgotten and could not be taken out everywhere, while that is so.
    pub fn forgetting_note(&self) -> PathBuf {
        self.root.join("run/forgetting.json")
    }

    /// What an ingester found wrong outside of here, while that is so.
    pub fn outside_note(&self) -> PathBuf {
        self.root.join("run/outside.json")
    }

    /// What an ingester says of itself, held exclusively as long as it lives; `n` is 1, unless another has that name.
    pub fn ingester(&self, pid: u32, n: u32) -> PathBuf {
        let name = if n == 1 { format!("ingest-{pid}.json") } else { format!("ingest-{pid}.{n}.json") };
        self.run().join(name)
    }

    /// What hinders the ingester, as long as something does.
    pub fn trouble(&self) -> PathBuf {
        self.root.join("run/trouble.json")
    }

    /// Every directory, the outer before the inner.
    pub fn folders(&self) -> [PathBuf; 11] {
        [
            self.root.clone(),
            self.queue(),
            self.tmp(),
            self.incoming(),
            self.processing(),
            self.failed(),
            self.archive(),
            self.database_dir(),
            self.run(),
            self.root.join("logs"),
            self.backups(),
        ]
    }

    /// Where `backups` leads to, if it is a link and there is no folder: its disk may come back.
    pub fn backups_away(&self) -> Option<PathBuf> {
        away(&self.backups())
    }

    /// The same of `archive`.
    pub fn archive_away(&self) -> Option<PathBuf> {
        away(&self.archive())
    }

    /// Makes every directory that is missing. An existing one is left as it is, and so is a link to backups or to an archive that
    /// are away.
    ///
    /// # Errors
    /// The operating system's, with the path in its text.
    pub fn create(&self) -> io::Result<()> {
        let may_be_away = [self.backups(), self.archive()];
        self.folders()
            .iter()
            .filter(|path| !may_be_away.contains(path) || away(path).is_none())
            .try_for_each(|path| create_private_dir(path))
    }
}

/// Where `link` leads to, if it is a link and there is no folder.
pub fn away(link: &Path) -> Option<PathBuf> {
    let target = fs::read_link(link).ok()?;
    (!link.is_dir()).then(|| link.parent().unwrap_or(Path::new("/")).join(target))
}

/// Where the hook turns to when the queue cannot be written: `$PROMPT_MANAGER_SPILL`, else
/// `$XDG_STATE_HOME/prompt-manager/spill`, else `~/.local/state/prompt-manager/spill`. It has its own `tmp` and
/// `incoming`, and lies outside of the data directory, so that what befalls the one may spare the other.
pub fn spill_from_env(var: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let absolute = |name: &str| var(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("PROMPT_MANAGER_SPILL")
        .or_else(|| absolute("XDG_STATE_HOME").map(|state| state.join("prompt-manager/spill")))
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state/prompt-manager/spill")))
}

/// Makes `path` and its missing parents, all 0700.
///
/// # Errors
/// The operating system's, with the path in its text.
pub fn create_private_dir(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| io::Error::new(error.kind(), format!("create {}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(vars: &[(&str, &str)], expected: Option<&str>) {
        let found = DataDir::from_env(|name| vars.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into()));
        assert_eq!(found, expected.map(DataDir::new), "{vars:?}");
    }

    #[test]
    fn place_from_the_environment() {
        check(&[("PROMPT_MANAGER_HOME", "/a"), ("XDG_DATA_HOME", "/b"), ("HOME", "/c")], Some("/a"));
        check(&[("XDG_DATA_HOME", "/b"), ("HOME", "/c")], Some("/b/prompt-manager"));
        check(&[("HOME", "/c")], Some("/c/.local/share/prompt-manager"));
        check(&[("XDG_DATA_HOME", "relative"), ("HOME", "/c")], Some("/c/.local/share/prompt-manager"));
        check(&[], None);
    }

    fn check_spill(vars: &[(&str, &str)], expected: Option<&str>) {
        let found = spill_from_env(|name| vars.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into()));
        assert_eq!(found, expected.map(PathBuf::from), "{vars:?}");
    }

    #[test]
    fn spill_from_the_environment() {
        check_spill(&[("PROMPT_MANAGER_SPILL", "/a"), ("XDG_STATE_HOME", "/b"), ("HOME", "/c")], Some("/a"));
        check_spill(&[("XDG_STATE_HOME", "/b"), ("HOME", "/c")], Some("/b/prompt-manager/spill"));
        check_spill(
            &[("PROMPT_MANAGER_SPILL", "relative"), ("HOME", "/c")],
            Some("/c/.local/state/prompt-manager/spill"),
        );
        check_spill(&[], None);
    }
}
