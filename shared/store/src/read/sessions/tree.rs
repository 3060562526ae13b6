//! How sessions hang together: forks, resumed and continued sessions, all that can be reached from one, up to a bound.

use std::collections::{BTreeSet, VecDeque};

use rusqlite::{Connection, OptionalExtension};

use super::session::{Link, beginning};
use crate::error::{Context, Error};

/// More sessions are not told of.
const MOST: usize = 200;

/// Sessions of Claude Code that are reached from some by links, in either direction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    /// They, and those that it began with; the nearest first.
    pub sessions: Vec<Relative>,
    /// Every link between two of them.
    pub links: Vec<TreeLink>,
    /// Whether there are more of them.
    pub is_cut: bool,
}

/// A session of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relative {
    /// Its id.
    pub session_id: String,
    /// Its title: that which Claude Code knows, else the beginning of its first prompt.
    pub title: Option<String>,
    /// When it began, in milliseconds since 1970, UTC.
    pub started_ms: Option<i64>,
    /// When it was last heard of.
    pub ended_ms: Option<i64>,
}

/// The later session, how it follows, and the earlier one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TreeLink {
    /// The later session.
    pub session_id: String,
    /// `fork-of`, `resumed-from`, `continued-from` or `cleared-from`.
    pub kind: String,
    /// The earlier one.
    pub other_session_id: String,
}

const LINKS: &str = "
    select kind, session_id, other_session_id from session_links where session_id = ?1
     union
    select kind, session_id, other_session_id from session_links where other_session_id = ?1
     order by 1, 2, 3";

/// All that is reached from `sessions`.
pub(super) fn around(conn: &Connection, sessions: &[String]) -> Result<Tree, Error> {
    let mut tree = Tree::default();
    let mut seen: BTreeSet<String> = sessions.iter().cloned().collect();
    let mut next: VecDeque<String> = sessions.iter().cloned().collect();
    let mut links = BTreeSet::new();
    while let Some(session) = next.pop_front() {
        for (link, later) in linked(conn, &session)? {
            let neighbour = if later == session { &link.session_id } else { &later };
            if !seen.contains(neighbour) {
                if seen.len() >= MOST {
                    tree.is_cut = true;
                    continue;
                }
                seen.insert(neighbour.clone());
                next.push_back(neighbour.clone());
            }
            links.insert(TreeLink { session_id: later, kind: link.kind, other_session_id: link.session_id });
        }
        tree.sessions.push(relative(conn, session)?);
    }
    tree.links = links.into_iter().collect();
    Ok(tree)
}

/// Its links, each with its later session; the earlier one is the link's.
fn linked(conn: &Connection, session_id: &str) -> Result<Vec<(Link, String)>, Error> {
    conn.prepare_cached(LINKS)
        .op("prepare")?
        .query_map([session_id], |row| Ok((Link { kind: row.get(0)?, session_id: row.get(2)? }, row.get(1)?)))
        .op("read links of sessions")?
        .collect::<Result<_, _>>()
        .op("read links of sessions")
}

fn relative(conn: &Connection, session_id: String) -> Result<Relative, Error> {
    let found: Option<(Option<String>, Option<i64>, Option<i64>)> = conn
        .prepare_cached("select title, started_ms, ended_ms from sessions where session_id = ?1")
        .op("prepare")?
        .query_row([&session_id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()
        .op("read a session")?;
    let (title, started_ms, ended_ms) = found.unwrap_or_default();
    let title = title.map_or_else(|| first_prompt(conn, &session_id), |title| Ok(Some(title)))?;
    Ok(Relative { session_id, title, started_ms, ended_ms })
}

/// The beginning of the first prompt of a session, which stands for a title.
fn first_prompt(conn: &Connection, session_id: &str) -> Result<Option<String>, Error> {
    const SQL: &str = "
        select prompt_text from turns
         where session_id = ?1 and kind in ('human', 'command', 'shell') and prompt_text is not null
         order by ordinal limit 1";
    conn.prepare_cached(SQL)
        .op("prepare")?
        .query_row([session_id], |row| row.get(0))
        .optional()
        .map(|prompt: Option<String>| prompt.as_deref().map(beginning))
        .op("read a first prompt")
}
