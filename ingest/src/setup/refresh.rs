//! `ingest setup refresh`: after an upgrade, what was set up outside of the package becomes that of the new version.

use std::path::PathBuf;

use clap::Args;

use super::copies;
use super::copy::{self, Renewed};
use super::plugin;
use super::record::Record;
use super::roots;
use super::service;
use super::user::{Effect, User, say};
use crate::cli::Place;
use crate::error::Error;
use crate::exit::Exit;

/// `setup refresh`.
#[derive(Debug, Args)]
pub struct Refresh {
    /// The hook to copy [default: the one beside this program]
    #[arg(long, value_name = "PATH")]
    pub hook: Option<PathBuf>,
    /// Also put on record the folders of transcripts that this shell alone names, and say which are read
    #[arg(long)]
    pub projects: bool,
    /// Shared flags.
    #[command(flatten)]
    pub place: Place,
}

/// Does it.
///
/// # Errors
/// What stops it; what was renewed until then stays.
pub fn run(user: &User<'_>, args: &Refresh) -> Result<Exit, Error> {
    let roots = if args.projects { Some(roots::note(user, Effect::Change)?) } else { None };
    let record = Record::read(&user.settings.home)?;
    let mut is_idle = true;
    let copies = if record.hooks.is_empty() { Vec::new() } else { copies::all(user, &record) };
    let called = copies::called(user, &record);
    for to in &copies {
        // One that went and that nothing calls is not missed, where there is another.
        if !to.exists() && !called.contains(to) && copies.len() > 1 {
            continue;
        }
        let from = args.hook.clone().map_or_else(copy::source, Ok)?;
        copies::note(user, to)?;
        if copy::place(&from, to)? == Renewed::New {
            is_idle = false;
            say(&format!("renewed {}", to.display()))?;
        }
    }
    is_idle &= !plugin::refresh(user, args.hook.as_ref())?;
    is_idle &= !service::renew(user)?;
    if is_idle {
        say("nothing to do")?;
    }
    if let Some(roots) = roots {
        say(&roots::shown(&roots))?;
    }
    Ok(Exit::Done)
}
