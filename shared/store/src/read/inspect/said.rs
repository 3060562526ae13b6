//! What is kept of what people say now, held against the histories: triggers keep it, and a program that is none of ours, or damage,
//! may have written beside them.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, params};

use super::{Inspector, figure, rows};
use crate::error::{Context, Error};
use crate::human::{Marks, folded, get};

/// Conversations that one read looks at.
const STEP: i64 = 1_000;

/// The next ids of which anything was said or is kept. Each part is read along an index, so a step costs what it gives.
const IDS: &str = "
    select id from (
        select * from (select distinct conversation_id as id from rating_history where conversation_id > ?1 order by 1 limit ?2)
        union select * from (select distinct conversation_id from tag_history where conversation_id > ?1 order by 1 limit ?2)
        union select * from (select distinct conversation_id from note_history where conversation_id > ?1 order by 1 limit ?2)
        union select * from (select distinct conversation_id from star_history where conversation_id > ?1 order by 1 limit ?2)
        union select * from (select conversation_id from marks where conversation_id > ?1 order by 1 limit ?2)
        union select * from (select distinct conversation_id from tagged where conversation_id > ?1 order by 1 limit ?2)
        union select * from (select distinct conversation_id from human_texts
                              where conversation_id is not null and conversation_id > ?1 order by 1 limit ?2))
     order by id limit ?2";

/// What `spellings` should hold.
const SPELLINGS: &str = "select tag, folded(tag), count(*) from tagged group by tag";

/// What is kept of titles should be.
pub(crate) const TITLES: &str = "
    select t.user_session_id, t.title from session_titles t
     where t.title is not null
       and not exists (select 1 from session_titles l
                        where l.user_session_id = t.user_session_id and (l.created_ms, l.id) > (t.created_ms, t.id))";

impl Inspector {
    /// Conversations of which something else is kept than their histories say.
    ///
    /// # Errors
    /// The engine's.
    pub fn told_otherwise(&self) -> Result<Vec<i64>, Error> {
        let (mut found, mut after) = (BTreeSet::new(), i64::MIN);
        loop {
            let ids = self.ask(|conn| {
                let ids: Vec<i64> = rows(conn, "look for what people said", IDS, [after, STEP], |row| row.get(0))?;
                for &id in &ids {
                    // What was said of an alias is told of its survivor.
                    for id in [Some(id), survivor(conn, id)?].into_iter().flatten() {
                        if !is_told(conn, id)? {
                            found.insert(id);
                        }
                    }
                }
                Ok(ids)
            })?;
            match ids.last() {
                Some(last) => after = *last,
                None => return Ok(found.into_iter().collect()),
            }
        }
    }

    /// How many titles, and spellings of tags, are kept otherwise than they were given.
    ///
    /// # Errors
    /// The engine's.
    pub fn titled_otherwise(&self) -> Result<u64, Error> {
        let mut found = 0;
        for (kept, wanted) in [
            ("select tag, key, conversations from spellings", SPELLINGS),
            ("select user_session_id, text from human_texts where kind = 'title'", TITLES),
        ] {
            for sql in [
                format!("select count(*) from (select * from ({kept}) except select * from ({wanted}))"),
                format!("select count(*) from (select * from ({wanted}) except select * from ({kept}))"),
            ] {
                found += self.ask(|conn| figure(conn, "compare what is kept of titles and tags", &sql, []))?;
            }
        }
        Ok(found)
    }
}

fn survivor(conn: &Connection, id: i64) -> Result<Option<i64>, Error> {
    conn.prepare_cached("select survivor from aliases where id = ?1")
        .op("prepare")?
        .query_row([id], |row| row.get(0))
        .optional()
        .op("look for an alias")
}

/// Whether what is kept of an id is what its histories say.
fn is_told(conn: &Connection, id: i64) -> Result<bool, Error> {
    // Of an alias, and of an id that was lost, nothing is told.
    const MEANINGS: &str = "select id from meanings where conversation_id = ?1";
    const MARKS: &str = "select rating, starred, noted, changed_ms from marks where conversation_id = ?1";
    const TAGS: &str = "select tag, key from tagged where conversation_id = ?1 order by tag";
    const TEXTS: &str = "select text from human_texts where conversation_id = ?1 and kind = ?2 order by ";
    let op = "compare what people said";
    let history = get::history_of(conn, &rows(conn, op, MEANINGS, [id], |row| row.get(0))?)?;
    let wanted = Marks::of(&history);
    let newest = history.iter().map(|(_, remark)| remark.stamp.created_ms).max();
    let wanted_row = newest.map(|newest| {
        (wanted.rating.map(|rating| i64::from(rating.get())), wanted.starred, !wanted.notes.is_empty(), newest)
    });
    let kept_row: Option<(Option<i64>, bool, bool, i64)> = conn
        .prepare_cached(MARKS)
        .op(op)?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .optional()
        .op(op)?;
    let tags: Vec<(String, String)> = rows(conn, op, TAGS, [id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let texts = |kind: &str, order: &str| -> Result<Vec<String>, Error> {
        rows(conn, op, &format!("{TEXTS}{order}"), params![id, kind], |row| row.get(0))
    };
    Ok(kept_row == wanted_row
        && tags.iter().map(|(tag, _)| tag).eq(&wanted.tags)
        && tags.iter().all(|(tag, key)| folded(tag) == *key)
        && texts("tag", "text")? == wanted.tags
        && texts("note", "id")? == wanted.notes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::ConversationId;
    use crate::read::seed::{Store, turn};
    use crate::write::Writer;

    #[test]
    fn what_is_kept_otherwise_is_found_and_told_again() {
        let check = |damage: &str, expected: &[i64], others: u64| {
            let store = Store::new();
            for at in 0..4 {
                store.turn(&turn("s", at, "p"));
            }
            store.say(
                "insert into aliases values (4, 3);
                 insert into rating_history values ('a', 1, 1, 5, 1), ('b', 1, 2, null, 1), ('c', 1, 4, 3, 1);
                 insert into tag_history values ('a', 1, 1, 'Rust', 1, 1), ('b', 1, 1, 'rust', 1, 2), ('c', 1, 2, 'rust', 1, 1);
                 insert into note_history values ('a', 1, 3, 'one', 1), ('b', 1, 4, 'two', 2);
                 insert into session_titles values ('a', 1, 's', 'older', 1), ('b', 1, 's', 'title', 2)",
            );
            store
                .conn
                .execute_batch(&format!("pragma foreign_keys = off; {damage}; pragma foreign_keys = on"))
                .unwrap();
            let looked = || {
                let inspector = Inspector::open(&store.dir).unwrap();
                (inspector.told_otherwise().unwrap(), inspector.titled_otherwise().unwrap())
            };
            assert_eq!(looked(), (expected.to_vec(), others), "{damage}");
            let mut writer = Writer::open(&store.dir).unwrap();
            let batch = writer.batch().unwrap();
            expected.iter().for_each(|id| batch.tell_again(ConversationId(*id)).unwrap());
            batch.title_again().unwrap();
            batch.commit().unwrap();
            assert_eq!(looked(), (Vec::new(), 0), "{damage}, mended");
            for index in ["search_human", "search_human_parts"] {
                store.conn.execute_batch(&format!("insert into {index} ({index}) values ('integrity-check')")).unwrap();
            }
        };
        check("", &[], 0);
        check("update marks set rating = 1 where conversation_id = 1", &[1], 0);
        check("update marks set changed_ms = 7 where conversation_id = 2", &[2], 0);
        check("delete from marks where conversation_id = 3", &[3], 0);
        check("insert into marks values (4, 5, 0, 0, 1), (99, 5, 0, 0, 1)", &[4, 99], 0);
        check("delete from tagged where conversation_id = 1", &[1], 0);
        check("update tagged set key = 'x' where conversation_id = 1", &[1], 0);
        check("delete from human_texts where conversation_id = 2", &[2], 0);
        check("insert into human_texts (kind, conversation_id, text) values ('note', 3, 'three')", &[3], 0);
        check("update human_texts set text = 'other' where text = 'two'", &[3], 0);
        check("update spellings set conversations = 7", &[], 2);
        check("delete from human_texts where kind = 'title'", &[], 1);
        check("insert into rating_history values ('x', 1, 3, 1, 9)", &[3], 0);
    }

    #[test]
    fn many_are_looked_at_in_steps() {
        let store = Store::new();
        store.say(&format!(
            "with recursive n (i) as (select 1 union all select i + 1 from n where i < {0})
             insert into conversation_ids select i, 0 from n;
             insert into star_history select 'r' || id, 1, id, 1, 1 from conversation_ids",
            STEP * 2 + 7
        ));
        let last = STEP * 2 + 7;
        store.conn.execute("update marks set starred = 0 where conversation_id in (1, ?1, ?2)", [STEP, last]).unwrap();
        assert_eq!(Inspector::open(&store.dir).unwrap().told_otherwise().unwrap(), [1, STEP, last]);
    }
}
