//! `ingest setup hooks`: has Claude Code call the hook, by a few entries in a person's own settings.
//!
//! ```text
//! folder ─▶ file ─▶ document ─▶ edit ─▶ file
//!                      layout ────┘
//! ```
//!
//! Everything is looked at before anything is changed, so that what cannot be done is refused as a whole. The program is in
//! its place before a line names it.

pub(super) mod beside;
mod configuration;
mod document;
#[doc(hidden)]
pub mod door;
mod edit;
mod file;
mod folder;
mod layout;
mod warn;
mod whose;

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use clap::Args;

use super::call::{self, Call, Form, Program, Rate};
use super::copies;
use super::copy::{self, Renewed};
use super::events;
use super::holders;
use super::left::Left;
use super::record::Record;
use super::user::{Effect, User, say};
use super::version::Client;
use crate::cli::Place;
use crate::error::{At, Error};
use crate::exit::Exit;
use configuration::{Configuration, Extent};
use edit::Wanted;
pub(crate) use warn::plugin;

/// What `--help` shows of it.
pub const EXAMPLES: &str = "\
Examples:
  prompt-manager setup hooks --dry-run    show what would be changed
  prompt-manager setup hooks              have each prompt captured at once
  prompt-manager setup hooks --rate       and rate from within a session: /rate 5
  prompt-manager setup hooks --remove     give the settings back as they were

Another configuration, as CLAUDE_CONFIG_DIR names it; its transcripts are read too:
  prompt-manager setup hooks --config-dir ~/.claude --config-dir ~/.claude-work
";

/// `setup hooks`.
#[derive(Debug, Args)]
pub struct Hooks {
    /// Show what would be changed, and change nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Take the hooks out again
    #[arg(long, conflicts_with_all = ["rate", "hook"])]
    pub remove: bool,
    /// Also have the command /rate, which rates the previous prompt without a model turn
    #[arg(long)]
    pub rate: bool,
    /// A folder of Claude Code's own, repeatable [default: $CLAUDE_CONFIG_DIR, else ~/.claude]
    #[arg(long, value_name = "DIR")]
    pub config_dir: Vec<PathBuf>,
    /// The hook to copy [default: the one beside this program]
    #[arg(long, value_name = "PATH")]
    pub hook: Option<PathBuf>,
    /// Shared flags.
    #[command(flatten)]
    pub place: Place,
}

impl Hooks {
    fn effect(&self) -> Effect {
        if self.dry_run { Effect::Tell } else { Effect::Change }
    }
}

/// Does it.
///
/// # Errors
/// [`Error::Refused`] before anything is changed; else what stops it, and what was done until then is on record.
pub fn run(user: &User<'_>, args: &Hooks) -> Result<Exit, Error> {
    let folders = folder::all(user, &args.config_dir)?;
    of_the_user(user)?;
    let mut is_idle = true;
    if args.remove {
        let mut copies_there = copies::all(user, &Record::read(&user.settings.home)?);
        copies_there.retain(|copy| copy.exists());
        if args.effect() == Effect::Change {
            // The entries are about to go, and with them what they tell.
            copies_there.iter().try_for_each(|copy| copies::note(user, copy))?;
        }
        for folder in &folders {
            is_idle &= !Configuration::of(user, folder)?.leave(args.effect(), Extent::AsBefore)?;
        }
        if is_idle {
            say("nothing to do")?;
        } else if args.effect() == Effect::Change {
            for copy in copies_there {
                say(&format!("kept {} for sessions that still run; `setup remove` takes it away", copy.display()))?;
            }
        }
        return Ok(Exit::Done);
    }

    let client = Client::ask(user)?;
    let from = args.hook.clone().map_or_else(copy::source, Ok)?;
    let to = copy::path(user)?;
    let queue = user.settings.home.queue();
    let wanted = Wanted {
        call: Call {
            program: Program::At(call::text(&to)?),
            queue: call::text(&queue)?,
            spill: user.settings.spill.as_deref().map(call::text).transpose()?,
            form: Form::of(client.version()),
            rate: if args.rate { Rate::Answered } else { Rate::Plain },
        },
        events: events::of(client.version()),
        version: client.version(),
    };
    let all: Vec<_> = folders.iter().map(|folder| Configuration::of(user, folder)).collect::<Result<_, _>>()?;
    for configuration in &all {
        configuration.check(&wanted)?;
    }
    match args.effect() {
        Effect::Tell if copy::is_same(&from, &to) => {}
        Effect::Tell => {
            is_idle = false;
            say(&format!("would write {}", to.display()))?;
        }
        Effect::Change => {
            copies::note(user, &to)?;
            if copy::place(&from, &to)? == Renewed::New {
                is_idle = false;
                say(&format!("set up {}", to.display()))?;
            }
            holders::add(&to, &user.settings.home)?;
            client.remember(user)?;
        }
    }
    for configuration in &all {
        is_idle &= !configuration.join(args.effect(), &wanted, &client)?;
    }
    if is_idle {
        say("nothing to do")?;
    }
    folders.iter().try_for_each(|folder| warn::about(user, folder))?;
    Ok(Exit::Done)
}

/// Refuses to put root's files where another user lives: neither Claude Code nor the hook could write there then.
fn of_the_user(user: &User<'_>) -> Result<(), Error> {
    let home = user.home()?;
    let owner = home.metadata().at("look at", &home)?.uid();
    if owner == rustix::process::geteuid().as_raw() {
        return Ok(());
    }
    let problem = format!("belongs to user {owner}; run this as that user, without sudo");
    Err(Error::Refused { path: home, problem })
}

/// Takes the hooks out of every configuration on record and of the usual one, also those that stood there before. Gives
/// whether there were any. What hinders one of them does not keep the others.
///
/// # Errors
/// What stops all of it.
pub(super) fn remove(user: &User<'_>, effect: Effect, left: &mut Left) -> Result<bool, Error> {
    let mut is_changed = false;
    let mut leave = |folder: &Path, is_recorded: bool| {
        let done = Configuration::of(user, folder).and_then(|configuration| {
            // What nobody set up and nobody could read is none of ours, unless it may name what is about to go.
            if is_recorded || configuration.names_us() { configuration.leave(effect, Extent::All) } else { Ok(false) }
        });
        is_changed |= left.unless(done, &folder.join("settings.json"))?;
        Ok::<_, Error>(())
    };
    let recorded: Vec<_> = Record::read(&user.settings.home)?.hooks.into_iter().map(|hooks| hooks.config_dir).collect();
    recorded.iter().try_for_each(|folder| leave(folder, true))?;
    // A person may have written them by hand.
    let usual = user.claude()?;
    if !recorded.contains(&usual) {
        leave(&usual, false)?;
    }
    Ok(is_changed)
}
