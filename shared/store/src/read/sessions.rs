//! Sessions as people cut them: a list of them, newest activity first, and what one consists of.
//!
//! Which sessions a page shows is decided by [`mod@page`] and, by words of their titles, `titled`. Figures are read for what is
//! shown alone.

mod outline;
mod page;
mod titled;
mod tree;

use rusqlite::{Connection, OptionalExtension, params};

use super::Position;
use super::session::{self, Session, TitleFrom, beginning};
use super::turn::{self, Listed, Room, Texts};
use crate::error::{Context, Error};
use crate::human::parts::{self, Stretch};
use crate::ids::ConversationId;
use crate::veil::Veil;

pub(super) use outline::outline;
pub use outline::{Outline, OutlinePoint};
pub(super) use page::page;
pub use tree::{Relative, Tree, TreeLink};

/// Which sessions a page shall show.
#[derive(Clone, Debug, Default)]
pub struct SessionsRequest {
    /// Only from this folder or below it, or from a repository there; without a slash, from projects of this name.
    pub project: Option<String>,
    /// Only with their last activity at this moment or later, in milliseconds since 1970, UTC.
    pub since_ms: Option<i64>,
    /// Only with their last activity before this moment.
    pub until_ms: Option<i64>,
    /// Only with all of these words in the title: of three letters and more anywhere in a word, else at its beginning.
    pub words: Option<String>,
    /// From here on.
    pub after: Option<SessionPosition>,
    /// At most so many.
    pub limit: u32,
}

/// A place between two sessions: the list goes on after it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionPosition {
    /// The last activity of the one before.
    pub ended_ms: i64,
    /// Its id.
    pub id: String,
}

/// A page of sessions. One that takes long to fill may be short.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionsPage {
    /// Newest activity first.
    pub items: Vec<UserSession>,
    /// Where the next page begins, if there is one.
    pub next: Option<SessionPosition>,
}

/// A session as a person has it.
#[derive(Clone, Debug, PartialEq)]
pub struct UserSession {
    /// Its lasting id: Claude Code's session id, unless it was split off.
    pub id: String,
    /// What it is called.
    pub title: Option<String>,
    /// Where the title is from.
    pub title_from: Option<TitleFrom>,
    /// The sessions of Claude Code that it consists of, or of parts of which.
    pub session_ids: Vec<String>,
    /// The project of the first of them.
    pub project: Option<String>,
    /// When its first conversation began.
    pub started_ms: Option<i64>,
    /// When it was last heard of.
    pub ended_ms: Option<i64>,
    /// How many conversations lists show of it.
    pub conversations: u64,
    /// The models that answered in it, in order of the alphabet.
    pub models: Vec<String>,
    /// How many of its conversations are rated, and the sum of the ratings.
    pub rated: (u64, u64),
    /// How many are starred.
    pub starred: u64,
}

/// Everything of one.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionDetail {
    /// Its figures.
    pub session: UserSession,
    /// What it consists of, in order.
    pub parts: Vec<Part>,
    /// The sessions of Claude Code, with their own facts where they are known.
    pub originals: Vec<(String, Option<Session>)>,
    /// The user sessions that hold what else there is of these sessions.
    pub others: Vec<Other>,
    /// A page of its conversations, the oldest first.
    pub conversations: Vec<Listed>,
    /// Where the next page of them begins.
    pub next: Option<Position>,
    /// The sessions that they hang together with.
    pub tree: Tree,
}

/// A user session that holds a part of the same sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Other {
    /// Its id.
    pub id: String,
    /// What it is called.
    pub title: Option<String>,
}

/// A stretch of a session of Claude Code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The session.
    pub session_id: String,
    /// The conversation that it begins with; `None`: it begins with the session.
    pub from: Option<ConversationId>,
    /// By which split or merge it is here, for an undo; `None` where nothing was done.
    pub change: Option<String>,
    /// When that was done.
    pub changed_ms: Option<i64>,
    /// How many conversations lists show of it.
    pub conversations: u64,
}

/// The project of the session `s`: the repository that its machine found there, else the directory.
macro_rules! project {
    () => {
        "coalesce((select p.git_root from places p where p.cwd = s.cwd and p.origin_id = s.origin_id), s.cwd)"
    };
}
use project;

/// When something of a user session was last heard of; `None` if lists show nothing of it.
fn last_activity(conn: &Connection, stretches: &[Stretch]) -> Result<Option<i64>, Error> {
    const SHOWN: &str = "
        select exists (select 1 from turns where session_id = ?1 and ordinal >= ?2 and ordinal < ?3
                                             and kind in ('human', 'command', 'shell'))";
    const LAST: &str = "
        select coalesce(iif(?2 < 0 and ?3 = 9223372036854775807,
                            (select ended_ms from sessions where session_id = ?1), null),
                        (select coalesce(ended_ms, timestamp_ms) from turns
                          where session_id = ?1 and ordinal >= ?2 and ordinal < ?3 order by ordinal desc limit 1))";
    let (mut shown, mut last) = (false, None);
    for stretch in stretches {
        let place = (&stretch.session_id, stretch.start, stretch.end);
        let is_shown: bool = conn
            .prepare_cached(SHOWN)
            .op("prepare")?
            .query_row(place, |row| row.get(0))
            .op("look for conversations")?;
        let at: Option<i64> = conn
            .prepare_cached(LAST)
            .op("prepare")?
            .query_row(place, |row| row.get(0))
            .op("look for the last activity")?;
        shown |= is_shown;
        last = last.max(at);
    }
    Ok(last.filter(|_| shown))
}

/// The title and where it is from: a person's, that of the session it begins with, or the beginning of its first prompt.
fn title(conn: &Connection, id: &str, stretches: &[Stretch]) -> Result<Option<(String, TitleFrom)>, Error> {
    const FIRST: &str = "
        select timestamp_ms, prompt_text from turns
         where session_id = ?1 and ordinal >= ?2 and ordinal < ?3 and kind in ('human', 'command', 'shell')
           and prompt_text is not null
         order by ordinal limit 1";
    if let Some(given) = session::given_title(conn, id)? {
        return Ok(Some((given, TitleFrom::Given)));
    }
    // A part that was split off is about something else than the session's own title says.
    let own = stretches.iter().find(|stretch| stretch.start < 0);
    if let Some(own) = own
        && let Some(title) = session::own_title(conn, &own.session_id)?
    {
        return Ok(Some(title));
    }
    let mut first: Option<(i64, String)> = None;
    for stretch in stretches {
        let found: Option<(i64, String)> = conn
            .prepare_cached(FIRST)
            .op("prepare")?
            .query_row((&stretch.session_id, stretch.start, stretch.end), |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
            .op("read a first prompt")?;
        first = match (first, found) {
            (Some(first), Some(found)) => Some(first.min(found)),
            (first, found) => first.or(found),
        };
    }
    Ok(first.map(|(_, prompt)| (beginning(&prompt), TitleFrom::Prompt)))
}

/// The directory of a session, and its project.
fn place_of(conn: &Connection, session_id: &str) -> Result<Option<(String, String)>, Error> {
    const SQL: &str =
        concat!("select s.cwd, ", project!(), " from sessions s where s.session_id = ?1 and s.cwd is not null");
    conn.prepare_cached(SQL)
        .op("prepare")?
        .query_row([session_id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
        .op("read a session's place")
}

fn project_of(conn: &Connection, session_id: &str) -> Result<Option<String>, Error> {
    const SQL: &str = concat!("select ", project!(), " from sessions s where s.session_id = ?1");
    conn.prepare_cached(SQL)
        .op("prepare")?
        .query_row([session_id], |row| row.get(0))
        .optional()
        .map(Option::flatten)
        .op("read a session's project")
}

/// The figures of a user session.
fn session(conn: &Connection, id: &str) -> Result<UserSession, Error> {
    let stretches = parts::of_user_session(conn, id)?;
    figures(conn, id, &stretches)
}

fn figures(conn: &Connection, id: &str, stretches: &[Stretch]) -> Result<UserSession, Error> {
    const COUNTS: &str = "
        select count(*), min(t.timestamp_ms), count(m.rating), coalesce(sum(m.rating), 0), coalesce(sum(m.starred), 0)
          from turns t left join marks m on m.conversation_id = t.id
         where t.session_id = ?1 and t.ordinal >= ?2 and t.ordinal < ?3 and t.kind in ('human', 'command', 'shell')";
    const MODELS: &str = "
        select distinct model from turns
         where session_id = ?1 and ordinal >= ?2 and ordinal < ?3 and model is not null";
    let title = title(conn, id, stretches)?;
    let mut found = UserSession {
        id: id.to_owned(),
        title_from: title.as_ref().map(|(_, from)| *from),
        title: title.map(|(title, _)| title),
        session_ids: Vec::new(),
        project: None,
        started_ms: None,
        ended_ms: last_activity(conn, stretches)?,
        conversations: 0,
        models: Vec::new(),
        rated: (0, 0),
        starred: 0,
    };
    for stretch in stretches {
        let place = (&stretch.session_id, stretch.start, stretch.end);
        let (count, started, rated, ratings, starred): (i64, Option<i64>, i64, i64, i64) = conn
            .prepare_cached(COUNTS)
            .op("prepare")?
            .query_row(place, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))
            .op("count conversations")?;
        if !found.session_ids.contains(&stretch.session_id) {
            found.session_ids.push(stretch.session_id.clone());
        }
        if found.project.is_none() {
            found.project = project_of(conn, &stretch.session_id)?;
        }
        found.conversations += count.cast_unsigned();
        found.started_ms = [found.started_ms, started].into_iter().flatten().min();
        found.rated.0 += rated.cast_unsigned();
        found.rated.1 += ratings.cast_unsigned();
        found.starred += starred.cast_unsigned();
        found.models.extend(strings(conn, MODELS, place)?);
    }
    found.models.sort();
    found.models.dedup();
    Ok(found)
}

/// Everything of one, with the conversations after `after`. Of one that was wholly merged into others the figures are
/// nothing, and `others` says where it went. `None` if there is no such session.
pub(super) fn detail(
    conn: &Connection,
    id: &str,
    after: Option<Position>,
    limit: u32,
    (texts, veil): (Texts, &Veil),
) -> Result<Option<SessionDetail>, Error> {
    let holders = parts::holders(conn, id)?;
    if holders.is_empty() {
        return Ok(None);
    }
    let stretches = parts::of_user_session(conn, id)?;
    let session = figures(conn, id, &stretches)?;
    let mut originals = session.session_ids.clone();
    if originals.is_empty() {
        originals = parts::sessions(conn, id)?;
    }
    let mut others: Vec<Other> = Vec::new();
    for original in &originals {
        for stretch in parts::of_session(conn, original)? {
            let is_new = stretch.owner != id && !others.iter().any(|other| other.id == stretch.owner);
            if is_new && parts::is_anything_in(conn, &stretch)? {
                let title = title(conn, &stretch.owner, &parts::of_user_session(conn, &stretch.owner)?)?;
                others.push(Other { id: stretch.owner, title: title.map(|(title, _)| title) });
            }
        }
    }
    let (conversations, next) = conversations(conn, &stretches, after, limit, (texts, veil), Room::PAGE)?;
    Ok(Some(SessionDetail {
        parts: stretches.iter().map(|stretch| part(conn, stretch)).collect::<Result<_, _>>()?,
        tree: tree::around(conn, &originals)?,
        originals: originals
            .into_iter()
            .map(|original| session::get(conn, &original).map(|facts| (original, facts)))
            .collect::<Result<_, _>>()?,
        session,
        others,
        conversations,
        next,
    }))
}

fn part(conn: &Connection, stretch: &Stretch) -> Result<Part, Error> {
    const COUNT: &str = "
        select count(*) from turns
         where session_id = ?1 and ordinal >= ?2 and ordinal < ?3 and kind in ('human', 'command', 'shell')";
    let count: i64 = conn
        .prepare_cached(COUNT)
        .op("prepare")?
        .query_row((&stretch.session_id, stretch.start, stretch.end), |row| row.get(0))
        .op("count conversations")?;
    let (change, changed_ms) = stretch.member.clone().unzip();
    Ok(Part {
        session_id: stretch.session_id.clone(),
        from: stretch.from,
        change,
        changed_ms,
        conversations: count.cast_unsigned(),
    })
}

/// A page of the conversations in these stretches, the oldest first; a short one where there is no room for more texts.
fn conversations(
    conn: &Connection,
    stretches: &[Stretch],
    after: Option<Position>,
    limit: u32,
    (texts, veil): (Texts, &Veil),
    mut room: Room,
) -> Result<(Vec<Listed>, Option<Position>), Error> {
    const SQL: &str = "
        select timestamp_ms, id from turns
         where session_id = ?1 and ordinal >= ?2 and ordinal < ?3 and kind in ('human', 'command', 'shell')
           and (timestamp_ms, id) > (?4, ?5)
         order by timestamp_ms, id limit ?6";
    let after = after.unwrap_or(Position { key: 0, timestamp_ms: i64::MIN, id: ConversationId(i64::MIN) });
    let mut places: Vec<Position> = Vec::new();
    for stretch in stretches {
        let values = params![
            stretch.session_id,
            stretch.start,
            stretch.end,
            after.timestamp_ms,
            after.id.0,
            i64::from(limit) + 1
        ];
        let mut query = conn.prepare_cached(SQL).op("prepare")?;
        let rows = query
            .query_map(values, |row| {
                Ok(Position { key: 0, timestamp_ms: row.get(0)?, id: ConversationId(row.get(1)?) })
            })
            .op("list a session's conversations")?;
        for row in rows {
            places.push(row.op("list a session's conversations")?);
        }
    }
    places.sort_unstable();
    let more = places.len() > limit as usize;
    places.truncate(limit as usize);
    let mut items = Vec::with_capacity(places.len());
    for (nth, place) in places.iter().enumerate() {
        let Some(mut item) = turn::listed(conn, place.id)? else { continue };
        texts.leave(&mut item.turn, veil);
        let another = room.take(&item.turn);
        items.push(item);
        if !another && nth + 1 < places.len() {
            return Ok((items, Some(*place)));
        }
    }
    Ok((items, if more { places.pop() } else { None }))
}

fn strings(conn: &Connection, sql: &str, values: impl rusqlite::Params) -> Result<Vec<String>, Error> {
    conn.prepare_cached(sql)
        .op("prepare")?
        .query_map(values, |row| row.get(0))
        .op("list sessions")?
        .collect::<Result<_, _>>()
        .op("list sessions")
}

#[cfg(test)]
mod tests;
