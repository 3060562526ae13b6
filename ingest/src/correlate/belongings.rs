//! Everything that belongs to each conversation of a lineage: which lines, which events, by which keys. Deriving needs only
//! what it shows of them; whoever forgets a conversation needs all.

use std::collections::BTreeSet;

use store::{EventId, Key, TranscriptId};

use super::draft::{Anchor, Class, Draft};
use super::{Input, join, outcome};
use crate::transcripts::line::{Block, Body};

/// What belongs to one conversation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Belongings {
    pub(crate) session_id: String,
    /// What it is recognised by, and was before.
    pub(crate) keys: Vec<Key>,
    pub(crate) prompt_id: Option<String>,
    pub(crate) prompt: Option<String>,
    pub(crate) answer: Option<String>,
    pub(crate) at_ms: i64,
    /// The subagent whose it is.
    pub(crate) agent_id: Option<String>,
    pub(crate) is_agents: bool,
    /// Where its lines begin.
    pub(crate) lines: BTreeSet<(TranscriptId, u64)>,
    pub(crate) uuids: BTreeSet<String>,
    /// The keys of its lines, which tell two that share a uuid.
    pub(crate) line_keys: BTreeSet<[u8; 16]>,
    /// The keys of the lines that queued its text.
    pub(crate) queued: BTreeSet<[u8; 16]>,
    /// The tools it called.
    pub(crate) calls: BTreeSet<String>,
    pub(crate) events: BTreeSet<EventId>,
}

/// The belongings of each conversation, session by session in the order of their drafts.
pub(crate) fn belongings(lineage: &[Input]) -> Vec<Belongings> {
    let (mut sessions, _) = join(lineage);
    let mut found = Vec::new();
    for session in &mut sessions {
        session.drafts.sort_by_key(|draft| draft.at_ms);
        found.extend(session.drafts.iter().chain(&session.agents).map(|draft| of(draft, session.id)));
    }
    found
}

fn of(draft: &Draft<'_>, session_id: &str) -> Belongings {
    let mut keys = draft.keys();
    keys.extend(draft.former_keys());
    let events = draft.submits.iter().chain(&draft.stops).chain(&draft.tools).map(|event| event.id);
    let anchor = match draft.anchor {
        Anchor::Hook(event) => Some(event.id),
        Anchor::Line(_) | Anchor::Queue(_) => None,
    };
    let mut queued: BTreeSet<_> = draft.enqueued.iter().copied().collect();
    if let Anchor::Queue(line) = draft.anchor {
        queued.extend(line.keys());
    }
    Belongings {
        session_id: session_id.to_owned(),
        keys,
        prompt_id: draft.prompt_id.clone(),
        prompt: draft.prompt.clone(),
        answer: outcome::response(draft),
        at_ms: draft.at_ms,
        agent_id: draft.agent.and_then(|agent| agent.id).map(str::to_owned),
        is_agents: draft.class == Class::Subagent,
        lines: draft.lines.iter().map(|line| line.at).collect(),
        uuids: draft.lines.iter().flat_map(|line| line.uuids().cloned()).collect(),
        line_keys: draft.lines.iter().map(|line| line.key).collect(),
        queued,
        calls: draft.lines.iter().flat_map(|line| calls(&line.body)).collect(),
        events: events.chain(anchor).collect(),
    }
}

fn calls(body: &Body) -> Vec<String> {
    let Body::Assistant(assistant) = body else { return Vec::new() };
    let id = |block: &Block| match block {
        Block::ToolUse { id, .. } => id.clone(),
        Block::Text { .. } | Block::Thinking { .. } => None,
    };
    assistant.blocks.iter().filter_map(id).collect()
}
