//! Reads human rows as they travel: one list of columns for each table, whichever store it stands in.

use rusqlite::{Connection, Row};

use super::{Member, Rating, Remark, Said, SavedView, Stamp, Title, UserSession};
use crate::error::{Context, Error};
use crate::ids::{ConversationId, Key};

/// A table of human rows: how its rows are selected (as `h`, with the origin `o`) and read.
pub(crate) struct Table<T> {
    pub(crate) name: &'static str,
    columns: &'static str,
    read: fn(Stamp, &Row<'_>) -> rusqlite::Result<T>,
}

impl<T> Table<T> {
    /// Selects all its rows; conditions and order may follow.
    pub(crate) fn select(&self) -> String {
        format!(
            "select h.id, o.origin, h.created_ms, {} from {} h join origins o on o.id = h.origin_id",
            self.columns, self.name
        )
    }

    /// As [`Table::select`] where origins cannot be read: all rows get this one.
    pub(crate) fn select_as(&self, origin: &str) -> String {
        format!("select h.id, '{origin}', h.created_ms, {} from {} h", self.columns, self.name)
    }

    /// A selected row.
    pub(crate) fn read(&self, row: &Row<'_>) -> rusqlite::Result<T> {
        (self.read)(Stamp { id: row.get(0)?, origin: row.get(1)?, created_ms: row.get(2)? }, row)
    }
}

/// What is said about a conversation; the conversation is column [`ABOUT`].
pub(crate) const REMARKS: [Table<Remark>; 4] = [
    Table {
        name: "rating_history",
        columns: "h.conversation_id, h.rating",
        read: |stamp, row| {
            let rating: Option<i64> = row.get(4)?;
            Ok(Remark { stamp, said: Said::Rating(rating.and_then(Rating::new)) })
        },
    },
    Table {
        name: "tag_history",
        columns: "h.conversation_id, h.tag, h.present",
        read: |stamp, row| Ok(Remark { stamp, said: Said::Tag { tag: row.get(4)?, present: row.get(5)? } }),
    },
    Table {
        name: "note_history",
        columns: "h.conversation_id, h.note",
        read: |stamp, row| Ok(Remark { stamp, said: Said::Note(row.get(4)?) }),
    },
    Table {
        name: "star_history",
        columns: "h.conversation_id, h.starred",
        read: |stamp, row| Ok(Remark { stamp, said: Said::Star(row.get(4)?) }),
    },
];

/// The column of a remark, or of a member, that names a conversation.
pub(crate) const ABOUT: usize = 3;

/// User sessions that somebody changed.
pub(crate) const USER_SESSIONS: Table<UserSession> =
    Table { name: "user_sessions", columns: "h.id", read: |stamp, _| Ok(UserSession { stamp }) };

/// Their members, without the keys of the conversation that they begin with: its id is column [`ABOUT`].
pub(crate) const MEMBERS: Table<Member> = Table {
    name: "user_session_members",
    columns: "h.from_conversation_id, h.user_session_id, h.session_id, h.removed_ms",
    read: |stamp, row| {
        let (user_session_id, session_id, removed_ms) = (row.get(4)?, row.get(5)?, row.get(6)?);
        Ok(Member { stamp, user_session_id, session_id, from: None, removed_ms })
    },
};

/// Titles that people gave.
pub(crate) const TITLES: Table<Title> = Table {
    name: "session_titles",
    columns: "h.user_session_id, h.title",
    read: |stamp, row| Ok(Title { stamp, user_session_id: row.get(3)?, title: row.get(4)? }),
};

/// Searches that people kept.
pub(crate) const SAVED_VIEWS: Table<SavedView> = Table {
    name: "saved_views",
    columns: "h.name, h.query, h.removed_ms",
    read: |stamp, row| Ok(SavedView { stamp, name: row.get(3)?, query: row.get(4)?, removed_ms: row.get(5)? }),
};

/// All of these tables.
pub(crate) const TABLES: [&str; 8] = [
    REMARKS[0].name,
    REMARKS[1].name,
    REMARKS[2].name,
    REMARKS[3].name,
    USER_SESSIONS.name,
    MEMBERS.name,
    TITLES.name,
    SAVED_VIEWS.name,
];

/// The ids that mean the same conversation as `?1`, itself included, for a condition.
pub(crate) const SAME: &str = "
    (with recursive up (id) as (select ?1 union select a.survivor from aliases a join up on a.id = up.id),
                    ids (id) as (select id from up union select a.id from aliases a join ids on a.survivor = ids.id)
     select id from ids)";

/// The ids that stand for the same conversation as `?1` and are one step away.
const NEXT: &str = "select survivor from aliases where id = ?1 union all select id from aliases where survivor = ?1";

/// The ids that mean the same conversation as `id`, itself first. (Asked once and step by step: nearly always there is no
/// other, and for each recursive query the engine makes a table and throws it away.)
fn same(conn: &Connection, id: i64) -> Result<Vec<i64>, Error> {
    let mut found = vec![id];
    let mut at = 0;
    while let Some(&id) = found.get(at) {
        let mut query = conn.prepare_cached(NEXT).op("prepare")?;
        for next in query.query_map([id], |row| row.get(0)).op("read aliases")? {
            let next = next.op("read an alias")?;
            if !found.contains(&next) {
                found.push(next);
            }
        }
        at += 1;
    }
    Ok(found)
}

/// The keys that lead to any id of the same conversation.
pub(crate) fn all_keys(conn: &Connection, id: i64) -> Result<Vec<Key>, Error> {
    let mut found = Vec::new();
    for id in same(conn, id)? {
        found.extend(own_keys(conn, id)?);
    }
    found.sort();
    Ok(found)
}

/// Everything that was ever said of a conversation, each with the id it was written to: ratings, tags, notes and
/// stars, the oldest of each first.
pub(crate) fn history(conn: &Connection, id: ConversationId) -> Result<Vec<(ConversationId, Remark)>, Error> {
    selected(conn, &same(conn, id.0)?, Table::select)
}

/// The same of these very ids, where origins may be missing: who said it is left out.
pub(crate) fn history_of(conn: &Connection, ids: &[i64]) -> Result<Vec<(ConversationId, Remark)>, Error> {
    selected(conn, ids, |table| table.select_as(""))
}

fn selected(
    conn: &Connection,
    ids: &[i64],
    select: fn(&Table<Remark>) -> String,
) -> Result<Vec<(ConversationId, Remark)>, Error> {
    let mut found = Vec::new();
    for table in &REMARKS {
        let first = found.len();
        let sql = format!("{} where h.conversation_id = ?1", select(table));
        let mut query = conn.prepare_cached(&sql).op("prepare")?;
        for id in ids {
            let rows = query
                .query_map([id], |row| Ok((ConversationId(row.get(ABOUT)?), table.read(row)?)))
                .op("read what was said")?;
            for row in rows {
                found.push(row.op("read what was said")?);
            }
        }
        found[first..].sort_by(|(_, a): &(_, Remark), (_, b)| {
            (a.stamp.created_ms, &a.stamp.id).cmp(&(b.stamp.created_ms, &b.stamp.id))
        });
    }
    Ok(found)
}

/// All rows of a table, the oldest first, each with what `also` takes from its row.
pub(crate) fn all<T, U>(
    conn: &Connection,
    table: &Table<T>,
    also: impl Fn(&Row<'_>) -> rusqlite::Result<U>,
) -> Result<Vec<(T, U)>, Error> {
    conn.prepare_cached(&format!("{} order by h.created_ms, h.id", table.select()))
        .op("prepare")?
        .query_map([], |row| Ok((table.read(row)?, also(row)?)))
        .op("read human rows")?
        .collect::<Result<_, _>>()
        .op("read a human row")
}

/// The keys that lead to this very id.
pub(crate) fn own_keys(conn: &Connection, id: i64) -> Result<Vec<Key>, Error> {
    conn.prepare_cached("select kind, key from conversation_keys where conversation_id = ?1 order by kind, key")
        .op("prepare")?
        .query_map([id], |row| {
            let (kind, key): (String, [u8; 16]) = (row.get(0)?, row.get(1)?);
            Ok(if kind == "line" { Key::Line(key) } else { Key::Event(key) })
        })
        .op("read keys")?
        .collect::<Result<_, _>>()
        .op("read a key")
}
