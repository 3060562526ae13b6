//! What a person said: as it stands now, and the whole history in the form in which it travels.
//!
//! Remarks keep the id they were written to. Where several ids are one conversation, what counts is the newest rating, note
//! and star, and the newest word on each tag, whichever id it was written to: which ids a store gave out along the
//! way is its own affair, and two stores that hold the same must show the same.

use rusqlite::{Connection, Row, params_from_iter};

use super::Reader;
use crate::error::{Context, Error};
use crate::human::get::{self, SAME};
use crate::human::{Marks, Member, Remark, Said, SavedView, Title, UserSession};
use crate::ids::{ConversationId, Key};

impl Reader {
    /// Everything that was ever said about a conversation, under any of its ids, the oldest first.
    ///
    /// # Errors
    /// As [`Reader::list`].
    pub fn remarks(&mut self, id: ConversationId) -> Result<Vec<Remark>, Error> {
        self.ask(|conn| remarks(conn, id))
    }

    /// The keys that lead to a conversation, under any of its ids.
    ///
    /// # Errors
    /// As [`Reader::list`].
    pub fn keys(&mut self, id: ConversationId) -> Result<Vec<Key>, Error> {
        self.ask(|conn| get::all_keys(conn, id.0))
    }

    /// The user sessions that somebody changed, the oldest first.
    ///
    /// # Errors
    /// As [`Reader::list`].
    pub fn user_sessions(&mut self) -> Result<Vec<UserSession>, Error> {
        self.ask(|conn| all(conn, &get::USER_SESSIONS))
    }

    /// Their members, also those that were undone, the oldest first.
    ///
    /// # Errors
    /// As [`Reader::list`].
    pub fn members(&mut self) -> Result<Vec<Member>, Error> {
        self.ask(|conn| {
            let table = &get::MEMBERS;
            let found: Vec<(Member, Option<i64>)> =
                rows(conn, &in_order(table), &[], |row| Ok((table.read(row)?, row.get(get::ABOUT)?)))?;
            let with_keys = |(member, from): (Member, Option<i64>)| {
                Ok(Member { from: from.map(|id| get::all_keys(conn, id)).transpose()?, ..member })
            };
            found.into_iter().map(with_keys).collect()
        })
    }

    /// The titles that people gave to user sessions, the oldest first.
    ///
    /// # Errors
    /// As [`Reader::list`].
    pub fn titles(&mut self) -> Result<Vec<Title>, Error> {
        self.ask(|conn| all(conn, &get::TITLES))
    }

    /// The searches that people kept, the oldest first.
    ///
    /// # Errors
    /// As [`Reader::list`].
    pub fn saved_views(&mut self) -> Result<Vec<SavedView>, Error> {
        self.ask(|conn| all(conn, &get::SAVED_VIEWS))
    }
}

fn in_order<T>(table: &get::Table<T>) -> String {
    format!("{} order by h.created_ms, h.id", table.select())
}

fn all<T>(conn: &Connection, table: &get::Table<T>) -> Result<Vec<T>, Error> {
    rows(conn, &in_order(table), &[], |row| table.read(row))
}

fn remarks(conn: &Connection, id: ConversationId) -> Result<Vec<Remark>, Error> {
    let mut found = Vec::new();
    for table in &get::REMARKS {
        let sql = format!("{} where h.conversation_id in {SAME}", table.select());
        found.extend(rows(conn, &sql, &[id.0], |row| table.read(row))?);
    }
    found.sort_by(|a: &Remark, b| (a.stamp.created_ms, &a.stamp.id).cmp(&(b.stamp.created_ms, &b.stamp.id)));
    Ok(found)
}

/// What is said of a conversation now; `id` may be any of its ids.
pub(super) fn marks(conn: &Connection, id: ConversationId) -> Result<Marks, Error> {
    let mut marks = Marks::default();
    for remark in remarks(conn, id)? {
        match remark.said {
            Said::Rating(rating) => marks.rating = rating,
            Said::Star(starred) => marks.starred = starred,
            Said::Tag { tag, present } => {
                marks.tags.retain(|known| *known != tag);
                if present {
                    marks.tags.push(tag);
                }
            }
            Said::Note(note) => marks.note = note,
        }
    }
    marks.tags.sort();
    Ok(marks)
}

fn rows<T>(
    conn: &Connection,
    sql: &str,
    values: &[i64],
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, Error> {
    conn.prepare_cached(sql)
        .op("prepare")?
        .query_map(params_from_iter(values), read)
        .op("read human rows")?
        .collect::<Result<_, _>>()
        .op("read a human row")
}
