//! The facts of one session, from its own lines and events alone: title, working directory, version, times, and the
//! links that they name. Parts of a session are joined by [`store::write::Session::then`].

use store::write::{Counts, Link, LinkKind, Session as Facts, Title, TitleFrom};

use super::{Cut, Input};
use crate::transcripts::line::{Body, Line};

/// The last seen of each, with titles in the order custom, generated; of the part before a cut if there is one.
pub(crate) fn of(input: &Input, until: Option<&Cut>) -> Facts {
    let mut facts = Facts {
        session_id: input.session_id.clone(),
        counts: counts(input, until),
        links: input.cleared.iter().cloned().collect(),
        ..Facts::default()
    };
    let lines = || lines(input, until);
    let events = || input.events.iter().filter(|event| until.is_none_or(|cut| event.at_ns < cut.from_ns));
    for line in lines() {
        match &line.body {
            Body::CustomTitle(title) => name(&mut facts, title, TitleFrom::Custom),
            Body::GeneratedTitle(title) => name(&mut facts, title, TitleFrom::Generated),
            Body::Assistant(it) if !it.synthetic() => facts.model = it.model.clone().or(facts.model.take()),
            Body::Worktree { path, original } => {
                facts.worktrees.insert(path.clone(), original.clone());
            }
            Body::ContinuedIn(next) => link(&mut facts, next, LinkKind::ContinuedFrom, &input.session_id),
            _ => {}
        }
        if let Some(parent) = &line.forked_from {
            link(&mut facts, &input.session_id, LinkKind::ForkOf, parent);
        }
        let context = &line.context;
        for (fact, seen) in [
            (&mut facts.cwd, &context.cwd),
            (&mut facts.git_branch, &context.git_branch),
            (&mut facts.version, &context.version),
        ] {
            if seen.is_some() {
                fact.clone_from(seen);
            }
        }
    }
    let typed = if input.is_only_typed() { &input.typed[..] } else { &[] };
    facts.hook_cwd = events().filter_map(|event| event.cwd.clone()).next_back();
    facts.hook_cwd = facts.hook_cwd.or_else(|| typed.iter().rev().find_map(|typed| typed.project.clone()));
    let times = || {
        let lines = lines().filter_map(|line| line.at_ms).chain(events().map(|event| event.at_ms));
        lines.chain(typed.iter().map(|typed| typed.at_ms))
    };
    facts.started_ms = times().min();
    facts.ended_ms = times().max();
    facts
}

fn lines<'a>(input: &'a Input, until: Option<&Cut>) -> impl Iterator<Item = &'a Line> {
    input.files.iter().flatten().filter(move |line| until.is_none_or(|cut| cut.is_behind(line.at)))
}

/// What was found in the session's own files, as far as they are still the ones on disk.
fn counts(input: &Input, until: Option<&Cut>) -> Counts {
    let mut counts = Counts::default();
    for line in lines(input, until).filter(|line| !input.superseded.contains(&line.at.0)) {
        counts.lines += 1;
        if let Body::Unknown(name) = &line.body {
            *counts.unknown.entry(name.clone()).or_default() += 1;
        }
    }
    let unreadable = input.unreadable.iter().filter(|at| !input.superseded.contains(&at.0));
    counts.unreadable = unreadable.filter(|at| until.is_none_or(|cut| cut.is_behind(**at))).count() as u64;
    counts
}

/// The last of its kind counts, and a generated one never comes before a custom one. An empty one says nothing.
fn name(facts: &mut Facts, title: &str, from: TitleFrom) {
    let text = title.trim();
    let given = facts.title.as_ref().is_some_and(|title| title.from == TitleFrom::Custom);
    if !text.is_empty() && (from == TitleFrom::Custom || !given) {
        facts.title = Some(Title { text: text.to_owned(), from });
    }
}

fn link(facts: &mut Facts, session: &str, kind: LinkKind, other: &str) {
    if session != other {
        facts.links.insert(Link { session_id: session.to_owned(), kind, other_session_id: other.to_owned() });
    }
}
