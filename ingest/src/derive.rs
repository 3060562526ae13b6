//! Derives the conversations of the sessions whose ground rows changed: reads a lineage from the ground, correlates it,
//! writes what differs.
//!
//! Reading and correlating happen outside a write transaction, so nobody waits for them; if the ground moved on
//! meanwhile the store says so and the session is read again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use store::write::{Ground, Lineage, Link, Replaced, Role, Wanted, Writer};

use crate::correlate::history::Typed;
use crate::correlate::links::{self, Clear};
use crate::correlate::{self, Correlated, Input, event};
use crate::json::Object;
use crate::transcripts::lines::Cutter;

/// How often a lineage is read again because its ground moved on; then it waits for the next pass.
const ATTEMPTS: usize = 3;

/// One transaction writes at most so many lineages,
const BATCH_LINEAGES: usize = 64;
/// and what came from about so many bytes: the bound of memory, and of how long others wait.
const BATCH_BYTES: u64 = 16 * 1024 * 1024;

/// What deriving changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Derived {
    /// Sessions that were derived.
    pub sessions: u64,
    /// Conversations written, new or changed.
    pub conversations: u64,
}

/// Derives every dirty session.
///
/// # Errors
/// The store's.
pub fn derive(writer: &mut Writer) -> Result<Derived, store::Error> {
    let mut done = Derived::default();
    let mut tried: BTreeMap<String, usize> = BTreeMap::new();
    loop {
        let given_up =
            tried.iter().filter(|(_, times)| **times >= ATTEMPTS).map(|(session, _)| session.clone()).collect();
        let lineages = read_some(&writer.ground()?, given_up)?;
        if lineages.is_empty() {
            return Ok(done);
        }
        let batch = writer.batch()?;
        for lineage in &lineages {
            match batch.replace(lineage, now_ms())? {
                Replaced::Written { changed, .. } => {
                    done.sessions += lineage.sessions.len() as u64;
                    done.conversations += changed;
                }
                Replaced::Outdated => {
                    for session in lineage.sessions.keys() {
                        *tried.entry(session.clone()).or_default() += 1;
                    }
                }
            }
        }
        batch.commit()?;
    }
}

/// Reads dirty sessions until a batch is full, each with all that share lines with it, and correlates them.
fn read_some(ground: &Ground<'_>, mut seen: BTreeSet<String>) -> Result<Vec<Lineage>, store::Error> {
    let (mut found, mut bytes) = (Vec::new(), 0);
    for session in ground.dirty_sessions(BATCH_LINEAGES, &seen)? {
        if bytes >= BATCH_BYTES {
            break;
        }
        if !seen.contains(&session) {
            let lineage = read_lineage(ground, session, &mut bytes)?;
            seen.extend(lineage.sessions.keys().cloned());
            found.push(lineage);
        }
    }
    Ok(found)
}

fn read_lineage(ground: &Ground<'_>, session: String, bytes: &mut u64) -> Result<Lineage, store::Error> {
    let mut inputs: BTreeMap<String, Input> = BTreeMap::new();
    let mut prompt_lines = BTreeMap::new();
    let mut wanted = BTreeSet::from([session]);
    while let Some(session) = wanted.pop_first() {
        let input = read_session(ground, &session, bytes)?;
        let lines = correlate::prompt_lines(&input);
        inputs.insert(session.clone(), input);
        wanted.extend(ground.sessions_with(&lines)?.into_iter().filter(|other| !inputs.contains_key(other)));
        prompt_lines.insert(session, lines);
    }
    let inputs: Vec<Input> = inputs.into_values().collect();
    let mut sessions = BTreeMap::new();
    for input in &inputs {
        sessions.insert(input.session_id.clone(), ground.token(&input.session_id)?);
    }
    let Correlated { turns, facts } = correlate::correlate(&inputs);
    Ok(Lineage { sessions, prompt_lines, facts, turns })
}

fn read_session(ground: &Ground<'_>, session_id: &str, bytes: &mut u64) -> Result<Input, store::Error> {
    let mut input = Input { session_id: session_id.to_owned(), ..Input::default() };
    let mut calls: BTreeMap<String, String> = BTreeMap::new();
    for file in ground.files(session_id)? {
        match file.role {
            Role::Main | Role::Subagent => {
                let mut cutter = Cutter::new(file.id);
                ground.bytes(file.id, |chunk| {
                    *bytes += chunk.len() as u64;
                    cutter.feed(chunk);
                })?;
                let found = cutter.finish();
                if !file.superseded {
                    input.count(&found);
                }
                if found.unreadable > 0 {
                    tracing::debug!(
                        session.id = session_id,
                        n_pieces = found.unreadable,
                        "unreadable pieces of a transcript"
                    );
                }
                if file.role == Role::Main {
                    input.files.push(found.lines);
                } else {
                    input.add_subagent(file.agent_id, found.lines);
                }
            }
            Role::Meta => {
                let mut meta = Vec::new();
                ground.bytes(file.id, |chunk| meta.extend_from_slice(chunk))?;
                let call = Object::parse(&String::from_utf8_lossy(&meta)).and_then(|meta| meta.text("toolUseId"));
                calls.extend(file.agent_id.zip(call));
            }
            Role::ToolResult | Role::History => {}
        }
    }
    for subagent in &mut input.subagents {
        subagent.tool_use_id = subagent.agent_id.as_ref().and_then(|id| calls.get(id)).cloned();
    }
    // Of several files of one session the one that begins first is first.
    input.files.sort_by_key(|lines| lines.iter().find_map(|line| line.at_ms));
    ground.events(session_id, |stored| input.events.push(event::parse(&stored)))?;
    input.cleared = read_cleared(ground, &input)?;
    let wanted = if input.is_only_typed() { Wanted::All } else { Wanted::Known };
    input.typed = ground.typed(session_id, wanted)?.iter().filter_map(Typed::parse).collect();
    Ok(input)
}

/// `/clear` ends one session and begins another: only the events of both tell which. Few sessions begin or end so.
fn read_cleared(ground: &Ground<'_>, input: &Input) -> Result<Vec<Link>, store::Error> {
    let mut found = Vec::new();
    for clear in input.events.iter().filter_map(|event| Clear::of(&input.session_id, event)) {
        let around =
            ground.starts_and_ends(&input.session_id, clear.at_ms * 1_000_000, 2 * links::CLEAR_MS * 1_000_000)?;
        let around = around.iter().filter_map(|(session, stored)| Clear::of(session, &event::parse(stored)));
        let mut links = links::cleared(around.collect());
        links.retain(|link| link.session_id == input.session_id || link.other_session_id == input.session_id);
        found.extend(links);
    }
    Ok(found)
}

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_millis() as i64)
}

#[cfg(test)]
mod tests;
