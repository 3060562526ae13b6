//! What a person is told of a change to a configuration.

use std::path::{Path, PathBuf};

use similar::TextDiff;

use super::Configuration;
use crate::claude::Call;
use crate::error::Error;
use crate::setup::call::quoted;
use crate::setup::hooks::document::{self, Document};
use crate::setup::hooks::edit::Wanted;
use crate::setup::hooks::file::Snapshot;
use crate::setup::hooks::whose;
use crate::setup::user::say;

impl Configuration<'_> {
    /// What a dry run would do, as people read it.
    pub(super) fn show(&self, found: &Snapshot, text: &str) -> Result<(), Error> {
        let old = String::from_utf8_lossy(found.bytes.as_deref().unwrap_or_default());
        if old == text {
            return Ok(());
        }
        let shown = found.path.display().to_string();
        let diff = TextDiff::from_lines(&*old, text);
        let hunks = diff.unified_diff().context_radius(3).header(&shown, &shown).to_string();
        say(hunks.trim_end())
    }

    /// That a call which was there wrote elsewhere.
    pub(super) fn tell_moved(&self, before: &Snapshot, wanted: &Wanted<'_>) -> Result<(), Error> {
        let Ok(text) = document::text(before.bytes.as_deref().unwrap_or_default()) else { return Ok(()) };
        let Ok(document) = Document::parse(text, self.user.var) else { return Ok(()) };
        let elsewhere = document.calls().filter_map(|call| call.queue.as_ref());
        let Some(queue) = elsewhere.into_iter().find(|queue| *queue != Path::new(wanted.call.queue)) else {
            return Ok(());
        };
        say(&format!("they wrote to {}, and now write to {}", queue.display(), wanted.call.queue))
    }

    /// The calls that stay because they write to another data directory, and how they go.
    pub(super) fn tell_of_others(&self, others: &[PathBuf]) -> Result<(), Error> {
        for queue in others {
            let home = queue.parent().unwrap_or(queue).display().to_string();
            let shown = self.settings.display();
            say(&format!(
                "kept the hooks in {shown} that write to {home}; to take them out: prompt-manager setup hooks --remove --home {}",
                quoted(&home)
            ))?;
        }
        Ok(())
    }

    /// The queues of other data directories to which calls write that are there now, and whether one of these answers `/rate`.
    pub(super) fn others(&self) -> Result<(Vec<PathBuf>, bool), Error> {
        let found = self.read_to_leave()?;
        let text = document::text(found.bytes.as_deref().unwrap_or_default()).unwrap_or_default();
        let Ok(document) = Document::parse(text, self.user.var) else { return Ok((Vec::new(), false)) };
        let mut others: Vec<_> = document.calls().filter_map(|call| whose::elsewhere(self.user, call)).collect();
        others.sort();
        others.dedup();
        let answers = !others.is_empty() && text.contains("--rate");
        Ok((others, answers))
    }

    /// That what was given back calls our hook too.
    pub(super) fn tell_left(&self, text: &str) -> Result<(), Error> {
        let is_ours = |call: &Call| whose::elsewhere(self.user, call).is_none();
        let is_left = Document::parse(text, self.user.var).is_ok_and(|document| document.calls().any(is_ours));
        if !is_left {
            return Ok(());
        }
        say("it is as it was before, and called the hook then too: run this again to take that out")
    }
}
