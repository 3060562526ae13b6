//! Joins hook events with the drafts of a session, and makes drafts of what no line has confirmed (correlation.md 16 to
//! 19). Times are compared only where nothing better is left: clocks and the order of delivery may differ.

use std::collections::{HashMap, HashSet};

use super::Session;
use super::again::Again;
use super::draft::{Anchor, Class, Draft};
use super::event::{Call, HookEvent, Signal};
use super::matching::{QUEUE_MS, RULES, index, same_prompt};
use super::text::{self, Text};
use super::twins::{TWIN_MS, Twins};
use crate::transcripts::line::{Block, Body};

/// So often the nearest pairs are looked for anew; then whoever is left takes what is left, in order. A log without times may have
/// thousands of equal words that all want one line.
const ROUNDS: usize = 8;

/// Joins the events of every session of a lineage.
pub(crate) fn join(sessions: &mut [Session<'_>]) {
    for number in 0..sessions.len() {
        let places = join_submits(sessions, number);
        walk(&mut sessions[number], &places);
    }
}

/// Which draft of its own session each submit belongs to, by the submit's place among the events. One that is stored again is
/// among the draft's and has no place: nothing was typed when it came.
fn join_submits<'a>(sessions: &mut [Session<'a>], number: usize) -> HashMap<usize, usize> {
    let events = sessions[number].events;
    let submits: Vec<(usize, &HookEvent)> =
        events.iter().enumerate().filter(|(_, event)| event.agent_id.is_none() && event.prompt().is_some()).collect();
    let (twins, again) = (Twins::among(events), Again::among(&submits));
    let mut places: HashMap<usize, usize> = HashMap::new();
    let mut joined: HashSet<usize> = HashSet::new();
    let repeats = |event: &HookEvent| again.first(event, events, |_| true).is_some();
    for (rule, alike) in RULES {
        let drafts = &sessions[number].drafts;
        let find = |at: usize, joined: &HashSet<usize>| {
            rule(&events[at], drafts, joined, twins.is_repeated(at, events), alike)
        };
        let waiting = || submits.iter().filter(|(_, event)| !repeats(event)).map(|(at, _)| *at);
        // The nearest pair first, so that no submit takes the line that is another's: those whose line is gone come last. The time
        // of what a log has says little.
        for round in 0.. {
            let mut left = 0;
            let mut wanted = Vec::new();
            for at in waiting() {
                let Some(index) = (!places.contains_key(&at)).then(|| find(at, &joined)).flatten() else { continue };
                if round < ROUNDS {
                    wanted.push((events[at].logged, (drafts[index].at_ms - events[at].at_ms).abs(), at, index));
                } else if joined.insert(index) {
                    places.insert(at, index);
                }
            }
            wanted.sort_unstable();
            for (.., at, index) in wanted {
                if joined.insert(index) {
                    places.insert(at, index);
                } else {
                    left += 1;
                }
            }
            if left == 0 {
                break;
            }
        }
    }
    let mut repeated = Vec::new();
    let (logged, captured): (Vec<_>, Vec<_>) = submits.into_iter().partition(|(_, event)| event.logged);
    for (at, event) in captured.into_iter().chain(logged) {
        if places.contains_key(&at) {
            continue;
        }
        // The one that came first may be the one in which something is hidden, and the other has joined the line.
        if let Some(twin) = twins.first(at, events, |other| places.contains_key(&other)) {
            places.insert(at, places[&twin]);
        } else if let Some(index) = taken_back(event, &sessions[number].drafts) {
            places.insert(at, index);
        } else if let Some(first) = again.first(event, events, |other| places.contains_key(&other)) {
            places.insert(at, places[&first]);
            repeated.push(at);
        } else if !join_copy_elsewhere(sessions, number, event) {
            sessions[number].drafts.push(unconfirmed(event));
            places.insert(at, sessions[number].drafts.len() - 1);
        }
    }
    for (at, index) in &places {
        let draft = &mut sessions[number].drafts[*index];
        draft.submits.push(&events[*at]);
        if draft.class != Class::TakenBack {
            draft.prompt_id = draft.prompt_id.take().or_else(|| events[*at].prompt_id.clone());
        }
    }
    for draft in &mut sessions[number].drafts {
        draft.submits.sort_by_key(|event| (event.at_ms, event.keys));
    }
    for at in repeated {
        places.remove(&at);
    }
    places
}

/// The prompt that was queued, taken back into the composer, and submitted again later.
fn taken_back(event: &HookEvent, drafts: &[Draft<'_>]) -> Option<usize> {
    let near = |queued: &i64| (queued - event.at_ms).abs() <= QUEUE_MS;
    drafts.iter().position(|draft| draft.taken_back.iter().any(near) && same_prompt(event, draft))
}

/// A line that a fork copied and another session owns.
fn join_copy_elsewhere<'a>(sessions: &mut [Session<'a>], number: usize, event: &'a HookEvent) -> bool {
    for (other, session) in sessions.iter_mut().enumerate() {
        if other == number {
            continue;
        }
        let near = |draft: &&mut Draft<'a>| {
            draft.in_transcript() && (draft.at_ms - event.at_ms).abs() <= TWIN_MS && same_prompt(event, draft)
        };
        if let Some(draft) = session.drafts.iter_mut().find(near) {
            draft.submits.push(event);
            return true;
        }
    }
    false
}

fn unconfirmed(event: &HookEvent) -> Draft<'_> {
    let Signal::Submit { prompt, source, .. } = &event.body else {
        return Draft::new(Anchor::Hook(event), Class::Notification, None, event.at_ms);
    };
    let (class, shown) = submitted_text(prompt);
    let by_a_machine = source.as_deref().is_some_and(|source| !matches!(source, "user" | "sdk"));
    let class = if by_a_machine { Class::Notification } else { class };
    Draft::new(Anchor::Hook(event), class, Some(shown), event.at_ms)
}

/// What a submitted text is and how it is shown.
pub(super) fn submitted_text(prompt: &str) -> (Class, String) {
    match text::classify(prompt) {
        Text::Human(shown) => (Class::Human, shown),
        Text::Slash(shown) => (Class::Slash, shown),
        Text::Shell(shown) => (Class::Shell, shown),
        Text::Memory(shown) => (Class::Memory, shown),
        Text::Notification => (Class::Notification, prompt.trim().to_owned()),
        Text::LocalOutput | Text::Interruption | Text::Part => (Class::Human, prompt.to_owned()),
    }
}

/// What a walk through the events of a session knows at each of them.
#[derive(Default)]
struct Running<'a> {
    /// The draft that a prompt id means: by the lines, which are sure, or by the submits so far.
    by_line: HashMap<String, usize>,
    by_hook: HashMap<String, usize>,
    /// By the submits of all the session.
    by_submit: HashMap<&'a str, usize>,
    by_tool: HashMap<String, (bool, usize)>,
    by_agent: HashMap<&'a str, usize>,
    /// The draft of the latest submit.
    latest: Option<usize>,
    /// Prompts that reused a prompt id: typed while Claude worked, and not yet answered. With the id they reused.
    waiting: Vec<(String, usize)>,
}

/// Gives Stops and tool calls to their drafts, in the order of the events.
fn walk<'a>(session: &mut Session<'a>, places: &HashMap<usize, usize>) {
    let mut now = Running::of(session);
    let mut early = Vec::new();
    for (at, event) in session.events.iter().enumerate() {
        if event.agent_id.is_some() {
            now.subagents_tool(session, event);
            continue;
        }
        let mut given = true;
        match &event.body {
            Signal::Submit { .. } => {
                if let Some(index) = places.get(&at).filter(|index| session.drafts[**index].class != Class::TakenBack) {
                    now.submit(session, *index, event);
                }
            }
            Signal::Stop { .. } => now.stop(session, event),
            Signal::Batch(_) => {
                given = now.tool(session, event);
                now.absorb(session, event);
            }
            Signal::Before(_) | Signal::After { .. } | Signal::Failed { .. } | Signal::Denied(_) => {
                given = now.tool(session, event);
            }
            Signal::End { .. } | Signal::Start { .. } if event.is_boundary() => now.waiting.clear(),
            Signal::End { .. } | Signal::Start { .. } | Signal::Rate | Signal::Other => {}
        }
        early.extend((!given).then_some(event));
    }
    for event in early {
        now.tool(session, event); // its turn was made known by what came later
    }
    for (_, index) in now.waiting {
        session.drafts[index].awaits = true;
    }
}

impl<'a> Running<'a> {
    fn of(session: &Session<'a>) -> Self {
        let mut now = Self::default();
        for (index, draft) in session.drafts.iter().enumerate().filter(|(_, draft)| draft.in_transcript()) {
            if let Some(id) = &draft.prompt_id {
                now.by_line.insert(id.clone(), index);
            }
        }
        for (index, draft) in session.drafts.iter().enumerate() {
            for id in draft.submits.iter().filter_map(|event| event.prompt_id.as_deref()) {
                now.by_submit.entry(id).or_insert(index);
            }
        }
        for (drafts, agents) in [(&session.drafts, false), (&session.agents, true)] {
            for (index, draft) in drafts.iter().enumerate() {
                for id in draft.lines.iter().flat_map(|line| tool_ids(&line.body)) {
                    now.by_tool.insert(id.to_owned(), (agents, index));
                }
                if let Some(id) = draft.agent.and_then(|agent| agent.id) {
                    now.by_agent.insert(id, index);
                }
            }
        }
        now
    }

    fn submit(&mut self, session: &Session<'a>, index: usize, event: &HookEvent) {
        let confirmed = session.drafts[index].in_transcript();
        let id = event.prompt_id.clone();
        match id.as_ref().and_then(|id| self.by_hook.get(id)).copied() {
            Some(known) if known == index => {} // its twin
            Some(_) if !confirmed => {
                self.waiting.extend(id.map(|id| (id, index)));
                return;
            }
            _ => {
                self.by_hook.extend(id.map(|id| (id, index)));
            }
        }
        self.latest = Some(index);
    }

    /// The draft that a prompt id means at this event. A log may have what belongs to a turn before its submit.
    fn known(&self, id: &str, event: &HookEvent) -> Option<usize> {
        let ahead = || self.by_submit.get(id).filter(|_| event.logged);
        self.by_line.get(id).or_else(|| self.by_hook.get(id)).or_else(ahead).copied()
    }

    /// Rule 17.
    fn stop(&mut self, session: &mut Session<'a>, event: &'a HookEvent) {
        let index = match &event.prompt_id {
            Some(id) => self.known(id, event).or_else(|| {
                let (_, index) = (!self.waiting.is_empty()).then(|| self.waiting.remove(0))?;
                self.by_hook.insert(id.clone(), index);
                session.drafts[index].prompt_id = Some(id.clone());
                Some(index)
            }),
            None => self.latest.or_else(|| {
                let before =
                    |(_, draft): &(usize, &Draft<'_>)| draft.at_ms <= event.at_ms && draft.class != Class::TakenBack;
                session.drafts.iter().enumerate().filter(before).max_by_key(|(_, draft)| draft.at_ms).map(index)
            }),
        };
        let index = index.unwrap_or_else(|| {
            session.drafts.push(Draft::new(Anchor::Hook(event), Class::Notification, None, event.at_ms));
            let made = session.drafts.len() - 1;
            self.by_hook.extend(event.prompt_id.clone().map(|id| (id, made)));
            made
        });
        session.drafts[index].stops.push(event);
    }

    /// Rule 18: a batch of the running turn takes in what was typed before it.
    fn absorb(&mut self, session: &mut Session<'a>, event: &HookEvent) {
        let Some(id) = &event.prompt_id else { return };
        let (taken, left): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.waiting).into_iter().partition(|(of, _)| of == id);
        self.waiting = left;
        for (_, index) in taken {
            if let Some(running) = self.by_hook.insert(id.clone(), index) {
                session.drafts[running].completed = true;
            }
            session.drafts[index].absorbed = true;
        }
    }

    /// A call goes to the turn that has it, else to the one it names; if it names none, to the latest. What names a turn
    /// that nobody knows yet is not another's.
    fn tool(&self, session: &mut Session<'a>, event: &'a HookEvent) -> bool {
        let place = self.place_of_call(event).or_else(|| {
            let index = match &event.prompt_id {
                Some(id) => self.known(id, event),
                None => self.latest,
            };
            index.map(|index| (false, index))
        });
        self.give(session, place, event);
        place.is_some()
    }

    fn subagents_tool(&self, session: &mut Session<'a>, event: &'a HookEvent) {
        let by_agent =
            || event.agent_id.as_deref().and_then(|id| self.by_agent.get(id.strip_prefix("agent-").unwrap_or(id)));
        let place = self.place_of_call(event).or_else(|| by_agent().map(|index| (true, *index)));
        self.give(session, place, event);
    }

    fn place_of_call(&self, event: &HookEvent) -> Option<(bool, usize)> {
        calls(&event.body).iter().find_map(|call| self.by_tool.get(call.tool_use_id.as_deref()?)).copied()
    }

    fn give(&self, session: &mut Session<'a>, place: Option<(bool, usize)>, event: &'a HookEvent) {
        if calls(&event.body).is_empty() {
            return;
        }
        match place {
            Some((true, index)) => session.agents[index].tools.push(event),
            Some((false, index)) => session.drafts[index].tools.push(event),
            None => {} // it stays in the ground until a line tells whose it is
        }
    }
}

/// The calls an event speaks of.
pub(crate) fn calls(body: &Signal) -> &[Call] {
    match body {
        Signal::Before(call) | Signal::After { call, .. } | Signal::Failed { call, .. } | Signal::Denied(call) => {
            std::slice::from_ref(call)
        }
        Signal::Batch(calls) => calls,
        _ => &[],
    }
}

pub(crate) fn tool_ids(body: &Body) -> Vec<&str> {
    let Body::Assistant(assistant) = body else { return Vec::new() };
    let mut ids = Vec::new();
    for block in &assistant.blocks {
        if let Block::ToolUse { id, .. } = block {
            ids.extend(id.as_deref());
        }
    }
    ids
}
