//! How sessions hang together (correlation.md 22 to 24): which one was copied, and which one `/clear` ended.

use store::write::{Link, LinkKind};

use super::Input;
use super::event::{HookEvent, Signal};

/// What [`super::forks`] found out about a session that holds copied prompts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source {
    /// The session that owns the last of them, by its place in the lineage.
    pub(crate) owner: usize,
    /// The copy's prompt ids are others than the owner's.
    pub(crate) renamed: bool,
    /// The owner has later prompts that were not copied.
    pub(crate) owner_goes_on: bool,
}

/// A session that begins with copies is a fork if anything says so: its start, prompt ids that were given anew, or that
/// the copied session went on by itself. Else an older client resumed the session under a new id.
pub(crate) fn copied(source: Source, lineage: &[Input], session_id: &str) -> Link {
    let owner = &lineage[source.owner].session_id;
    let says_so = |input: &Input| {
        let mut lines = input.files.iter().flatten();
        lines.any(|line| line.forked_from.as_ref() == Some(owner))
            || input.events.iter().any(|event| matches!(&event.body, Signal::Start { source } if source == "fork"))
    };
    let begun_as_fork = lineage.iter().any(|input| input.session_id == session_id && says_so(input));
    let fork = begun_as_fork || source.renamed || source.owner_goes_on;
    Link {
        session_id: session_id.to_owned(),
        kind: if fork { LinkKind::ForkOf } else { LinkKind::ResumedFrom },
        other_session_id: owner.clone(),
    }
}

/// `/clear` ends a session and starts the next within this time.
pub(crate) const CLEAR_MS: i64 = 10_000;

/// An event of `/clear`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Clear {
    pub(crate) session_id: String,
    pub(crate) at_ms: i64,
    pub(crate) cwd: Option<String>,
    /// It ended the session, and did not begin it.
    pub(crate) ends: bool,
}

impl Clear {
    /// What an event says of `/clear`.
    pub(crate) fn of(session_id: &str, event: &HookEvent) -> Option<Self> {
        let ends = match &event.body {
            Signal::End { cleared: true } => true,
            Signal::Start { source } if source == "clear" => false,
            _ => return None,
        };
        Some(Self { session_id: session_id.to_owned(), at_ms: event.at_ms, cwd: event.cwd.clone(), ends })
    }
}

/// Which session each start by `/clear` follows: the one that `/clear` ended last before it in the same directory. `events`
/// are those of every session of one machine around the time, so that both sessions find the same pair.
pub(crate) fn cleared(mut events: Vec<Clear>) -> Vec<Link> {
    events.sort_by(|a, b| (a.at_ms, !a.ends, &a.session_id).cmp(&(b.at_ms, !b.ends, &b.session_id)));
    let mut waiting: Vec<Clear> = Vec::new();
    let mut links = Vec::new();
    for event in events {
        if event.ends {
            waiting.push(event);
            continue;
        }
        let near = |end: &Clear| {
            end.cwd == event.cwd && event.at_ms - end.at_ms <= CLEAR_MS && end.session_id != event.session_id
        };
        if let Some(at) = waiting.iter().rposition(near) {
            let link = Link {
                session_id: event.session_id,
                kind: LinkKind::ClearedFrom,
                other_session_id: waiting.remove(at).session_id,
            };
            if !links.contains(&link) {
                links.push(link);
            }
        }
    }
    links
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `e` ends, `s` starts; then the session, the time in seconds and the directory.
    fn check(events: &[(char, &str, i64, &str)], expected: &[(&str, &str)]) {
        let events = events.iter().map(|(what, session, second, cwd)| Clear {
            session_id: (*session).to_owned(),
            at_ms: second * 1000,
            cwd: Some((*cwd).to_owned()),
            ends: *what == 'e',
        });
        let links = cleared(events.collect());
        let pairs: Vec<_> =
            links.iter().map(|link| (link.session_id.as_str(), link.other_session_id.as_str())).collect();
        assert_eq!(pairs, expected);
    }

    #[test]
    fn a_start_follows_the_end_before_it() {
        check(&[('e', "a", 1, "/x"), ('s', "b", 1, "/x")], &[("b", "a")]);
        check(&[('s', "b", 2, "/x"), ('e', "a", 1, "/x")], &[("b", "a")]);
        check(&[('e', "a", 1, "/x"), ('s', "b", 1, "/y")], &[]);
        check(&[('e', "a", 1, "/x"), ('s', "b", 30, "/x")], &[]);
        check(&[('s', "b", 1, "/x"), ('e', "a", 2, "/x")], &[]);
        // Each hook installed twice.
        check(&[('e', "a", 1, "/x"), ('e', "a", 1, "/x"), ('s', "b", 2, "/x"), ('s', "b", 2, "/x")], &[("b", "a")]);
        check(
            &[('e', "a", 1, "/x"), ('s', "b", 1, "/x"), ('e', "b", 5, "/x"), ('s', "c", 5, "/x")],
            &[("b", "a"), ("c", "b")],
        );
    }
}
