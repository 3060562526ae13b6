//! What the plugin asks about the hooks in the settings: whether they are there, and to go once it is in their place.

use std::path::PathBuf;

use super::configuration::{Configuration, Extent};
use super::folder;
use crate::claude;
use crate::error::Error;
use crate::setup::user::{Effect, User};

/// What an administrator says.
const MANAGED: &str = "/etc/claude-code/managed-settings.json";

/// The folders that were named, absolute and each once; without any, the one that Claude Code uses.
///
/// # Errors
/// [`Error::Refused`] for a project's; [`Error::Settings`] without a home directory.
pub(in crate::setup) fn folders(user: &User<'_>, named: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    folder::all(user, named)
}

/// The settings of these configurations that call our hook, whoever wrote that there.
pub(in crate::setup) fn calling(user: &User<'_>, folders: &[PathBuf]) -> Vec<PathBuf> {
    let settings = folders.iter().map(|folder| folder.join("settings.json"));
    // What is no JSON calls nothing: the client passes over it.
    let calls = |path: &PathBuf| {
        let text = queue::plain::read(path).unwrap_or_default();
        claude::read(&text).is_some_and(|settings| !claude::calls(&settings, user.var).is_empty())
    };
    settings.filter(calls).collect()
}

/// The settings by which the plugin in the skills directory of one of these configurations would call nothing, and why.
pub(in crate::setup) fn off(folders: &[PathBuf]) -> Option<(PathBuf, &'static str)> {
    let own = folders.iter().map(|folder| folder.join("settings.json"));
    own.chain([PathBuf::from(MANAGED)]).find_map(|path| {
        let settings = claude::read(&queue::plain::read(&path).unwrap_or_default())?;
        let why = if settings["enabledPlugins"]["prompt-manager@skills-dir"] == false {
            "turns the plugin off (`enabledPlugins`)"
        } else if settings["disableAllHooks"] == true {
            "has hooks turned off (`disableAllHooks`)"
        } else {
            return None;
        };
        Some((path, why))
    })
}

/// Takes everything out of these configurations that calls our hook. Gives whether there was anything.
///
/// # Errors
/// What stops it.
pub(in crate::setup) fn leave(user: &User<'_>, folders: &[PathBuf], effect: Effect) -> Result<bool, Error> {
    let mut is_idle = true;
    for folder in folders {
        is_idle &= !Configuration::of(user, folder)?.leave(effect, Extent::All)?;
    }
    Ok(!is_idle)
}
