//! Takes the words of what is gone out of the indexes: a deleted text leaves its words in them until they are merged.
//!
//! Merging reads and writes whole indexes, so it is done in small steps, one transaction each, and others go between.

use std::ops::ControlFlow;

use super::super::Writer;
use super::{STATE, WORDS};
use crate::error::{Context, Error};

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
const PAGES: i64 = 500;

impl Writer {
    /// Whether the indexes may still hold words of what was forgotten.
    ///
    /// # Errors
    /// The engine's.
    pub fn has_stale_words(&self) -> Result<bool, Error> {
        self.forgetting().map(|state| state.is_some())
    }

    /// Merges every index until it holds nothing but what is there. `observe` hears of how many are done, and may end it:
    /// then it goes on the next time.
    ///
    /// # Errors
    /// The engine's.
    pub fn merge_words(&mut self, observe: &mut dyn FnMut(usize) -> ControlFlow<()>) -> Result<ControlFlow<()>, Error> {
        for (done, index) in INDEXES.iter().enumerate() {
            let mut pages = -PAGES; // the first step gathers all segments for one merge
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
                pages = PAGES;
            }
        }
        let done = [STATE, WORDS];
        self.conn.execute("delete from meta where key = ?1 and value = ?2", done).op("note what was merged")?;
        Ok(ControlFlow::Continue(()))
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
