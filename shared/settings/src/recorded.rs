//! The projects roots that setup put on record: a service knows no `CLAUDE_CONFIG_DIR`, and a person may have several.

use std::io;
use std::path::PathBuf;

use queue::DataDir;
use serde::Deserialize;

use crate::Error;

/// As much of `setup.json` as is a setting.
#[derive(Default, Deserialize)]
struct Recorded {
    #[serde(default)]
    projects: Vec<PathBuf>,
}

/// `usual`, and behind them those on record.
pub(crate) fn with_projects(usual: Vec<PathBuf>, home: &DataDir) -> Result<Vec<PathBuf>, Error> {
    let path = home.setup();
    let recorded: Recorded = match std::fs::read(&path) {
        Ok(bytes) => {
            serde_json::from_slice(&bytes).map_err(|error| Error::Recorded { path, problem: error.to_string() })?
        }
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Recorded::default()
        }
        Err(source) => return Err(Error::Read { path, source }),
    };
    let mut all = usual;
    for root in recorded.projects {
        if root.is_absolute() && !all.contains(&root) {
            all.push(root);
        }
    }
    Ok(all)
}
