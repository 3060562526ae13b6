//! Words on their way into the indexes: a transaction's last writes.
//!
//! FTS5 keeps new words in memory and writes them out whenever another statement opens a savepoint, each time as a segment
//! of its own that has to be merged later. So what a transaction indexes waits here and is indexed in one go at its end:
//! a third of the work of a large import. Of what tools were given and answered only the places wait; each text is read
//! from the ground when it is its turn, so that the largest is in memory alone.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::params;

use super::Batch;
use super::pieces::Pieces;
use super::turn::ToolCall;
use crate::error::{Context, Error};
use crate::ids::{ConversationId, Span};
use crate::read::searched::searched;
use crate::words_cjk::spaced;

/// What waits, by the rows of the indexes.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    blocks: BTreeMap<i64, String>,
    tools: BTreeMap<i64, Span>,
    prompts: BTreeSet<i64>,
}

const UNINDEX_BLOCKS: &str =
    "delete from search where rowid in (select id from blocks where conversation_id = ?1 and seq >= ?2)";

const UNINDEX_CALLS: &str = "
    delete from search_tools where rowid in (
        select id * 2 from tool_calls where conversation_id = ?1 and seq >= ?2
        union all select id * 2 + 1 from tool_calls where conversation_id = ?1 and seq >= ?2)";

impl Batch<'_> {
    /// The words of a block.
    pub(super) fn index_block(&self, block: i64, words: &str) {
        self.waiting.borrow_mut().blocks.insert(block, words.to_owned());
    }

    /// The words of a tool call's input and output.
    pub(super) fn index_call(&self, id: i64, call: &ToolCall) {
        let mut waiting = self.waiting.borrow_mut();
        waiting.tools.extend(call.input.map(|span| (id * 2, span)));
        waiting.tools.extend(call.output.map(|span| (id * 2 + 1, span)));
    }

    /// The parts of words of a prompt, if there is one.
    pub(super) fn index_prompt(&self, id: ConversationId) {
        self.waiting.borrow_mut().prompts.insert(id.0);
    }

    /// Takes a prompt out of its index.
    pub(super) fn unindex_prompt(&self, id: ConversationId) -> Result<(), Error> {
        self.waiting.borrow_mut().prompts.remove(&id.0);
        self.execute("delete from search_parts where rowid = ?1", [id.0])
    }

    /// Takes the words of a turn's blocks out of the index, from the block `from` on.
    pub(super) fn unindex_blocks(&self, id: ConversationId, from: usize) -> Result<(), Error> {
        let mut waiting = self.waiting.borrow_mut();
        if !waiting.blocks.is_empty() {
            for block in self.rows_from("select id from blocks where conversation_id = ?1 and seq >= ?2", id, from)? {
                waiting.blocks.remove(&block);
            }
        }
        self.execute(UNINDEX_BLOCKS, [id.0, from as i64])
    }

    /// The same of a turn's tool calls.
    pub(super) fn unindex_calls(&self, id: ConversationId, from: usize) -> Result<(), Error> {
        let mut waiting = self.waiting.borrow_mut();
        if !waiting.tools.is_empty() {
            for call in
                self.rows_from("select id from tool_calls where conversation_id = ?1 and seq >= ?2", id, from)?
            {
                waiting.tools.remove(&(call * 2));
                waiting.tools.remove(&(call * 2 + 1));
            }
        }
        self.execute(UNINDEX_CALLS, [id.0, from as i64])
    }

    fn rows_from(&self, sql: &str, id: ConversationId, from: usize) -> Result<Vec<i64>, Error> {
        let mut query = self.tx.prepare_cached(sql).op("prepare")?;
        let rows = query.query_map([id.0, from as i64], |row| row.get(0)).op("read a turn's parts")?;
        rows.collect::<Result<_, _>>().op("read a turn's part")
    }

    /// Indexes what waits.
    pub(super) fn index_waiting(&self) -> Result<(), Error> {
        let Waiting { blocks, tools, prompts } = std::mem::take(&mut *self.waiting.borrow_mut());
        for (block, words) in blocks {
            self.execute("insert into search (rowid, text) values (?1, ?2)", params![block, spaced(&words)])?;
        }
        let mut pieces = Pieces::new(&self.tx);
        for (row, span) in tools {
            let text = pieces.read(span, searched)?;
            self.execute("insert into search_tools (rowid, text) values (?1, ?2)", params![row, spaced(&text)])?;
        }
        for id in prompts {
            self.execute(
                "insert into search_parts (rowid, text) select id, prompt_text from turns
                  where id = ?1 and prompt_text is not null",
                [id],
            )?;
        }
        Ok(())
    }
}
