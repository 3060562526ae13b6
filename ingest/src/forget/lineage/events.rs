//! Which hook events of a session go, which lines of history.jsonl, and what is known of those that come later.

use std::collections::{BTreeMap, HashMap};

use store::json::pieces::Piece;
use store::sieve::{Known, Of, Signs};
use store::write::{Event, Ground, HISTORY_SESSION, Role, TypedLine, Wanted};
use store::{EventId, Key};

use super::{Lineage, Plan};
use crate::correlate::Belongings;
use crate::correlate::event::{self, HookEvent};
use crate::correlate::history::{Typed, fits};

impl Lineage<'_> {
    pub(super) fn events(&self, ground: &Ground<'_>, session: &str, plan: &mut Plan) -> Result<(), store::Error> {
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
                plan.events.insert(event.id, event.payload);
            } else {
                plan.kept_payloads.insert(event.payload);
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

    /// What lines and events without an id may say of it later.
    pub(super) fn later(&self, session: &str, plan: &mut Plan) {
        for (one, is_gone) in &self.conversations {
            let said = one.prompt.iter().chain(&one.answer).map(|text| Known::said(session, text));
            let noted = one.prompt.iter().map(|text| Known::last_prompt(session, text));
            for known in said.chain(noted) {
                plan.add(Signs { uuid: None, content: known }, *is_gone);
            }
        }
        for call in &self.gone_calls {
            plan.add(Signs { uuid: None, content: Known::call(call) }, true);
        }
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
    pub(super) fn typed(&self, ground: &Ground<'_>, session: &str, plan: &mut Plan) -> Result<(), store::Error> {
        let of = Of::new(Role::History, HISTORY_SESSION, "history.jsonl");
        let mut take = |line: &TypedLine, is_gone: bool| {
            plan.add(Signs::of(&of, Piece::Value(0, line.json.trim_end())), is_gone);
            if is_gone {
                plan.sifted.insert(line.transcript);
            }
        };
        for line in ground.typed(session, Wanted::All)? {
            // A conversation of which nothing else tells has its key from the line.
            let own = ground.conversation_of(&[Key::Line(line.key)])?;
            let is_gone = self.whole.contains(session)
                || match own {
                    Some(id) => self.chosen.conversations.contains(&id),
                    None => self.is_typed_gone(session, &line),
                };
            take(&line, is_gone);
        }
        // Old versions name no session.
        for line in ground.typed("", Wanted::All)? {
            take(&line, self.owner_by_text(None, &line).is_some_and(|(_, is_gone)| is_gone));
        }
        Ok(())
    }

    fn is_typed_gone(&self, session: &str, line: &TypedLine) -> bool {
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
