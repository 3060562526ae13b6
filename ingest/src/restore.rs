//! `ingest restore`: puts a backup in the place of the database, and takes in again what the archive has beyond it.
//!
//! The backup is copied, checked, brought to our schema and filled up from the archive beside the database; only then it takes
//! its place, in one step (`store::swap`). What was there is set aside, never deleted.

mod catch_up;
mod holders;
mod replay;

use std::fs;
use std::ops::ControlFlow;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Instant, SystemTime};

use clap::Args;
use queue::DataDir;
use serde_json::json;
use settings::Settings;
use store::check::{Checked, check};

use crate::backup::holds;
use crate::cli::Common;
use crate::clock;
use crate::error::{At, Error};
use crate::exit::Exit;
use crate::forget::{self, bring_ledger};
use crate::guard;
use crate::show::Show;
use crate::signals;
use terminal::{document, print};

pub(crate) use catch_up::catch_up;
pub(crate) use holders::begin;
pub(crate) use replay::{Replayed, replay};

/// Shown below `ingest restore --help`.
pub const EXAMPLES: &str = "\
Examples:
  prompt-manager restore ~/prompts.db            where there is no database yet
  prompt-manager restore --force ~/prompts.db    sets the one there is aside first
The former database stays in database/set-aside-TIME. Everything that only it holds is taken over by
  prompt-manager import …/database/set-aside-TIME/prompts.db
unless it is newer than this program: docs/operating-backup.md, Before an upgrade.
";

/// `restore`.
#[derive(Debug, Args)]
pub struct Restore {
    /// The backup
    #[arg(value_name = "SRC")]
    pub src: PathBuf,
    /// Set aside the database that is there
    #[arg(long)]
    pub force: bool,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
    /// Shared flags.
    #[command(flatten)]
    pub common: Common,
}

/// Does it.
///
/// # Errors
/// What stops it. The database is the one that was there then.
pub fn run(settings: &Settings, args: &Restore, stop: &Arc<AtomicBool>) -> Result<Exit, Error> {
    signals::listen(stop.clone()).at("listen for signals in", settings.home.root())?;
    let began = Instant::now();
    let show = Show::new(args.common.quiet);
    let home = &settings.home;
    let src = source(home, &args.src)?;
    let replacing = begin(home)?;
    let former = fs::metadata(home.database()).is_ok_and(|meta| meta.len() > 0); // an empty file is none
    if former && !args.force {
        let problem = "there is a database already; with --force it is set aside first".to_owned();
        return Err(Error::Refused { path: home.database(), problem });
    }
    let newer = if former { schema_of_newer(home) } else { None };
    let staging = replacing.staging();
    let checked = stage(&src, &staging, stop, &show)?;
    let replayed = fill_up(settings, &staging, stop, &show)?;
    let aside = replacing.put_in_place(&aside_name())?;
    show.clear();
    let pass = catch_up(settings, stop)?;
    let seconds = began.elapsed().as_secs_f64();
    let text = if args.json {
        document(&json!({
            "source": src, "conversations": checked.conversations, "events": checked.events,
            "archive": replayed, "set_aside": aside, "pass": pass, "seconds": seconds,
        }))
    } else {
        let mut text = format!("{} restored; {replayed}\n{pass}\n", holds(&checked));
        if let Some(aside) = aside.as_ref().filter(|_| !former) {
            text.push_str(&format!("what was there is set aside in {}\n", aside.display()));
        } else if let Some(aside) = &aside {
            let path = aside.join("prompts.db");
            text.push_str(&former_kept(&path, newer));
        }
        text
    };
    print(text.as_bytes()).at("write", Path::new("to standard output"))?;
    Ok(if pass.trouble.is_some() { Exit::Busy } else { Exit::Done })
}

/// The schema of the database that is there, if this program is older than that.
fn schema_of_newer(home: &DataDir) -> Option<i64> {
    match store::lost::filled(home) {
        Err(store::Error::TooNew { found, .. }) => Some(found),
        _ => None,
    }
}

/// How to come by what only the former database holds.
fn former_kept(path: &Path, newer: Option<i64>) -> String {
    let path = path.display();
    match newer {
        None => format!(
            "the former database is set aside; what only it holds is taken over by\n  prompt-manager import {path}\n"
        ),
        Some(schema) => format!(
            "the former database is set aside; it is newer (schema {schema}) than this program, which cannot read it\n  {path}\n\
             what people said since is taken over by `prompt-manager import FILE`, of what the newer version exported before\n"
        ),
    }
}

/// The folder for what was there.
pub(crate) fn aside_name() -> String {
    let time = export::time::rfc3339(clock::millis(SystemTime::now())).unwrap_or_default();
    format!("set-aside-{}Z", time.split('.').next().unwrap_or_default().replace(':', ""))
}

/// The backup, which is a file and not the database itself.
fn source(home: &DataDir, given: &Path) -> Result<PathBuf, Error> {
    let src = given.canonicalize().at("open", given)?;
    let meta = src.metadata().at("look at", &src)?;
    let problem = if !meta.is_file() {
        "is not a file; name a backup of the database"
    } else if home.database().metadata().is_ok_and(|live| (live.dev(), live.ino()) == (meta.dev(), meta.ino())) {
        "is the database itself; name a backup of it"
    } else {
        return Ok(src);
    };
    Err(Error::Refused { path: src, problem: problem.to_owned() })
}

/// Copies a backup to where the new database is made, and checks it there.
pub(crate) fn stage(src: &Path, staging: &DataDir, stop: &AtomicBool, show: &Show) -> Result<Checked, Error> {
    let to = staging.database();
    fs::File::options().write(true).create_new(true).mode(0o600).open(&to).at("create", &to)?;
    let watch = |what: &'static str| {
        move || {
            show.say(what);
            if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        }
    };
    store::backup::copy_other(src, &to, &watch("copying the backup")).map_err(|error| ended(error, stop))?;
    let checked = check(&to, &watch("checking it")).map_err(|error| ended(error, stop))?;
    match checked.problems.first() {
        None => Ok(checked),
        Some(problem) => {
            let problem = format!("the backup is damaged ({}); restore another one", problem.detail);
            Err(Error::Refused { path: src.to_owned(), problem })
        }
    }
}

/// Takes into the staged database what the archive has beyond it, and derives that.
pub(crate) fn fill_up(
    settings: &Settings,
    staging: &DataDir,
    stop: &AtomicBool,
    show: &Show,
) -> Result<Replayed, Error> {
    bring_ledger(&settings.home, staging)?;
    let mut writer = store::write::Writer::open(staging)?;
    if let Some(guard) = guard::of(settings)? {
        writer.guard(guard);
    }
    // Nobody else has it open, and what it held before is nowhere in it after this.
    if forget::catch_up(&mut writer, stop, &|said| show.say(said))?.is_break() {
        return Err(ENDED);
    }
    let replayed = replay(&mut writer, &settings.home.archive(), stop, show)?;
    crate::derive::derive_observed(&mut writer, &mut |_| {
        show.say("deriving conversations");
        if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    if stop.load(Ordering::Relaxed) { Err(ENDED) } else { Ok(replayed) }
}

pub(crate) const ENDED: Error = Error::Ended("replace the database");

/// A store that was interrupted because we wanted to end.
pub(crate) fn ended(error: store::Error, stop: &AtomicBool) -> Error {
    match error {
        store::Error::Interrupted { .. } if stop.load(Ordering::Relaxed) => ENDED,
        error => error.into(),
    }
}
