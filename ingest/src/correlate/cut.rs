//! Where a session can be cut so that everything before the cut is settled, and an appended line costs no look at it.
//!
//! A cut stands before a turn. It holds if nothing on one side names anything on the other: no prompt id, message or tool
//! call is known to turns on both sides, no text waits in the composer's queue across it, lines and hook events on the two
//! sides do not interleave. Deriving what comes behind such a cut gives what deriving the whole would give; what arrives
//! later is held against the settled turns before that is believed (`derive::window`).

use std::collections::{BTreeSet, HashMap, HashSet};

use store::TranscriptId;

use super::draft::{Anchor, Class, Draft};
use super::{Input, Session, composer, hooks};
use crate::transcripts::line::{Body, Line};

/// A place before which a session is settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    /// How many of the input's own turns stand before it, in order of time.
    pub(crate) turns: usize,
    /// The file that grows, and where in it the first turn behind the cut begins; `None` if hooks alone tell of the session.
    pub(crate) line: Option<(TranscriptId, u64)>,
    /// Hook events from here on belong behind it.
    pub(crate) from_ns: i64,
    /// Subagents and prompt ids of which there are hook events before the cut that found no turn: their lines may still come.
    pub(crate) waiting: BTreeSet<String>,
}

impl Cut {
    /// Whether the cut stands behind this place of a file.
    pub(super) fn is_behind(&self, at: (TranscriptId, u64)) -> bool {
        self.line.is_none_or(|(file, offset)| at.0 != file || at.1 < offset)
    }
}

/// The last place where the session can be cut. `copies` are the prompt lines that other sessions hold too.
pub(super) fn last(session: &Session<'_>, input: &Input, copies: &HashSet<[u8; 16]>) -> Option<Cut> {
    let drafts = &session.drafts;
    let file = drafts.iter().rev().find_map(|draft| draft.lines.first()).map(|line| line.at.0);
    let mut closed = Closed::new(drafts.len());
    names(drafts, &mut closed);
    states(drafts, copies, &mut closed);
    let lines = Extent::of(drafts, |draft| file.and_then(|file| offsets(draft, file)));
    let events = Extent::of(drafts, moments);
    let under_way = file.map(|file| under_way(input, file)).unwrap_or_default();
    let open = closed.open();
    let turns = (1..drafts.len()).rev().find(|at| {
        open[*at]
            && lines.parted_at(*at)
            && events.parted_at(*at)
            && drafts[*at - 1].at_ms < drafts[*at].at_ms
            && begins_here(&drafts[*at], file, lines.first_from[*at], &under_way)
            && drafts[*at..].iter().all(|draft| is_of(draft, file))
            && (!hooks_without_ids(session) || begins_with_its_submit(&drafts[*at], events.first_from[*at]))
            && (copies.is_empty() || has_own_prompt(&drafts[..*at], copies, input))
    })?;
    let all = session.events.iter().map(|event| event.at_ns);
    let behind = events.first_from[turns].or_else(|| all.max().map(|last| last + 1)).unwrap_or(0);
    let from_ns = input.later_ns.map_or(behind, |later| behind.min(later));
    Some(Cut {
        turns,
        line: file.zip(lines.first_from[turns].and_then(|offset| u64::try_from(offset).ok())),
        from_ns,
        waiting: waiting(session, from_ns),
    })
}

/// Which cuts are ruled out: each span of turns closes those inside it.
struct Closed(Vec<i32>);

impl Closed {
    fn new(turns: usize) -> Self {
        Self(vec![0; turns + 2])
    }

    /// No cut between turn `first` and turn `last`.
    fn span(&mut self, first: usize, last: usize) {
        if first < last {
            self.0[first + 1] += 1;
            self.0[last + 1] -= 1;
        }
    }

    fn open(self) -> Vec<bool> {
        let mut depth = 0;
        self.0
            .into_iter()
            .map(|edge| {
                depth += edge;
                depth == 0
            })
            .collect()
    }
}

/// A name that two turns know holds them together.
fn names(drafts: &[Draft<'_>], closed: &mut Closed) {
    let mut first_and_last: HashMap<(char, &str), (usize, usize)> = HashMap::new();
    for (index, draft) in drafts.iter().enumerate() {
        for known in known_names(draft) {
            first_and_last.entry(known).or_insert((index, index)).1 = index;
        }
    }
    for (first, last) in first_and_last.into_values() {
        closed.span(first, last);
    }
}

fn known_names<'d>(draft: &'d Draft<'_>) -> Vec<(char, &'d str)> {
    let mut known: Vec<(char, &str)> = draft.prompt_id.as_deref().map(|id| ('p', id)).into_iter().collect();
    for event in draft.submits.iter().chain(&draft.stops).chain(&draft.tools) {
        known.extend(event.prompt_id.as_deref().map(|id| ('p', id)));
        known.extend(hooks::calls(&event.body).iter().filter_map(|call| Some(('t', call.tool_use_id.as_deref()?))));
    }
    for line in &draft.lines {
        match &line.body {
            Body::Assistant(assistant) => {
                known.extend(assistant.message_id.as_deref().map(|id| ('m', id)));
                known.extend(hooks::tool_ids(&line.body).into_iter().map(|id| ('t', id)));
            }
            Body::User(user) => known.extend(user.results.iter().map(|result| ('t', result.tool_use_id.as_str()))),
            _ => {}
        }
    }
    known
}

/// What a single turn rules out.
fn states(drafts: &[Draft<'_>], copies: &HashSet<[u8; 16]>, closed: &mut Closed) {
    let end = drafts.len();
    for (index, draft) in drafts.iter().enumerate() {
        // A later line may still say its text.
        let only_queued = matches!(draft.anchor, Anchor::Queue(_)) && draft.class != Class::TakenBack;
        let only_hook = !draft.in_transcript() && draft.stops.is_empty() && draft.prompt_id.is_none();
        if only_queued || only_hook || draft.awaits {
            closed.span(index, end);
        }
        // What a turn took in stands with it; so does what began in the middle, or has no time of its own.
        if draft.absorbed {
            closed.span(index.saturating_sub(1), index);
        }
        if draft.line_key().is_some_and(|key| copies.contains(&key)) {
            closed.span(0, index);
        }
    }
}

/// The places (of lines or of events) of each prefix and each suffix of the turns.
struct Extent {
    last_before: Vec<Option<i64>>,
    first_from: Vec<Option<i64>>,
}

impl Extent {
    fn of(drafts: &[Draft<'_>], places: impl Fn(&Draft<'_>) -> Option<(i64, i64)>) -> Self {
        let places: Vec<_> = drafts.iter().map(places).collect();
        let mut last_before = vec![None; places.len() + 1];
        let mut first_from = vec![None; places.len() + 1];
        for (index, place) in places.iter().enumerate() {
            last_before[index + 1] = last_before[index].max(place.map(|(_, last)| last));
        }
        for (index, place) in places.iter().enumerate().rev() {
            let firsts = first_from[index + 1].into_iter().chain(place.map(|(first, _)| first));
            first_from[index] = firsts.min();
        }
        Self { last_before, first_from }
    }

    /// Everything before turn `at` stands before everything from it on.
    fn parted_at(&self, at: usize) -> bool {
        match (self.last_before[at], self.first_from[at]) {
            (Some(last), Some(first)) => last < first,
            _ => true,
        }
    }
}

fn offsets(draft: &Draft<'_>, file: TranscriptId) -> Option<(i64, i64)> {
    let offsets = || draft.lines.iter().filter(|line| line.at.0 == file).map(|line| line.at.1 as i64);
    offsets().min().zip(offsets().max())
}

fn moments(draft: &Draft<'_>) -> Option<(i64, i64)> {
    let moments = || draft.submits.iter().chain(&draft.stops).chain(&draft.tools).map(|event| event.at_ns);
    moments().min().zip(moments().max())
}

fn begins_with_its_submit(draft: &Draft<'_>, first: Option<i64>) -> bool {
    submitted(draft).is_some_and(|submitted| first == Some(submitted))
}

fn submitted(draft: &Draft<'_>) -> Option<i64> {
    draft.submits.iter().map(|event| event.at_ns).min()
}

/// Whether the turn's own beginning is the first thing behind the cut.
fn begins_here(draft: &Draft<'_>, file: Option<TranscriptId>, first: Option<i64>, under_way: &[(u64, u64)]) -> bool {
    match (draft.anchor, file) {
        (Anchor::Line(line), Some(file)) => {
            line.at.0 == file
                && line.at_ms.is_some()
                && first == Some(line.at.1 as i64)
                && !under_way.iter().any(|(from, to)| *from < line.at.1 && line.at.1 <= *to)
        }
        (Anchor::Hook(_), None) => submitted(draft).is_some(),
        _ => false,
    }
}

/// Behind a cut there are only lines of the file that grows.
fn is_of(draft: &Draft<'_>, file: Option<TranscriptId>) -> bool {
    draft.lines.iter().all(|line| Some(line.at.0) == file)
}

/// Stretches of a file in which something is under way that turns do not show: a text that waits in the queue, or
/// subagents whose lines stand among the main ones.
fn under_way(input: &Input, file: TranscriptId) -> Vec<(u64, u64)> {
    let of_file = |lines: &&Vec<Line>| lines.first().is_some_and(|line| line.at.0 == file);
    let Some(lines) = input.files.iter().find(of_file) else { return Vec::new() };
    let mut stretches = composer::waits(lines);
    stretches.extend(lines.iter().rev().find(|line| line.sidechain).map(|line| (0, line.at.1)));
    stretches
}

/// Events of old clients name no turn: they go to the latest submit, which must then stand behind the cut too.
fn hooks_without_ids(session: &Session<'_>) -> bool {
    session.events.iter().any(|event| event.prompt_id.is_none() && event.body.is_of_a_turn())
}

/// Which session owns a copy, and how it hangs together with the other, depends on whether it has prompts of its own behind
/// the copied ones; once it has, that is settled.
fn has_own_prompt(drafts: &[Draft<'_>], copies: &HashSet<[u8; 16]>, input: &Input) -> bool {
    let own =
        |draft: &Draft<'_>| draft.class == Class::Human && draft.line_key().is_some_and(|key| !copies.contains(&key));
    let copied = |draft: &Draft<'_>| draft.line_key().is_some_and(|key| copies.contains(&key));
    input.before.turns > 0 || drafts.iter().rev().take_while(|draft| !copied(draft)).any(own)
}

fn waiting(session: &Session<'_>, from_ns: i64) -> BTreeSet<String> {
    let all = session.drafts.iter().chain(&session.agents);
    let given: HashSet<[[u8; 16]; 2]> = all.flat_map(|draft| &draft.tools).map(|event| event.keys).collect();
    let waits = session.events.iter().filter(|event| event.at_ns < from_ns && !given.contains(&event.keys));
    let waits = waits.filter(|event| !hooks::calls(&event.body).is_empty());
    waits.filter_map(|event| event.agent_id.as_ref().or(event.prompt_id.as_ref()).cloned()).collect()
}
