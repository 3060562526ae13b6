//! Words on their way into the index: a transaction's last writes.
//!
//! FTS5 keeps new words in memory and writes them out whenever another statement opens a savepoint, each time as a segment
//! of its own that has to be merged later. So the texts of a transaction are kept here and indexed in one go at its end:
//! a third of the work of a large import.

use std::collections::BTreeMap;

use super::Batch;
use crate::error::Error;
use crate::ids::ConversationId;

/// Texts that wait, by the block's row.
#[derive(Debug, Default)]
pub(super) struct Waiting(BTreeMap<i64, String>);

impl Batch<'_> {
    /// The words of a block.
    pub(super) fn index(&self, block: i64, words: &str) {
        self.waiting.borrow_mut().0.insert(block, words.to_owned());
    }

    /// Takes the words of a turn's blocks out of the index, from the block `from` on.
    pub(super) fn unindex(&self, id: ConversationId, from: usize) -> Result<(), Error> {
        let mut waiting = self.waiting.borrow_mut();
        if !waiting.0.is_empty() {
            for block in self.block_ids(id, from)? {
                waiting.0.remove(&block);
            }
        }
        self.execute(
            "delete from search where rowid in (select id from blocks where conversation_id = ?1 and seq >= ?2)",
            [id.0, from as i64],
        )
    }

    /// Indexes what waits.
    pub(super) fn index_waiting(&self) -> Result<(), Error> {
        for (block, words) in std::mem::take(&mut self.waiting.borrow_mut().0) {
            self.execute("insert into search (rowid, text) values (?1, ?2)", rusqlite::params![block, words])?;
        }
        Ok(())
    }
}
