//! From the settings' hooks to the plugin: only where it calls the hook as soon as a session begins, because an event that no one
//! calls for is lost; and `/rate` goes along.

use std::path::PathBuf;

use super::folder::Folder;
use crate::error::Error;
use crate::setup::call::EXEC;
use crate::setup::hooks::beside;
use crate::setup::record::Record;
use crate::setup::version::Client;

/// Makes sure that the plugin will be loaded.
///
/// # Errors
/// [`Error::Refused`] with what stands against it.
pub(super) fn check(places: &[Folder], folders: &[PathBuf], client: &Client) -> Result<(), Error> {
    let refuse = |path: PathBuf, problem: String| Err(Error::Refused { path, problem });
    if let Some(place) = places.iter().find(|place| place.is_marketplace()) {
        let problem = "is not installed yet when it is written, so that events would be lost; write it without --switch, install it \
                       by the two lines that are said, and then: prompt-manager setup hooks --remove";
        return refuse(place.root().to_owned(), problem.to_owned());
    }
    if let Some((path, why)) = beside::off(folders) {
        return refuse(path, format!("{why}, so that events would be lost; change that first, or keep the hooks"));
    }
    if let Some(version) = client.version().filter(|version| *version < EXEC) {
        let place = places.first().map(|place| place.root().to_owned()).unwrap_or_default();
        let problem = format!(
            "Claude Code {version} is not known to load a plugin from there (from {EXEC} on it is), so that events would be \
             lost; upgrade it first, or keep the hooks"
        );
        return refuse(place, problem);
    }
    Ok(())
}

/// Whether `/rate` was set up: with the hooks of one of these, or with the plugin, where this is ended that was begun.
pub(super) fn has_rate(record: &Record, folders: &[PathBuf]) -> bool {
    let by_hooks = record.hooks.iter().any(|hooks| hooks.rate && folders.contains(&hooks.config_dir));
    by_hooks || record.plugins.iter().any(|plugin| plugin.rate && folders.iter().any(|it| plugin.path.starts_with(it)))
}
