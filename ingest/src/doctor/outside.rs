//! What lies outside of the data directory, as `status`, `doctor` and the health page tell it: do Claude Code's settings still call
//! the hook that was set up, and can its transcripts be read?
//!
//! The API may see nothing of it, so an ingester leaves word, as long as something is wrong.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant, SystemTime};

use queue::DataDir;
use settings::{Chosen, Settings};
use status::{Finding, Severity};
use store::read::Reader;

use super::hook;
use super::round::Round;
use super::stray;
use crate::claude::Var;
use crate::disk;

/// How much is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    /// What was there before and is not any more.
    Lost,
    /// What somebody named and was never there, too: `doctor`.
    All,
}

/// All that is wrong with it.
pub(crate) fn look(settings: &Settings, now: SystemTime, var: Var<'_>, sight: Sight) -> Vec<Finding> {
    let stop = AtomicBool::new(false);
    let mut round = Round::new(settings, now, &stop, true);
    round.look("Claude Code's settings", |round| hook::look_briefly(round, var));
    let (shown, ..) = round.end();
    let mut found: Vec<_> = shown.into_iter().map(|shown| sentences(&shown.finding)).collect();
    found.extend(settings.record_problem.as_ref().map(|problem| Finding {
        code: "setup_unreadable",
        severity: Severity::Warning,
        detail: format!("What was set up is not known: {problem}."),
        next_step: if problem.contains("Permission denied") {
            "Give yourself the right to read it, and to enter the data directory.".to_owned()
        } else {
            "Move the file away, and set up again what you want: `prompt-manager setup hooks`, `prompt-manager setup service`.".to_owned()
        },
    }));
    found.extend(stray::look(settings, var));
    found.extend(settings.projects.iter().filter_map(|root| projects(settings, root, sight)));
    found
}

/// A root that is not there is missed if transcripts were read from it: Claude Code makes it at its first session. One that
/// somebody named may be misspelt.
fn projects(settings: &Settings, root: &Path, sight: Sight) -> Option<Finding> {
    let shown = root.display();
    let (problem, next_step) = match fs::read_dir(root).err()?.kind() {
        io::ErrorKind::NotFound => {
            let was_read = || Reader::open(&settings.home).and_then(|mut reader| reader.has_transcripts(root));
            let is_named = sight == Sight::All && settings.projects_chosen == Chosen::Named;
            if !is_named && !was_read().unwrap_or(false) {
                return None;
            }
            let step =
                "Put it back, or name where it lies now as `projects` in config.toml; what was added is read then.";
            ("it is not there", step.to_owned())
        }
        io::ErrorKind::PermissionDenied => {
            let word = terminal::quoted(&shown.to_string());
            ("it may not be read", format!("Give yourself the right to read it: `chmod u+rx {word}`."))
        }
        _ => ("it cannot be read", format!("See what it is: `ls -ld {}`.", terminal::quoted(&shown.to_string()))),
    };
    let detail = format!(
        "No transcripts are taken in from {shown}: {problem}. What came from there before stays, and hooks capture all the same."
    );
    Some(Finding { code: "projects_unreadable", severity: Severity::Warning, detail, next_step })
}

/// A finding of doctor's, as `status` words them.
fn sentences(finding: &Finding) -> Finding {
    let (detail, next_step) = (sentence(&finding.detail), sentence(&finding.next_step));
    Finding { detail, next_step, ..*finding }
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().into_iter().flat_map(char::to_uppercase);
    let stop = if text.ends_with('.') { "" } else { "." };
    first.chain(chars).collect::<String>() + stop
}

/// What was left word of, and when.
#[derive(Debug, Default)]
pub(crate) struct Word {
    last: Option<Instant>,
    left: Option<Vec<Finding>>,
}

impl Word {
    /// Looks, if that was not done a moment ago, and leaves word if something has changed. Whatever goes wrong with it is no
    /// reason to do anything else.
    pub(crate) fn leave(&mut self, settings: &Settings, now: SystemTime, mono: Instant) {
        if self.last.is_some_and(|last| mono.saturating_duration_since(last) < settings.sweep_every.max(LEAST)) {
            return;
        }
        self.last = Some(mono);
        let found = look(settings, now, &|name| std::env::var_os(name), Sight::Lost);
        if self.left.as_ref() == Some(&found) {
            return;
        }
        for stray in found.iter().filter(|finding| finding.code == stray::CODE) {
            tracing::warn!("{} {}", stray.detail, stray.next_step);
        }
        match write(&settings.home, &found) {
            Ok(()) => self.left = Some(found),
            Err(error) => tracing::debug!("word of what lies outside: {error}"),
        }
    }
}

/// More often nobody looks.
const LEAST: Duration = Duration::from_millis(100);

fn write(home: &DataDir, found: &[Finding]) -> io::Result<()> {
    let path = home.outside_note();
    if found.is_empty() {
        return match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        };
    }
    disk::replace(&path, &terminal::document(&found))
}
