//! `ingest import`: takes in what lies elsewhere or was never looked at, in transactions of bounded size.
//!
//! ```text
//! PATH… ──plan──▶ databases ─▶ transcripts, history.jsonl ─▶ queue files ─▶ hook logs ─▶ exports ──▶ a summary
//! ```
//!
//! Nothing that is imported is changed or moved. Everything has a key, so a second run finds it there; a run that was
//! killed or ended leaves whole transactions, and the next one goes on behind them.

pub mod annotations;
pub mod args;
pub mod database;
mod events;
mod hook_log;
mod plan;
mod progress;
mod queue_files;
mod sniff;
mod summary;

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use queue::QueueName;
use settings::Settings;
use store::write::{self, Merged, Writer};

use crate::backlog::{self, Done};
use crate::derive;
use crate::error::{At, Error};
use crate::exit::Exit;
use crate::intake::places::Places;
use crate::intake::whose;
use crate::places;
use crate::signals;
use crate::transcripts::ignored::{Fate, Ignored};
use crate::transcripts::{self, Look};
use crate::upgrade::Opening;
use args::Import;
use events::Events;
use plan::Plan;
use progress::Progress;
use summary::Summary;

/// So many failures are named on stderr.
const SHOWN: usize = 20;

/// Whether the work is to end early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    Yes,
    No,
}

/// An import while it runs.
struct Run<'a> {
    writer: Writer,
    places: Places,
    max_event: u64,
    ignored: Ignored,
    stop: &'a AtomicBool,
    progress: Progress,
    summary: Summary,
}

impl Run<'_> {
    /// Whether a payload is left out by what the settings ignore, and counts it then.
    fn ignores(&mut self, payload: &[u8], name: &QueueName, from: &Path) -> Result<bool, Error> {
        if self.ignored.is_empty() {
            return Ok(false);
        }
        let whose = whose::read(payload, name);
        let fate = self.ignored.event(whose.session.as_deref(), whose.cwd.as_deref())?;
        match fate {
            Fate::Taken => {}
            Fate::Ignored => self.summary.ignored += 1,
            Fate::Waits => {
                self.summary.fail(from, "names no folder, and nothing tells whether to ignore it".to_owned());
            }
        }
        self.ignored.keep(&mut self.writer)?;
        Ok(fate != Fate::Taken)
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// Imports.
///
/// # Errors
/// A path that is nothing we know, before anything is taken in; else what is not about a single file.
pub fn run(settings: &Settings, args: &Import, stop: &Arc<AtomicBool>) -> Result<Exit, Error> {
    signals::listen(stop.clone()).at("listen for signals in", settings.home.root())?;
    let writer = Opening::of(settings, stop).open()?;
    let plan = plan(&writer, settings, args)?;
    let before = writer.listed()?;
    let mut run = Run {
        writer,
        places: Places::new(&settings.home, settings.spill.as_deref()),
        max_event: settings.max_event,
        ignored: Ignored::new(settings),
        stop,
        progress: Progress::new(args.common.quiet),
        summary: Summary { left_alone: plan.left_alone, ..Summary::default() },
    };
    for (path, reason) in &plan.refused {
        run.summary.fail(path, reason.clone());
    }
    let stopped = take(&mut run, &plan)? == Stop::Yes;
    let mut summary = run.summary;
    summary.stopped = stopped;
    summary.prompts = run.writer.listed()?.saturating_sub(before);
    summary.typed_without_session = run.writer.typed_without_session()?;
    summary.seconds = run.progress.elapsed().as_secs_f64();
    run.progress.clear();
    tell(&summary, args.json);
    Ok(match () {
        () if summary.stopped => Exit::Busy,
        () if summary.is_incomplete() => Exit::Failure,
        () => Exit::Done,
    })
}

/// What was named, else every projects root that is known.
fn plan(writer: &Writer, settings: &Settings, args: &Import) -> Result<Plan, Error> {
    let mut known = settings.projects.clone();
    if args.common.projects.is_empty() {
        known.extend(writer.roots()?.into_iter().map(PathBuf::from).filter(|root| !settings.projects.contains(root)));
    }
    if !args.paths.is_empty() {
        return Plan::of(&args.paths, &known);
    }
    let roots: Vec<PathBuf> = known.iter().filter(|root| root.is_dir()).cloned().collect();
    // Who has just begun has none, and that is no mistake; one that was typed is more likely misspelt.
    if let (true, Some(path)) = (roots.is_empty(), known.first()) {
        let problem = "there is no such folder; name what to import, such as `prompt-manager import ~/backup/.claude`";
        if !args.common.projects.is_empty() {
            return Err(Error::Import { path: path.clone(), problem: problem.to_owned() });
        }
        tracing::warn!("{}: {problem}", path.display());
    }
    Plan::of(&roots, &known)
}

fn take(run: &mut Run<'_>, plan: &Plan) -> Result<Stop, Error> {
    let looks = plan.looks();
    for (roots, look) in &looks {
        let survey = transcripts::survey(&run.writer, roots, look, &mut run.ignored)?;
        run.summary.ignored += survey.ignored;
        run.summary.files.unchanged += survey.unchanged;
        run.progress.expect(survey.changed.len() as u64, survey.bytes);
    }
    for file in plan.queue_files.values().flatten().chain(&plan.hook_logs) {
        run.progress.expect(1, fs::metadata(file).map_or(0, |meta| meta.len()));
    }
    for path in &plan.databases {
        if merge(run, path, database::import)? == Stop::Yes {
            return Ok(Stop::Yes);
        }
    }
    for (roots, look) in &looks {
        if follow(run, roots, look)? == Stop::Yes {
            return Ok(Stop::Yes);
        }
    }
    let mut events = Events::default();
    let stop = take_events(run, &mut events, plan)?;
    events.flush(run)?;
    if stop == Stop::Yes {
        return Ok(stop);
    }
    run.summary.conversations += derive_while(&mut run.writer, run.stop, &mut run.progress)?;
    if run.stopped() {
        return Ok(Stop::Yes);
    }
    places::look_up(&mut run.writer)?;
    for path in &plan.exports {
        if merge(run, path, |writer, _, path, observe| annotations::import(writer, path, observe))? == Stop::Yes {
            return Ok(Stop::Yes);
        }
    }
    Ok(Stop::No)
}

/// Told after each transaction; may end it.
type Observe<'a> = &'a mut dyn FnMut(write::Progress) -> ControlFlow<()>;

/// Takes in a database or an export.
fn merge(
    run: &mut Run<'_>,
    path: &Path,
    import: impl FnOnce(&mut Writer, &Places, &Path, Observe<'_>) -> Result<Merged, Error>,
) -> Result<Stop, Error> {
    let Run { writer, places, stop, progress, summary, .. } = run;
    let mut before = None;
    let merged = import(writer, places, path, &mut |now| {
        if before.is_none() {
            progress.expect(1, now.of);
        }
        progress.add(0, now.done.saturating_sub(before.replace(now.done).unwrap_or(0)));
        if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    progress.add(1, 0);
    summary.add(&merged);
    Ok(if merged.stopped { Stop::Yes } else { Stop::No })
}

fn take_events(run: &mut Run<'_>, events: &mut Events, plan: &Plan) -> Result<Stop, Error> {
    for (name, files) in &plan.queue_files {
        if queue_files::take(run, events, name, files)? == Stop::Yes {
            return Ok(Stop::Yes);
        }
    }
    for log in &plan.hook_logs {
        if hook_log::take(run, events, log)? == Stop::Yes {
            return Ok(Stop::Yes);
        }
    }
    Ok(Stop::No)
}

/// Transcripts go the way that a pass takes them, each derived as soon as it is stored.
fn follow(run: &mut Run<'_>, roots: &[PathBuf], look: &Look) -> Result<Stop, Error> {
    let Run { writer, ignored, stop, progress, summary, .. } = run;
    let mut stopped = Stop::No;
    backlog::take_in(writer, roots, look, ignored, &mut |done| {
        match done {
            Done::Followed(followed) => {
                summary.files.new += followed.files;
                summary.bytes += followed.bytes;
                progress.add(followed.files, followed.bytes);
            }
            Done::Derived(derived) => {
                summary.conversations += derived.conversations;
                progress.add(0, 0); // the time goes on
            }
        }
        if stop.load(Ordering::Relaxed) {
            stopped = Stop::Yes;
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    })?;
    if stopped == Stop::No {
        let survey = transcripts::survey(&run.writer, roots, look, &mut run.ignored)?;
        run.summary.waiting += survey.waiting;
        for file in survey.changed {
            match first_byte(&file) {
                Ok(()) => run.summary.files.growing += 1,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => run.summary.unread(&file, &error),
            }
        }
    }
    Ok(stopped)
}

fn first_byte(path: &Path) -> io::Result<()> {
    File::open(path)?.read(&mut [0]).map(drop)
}

/// Derives until nothing is left to be derived or the import is to end; gives how many conversations are new or changed.
fn derive_while(writer: &mut Writer, stop: &AtomicBool, progress: &mut Progress) -> Result<u64, store::Error> {
    let derived = derive::derive_observed(writer, &mut |_| {
        progress.add(0, 0); // the time goes on
        if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    Ok(derived.conversations)
}

/// Whoever read our output may have gone; the work is done all the same.
fn tell(summary: &Summary, json: bool) {
    let mut err = io::stderr().lock();
    for failure in summary.failures.iter().take(SHOWN) {
        let _ = writeln!(err, "prompt-manager: {failure}");
    }
    if let Some(more) = summary.failures.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        let _ = writeln!(err, "prompt-manager: and {more} more; --json lists all");
    }
    let mut out = io::stdout().lock();
    let _ = if json {
        serde_json::to_writer(&mut out, summary).map_err(io::Error::from).and_then(|()| writeln!(out))
    } else {
        writeln!(out, "{summary}")
    };
}

#[cfg(test)]
mod stage;
