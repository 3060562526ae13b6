//! The parts of a conversation: its blocks, its tool calls, the tokens of its messages. Of what stands there, the beginning
//! that is as it is wanted stays; the rest is written anew.

use rusqlite::{Row, params};

use super::Batch;
use super::turn::{Block, ToolCall, Turn};
use crate::error::{Context, Error};
use crate::ids::{ConversationId, Span};
use crate::usage::Usage;

impl Batch<'_> {
    /// Writes the parts of a turn; `known` if some may stand there. A prompt that changed may be shown otherwise though it
    /// stands where it stood.
    pub(super) fn put_parts(
        &self,
        id: ConversationId,
        turn: &Turn,
        known: bool,
        prompt_stands: bool,
    ) -> Result<(), Error> {
        let mut same = Same::default();
        if known {
            same = self.same_parts(id, turn)?;
            if !prompt_stands {
                same.blocks = 0;
            }
            self.remove_blocks(id, same.blocks)?;
            self.unindex_calls(id, same.calls)?;
            self.execute("delete from tool_calls where conversation_id = ?1 and seq >= ?2", [id.0, same.calls as i64])?;
            self.execute("delete from usage where conversation_id = ?1 and seq >= ?2", [id.0, same.usage as i64])?;
        }
        for (seq, block) in (0..).zip(&turn.blocks).skip(same.blocks) {
            self.put_block(id, seq, block)?;
        }
        for (seq, call) in (0..).zip(&turn.tool_calls).skip(same.calls) {
            self.put_call(id, seq, call)?;
        }
        for (seq, usage) in (0..).zip(&turn.usage).skip(same.usage) {
            self.put_usage(id, seq, usage)?;
        }
        Ok(())
    }

    pub(super) fn remove_blocks(&self, id: ConversationId, from: usize) -> Result<(), Error> {
        self.unindex_blocks(id, from)?;
        self.execute("delete from blocks where conversation_id = ?1 and seq >= ?2", [id.0, from as i64])
    }

    /// Whether all parts of a turn stand there as they are wanted, and no others.
    pub(super) fn has_parts(&self, id: ConversationId, turn: &Turn) -> Result<bool, Error> {
        let found = self
            .tx
            .prepare_cached(
                "select (select count(*) from blocks where conversation_id = ?1),
                        (select count(*) from tool_calls where conversation_id = ?1),
                        (select count(*) from usage where conversation_id = ?1)",
            )
            .op("prepare")?
            .query_row([id.0], |row| Ok([row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?]))
            .op("count a turn's parts")?;
        let wanted = [turn.blocks.len(), turn.tool_calls.len(), turn.usage.len()];
        let same = self.same_parts(id, turn)?;
        Ok(found == wanted.map(|count| count as i64) && [same.blocks, same.calls, same.usage] == wanted)
    }

    fn same_parts(&self, id: ConversationId, turn: &Turn) -> Result<Same, Error> {
        Ok(Same {
            blocks: self.same_blocks(id, &turn.blocks)?,
            calls: self.same_calls(id, &turn.tool_calls)?,
            usage: self.same_usage(id, &turn.usage)?,
        })
    }

    /// How many blocks stand there as they are wanted, from the first on.
    fn same_blocks(&self, id: ConversationId, wanted: &[Block]) -> Result<usize, Error> {
        self.same(
            "select kind, at_ms, tool_use_id, source, source_id, source_offset, source_length,
                    exists (select 1 from search_docsize where id = blocks.id), seq
               from blocks where conversation_id = ?1 order by seq",
            id,
            wanted,
            |row, block| {
                Ok(row.get::<_, bool>(7)? == block.search.is_some()
                    && row.get_ref(0)?.as_str()? == block.kind.as_str()
                    && row.get::<_, Option<i64>>(1)? == block.at_ms
                    && row.get_ref(2)?.as_str_or_null()? == block.tool_use_id.as_deref()
                    && place(row, 3)? == columns(block.span))
            },
        )
    }

    fn same_calls(&self, id: ConversationId, wanted: &[ToolCall]) -> Result<usize, Error> {
        self.same(
            "select tool_use_id, name, is_error, refused, finished, started_ms, duration_ms,
                    input_source, input_source_id, input_offset, input_length,
                    output_source, output_source_id, output_offset, output_length,
                    exists (select 1 from search_tools_docsize where id = tool_calls.id * 2),
                    exists (select 1 from search_tools_docsize where id = tool_calls.id * 2 + 1), seq
               from tool_calls where conversation_id = ?1 order by seq",
            id,
            wanted,
            |row, call| {
                Ok(row.get_ref(0)?.as_str_or_null()? == call.tool_use_id.as_deref()
                    && row.get_ref(1)?.as_str()? == call.name
                    && (row.get::<_, bool>(2)?, row.get::<_, bool>(3)?, row.get::<_, bool>(4)?)
                        == (call.is_error, call.refused, call.finished)
                    && (row.get::<_, Option<i64>>(5)?, row.get::<_, Option<i64>>(6)?)
                        == (call.started_ms, call.duration_ms)
                    && place(row, 7)? == columns(call.input)
                    && place(row, 11)? == columns(call.output)
                    && (row.get::<_, bool>(15)?, row.get::<_, bool>(16)?)
                        == (call.input.is_some(), call.output.is_some()))
            },
        )
    }

    fn same_usage(&self, id: ConversationId, wanted: &[Usage]) -> Result<usize, Error> {
        self.same(
            "select message_id, request_id, model, input_tokens, output_tokens, cache_creation_tokens,
                    cache_creation_1h_tokens, cache_read_tokens, cost, seq
               from usage where conversation_id = ?1 order by seq",
            id,
            wanted,
            |row, usage| {
                Ok(row.get_ref(0)?.as_str()? == usage.message_id
                    && row.get_ref(1)?.as_str_or_null()? == usage.request_id.as_deref()
                    && row.get_ref(2)?.as_str_or_null()? == usage.model.as_deref()
                    && [row.get::<_, i64>(3)?, row.get(4)?, row.get(5)?, row.get(6)?, row.get(7)?]
                        == [
                            usage.input_tokens,
                            usage.output_tokens,
                            usage.cache_creation_tokens,
                            usage.cache_creation_1h_tokens,
                            usage.cache_read_tokens,
                        ]
                    && row.get::<_, Option<i64>>(8)? == usage.cost)
            },
        )
    }

    fn same<T>(
        &self,
        sql: &str,
        id: ConversationId,
        wanted: &[T],
        is: impl Fn(&Row<'_>, &T) -> rusqlite::Result<bool>,
    ) -> Result<usize, Error> {
        let is = |row: &Row<'_>, one: &T, seq: usize| Ok(row.get::<_, i64>("seq")? == seq as i64 && is(row, one)?);
        let mut query = self.tx.prepare_cached(sql).op("prepare")?;
        let mut rows = query.query([id.0]).op("read a turn's parts")?;
        let mut same = 0;
        while let Some(row) = rows.next().op("read a turn's part")? {
            match wanted.get(same) {
                Some(one) if is(row, one, same).op("read a turn's part")? => same += 1,
                _ => break,
            }
        }
        Ok(same)
    }

    fn put_block(&self, id: ConversationId, seq: i64, block: &Block) -> Result<(), Error> {
        let (source, source_id, offset, length) = columns(block.span);
        self.execute(
            "insert into blocks (conversation_id, seq, kind, at_ms, tool_use_id, source, source_id, source_offset, source_length)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            params![id.0, seq, block.kind.as_str(), block.at_ms, block.tool_use_id, source, source_id, offset, length],
        )?;
        if let Some(words) = &block.search {
            self.index_block(self.tx.last_insert_rowid(), words);
        }
        Ok(())
    }

    fn put_call(&self, id: ConversationId, seq: i64, call: &ToolCall) -> Result<(), Error> {
        let (in_source, in_id, in_offset, in_length) = columns(call.input);
        let (out_source, out_id, out_offset, out_length) = columns(call.output);
        self.execute(
            "insert into tool_calls (conversation_id, seq, tool_use_id, name, is_error, refused, finished, started_ms, duration_ms,
                                     input_source, input_source_id, input_offset, input_length,
                                     output_source, output_source_id, output_offset, output_length)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
            params![
                id.0,
                seq,
                call.tool_use_id,
                call.name,
                call.is_error,
                call.refused,
                call.finished,
                call.started_ms,
                call.duration_ms,
                in_source,
                in_id,
                in_offset,
                in_length,
                out_source,
                out_id,
                out_offset,
                out_length
            ],
        )?;
        self.index_call(self.tx.last_insert_rowid(), call);
        Ok(())
    }

    fn put_usage(&self, id: ConversationId, seq: i64, usage: &Usage) -> Result<(), Error> {
        self.execute(
            "insert into usage (conversation_id, seq, message_id, request_id, model, input_tokens, output_tokens,
                                cache_creation_tokens, cache_creation_1h_tokens, cache_read_tokens, cost)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            params![
                id.0,
                seq,
                usage.message_id,
                usage.request_id,
                usage.model,
                usage.input_tokens,
                usage.output_tokens,
                usage.cache_creation_tokens,
                usage.cache_creation_1h_tokens,
                usage.cache_read_tokens,
                usage.cost
            ],
        )
    }
}

/// How much of a turn stands there as it is wanted.
#[derive(Default)]
struct Same {
    blocks: usize,
    calls: usize,
    usage: usize,
}

type Columns = (Option<i64>, Option<i64>, Option<i64>, Option<i64>);

fn place(row: &Row<'_>, first: usize) -> rusqlite::Result<Columns> {
    Ok((row.get(first)?, row.get(first + 1)?, row.get(first + 2)?, row.get(first + 3)?))
}

/// The columns of a place, all null where there is none.
fn columns(span: Option<Span>) -> Columns {
    match span.map(Span::columns) {
        Some((source, id, offset, length)) => (Some(source), Some(id), Some(offset), Some(length)),
        None => (None, None, None, None),
    }
}
