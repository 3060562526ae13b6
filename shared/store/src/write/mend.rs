//! What `doctor --repair` may do: put back what can be told for certain, and have the rest derived again. No row of what was
//! captured or said is ever removed here.

use rusqlite::{Connection, params};

use super::{Batch, Writer};
use crate::codec;
use crate::error::{Context, Error};
use crate::ids::EventId;
use crate::quarter;
use crate::read::inspect::{COUNTED, FACETS, TOOL_USES, statement};

/// Ids that something refers to and that are not there. They come back as they were: an id never changes its meaning. What people
/// said of them is told then.
macro_rules! lost_ids {
    () => {
        "(select conversation_id as id from conversation_keys union select id from turns
           union select id from aliases union select survivor from aliases
           union select conversation_id from rating_history union select conversation_id from tag_history
           union select conversation_id from note_history union select conversation_id from star_history
           union select from_conversation_id from user_session_members where from_conversation_id is not null
          except select id from conversation_ids)"
    };
}
const UNTOLD_IDS: &str =
    concat!("insert or ignore into untold (conversation_id, tags, notes) select id, 1, 1 from ", lost_ids!());
const LOST_IDS: &str = concat!("insert into conversation_ids (id, created_ms) select id, ?1 from ", lost_ids!());

/// Parts of conversations that are not there; the words first, as they are found by their blocks.
const LOOSE: [&str; 6] = [
    "delete from search where rowid in (select id from blocks where conversation_id not in (select id from turns))",
    "delete from search_tools where rowid in (
        select id * 2 from tool_calls where conversation_id not in (select id from turns)
        union all select id * 2 + 1 from tool_calls where conversation_id not in (select id from turns))",
    "delete from blocks where conversation_id not in (select id from turns)",
    "delete from tool_calls where conversation_id not in (select id from turns)",
    "delete from usage where conversation_id not in (select id from turns)",
    "delete from typed_lines where transcript_id not in (select id from transcripts)",
];

/// Names that facets refer to by number.
const NAMES: [&str; 4] = [
    "insert into models (name) select distinct model from usage where model is not null on conflict do nothing",
    "insert into models (name) select distinct model from turns where model is not null on conflict do nothing",
    "insert into tools (name) select distinct name from tool_calls where true on conflict do nothing",
    "insert into folders (origin_id, cwd)
     select distinct coalesce(s.origin_id, 0), coalesce(t.cwd, s.cwd)
       from turns t left join sessions s on s.session_id = t.session_id
      where coalesce(t.cwd, s.cwd) is not null
     on conflict do nothing",
];

const STRAY_WORDS: [&str; 7] = [
    "delete from search where rowid in (select id from search_docsize where id not in (select id from blocks))",
    "delete from search_tools where rowid in
        (select id from search_tools_docsize where id / 2 not in (select id from tool_calls))",
    "delete from search_parts where rowid in
        (select id from search_parts_docsize where id not in (select id from turns))",
    "delete from search_human where rowid in
        (select id from search_human_docsize where id not in (select id from human_texts))",
    "delete from search_human_parts where rowid in
        (select id from search_human_parts_docsize where id not in (select id from human_texts))",
    "delete from search_titles where rowid in (select id from search_titles_docsize where id not in (select id from titles))",
    "delete from search_title_parts where rowid in
        (select id from search_title_parts_docsize where id not in (select id from titles))",
];

/// What people say and titles: their texts stand beside their indexes.
const TEXTS: [&str; 8] = [
    "insert into search_human (search_human) values ('delete-all')",
    "insert into search_human (rowid, text) select id, spaced(text) from human_texts",
    "insert into search_human_parts (search_human_parts) values ('delete-all')",
    "insert into search_human_parts (rowid, text) select id, text from human_texts",
    "insert into search_titles (search_titles) values ('delete-all')",
    "insert into search_titles (rowid, text) select id, spaced(title) from titles",
    "insert into search_title_parts (search_title_parts) values ('delete-all')",
    "insert into search_title_parts (rowid, text) select id, title from titles",
];

impl Batch<'_> {
    /// Makes an index, a view or a trigger that is missing. False if there is no such thing.
    ///
    /// # Errors
    /// The engine's.
    pub fn make_missing(&self, name: &str) -> Result<bool, Error> {
        let Some(sql) = statement(name)? else { return Ok(false) };
        self.execute(&sql, [])?;
        Ok(true)
    }

    /// Puts back conversation ids that something refers to. Gives how many.
    ///
    /// # Errors
    /// The engine's.
    pub fn put_back_ids(&self, now_ms: i64) -> Result<u64, Error> {
        self.execute(UNTOLD_IDS, [])?;
        self.execute(LOST_IDS, [now_ms])?;
        Ok(self.tx.changes())
    }

    /// Removes derived parts that belong to no conversation. Gives how many.
    ///
    /// # Errors
    /// The engine's.
    pub fn drop_loose_parts(&self) -> Result<u64, Error> {
        let mut dropped = 0;
        for sql in LOOSE {
            self.execute(sql, [])?;
            dropped += self.tx.changes();
        }
        Ok(dropped)
    }

    /// Counts again which source saw the conversations.
    ///
    /// # Errors
    /// The engine's.
    pub fn recount(&self) -> Result<(), Error> {
        self.execute("delete from turns_seen", [])?;
        self.execute(&format!("insert into turns_seen (from_hook, from_transcript, turns) {COUNTED}"), [])
    }

    /// Makes again what lists are filtered and sorted by.
    ///
    /// # Errors
    /// The engine's.
    pub fn remake_lists(&self) -> Result<(), Error> {
        for sql in NAMES {
            self.execute(sql, [])?;
        }
        for (table, rows) in [("facets", FACETS), ("tool_uses", TOOL_USES)] {
            self.execute(&format!("delete from {table}"), [])?;
            self.execute(&format!("insert into {table} {rows}"), [])?;
        }
        quarter::recount_all(&self.tx)
    }

    /// Removes words that belong to no text from the index.
    ///
    /// # Errors
    /// The engine's.
    pub fn drop_stray_words(&self) -> Result<(), Error> {
        STRAY_WORDS.iter().try_for_each(|sql| self.execute(sql, []))
    }

    /// Makes the indexes of what people say and of titles anew.
    ///
    /// # Errors
    /// The engine's.
    pub fn index_texts(&self) -> Result<(), Error> {
        TEXTS.iter().try_for_each(|sql| self.execute(sql, []))
    }

    /// Gives an event its payload back. Only the very bytes that were captured are taken: false for any others.
    ///
    /// # Errors
    /// The engine's.
    pub fn refill_event(&self, id: EventId, payload: &[u8]) -> Result<bool, Error> {
        let packed = codec::pack(payload);
        self.execute(
            "update events set size = ?3, codec = ?4, payload = ?5 where id = ?1 and hash = ?2",
            params![id.0, blake3::hash(payload).as_bytes(), payload.len() as i64, packed.codec, packed.bytes],
        )?;
        Ok(self.tx.changes() == 1)
    }
}

/// Changes with each commit of another connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version(i64);

fn version(conn: &Connection) -> Result<Version, Error> {
    conn.pragma_query_value(None, "data_version", |row| row.get(0)).map(Version).op("read the version")
}

impl Writer {
    /// What the store is at now.
    ///
    /// # Errors
    /// The engine's.
    pub fn version(&self) -> Result<Version, Error> {
        version(&self.conn)
    }
}

impl Batch<'_> {
    /// What this transaction builds on: if that is what [`Writer::version`] was before, nobody else changed anything since.
    ///
    /// # Errors
    /// The engine's.
    pub fn version(&self) -> Result<Version, Error> {
        version(&self.tx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However the indexes of what people say and of titles were damaged, with the others they are made anew.
    #[test]
    fn damaged_indexes_of_texts_are_made_anew() {
        let home = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(&queue::DataDir::new(home.path())).unwrap();
        let indexes = ["search_human", "search_human_parts", "search_titles", "search_title_parts"];
        writer
            .conn
            .execute_batch(
                "insert into human_texts (kind, conversation_id, text) values ('note', 1, 'a note, 日本語');
                 insert into sessions (session_id, title) values ('s', 'a note too, 日本語');",
            )
            .unwrap();
        for damage in [
            "update N_data set block = x'0102030405060708' where id > 10",
            "delete from N_data where id > 10",
            "delete from N_docsize",
            "insert into N (rowid, text) values (99, 'a note, 日本語')",
            "insert into N (N) values ('delete-all')",
        ] {
            for index in indexes {
                writer.conn.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_DEFENSIVE, false).unwrap();
                writer.conn.execute_batch(&damage.replace('N', index)).unwrap();
            }
            let batch = writer.batch().unwrap();
            batch.clear_index().unwrap();
            batch.commit().unwrap();
            for index in indexes {
                let found = |asked: &str| -> Vec<i64> {
                    let mut query =
                        writer.conn.prepare(&format!("select rowid from {index} where {index} match ?1")).unwrap();
                    query.query_map([asked], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
                };
                assert_eq!(
                    (found("note"), found("\"日\u{2060}本\u{2060}語\"").len() + found("\"日本語\"").len()),
                    (vec![1], 1),
                    "{index}: {damage}"
                );
            }
            let wrong: String = writer.conn.query_row("pragma integrity_check", [], |row| row.get(0)).unwrap();
            assert_eq!(wrong, "ok", "{damage}");
        }
    }
}
