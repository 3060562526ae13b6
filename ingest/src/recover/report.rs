//! What a recovery found and did, for a person in a few lines and for programs as one JSON document.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::PathBuf;

use serde::Serialize;
use store::write::Salvaged;

use super::plan::{Plan, State};
use crate::report::{PassReport, count};
use crate::restore::Replayed;
use terminal::{Tone, document, paint};

/// What the new database began with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Base {
    /// Not made yet.
    #[default]
    None,
    /// A store that holds nothing.
    Nothing,
    /// This backup.
    Backup(PathBuf),
}

/// The figures. The texts hold no word of a prompt.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    /// `whole`, `only_words`, `damaged`, `missing`.
    state: &'static str,
    /// What is wrong.
    problem: Option<String>,
    /// Backups of the database, the newest first.
    backups: Vec<PathBuf>,
    /// Files with what people said.
    annotations: Vec<PathBuf>,
    /// Whether the database was made anew.
    done: bool,
    pub(super) base: Base,
    pub(super) archive: Replayed,
    /// Rows that came from files with what people said.
    pub(super) said: u64,
    /// Rows of what people said that only the damaged database had.
    pub(super) salvaged_said: u64,
    /// Hook events that only the damaged database had.
    pub(super) salvaged_events: u64,
    /// Tables of the damaged database of which not everything can be read.
    damaged_tables: BTreeSet<&'static str>,
    /// What could not be read.
    pub(super) unread: Vec<String>,
    /// Conversations before the queue and the transcripts were read.
    pub(super) conversations: u64,
    pub(super) set_aside: Option<PathBuf>,
    pub(super) pass: Option<PassReport>,
    pub(super) seconds: f64,
}

impl Report {
    pub(super) fn of(plan: &Plan) -> Self {
        let (state, problem) = match &plan.state {
            State::Whole => ("whole", None),
            State::OnlyWords(problem) => ("only_words", Some(problem.clone())),
            State::Damaged(problem) => ("damaged", Some(problem.clone())),
            State::Missing => ("missing", None),
        };
        let (backups, annotations) = (plan.backups.clone(), plan.annotations.clone());
        Self { state, problem, backups, annotations, ..Self::default() }
    }

    pub(super) fn salvage(&mut self, salvaged: &Salvaged) {
        self.damaged_tables.extend(&salvaged.damaged);
    }

    pub(super) fn shown(mut self, json: bool) -> String {
        self.done = self.pass.is_some();
        if json { document(&self) } else { self.text() }
    }

    fn text(&self) -> String {
        let mut text = String::new();
        let problem = self.problem.as_deref().unwrap_or_default();
        // Writing to a String cannot fail.
        let _ = match self.state {
            "whole" => writeln!(text, "{}: there is nothing to do", paint(Tone::Good, "the database is whole")),
            "only_words" => writeln!(
                text,
                "{} ({problem}): run `prompt-manager rebuild --index`",
                paint(Tone::Warning, "only the index of words is damaged")
            ),
            "missing" => writeln!(text, "{}", paint(Tone::Bad, "there is no database")),
            _ => writeln!(text, "{}: {problem}", paint(Tone::Bad, "the database is damaged")),
        };
        match &self.pass {
            Some(pass) => self.told(pass, &mut text),
            None if self.problem.is_none() && self.state == "whole" || self.state == "only_words" => {}
            None => {
                let newest = self.backups.first().map(|path| path.display().to_string());
                let _ = writeln!(text, "it would be made anew, and what is there set aside, from");
                let _ = writeln!(text, "  {}", newest.as_deref().unwrap_or("no backup: there is none"));
                let files = count(self.annotations.len() as u64, "file");
                let _ = writeln!(text, "  {files} with what people said, the archive, the queue and the transcripts");
            }
        }
        text
    }

    fn told(&self, pass: &PassReport, text: &mut String) {
        let base = match &self.base {
            Base::Backup(path) => format!("from {}", path.display()),
            Base::Nothing | Base::None => "without a backup".to_owned(),
        };
        let _ = writeln!(text, "made anew {base}");
        let _ = writeln!(text, "  {}", self.archive);
        let _ = writeln!(text, "  {} of what people said taken back", count(self.said, "row"));
        let left = self.salvaged_said + self.salvaged_events;
        if left > 0 {
            let _ = writeln!(text, "  {} that only the damaged database had", count(left, "row"));
        }
        for unread in &self.unread {
            let _ = writeln!(text, "  {}: {unread}", paint(Tone::Warning, "not read"));
        }
        let _ = writeln!(text, "{pass}");
        if let Some(aside) = &self.set_aside {
            let _ = writeln!(text, "what was there is set aside in {}", aside.display());
        }
    }
}
