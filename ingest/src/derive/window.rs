//! Reads the end of a session, behind its seal, and makes sure that it can be derived alone.
//!
//! What is behind a seal gives the same rows alone as with all that came before, unless it names something settled: a
//! prompt id or a message that settled turns know, a call whose result comes late, a line that was there already. Then the
//! answer is `None`, and the whole lineage is read. A session without a seal begins at its beginning; a very long one is
//! read in slices, each settled before the next, so that memory stays flat.

use std::collections::BTreeSet;

use store::write::{Ground, Lineage, Part, Session as Facts, Turn};

use super::PARSER;
use super::seal::Seal;
use super::session;
use crate::correlate::{self, Correlated, Input};
use crate::transcripts::line::Body;

/// About so much of a file is correlated at once.
const SLICE: u64 = 16 * 1024 * 1024;

/// Reads a session behind its seal. `None` if it cannot be derived alone.
pub(super) fn read(ground: &Ground<'_>, session: &str, bytes: &mut u64) -> Result<Option<Lineage>, store::Error> {
    let last = ground.derivation(session)?.filter(|last| last.parser == PARSER).and_then(|last| last.settled);
    let seal = last.as_ref().and_then(|settled| Some((Seal::parse(settled)?, settled.from_ns)));
    let mut slice = SLICE;
    loop {
        let settled = seal.as_ref().map(|(seal, from_ns)| (seal, *from_ns));
        let Some((mut input, reach)) = session::read(ground, session, settled, slice, bytes)? else { return Ok(None) };
        correlate::unite(&mut [&mut input]);
        let prompt_lines = correlate::prompt_lines(&input);
        if ground.sessions_with(&prompt_lines)?.iter().any(|other| other != session) {
            return Ok(None);
        }
        let mut done = correlate::correlate(std::slice::from_ref(&input));
        if let Some((seal, _)) = &seal
            && !stands_alone(ground, seal, &input, &done)?
        {
            return Ok(None);
        }
        let cut = done.cuts.first().and_then(Option::as_ref);
        if reach.more && cut.is_none() {
            slice = slice.saturating_mul(2); // one turn longer than a slice
            continue;
        }
        let facts = done.facts.pop().unwrap_or_default();
        let before = seal.as_ref().map(|(seal, _)| seal.clone()).unwrap_or_default();
        let turns: Vec<&Turn> = done.turns.iter().collect();
        let part = Part {
            token: ground.token(session)?,
            prompt_lines,
            facts: Facts { session_id: session.to_owned(), ..before.facts.clone() }.then(facts),
            from: before.turns as i64,
            agents: input.subagents.iter().filter_map(|agent| agent.agent_id.clone()).collect(),
            parser: PARSER,
            settled: match cut {
                Some(cut) => Some(before.after(cut, &input, &reach, &turns, false)),
                None => last,
            },
            more: reach.more,
        };
        return Ok(Some(Lineage { parts: [(session.to_owned(), part)].into(), turns: done.turns }));
    }
}

/// Whether nothing behind the seal names anything before it.
fn stands_alone(ground: &Ground<'_>, seal: &Seal, input: &Input, done: &Correlated) -> Result<bool, store::Error> {
    let (session, from) = (input.session_id.as_str(), seal.turns as i64);
    if seal.turns == 0 {
        return Ok(true);
    }
    let own = || done.turns.iter().filter(|turn| turn.ordinal >= from && turn.parent.is_none());
    let lines = || input.files.iter().flatten();
    let agents = || input.subagents.iter().filter_map(|agent| agent.agent_id.as_deref());
    if done.orphans
        || lines().any(|line| line.sidechain)
        || (!seal.end_turn && input.files.iter().any(|file| correlate::has_end_turn(file)))
        // Which of two of one millisecond comes first is told by all that is known of both.
        || own().any(|turn| turn.timestamp_ms <= seal.until_ms)
        || agents().any(|agent| seal.waiting.iter().any(|id| id.strip_prefix("agent-").unwrap_or(id) == agent))
        || own().any(|turn| turn.prompt_id.as_ref().is_some_and(|id| seal.waiting.contains(id)))
        || names_no_turn(input)
        || (seal.shared && ownership_may_change(own()))
    {
        return Ok(false);
    }
    let calls: BTreeSet<&str> =
        done.turns.iter().flat_map(|turn| &turn.tool_calls).filter_map(|call| call.tool_use_id.as_deref()).collect();
    let answers_another = lines().any(|line| match &line.body {
        Body::User(user) => user.results.iter().any(|result| !calls.contains(result.tool_use_id.as_str())),
        _ => false,
    });
    if answers_another {
        return Ok(false);
    }
    for key in done.turns.iter().flat_map(|turn| turn.keys.iter().chain(&turn.former_keys)) {
        if ground.is_settled(key, session, from)? {
            return Ok(false);
        }
    }
    let of_events = input.events.iter().filter(|event| event.agent_id.is_none() && event.body.is_of_a_turn());
    let prompt_ids = own().filter_map(|turn| turn.prompt_id.as_deref());
    let prompt_ids: BTreeSet<&str> =
        prompt_ids.chain(of_events.filter_map(|event| event.prompt_id.as_deref())).collect();
    for prompt_id in prompt_ids {
        if ground.has_settled_prompt(prompt_id, session, from)? {
            return Ok(false);
        }
    }
    let agents: BTreeSet<&str> = agents().collect();
    for usage in done.turns.iter().flat_map(|turn| &turn.usage) {
        if ground.has_settled_message(&usage.message_id, session, from, |agent| agents.contains(agent))? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether an event of an old client, which names no turn, comes before any submit: it belongs to a settled turn.
fn names_no_turn(input: &Input) -> bool {
    let of_turns = input.events.iter().filter(|event| event.agent_id.is_none() && event.body.is_of_a_turn());
    let mut before = of_turns.take_while(|event| event.prompt().is_none());
    before.any(|event| event.prompt_id.is_none())
}

/// In a lineage of several sessions: a submit that no line confirms may be that of a copied line, and prompt ids that
/// repeat tell who owns a copy.
fn ownership_may_change<'t>(own: impl Iterator<Item = &'t Turn>) -> bool {
    let mut ids = BTreeSet::new();
    own.into_iter()
        .any(|turn| !turn.from_transcript || turn.prompt_id.as_deref().is_some_and(|id| !ids.insert(id.to_owned())))
}
