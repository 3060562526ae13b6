//! One round of doctor: what was looked at, what was found, and what would mend it. Every look writes into it.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use serde::Serialize;
use settings::Settings;
use status::{Finding, Severity};
use store::{ConversationId, EventId};

use super::code::Code;
use crate::error::Error;

/// So many examples of a finding are named.
const EXAMPLES: usize = 3;
/// So much is mended at once; what is left is found again.
const MENDS: usize = 100_000;
/// Between two drawings of the line that says what is being looked at.
const REDRAW: Duration = Duration::from_millis(100);

/// How one finding is mended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mend {
    /// Take the others' bits from its mode.
    Close(PathBuf),
    /// Make the folder.
    Folder(PathBuf),
    /// Put an archived file back into the queue: where it lies (a file or a pack), and its name there.
    PutBack(PathBuf, String),
    /// Remove a note that belongs to no file.
    Note(PathBuf),
    /// Remove what a dead process left half written.
    Remove(PathBuf),
    /// Count again which source saw the conversations.
    Counts,
    /// Make again what lists are filtered and sorted by.
    Lists,
    /// Tell again what people say of a conversation.
    Tell(ConversationId),
    /// Make again what is kept of titles and of the spellings of tags.
    Titles,
    /// Make an index, a view or a trigger.
    Object(String),
    /// Give an event its bytes back from the archive.
    Refill(EventId, String),
    /// Put conversation ids back.
    Ids,
    /// Remove derived parts that belong to nothing.
    Loose,
    /// Remove words that belong to nothing.
    StrayWords,
    /// Make the index of words of tags, notes and titles anew.
    Texts,
    /// Make the index of words anew.
    Words,
    /// Derive a session again.
    Derive(String),
}

/// How much was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Checked {
    /// Stored queue files.
    pub(super) events: u64,
    /// Stored files of sessions.
    pub(super) transcripts: u64,
    /// Bytes of both.
    pub(super) bytes: u64,
    /// Files in the archive.
    pub(super) archived: u64,
    /// Files that wait in the queue.
    pub(super) waiting: u64,
    /// Files in failed.
    pub(super) failed: u64,
    /// Sessions that were derived again, to compare.
    pub(super) sessions: u64,
    /// Runs of our hook that transcripts tell of.
    pub(super) hook_runs: u64,
    /// How long it took.
    pub(super) took_ms: u64,
}

/// What there is of one code.
#[derive(Clone, Debug, Default)]
struct Tally {
    count: u64,
    examples: Vec<String>,
}

/// A finding as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Shown {
    #[serde(flatten)]
    pub(super) finding: Finding,
    /// How many of it.
    pub(super) count: u64,
    /// Some of them: paths, names, ids.
    pub(super) examples: Vec<String>,
    /// Whether `--repair` mends it.
    pub(super) repairable: bool,
}

/// What was found, and on the way what is being looked at.
#[derive(Debug)]
pub(super) struct Round<'a> {
    pub(super) settings: &'a Settings,
    pub(super) now: SystemTime,
    pub(super) checked: Checked,
    pub(super) mends: Vec<(Code, Mend)>,
    found: BTreeMap<Code, Tally>,
    told: Vec<Finding>,
    stop: &'a AtomicBool,
    begin: Instant,
    progress: Progress,
}

impl<'a> Round<'a> {
    pub(super) fn new(settings: &'a Settings, now: SystemTime, stop: &'a AtomicBool, quiet: bool) -> Self {
        Self {
            settings,
            now,
            checked: Checked::default(),
            mends: Vec::new(),
            found: BTreeMap::new(),
            told: Vec::new(),
            stop,
            begin: Instant::now(),
            progress: Progress::new(quiet),
        }
    }

    /// Whether somebody wants it to end.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Tells that.
    pub(super) fn stop(&self) -> &'a AtomicBool {
        self.stop
    }

    /// There is one of this code.
    pub(super) fn found(&mut self, code: Code, example: impl Into<String>) {
        self.found_many(code, 1, example);
    }

    /// There are so many of this code.
    pub(super) fn found_many(&mut self, code: Code, count: u64, example: impl Into<String>) {
        let tally = self.found.entry(code).or_default();
        tally.count += count;
        if tally.examples.len() < EXAMPLES {
            tally.examples.push(terminal::text::visible(&example.into()));
        }
    }

    /// This mends one of this code.
    pub(super) fn mend(&mut self, code: Code, mend: Mend) {
        if self.mends.len() < MENDS {
            self.mends.push((code, mend));
        } else {
            self.found.entry(Code::TooMany).or_default().count = 1;
        }
    }

    /// What `status` finds. What is looked at more closely here too says the same as there, and then what more there is.
    pub(super) fn told(&mut self, findings: Vec<Finding>) {
        self.told.extend(findings);
    }

    /// Looks at something. What keeps it from being looked at is a finding, and the round goes on.
    pub(super) fn look(&mut self, what: &'static str, look: impl FnOnce(&mut Self) -> Result<(), Error>) {
        if self.is_stopped() {
            return;
        }
        self.progress.at(what, None);
        match look(self) {
            Ok(()) => {}
            Err(Error::Store(store::Error::Corrupt { op, .. })) => self.found(Code::DatabaseDamaged, op),
            // It is being replaced, or another program has it: `status` tells that, in the words of its own look.
            Err(Error::Store(store::Error::Busy { .. })) => {}
            Err(error @ Error::Store(_)) => self.found(Code::DatabaseUnread, format!("{what}: failed to {error}")),
            Err(error) => self.found(Code::NotLooked, format!("{what}: failed to {error}")),
        }
    }

    /// So many of something were looked at.
    pub(super) fn at(&mut self, what: &'static str, done: u64) {
        self.progress.at(what, Some(done));
    }

    /// A path as it is shown: below the data directory without it.
    pub(super) fn place(&self, path: &Path) -> String {
        path.strip_prefix(self.settings.home.root()).unwrap_or(path).display().to_string()
    }

    /// How long ago a file was last written; nothing for one that is gone, or from the future.
    pub(super) fn age(&self, path: &Path) -> Duration {
        let written = path.symlink_metadata().and_then(|meta| meta.modified());
        written.ok().and_then(|written| self.now.duration_since(written).ok()).unwrap_or_default()
    }

    /// Whether something that was captured cannot be read, or a conversation would not be recognised. What is derived is
    /// then the best there is, and stays.
    pub(super) fn is_ground_damaged(&self) -> bool {
        const DAMAGE: [Code; 6] = [
            Code::EventDamaged,
            Code::EventMisfiled,
            Code::TranscriptDamaged,
            Code::DatabaseDamaged,
            Code::DatabaseUnread,
            Code::Unrecognised,
        ];
        DAMAGE.iter().any(|code| self.found.contains_key(code))
    }

    /// Ends it: the findings, the worst first, and in the order of the table.
    pub(super) fn end(mut self) -> (Vec<Shown>, Checked, Vec<(Code, Mend)>) {
        self.progress.clear();
        let is_damaged = self.is_ground_damaged();
        self.checked.took_ms = u64::try_from(self.begin.elapsed().as_millis()).unwrap_or(u64::MAX);
        let mut shown: Vec<_> = self.found.into_iter().map(|(code, tally)| tally.shown(code)).collect();
        for shown in &mut shown {
            if let Some(at) = self.told.iter().position(|told| told.code == shown.finding.code) {
                shown.say_as(self.told.remove(at));
            }
        }
        shown.extend(self.told.into_iter().map(Shown::told));
        shown.sort_by_key(|shown| std::cmp::Reverse(shown.finding.severity));
        if is_damaged {
            self.mends.retain(|(_, mend)| !matches!(mend, Mend::Derive(_) | Mend::Words));
        }
        (shown, self.checked, self.mends)
    }
}

impl Shown {
    /// A finding of `status`.
    fn told(finding: Finding) -> Self {
        Self { finding, count: 1, examples: Vec::new(), repairable: false }
    }

    /// In the words of `status`, and behind them what was found beyond it.
    fn say_as(&mut self, mut told: Finding) {
        let is_beyond = self.examples.iter().any(|example| !told.detail.contains(example.as_str()));
        if is_beyond || self.count > self.examples.len() as u64 {
            told.detail += &format!(" In all {}: {}.", self.count, named(&self.examples, self.count));
        }
        told.severity = told.severity.max(self.finding.severity);
        self.finding = told;
    }
}

impl Tally {
    fn shown(self, code: Code) -> Shown {
        let about = code.about();
        let mut detail = about.means.to_owned();
        if self.count > 1 {
            detail += &format!(" ({})", self.count);
        }
        if !self.examples.is_empty() {
            detail += &format!(": {}", named(&self.examples, self.count));
        }
        let finding = Finding { code: about.name, severity: about.severity, detail, next_step: about.next.to_owned() };
        Shown { finding, count: self.count, examples: self.examples, repairable: about.mended }
    }
}

/// Some of so many.
fn named(examples: &[String], count: u64) -> String {
    let more = count.saturating_sub(examples.len() as u64);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    examples.join(", ") + &more
}

/// The worst of them.
pub(super) fn worst(shown: &[Shown]) -> Option<Severity> {
    shown.iter().map(|shown| shown.finding.severity).max()
}

/// A line on stderr that is drawn over itself, on a terminal.
#[derive(Debug)]
struct Progress {
    shown: Option<Instant>,
    drawn: bool,
}

impl Progress {
    fn new(quiet: bool) -> Self {
        let wanted = !quiet && io::stderr().is_terminal();
        Self { shown: wanted.then(Instant::now), drawn: false }
    }

    fn at(&mut self, what: &str, done: Option<u64>) {
        let Some(shown) = &mut self.shown else { return };
        if done.is_some() && shown.elapsed() < REDRAW {
            return;
        }
        *shown = Instant::now();
        self.drawn = true;
        let done = done.map_or_else(String::new, |done| format!(": {done}"));
        // Whoever looked on may have gone.
        let _ = write!(io::stderr(), "\rlooking at {what}{done}\x1b[K");
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.drawn) {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}
