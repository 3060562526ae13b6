//! Writes the rows of one conversation: what stands there already and is the same is not written again, so that a turn
//! that grows costs what it grew by.

use rusqlite::{Row, params};

use super::Batch;
use super::turn::{Block, ToolCall, Turn};
use crate::error::{Context, Error};
use crate::ids::{ConversationId, Span};
use crate::usage::Usage;

impl Batch<'_> {
    pub(super) fn remove_turn(&self, id: ConversationId) -> Result<(), Error> {
        self.remove_blocks(id, 0)?;
        self.execute("delete from turns where id = ?1", [id.0])
    }

    fn remove_blocks(&self, id: ConversationId, from: usize) -> Result<(), Error> {
        self.unindex(id, from)?;
        self.execute("delete from blocks where conversation_id = ?1 and seq >= ?2", [id.0, from as i64])
    }

    pub(super) fn block_ids(&self, id: ConversationId, from: usize) -> Result<Vec<i64>, Error> {
        let mut query =
            self.tx.prepare_cached("select id from blocks where conversation_id = ?1 and seq >= ?2").op("prepare")?;
        let rows = query.query_map([id.0, from as i64], |row| row.get(0)).op("read a turn's blocks")?;
        rows.collect::<Result<_, _>>().op("read a turn's block")
    }

    /// Writes a turn; `known` if a row of it stands there.
    pub(super) fn put_turn(
        &self,
        id: ConversationId,
        turn: &Turn,
        parent: Option<ConversationId>,
        digest: &[u8],
        known: bool,
    ) -> Result<(), Error> {
        let prompt = if known { self.prompt(id)? } else { None };
        self.execute(
            "insert into turns (id, session_id, parent_id, agent_id, ordinal, timestamp_ms, ended_ms, kind, via, status,
                                prompt_text, response_text, prompt_id, model, cwd, from_hook, from_transcript, metadata, digest)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)
             on conflict (id) do update set
                session_id = excluded.session_id, parent_id = excluded.parent_id, agent_id = excluded.agent_id,
                ordinal = excluded.ordinal, timestamp_ms = excluded.timestamp_ms, ended_ms = excluded.ended_ms,
                kind = excluded.kind, via = excluded.via, status = excluded.status, prompt_text = excluded.prompt_text,
                response_text = excluded.response_text, prompt_id = excluded.prompt_id, model = excluded.model,
                cwd = excluded.cwd, from_hook = excluded.from_hook, from_transcript = excluded.from_transcript,
                metadata = excluded.metadata, digest = excluded.digest",
            params![
                id.0,
                turn.session_id,
                parent.map(|id| id.0),
                turn.agent_id,
                turn.ordinal,
                turn.timestamp_ms,
                turn.ended_ms,
                turn.kind.as_str(),
                turn.via.as_str(),
                turn.status.as_str(),
                turn.prompt_text,
                turn.response_text,
                turn.prompt_id,
                turn.model,
                turn.cwd,
                turn.from_hook,
                turn.from_transcript,
                turn.metadata,
                digest,
            ],
        )?;
        let mut same = Same::default();
        if known {
            same = self.same_parts(id, turn)?;
            if prompt != turn.prompt_text {
                same.blocks = 0; // it may be shown otherwise though it stands where it stood
            }
            self.remove_blocks(id, same.blocks)?;
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

    /// Whether all rows of a turn stand there as they are wanted, and no others.
    pub(super) fn has_rows(
        &self,
        id: ConversationId,
        turn: &Turn,
        parent: Option<ConversationId>,
    ) -> Result<bool, Error> {
        if !self.has_columns(id, turn, parent)? {
            return Ok(false);
        }
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

    /// Whether a turn's own row stands there as it is wanted. Its digest is only what it says of itself.
    fn has_columns(&self, id: ConversationId, turn: &Turn, parent: Option<ConversationId>) -> Result<bool, Error> {
        self.tx
            .prepare_cached(
                "select exists (select 1 from turns where id = ?1
                    and (session_id, parent_id, agent_id, ordinal, timestamp_ms, ended_ms, kind, via, status, prompt_text,
                         response_text, prompt_id, model, cwd, from_hook, from_transcript, metadata)
                     is (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18))",
            )
            .op("prepare")?
            .query_row(
                params![
                    id.0,
                    turn.session_id,
                    parent.map(|id| id.0),
                    turn.agent_id,
                    turn.ordinal,
                    turn.timestamp_ms,
                    turn.ended_ms,
                    turn.kind.as_str(),
                    turn.via.as_str(),
                    turn.status.as_str(),
                    turn.prompt_text,
                    turn.response_text,
                    turn.prompt_id,
                    turn.model,
                    turn.cwd,
                    turn.from_hook,
                    turn.from_transcript,
                    turn.metadata,
                ],
                |row| row.get(0),
            )
            .op("read a turn")
    }

    fn same_parts(&self, id: ConversationId, turn: &Turn) -> Result<Same, Error> {
        Ok(Same {
            blocks: self.same_blocks(id, &turn.blocks)?,
            calls: self.same_calls(id, &turn.tool_calls)?,
            usage: self.same_usage(id, &turn.usage)?,
        })
    }

    fn prompt(&self, id: ConversationId) -> Result<Option<String>, Error> {
        self.tx
            .prepare_cached("select prompt_text from turns where id = ?1")
            .op("prepare")?
            .query_row([id.0], |row| row.get(0))
            .op("read a prompt")
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
                    output_source, output_source_id, output_offset, output_length, seq
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
                    && place(row, 11)? == columns(call.output))
            },
        )
    }

    fn same_usage(&self, id: ConversationId, wanted: &[Usage]) -> Result<usize, Error> {
        self.same(
            "select message_id, request_id, model, input_tokens, output_tokens, cache_creation_tokens,
                    cache_creation_1h_tokens, cache_read_tokens, seq
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
                        ])
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
            self.index(self.tx.last_insert_rowid(), words);
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
        )
    }

    fn put_usage(&self, id: ConversationId, seq: i64, usage: &Usage) -> Result<(), Error> {
        self.execute(
            "insert into usage (conversation_id, seq, message_id, request_id, model, input_tokens, output_tokens,
                                cache_creation_tokens, cache_creation_1h_tokens, cache_read_tokens)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
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
                usage.cache_read_tokens
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::{BlockKind, Kind, Status, Via};
    use crate::write::Writer;

    fn turn() -> Turn {
        let block = |text: &str| Block {
            kind: BlockKind::Text,
            at_ms: Some(1),
            tool_use_id: None,
            span: None,
            search: Some(text.to_owned()),
        };
        Turn {
            keys: Vec::new(),
            former_keys: Vec::new(),
            session_id: "s".into(),
            parent: None,
            agent_id: None,
            ordinal: 0,
            timestamp_ms: 1,
            ended_ms: None,
            kind: Kind::Human,
            via: Via::Print,
            status: Status::Open,
            prompt_text: None,
            response_text: None,
            prompt_id: None,
            model: None,
            cwd: None,
            from_hook: false,
            from_transcript: true,
            metadata: "{}".into(),
            blocks: vec![block("one"), block("two"), block("three")],
            tool_calls: Vec::new(),
            usage: Vec::new(),
        }
    }

    /// Writes a turn, does something to its rows, and tells whether that is noticed; writing it again mends it.
    fn check(damage: &str, noticed: bool) {
        let home = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(&queue::DataDir::new(home.path())).unwrap();
        let batch = writer.batch().unwrap();
        batch.execute("insert into conversation_ids (id, created_ms) values (1, 0)", []).unwrap();
        batch.put_turn(ConversationId(1), &turn(), None, b"", false).unwrap();
        batch.index_waiting().unwrap();
        assert!(batch.has_rows(ConversationId(1), &turn(), None).unwrap());
        batch.tx.execute_batch(damage).unwrap();
        assert_eq!(batch.has_rows(ConversationId(1), &turn(), None).unwrap(), !noticed, "{damage}");
        batch.put_turn(ConversationId(1), &turn(), None, b"", true).unwrap();
        batch.index_waiting().unwrap();
        assert!(batch.has_rows(ConversationId(1), &turn(), None).unwrap(), "{damage}");
    }

    #[test]
    fn damage_is_noticed_and_mended() {
        check("update turns set prompt_text = 'zz'", true);
        check("update turns set parent_id = 7", true);
        check("update turns set metadata = '{\"a\":1}'", true);
        check("", false);
        check("delete from blocks where seq = 1", true);
        check("delete from blocks where seq = 2", true);
        check("update blocks set at_ms = 7 where seq = 0", true);
        check("insert into blocks (conversation_id, seq, kind) values (1, 3, 'text')", true);
        check("delete from search where rowid = (select id from blocks where seq = 1)", true);
        check(
            "insert into usage (conversation_id, seq, message_id, input_tokens, output_tokens, cache_creation_tokens,
               cache_read_tokens) values (1, 0, 'm', 1, 1, 1, 1)",
            true,
        );
    }
}
