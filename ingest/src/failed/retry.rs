//! `ingest retry`: what failed goes back into the queue, as if it had never been tried.
//!
//! The note beside a file is held locked while the file moves, and goes after it: so an ingester that buries another file
//! of the same name meanwhile takes another name for both. A death in between leaves a note without a file, which nobody
//! needs and the next retry removes.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;
use std::time::SystemTime;

use clap::Args;
use queue::{DataDir, QueueName};
use serde::Serialize;
use settings::Settings;
use status::failed::{Failed, Failures, NOTE};

use crate::cli::Place;
use crate::clock;
use crate::disk::move_new;
use crate::error::{At, Error};
use crate::exit::Exit;
use crate::intake::lock;
use crate::intake::reject::Class;
use crate::intake::spill::COPY;
use crate::report::count;
use terminal::moment::{Moment, moment};

/// Shown below `ingest retry --help`.
pub const EXAMPLES: &str = "\
Examples:
  prompt-manager retry --all --dry-run               what would go back
  prompt-manager retry --reason too_large            after max_event was raised
  prompt-manager retry --since 7d --reason crashes --reason refused
  prompt-manager retry 1795350951598014047-0914908d-Stop.json

The next pass takes them in again, from the first attempt on. A file that fails again comes back with its reason; one whose
event is stored already counts as a replay. Nothing is ever stored twice.
";

/// `retry`.
#[derive(Debug, Args)]
pub struct Retry {
    /// The files, by their names in queue/failed
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// All of them
    #[arg(long, conflicts_with = "names")]
    pub all: bool,
    /// Only those that failed for this reason, as `failed` shows it; repeatable
    #[arg(long, value_name = "CLASS", value_parser = class)]
    pub reason: Vec<String>,
    /// Only those that failed since then: 7d, 12h, 2026-11-01, 2026-11-01T09:00:00Z
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub since: Option<Moment>,
    /// Say what would be done, and do nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
    /// Shared flags.
    #[command(flatten)]
    pub place: Place,
}

fn class(text: &str) -> Result<String, String> {
    if Class::ALL.iter().any(|class| class.as_str() == text) || text == UNKNOWN {
        return Ok(text.to_owned());
    }
    let all: Vec<_> = Class::ALL.iter().map(|class| class.as_str()).collect();
    Err(format!("write one of {}, or {UNKNOWN}", all.join(", ")))
}

/// The reason of a file without a note.
const UNKNOWN: &str = "unknown";

/// What was done, or would be.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Files that are in the queue again.
    pub returned: u64,
    /// The same by the reason for which they had failed.
    pub by_reason: BTreeMap<String, u64>,
    /// Files that stay for now: their name is in the queue already, or somebody is at them.
    pub waiting: u64,
    /// What is no regular file, or has no queue file's name.
    pub not_files: u64,
    /// Nothing was done.
    pub dry_run: bool,
}

/// Returns files to the queue, and tells of it.
///
/// # Errors
/// [`Error::Usage`] for a name that is not there; the operating system's.
pub fn retry(settings: &Settings, args: &Retry) -> Result<Exit, Error> {
    let report = give_back(settings, args)?;
    let text = if args.json { terminal::document(&report) } else { report.shown() };
    terminal::print(text.as_bytes()).at("write the figures of", &settings.home.failed())?;
    Ok(Exit::Done)
}

/// Returns files to the queue.
///
/// # Errors
/// As [`retry`].
pub fn give_back(settings: &Settings, args: &Retry) -> Result<Report, Error> {
    if args.names.is_empty() && !args.all && args.reason.is_empty() && args.since.is_none() {
        return Err(Error::Usage("name files, or give --all, --reason or --since".to_owned()));
    }
    let found = super::read(settings)?;
    if let Some(unknown) = args.names.iter().find(|name| !found.files.iter().any(|file| file.file == **name)) {
        return Err(Error::Usage(format!("{unknown}: there is no such file in queue/failed; `failed` lists them")));
    }
    let since_ms = args.since.map(|since| since.begin(clock::millis(SystemTime::now())));
    let mut report = Report { dry_run: args.dry_run, ..Report::default() };
    let mut taken = std::collections::BTreeSet::new();
    for file in chosen(&found, args, since_ms) {
        let reason = file.reason.as_deref().unwrap_or(UNKNOWN);
        let outcome = match (file.is_file, file.name.parse::<QueueName>()) {
            (true, Ok(_)) if args.dry_run => {
                let free = taken.insert(&file.name) && !settings.home.incoming().join(&file.name).exists();
                if free { Back::Returned } else { Back::Waits }
            }
            (true, Ok(_)) => move_back(&settings.home, file)?,
            _ => Back::NotAFile,
        };
        match outcome {
            Back::Returned => {
                report.returned += 1;
                *report.by_reason.entry(reason.to_owned()).or_default() += 1;
                if !args.dry_run {
                    tracing::info!(file = file.file, reason, "back in the queue");
                }
            }
            Back::Waits => report.waiting += 1,
            Back::NotAFile => report.not_files += 1,
        }
    }
    if !args.dry_run {
        found.lone_notes.iter().try_for_each(|note| remove_lone(&settings.home.failed().join(note)))?;
    }
    Ok(report)
}

fn chosen<'f>(found: &'f Failures, args: &'f Retry, since_ms: Option<i64>) -> impl Iterator<Item = &'f Failed> {
    found.files.iter().filter(move |file| {
        (args.names.is_empty() || args.names.contains(&file.file))
            && (args.reason.is_empty() || args.reason.iter().any(|r| r == file.reason.as_deref().unwrap_or(UNKNOWN)))
            && since_ms.is_none_or(|since| file.failed_ms >= since)
    })
}

enum Back {
    Returned,
    Waits,
    NotAFile,
}

fn move_back(home: &DataDir, file: &Failed) -> Result<Back, Error> {
    let (failed, incoming, tmp) = (home.failed(), home.incoming(), home.tmp());
    let from = failed.join(&file.file);
    let note = failed.join(format!("{}{NOTE}", file.file));
    let held = match OpenOptions::new().write(true).open(&note) {
        Ok(held) if lock::try_exclusive(&held).at("lock", &note)? => Some(held),
        Ok(_) => return Ok(Back::Waits),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error).at("open", &note),
    };
    let partial = tmp.join(format!("{}{COPY}", file.name));
    match move_new(&from, &incoming.join(&file.name), &partial) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(Back::Waits),
        // Somebody else returned it.
        Err(error) if error.kind() == io::ErrorKind::NotFound && !from.exists() => return Ok(Back::Waits),
        Err(error) => return Err(error).at("move to incoming", &from),
    }
    if held.is_some() {
        fs::remove_file(&note).at("remove", &note)?;
    }
    Ok(Back::Returned)
}

/// A note whose file went back, by one who died before the note went too.
pub(crate) fn remove_lone(note: &Path) -> Result<(), Error> {
    let Ok(held) = OpenOptions::new().write(true).open(note) else { return Ok(()) };
    let file = note.to_string_lossy();
    let is_lone = lock::try_exclusive(&held).at("lock", note)?
        && file.strip_suffix(NOTE).is_some_and(|file| Path::new(file).symlink_metadata().is_err());
    if is_lone { fs::remove_file(note).at("remove", note) } else { Ok(()) }
}

impl Report {
    fn shown(&self) -> String {
        let verb = if self.dry_run { "would go back into the queue" } else { "back in the queue" };
        let mut text = format!("{} {verb}", count(self.returned, "file"));
        if self.returned > 0 {
            let by_reason: Vec<_> = self.by_reason.iter().map(|(reason, n)| format!("{n} {reason}")).collect();
            text += &format!(": {}", by_reason.join(", "));
        }
        for (n, what) in [
            (self.waiting, "stay for now: their name is in the queue already, or somebody is at them"),
            (self.not_files, "cannot go back: no queue files"),
        ] {
            if n > 0 {
                text += &format!("; {n} {what}");
            }
        }
        text + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line() {
        let check = |report: Report, expected: &str| assert_eq!(report.shown(), format!("{expected}\n"));
        check(Report::default(), "0 files back in the queue");
        check(
            Report {
                returned: 2,
                by_reason: [("empty".into(), 2)].into(),
                waiting: 1,
                dry_run: true,
                ..Report::default()
            },
            "2 files would go back into the queue: 2 empty; 1 stay for now: their name is in the queue already, or somebody is at them",
        );
    }

    #[test]
    fn reasons_are_those_of_the_notes() {
        for known in Class::ALL {
            assert_eq!(serde_json::to_value(known).unwrap(), known.as_str());
            assert_eq!(class(known.as_str()), Ok(known.as_str().to_owned()));
        }
        assert!(class("bad").unwrap_err().contains("not_json"));
    }
}
