//! `ingest forget`: removes conversations for good, from everything that is ours, and keeps them out.
//!
//! ```text
//! chosen ──lineage by lineage──▶ stones, blanks, deletions: one transaction each ──▶ derive ──▶ indexes merged, log emptied
//!    └──▶ outside the database: archive, failed, backups, databases that were set aside
//! ```
//!
//! Claude Code's own files are never touched: they are named, and stay out of the store although they still hold it.

mod archived;
mod catch_up;
mod choose;
mod cleaned;
mod copies;
mod finish;
mod line;
mod lineage;
mod report;

use std::collections::BTreeSet;
use std::io::{self, IsTerminal, Write};
use std::ops::ControlFlow;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use clap::Args;
use settings::Settings;
use store::ConversationId;
use store::write::Writer;
use terminal::moment::{Moment, moment};

use crate::cli::Common;
use crate::clock;
use crate::disk;
use crate::error::{At, Error};
use crate::exit::Exit;
use crate::export::given;
use crate::intake::places::Places;
use crate::report::count;
use crate::restore;
use crate::show::Show;
use crate::signals;
use choose::Chosen;
use lineage::Gone;
use report::Report;

pub(crate) use archived::remove_failed;
pub(crate) use catch_up::catch_up;
use catch_up::take_out;
pub(crate) use cleaned::{Cleaned, bring_ledger};
pub(crate) use finish::learn;

/// Shown below `ingest forget --help`.
pub const EXAMPLES: &str = "\
Examples:
  prompt-manager forget --conversation 12,13 --dry-run   what would go, and from where
  prompt-manager forget --conversation 12                one conversation, with its subagents'
  prompt-manager forget --session ID                     a session, Claude Code's or one that you made
  prompt-manager forget --project ~/secret               everything from there or below
  prompt-manager forget --before 2026-01-01              everything older than that day
  prompt-manager forget --project web --before 90d       what fits both

Nothing brings it back: no sweep, import, rebuild, retry or restore. Claude Code's own files, which still hold it, are
named and left to you. Backups elsewhere keep what they hold. docs/privacy.md has the rest.
";

/// `forget`.
#[derive(Debug, Args)]
#[group(id = "chosen", required = true, multiple = true, args = ["conversation", "session", "project", "before"])]
pub struct Forget {
    /// These conversations, between commas
    #[arg(long, value_name = "IDS", value_delimiter = ',', value_parser = given::id)]
    pub conversation: Vec<ConversationId>,
    /// Those of this session, Claude Code's or one that you made; repeatable
    #[arg(long, value_name = "ID")]
    pub session: Vec<String>,
    /// Those from this folder or below it, or from a repository there; or from a project of this name
    #[arg(long, value_name = "DIR", value_parser = terminal::Project::parse)]
    pub project: Option<terminal::Project>,
    /// Those that began earlier: 90d, 2026-01-01, 2026-01-01T09:00:00Z
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub before: Option<Moment>,
    /// Say what would go, and do nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
    /// Shared flags.
    #[command(flatten)]
    pub common: Common,
}

/// How long an empty log is waited for: a reader may need it for as long as a query takes.
const LOG_WAIT: Duration = Duration::from_secs(10);

/// Forgets.
///
/// # Errors
/// What stops it. What was forgotten until then is; the same command goes on.
pub fn run(settings: &Settings, args: &Forget, stop: &Arc<AtomicBool>) -> Result<Exit, Error> {
    signals::listen(stop.clone()).at("listen for signals in", settings.home.root())?;
    let show = Show::new(args.common.quiet);
    let places = Places::new(&settings.home, settings.spill.as_deref());
    let mut report = Report { dry_run: args.dry_run, ..Report::default() };
    if !args.dry_run {
        keep_temporary_files(settings)?;
        check_room(settings)?;
        let mut writer = Writer::open(&settings.home)?;
        if finish::finish(&mut writer, &places, &mut report, LOG_WAIT, stop, &show)?.is_break() {
            return Err(restore::ENDED);
        }
        drop(writer);
        show.clear();
        // What waits in the queue or was not read yet may belong to it.
        let pass = restore::catch_up(settings, stop)?;
        if let Some(trouble) = pass.trouble {
            return Err(Error::Refused {
                path: settings.home.queue(),
                problem: format!(
                    "what waits has to be taken in before anything is forgotten, and that is not possible now: {trouble}"
                ),
            });
        }
    }
    let chosen = choose::choose(settings, args)?;
    if chosen.is_empty() {
        return report.print(args.json);
    }
    if !args.dry_run && !args.yes && !args.json && io::stdin().is_terminal() && !confirm(&chosen)? {
        return Ok(Exit::Failure);
    }
    let mut writer = Writer::open(&settings.home)?;
    for gone in each_lineage(&mut writer, &chosen, args.dry_run, stop, &show)? {
        report.add(gone);
    }
    if args.dry_run {
        archived::count(&places, &mut report)?;
        copies::count(&settings.home, &mut report)?;
    } else if finish::finish(&mut writer, &places, &mut report, LOG_WAIT, stop, &show)?.is_break() {
        return Err(restore::ENDED);
    }
    show.clear();
    report.print(args.json)
}

/// The engine writes a copy of the database on its way to a new file. It is to lie beside the database and not in a folder of
/// everybody's, and the engine takes that from its environment, which no thread may change: so we begin anew with it.
fn keep_temporary_files(settings: &Settings) -> Result<(), Error> {
    const PLACE: &str = "SQLITE_TMPDIR";
    if std::env::var_os(PLACE).is_some() {
        return Ok(());
    }
    let program = std::env::current_exe().at("find", "the program".as_ref())?;
    let mut again = Command::new(&program);
    again.args(std::env::args_os().skip(1)).env(PLACE, settings.home.database_dir());
    Err(again.exec()).at("start again", &program)
}

/// The file is written anew: its size in temporary files, and as much in its log.
fn check_room(settings: &Settings) -> Result<(), Error> {
    let path = settings.home.database();
    let wanted = std::fs::metadata(&path).map_or(0, |file| file.len()).saturating_mul(2) + settings.min_space;
    let free = disk::free(settings.home.root())?;
    if free < wanted {
        let problem = format!(
            "the database is written anew when something is forgotten, which takes {} of free disk space for a while; there are {}",
            terminal::size(wanted),
            terminal::size(free)
        );
        return Err(Error::Refused { path, problem });
    }
    Ok(())
}

fn each_lineage(
    writer: &mut Writer,
    chosen: &Chosen,
    dry_run: bool,
    stop: &AtomicBool,
    show: &Show,
) -> Result<Vec<Gone>, Error> {
    let mut sessions = chosen.sessions.clone();
    let ground = writer.ground()?;
    for id in &chosen.conversations {
        sessions.extend(ground.session_of(*id)?);
    }
    drop(ground);
    let now_ms = clock::millis(SystemTime::now());
    let of = sessions.len();
    let (mut found, mut seen): (Vec<Gone>, BTreeSet<String>) = (Vec::new(), BTreeSet::new());
    for (n, session) in sessions.into_iter().enumerate() {
        if stop.load(Ordering::Relaxed) {
            return Err(restore::ENDED);
        }
        show.say(&format!("session {} of {of}", n + 1));
        if !seen.contains(&session) {
            let gone = lineage::forget(writer, &session, chosen, now_ms, !dry_run)?;
            seen.extend(gone.sessions.iter().cloned());
            found.push(gone);
        }
    }
    Ok(found)
}

fn confirm(chosen: &Chosen) -> Result<bool, Error> {
    let bare = match chosen.sessions.len() as u64 {
        0 => String::new(),
        n => format!(" and {} without any", count(n, "session")),
    };
    let what = count(chosen.conversations.len() as u64, "conversation") + &bare;
    let _ = write!(io::stderr(), "prompt-manager: forget {what} for good? Nothing brings them back. [y/N] ");
    let mut line = String::new();
    io::stdin().read_line(&mut line).at("read the answer from", "stdin".as_ref())?;
    Ok(matches!(line.trim(), "y" | "Y" | "yes"))
}

/// For loops that report to nobody.
fn going(stop: &AtomicBool) -> ControlFlow<()> {
    if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}
