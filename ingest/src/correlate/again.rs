//! Which submits are a prompt that is there already, stored a second time under another time (docs/correlation.md 19): a log
//! of payloads was imported, and the hook captured the same; or two stores, of which one had them from a log, became one.
//!
//! Id and words agree in what was typed twice, too: while a turn runs, a submit carries its id. Such a one comes before the
//! turn is over. So only a submit at whose time the turn was over, or not begun, is known not to have been typed.

use std::collections::HashMap;

use super::Session;
use super::draft::{Anchor, Draft};
use super::event::{HookEvent, Signal};
use super::hooks::same_words;
use super::text::{self, Text};
use super::twins::TWIN_MS;
use crate::transcripts::line::Body;

/// The submits of a session by the prompt id that they name, in the order of the events.
pub(super) struct Again<'a> {
    by_id: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Again<'a> {
    /// Of these events; [`first`](Self::first) takes places among the same ones.
    pub(super) fn among(events: &'a [HookEvent]) -> Self {
        let mut by_id: HashMap<_, Vec<_>> = HashMap::new();
        for (at, event) in events.iter().enumerate().filter(|(_, event)| is_submit(event)) {
            by_id.entry(event.prompt_id.as_deref().unwrap_or_default()).or_default().push(at);
        }
        by_id.remove("");
        Self { by_id }
    }

    /// The draft of the prompt that the submit at this place is once more. `places`: the drafts of submits.
    pub(super) fn first(&self, at: usize, session: &Session<'_>, places: &HashMap<usize, usize>) -> Option<usize> {
        let event = &session.events[at];
        let id = event.prompt_id.as_deref()?;
        self.by_id.get(id)?.iter().filter(|other| **other != at).find_map(|other| {
            let (draft, first) = (*places.get(other)?, &session.events[*other]);
            let is_same = first.prompt().zip(event.prompt()).is_some_and(|(a, b)| same_words(a, b));
            (is_same && cannot_be_typed(id, [first, event], draft, session)).then_some(draft)
        })
    }
}

fn is_submit(event: &HookEvent) -> bool {
    event.agent_id.is_none() && event.prompt().is_some()
}

/// Whether nobody can have typed the second of two submits of one turn as a prompt of its own.
fn cannot_be_typed(id: &str, [first, event]: [&HookEvent; 2], draft: usize, session: &Session<'_>) -> bool {
    (first.at_ms - event.at_ms).abs() <= TWIN_MS
        || hooks_show_an_end(id, session.events, [first.at_ns, event.at_ns])
        || lines_show_an_end(id, &session.drafts, draft, event.at_ms)
}

/// A Stop of the turn, a submit of another, or an end of the session between the two.
fn hooks_show_an_end(id: &str, events: &[HookEvent], times: [i64; 2]) -> bool {
    let [from, to] = [times[0].min(times[1]), times[0].max(times[1])];
    let between = events.partition_point(|event| event.at_ns <= from)..events.partition_point(|event| event.at_ns < to);
    let shows = |event: &HookEvent| match &event.body {
        _ if event.agent_id.is_some() => false,
        Signal::Stop { .. } => event.prompt_id.as_deref() == Some(id),
        Signal::Submit { .. } => event.prompt_id.as_deref().is_some_and(|other| other != id),
        _ => event.is_boundary(),
    };
    events.get(between).unwrap_or_default().iter().any(shows)
}

/// The transcript has the turn: it began later, or was over by then, or there is a later one and no line of this prompt.
fn lines_show_an_end(id: &str, drafts: &[Draft<'_>], turn: usize, at_ms: i64) -> bool {
    let draft = &drafts[turn];
    if !matches!(draft.anchor, Anchor::Line(_)) || draft.prompt_id.as_deref() != Some(id) {
        return false;
    }
    let is_later = |other: &Draft<'_>| {
        other.in_transcript()
            && other.at_ms > draft.at_ms
            && other.prompt_id.as_deref().is_some_and(|other| other != id)
    };
    at_ms + TWIN_MS < draft.at_ms || is_over(draft, at_ms) || drafts.iter().any(is_later)
}

/// By the turn's own lines of until then.
fn is_over(draft: &Draft<'_>, at_ms: i64) -> bool {
    let until = draft.answer_lines().iter().rev().find(|line| {
        let tells = matches!(line.body, Body::Assistant(_) | Body::User(_));
        tells && line.at_ms.is_some_and(|line| line <= at_ms)
    });
    match until.map(|line| &line.body) {
        Some(Body::Assistant(said)) => {
            said.stop_reason.as_deref().is_some_and(|why| !matches!(why, "tool_use" | "pause_turn"))
        }
        Some(Body::User(user)) => user.text.as_deref().is_some_and(|text| text::classify(text) == Text::Interruption),
        _ => false,
    }
}
