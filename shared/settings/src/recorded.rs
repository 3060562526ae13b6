//! What setup put on record and others have to know: the projects roots, since a service knows no `CLAUDE_CONFIG_DIR` and a person may
//! have several; and where the API was told to listen.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use queue::DataDir;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::{Error, Listen};

/// As much of `setup.json` as is a setting.
#[derive(Default, Deserialize)]
struct Recorded {
    #[serde(default)]
    projects: Vec<PathBuf>,
    /// So that it is an object.
    #[serde(flatten)]
    _rest: BTreeMap<String, IgnoredAny>,
}

/// Where the API listens that `setup service --listen` set up, whatever config.toml says. A record that cannot be read tells nothing.
pub fn listen_on_record(home: &DataDir) -> Option<Listen> {
    #[derive(Deserialize)]
    struct Service {
        listen: Option<Listen>,
    }
    #[derive(Deserialize)]
    struct Services {
        services: Vec<Service>,
    }
    let record: Services = serde_json::from_slice(&queue::plain::read(&home.setup()).ok()?).ok()?;
    record.services.into_iter().find_map(|service| service.listen)
}

/// `usual`, and behind them those on record; and what is wrong with the record, if that cannot be read. What people say to
/// Claude Code is taken in and shown all the same.
pub(crate) fn with_projects(usual: Vec<PathBuf>, home: &DataDir) -> (Vec<PathBuf>, Option<String>) {
    let path = home.setup();
    let read = match queue::plain::read(&path) {
        Ok(bytes) => serde_json::from_slice::<Recorded>(&bytes)
            .map_err(|error| Error::Recorded { path, problem: error.to_string() }),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(Recorded::default())
        }
        Err(source) => Err(Error::Read { path, source }),
    };
    let (recorded, problem) = match read {
        Ok(recorded) => (recorded, None),
        Err(error) => (Recorded::default(), Some(error.to_string())),
    };
    let mut all = usual;
    for root in recorded.projects {
        if root.is_absolute() && !all.contains(&root) {
            all.push(root);
        }
    }
    (all, problem)
}
