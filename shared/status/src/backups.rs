//! The backups in the data directory: which there are, how old they are, and what went wrong with the last try.
//!
//! ```text
//! backups/annotations-2026-11-25T093000Z.jsonl   what people said, in the form of an export
//! backups/prompts-2026-11-25T093000Z.db          the whole database
//! backups/prompts-schema-12-2026-11-25T093000Z.db    the same, before it was upgraded from that schema
//! run/backup.json                                the last try, while it was not a good one
//! ```
//!
//! A file has its name only after it was written whole, checked and synced, so a name is a good backup.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use queue::DataDir;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One good backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// Where it lies.
    pub path: PathBuf,
    /// When it was made, in milliseconds since 1970, from its name.
    pub made_ms: i64,
    /// In bytes.
    pub bytes: u64,
}

/// The kinds of backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// What people said: ratings, tags, notes, splits.
    Annotations,
    /// The database.
    Database,
    /// The database, before it was upgraded.
    Upgrade,
}

/// A try that ended without a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Failure {
    /// Of which kind.
    pub what: What,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// Why; no word of a prompt.
    pub reason: String,
}

/// All of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backups {
    /// What people said, the oldest first.
    pub annotations: Vec<Backup>,
    /// Databases, the oldest first.
    pub databases: Vec<Backup>,
    /// Databases before an upgrade, the oldest first.
    pub upgrades: Vec<Backup>,
    /// The last try of each kind, if it failed.
    pub failures: Vec<Failure>,
}

impl What {
    fn ends(self) -> (&'static str, &'static str) {
        match self {
            Self::Annotations => ("annotations-", ".jsonl"),
            Self::Database => ("prompts-", ".db"),
            Self::Upgrade => ("prompts-schema-", ".db"),
        }
    }

    /// The name of a backup that was made at this time.
    pub fn file_name(self, made_ms: i64) -> String {
        self.named("", made_ms)
    }

    /// The name of the copy that is made before an upgrade from `schema`.
    pub fn before_upgrade(schema: i64, made_ms: i64) -> String {
        Self::Upgrade.named(&format!("{schema}-"), made_ms)
    }

    /// What the copy of this name, from before an upgrade, holds: its schema, and when it was made.
    pub fn of_upgrade(name: &str) -> Option<(i64, i64)> {
        let made_ms = Self::Upgrade.made_ms(name)?;
        let schema = name.strip_prefix(Self::Upgrade.ends().0)?.split('-').next()?;
        Some((schema.parse().ok()?, made_ms))
    }

    fn named(self, which: &str, made_ms: i64) -> String {
        let (begin, end) = self.ends();
        let time = export::time::rfc3339(made_ms).unwrap_or_default(); // 2026-11-25T09:30:00.000Z
        format!("{begin}{which}{}Z{end}", time.split('.').next().unwrap_or_default().replace(':', ""))
    }

    /// When the backup of this name was made; `None` if the name is none of ours.
    fn made_ms(self, name: &str) -> Option<i64> {
        let (begin, end) = self.ends();
        let time = name.strip_prefix(begin)?.strip_suffix(end)?; // 2026-11-25T093000Z
        let time = match (self, time.split_once('-')) {
            (Self::Upgrade, schema) => schema.filter(|(schema, _)| schema.parse::<u16>().is_ok())?.1,
            _ => time,
        };
        let (day, clock) = time.strip_suffix('Z')?.split_once('T')?;
        if clock.len() != 6 || !clock.is_ascii() {
            return None;
        }
        export::time::parse(&format!("{day}T{}:{}:{}Z", &clock[..2], &clock[2..4], &clock[4..]))
    }
}

impl Backups {
    /// Looks for them. A missing folder holds none.
    ///
    /// # Errors
    /// The operating system's, with the path in its text.
    pub fn read(home: &DataDir) -> io::Result<Self> {
        let mut found = Self { failures: failures(&home.backup_note()), ..Self::default() };
        let dir = home.backups();
        let with_path = |error: io::Error| io::Error::new(error.kind(), format!("read {}: {error}", dir.display()));
        let entries = match fs::read_dir(&dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
            entries => entries.map_err(with_path)?,
        };
        for entry in entries {
            let entry = entry.map_err(with_path)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let Ok(meta) = entry.path().symlink_metadata() else { continue }; // gone since
            for (what, list) in [
                (What::Annotations, &mut found.annotations),
                (What::Database, &mut found.databases),
                (What::Upgrade, &mut found.upgrades),
            ] {
                if let Some(made_ms) = what.made_ms(&name).filter(|_| meta.is_file()) {
                    list.push(Backup { path: entry.path(), made_ms, bytes: meta.len() });
                }
            }
        }
        found.annotations.sort_by_key(|backup| backup.made_ms);
        found.databases.sort_by_key(|backup| backup.made_ms);
        found.upgrades.sort_by_key(|backup| backup.made_ms);
        Ok(found)
    }

    /// Those of one kind, the oldest first.
    pub fn of(&self, what: What) -> &[Backup] {
        match what {
            What::Annotations => &self.annotations,
            What::Database => &self.databases,
            What::Upgrade => &self.upgrades,
        }
    }
}

/// What cannot be read says nothing.
fn failures(path: &Path) -> Vec<Failure> {
    queue::plain::read(path).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_time() {
        let ms = 1_795_599_000_000;
        for what in [What::Annotations, What::Database] {
            assert_eq!(what.made_ms(&what.file_name(ms)), Some(ms), "{}", what.file_name(ms));
        }
        assert_eq!(What::Database.file_name(0), "prompts-1970-01-01T000000Z.db");
        let upgrade = What::before_upgrade(12, ms);
        assert!(upgrade.starts_with("prompts-schema-12-2026-"), "{upgrade}");
        let read = [What::Annotations, What::Database, What::Upgrade].map(|what| what.made_ms(&upgrade));
        assert_eq!(read, [None, None, Some(ms)]);
        assert_eq!(What::of_upgrade(&upgrade), Some((12, ms)));
        assert_eq!(What::of_upgrade(&What::Database.file_name(ms)), None);
        assert_eq!(What::Upgrade.made_ms("prompts-1970-01-01T000000Z.db"), None);
        for strange in ["prompts-1970-01-01T000000Z.db.partial", "prompts-x.db", "prompts-1970-01-01T0000é0Z.db", "a"]
        {
            assert_eq!(What::Database.made_ms(strange), None, "{strange}");
        }
    }

    #[test]
    fn what_is_there() {
        let home = tempfile::tempdir().unwrap();
        let dir = DataDir::new(home.path());
        assert_eq!(Backups::read(&dir).unwrap(), Backups::default());
        dir.create().unwrap();
        for (what, ms) in [(What::Database, 5000), (What::Database, 3000), (What::Annotations, 4000)] {
            fs::write(dir.backups().join(what.file_name(ms)), "1234").unwrap();
        }
        fs::write(dir.backups().join("prompts-1970-01-01T000009Z.db.partial"), "").unwrap();
        let failure = Failure { what: What::Database, at_ms: 1, reason: "full".into() };
        fs::write(dir.backup_note(), serde_json::to_vec(&[&failure]).unwrap()).unwrap();
        let found = Backups::read(&dir).unwrap();
        let times: Vec<_> = found.of(What::Database).iter().map(|backup| (backup.made_ms, backup.bytes)).collect();
        assert_eq!(times, [(3000, 4), (5000, 4)]);
        assert_eq!(found.annotations.len(), 1);
        assert_eq!(found.failures, [failure]);
    }
}
