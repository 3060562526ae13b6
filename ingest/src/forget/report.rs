//! What `forget` did or would do, for a person and as JSON with names that stay.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

use serde::Serialize;
use terminal::{document, print};

use super::archived;
use super::lineage::Gone;
use crate::error::{At, Error};
use crate::exit::Exit;
use crate::report::count;

#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    pub(super) dry_run: bool,
    pub(super) conversations: u64,
    /// Sessions of which anything goes, and of these those of which everything does.
    pub(super) sessions: BTreeSet<String>,
    pub(super) whole: BTreeSet<String>,
    /// Hook events in the database.
    pub(super) events: u64,
    /// Titles that a person gave.
    pub(super) titles: u64,
    /// Queue files in the archive and in failed.
    pub(super) archived: u64,
    pub(super) failed: u64,
    /// Backups and databases that were set aside.
    pub(super) copies: u64,
    /// Those that could not be cleaned, and why.
    pub(super) uncleaned: Vec<String>,
    /// Copies from before an upgrade that are of today's schema now, and their new names: no earlier version reads them.
    pub(super) renamed: BTreeMap<String, String>,
    /// Files of ours that may still hold something of it.
    pub(super) left: Vec<String>,
    /// Claude Code's own files, which hold it still.
    pub(super) claude_files: BTreeSet<String>,
    /// Conversations that may still run.
    pub(super) running: Vec<i64>,
    /// Conversations that could not be told from what stays: they are there again.
    pub(super) back: Vec<i64>,
    /// Whether nothing of it stands in the database's log any more.
    pub(super) log_emptied: bool,
    /// Names of the deleted events' queue files.
    #[serde(skip)]
    pub(super) names: BTreeSet<String>,
}

impl Report {
    pub(super) fn add(&mut self, gone: Gone) {
        self.conversations += gone.conversations;
        self.events += gone.events;
        self.titles += gone.titles;
        self.sessions.extend(gone.sessions);
        self.whole.extend(gone.whole);
        self.names.extend(gone.names);
        self.running.extend(gone.running.iter().map(|id| id.0));
        let there = gone.files.into_iter().filter(|path| path.exists());
        self.claude_files.extend(there.map(|path| path.display().to_string()));
    }

    /// A queue file that nobody can read may be of a session that was forgotten in part.
    pub(super) fn leave(&mut self, path: &Path) {
        if archived::name_of(path).is_some_and(|name| self.sessions.contains(name.session.as_str())) {
            self.left.push(path.display().to_string());
        }
    }

    /// What came of something at `path`; nothing if it failed, which is noted.
    pub(super) fn of<T: Default>(&mut self, path: &Path, done: Result<T, Error>) -> T {
        done.unwrap_or_else(|error| {
            let (path, said) = (path.display().to_string(), error.to_string());
            self.uncleaned.push(if said.contains(&path) { said } else { format!("{path}: {said}") });
            T::default()
        })
    }

    /// A folder that cannot be listed is none that we made, such as `lost+found`, unless it is where the walk began.
    pub(super) fn pass_over(&mut self, error: &walkdir::Error) {
        let (list, said) = match error.path().filter(|_| error.depth() > 0) {
            Some(path) => (&mut self.left, path.display().to_string()),
            None => (&mut self.uncleaned, error.to_string()),
        };
        if !list.contains(&said) {
            list.push(said);
        }
    }

    /// Where it still stands, and why.
    pub(super) fn places(&self) -> Vec<String> {
        let log = "the database's log, as somebody reads there".to_owned();
        self.uncleaned.iter().cloned().chain((!self.log_emptied).then_some(log)).collect()
    }

    pub(super) fn print(&self, json: bool) -> Result<Exit, Error> {
        let text = if json { document(self) } else { self.shown() };
        print(text.as_bytes()).at("write", "stdout".as_ref())?;
        let is_done = self.dry_run || self.back.is_empty() && self.places().is_empty();
        Ok(if is_done { Exit::Done } else { Exit::Failure })
    }

    /// For a person.
    pub(super) fn shown(&self) -> String {
        let mut text = String::new();
        let would = if self.dry_run { "would be " } else { "" };
        let what = count(self.conversations, "conversation");
        let sessions = count(self.sessions.len() as u64, "session");
        if self.sessions.is_empty() {
            text.push_str("nothing fits: nothing to forget\n");
        } else {
            let _ = writeln!(text, "{what} of {sessions} {would}forgotten");
        }
        let mut also = Vec::new();
        for (n, what) in [
            (self.events, "hook event"),
            (self.titles, "title"),
            (self.archived, "archived queue file"),
            (self.failed, "failed queue file"),
        ] {
            if n > 0 {
                also.push(count(n, what));
            }
        }
        if !also.is_empty() {
            let _ = writeln!(text, "{} {would}removed", also.join(", "));
        }
        if self.copies > 0 {
            let _ = writeln!(text, "backups and databases set aside, {would}cleaned: {}", self.copies);
        }
        let (gone, is) = if self.dry_run { ("would be gone", "would become") } else { ("is gone", "is now") };
        let renamed: Vec<_> = self.renamed.iter().map(|(path, name)| format!("{path} {is} {name}")).collect();
        list(&mut text, &format!("the way back to the version before an upgrade {gone}:"), &renamed);
        list(
            &mut text,
            "could not be cleaned; it is tried again each hour, and by the same command; or delete it yourself:",
            &self.uncleaned,
        );
        list(&mut text, "may hold something of it; look, and delete it yourself:", &self.left);
        let files: Vec<String> = self.claude_files.iter().cloned().collect();
        list(&mut text, "Claude Code's own files hold it still; they are not ours to change:", &files);
        let back: Vec<String> = self.back.iter().map(ToString::to_string).collect();
        list(
            &mut text,
            "could not be told from what stays, and are there again; forget their sessions as a whole:",
            &back,
        );
        let running: Vec<String> = self.running.iter().map(ToString::to_string).collect();
        list(&mut text, "may still run; forget it again when it has ended:", &running);
        if !self.dry_run && !self.log_emptied {
            text.push_str("the database's log still holds it, as somebody reads there: run the same command again\n");
        }
        if !self.dry_run && !self.sessions.is_empty() {
            text.push_str("backups elsewhere keep what they hold: a restore of one leaves it out again\n");
        }
        text
    }
}

fn list(text: &mut String, head: &str, lines: &[String]) {
    if !lines.is_empty() {
        let _ = writeln!(text, "{head}");
        lines.iter().for_each(|line| {
            let _ = writeln!(text, "  {line}");
        });
    }
}
