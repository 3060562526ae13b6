//! Up to where a session is settled, and what has to be remembered of it: written beside the session as JSON, read again
//! when the session grows.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use store::TranscriptId;
use store::write::{Session as Facts, Settled, StoredFile, Turn};

use super::session::Reach;
use crate::correlate::{self, Cut, Input};

/// What is remembered of the settled part.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Seal {
    /// How many of the session's own turns it holds.
    pub(super) turns: usize,
    /// The file that grows, and where in it the settled part ends.
    pub(super) line: Option<(i64, u64)>,
    /// Its last turn began then, or its last hook event came: one that names no turn goes to whoever began last before it.
    pub(super) until_ms: i64,
    /// The growing file has an `end_turn`: it is no old client's.
    pub(super) end_turn: bool,
    /// Other sessions hold copies of some of its prompts.
    pub(super) shared: bool,
    /// Files that are wholly in it, with their sizes.
    pub(super) files: BTreeMap<i64, u64>,
    /// Subagents and prompt ids of which it has hook events, but no lines yet.
    pub(super) waiting: BTreeSet<String>,
    /// What was known of the session at its end.
    pub(super) facts: Facts,
}

impl Seal {
    /// `None` for what an other version wrote.
    pub(super) fn parse(settled: &Settled) -> Option<Self> {
        serde_json::from_str(&settled.seal).ok()
    }

    /// Whether all of a file is in it.
    pub(super) fn holds(&self, file: &StoredFile) -> bool {
        self.files.get(&file.id.0) == Some(&file.size)
    }

    /// Where in a file the unsettled part begins, if it is the one that grows.
    pub(super) fn offset_in(&self, file: TranscriptId) -> Option<u64> {
        self.line.filter(|(id, _)| *id == file.0).map(|(_, offset)| offset)
    }

    /// The seal after a cut, of a session that was read up to `reach`; `turns` are those of the session.
    pub(super) fn after(
        self,
        (cut, facts): &(Cut, Facts),
        input: &Input,
        reach: &Reach,
        turns: &[&Turn],
        shared: bool,
    ) -> Settled {
        let ordinal = (self.turns + cut.turns) as i64;
        let settled = |file: &&StoredFile| match &file.agent_id {
            None => cut.line.is_none_or(|(growing, _)| growing != file.id),
            Some(agent) => {
                let mut own = turns.iter().filter(|turn| turn.agent_id.as_ref() == Some(agent)).peekable();
                own.peek().is_some() && own.all(|turn| turn.ordinal < ordinal)
            }
        };
        let mut files = self.files;
        for file in &reach.files {
            files.remove(&file.id.0);
        }
        files.extend(reach.files.iter().filter(settled).map(|file| (file.id.0, file.size)));
        let mut waiting = self.waiting;
        waiting.extend(cut.waiting.iter().cloned());
        let turns_ms = turns.iter().filter(|turn| turn.ordinal < ordinal && turn.agent_id.is_none());
        let events_ms = input.events.iter().filter(|event| event.at_ns < cut.from_ns).map(|event| event.at_ms);
        let last_ms = turns_ms.map(|turn| turn.timestamp_ms).chain(events_ms).max();
        let seal = Self {
            turns: self.turns + cut.turns,
            line: cut.line.map(|(file, offset)| (file.0, offset)),
            until_ms: last_ms.map_or(self.until_ms, |last_ms| last_ms.max(self.until_ms)),
            end_turn: self.end_turn || input.files.iter().any(|file| correlate::has_end_turn(file)),
            shared: self.shared || shared,
            files,
            waiting,
            facts: Facts { session_id: facts.session_id.clone(), ..self.facts }.then(facts.clone()),
        };
        Settled { from_ns: cut.from_ns, seal: serde_json::to_string(&seal).unwrap_or_default() }
    }
}
