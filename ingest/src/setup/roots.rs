//! The folders of transcripts that this shell names and that a program started by a manager would never hear of.
//!
//! `CLAUDE_CONFIG_DIR` and `PROMPT_MANAGER_PROJECTS` end with the shell. Claude Code deletes what it wrote after 30 days, so a
//! folder that was left out by then is lost: what they name goes on record, which every program of ours reads.

use std::path::{Path, PathBuf};

use settings::{Chosen, Layer, Settings};

use super::record::Record;
use super::user::{Effect, User, say};
use crate::error::{At, Error};

/// What only a shell has.
const OF_THE_SHELL: [&str; 2] = ["CLAUDE_CONFIG_DIR", "PROMPT_MANAGER_PROJECTS"];

/// Puts on record what this shell names, and gives the roots that a program without it reads then. Where config.toml names all
/// of them, that is said instead.
///
/// # Errors
/// Those of the settings and of the record.
pub(super) fn note(user: &User<'_>, effect: Effect) -> Result<Vec<PathBuf>, Error> {
    let elsewhere = as_seen_elsewhere(user)?;
    let mut named = user.settings.projects.clone();
    if OF_THE_SHELL.iter().all(|name| (user.var)(name).is_none_or(|value| value.is_empty())) {
        named.clear();
    } else if let Some(config) = user.path("CLAUDE_CONFIG_DIR")
        && elsewhere.projects_chosen == Chosen::Named
    {
        named.push(config.join("projects"));
    }
    let mut roots = elsewhere.projects;
    let mut missing = Vec::new();
    for root in &named {
        let root = std::path::absolute(root).at("find", root)?;
        if !roots.contains(&root) && !missing.contains(&root) {
            missing.push(root);
        }
    }
    if elsewhere.projects_chosen == Chosen::Named {
        for root in missing {
            say(&format!(
                "note: `projects` is set in config.toml, so that {} is not read; add it there",
                root.display()
            ))?;
        }
        return Ok(roots);
    }
    if effect == Effect::Change && !missing.is_empty() {
        Record::change(&user.settings.home, |record| record.projects.extend(missing.iter().cloned()))?;
    }
    roots.extend(missing);
    Ok(roots)
}

/// Them in a line.
pub(super) fn shown(roots: &[PathBuf]) -> String {
    let roots: Vec<_> = roots.iter().map(|root| Path::display(root).to_string()).collect();
    format!("reads the transcripts in {}", roots.join(", "))
}

fn as_seen_elsewhere(user: &User<'_>) -> Result<Settings, Error> {
    let var = |name: &str| if OF_THE_SHELL.contains(&name) { None } else { (user.var)(name) };
    let flags = Layer { home: Some(user.settings.home.root().to_owned()), ..Layer::default() };
    Ok(Settings::resolve(flags, &var)?)
}
