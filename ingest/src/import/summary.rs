//! What an import did, for a person in a few lines and for programs as one JSON document with names that stay.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use store::write::Merged;

use crate::report::count;

/// The figures.
#[derive(Debug, Default, Serialize)]
pub(super) struct Summary {
    /// Transcript files.
    pub(super) files: Files,
    /// Bytes stored.
    pub(super) bytes: u64,
    /// Hook events.
    pub(super) events: Events,
    /// Databases and exports that held something new.
    pub(super) merged: u64,
    /// Ratings, tags, notes, stars, splits, titles and saved views that were new.
    pub(super) remarks: u64,
    /// Events that were left out because they were forgotten.
    pub(super) forgotten: u64,
    /// Lines of exports that this version does not know.
    pub(super) unknown_lines: u64,
    /// Conversations of exports that are not here: an export brings what was said of them, and not them.
    pub(super) awaited: u64,
    /// Those of them of which something was said, which waits for them.
    pub(super) awaited_said: u64,
    /// Conversations of the default list that were not there before.
    pub(super) prompts: u64,
    /// Conversations that are new or have changed.
    pub(super) conversations: u64,
    /// Lines of history.jsonl, in all that was ever taken in, that name no session: kept, and shown nowhere.
    pub(super) typed_without_session: u64,
    /// What cannot be taken in.
    pub(super) failures: Vec<Failure>,
    /// Files and hook events of projects and sessions that the settings ignore.
    pub(super) ignored: u64,
    /// Files that are left unread, for nothing tells whether they are to be ignored.
    pub(super) waiting: u64,
    /// Files of other kinds.
    pub(super) left_alone: u64,
    /// It was ended before everything was taken in.
    pub(super) stopped: bool,
    pub(super) seconds: f64,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Files {
    /// That had something new.
    pub(super) new: u64,
    /// That were taken in before.
    pub(super) unchanged: u64,
    /// That grew while they were read; the next look takes in the rest.
    pub(super) growing: u64,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Events {
    pub(super) new: u64,
    pub(super) known: u64,
}

/// Something that cannot be taken in, and why.
#[derive(Debug, Serialize)]
pub(super) struct Failure {
    path: PathBuf,
    reason: String,
    /// A permission or a disk is at fault and not what the file holds.
    unread: bool,
}

impl Summary {
    /// The file holds something that cannot be taken in.
    pub(super) fn fail(&mut self, path: &Path, reason: String) {
        self.failures.push(Failure { path: path.to_owned(), reason, unread: false });
    }

    /// The file cannot be read.
    pub(super) fn unread(&mut self, path: &Path, error: &io::Error) {
        self.failures.push(Failure { path: path.to_owned(), reason: format!("cannot be read: {error}"), unread: true });
    }

    /// What came of a database or an export.
    pub(super) fn add(&mut self, merged: &Merged) {
        self.files.new += merged.files;
        self.bytes += merged.bytes;
        self.events.new += merged.events;
        self.conversations += merged.conversations;
        self.merged += u64::from(merged.files + merged.events + merged.human > 0);
        self.remarks += merged.human;
        self.forgotten += merged.forgotten;
        self.unknown_lines += merged.unknown;
        self.awaited += merged.awaited;
        self.awaited_said += merged.awaited_said;
    }

    /// Whether a file could not be read.
    pub(super) fn is_incomplete(&self) -> bool {
        self.failures.iter().any(|failure| failure.unread)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.reason)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let new = self.files.new + self.events.new + self.merged + self.conversations;
        if new == 0 {
            write!(f, "nothing new")?;
        } else {
            write!(f, "{}", count(self.prompts, "new prompt"))?;
        }
        if self.files.new > 0 {
            write!(f, "; {} ({:.1} MB)", count(self.files.new, "transcript file"), self.bytes as f64 / 1e6)?;
        }
        if self.events.new > 0 {
            write!(f, "; {}", count(self.events.new, "hook event"))?;
        }
        if self.merged > 0 {
            write!(f, "; {} merged", count(self.merged, "database or export"))?;
        }
        if self.remarks > 0 {
            write!(f, "; {}", count(self.remarks, "annotation"))?;
        }
        if self.awaited > 0 {
            write!(f, "; {} of it not here", count(self.awaited, "conversation"))?;
            if self.awaited_said > 0 {
                write!(f, ", and what was said of {} waits for that", self.awaited_said)?;
            }
            write!(f, ": `prompt-manager backup FILE` there and `import FILE` here bring what was asked and answered")?;
        }
        if self.unknown_lines > 0 {
            write!(f, "; {} of a later version left out", count(self.unknown_lines, "line"))?;
        }
        let known = [(self.files.unchanged, "file"), (self.events.known, "event")];
        let known: Vec<String> = known.iter().filter(|(n, _)| *n > 0).map(|(n, what)| count(*n, what)).collect();
        if !known.is_empty() {
            write!(f, "; {} known already", known.join(" and "))?;
        }
        if self.files.growing > 0 {
            write!(f, "; {} still growing", count(self.files.growing, "file"))?;
        }
        if self.ignored > 0 {
            write!(f, "; {} ignored", self.ignored)?;
        }
        if self.waiting > 0 {
            write!(f, "; {} left unread, for nothing tells whether to ignore them", count(self.waiting, "file"))?;
        }
        if self.left_alone > 0 {
            write!(f, "; {} of other kinds left alone", count(self.left_alone, "file"))?;
        }
        if !self.failures.is_empty() {
            write!(f, "; {} could not be taken in", self.failures.len())?;
        }
        if self.stopped {
            write!(f, "; stopped, run it again to go on")?;
        }
        write!(f, " ({:.2} s)", self.seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line() {
        let check = |summary: Summary, expected: &str| assert_eq!(summary.to_string(), expected);
        check(Summary::default(), "nothing new (0.00 s)");
        check(
            Summary { files: Files { unchanged: 1000, ..Files::default() }, ..Summary::default() },
            "nothing new; 1000 files known already (0.00 s)",
        );
        check(
            Summary { awaited: 5, ..Summary::default() },
            "nothing new; 5 conversations of it not here: `prompt-manager backup FILE` there and `import FILE` here bring what was asked and answered (0.00 s)",
        );
        check(
            Summary { merged: 1, remarks: 4, awaited: 5, awaited_said: 3, ..Summary::default() },
            "0 new prompts; 1 database or export merged; 4 annotations; 5 conversations of it not here, and what was said of 3 waits for that: `prompt-manager backup FILE` there and `import FILE` here bring what was asked and answered (0.00 s)",
        );
        let mut summary = Summary {
            files: Files { new: 2, unchanged: 1, growing: 0 },
            bytes: 1_250_000,
            events: Events { new: 1, known: 3 },
            prompts: 7,
            stopped: true,
            ..Summary::default()
        };
        summary.fail(Path::new("/a"), "is no JSON".to_owned());
        check(
            summary,
            "7 new prompts; 2 transcript files (1.2 MB); 1 hook event; 1 file and 3 events known already; 1 could not be taken in; stopped, run it again to go on (0.00 s)",
        );
    }
}
