//! A session as deriving hands it over: its own facts and how it hangs together with other sessions.
//!
//! Facts of two parts of a session, the earlier and the later, are joined by [`Session::then`], so that a part that is
//! settled need not be read again.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// A session's own facts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Its id.
    pub session_id: String,
    /// Given by the person, else generated; `None`: its first prompt stands for it.
    pub title: Option<Title>,
    /// The working directory that a line told last.
    pub cwd: Option<String>,
    /// The one that a hook event told last; it stands in where no line tells any.
    pub hook_cwd: Option<String>,
    /// The branch last seen.
    pub git_branch: Option<String>,
    /// Claude Code's version last seen.
    pub version: Option<String>,
    /// The model last seen.
    pub model: Option<String>,
    /// When it began.
    pub started_ms: Option<i64>,
    /// When it was last heard of.
    pub ended_ms: Option<i64>,
    /// What was found in its files.
    pub counts: Counts,
    /// The sessions it hangs together with, as far as its own lines and events tell.
    pub links: BTreeSet<Link>,
    /// The worktrees it entered, and the directory that each was made from.
    pub worktrees: BTreeMap<String, String>,
}

impl Session {
    /// The facts of both parts, where `later` follows this one: what is last seen is the later's where it has seen any,
    /// times widen, counts add up, links and worktrees unite (what proved to be a fork was no resumption), and a title given by a person
    /// stays before a generated one.
    #[must_use]
    pub fn then(self, later: Self) -> Self {
        let title = match (self.title, later.title) {
            (Some(given), Some(other)) if given.from == TitleFrom::Custom && other.from == TitleFrom::Generated => {
                Some(given)
            }
            (before, after) => after.or(before),
        };
        let started = [self.started_ms, later.started_ms];
        let mut links: BTreeSet<Link> = self.links.into_iter().chain(later.links).collect();
        let forks: BTreeSet<Link> = links.iter().filter(|link| link.kind == LinkKind::ForkOf).cloned().collect();
        links.retain(|link| {
            link.kind != LinkKind::ResumedFrom || !forks.contains(&Link { kind: LinkKind::ForkOf, ..link.clone() })
        });
        Self {
            session_id: self.session_id,
            title,
            cwd: later.cwd.or(self.cwd),
            hook_cwd: later.hook_cwd.or(self.hook_cwd),
            git_branch: later.git_branch.or(self.git_branch),
            version: later.version.or(self.version),
            model: later.model.or(self.model),
            started_ms: started.into_iter().flatten().min(),
            ended_ms: self.ended_ms.max(later.ended_ms),
            counts: self.counts.and(later.counts),
            links,
            worktrees: self.worktrees.into_iter().chain(later.worktrees).collect(),
        }
    }
}

/// A session's title.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Title {
    /// The words.
    pub text: String,
    /// Who gave it.
    pub from: TitleFrom,
}

/// Who gave a session its title.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TitleFrom {
    /// A person.
    Custom,
    /// Claude Code.
    Generated,
}

impl TitleFrom {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Custom => "custom",
            Self::Generated => "generated",
        }
    }
}

/// What was found in the files of a session that are still the ones on disk. Parts add up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// JSON objects.
    pub lines: u64,
    /// Pieces that could not be read.
    pub unreadable: u64,
    /// Lines of types that we do not know, by type.
    pub unknown: BTreeMap<String, u64>,
}

impl Counts {
    /// The sum of two parts.
    #[must_use]
    pub fn and(mut self, more: Self) -> Self {
        self.lines += more.lines;
        self.unreadable += more.unreadable;
        for (name, lines) in more.unknown {
            *self.unknown.entry(name).or_default() += lines;
        }
        self
    }

    /// As the column `counts` has it.
    pub(crate) fn json(&self) -> String {
        serde_json::json!({"lines": self.lines, "unreadable": self.unreadable, "unknown": self.unknown}).to_string()
    }
}

/// How a session hangs together with an earlier one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Link {
    /// The later session. Not always the one whose lines tell of it: an old file names the session it goes on in.
    pub session_id: String,
    /// How.
    pub kind: LinkKind,
    /// The earlier session.
    pub other_session_id: String,
}

/// The ways in which a session follows another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum LinkKind {
    /// It began as a copy of the other, which may go on.
    ForkOf,
    /// Older versions resumed a session under a new id.
    ResumedFrom,
    /// The other one said that it goes on here.
    ContinuedFrom,
    /// `/clear` ended the other one and began this.
    ClearedFrom,
}

impl LinkKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::ForkOf, Self::ResumedFrom, Self::ContinuedFrom, Self::ClearedFrom];

    /// Its word in the database and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ForkOf => "fork-of",
            Self::ResumedFrom => "resumed-from",
            Self::ContinuedFrom => "continued-from",
            Self::ClearedFrom => "cleared-from",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn title(text: &str, from: TitleFrom) -> Option<Title> {
        Some(Title { text: text.to_owned(), from })
    }

    #[test]
    fn a_given_title_stays_before_a_generated_one() {
        let check = |before: Option<Title>, after: Option<Title>, expected: Option<Title>| {
            let part = |title| Session { title, ..Session::default() };
            assert_eq!(part(before).then(part(after)).title, expected);
        };
        let (given, made) = (title("given", TitleFrom::Custom), title("made", TitleFrom::Generated));
        check(given.clone(), made.clone(), given.clone());
        check(made.clone(), given.clone(), given.clone());
        check(given.clone(), title("renamed", TitleFrom::Custom), title("renamed", TitleFrom::Custom));
        check(made.clone(), title("made anew", TitleFrom::Generated), title("made anew", TitleFrom::Generated));
        check(given.clone(), None, given);
        check(None, made.clone(), made);
        check(None, None, None);
    }

    #[test]
    fn parts_add_up() {
        let link = Link { session_id: "b".into(), kind: LinkKind::ForkOf, other_session_id: "a".into() };
        let part = |cwd: Option<&str>, times: (i64, i64), unknown: &str| Session {
            session_id: "b".into(),
            cwd: cwd.map(str::to_owned),
            started_ms: Some(times.0),
            ended_ms: Some(times.1),
            counts: Counts { lines: 2, unreadable: 1, unknown: BTreeMap::from([(unknown.to_owned(), 1)]) },
            links: BTreeSet::from([link.clone()]),
            ..Session::default()
        };
        let whole = part(Some("/a"), (5, 9), "x").then(part(None, (3, 7), "x")).then(part(None, (4, 12), "y"));
        assert_eq!((whole.cwd.as_deref(), whole.started_ms, whole.ended_ms), (Some("/a"), Some(3), Some(12)));
        assert_eq!(whole.counts.json(), r#"{"lines":6,"unknown":{"x":2,"y":1},"unreadable":3}"#);
        assert_eq!(whole.links.len(), 1);
    }
}
