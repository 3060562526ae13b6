//! Which lines and files of a session go.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use store::TranscriptId;
use store::json::Object;
use store::json::pieces::{self, Piece, readable};
use store::sieve::{Of, Signs};
use store::write::{Ground, Role, StoredFile};

use super::telling::Telling;
use super::{Lineage, Plan};
use crate::forget::line::{Sort, sort};
use crate::transcripts::line::Line;

impl Lineage<'_> {
    pub(super) fn files(&self, ground: &Ground<'_>, session: &str, plan: &mut Plan) -> Result<(), store::Error> {
        let files = ground.files(session)?;
        let mut mentions = Mentions::of(&files, ground)?;
        let with_lines = || files.iter().filter(|file| matches!(file.role, Role::Main | Role::Subagent));
        let is_gone = |file: &StoredFile| self.whole.contains(session) || self.is_agent_gone(session, file);
        let mut telling = Telling::of(self.conversations.iter().filter(|(one, _)| one.session_id == session));
        if self.unknown.contains(session) {
            for file in with_lines() {
                self.tell(ground, session, file, is_gone(file), &mut telling)?;
            }
        }
        for file in with_lines() {
            self.lines(ground, session, file, is_gone(file), &telling, &mut mentions, plan)?;
        }
        for file in files.iter().filter(|file| matches!(file.role, Role::Meta | Role::ToolResult)) {
            let is_gone = is_gone(file)
                || file.role == Role::ToolResult && mentions.is_gone(file.id, &self.gone_calls, &self.kept_calls);
            if is_gone && let Some(path) = mentions.paths.get(&file.id) {
                plan.files.push(Of::new(file.role, session, path));
            }
        }
        plan.sifted.extend(files.iter().map(|file| file.id));
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

    /// What the lines of conversations say.
    fn tell(
        &self,
        ground: &Ground<'_>,
        session: &str,
        file: &StoredFile,
        is_whole: bool,
        telling: &mut Telling,
    ) -> Result<(), store::Error> {
        each_piece(ground, file.id, |at, piece| {
            let Piece::Value(_, json) = piece else { return };
            let Some(object) = Object::parse(json) else { return };
            let Some((sort, line)) = sort(&object, (file.id, at), json) else { return };
            if matches!(sort, Sort::Of | Sort::Results(_) | Sort::Other) {
                telling.add(&object, self.is_line_gone(session, &sort, &line, is_whole));
            }
        })
    }

    #[expect(clippy::too_many_arguments, reason = "what is read, what decides, and what comes of it")]
    fn lines(
        &self,
        ground: &Ground<'_>,
        session: &str,
        file: &StoredFile,
        is_whole: bool,
        telling: &Telling,
        mentions: &mut Mentions,
        plan: &mut Plan,
    ) -> Result<(), store::Error> {
        let of = Of::new(file.role, session, mentions.paths.get(&file.id).map_or("", String::as_str));
        let mut after_gone = false;
        each_piece(ground, file.id, |at, piece| {
            let (text, is_gone) = match piece {
                Piece::Value(_, json) => (json, self.is_piece_gone(session, (file.id, at), json, is_whole, telling)),
                Piece::Unreadable(_, text) => (text, is_whole || after_gone),
            };
            if self.gone_lines.contains(&(file.id, at)) || self.kept_lines.contains(&(file.id, at)) {
                after_gone = is_gone;
            }
            mentions.note(text, is_gone);
            plan.add(Signs::of(&of, piece), is_gone);
        })
    }

    fn is_piece_gone(
        &self,
        session: &str,
        at: (TranscriptId, u64),
        json: &str,
        is_whole: bool,
        telling: &Telling,
    ) -> bool {
        let parsed = Object::parse(json).and_then(|object| sort(&object, at, json));
        parsed.map_or(is_whole, |(sort, line)| {
            self.is_line_gone(session, &sort, &line, is_whole) || sort == Sort::Unknown && telling.is_of_gone(json)
        })
    }

    fn is_line_gone(&self, session: &str, sort: &Sort, line: &Line, is_whole: bool) -> bool {
        match sort {
            // Made of all that came before it.
            Sort::Summary(at_ms) => is_whole || self.since.get(session).is_some_and(|since| *at_ms >= *since),
            Sort::Results(calls) if !calls.is_empty() && calls.iter().all(|call| self.gone_calls.contains(call)) => {
                true
            }
            Sort::Of | Sort::Results(_) => self.is_of_gone(line).unwrap_or(is_whole),
            Sort::Text => true,
            Sort::Queued(key, text) => {
                let is_queued_gone = |text: &String| self.is_queued_gone(session, key, text);
                is_whole || self.gone_operations.contains(&line.at) || text.as_ref().is_some_and(is_queued_gone)
            }
            Sort::Other | Sort::Unknown => is_whole || self.gone_lines.contains(&line.at),
            // Without a time it may be written again, word for word.
            Sort::State => is_whole || line.at_ms.is_some() && self.gone_lines.contains(&line.at),
        }
    }

    /// Whether a line with a uuid, or a copy of it, belongs to what goes; `None` if it belongs to nobody. Lines that share a
    /// uuid and say something else are told by that; a line that both need stays.
    fn is_of_gone(&self, line: &Line) -> Option<bool> {
        let by_uuid = |uuids: &HashSet<String>| line.uuids().any(|uuid| uuids.contains(uuid));
        match () {
            () if self.kept_keys.contains(&line.key) => Some(false),
            () if self.gone_keys.contains(&line.key) => Some(true),
            () if by_uuid(&self.kept_uuids) => Some(false),
            () if by_uuid(&self.gone_uuids) => Some(true),
            () => None,
        }
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

/// Which files that large tool outputs were written to are named by a line that goes, and by one that stays.
struct Mentions {
    paths: HashMap<TranscriptId, String>,
    outputs: Vec<(TranscriptId, String)>,
    gone: HashSet<TranscriptId>,
    kept: HashSet<TranscriptId>,
}

impl Mentions {
    fn of(files: &[StoredFile], ground: &Ground<'_>) -> Result<Self, store::Error> {
        let (paths, outputs) = (HashMap::new(), Vec::new());
        let mut found = Self { paths, outputs, gone: HashSet::new(), kept: HashSet::new() };
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

    fn note(&mut self, line: &str, is_gone: bool) {
        let named = self.outputs.iter().filter(|(_, name)| line.contains(name.as_str())).map(|(id, _)| *id);
        if is_gone { self.gone.extend(named) } else { self.kept.extend(named) }
    }

    /// Whether what goes names it, by its call or in a line, and nothing that stays needs it. What nobody names may be of a
    /// call that still runs.
    fn is_gone(&self, id: TranscriptId, gone: &HashSet<String>, kept: &HashSet<String>) -> bool {
        let name = self.outputs.iter().find(|(file, _)| *file == id).map_or("", |(_, name)| name);
        let call = name.split('.').next().unwrap_or(name);
        gone.contains(call) || self.gone.contains(&id) && !kept.contains(call) && !self.kept.contains(&id)
    }
}
