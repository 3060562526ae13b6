//! Joins hook events with the drafts of a session, and makes drafts of what no line has confirmed (correlation.md 16 to
//! 19). Times are compared only where nothing better is left: clocks and the order of delivery may differ.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use store::sieve::{count_same, same_text};

use super::Session;
use super::again::Again;
use super::draft::{Anchor, Class, Draft};
use super::event::{Call, HookEvent, Signal};
use super::text::{self, Text};
use super::twins::{TWIN_MS, Twins};
use crate::transcripts::line::{Block, Body};

/// A text is submitted and queued, or leaves the queue and is submitted, within this time.
const QUEUE_MS: i64 = 10_000;

/// A hook may hold a prompt up for ten minutes (claude-code.md A.1).
const HOOK_MS: i64 = 600_000;

/// So many bytes have to be shown of a text, where nothing but the text tells that it is another's.
const SHOWN: usize = 8;

/// Joins the events of every session of a lineage.
pub(crate) fn join(sessions: &mut [Session<'_>]) {
    for number in 0..sessions.len() {
        let places = join_submits(sessions, number);
        walk(&mut sessions[number], &places);
    }
}

/// How alike the texts of a submit and of a line are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Alike {
    Exactly,
    /// But for what is hidden in one of them.
    Hidden,
}

/// Whether the event is a submit of the draft's prompt.
pub(crate) fn same_prompt(event: &HookEvent, draft: &Draft<'_>) -> bool {
    is_alike(event, draft, Alike::Exactly) || is_alike(event, draft, Alike::Hidden)
}

/// Whether two submits say the same, but for what is hidden in one of them.
pub(crate) fn same_words(a: &str, b: &str) -> bool {
    same_text(a.trim(), b.trim())
}

fn is_alike(event: &HookEvent, draft: &Draft<'_>, how: Alike) -> bool {
    let (Some(submitted), Some(prompt)) = (event.prompt(), draft.prompt.as_deref()) else { return false };
    let same = |a: &str, b: &str| match how {
        Alike::Exactly => a.trim() == b.trim(),
        Alike::Hidden => same_text(a.trim(), b.trim()),
    };
    same(submitted, prompt)
        || draft.opening().and_then(|user| user.text.as_deref()).is_some_and(|text| same(text, submitted))
        || same(&submitted_text(submitted).1, prompt)
}

/// Which draft of its own session each submit belongs to, by the submit's place among the events.
fn join_submits<'a>(sessions: &mut [Session<'a>], number: usize) -> HashMap<usize, usize> {
    let events = sessions[number].events;
    let submits: Vec<(usize, &HookEvent)> =
        events.iter().enumerate().filter(|(_, event)| event.agent_id.is_none() && event.prompt().is_some()).collect();
    let (twins, again) = (Twins::among(events), Again::among(events));
    let mut places: HashMap<usize, usize> = HashMap::new();
    let mut joined: HashSet<usize> = HashSet::new();
    type Rule = fn(&HookEvent, &[Draft<'_>], &HashSet<usize>, bool, Alike) -> Option<usize>;
    let rules: [(Rule, Alike); 5] = [
        (by_id_and_text, Alike::Exactly),
        (by_id_and_text, Alike::Hidden),
        (by_text, Alike::Exactly),
        (by_text, Alike::Hidden),
        (by_id, Alike::Hidden),
    ];
    for (rule, alike) in rules {
        // The nearest pair first, so that no submit takes the line that is another's: those whose line is gone come last.
        let mut next = BinaryHeap::new();
        let find = |at: usize, drafts: &[Draft<'_>], joined: &HashSet<usize>| {
            let index = rule(&events[at], drafts, joined, twins.is_repeated(at, events), alike)?;
            Some(Reverse(((drafts[index].at_ms - events[at].at_ms).abs(), at, index)))
        };
        let waiting = submits.iter().map(|(at, _)| *at).filter(|at| !places.contains_key(at));
        next.extend(waiting.filter_map(|at| find(at, &sessions[number].drafts, &joined)));
        while let Some(Reverse((_, at, index))) = next.pop() {
            if joined.insert(index) {
                places.insert(at, index);
            } else {
                next.extend(find(at, &sessions[number].drafts, &joined));
            }
        }
    }
    for (at, event) in &submits {
        if places.contains_key(at) {
            continue;
        }
        // The one that came first may be the one in which something is hidden, and the other has joined the line.
        if let Some(twin) = twins.first(*at, events, |other| places.contains_key(&other)) {
            places.insert(*at, places[&twin]);
        } else if let Some(index) = again.first(*at, &sessions[number], &places) {
            places.insert(*at, index);
        } else if let Some(index) = taken_back(event, &sessions[number].drafts) {
            places.insert(*at, index);
        } else if !join_copy_elsewhere(sessions, number, event) {
            sessions[number].drafts.push(unconfirmed(event));
            places.insert(*at, sessions[number].drafts.len() - 1);
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
    places
}

fn by_id_and_text(
    event: &HookEvent,
    drafts: &[Draft<'_>],
    joined: &HashSet<usize>,
    _twin: bool,
    alike: Alike,
) -> Option<usize> {
    event.prompt_id.as_ref()?;
    let fits = |draft: &Draft<'_>| draft.prompt_id == event.prompt_id && is_alike(event, draft, alike);
    free(drafts, joined).find(|(_, draft)| fits(draft)).map(index)
}

/// The nearest in time. Ids that differ speak against it, unless the submit reused the id of the turn that ran: then the
/// line has got one of its own. The second of two equal payloads joins only a line near to it. What is nearly all hidden is
/// like too much.
fn by_text(
    event: &HookEvent,
    drafts: &[Draft<'_>],
    joined: &HashSet<usize>,
    twin: bool,
    alike: Alike,
) -> Option<usize> {
    let shows = |text: Option<&str>| text.unwrap_or_default().bytes().filter(|byte| *byte != b'*').count() >= SHOWN;
    if alike == Alike::Hidden && !shows(event.prompt()) {
        return None;
    }
    let reused = |own: usize| {
        let others = drafts.iter().enumerate().filter(|(index, draft)| *index != own && draft.in_transcript());
        others.into_iter().any(|(_, draft)| draft.prompt_id == event.prompt_id)
    };
    free(drafts, joined)
        .filter(|(_, draft)| is_alike(event, draft, alike))
        .filter(|(_, draft)| alike == Alike::Exactly || shows(draft.prompt.as_deref()))
        .filter(|(index, draft)| {
            draft.prompt_id == event.prompt_id
                || draft.prompt_id.is_none()
                || event.prompt_id.is_none()
                || reused(*index)
        })
        .filter(|(_, draft)| !twin || (draft.at_ms - event.at_ms).abs() <= TWIN_MS)
        .filter(|(_, draft)| may_have_queued(event, draft) && is_of_its_time(event, draft))
        .min_by_key(|(_, draft)| (draft.at_ms - event.at_ms).abs())
        .map(index)
}

/// A client whose hooks name the turn writes the name into the line too (claude-code.md C.2): a line without one that is much
/// older than such a submit is an older client's, with the same words.
fn is_of_its_time(event: &HookEvent, draft: &Draft<'_>) -> bool {
    let names_none = matches!(draft.anchor, Anchor::Line(_)) && draft.prompt_id.is_none();
    !(names_none && event.prompt_id.is_some()) || event.at_ms - draft.at_ms <= HOOK_MS
}

/// The same words may have been submitted long before they were queued: only a submit near the queueing, or near the moment
/// the text left the queue, is that text's.
fn may_have_queued(event: &HookEvent, draft: &Draft<'_>) -> bool {
    match draft.anchor {
        Anchor::Queue(line) => {
            let near = |at_ms: i64| (at_ms - event.at_ms).abs() <= QUEUE_MS;
            near(draft.at_ms) || line.at_ms.is_none_or(near)
        }
        _ => true,
    }
}

/// The only one with this id, if its text may be the submitted one: a prompt typed while Claude works carries the id of
/// the turn that runs, and is not that turn's.
fn by_id(event: &HookEvent, drafts: &[Draft<'_>], joined: &HashSet<usize>, twin: bool, _alike: Alike) -> Option<usize> {
    event.prompt_id.as_ref()?;
    let mut all = drafts.iter().enumerate().filter(|(_, draft)| draft.prompt_id == event.prompt_id && is_turn(draft));
    match (all.next(), all.next()) {
        (Some((only, draft)), None) if !twin && !joined.contains(&only) && may_be(event, draft) => Some(only),
        _ => None,
    }
}

/// Whether the submitted text stands in the line's: whole lines of it, or its pieces if the composer put placeholders of images
/// and pasted text between them; or both are commands.
fn may_be(event: &HookEvent, draft: &Draft<'_>) -> bool {
    let submitted = event.prompt().unwrap_or_default().trim();
    let line = draft.opening().and_then(|user| user.text.as_deref()).or(draft.prompt.as_deref()).unwrap_or_default();
    if draft.class == Class::Slash && text::is_slash(submitted) {
        return true;
    }
    let mut pieces = pieces(submitted);
    match (pieces.next(), pieces.next()) {
        (Some(only), None) if only == submitted => {
            count_same(&format!("\n{}\n", line.trim()), &format!("\n{only}\n")) > 0
        }
        (first, second) => first.into_iter().chain(second).chain(pieces).all(|piece| count_same(line, piece) > 0),
    }
}

/// The text between `[Image #1]`, `[Pasted text #2 +30 lines]` and the like.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (piece, behind) =
            match ["[Image", "[Pasted text", "[...Truncated"].iter().filter_map(|mark| rest.find(mark)).min() {
                Some(at) => (&rest[..at], rest[at..].find(']').map_or("", |end| &rest[at + end + 1..])),
                None if rest.is_empty() => return None,
                None => (rest, ""),
            };
        rest = behind;
        Some(piece.trim())
    })
}

fn free<'d, 'a>(
    drafts: &'d [Draft<'a>],
    joined: &'d HashSet<usize>,
) -> impl Iterator<Item = (usize, &'d Draft<'a>)> + 'd {
    drafts.iter().enumerate().filter(|(index, draft)| draft.in_transcript() && !joined.contains(index))
}

fn index<T>((index, _): (usize, T)) -> usize {
    index
}

/// Only what can be submitted: an answer without a prompt cannot.
fn is_turn(draft: &Draft<'_>) -> bool {
    draft.in_transcript() && draft.prompt.is_some()
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
fn submitted_text(prompt: &str) -> (Class, String) {
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

    /// Rule 17.
    fn stop(&mut self, session: &mut Session<'a>, event: &'a HookEvent) {
        let index = match &event.prompt_id {
            Some(id) => self.by_line.get(id).or_else(|| self.by_hook.get(id)).copied().or_else(|| {
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
                Some(id) => self.by_line.get(id).or_else(|| self.by_hook.get(id)).copied(),
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
