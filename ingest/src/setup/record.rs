//! `DATA/setup.json`: what was set up and where, so that it can be renewed and taken out again, also by a later version.
//!
//! What stands on record is written before what it tells is done, and struck out after that is undone: killed between, a
//! record tells of something that is not there, which taking out passes over. Fields that are not known are kept.

use std::io;
use std::path::PathBuf;

use queue::DataDir;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{At, Error};

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Settings of Claude Code that call our hook.
    #[serde(default)]
    pub hooks: Vec<Hooks>,
    /// Folders that are a plugin of ours.
    #[serde(default)]
    pub plugins: Vec<Plugin>,
    /// What starts our programs.
    #[serde(default)]
    pub services: Vec<Service>,
    /// The projects roots of these; a program that was not started from a session knows no `CLAUDE_CONFIG_DIR`.
    #[serde(default)]
    pub projects: Vec<PathBuf>,
    /// The copies of the hook that these settings call, or called.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub copies: Vec<PathBuf>,
    /// The version of the client that was found last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// What a later version wrote.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// Hooks in the settings of one configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hooks {
    /// Claude Code's folder, as it was named.
    pub config_dir: PathBuf,
    /// The file that was written: where the links lead to.
    pub settings: PathBuf,
    /// BLAKE3 of the file as we left it, in hexadecimal digits.
    pub written: String,
    /// The file as it was before; `None`: there was none.
    pub backup: Option<PathBuf>,
    /// Whether `/rate` was set up with them.
    #[serde(default)]
    pub rate: bool,
    /// The version of the client for which they were chosen, if it told one.
    #[serde(default)]
    pub client: Option<String>,
    /// Whether our entries are out again, and only what lies beside the file is to go.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub left: bool,
    /// Folders that were made for it, the outer one first.
    #[serde(default)]
    pub made: Vec<PathBuf>,
    /// What a later version wrote.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// A plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plugin {
    /// Its folder.
    pub path: PathBuf,
    /// Whether the folder is a marketplace that has it.
    #[serde(default)]
    pub marketplace: bool,
    /// Whether it has `/rate`.
    #[serde(default)]
    pub rate: bool,
    /// Folders that were made for it, the outer one first.
    #[serde(default)]
    pub made: Vec<PathBuf>,
    /// What a later version wrote.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl Plugin {
    /// The plugin itself, which is not the marketplace that has it.
    pub fn folder(&self) -> PathBuf {
        if self.marketplace { self.path.join("prompt-manager") } else { self.path.clone() }
    }
}

/// Something that starts our programs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Who reads it: `systemd`, `launchd`, `cron`.
    pub manager: String,
    /// Whose processes they are, where the manager is the system's; `None`: it is the user's own.
    #[serde(default)]
    pub account: Option<String>,
    /// Whether an ingester comes by a timer, instead of staying.
    #[serde(default)]
    pub timer: bool,
    /// The files that we wrote for it.
    #[serde(default)]
    pub files: Vec<PathBuf>,
    /// Where the API listens, if that is not what config.toml says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listen: Option<String>,
    /// `$XDG_CONFIG_HOME` when it was set up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_home: Option<PathBuf>,
    /// What a later version wrote.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl Record {
    /// What is on record; nothing if there is no file.
    ///
    /// # Errors
    /// [`Error::Home`], with the line, if the file is not what we write; else the operating system's.
    pub fn read(home: &DataDir) -> Result<Self, Error> {
        let path = home.setup();
        match queue::plain::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| Error::Home {
                problem: format!("cannot be read ({error}); move it away, and set up again what it told of"),
                path,
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).at("read", &path),
        }
    }

    /// Puts it in the place of what was on record, at once and for good.
    ///
    /// # Errors
    /// The operating system's, and for a path that is not UTF-8.
    pub fn write(&self, home: &DataDir) -> Result<(), Error> {
        let path = home.setup();
        let text = serde_json::to_string_pretty(self).map_err(io::Error::other).at("write", &path)?;
        crate::disk::replace_durably(&path, (text + "\n").as_bytes(), 0o600)
    }

    /// Changes what is on record, if `change` changes it.
    ///
    /// # Errors
    /// As [`read`](Self::read) and [`write`](Self::write).
    pub fn change<T>(home: &DataDir, change: impl FnOnce(&mut Self) -> T) -> Result<T, Error> {
        let before = Self::read(home)?;
        let mut after = before.clone();
        let done = change(&mut after);
        if after != before {
            after.write(home)?;
        }
        Ok(done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_is_written_is_read_and_what_is_unknown_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let home = DataDir::new(dir.path());
        assert_eq!(Record::read(&home).unwrap(), Record::default());
        Record::change(&home, |_| ()).unwrap();
        assert!(!home.setup().exists(), "nothing was changed");
        let later = r#"{"later": 1, "hooks": [{"config_dir": "/c", "settings": "/s", "written": "", "backup": null, "of": 2}]}"#;
        std::fs::write(home.setup(), later).unwrap();
        Record::change(&home, |record| record.projects.push("/c/projects".into())).unwrap();
        let found: Value = serde_json::from_slice(&std::fs::read(home.setup()).unwrap()).unwrap();
        assert_eq!((&found["later"], &found["hooks"][0]["of"]), (&1.into(), &2.into()));
        assert_eq!(Record::read(&home).unwrap().projects, [PathBuf::from("/c/projects")]);
        assert_eq!(home.setup().metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let home = DataDir::new(dir.path());
        std::fs::write(home.setup(), "{\"hooks\":\n7}").unwrap();
        let error = Record::read(&home).unwrap_err().to_string();
        assert!(error.contains("setup.json") && error.contains("line 2") && error.contains("move it away"), "{error}");
    }
}
