//! What people said, as whole histories and as it stands now, and how they cut sessions.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row, params};

use super::{Exporter, rows};
use crate::error::Error;
use crate::human::{Member, Rating, Remark, Said, SavedView, Stamp, Title, UserSession};
use crate::ids::{ConversationId, Key};

/// An id and all its aliases, as `ids(id)`.
macro_rules! with_aliases {
    ($select:literal) => {
        concat!(
            "with recursive ids (id) as (select ?1 union select a.id from aliases a join ids on a.survivor = ids.id) ",
            $select
        )
    };
}

const KEYS: &str = with_aliases!(
    "select kind, key from conversation_keys where conversation_id in (select id from ids) order by kind, key"
);

const RATINGS: &str = with_aliases!(
    "select h.id, o.origin, h.created_ms, h.conversation_id, h.rating
       from rating_history h join origins o on o.id = h.origin_id
      where h.conversation_id in (select id from ids) order by h.created_ms, h.id"
);

const TAGS: &str = with_aliases!(
    "select h.id, o.origin, h.created_ms, h.conversation_id, h.tag, h.present
       from tag_history h join origins o on o.id = h.origin_id
      where h.conversation_id in (select id from ids) order by h.created_ms, h.id"
);

const NOTES: &str = with_aliases!(
    "select h.id, o.origin, h.created_ms, h.conversation_id, h.note
       from note_history h join origins o on o.id = h.origin_id
      where h.conversation_id in (select id from ids) order by h.created_ms, h.id"
);

const STARS: &str = with_aliases!(
    "select h.id, o.origin, h.created_ms, h.conversation_id, h.starred
       from star_history h join origins o on o.id = h.origin_id
      where h.conversation_id in (select id from ids) order by h.created_ms, h.id"
);

/// Ids of which somebody said something and that answer with no conversation.
const UNPLACED: &str = "
    with said (id) as (
        select conversation_id from rating_history union select conversation_id from tag_history
        union select conversation_id from note_history union select conversation_id from star_history)
    select id from said
     where id not in (select id from turns) and id not in (select id from aliases) order by id";

/// How people cut sessions, named them, and which searches they kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cuts {
    /// The user sessions that they made.
    pub user_sessions: Vec<UserSession>,
    /// What belongs to which, undone ones too.
    pub members: Vec<Member>,
    /// Titles, whole histories.
    pub titles: Vec<Title>,
    /// Saved views, thrown away ones too.
    pub views: Vec<SavedView>,
}

/// A conversation of which something was said and that is not there: not derived yet, or forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unplaced {
    /// Its id.
    pub id: ConversationId,
    /// What it will be recognised by.
    pub keys: Vec<Key>,
    /// Whole histories.
    pub remarks: Vec<Remark>,
}

/// What people said of a conversation, as it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The newest rating.
    pub rating: Option<Rating>,
    /// The tags, sorted.
    pub tags: Vec<String>,
    /// The notes, oldest first.
    pub notes: Vec<String>,
    /// Whether it is starred.
    pub starred: bool,
}

impl Standing {
    /// From whole histories, each row with the id it was written to. As the view `ratings` has it: the newest rating
    /// counts, the tags of all ids are united, their notes stand one under the other.
    pub(crate) fn of(history: &[(ConversationId, Remark)]) -> Self {
        let mut standing = Self::default();
        let (mut tags, mut notes) = (BTreeMap::new(), BTreeMap::new());
        let mut history: Vec<_> = history.iter().collect();
        history.sort_by_key(|(_, remark)| (remark.stamp.created_ms, &remark.stamp.id));
        for (id, remark) in history {
            match &remark.said {
                Said::Rating(rating) => standing.rating = *rating,
                Said::Star(starred) => standing.starred = *starred,
                Said::Tag { tag, present } => drop(tags.insert((id, tag), *present)),
                Said::Note(note) => drop(notes.insert(id, (remark.stamp.created_ms, &remark.stamp.id, note))),
            }
        }
        standing.tags = tags.into_iter().filter(|(_, present)| *present).map(|((_, tag), _)| tag.clone()).collect();
        standing.tags.sort();
        standing.tags.dedup();
        let mut notes: Vec<_> = notes.into_values().collect();
        notes.sort();
        standing.notes = notes.into_iter().filter_map(|(_, _, note)| note.clone()).collect();
        standing
    }
}

impl Exporter {
    /// User sessions, their members, titles and saved views.
    ///
    /// # Errors
    /// The engine's.
    pub fn cuts(&mut self) -> Result<Cuts, Error> {
        self.ask(|conn| {
            let user_sessions = rows(
                conn,
                "read user sessions",
                "select s.id, o.origin, s.created_ms from user_sessions s join origins o on o.id = s.origin_id
                  order by s.created_ms, s.id",
                [],
                |row| Ok(UserSession { stamp: stamp(row)? }),
            )?;
            let titles = rows(
                conn,
                "read titles",
                "select t.id, o.origin, t.created_ms, t.user_session_id, t.title
                   from session_titles t join origins o on o.id = t.origin_id order by t.created_ms, t.id",
                [],
                |row| Ok(Title { stamp: stamp(row)?, user_session_id: row.get(3)?, title: row.get(4)? }),
            )?;
            let views = rows(
                conn,
                "read saved views",
                "select v.id, o.origin, v.created_ms, v.name, v.query, v.removed_ms
                   from saved_views v join origins o on o.id = v.origin_id order by v.created_ms, v.id",
                [],
                |row| {
                    Ok(SavedView { stamp: stamp(row)?, name: row.get(3)?, query: row.get(4)?, removed_ms: row.get(5)? })
                },
            )?;
            Ok(Cuts { user_sessions, members: members(conn)?, titles, views })
        })
    }

    /// Conversations of which something was said and that are not there.
    ///
    /// # Errors
    /// The engine's.
    pub fn unplaced(&mut self) -> Result<Vec<Unplaced>, Error> {
        self.ask(|conn| {
            let ids = rows(conn, "look for remarks", UNPLACED, [], |row| row.get(0).map(ConversationId))?;
            let unplaced = |id| Ok(Unplaced { id, keys: keys(conn, id)?, remarks: without_ids(remarks(conn, id)?) });
            ids.into_iter().map(unplaced).collect()
        })
    }
}

/// What a conversation and its aliases are recognised by.
pub(super) fn keys(conn: &Connection, id: ConversationId) -> Result<Vec<Key>, Error> {
    rows(conn, "read keys", KEYS, [id.0], |row| {
        let (kind, key): (String, [u8; 16]) = (row.get(0)?, row.get(1)?);
        Ok(if kind == "line" { Key::Line(key) } else { Key::Event(key) })
    })
}

/// What was said of a conversation and its aliases, each with the id it was written to.
pub(super) fn remarks(conn: &Connection, id: ConversationId) -> Result<Vec<(ConversationId, Remark)>, Error> {
    let read = |sql, said: fn(&Row<'_>) -> rusqlite::Result<Said>| {
        rows(conn, "read what was said", sql, params![id.0], |row| {
            Ok((ConversationId(row.get(3)?), Remark { stamp: stamp(row)?, said: said(row)? }))
        })
    };
    let mut found = read(RATINGS, |row| Ok(Said::Rating(row.get::<_, Option<i64>>(4)?.and_then(Rating::new))))?;
    found.extend(read(TAGS, |row| Ok(Said::Tag { tag: row.get(4)?, present: row.get(5)? }))?);
    found.extend(read(NOTES, |row| Ok(Said::Note(row.get(4)?)))?);
    found.extend(read(STARS, |row| Ok(Said::Star(row.get(4)?)))?);
    Ok(found)
}

pub(super) fn without_ids(remarks: Vec<(ConversationId, Remark)>) -> Vec<Remark> {
    remarks.into_iter().map(|(_, remark)| remark).collect()
}

fn members(conn: &Connection) -> Result<Vec<Member>, Error> {
    const SQL: &str = "
        select m.id, o.origin, m.created_ms, m.user_session_id, m.session_id, m.from_conversation_id, m.removed_ms
          from user_session_members m join origins o on o.id = m.origin_id order by m.created_ms, m.id";
    let found = rows(conn, "read members", SQL, [], |row| {
        let from: Option<i64> = row.get(5)?;
        let member = Member {
            stamp: stamp(row)?,
            user_session_id: row.get(3)?,
            session_id: row.get(4)?,
            from: None,
            removed_ms: row.get(6)?,
        };
        Ok((member, from.map(ConversationId)))
    })?;
    let with_keys = |(member, from): (Member, Option<ConversationId>)| {
        Ok(Member { from: from.map(|id| keys(conn, id)).transpose()?, ..member })
    };
    found.into_iter().map(with_keys).collect()
}

/// Of the first three columns.
fn stamp(row: &Row<'_>) -> rusqlite::Result<Stamp> {
    Ok(Stamp { id: row.get(0)?, origin: row.get(1)?, created_ms: row.get(2)? })
}
