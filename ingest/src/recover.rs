//! `ingest recover`: makes a damaged database anew, beside it, and puts the new one in its place when it is whole.
//!
//! ```text
//! newest good backup, else a new store ─▶ what can be read of the damaged one: ids, events ─▶ archive ─▶ what people said,
//! of each annotations file ─▶ what people said, of the damaged one ─▶ checked ─▶ in place ─▶ queue and transcripts
//! ```
//!
//! Only on request: `run` and `once` end at a damaged database and say so, and the queue keeps what comes. A program that
//! replaced a database by itself would do it once too often. The damaged one is set aside, never deleted, and nothing is
//! changed before the new one is whole; killed before that, the next call begins again.

mod plan;
mod report;

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Instant, SystemTime};

use clap::Args;
use queue::DataDir;
use settings::Settings;
use store::check::check;
use store::watch::unwatched;
use store::write::{Wreck, Writer};

use crate::cli::Common;
use crate::clock;
use crate::error::{At, Error};
use crate::exit::Exit;
use crate::import;
use crate::restore::{self, aside_name, catch_up, ended, fill_up};
use crate::show::Show;
use crate::signals;
use plan::{Plan, State};
use report::{Base, Report};
use terminal::print;

/// `recover`.
#[derive(Debug, Args)]
pub struct Recover {
    /// Say what would be done, and do nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
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
pub fn run(settings: &Settings, args: &Recover, stop: &Arc<AtomicBool>) -> Result<Exit, Error> {
    signals::listen(stop.clone()).at("listen for signals in", settings.home.root())?;
    let began = Instant::now();
    let show = Show::new(args.common.quiet);
    let home = &settings.home;
    let replacing = if args.dry_run { None } else { Some(restore::begin(home)?) };
    let plan = Plan::of(home, stop, &show)?;
    let mut report = Report::of(&plan);
    let exit = match (&plan.state, replacing) {
        (State::Whole, _) => Exit::Done,
        (State::OnlyWords(_), _) => Exit::Failure,
        (_, None) => Exit::Done,
        (_, Some(replacing)) => {
            rebuild(settings, &replacing.staging(), &plan, &mut report, stop, &show)?;
            report.set_aside = replacing.put_in_place(&aside_name())?;
            show.clear();
            let pass = catch_up(settings, stop)?;
            let exit = if pass.trouble.is_some() { Exit::Busy } else { Exit::Done };
            report.pass = Some(pass);
            exit
        }
    };
    show.clear();
    report.seconds = began.elapsed().as_secs_f64();
    print(report.shown(args.json).as_bytes()).at("write", Path::new("to standard output"))?;
    Ok(exit)
}

/// Makes the new database in `staging`.
fn rebuild(
    settings: &Settings,
    staging: &DataDir,
    plan: &Plan,
    report: &mut Report,
    stop: &AtomicBool,
    show: &Show,
) -> Result<(), Error> {
    let home = &settings.home;
    let wreck = match Wreck::open(&home.database(), &staging.database_dir()) {
        _ if plan.state == State::Missing => None,
        Ok(wreck) => Some(wreck),
        Err(error) => {
            let detail = if let store::Error::Corrupt { detail, .. } = error { detail } else { error.to_string() };
            report.unread.push(format!("{}: {detail}", home.database().display()));
            None
        }
    };
    crate::forget::bring_ledger(home, staging)?;
    report.base = base(staging, plan, wreck.as_ref(), report, stop, show)?;

    let mut writer = Writer::open(staging)?;
    let mut ids = store::write::Ids::default();
    if let Some(wreck) = &wreck {
        show.say("reading what is left of the damaged database");
        report.salvage(&writer.salvage_forgotten(wreck)?);
        ids = writer.salvage_ids(wreck)?;
        for root in wreck.roots() {
            writer.record_root(&root)?;
        }
        let events = writer.salvage_events(wreck)?;
        report.salvage(&events);
        report.salvaged_events = events.new;
    }
    drop(writer);
    report.archive = fill_up(settings, staging, stop, show)?;

    let mut writer = Writer::open(staging)?;
    for file in &plan.annotations {
        show.say("taking back what people said");
        let mut go_on =
            |_| if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        match import::annotations::import(&mut writer, file, &mut go_on) {
            Ok(merged) => report.said += merged.human,
            // One that is damaged is not the only one.
            Err(error @ (Error::Line { .. } | Error::Io { .. })) => report.unread.push(error.to_string()),
            Err(error) => return Err(error),
        }
    }
    if let Some(wreck) = &wreck {
        let said = writer.salvage_said(wreck, &ids, clock::millis(SystemTime::now()))?;
        report.salvage(&said);
        report.salvaged_said = said.new;
    }
    crate::derive::derive(&mut writer)?;
    drop((writer, wreck));
    if stop.load(Ordering::Relaxed) {
        return Err(Error::Ended("make the database anew"));
    }
    show.say("checking the new database");
    let checked = check(&staging.database(), &unwatched).map_err(|error| ended(error, stop))?;
    report.conversations = checked.conversations;
    match checked.problems.first() {
        None => Ok(()),
        Some(problem) => {
            let detail = problem.detail.clone();
            Err(store::Error::Corrupt { op: "make the database anew", detail }.into())
        }
    }
}

/// Begins with the newest backup that is whole, else with a store that holds nothing and has the id of this data directory:
/// the keys of hook events are made with it.
fn base(
    staging: &DataDir,
    plan: &Plan,
    wreck: Option<&Wreck>,
    report: &mut Report,
    stop: &AtomicBool,
    show: &Show,
) -> Result<Base, Error> {
    for backup in &plan.backups {
        match restore::stage(backup, staging, stop, show) {
            Ok(_) => return Ok(Base::Backup(backup.clone())),
            Err(error @ (Error::Refused { .. } | Error::Store(store::Error::Refused { .. }) | Error::Io { .. })) => {
                report.unread.push(error.to_string());
                let staged = staging.database();
                std::fs::remove_file(&staged).at("remove", &staged)?;
            }
            Err(error) => return Err(error),
        }
    }
    let origin = wreck.and_then(Wreck::origin).or(plan.origin.as_deref());
    let mut writer = Writer::open(staging)?;
    if let Some(origin) = origin {
        writer.adopt_origin(origin)?;
    }
    Ok(Base::Nothing)
}
