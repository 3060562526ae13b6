//! Decides, for the sessions of one lineage, what belongs to the chosen conversations, and forgets it in one transaction.
//!
//! Lines of conversations are told by what they belong to (`correlate::belongings`), in every file and every fork that repeats
//! them. What belongs to nobody for certain (titles, the last prompt, what was queued) mostly repeats a prompt: in a session
//! of which anything is forgotten it goes too, unless a conversation that stays needs it.

mod events;
mod lines;
mod telling;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use store::sieve::{Known, Of, Signs};
use store::write::{Batch, Ground, Writer};
use store::{ConversationId, EventId, TranscriptId};

use super::choose::Chosen;
use crate::correlate::{self, Belongings, Input, composer};
use crate::derive::whole;
use crate::transcripts::line::{Body, Line, Operation};

/// What ended nowhere and was heard of since may still run.
const RUNNING_MS: i64 = 600_000;

/// What was forgotten of a lineage, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Gone {
    pub(super) sessions: BTreeSet<String>,
    pub(super) whole: BTreeSet<String>,
    pub(super) conversations: u64,
    pub(super) events: u64,
    pub(super) titles: u64,
    /// Files of Claude Code in which something was blanked; they still hold it.
    pub(super) files: BTreeSet<PathBuf>,
    /// The queue files of its events.
    pub(super) names: BTreeSet<String>,
    /// Conversations that may still run: what they say from now on is captured.
    pub(super) running: BTreeSet<ConversationId>,
}

/// A lineage that is being forgotten, in whole or in part.
struct Lineage<'a> {
    chosen: &'a Chosen,
    sessions: BTreeSet<String>,
    /// Of which nothing stays.
    whole: BTreeSet<String>,
    /// All of the lineage, and of these those with lines of types that we do not know.
    all: BTreeSet<String>,
    unknown: HashSet<String>,
    /// With whether each is chosen.
    conversations: Vec<(Belongings, bool)>,
    kept_uuids: HashSet<String>,
    gone_uuids: HashSet<String>,
    kept_keys: HashSet<[u8; 16]>,
    gone_keys: HashSet<[u8; 16]>,
    gone_calls: HashSet<String>,
    kept_calls: HashSet<String>,
    kept_lines: HashSet<(TranscriptId, u64)>,
    gone_lines: HashSet<(TranscriptId, u64)>,
    kept_queued: HashSet<[u8; 16]>,
    /// Those that took what goes out of the composer's queue.
    gone_operations: HashSet<(TranscriptId, u64)>,
    /// When each session had something forgotten first.
    since: HashMap<String, i64>,
}

/// What is to be laid down: everything is read before the write lock is taken.
#[derive(Default)]
struct Plan {
    gone: HashSet<Signs>,
    /// What something that stays is known by too: nothing is laid for it.
    kept: HashSet<Known>,
    files: Vec<Of>,
    /// With a hash of its bytes.
    events: BTreeMap<EventId, [u8; 16]>,
    kept_payloads: HashSet<[u8; 16]>,
    prompts: BTreeSet<String>,
    /// The files in which something may have to be blanked.
    sifted: BTreeSet<TranscriptId>,
}

impl Plan {
    fn add(&mut self, signs: Signs, is_gone: bool) {
        if is_gone {
            self.gone.insert(signs);
        } else {
            self.kept.extend(signs.uuid);
            self.kept.insert(signs.content);
        }
    }

    /// By what each thing that goes is known, and nothing that stays.
    fn known(&self) -> impl Iterator<Item = Known> {
        let own = |known: &Known| !self.kept.contains(known);
        self.gone.iter().filter_map(move |signs| signs.uuid.filter(own).or(Some(signs.content).filter(own)))
    }
}

/// Forgets the `chosen` of the lineage of `session`. Dropping the batch undoes all of it.
///
/// # Errors
/// The store's.
pub(super) fn forget(
    writer: &mut Writer,
    session: &str,
    chosen: &Chosen,
    now_ms: i64,
    keep: bool,
) -> Result<Gone, store::Error> {
    let (plan, places, mut gone, ids) = {
        let ground = writer.ground()?;
        let lineage = Lineage::read(&ground, session, chosen)?;
        let mut plan = Plan::default();
        for session in &lineage.sessions {
            lineage.files(&ground, session, &mut plan)?;
            lineage.events(&ground, session, &mut plan)?;
            lineage.typed(&ground, session, &mut plan)?;
            lineage.later(session, &mut plan);
        }
        plan.kept.extend(lineage.kept_uuids.iter().map(|uuid| Known::uuid(uuid)));
        for session in lineage.all.difference(&lineage.sessions) {
            plan.sifted.extend(ground.files(session)?.iter().map(|file| file.id));
        }
        let mut places = HashMap::new();
        for id in &plan.sifted {
            places.extend(ground.place_of(*id)?.map(|(root, path)| (*id, Path::new(&root).join(path))));
        }
        let (sessions, whole) = (lineage.sessions.clone(), lineage.whole.clone());
        let mut gone = Gone { sessions, whole, ..Gone::default() };
        let ids = lineage.ids(&ground)?;
        for id in &ids {
            if ground.may_run(*id, now_ms - RUNNING_MS)? {
                gone.running.insert(*id);
            }
        }
        (plan, places, gone, ids)
    };
    let batch = writer.batch()?;
    gone.names = lay(&batch, &plan, now_ms)?;
    for id in &plan.sifted {
        if batch.sift(*id)? {
            gone.files.extend(places.get(id).cloned());
        }
    }
    for id in &ids {
        batch.forget_conversation(*id, now_ms)?;
    }
    for session in &gone.whole {
        batch.forget_session(session, now_ms)?;
    }
    for session in &gone.sessions {
        gone.titles += batch.forget_titles(session, now_ms)?;
        batch.unseal(session)?;
        batch.mark_dirty(session)?;
    }
    gone.conversations = ids.len() as u64;
    gone.events = plan.events.len() as u64;
    if keep {
        batch.commit()?;
    }
    Ok(gone)
}

fn lay(batch: &Batch<'_>, plan: &Plan, now_ms: i64) -> Result<BTreeSet<String>, store::Error> {
    plan.known().try_for_each(|known| batch.forget(known, now_ms))?;
    plan.files.iter().try_for_each(|of| batch.forget_file(of, now_ms))?;
    plan.prompts.iter().try_for_each(|id| batch.forget_prompt(id, now_ms))?;
    let mut names = BTreeSet::new();
    for (id, payload) in &plan.events {
        names.extend(batch.forget_event(*id, !plan.kept_payloads.contains(payload), now_ms)?);
    }
    Ok(names)
}

impl<'a> Lineage<'a> {
    fn read(ground: &Ground<'_>, session: &str, chosen: &'a Chosen) -> Result<Self, store::Error> {
        let inputs = whole::inputs(ground, session)?;
        let mut found = Self {
            chosen,
            sessions: BTreeSet::new(),
            whole: BTreeSet::new(),
            all: BTreeSet::new(),
            unknown: HashSet::new(),
            conversations: Vec::new(),
            kept_uuids: HashSet::new(),
            gone_uuids: HashSet::new(),
            kept_keys: HashSet::new(),
            gone_keys: HashSet::new(),
            gone_calls: HashSet::new(),
            kept_calls: HashSet::new(),
            kept_lines: HashSet::new(),
            gone_lines: HashSet::new(),
            kept_queued: HashSet::new(),
            gone_operations: HashSet::new(),
            since: HashMap::new(),
        };
        for belongings in correlate::belongings(&inputs) {
            let id = ground.conversation_of(&belongings.keys)?;
            let is_gone = id.is_some_and(|id| chosen.conversations.contains(&id));
            found.add(belongings, is_gone);
        }
        found.choose_sessions(ground, &inputs)?;
        found.choose_operations(&inputs);
        let Self { gone_calls, kept_calls, .. } = &mut found;
        gone_calls.retain(|call| !kept_calls.contains(call));
        Ok(found)
    }

    fn add(&mut self, one: Belongings, is_gone: bool) {
        let (uuids, keys, lines, calls) = match is_gone {
            true => (&mut self.gone_uuids, &mut self.gone_keys, &mut self.gone_lines, &mut self.gone_calls),
            false => (&mut self.kept_uuids, &mut self.kept_keys, &mut self.kept_lines, &mut self.kept_calls),
        };
        uuids.extend(one.uuids.iter().cloned());
        keys.extend(one.line_keys.iter().copied());
        lines.extend(one.lines.iter().copied());
        calls.extend(one.calls.iter().cloned());
        if is_gone {
            let since = self.since.entry(one.session_id.clone()).or_insert(i64::MAX);
            *since = one.at_ms.min(*since);
        } else {
            self.kept_queued.extend(one.queued.iter().copied());
        }
        self.conversations.push((one, is_gone));
    }

    /// A session is touched if something of it is chosen, or a fork of that may repeat it; it goes as a whole if nothing of
    /// it stays.
    fn choose_sessions(&mut self, ground: &Ground<'_>, inputs: &[Input]) -> Result<(), store::Error> {
        for input in inputs {
            let id = &input.session_id;
            let all = ground.conversations_of(id)?;
            let is_named = self.chosen.sessions.contains(id);
            if all.is_subset(&self.chosen.conversations) && (is_named || !all.is_empty()) {
                self.whole.insert(id.clone());
            }
            let subagents = input.subagents.iter().map(|subagent| &subagent.lines);
            let lines = || input.files.iter().chain(subagents.clone()).flatten();
            if is_named || !all.is_disjoint(&self.chosen.conversations) || lines().any(|line| self.repeats(line)) {
                self.sessions.insert(id.clone());
            }
            if lines().any(|line| matches!(line.body, Body::Unknown(_))) {
                self.unknown.insert(id.clone());
            }
            self.all.insert(id.clone());
        }
        Ok(())
    }

    /// An operation says nothing itself. It goes with all that it took out of the queue, or else what stays would leave the
    /// queue out of its turn.
    fn choose_operations(&mut self, inputs: &[Input]) {
        for input in inputs {
            for file in &input.files {
                let mut took: BTreeMap<usize, bool> = BTreeMap::new();
                for (queued_at, at) in composer::taken(file.iter()) {
                    let Body::Operation(Operation::Enqueue(text)) = &file[queued_at].body else { continue };
                    *took.entry(at).or_insert(true) &=
                        self.is_queued_gone(&input.session_id, &file[queued_at].key, text);
                }
                self.gone_operations.extend(took.into_iter().filter(|(_, gone)| *gone).map(|(at, _)| file[at].at));
            }
        }
    }

    fn is_queued_gone(&self, session: &str, key: &[u8; 16], text: &str) -> bool {
        let asks = |one: &Belongings| one.prompt.as_deref().is_some_and(|prompt| prompt.trim() == text.trim());
        let is_asked = || self.conversations.iter().any(|(one, gone)| !gone && one.session_id == session && asks(one));
        !self.kept_queued.contains(key) && !is_asked()
    }

    fn repeats(&self, line: &Line) -> bool {
        line.uuids().any(|uuid| self.gone_uuids.contains(uuid))
    }

    /// The chosen conversations of the touched sessions.
    fn ids(&self, ground: &Ground<'_>) -> Result<BTreeSet<ConversationId>, store::Error> {
        let mut ids = BTreeSet::new();
        for session in &self.sessions {
            ids.extend(ground.conversations_of(session)?.intersection(&self.chosen.conversations));
        }
        Ok(ids)
    }
}
