//! What a person is told of a change to a configuration.

use std::path::Path;

use similar::TextDiff;

use super::Configuration;
use crate::error::Error;
use crate::setup::hooks::document::{self, Document};
use crate::setup::hooks::edit::Wanted;
use crate::setup::hooks::file::Snapshot;
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

    /// That what was given back calls our hook too.
    pub(super) fn tell_left(&self, text: &str) -> Result<(), Error> {
        let is_left = Document::parse(text, self.user.var).is_ok_and(|document| document.calls().next().is_some());
        if !is_left {
            return Ok(());
        }
        say("it is as it was before, and called the hook then too: run this again to take that out")
    }
}
