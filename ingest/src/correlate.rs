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

mod composer;
mod draft;
pub(crate) mod event;
mod facts;
mod finish;
mod forks;
pub(crate) mod history;
mod hooks;
pub(crate) mod links;
mod opening;
mod outcome;
mod text;
mod tokens;

use std::collections::{BTreeSet, HashMap, HashSet};

use store::write::{Counts, Link, Session as Facts, Turn};

use crate::transcripts::line::{Body, Line};
use crate::transcripts::lines::Lines;
use draft::{Agent, Draft};
use event::HookEvent;
use history::Typed;
use outcome::Around;

/// All that is known of a session.
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
    /// Message ids whose tokens are counted already, by turns outside of this input.
    pub(crate) counted: HashSet<String>,
    /// What was found in those of its files that are still the ones on disk.
    pub(crate) counts: Counts,
}

impl Input {
    /// Whether nothing but history.jsonl tells of the session.
    pub(crate) fn is_only_typed(&self) -> bool {
        let lines = self.files.iter().chain(self.subagents.iter().map(|subagent| &subagent.lines));
        self.events.is_empty() && lines.flatten().next().is_none()
    }

    /// Counts what was found in a file.
    pub(crate) fn count(&mut self, found: &Lines) {
        self.counts.lines += found.lines.len() as u64;
        self.counts.unreadable += found.unreadable;
        for line in &found.lines {
            if let Body::Unknown(name) = &line.body {
                *self.counts.unknown.entry(name.clone()).or_default() += 1;
            }
        }
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

/// The prompt lines of a session and its subagents: sessions that share one are of one lineage (correlation.md 3).
pub(crate) fn prompt_lines(input: &Input) -> BTreeSet<[u8; 16]> {
    let session = open(input);
    session.drafts.iter().chain(&session.agents).filter_map(Draft::line_key).collect()
}

/// What came of a lineage.
#[derive(Debug, Default)]
pub(crate) struct Correlated {
    /// The conversations, each session's in order of time.
    pub(crate) turns: Vec<Turn>,
    /// The facts of each session, in the order of the inputs.
    pub(crate) facts: Vec<Facts>,
}

/// The conversations of a lineage, and the facts of its sessions.
pub(crate) fn correlate(lineage: &[Input]) -> Correlated {
    let mut sessions: Vec<Session<'_>> = lineage.iter().map(open).collect();
    let mut facts: Vec<Facts> = lineage.iter().map(facts::of).collect();
    let sources = forks::settle(&mut sessions);
    for (facts, source) in facts.iter_mut().zip(&sources) {
        facts.links.extend(source.map(|source| links::copied(source, lineage, &facts.session_id)));
    }
    forks::settle_subagents(&mut sessions);
    hooks::join(&mut sessions);
    let (mut turns, mut figures) = (Vec::new(), Vec::new());
    for (session, input) in sessions.iter_mut().zip(lineage) {
        finish_session(session, input, &mut turns);
        figures.extend(session.drafts.iter().chain(&session.agents).map(|draft| tokens::figures(&draft.lines)));
    }
    let counted = lineage.iter().flat_map(|input| &input.counted).cloned().collect();
    for (turn, usage) in turns.iter_mut().zip(tokens::settle(figures, &counted)) {
        turn.usage = usage;
    }
    history::join(lineage, &mut turns);
    Correlated { turns, facts }
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
    let said = input.files.iter().flatten().filter(|line| !line.sidechain).filter_map(|line| match &line.body {
        Body::Assistant(assistant) => assistant.message_id.as_deref(),
        _ => None,
    });
    said.chain(input.counted.iter().map(String::as_str)).collect()
}

fn finish_session(session: &mut Session<'_>, input: &Input, turns: &mut Vec<Turn>) {
    session.drafts.sort_by_key(|draft| draft.at_ms);
    let lines = || input.files.iter().chain(input.subagents.iter().map(|subagent| &subagent.lines)).flatten();
    let results = finish::results(lines());
    let old: Vec<bool> = input.files.iter().map(|file| !has_end_turn(file)).collect();
    let first = turns.len();
    for (at, draft) in session.drafts.iter().enumerate() {
        let around = Around {
            over: at + 1 < session.drafts.len() || boundary_after(draft, session.events),
            old_client: draft.file.and_then(|file| old.get(file)).copied().unwrap_or(false),
        };
        turns.push(finish::turn(draft, session.id, &results, around));
    }
    let parents = Parents::of(turns, first, input);
    for draft in &session.agents {
        let mut turn = finish::turn(draft, session.id, &results, Around::default());
        turn.parent = parents.of_subagent(draft, &turn);
        turns.push(turn);
    }
    number(turns, session.id);
}

/// Numbers the turns of a session in order of time.
fn number(turns: &mut [Turn], session_id: &str) {
    let mut order: Vec<&mut Turn> = turns.iter_mut().filter(|turn| turn.session_id == session_id).collect();
    order.sort_by_key(|turn| turn.timestamp_ms);
    for (ordinal, turn) in (0..).zip(order) {
        turn.ordinal = ordinal;
    }
}

/// An end or a new start of the session came after the draft: by the order of events where it has one, else by time.
fn boundary_after(draft: &Draft<'_>, events: &[HookEvent]) -> bool {
    let own = |event: &HookEvent| draft.submits.iter().chain(&draft.stops).any(|mine| mine.key == event.key);
    let after = events.iter().rposition(own);
    match after {
        Some(at) => events[at..].iter().any(HookEvent::is_boundary),
        None => events.iter().any(|event| event.is_boundary() && event.at_ms > draft.at_ms),
    }
}

fn has_end_turn(file: &[Line]) -> bool {
    file.iter().any(|line| matches!(&line.body, Body::Assistant(it) if it.stop_reason.as_deref() == Some("end_turn")))
}

/// Finds the conversation that started a subagent.
struct Parents<'a> {
    by_call: HashMap<String, usize>,
    by_agent: HashMap<&'a str, &'a str>,
    by_prompt: HashMap<String, usize>,
    first: usize,
    times: Vec<i64>,
}

impl<'a> Parents<'a> {
    fn of(turns: &[Turn], first: usize, input: &'a Input) -> Self {
        let mut parents = Self {
            by_call: HashMap::new(),
            by_agent: HashMap::new(),
            by_prompt: HashMap::new(),
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

    /// By the call that started it, else by the turn's prompt id, else the turn that ran at the time.
    fn of_subagent(&self, draft: &Draft<'_>, turn: &Turn) -> Option<usize> {
        let agent = draft.agent?;
        let call = agent.tool_use_id.or_else(|| self.by_agent.get(agent.id?).copied());
        call.and_then(|call| self.by_call.get(call).copied())
            .or_else(|| self.by_prompt.get(turn.prompt_id.as_ref()?).copied())
            .or_else(|| {
                let running = self.times.iter().rposition(|time| *time <= turn.timestamp_ms)?;
                Some(self.first + running)
            })
    }
}

#[cfg(test)]
mod tests;
