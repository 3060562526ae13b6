//! Our entries into a settings file and out of it again: text in, text out, and every byte that is not ours as it was.
//!
//! What calls our hook already, in whatever form and by whoever's hand, is renewed where it stands; each event has one call
//! in the end. A group that lets only some tools through is no place for it, because then the rest would be missed. A line that
//! does something else beside is left as it is.

use serde_json::Value;

use super::document::{Document, EventList, Fault, Group};
use super::layout::{Edit, Entry, Layout, edited, indent, remove};
use crate::claude::Var;
use crate::setup::call::Call;
use crate::setup::events::{self, Event};
use crate::setup::version::Version;

/// What is to be called.
pub(super) struct Wanted<'a> {
    pub(super) call: Call<'a>,
    pub(super) events: Vec<Event>,
    pub(super) version: Option<Version>,
}

/// What becomes of a handler or of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fate {
    Stays,
    Becomes(String),
    Goes,
}

/// What becomes of a group: of all of it, or of each of its handlers.
enum Decision {
    Whole(String),
    Each(Vec<Fate>),
}

/// `text` with our entries. A file without anything in it is one without settings.
pub(super) fn put(text: &str, wanted: &Wanted<'_>, var: Var<'_>) -> Result<String, Fault> {
    let text = if text.trim().is_empty() { "{}\n" } else { text };
    let document = Document::parse(text, var)?;
    let layout = Layout::of(&document);
    let edits = fold(&document, &mut Renewing { wanted, text, layout: &layout });
    let renewed = edited(text, edits);
    let document = Document::parse(&renewed, var)?;
    let layout = Layout::of(&document);
    let added = add(&document, wanted, &layout);
    Ok(edited(&renewed, added))
}

/// Whether a call is ours to take out.
pub(super) type Ours<'a> = &'a dyn Fn(&crate::claude::Call) -> bool;

/// `text` without our entries. Lists that are empty then go too, unless they were there `before`.
pub(super) fn take_out(text: &str, before: Option<&str>, var: Var<'_>, ours: Ours<'_>) -> Result<String, Fault> {
    if text.trim().is_empty() {
        return Ok(text.to_owned());
    }
    let mut document = Document::parse(text, var)?;
    let mut before = before.and_then(|before| Document::parse(before, var).ok());
    document.retain_calls(ours);
    before.iter_mut().for_each(|before| before.retain_calls(ours));
    let edits = fold(&document, &mut Leaving { before: before.as_ref() });
    Ok(edited(text, edits))
}

/// The edits that add what is not called for yet.
fn add(document: &Document<'_>, wanted: &Wanted<'_>, layout: &Layout) -> Vec<Edit> {
    let text = document.text;
    let entry = |event: &Event| Entry { name: Some(event.name), value: [wanted.call.group(*event)] };
    let Some(hooks) = &document.hooks else {
        let entries: Vec<_> = wanted.events.iter().map(entry).collect();
        return vec![layout.append(text, &document.root, &[Entry { name: Some("hooks"), value: InOrder(&entries) }])];
    };
    let mut edits = Vec::new();
    let mut missing = Vec::new();
    for event in &wanted.events {
        match hooks.events.iter().find(|list| list.name == event.name) {
            None => missing.push(entry(event)),
            Some(list) if list.groups.iter().any(|group| group.calls() > 0) => {}
            Some(list) => {
                let group = Entry { name: None, value: wanted.call.group(*event) };
                edits.push(layout.append(text, &list.list, &[group]));
            }
        }
    }
    if !missing.is_empty() {
        edits.push(layout.append(text, &hooks.list, &missing));
    }
    edits
}

/// An object whose members stand in the order in which they are given.
struct InOrder<'a, T>(&'a [Entry<'a, T>]);

impl<T: serde::Serialize> serde::Serialize for InOrder<'_, T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|entry| (entry.name.unwrap_or_default(), &entry.value)))
    }
}

impl Group {
    /// How many handlers are ours.
    fn calls(&self) -> usize {
        self.handlers.iter().flat_map(|(_, handlers)| handlers).filter(|handler| handler.call.is_some()).count()
    }

    /// Whether there is anything else in it, or nothing at all.
    fn is_foreign(&self) -> bool {
        self.handlers.as_ref().is_none_or(|(_, handlers)| handlers.len() != self.calls() || handlers.is_empty())
    }
}

/// Who decides.
trait Judge {
    /// What becomes of the handlers of a group; called in the order of the file.
    fn group(&mut self, event: &EventList, at: usize) -> Decision;
    /// Whether the list of an event stays if nothing is left in it.
    fn keeps_event(&self, name: &str) -> bool;
    /// Whether `hooks` does.
    fn keeps_hooks(&self) -> bool;
}

/// The edits that carry out what is decided: what is emptied by it goes as a whole.
fn fold(document: &Document<'_>, judge: &mut impl Judge) -> Vec<Edit> {
    let Some(hooks) = &document.hooks else { return Vec::new() };
    let mut edits = Vec::new();
    let mut gone_events = vec![false; hooks.events.len()];
    for (event_at, event) in hooks.events.iter().enumerate() {
        let mut gone_groups = vec![false; event.groups.len()];
        let mut inner = Vec::new();
        for (at, group) in event.groups.iter().enumerate() {
            let Some((list, _)) = group.handlers.as_ref().filter(|_| group.calls() > 0) else { continue };
            match judge.group(event, at) {
                Decision::Whole(text) => inner.push((event.list.items[at].clone(), text)),
                Decision::Each(fates) if fates.iter().all(|fate| *fate == Fate::Goes) => gone_groups[at] = true,
                Decision::Each(fates) => {
                    inner.extend(remove(list, |at| fates[at] == Fate::Goes));
                    let changed = fates.into_iter().zip(&list.items).filter_map(|(fate, span)| match fate {
                        Fate::Becomes(text) => Some((span.clone(), text)),
                        _ => None,
                    });
                    inner.extend(changed);
                }
            }
        }
        let is_emptied = gone_groups.contains(&true) && gone_groups.iter().all(|gone| *gone);
        if is_emptied && !judge.keeps_event(&event.name) {
            gone_events[event_at] = true;
        } else {
            edits.append(&mut inner);
            edits.extend(remove(&event.list, |at| gone_groups[at]));
        }
    }
    let is_emptied = gone_events.contains(&true) && gone_events.iter().all(|gone| *gone);
    if is_emptied && !judge.keeps_hooks() {
        return remove(&document.root, |at| at == hooks.member);
    }
    edits.extend(remove(&hooks.list, |at| gone_events[at]));
    edits
}

/// Makes each call that is there the wanted one.
struct Renewing<'a> {
    wanted: &'a Wanted<'a>,
    text: &'a str,
    layout: &'a Layout,
}

impl Judge for Renewing<'_> {
    fn group(&mut self, event: &EventList, at: usize) -> Decision {
        let group = &event.groups[at];
        let Some((list, handlers)) = &group.handlers else { return Decision::Each(Vec::new()) };
        let wanted = self.wanted.events.iter().find(|wanted| wanted.name == event.name);
        let serves =
            |group: &Group| group.calls() > 0 && (wanted.is_none() || group.matches_all || !group.is_foreign());
        let is_served = event.groups[..at].iter().any(serves);
        let goes = events::is_harmful(&event.name, self.wanted.version) || is_served || !serves(group);
        if let (false, false, Some(wanted)) = (goes, group.matches_all, wanted) {
            let span = &event.list.items[at];
            let layout = self.layout.at(self.text, span);
            return Decision::Whole(layout.write(&self.wanted.call.group(*wanted), indent(self.text, span.start)));
        }
        let right = self.wanted.call.handler(&event.name);
        let is_right = |value: &Value| serde_json::to_value(&right).is_ok_and(|right| right == *value);
        let mut is_first = !goes;
        let fates = handlers.iter().zip(&list.items).map(|(handler, span)| match &handler.call {
            None => Fate::Stays,
            Some(_) if !std::mem::take(&mut is_first) => Fate::Goes,
            Some(_) if is_right(&handler.value) => Fate::Stays,
            Some(_) => {
                let layout = self.layout.at(self.text, span);
                Fate::Becomes(layout.write(&right, indent(self.text, span.start)))
            }
        });
        Decision::Each(fates.collect())
    }

    fn keeps_event(&self, name: &str) -> bool {
        self.wanted.events.iter().any(|event| event.name == name)
    }

    fn keeps_hooks(&self) -> bool {
        true
    }
}

/// Takes every call of ours out.
struct Leaving<'a> {
    before: Option<&'a Document<'a>>,
}

impl Judge for Leaving<'_> {
    fn group(&mut self, event: &EventList, at: usize) -> Decision {
        let handlers = event.groups[at].handlers.iter().flat_map(|(_, handlers)| handlers);
        let fates = handlers.map(|handler| if handler.call.is_some() { Fate::Goes } else { Fate::Stays });
        Decision::Each(fates.collect())
    }

    fn keeps_event(&self, name: &str) -> bool {
        let hooks = self.before.and_then(|before| before.hooks.as_ref());
        let event = hooks.and_then(|hooks| hooks.events.iter().find(|event| event.name == name));
        event.is_some_and(|event| event.groups.is_empty() || event.groups.iter().any(Group::is_foreign))
    }

    fn keeps_hooks(&self) -> bool {
        let hooks = self.before.and_then(|before| before.hooks.as_ref());
        hooks.is_some_and(|hooks| {
            hooks.events.is_empty() || hooks.events.iter().any(|event| self.keeps_event(&event.name))
        })
    }
}

#[cfg(test)]
mod tests;
