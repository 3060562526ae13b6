//! How sessions are cut: which stretches of which sessions a user session consists of, now.
//!
//! A member says "from this conversation on, the session belongs to that user session"; it holds up to where the next one
//! begins, and of two that begin at one place the newer holds. So every conversation is in exactly one user session,
//! whatever was split, merged and undone, in whatever order; without members a session is its own. The view
//! `conversation_user_sessions` says the same of one conversation; a test holds the two against each other.

use rusqlite::Connection;

use crate::error::{Context, Error};
use crate::ids::ConversationId;

/// A stretch of a session, by places in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// Claude Code's session.
    pub(crate) session_id: String,
    /// The user session that it belongs to.
    pub(crate) owner: String,
    /// The conversation that it begins with; `None`: it begins with the session.
    pub(crate) from: Option<ConversationId>,
    /// Its places: from `start` up to before `end`.
    pub(crate) start: i64,
    pub(crate) end: i64,
    /// The row that says so, and when it was written; `None` where nothing was done.
    pub(crate) member: Option<(String, i64)>,
}

/// Before the first place of every session.
const BEGINNING: i64 = -1;

const MEMBERS: &str = "
    select m.user_session_id, f.id, coalesce(f.ordinal, -1), m.id, m.created_ms
      from user_session_members m
      left join aliases a on a.id = m.from_conversation_id
      left join turns f on f.id = coalesce(a.survivor, m.from_conversation_id)
     where m.session_id = ?1 and m.removed_ms is null
       and (m.from_conversation_id is null or f.session_id = m.session_id)
     order by coalesce(f.ordinal, -1), m.created_ms, m.id";

/// All stretches of a session, in order.
pub(crate) fn of_session(conn: &Connection, session_id: &str) -> Result<Vec<Stretch>, Error> {
    let stretch = |owner: String, from: Option<i64>, start, member| Stretch {
        session_id: session_id.to_owned(),
        owner,
        from: from.map(ConversationId),
        start,
        end: i64::MAX,
        member,
    };
    let mut found = vec![stretch(session_id.to_owned(), None, BEGINNING, None)];
    let mut query = conn.prepare_cached(MEMBERS).op("prepare")?;
    let rows = query
        .query_map([session_id], |row| {
            Ok(stretch(row.get(0)?, row.get(1)?, row.get(2)?, Some((row.get(3)?, row.get(4)?))))
        })
        .op("read the parts of a session")?;
    for row in rows {
        let next = row.op("read a part of a session")?;
        match found.last_mut() {
            Some(last) if last.start == next.start => *last = next,
            Some(last) => {
                last.end = next.start;
                found.push(next);
            }
            None => found.push(next),
        }
    }
    Ok(found)
}

const SESSIONS: &str = "
    select ?1 union select session_id from user_session_members where user_session_id = ?1 and removed_ms is null";

/// The sessions that a user session may have a part in.
pub(crate) fn sessions(conn: &Connection, user_session_id: &str) -> Result<Vec<String>, Error> {
    conn.prepare_cached(SESSIONS)
        .op("prepare")?
        .query_map([user_session_id], |row| row.get(0))
        .op("read the sessions of a user session")?
        .collect::<Result<_, _>>()
        .op("read the sessions of a user session")
}

/// The stretches of a user session in which there is anything.
pub(crate) fn of_user_session(conn: &Connection, user_session_id: &str) -> Result<Vec<Stretch>, Error> {
    let mut found = Vec::new();
    for session in sessions(conn, user_session_id)? {
        for stretch in of_session(conn, &session)? {
            if stretch.owner == user_session_id && is_anything_in(conn, &stretch)? {
                found.push(stretch);
            }
        }
    }
    Ok(found)
}

/// Whether a conversation stands in a stretch.
pub(crate) fn is_anything_in(conn: &Connection, stretch: &Stretch) -> Result<bool, Error> {
    const SQL: &str = "select exists (select 1 from turns where session_id = ?1 and ordinal >= ?2 and ordinal < ?3)";
    conn.prepare_cached(SQL)
        .op("prepare")?
        .query_row((&stretch.session_id, stretch.start, stretch.end), |row| row.get(0))
        .op("look for conversations")
}

/// The user sessions that now hold what the user session `id` (or the session of that id) is or was made of: itself, unless
/// everything of it was merged into others. Nothing if there never was such a session.
pub(crate) fn holders(conn: &Connection, id: &str) -> Result<Vec<String>, Error> {
    let mut found: Vec<String> = Vec::new();
    for session in sessions(conn, id)? {
        // Of a part that was split off its own beginning counts, of a session all of it.
        let places = if session == id { None } else { Some(places(conn, id, &session)?) };
        for stretch in of_session(conn, &session)? {
            let is_meant = places
                .as_ref()
                .is_none_or(|places| places.iter().any(|place| (stretch.start..stretch.end).contains(place)));
            if is_meant && !found.contains(&stretch.owner) && is_anything_in(conn, &stretch)? {
                found.push(stretch.owner);
            }
        }
    }
    Ok(found)
}

/// Where the members of `user_session_id` in a session begin.
fn places(conn: &Connection, user_session_id: &str, session_id: &str) -> Result<Vec<i64>, Error> {
    const SQL: &str = "
        select coalesce(f.ordinal, -1)
          from user_session_members m
          left join aliases a on a.id = m.from_conversation_id
          left join turns f on f.id = coalesce(a.survivor, m.from_conversation_id)
         where m.session_id = ?2 and m.user_session_id = ?1 and m.removed_ms is null
           and (m.from_conversation_id is null or f.session_id = m.session_id)";
    conn.prepare_cached(SQL)
        .op("prepare")?
        .query_map([user_session_id, session_id], |row| row.get(0))
        .op("look for the parts of a session")?
        .collect::<Result<_, _>>()
        .op("look for the parts of a session")
}
