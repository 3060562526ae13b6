//! `ingest setup`: what is put into places that are not ours, so that everything runs by itself, and how it is taken out again.
//!
//! ```text
//! events ─▶ call ─▶ what Claude Code runs at each event      copy: the program that it runs
//!             ▲                                              record: DATA/setup.json, what was set up and where
//! version ────┘
//! ```
//!
//! Nothing here is needed to capture or to read: it only writes down for others what to start. Each part changes as little as
//! it can, says every path that it changed, and puts it on record before anything depends on it, so that it can be taken out
//! by whoever comes later. One setup runs at a time.

pub mod call;
pub mod command;
pub(crate) mod copies;
pub mod copy;
pub mod events;
mod holders;
pub mod hooks;
mod left;
pub mod plugin;
pub mod record;
pub mod refresh;
pub mod remove;
mod roots;
pub mod service;
pub mod user;
pub mod version;

use std::fs::{File, TryLockError};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use queue::DataDir;
use rustix::fs::OFlags;
use settings::Settings;

use crate::error::{At, Error};
use crate::exit::Exit;
use user::{User, Var};

/// What `--help` shows of it.
pub const EXAMPLES: &str = "\
Examples:
  prompt-manager setup hooks          have each prompt captured at once
  prompt-manager setup plugin         the same as a plugin, with a skill that searches
  prompt-manager setup service        have it started by itself
  prompt-manager setup refresh        after an upgrade: renew what was set up
  prompt-manager setup remove         take all of it out; the data stays
";

/// `setup`.
#[derive(Debug, Args)]
pub struct Setup {
    /// What to set up.
    #[command(subcommand)]
    pub what: What,
}

/// The parts, each of which is set up and taken out by itself.
#[derive(Debug, Subcommand)]
pub enum What {
    /// Have Claude Code call the hook: entries in your own settings of it
    ///
    /// Every other entry stays as it is, byte for byte, and a backup lies beside the file. Set up twice, nothing is changed.
    #[command(after_long_help = terminal::help::laid_out(hooks::EXAMPLES))]
    Hooks(hooks::Hooks),
    /// Have Claude Code call the hook: a plugin, instead of entries in the settings
    ///
    /// It has its own copy of the hook, and a skill that searches. Each session that begins loads it.
    #[command(after_long_help = terminal::help::laid_out(plugin::EXAMPLES))]
    Plugin(plugin::Plugin),
    /// Take out everything that was set up; the data stays
    ///
    /// The hooks of every configuration, the plugin, then what starts programs, then the copies that both of them named.
    Remove(remove::Remove),
    /// Have the ingester and the API started: by systemd, launchd or cron
    ///
    /// Writes what the manager reads, and tells it. Where none is named it is launchd on macOS, systemd where that booted the
    /// machine, else cron. Any number of ingesters may run, so whatever else starts one does no harm.
    #[command(after_long_help = terminal::help::laid_out(service::EXAMPLES))]
    Service(service::Service),
    /// Renew what was set up, after an upgrade
    ///
    /// Copies, and whatever else lies outside of the package and names its programs. Nothing is set up that was not, and what
    /// a person took out by hand stays out.
    Refresh(refresh::Refresh),
}

impl Setup {
    /// The data directory that was named.
    pub fn home(&self) -> Option<&PathBuf> {
        match &self.what {
            What::Hooks(args) => args.place.home.as_ref(),
            What::Plugin(args) => args.place.home.as_ref(),
            What::Remove(args) => args.place.home.as_ref(),
            What::Service(args) => args.place.home.as_ref(),
            What::Refresh(args) => args.place.home.as_ref(),
        }
    }

    /// Whether it takes out what was set up.
    pub fn takes_out(&self) -> bool {
        match &self.what {
            What::Hooks(args) => args.remove,
            What::Plugin(args) => args.remove,
            What::Service(args) => args.remove,
            What::Remove(_) => true,
            What::Refresh(_) => false,
        }
    }

    /// Whether it changes nothing at all, not even a lock.
    fn only_tells(&self) -> bool {
        match &self.what {
            What::Hooks(args) => args.dry_run,
            What::Plugin(args) => args.dry_run,
            What::Remove(args) => args.dry_run,
            What::Service(args) => args.dry_run,
            What::Refresh(_) => false,
        }
    }

    /// Whether it may put something into the data directory, so that this has to exist.
    pub fn writes(&self) -> bool {
        match &self.what {
            What::Hooks(args) => !args.dry_run && !args.remove,
            What::Plugin(args) => !args.dry_run && !args.remove,
            What::Remove(_) | What::Refresh(_) => false,
            What::Service(args) => args.writes(),
        }
    }
}

/// Does it.
///
/// # Errors
/// What stops it. What was done until then is on record.
pub fn run(settings: &Settings, args: &Setup, var: Var<'_>) -> Result<Exit, Error> {
    let settings = &from_anywhere(settings)?;
    record::Record::read(&settings.home)?; // what cannot be read would be written over
    let user = User::new(settings, var);
    // What is set up for another user is locked as that user.
    let is_for_another = matches!(&args.what, What::Service(args) if args.system);
    let _alone = if args.only_tells() || is_for_another { None } else { alone(&settings.home)? };
    match &args.what {
        What::Hooks(args) => hooks::run(&user, args),
        What::Plugin(args) => plugin::run(&user, args),
        What::Remove(args) => remove::run(&user, args),
        What::Service(args) => service::run(&user, args),
        What::Refresh(args) => refresh::run(&user, args),
    }
}

/// Places as they are from any folder: what is written down for others runs elsewhere.
fn from_anywhere(settings: &Settings) -> Result<Settings, Error> {
    let absolute = |path: &Path| std::path::absolute(path).at("find", path);
    let home = DataDir::new(absolute(settings.home.root())?);
    let spill = settings.spill.as_deref().map(absolute).transpose()?;
    Ok(Settings { home, spill, ..settings.clone() })
}

/// Held as long as a setup runs. Without a data directory there is no record that two could spoil.
fn alone(home: &DataDir) -> Result<Option<File>, Error> {
    if !home.run().is_dir() {
        return Ok(None);
    }
    let path = home.setup_lock();
    let mut options = File::options();
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK; // a pipe is an error, and not waited for
    options.write(true).create(true).truncate(false).mode(0o600).custom_flags(flags.bits().cast_signed());
    let file = options.open(&path).at("open", &path)?;
    give_to_owner(&file, &home.run()).at("give away", &path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(Error::Held { path, what: "another setup runs" }),
        Err(TryLockError::Error(error)) => Err(error).at("lock", &path),
    }
}

/// Has what root made belong to whose folder it lies in, who could never open it otherwise.
fn give_to_owner(file: &File, folder: &Path) -> std::io::Result<()> {
    let owner = folder.metadata()?;
    if !rustix::process::geteuid().is_root() || file.metadata()?.uid() == owner.uid() {
        return Ok(());
    }
    fchown(file, Some(owner.uid()), Some(owner.gid()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let home = DataDir::new(dir.path());
        assert!(alone(&home).unwrap().is_none());
        home.create().unwrap();
        let first = alone(&home).unwrap();
        let error = alone(&home).unwrap_err();
        assert!(error.is_transient() && error.to_string().contains("another setup runs"), "{error}");
        drop(first);
        assert!(alone(&home).unwrap().is_some());
    }
}
