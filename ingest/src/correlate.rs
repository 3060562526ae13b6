//! From lines and hook events to conversations: pure functions over values, no I/O, nothing that can fail.
//!
//! ```text
//! files of a session ──opening──▶ drafts ──forks──▶ one owner each ──hooks──▶ + submits, Stops, tools
//!                                                                               │
//!          turns of the store ◀──tokens── each once ◀──finish── status, answer ◀──outcome
//! ```
//!
//! The unit is a lineage: the sessions that share lines, because only together do they tell which of them owns a copy.
//! The rules are those of docs/correlation.md, named by number in the modules that keep them.

mod again;
mod belongings;
pub(crate) mod composer;
mod cut;
mod draft;
pub(crate) mod event;
mod facts;
mod finish;
mod forks;
pub(crate) mod history;
mod hooks;
pub(crate) mod links;
mod matching;
mod opening;
mod outcome;
mod text;
mod tokens;
mod twins;
mod unite;

use std::collections::{BTreeSet, HashMap, HashSet};

use store::write::{Link, Parent, Session as Facts, Turn};
use store::{ConversationId, TranscriptId};

use crate::transcripts::line::{Body, Line};
pub(crate) use belongings::{Belongings, belongings};
pub(crate) use cut::Cut;
use draft::{Agent, Class, Draft};
use event::HookEvent;
use history::Typed;
use outcome::Around;
pub(crate) use unite::unite;

/// All that is known of a session, or of its end behind a [`Cut`].
#[derive(Debug, Default)]
pub(crate) struct Input {
    pub(crate) session_id: String,
    /// Its main files, each in file order.
    pub(crate) files: Vec<Vec<Line>>,
    pub(crate) subagents: Vec<Subagent>,
    /// In order of capture.
    pub(crate) events: Vec<HookEvent>,
    /// What history.jsonl says was typed: all of it while nothing else is known of the session, then what once made a
    /// conversation.
    pub(crate) typed: Vec<Typed>,
    /// The session that `/clear` ended when this one began, or the one that `/clear` began when this one ended: known from
    /// events of both ([`links::cleared`]).
    pub(crate) cleared: Vec<Link>,
    /// Pieces of its main files that cannot be read, by where they begin.
    pub(crate) unreadable: Vec<(TranscriptId, u64)>,
    /// Files of it that are no longer the ones on disk: their lines are not counted.
    pub(crate) superseded: BTreeSet<TranscriptId>,
    /// Where the events begin that were left for later, because their lines were.
    pub(crate) later_ns: Option<i64>,
    pub(crate) before: Before,
}

/// What correlation has to know of the settled part of a session.
#[derive(Debug, Default)]
pub(crate) struct Before {
    /// How many of the session's own turns it holds.
    pub(crate) turns: usize,
    /// The growing file has an `end_turn` in it.
    pub(crate) end_turn: bool,
    /// Conversations in it that started subagents which still run, by the subagent's id, each with its ordinal.
    pub(crate) parents: HashMap<String, (ConversationId, i64)>,
}

/// What became of a lineage.
#[derive(Debug, Default)]
pub(crate) struct Correlated {
    /// The conversations, each session's in order of time, its subagents' last.
    pub(crate) turns: Vec<Turn>,
    /// The facts of each session, in the order of the inputs.
    pub(crate) facts: Vec<Facts>,
    /// Where each session can be cut from now on, with the facts of the part before.
    pub(crate) cuts: Vec<Option<(Cut, Facts)>>,
    /// There are subagents whose parent is not known: it may stand in the settled part.
    pub(crate) orphans: bool,
}

impl Input {
    /// Whether nothing but history.jsonl tells of the session.
    pub(crate) fn is_only_typed(&self) -> bool {
        let lines = self.files.iter().chain(self.subagents.iter().map(|subagent| &subagent.lines));
        self.before.turns == 0 && self.events.is_empty() && lines.flatten().next().is_none()
    }

    /// All files of a subagent are one union of lines, as those of a session are: one may have been copied or rewritten.
    pub(crate) fn add_subagent(&mut self, agent_id: Option<String>, lines: Vec<Line>) {
        match self.subagents.iter_mut().find(|known| known.agent_id == agent_id && agent_id.is_some()) {
            Some(known) => known.lines.extend(lines),
            None => self.subagents.push(Subagent { agent_id, tool_use_id: None, lines }),
        }
    }
}

/// A subagent's lines.
#[derive(Debug, Default)]
pub(crate) struct Subagent {
    pub(crate) agent_id: Option<String>,
    /// The call that started it, from its meta file.
    pub(crate) tool_use_id: Option<String>,
    pub(crate) lines: Vec<Line>,
}

/// A session while it is worked on.
#[derive(Debug)]
struct Session<'a> {
    id: &'a str,
    drafts: Vec<Draft<'a>>,
    agents: Vec<Draft<'a>>,
    events: &'a [HookEvent],
}

/// The prompt lines of a session and its subagents, each also by what hiding leaves of it: sessions that share one are of one
/// lineage (correlation.md 3).
pub(crate) fn prompt_lines(input: &Input) -> BTreeSet<[u8; 16]> {
    let session = open(input);
    let lines = session.drafts.iter().chain(&session.agents).filter_map(Draft::line);
    lines.flat_map(|line| line.keys().chain(line.bare)).collect()
}

/// The conversations of a lineage, the facts of its sessions, and where they can be cut.
pub(crate) fn correlate(lineage: &[Input]) -> Correlated {
    let (mut sessions, forks) = join(lineage);
    let (mut done, mut figures) = (Correlated::default(), Vec::new());
    for ((session, input), source) in sessions.iter_mut().zip(lineage).zip(&forks.sources) {
        session.drafts.sort_by_key(|draft| draft.at_ms);
        finish_session(session, input, &mut done);
        figures.extend(session.drafts.iter().chain(&session.agents).map(|draft| tokens::figures(&draft.lines)));
        let copied = source.map(|source| links::copied(source, lineage, &input.session_id));
        let mut facts = facts::of(input, None);
        facts.links.extend(copied.clone());
        done.facts.push(facts);
        done.cuts.push(cut::last(session, input, &forks.copies).map(|cut| {
            let mut facts = facts::of(input, Some(&cut));
            facts.links.extend(copied);
            (cut, facts)
        }));
    }
    for (turn, usage) in done.turns.iter_mut().zip(tokens::settle(figures)) {
        turn.usage = tokens::priced(usage, turn.timestamp_ms);
    }
    for session in history::join(lineage, &mut done.turns) {
        number(&mut done.turns, &lineage[session].session_id);
        done.cuts[session] = None; // what was typed stands among what was seen
    }
    done
}

/// The drafts of a lineage with all that belongs to them.
fn join(lineage: &[Input]) -> (Vec<Session<'_>>, forks::Settled) {
    let mut sessions: Vec<Session<'_>> = lineage.iter().map(open).collect();
    let forks = forks::settle(&mut sessions);
    forks::settle_subagents(&mut sessions);
    hooks::join(&mut sessions);
    (sessions, forks)
}

fn open(input: &Input) -> Session<'_> {
    let opened = opening::session(&input.files);
    let mut agents = opened.inline_agents;
    let said = session_messages(input);
    for subagent in &input.subagents {
        let agent = Agent { id: subagent.agent_id.as_deref(), tool_use_id: subagent.tool_use_id.as_deref() };
        agents.extend(opening::subagent(&subagent.lines, agent, &said));
    }
    Session { id: &input.session_id, drafts: opened.main, agents, events: &input.events }
}

/// The messages of a session itself, which the log of a side question repeats.
fn session_messages(input: &Input) -> HashSet<&str> {
    let lines = input.files.iter().flatten().filter(|line| !line.sidechain);
    lines
        .filter_map(|line| match &line.body {
            Body::Assistant(assistant) => assistant.message_id.as_deref(),
            _ => None,
        })
        .collect()
}

fn finish_session(session: &Session<'_>, input: &Input, done: &mut Correlated) {
    let lines = || input.files.iter().chain(input.subagents.iter().map(|subagent| &subagent.lines)).flatten();
    let results = finish::results(lines());
    let old: Vec<bool> = input.files.iter().map(|file| !input.before.end_turn && !has_end_turn(file)).collect();
    let first = done.turns.len();
    let last = session.drafts.iter().rposition(|draft| draft.class != Class::TakenBack);
    for (at, draft) in session.drafts.iter().enumerate() {
        let around = Around {
            over: last.is_some_and(|last| at < last) || boundary_after(draft, session.events),
            old_client: draft.file.and_then(|file| old.get(file)).copied().unwrap_or(false),
        };
        let mut turn = finish::turn(draft, session.id, &results, around);
        turn.ordinal = (input.before.turns + at) as i64;
        done.turns.push(turn);
    }
    let parents = Parents::of(&done.turns, first, input);
    for draft in &session.agents {
        let mut turn = finish::turn(draft, session.id, &results, Around::default());
        let parent = parents.of_subagent(draft, &turn);
        turn.ordinal = match parent {
            Some(Parent::Here(index)) => done.turns[index].ordinal,
            Some(Parent::Settled(_)) => parents.settled(draft).map_or(0, |(_, ordinal)| ordinal),
            None => 0,
        };
        turn.parent = parent;
        done.orphans |= parent.is_none();
        done.turns.push(turn);
    }
}

/// Numbers the turns of a whole session in order of time, its subagents' as their parents.
fn number(turns: &mut [Turn], session_id: &str) {
    let mut own: Vec<&mut Turn> =
        turns.iter_mut().filter(|turn| turn.session_id == session_id && turn.parent.is_none()).collect();
    own.sort_by_key(|turn| turn.timestamp_ms);
    for (ordinal, turn) in (0..).zip(own) {
        turn.ordinal = ordinal;
    }
    for index in 0..turns.len() {
        if let (true, Some(Parent::Here(parent))) = (turns[index].session_id == session_id, turns[index].parent) {
            turns[index].ordinal = turns[parent].ordinal;
        }
    }
}

/// An end or a new start of the session came after the draft: by the order of events where it has one, else by time. What a log
/// has of it stands anywhere, so what hooks captured counts.
fn boundary_after(draft: &Draft<'_>, events: &[HookEvent]) -> bool {
    let is_captured = draft.submits.iter().any(|event| !event.logged);
    let own = draft.submits.iter().chain(&draft.stops).filter(|event| !(is_captured && event.logged));
    let own: HashSet<_> = own.map(|event| event.keys).collect();
    match events.iter().rposition(|event| own.contains(&event.keys)) {
        Some(at) => events[at..].iter().any(HookEvent::is_boundary),
        None => events.iter().any(|event| event.is_boundary() && event.at_ms > draft.at_ms),
    }
}

pub(crate) fn has_end_turn(file: &[Line]) -> bool {
    file.iter().any(|line| matches!(&line.body, Body::Assistant(it) if it.stop_reason.as_deref() == Some("end_turn")))
}

/// Finds the conversation that started a subagent.
struct Parents<'a> {
    by_call: HashMap<String, usize>,
    by_agent: HashMap<&'a str, &'a str>,
    by_prompt: HashMap<String, usize>,
    settled: &'a HashMap<String, (ConversationId, i64)>,
    first: usize,
    times: Vec<i64>,
}

impl<'a> Parents<'a> {
    fn of(turns: &[Turn], first: usize, input: &'a Input) -> Self {
        let mut parents = Self {
            by_call: HashMap::new(),
            by_agent: HashMap::new(),
            by_prompt: HashMap::new(),
            settled: &input.before.parents,
            first,
            times: turns[first..].iter().map(|turn| turn.timestamp_ms).collect(),
        };
        for (index, turn) in turns.iter().enumerate().skip(first) {
            let calls = turn.tool_calls.iter().filter_map(|call| call.tool_use_id.clone());
            parents.by_call.extend(calls.map(|call| (call, index)));
            parents.by_prompt.extend(turn.prompt_id.clone().map(|id| (id, index)));
        }
        for line in input.files.iter().flatten() {
            if let Body::User(user) = &line.body {
                let started =
                    user.results.iter().filter_map(|it| Some((it.agent_id.as_deref()?, it.tool_use_id.as_str())));
                parents.by_agent.extend(started);
            }
        }
        parents
    }

    /// By the call that started it, else by the turn's prompt id, else as it was settled, else the turn that ran then.
    fn of_subagent(&self, draft: &Draft<'_>, turn: &Turn) -> Option<Parent> {
        let agent = draft.agent?;
        let call = agent.tool_use_id.or_else(|| self.by_agent.get(agent.id?).copied());
        call.and_then(|call| self.by_call.get(call).copied())
            .or_else(|| self.by_prompt.get(turn.prompt_id.as_ref()?).copied())
            .map(Parent::Here)
            .or_else(|| self.settled(draft).map(|(id, _)| Parent::Settled(id)))
            .or_else(|| {
                let running = self.times.iter().rposition(|time| *time <= turn.timestamp_ms)?;
                Some(Parent::Here(self.first + running))
            })
    }

    /// The parent it has in the settled part.
    fn settled(&self, draft: &Draft<'_>) -> Option<(ConversationId, i64)> {
        self.settled.get(draft.agent?.id?).copied()
    }
}

#[cfg(test)]
mod tests;
