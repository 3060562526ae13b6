//! `ingest setup remove`: everything that was set up is taken out, and the data stays.
//!
//! In this order, so that at no moment anything calls what is gone: the hooks, the plugin, what starts programs, the copies. Ended
//! between two of them it goes on from there when it is called again. What hinders one does not keep the others: it is said, and stays
//! on record with the copies that it calls.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use super::left::Left;
use super::record::Record;
use super::user::{Effect, User, say};
use super::{call, copies, copy, holders, hooks, plugin, service};
use crate::cli::Place;
use crate::error::{At, Error};
use crate::exit::Exit;

/// `setup remove`.
#[derive(Debug, Args)]
pub struct Remove {
    /// Show what would be taken out, and change nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Shared flags.
    #[command(flatten)]
    pub place: Place,
}

/// Does it.
///
/// # Errors
/// What stops all of it, and [`Error::Refused`] if something is left; the rest is out.
pub fn run(user: &User<'_>, args: &Remove) -> Result<Exit, Error> {
    let effect = if args.dry_run { Effect::Tell } else { Effect::Change };
    // What the entries call, as long as they tell; and what one left that died before it was on record.
    let mut copies = copies::all(user, &Record::read(&user.settings.home)?);
    if effect == Effect::Change {
        copies.iter().filter(|copy| copy.exists()).try_for_each(|copy| copies::note(user, copy))?;
    }
    copies.extend(copy::path(user).ok().filter(|usual| !copies.contains(usual)));
    let (mut left, mut callers) = (Left::default(), Left::default());
    let mut is_changed = hooks::remove(user, effect, &mut callers)?;
    is_changed |= plugin::remove(user, effect, &mut left)?;
    is_changed |= service::remove(user, effect, &mut left)?;
    if let Some(caller) = callers.first() {
        for copy in copies.iter().filter(|copy| copy.exists()) {
            say(&format!("kept {}, which {} may call", copy.display(), caller.display()))?;
        }
    } else {
        is_changed |= remove_copies(user, effect, &copies)?;
    }
    if effect == Effect::Change {
        forget(user)?;
    }
    callers.end()?;
    left.end()?;
    if !is_changed {
        say("nothing to do")?;
    }
    let data = user.settings.home.root();
    if data.exists() {
        let quoted = call::quoted(&data.display().to_string());
        say(&format!("your data stays in {}; to delete it: rm -rf {quoted}", data.display()))?;
    }
    Ok(Exit::Done)
}

fn remove_copies(user: &User<'_>, effect: Effect, known: &[PathBuf]) -> Result<bool, Error> {
    let mut is_changed = false;
    for path in known {
        is_changed |= remove_copy(user, effect, path)?;
    }
    if effect == Effect::Change {
        remove_spill(user);
    }
    Ok(is_changed)
}

fn remove_copy(user: &User<'_>, effect: Effect, path: &Path) -> Result<bool, Error> {
    if effect == Effect::Tell {
        if path.exists() {
            say(&format!("would remove {}", path.display()))?;
        }
        return Ok(path.exists());
    }
    let others = holders::leave(path, &user.settings.home)?;
    if let Some(other) = others.first() {
        let home = call::quoted(&other.display().to_string());
        say(&format!(
            "kept {}, which the hooks of another data directory call; to take it out: prompt-manager setup remove --home {home}",
            path.display()
        ))?;
        copies::forget(user, path)?;
        return Ok(false);
    }
    let was_there = copy::remove(path)?;
    if was_there {
        say(&format!("taken out {}", path.display()))?;
    }
    // `…/prompt-manager/bin/prompt-hook`: a folder in which there is anything else stays.
    if let Some(state) = path.parent().and_then(Path::parent) {
        let _ = fs::remove_dir(state);
    }
    copies::forget(user, path)?;
    Ok(was_there)
}

fn remove_spill(user: &User<'_>) {
    // Prompts may wait in the spill place: only empty folders go.
    let spill = user
        .settings
        .spill
        .as_deref()
        .filter(|spill| Some(*spill) == user.state().ok().map(|s| s.join("spill")).as_deref());
    if let Some(spill) = spill {
        for folder in ["tmp", "incoming", ""] {
            let _ = fs::remove_dir(spill.join(folder));
        }
    }
    if let Ok(state) = user.state() {
        let _ = fs::remove_dir(state);
    }
}

/// A record of nothing is none.
fn forget(user: &User<'_>) -> Result<(), Error> {
    let path = user.settings.home.setup();
    let mut record = Record::read(&user.settings.home)?;
    if record.hooks.is_empty() && record.plugins.is_empty() && record.services.is_empty() {
        record.projects.clear();
        record.client = None;
    }
    if record == Record::default() && path.exists() {
        fs::remove_file(&path).at("remove", &path)?;
    }
    Ok(())
}
