//! Decides, for the sessions of one lineage, what belongs to the chosen conversations, and forgets it in one transaction.
//!
//! Lines of conversations are told by what they belong to (`correlate::belongings`), in every file and every fork that repeats
//! them. What belongs to nobody for certain (titles, the last prompt, what was queued) mostly repeats a prompt: in a session
//! of which anything is forgotten it goes too, unless a conversation that stays needs it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use store::json::Object;
use store::json::pieces::{self, Piece, readable};
use store::sieve::Of;
use store::write::{Batch, Event, Ground, HISTORY_SESSION, Role, StoredFile, TypedLine, Wanted, Writer};
use store::{ConversationId, EventId, TranscriptId};

use super::line::{Sort, sort};
use crate::correlate::event::{self, HookEvent};
use crate::correlate::history::{Typed, fits};
use crate::correlate::{self, Belongings, Input};
use crate::derive::whole;

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
    chosen: &'a BTreeSet<ConversationId>,
    sessions: BTreeSet<String>,
    /// Of which nothing stays.
    whole: BTreeSet<String>,
    /// With whether each is chosen.
    conversations: Vec<(Belongings, bool)>,
    kept_uuids: HashSet<String>,
    gone_uuids: HashSet<String>,
    gone_calls: HashSet<String>,
    kept_calls: HashSet<String>,
    kept_lines: HashSet<(TranscriptId, u64)>,
    gone_lines: HashSet<(TranscriptId, u64)>,
    kept_queued: HashSet<[u8; 16]>,
    /// When each session had something forgotten first.
    since: HashMap<String, i64>,
}

/// What is to be laid down: everything is read before the write lock is taken.
#[derive(Default)]
struct Plan {
    pieces: Vec<(Of, String)>,
    files: Vec<Of>,
    events: BTreeSet<EventId>,
    prompts: BTreeSet<String>,
    touched: BTreeSet<TranscriptId>,
}

/// Forgets the `chosen` of the lineage of `session`. Dropping the batch undoes all of it.
///
/// # Errors
/// The store's.
pub(super) fn forget(
    writer: &mut Writer,
    session: &str,
    chosen: &BTreeSet<ConversationId>,
    now_ms: i64,
    keep: bool,
) -> Result<Gone, store::Error> {
    let (plan, mut gone, ids) = {
        let ground = writer.ground()?;
        let lineage = Lineage::read(&ground, session, chosen)?;
        let mut plan = Plan::default();
        for session in &lineage.sessions {
            lineage.files(&ground, session, &mut plan)?;
            lineage.events(&ground, session, &mut plan)?;
            lineage.typed(&ground, session, &mut plan)?;
        }
        let (sessions, whole) = (lineage.sessions.clone(), lineage.whole.clone());
        let mut gone = Gone { sessions, whole, ..Gone::default() };
        for id in &plan.touched {
            if let Some((root, path)) = ground.place_of(*id)? {
                gone.files.insert(Path::new(&root).join(path));
            }
        }
        let ids = lineage.ids(&ground)?;
        for id in &ids {
            if ground.may_run(*id, now_ms - RUNNING_MS)? {
                gone.running.insert(*id);
            }
        }
        (plan, gone, ids)
    };
    let batch = writer.batch()?;
    gone.names = lay(&batch, &plan, now_ms)?;
    for id in &plan.touched {
        batch.sift(*id)?;
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
    for (of, text) in &plan.pieces {
        let piece = if text.starts_with('{') { Piece::Value(0, text) } else { Piece::Unreadable(0, text) };
        batch.forget_piece(of, piece, now_ms)?;
    }
    plan.files.iter().try_for_each(|of| batch.forget_file(of, now_ms))?;
    plan.prompts.iter().try_for_each(|id| batch.forget_prompt(id, now_ms))?;
    let mut names = BTreeSet::new();
    for id in &plan.events {
        names.extend(batch.forget_event(*id, now_ms)?);
    }
    Ok(names)
}

impl<'a> Lineage<'a> {
    fn read(ground: &Ground<'_>, session: &str, chosen: &'a BTreeSet<ConversationId>) -> Result<Self, store::Error> {
        let inputs = whole::inputs(ground, session)?;
        let mut found = Self {
            chosen,
            sessions: BTreeSet::new(),
            whole: BTreeSet::new(),
            conversations: Vec::new(),
            kept_uuids: HashSet::new(),
            gone_uuids: HashSet::new(),
            gone_calls: HashSet::new(),
            kept_calls: HashSet::new(),
            kept_lines: HashSet::new(),
            gone_lines: HashSet::new(),
            kept_queued: HashSet::new(),
            since: HashMap::new(),
        };
        for belongings in correlate::belongings(&inputs) {
            let id = ground.conversation_of(&belongings.keys)?;
            let is_gone = id.is_some_and(|id| chosen.contains(&id));
            found.add(belongings, is_gone);
        }
        found.choose_sessions(ground, &inputs)?;
        found.gone_uuids.retain(|uuid| !found.kept_uuids.contains(uuid));
        Ok(found)
    }

    fn add(&mut self, one: Belongings, is_gone: bool) {
        let (uuids, lines) = match is_gone {
            true => (&mut self.gone_uuids, &mut self.gone_lines),
            false => (&mut self.kept_uuids, &mut self.kept_lines),
        };
        uuids.extend(one.uuids.iter().cloned());
        lines.extend(one.lines.iter().copied());
        if is_gone {
            self.gone_calls.extend(one.calls.iter().cloned());
            let since = self.since.entry(one.session_id.clone()).or_insert(i64::MAX);
            *since = one.at_ms.min(*since);
        } else {
            self.kept_queued.extend(one.queued.iter().copied());
            self.kept_calls.extend(one.calls.iter().cloned());
        }
        self.conversations.push((one, is_gone));
    }

    /// A session is touched if something of it is chosen, or a fork of that may repeat it; it goes as a whole if nothing of
    /// it stays.
    fn choose_sessions(&mut self, ground: &Ground<'_>, inputs: &[Input]) -> Result<(), store::Error> {
        for input in inputs {
            let all = ground.conversations_of(&input.session_id)?;
            if !all.is_empty() && all.is_subset(self.chosen) {
                self.whole.insert(input.session_id.clone());
            }
            let repeats = input
                .files
                .iter()
                .flatten()
                .any(|line| line.uuid.as_ref().is_some_and(|uuid| self.gone_uuids.contains(uuid)));
            if repeats || !all.is_disjoint(self.chosen) {
                self.sessions.insert(input.session_id.clone());
            }
        }
        Ok(())
    }

    /// The chosen conversations of the touched sessions.
    fn ids(&self, ground: &Ground<'_>) -> Result<BTreeSet<ConversationId>, store::Error> {
        let mut ids = BTreeSet::new();
        for session in &self.sessions {
            ids.extend(ground.conversations_of(session)?.intersection(self.chosen));
        }
        Ok(ids)
    }

    fn files(&self, ground: &Ground<'_>, session: &str, plan: &mut Plan) -> Result<(), store::Error> {
        let files = ground.files(session)?;
        let mut mentions = Mentions::of(&files, ground)?;
        for file in files.iter().filter(|file| matches!(file.role, Role::Main | Role::Subagent)) {
            let is_whole = self.whole.contains(session) || self.is_agent_gone(session, file);
            self.lines(ground, session, file, is_whole, &mut mentions, plan)?;
        }
        for file in files.iter().filter(|file| matches!(file.role, Role::Meta | Role::ToolResult)) {
            let is_gone = self.whole.contains(session)
                || match file.role {
                    Role::Meta => self.is_agent_gone(session, file),
                    _ => mentions.is_gone(file.id, &self.gone_calls, &self.kept_calls),
                };
            if is_gone && let Some(path) = mentions.paths.get(&file.id) {
                plan.files.push(Of::new(file.role, session, path));
                plan.touched.insert(file.id);
            }
        }
        Ok(())
    }

    /// Whether all that a subagent was asked is chosen.
    fn is_agent_gone(&self, session: &str, file: &StoredFile) -> bool {
        let Some(agent) = &file.agent_id else { return false };
        let bare = |id: &str| id.strip_prefix("agent-").unwrap_or(id).to_owned();
        let mut own = self.conversations.iter().filter(|(one, _)| {
            one.session_id == session
                && one.is_agents
                && one.agent_id.as_deref().is_some_and(|id| bare(id) == bare(agent))
        });
        let first = own.next();
        first.is_some_and(|(_, is_gone)| *is_gone) && own.all(|(_, is_gone)| *is_gone)
    }

    fn lines(
        &self,
        ground: &Ground<'_>,
        session: &str,
        file: &StoredFile,
        is_whole: bool,
        mentions: &mut Mentions,
        plan: &mut Plan,
    ) -> Result<(), store::Error> {
        let of = Of::new(file.role, session, mentions.paths.get(&file.id).map_or("", String::as_str));
        let mut after_gone = false;
        each_piece(ground, file.id, |at, piece| {
            let (text, is_gone) = match piece {
                Piece::Value(_, json) => (json, self.is_line_gone(session, (file.id, at), json, is_whole)),
                Piece::Unreadable(_, text) => (text, is_whole || after_gone),
            };
            if self.gone_lines.contains(&(file.id, at)) || self.kept_lines.contains(&(file.id, at)) {
                after_gone = is_gone;
            }
            if !is_gone {
                mentions.keep(text);
            } else {
                plan.pieces.push((of.clone(), text.trim_end().to_owned()));
                plan.touched.insert(file.id);
            }
        })
    }

    fn is_line_gone(&self, session: &str, at: (TranscriptId, u64), json: &str, is_whole: bool) -> bool {
        let Some(object) = Object::parse(json) else { return is_whole };
        let uuid = object.text("uuid");
        let original = object.object("forkedFrom").and_then(|from| from.text("messageUuid"));
        let known = || original.iter().chain(&uuid);
        match sort(&object, at, json) {
            // Made of all that came before it.
            Sort::Summary(at_ms) => is_whole || self.since.get(session).is_some_and(|since| at_ms >= *since),
            Sort::Results(calls) if !calls.is_empty() && calls.iter().all(|call| self.gone_calls.contains(call)) => {
                true
            }
            Sort::Of | Sort::Results(_) => {
                let is_kept = known().any(|uuid| self.kept_uuids.contains(uuid));
                !is_kept && (is_whole || known().any(|uuid| self.gone_uuids.contains(uuid)))
            }
            Sort::Text => true,
            Sort::Unknown(texts) => is_whole || self.gone_lines.contains(&at) || self.is_of_gone(session, &texts),
            Sort::Queued(key, text) => {
                is_whole || !self.kept_queued.contains(&key) && !text.is_some_and(|text| self.is_asked(session, &text))
            }
            Sort::Other => is_whole || self.gone_lines.contains(&at),
        }
    }

    /// Whether one of these texts says what somebody asked who is forgotten, or a good part of it.
    fn is_of_gone(&self, session: &str, texts: &[String]) -> bool {
        const TELLING: usize = 8; // shorter ones are in everything
        let mut gone = self.conversations.iter().filter(|(one, is_gone)| *is_gone && one.session_id == session);
        gone.any(|(one, _)| {
            let prompt = one.prompt.as_deref().unwrap_or_default().trim();
            texts.iter().map(|text| text.trim()).any(|text| {
                text == prompt && !prompt.is_empty()
                    || prompt.len() >= TELLING && text.contains(prompt)
                    || text.len() >= TELLING && prompt.contains(text)
            })
        })
    }

    /// Whether a conversation that stays asked just this.
    fn is_asked(&self, session: &str, text: &str) -> bool {
        let is = |one: &Belongings| one.prompt.as_deref().is_some_and(|prompt| prompt.trim() == text.trim());
        self.conversations.iter().any(|(one, is_gone)| !is_gone && one.session_id == session && is(one))
    }

    fn events(&self, ground: &Ground<'_>, session: &str, plan: &mut Plan) -> Result<(), store::Error> {
        let mut events = Vec::new();
        ground.events(session, i64::MIN, |stored: Event| {
            events.push((event::parse(&stored), stored.event.clone()));
        })?;
        let mut owner: HashMap<EventId, bool> = HashMap::new();
        for (one, is_gone) in self.conversations.iter().filter(|(one, _)| one.session_id == session) {
            owner.extend(one.events.iter().map(|id| (*id, *is_gone)));
        }
        for (event, name) in &events {
            let is_gone = self.whole.contains(session)
                || match owner.get(&event.id) {
                    Some(is_gone) => *is_gone,
                    None => self.is_event_gone(session, event, name),
                };
            if is_gone {
                plan.events.insert(event.id);
            }
        }
        let mut prompts: BTreeMap<&str, bool> = BTreeMap::new();
        for (one, is_gone) in &self.conversations {
            if let Some(id) = &one.prompt_id {
                *prompts.entry(id).or_insert(true) &= is_gone;
            }
        }
        plan.prompts.extend(prompts.into_iter().filter(|(_, gone)| *gone).map(|(id, _)| id.to_owned()));
        Ok(())
    }

    /// Of an event that deriving gave to nobody: what runs then is asked, by the prompt's id or else by time.
    fn is_event_gone(&self, session: &str, event: &HookEvent, name: &str) -> bool {
        if matches!(name, "SessionStart" | "SessionEnd" | "Setup") {
            return false;
        }
        if name == "PostCompact" || name == "PreCompact" {
            return self.since.get(session).is_some_and(|since| event.at_ms >= *since);
        }
        let own = || self.conversations.iter().filter(|(one, _)| one.session_id == session && !one.is_agents);
        let last = |id: Option<&str>| {
            let fits = |one: &Belongings| one.at_ms <= event.at_ms && (id.is_none() || one.prompt_id.as_deref() == id);
            own().filter(|(one, _)| fits(one)).max_by_key(|(one, _)| one.at_ms).map(|(_, is_gone)| *is_gone)
        };
        let bare = |id: &str| id.strip_prefix("agent-").unwrap_or(id).to_owned();
        let agents = event.agent_id.as_deref().and_then(|agent| {
            let of = |one: &Belongings| one.agent_id.as_deref().is_some_and(|id| bare(id) == bare(agent));
            self.conversations.iter().find(|(one, _)| one.session_id == session && of(one)).map(|(_, is_gone)| *is_gone)
        });
        let named = || event.prompt_id.as_deref().and_then(|id| last(Some(id)));
        agents.or_else(named).or_else(|| last(None)).unwrap_or(false)
    }

    /// The lines of history.jsonl that were typed for what goes.
    fn typed(&self, ground: &Ground<'_>, session: &str, plan: &mut Plan) -> Result<(), store::Error> {
        let of = Of::new(Role::History, HISTORY_SESSION, "history.jsonl");
        let mut take = |line: &TypedLine, is_gone: bool| {
            if is_gone {
                plan.pieces.push((of.clone(), line.json.trim_end().to_owned()));
                plan.touched.insert(line.transcript);
            }
        };
        for line in ground.typed(session, Wanted::All)? {
            let is_gone = self.whole.contains(session) || self.is_typed_gone(session, &line);
            take(&line, is_gone);
        }
        // Old versions name no session.
        for line in ground.typed("", Wanted::All)? {
            take(&line, self.owner_by_text(None, &line).is_some_and(|(_, is_gone)| is_gone));
        }
        Ok(())
    }

    fn is_typed_gone(&self, session: &str, line: &TypedLine) -> bool {
        let key = store::Key::Line(line.key);
        if let Some((_, is_gone)) = self.conversations.iter().find(|(one, _)| one.keys.contains(&key)) {
            return *is_gone;
        }
        if let Some((_, is_gone)) = self.owner_by_text(Some(session), line) {
            return is_gone;
        }
        let before = self
            .conversations
            .iter()
            .filter(|(one, _)| one.session_id == session && !one.is_agents && one.at_ms <= line.at_ms);
        before.max_by_key(|(one, _)| one.at_ms).is_some_and(|(_, is_gone)| *is_gone)
    }

    /// The conversation nearest in time that asked what was typed; without a session only one within minutes.
    fn owner_by_text(&self, session: Option<&str>, line: &TypedLine) -> Option<(u64, bool)> {
        const NEAR_MS: u64 = 600_000;
        let typed = Typed::parse(line)?;
        let fitting = self.conversations.iter().filter(|(one, _)| {
            !one.is_agents
                && session.is_none_or(|session| one.session_id == session)
                && one.prompt.as_deref().is_some_and(|prompt| fits(&typed, prompt, one.at_ms))
        });
        let nearest = fitting.map(|(one, is_gone)| (one.at_ms.abs_diff(line.at_ms), *is_gone)).min()?;
        (session.is_some() || nearest.0 <= NEAR_MS).then_some(nearest)
    }
}

/// Shows every piece of a stored file, with the place where it begins.
fn each_piece(ground: &Ground<'_>, id: TranscriptId, mut take: impl FnMut(u64, Piece<'_>)) -> Result<(), store::Error> {
    let (mut open, mut start) = (Vec::new(), 0);
    let mut line = |bytes: &[u8], start: &mut u64| {
        pieces::each(&readable(bytes), true, |piece| {
            let (Piece::Value(at, _) | Piece::Unreadable(at, _)) = piece;
            take(*start + at as u64, piece);
        });
        *start += bytes.len() as u64;
    };
    ground.bytes(id, 0, |chunk| {
        for part in chunk.split_inclusive(|byte| *byte == b'\n') {
            open.extend_from_slice(part);
            if part.ends_with(b"\n") {
                line(&open, &mut start);
                open.clear();
            }
        }
        ControlFlow::Continue(())
    })?;
    line(&open, &mut start);
    Ok(())
}

/// Which files that large tool outputs were written to are named by a line that stays.
struct Mentions {
    paths: HashMap<TranscriptId, String>,
    outputs: Vec<(TranscriptId, String)>,
    kept: HashSet<TranscriptId>,
}

impl Mentions {
    fn of(files: &[StoredFile], ground: &Ground<'_>) -> Result<Self, store::Error> {
        let mut found = Self { paths: HashMap::new(), outputs: Vec::new(), kept: HashSet::new() };
        for file in files {
            let path = ground.path_of(file.id)?;
            if file.role == Role::ToolResult {
                let name = path.rsplit('/').next().unwrap_or(&path);
                found.outputs.push((file.id, name.to_owned()));
            }
            found.paths.insert(file.id, path);
        }
        Ok(found)
    }

    /// A line that stays.
    fn keep(&mut self, line: &str) {
        let named = self.outputs.iter().filter(|(_, name)| line.contains(name.as_str()));
        self.kept.extend(named.map(|(id, _)| *id));
    }

    /// One that nothing needs that stays goes: it is named by its call, or by the line that tells of it.
    fn is_gone(&self, id: TranscriptId, gone: &HashSet<String>, kept: &HashSet<String>) -> bool {
        let name = self.outputs.iter().find(|(file, _)| *file == id).map_or("", |(_, name)| name);
        let call = name.split('.').next().unwrap_or(name);
        gone.contains(call) || !kept.contains(call) && !self.kept.contains(&id)
    }
}
