//! `ingest doctor`: looks for everything that could be wrong, says what to do about it, and mends what can be mended.
//!
//! Reading order: `code` (the table of findings), `round` (what one look at everything gathers), then the looks: `queue`,
//! `archive`, `rows`, `lines` (the captured bytes), `hook` (Claude Code's settings), `outside` (as much of it as `status` tells too),
//! `machine`; at last `mend` and `report`.

mod archive;
mod code;
mod hook;
mod lines;
mod machine;
mod mend;
pub(crate) mod outside;
mod queue;
mod report;
mod round;
mod rows;
mod stray;

use std::env::var_os;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::SystemTime;

use clap::Args;
use settings::Settings;
use status::Severity;
use store::read::inspect::Inspector;
use store::write::Writer;

use crate::cli::Common;
use crate::derive::compare::{self, Compared};
use crate::error::{At, Error};
use crate::exit::Exit;
use crate::signals;

use code::Code;
use report::Report;
use round::{Mend, Round, worst};

/// Shown below `ingest doctor --help`.
pub const EXAMPLES: &str = "\
Examples:
  prompt-manager doctor                              look at everything
  prompt-manager doctor --repair                     and mend what is marked as mendable
  prompt-manager doctor --json | jq -r '.findings[].code'

It only reads, while anything else goes on. --repair changes what the findings say and no more: modes, missing folders and
indexes, what is derived; an archived file whose row is missing goes back into the queue. Nothing that was captured or said
is removed. docs/operating-doctor.md lists every finding.
";

/// So many sessions are derived again to compare.
const SAMPLE: u64 = 64;

/// `doctor`.
#[derive(Debug, Args)]
pub struct Doctor {
    /// Mend what can be mended
    #[arg(long)]
    pub repair: bool,
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
/// What stops it as a whole; what keeps it from looking at one thing is a finding.
pub fn run(settings: &Settings, args: &Doctor, stop: &Arc<AtomicBool>) -> Result<Exit, Error> {
    signals::listen(stop.clone()).at("listen for signals in", settings.home.root())?;
    let now = SystemTime::now();
    let quiet = args.common.quiet || args.json;
    let (mut findings, mut checked, mends) = look(settings, now, stop, quiet);
    let mut repaired = Vec::new();
    if args.repair && !stop.load(std::sync::atomic::Ordering::Relaxed) {
        repaired = mend::all(settings, mends, now)?;
        if !repaired.is_empty() {
            (findings, checked, _) = look(settings, now, stop, quiet);
        }
    }
    let state = worst(&findings);
    let is_busy = findings.iter().any(|shown| shown.finding.code == "database_busy");
    let stopped = stop.load(std::sync::atomic::Ordering::Relaxed);
    let report = Report { state, checked_ms: crate::clock::millis(now), findings, checked, repaired, stopped };
    let text = if args.json { terminal::document(&report.document()) } else { report.shown(terminal::width()) };
    terminal::print(text.as_bytes()).at("write the findings of", settings.home.root())?;
    Ok(match state {
        _ if stopped || is_busy => Exit::Busy,
        Some(Severity::Error) => Exit::Failure,
        _ => Exit::Done,
    })
}

/// What one look gave: findings, how much was looked at, and what would mend it.
type Looked = (Vec<round::Shown>, round::Checked, Vec<(Code, Mend)>);

/// One look at everything.
fn look(settings: &Settings, now: SystemTime, stop: &AtomicBool, quiet: bool) -> Looked {
    let mut round = Round::new(settings, now, stop, quiet);
    let tell = |round: &mut Round<'_>| {
        let outside = outside::look(settings, now, &|name| var_os(name), outside::Sight::All);
        round.told(status::Status::gather_seeing(settings, now, outside).findings);
        Ok(())
    };
    if !settings.home.root().is_dir() {
        round.look("how it is going", tell);
        return round.end();
    }
    round.look("folders", queue::folders);
    round.look("modes", machine::modes);
    let mut opened = None;
    round.look("the database", |round| {
        opened = rows::open(round)?;
        Ok(())
    });
    let store = opened.as_ref();
    let mut last_event_ns = None;
    if let Some(store) = store {
        round.look("the database file", rows::file);
        round.look("the schema", |round| rows::schema(round, store));
        round.look("events", |round| rows::events(round, store));
        round.look("transcripts", |round| lines::look(round, store));
        round.look("references", |round| rows::references(round, store));
        round.look("the index of words", |round| rows::words(round, store));
        round.look("the newest event", |_| {
            last_event_ns = store.last_captured_ns()?;
            Ok(())
        });
    }
    round.look("the queue", |round| queue::waiting(round, store));
    round.look("failed", |round| queue::failed(round, store));
    round.look("the archive", |round| archive::look(round, store));
    round.look("what was left", machine::left);
    round.look("links to transcripts", |round| {
        machine::links(round);
        Ok(())
    });
    round.look("Claude Code's settings", |round| hook::look(round, &|name| var_os(name), last_event_ns));
    round.look("how it is going", tell);
    if let Some(store) = store.filter(|_| !round.is_ground_damaged()) {
        round.look("what is derived", |round| derived(round, store));
    }
    round.end()
}

/// Some sessions, others each day, are derived again and compared. Where nothing can be written that is left out, as it
/// needs the lock of a writer for a moment; and where the database has lost who it is, as a writer would make it another.
fn derived(round: &mut Round<'_>, store: &Inspector) -> Result<(), Error> {
    if !store.has_own_origin()? {
        return Ok(());
    }
    let day = crate::clock::millis(round.now).unsigned_abs() / 86_400_000;
    let sessions = store.sample_sessions(SAMPLE, day)?;
    let mut writer = match Writer::open(&round.settings.home) {
        Ok(writer) => writer,
        Err(store::Error::Storage { .. } | store::Error::Io { .. } | store::Error::Busy { .. }) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    for session in sessions {
        if round.is_stopped() {
            break;
        }
        let compared = match compare::compare(&mut writer, &session) {
            Err(store::Error::Busy { .. }) => return Ok(()),
            Err(store::Error::Corrupt { .. }) => continue, // what it is made of is damaged, and named as such
            done => done?,
        };
        round.checked.sessions += u64::from(compared != Compared::Unknown);
        if compared == Compared::Differs {
            round.found(Code::DerivedDiffers, format!("session {session}"));
            round.mend(Code::DerivedDiffers, Mend::Derive(session));
        }
    }
    Ok(())
}
