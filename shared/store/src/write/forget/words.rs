//! Takes out of the file what a deletion leaves in it.
//!
//! A deleted text leaves its words in the indexes until they are merged: that reads and writes whole indexes, so it is done in
//! small steps, one transaction each, and others go between. And where rows move between pages, their bytes stay behind in the
//! gaps, whatever `secure_delete` overwrites: so the file is written anew at last.

use std::collections::HashMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use rusqlite::{Connection, Row};

use super::super::Writer;
use super::sift::state;
use super::{COPIES, PAGES, SIFT, STATE, WORDS};
use crate::error::{Context, Error};
use crate::open;

/// Every full-text index.
pub const INDEXES: [&str; 7] = [
    "search",
    "search_tools",
    "search_parts",
    "search_human",
    "search_human_parts",
    "search_titles",
    "search_title_parts",
];

/// Pages that one step writes, about.
const STEP: i64 = 500;

/// What a database knows to be forgotten, and until when.
fn stones(conn: &Connection) -> Result<HashMap<(String, Vec<u8>), i64>, Error> {
    let mut query = conn.prepare("select kind, key, created_ms from tombstones").op("prepare")?;
    let read = |row: &Row<'_>| Ok(((row.get(0)?, row.get(1)?), row.get(2)?));
    let rows = query.query_map([], read).op("read what was forgotten")?;
    rows.collect::<Result<_, _>>().op("read what was forgotten")
}

impl Writer {
    /// Whether something may still hold what was forgotten: this file, the archive or a backup.
    ///
    /// # Errors
    /// The engine's.
    pub fn has_remains(&self) -> Result<bool, Error> {
        self.forgetting().map(|state| state.is_some())
    }

    /// Whether this file may.
    ///
    /// # Errors
    /// The engine's.
    pub fn has_remains_here(&self) -> Result<bool, Error> {
        self.forgetting().map(|state| state.is_some_and(|state| state != COPIES))
    }

    /// Whether a copy of the database has taken out all that was forgotten here. One that cannot be looked at has not.
    ///
    /// # Errors
    /// The engine's, of ours.
    pub fn is_clean_copy(&self, copy: &Path) -> Result<bool, Error> {
        let mut log = copy.as_os_str().to_owned();
        log.push("-wal");
        let has_log = fs::metadata(&log).is_ok_and(|log| log.len() > 0);
        let Ok(other) = open::connect_frozen(copy) else { return Ok(false) };
        let Ok(theirs) = stones(&other) else { return Ok(false) };
        let is_done = state(&other).is_ok_and(|state| !matches!(state.as_deref(), Some(SIFT | WORDS)));
        let is_theirs =
            |(stone, until_ms): (_, i64)| theirs.get(&stone).is_some_and(|theirs_ms| *theirs_ms >= until_ms);
        Ok(is_done && !has_log && stones(&self.conn)?.into_iter().all(is_theirs))
    }

    /// Merges every index until it holds nothing but what is there. `observe` hears of how many are done, and may end it:
    /// then it goes on the next time.
    ///
    /// # Errors
    /// The engine's.
    pub fn merge_words(&mut self, observe: &mut dyn FnMut(usize) -> ControlFlow<()>) -> Result<ControlFlow<()>, Error> {
        for (done, index) in INDEXES.iter().enumerate() {
            let mut pages = -STEP; // the first step gathers all segments for one merge
            loop {
                if observe(done).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
                let before = self.conn.total_changes();
                let batch = self.batch()?;
                batch.execute(&format!("insert into {index} ({index}, rank) values ('merge', ?1)"), [pages])?;
                batch.commit()?;
                // The command is a change itself; one more is a step that did something.
                if self.conn.total_changes() - before < 2 {
                    break;
                }
                pages = STEP;
            }
        }
        let done = [STATE, WORDS, PAGES];
        let sql = "update meta set value = ?3 where key = ?1 and value = ?2";
        self.conn.execute(sql, done).op("note what was merged")?;
        Ok(ControlFlow::Continue(()))
    }

    /// Writes the database file anew, so that nothing stands in it but what is there. It takes its size in temporary files
    /// (`SQLITE_TMPDIR`) and as much in its log, and keeps other writers waiting.
    ///
    /// # Errors
    /// The engine's; [`Error::Busy`] while somebody else writes.
    pub fn rewrite(&mut self) -> Result<(), Error> {
        self.conn.execute_batch("vacuum").op("write the database anew")?;
        self.leave_pages()
    }

    /// Notes that nothing of it is to be seen in this file's pages, or that only its rows are looked at.
    ///
    /// # Errors
    /// The engine's.
    pub fn leave_pages(&mut self) -> Result<(), Error> {
        let done = [STATE, PAGES, COPIES];
        let sql = "update meta set value = ?3 where key = ?1 and value = ?2";
        self.conn.execute(sql, done).op("note what was written").map(drop)
    }

    /// Notes that the archive and the backups hold nothing of it either.
    ///
    /// # Errors
    /// The engine's.
    pub fn all_forgotten(&mut self) -> Result<(), Error> {
        let done = [STATE, COPIES];
        self.conn
            .execute("delete from meta where key = ?1 and value = ?2", done)
            .op("note what was forgotten")
            .map(drop)
    }

    /// The words of an index, as it holds them: whoever has forgotten something can see that nothing is left of it.
    ///
    /// # Errors
    /// The engine's.
    pub fn words(&self, index: &str) -> Result<Vec<String>, Error> {
        let make = format!("create virtual table temp.words_of_{index} using fts5vocab('main', '{index}', 'row')");
        self.conn.execute_batch(&make).op("list the words of an index")?;
        let read = || {
            let mut query = self.conn.prepare(&format!("select term from temp.words_of_{index}"))?;
            query.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()
        };
        let words = read().op("read the words of an index");
        self.conn.execute_batch(&format!("drop table temp.words_of_{index}")).op("list the words of an index")?;
        words
    }
}
