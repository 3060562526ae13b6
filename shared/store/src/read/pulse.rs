//! Whether anything was committed since somebody last looked, for those who wait for that.
//!
//! The engine keeps the answer in the memory that all connections share, so a look at a store in which nothing happens
//! reads no page and writes nothing.

use rusqlite::Connection;

use super::{Reader, list};
use crate::error::{Context, Error};
use crate::ids::ConversationId;

/// The state after a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pulse {
    /// Another than before, of this reader.
    pub version: i64,
    /// The newest conversation of the default list.
    pub newest: Option<ConversationId>,
    /// Grows with whatever a person says or undoes: ratings, tags, notes, stars, titles, sessions, views.
    pub said: i64,
}

const SAID: &str = "
    select (select coalesce(max(rowid), 0) from rating_history) + (select coalesce(max(rowid), 0) from tag_history)
         + (select coalesce(max(rowid), 0) from note_history) + (select coalesce(max(rowid), 0) from star_history)
         + (select coalesce(max(rowid), 0) from session_titles) + (select coalesce(max(rowid), 0) from saved_views)
         + (select coalesce(max(rowid), 0) from user_session_members)
         + (select count(*) from saved_views where removed_ms is not null)
         + (select count(*) from user_session_members where removed_ms is not null)";

impl Reader {
    /// The state now, if another connection committed anything since this reader saw `version`.
    ///
    /// # Errors
    /// As [`Reader::list`].
    pub fn pulse(&mut self, version: Option<i64>) -> Result<Option<Pulse>, Error> {
        self.ask(|conn| {
            let found = data_version(conn)?;
            if version == Some(found) {
                return Ok(None);
            }
            let said = conn.prepare_cached(SAID).op("prepare")?.query_row([], |row| row.get(0)).op("look for words")?;
            Ok(Some(Pulse { version: found, newest: list::last(conn)?, said }))
        })
    }
}

fn data_version(conn: &Connection) -> Result<i64, Error> {
    conn.prepare_cached("pragma data_version").op("prepare")?.query_row([], |row| row.get(0)).op("look for a commit")
}

#[cfg(test)]
mod tests {
    use crate::read::seed::{Store, turn};

    #[test]
    fn only_a_commit_of_another_is_news() {
        let store = Store::new();
        let mut reader = store.reader();
        let first = reader.pulse(None).unwrap().unwrap();
        assert_eq!(reader.pulse(Some(first.version)).unwrap(), None);
        assert_eq!(reader.pulse(Some(first.version)).unwrap(), None);
        store.turn(&turn("s", 1, "p"));
        let second = reader.pulse(Some(first.version)).unwrap().unwrap();
        assert_ne!(second.version, first.version);
        assert_eq!((first.newest, second.newest.is_some(), second.said), (None, true, first.said));
        assert_eq!(reader.pulse(Some(second.version)).unwrap(), None);
    }

    /// Each thing that a person does is one more, an undo that only marks a row too.
    #[test]
    fn whatever_a_person_does_is_news() {
        let store = Store::new();
        store.turn(&turn("s", 1, "p"));
        let mut reader = store.reader();
        let mut last = reader.pulse(None).unwrap().unwrap().said;
        for sql in [
            "insert into rating_history values ('a', 1, 1, 5, 1)",
            "insert into tag_history values ('a', 1, 1, 'x', 1, 1)",
            "insert into note_history values ('a', 1, 1, 'x', 1)",
            "insert into star_history values ('a', 1, 1, 1, 1)",
            "insert into session_titles values ('a', 1, 's', 'x', 1)",
            "insert into user_session_members values ('a', 1, 'u', 's', null, 1, null)",
            "update user_session_members set removed_ms = 2",
            "insert into saved_views values ('a', 1, 'x', 'q=x', 1, null)",
            "update saved_views set removed_ms = 2",
        ] {
            store.say(sql);
            let said = reader.pulse(None).unwrap().unwrap().said;
            assert!(said > last, "{sql}");
            last = said;
        }
    }
}
