//! Reads a session from the ground: its lines and its events, from the beginning or from where it is settled.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

use store::Key;
use store::write::{Ground, Link, Role, StoredFile, Wanted};

use super::seal::Seal;
use crate::correlate::history::Typed;
use crate::correlate::links::{self, Clear};
use crate::correlate::{Input, event};
use crate::rate;
use crate::transcripts::lines::{Cutter, Lines};
use store::json::Object;

/// How much of a session was read.
#[derive(Debug, Default)]
pub(super) struct Reach {
    /// The files that were read, with the sizes they had.
    pub(super) files: Vec<StoredFile>,
    /// The growing file goes on behind what was read of it.
    pub(super) more: bool,
}

/// Reads a session behind its seal, and of a file that grows at most about `slice` bytes. `None` if a settled file changed:
/// then the session has to be read whole.
pub(super) fn read(
    ground: &Ground<'_>,
    session_id: &str,
    settled: Option<(&Seal, i64)>,
    slice: u64,
    bytes: &mut u64,
) -> Result<Option<(Input, Reach)>, store::Error> {
    let mut input = Input { session_id: session_id.to_owned(), ..Input::default() };
    let mut reach = Reach::default();
    let seal = settled.map(|(seal, _)| seal);
    let from = seal.map_or(0, |seal| seal.turns as i64);
    let from_ns = settled.map_or(i64::MIN, |(_, from_ns)| from_ns);
    ground.events(session_id, from_ns, |stored| {
        *bytes += stored.payload.len() as u64;
        input.events.push(event::parse(&stored));
    })?;
    rate::answer_for_doubles(&mut input.events);
    let (subagents, own): (Vec<_>, Vec<_>) = ground
        .files(session_id)?
        .into_iter()
        .filter(|file| matches!(file.role, Role::Main | Role::Subagent | Role::Meta))
        .partition(|file| file.agent_id.is_some());
    let one = own.len() == 1;
    for file in own {
        let from = match seal {
            Some(seal) if seal.holds(&file) => continue,
            Some(seal) => match seal.offset_in(file.id) {
                Some(offset) => offset,
                None => return Ok(None),
            },
            None => 0,
        };
        let (found, more) = lines(ground, &file, from, if one { slice } else { u64::MAX }, bytes)?;
        reach.more |= more;
        input.unreadable.extend(found.unreadable.iter().map(|at| (file.id, *at)));
        input.files.push(found.lines);
        if file.superseded {
            input.superseded.insert(file.id);
        }
        reach.files.push(file);
    }
    // Of several files of one session the one that begins first is first, and a copy comes before its beginning: what
    // stands together in the one would be torn apart by the other.
    input.files.sort_by_key(|lines| (lines.iter().find_map(|line| line.at_ms), Reverse(lines.len())));
    if reach.more {
        leave_later_events(&mut input);
    }
    if let Some(seal) = seal {
        input.before.turns = seal.turns;
        input.before.end_turn = seal.end_turn;
    }
    read_subagents(ground, subagents, seal, &mut input, &mut reach, bytes)?;
    input.cleared = cleared(ground, &input)?;
    let wanted = if input.is_only_typed() { Wanted::All } else { Wanted::Known };
    for line in ground.typed(session_id, wanted)? {
        if seal.is_none_or(|seal| seal.turns == 0) || !ground.is_settled(&Key::Line(line.key), session_id, from)? {
            input.typed.extend(Typed::parse(&line));
        }
    }
    Ok(Some((input, reach)))
}

/// `/clear` ends one session and begins another: only the events of both tell which. Few sessions begin or end so.
fn cleared(ground: &Ground<'_>, input: &Input) -> Result<Vec<Link>, store::Error> {
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

/// Events of turns whose lines are not read yet.
fn leave_later_events(input: &mut Input) {
    let Some(last) = input.files.iter().flatten().filter_map(|line| line.at_ms).max() else { return };
    let at = input.events.iter().position(|event| event.at_ms > last).unwrap_or(input.events.len());
    input.later_ns = input.events.get(at).map(|event| event.at_ns);
    input.events.truncate(at);
}

/// The subagents that are not settled, each whole.
fn read_subagents(
    ground: &Ground<'_>,
    files: Vec<StoredFile>,
    seal: Option<&Seal>,
    input: &mut Input,
    reach: &mut Reach,
    bytes: &mut u64,
) -> Result<(), store::Error> {
    let mut by_agent: BTreeMap<String, Vec<StoredFile>> = BTreeMap::new();
    for file in files {
        by_agent.entry(file.agent_id.clone().unwrap_or_default()).or_default().push(file);
    }
    for (agent, files) in by_agent {
        let told_of = || {
            let ids = input.events.iter().filter_map(|event| event.agent_id.as_deref());
            ids.into_iter().any(|id| id.strip_prefix("agent-").unwrap_or(id) == agent)
        };
        if let Some(seal) = seal {
            if files.iter().all(|file| seal.holds(file)) && !told_of() {
                continue;
            }
            let parent = ground.settled_parent(&agent, &input.session_id, seal.turns as i64)?;
            input.before.parents.extend(parent.map(|parent| (agent.clone(), parent)));
        }
        let mut call = None;
        for file in files {
            if file.role == Role::Meta {
                let mut meta = Vec::new();
                ground.bytes(file.id, 0, |chunk| {
                    meta.extend_from_slice(chunk);
                    ControlFlow::Continue(())
                })?;
                call = Object::parse(&String::from_utf8_lossy(&meta)).and_then(|meta| meta.text("toolUseId")).or(call);
            } else {
                let (found, _) = lines(ground, &file, 0, u64::MAX, bytes)?;
                input.add_subagent(file.agent_id.clone(), found.lines);
            }
            reach.files.push(file);
        }
        if let Some(subagent) =
            input.subagents.iter_mut().find(|known| known.agent_id.as_deref() == Some(agent.as_str()))
        {
            subagent.tool_use_id = call;
        }
    }
    Ok(())
}

/// The lines of a file from an offset on, and whether it goes on behind them.
fn lines(
    ground: &Ground<'_>,
    file: &StoredFile,
    from: u64,
    slice: u64,
    bytes: &mut u64,
) -> Result<(Lines, bool), store::Error> {
    let mut cutter = Cutter::new(file.id, from);
    let mut read = 0;
    ground.bytes(file.id, from, |chunk| {
        cutter.feed(chunk);
        read += chunk.len() as u64;
        if read >= slice && cutter.found() > 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    *bytes += read;
    let more = from + read < file.size;
    let found = if more { cutter.pause() } else { cutter.finish() };
    if !found.unreadable.is_empty() {
        tracing::debug!(transcript = file.id.0, n_pieces = found.unreadable.len(), "unreadable pieces of a transcript");
    }
    Ok((found, more))
}
