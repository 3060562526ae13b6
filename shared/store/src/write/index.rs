//! Words on their way into the indexes: a transaction's last writes.
//!
//! FTS5 keeps new words in memory and writes them out whenever another statement opens a savepoint, each time as a segment
//! of its own that has to be merged later. So what a transaction indexes waits here and is indexed in one go at its end:
//! a third of the work of a large import. Of what tools were given and answered only the places wait; each text is read
//! from the ground when it is its turn, so that the largest is in memory alone.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{OptionalExtension, params};

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
    /// How much the indexes will write, in bytes of a text of which every word and its place are kept.
    weight: usize,
}

/// From so much on a transaction is large enough. New words are merged with a share of those that are there, and what they were
/// merged from is overwritten with zeros, all in the transaction that brought them: over 60 bytes in the log of the database for
/// 1 of text, in a store of half a million events. The log is to stay below 64 MiB; twice as much at once is a sixth faster, and makes
/// half as much more of a log.
const ENOUGH: usize = 512 * 1024;
/// What a row weighs that is taken out: FTS5 merges for it as for a page of new words.
const TAKEN_OUT: usize = 1024;
/// Of what tools were given and answered, only which words it has is kept: so many bytes of it weigh one.
const OF_TOOLS: usize = 8;

impl Waiting {
    /// Whether the indexes will write so much that nothing more should come along.
    pub(super) fn is_enough(&self) -> bool {
        self.weight >= ENOUGH
    }
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
        let mut waiting = self.waiting.borrow_mut();
        waiting.weight += words.len();
        waiting.blocks.insert(block, words.to_owned());
    }

    /// The words of a tool call's input and output.
    pub(super) fn index_call(&self, id: i64, call: &ToolCall) {
        let mut waiting = self.waiting.borrow_mut();
        let texts = [call.input, call.output].into_iter().flatten();
        waiting.weight += texts.map(|span| span.length as usize / OF_TOOLS).sum::<usize>();
        waiting.tools.extend(call.input.map(|span| (id * 2, span)));
        waiting.tools.extend(call.output.map(|span| (id * 2 + 1, span)));
    }

    /// The parts of words of a prompt, if there is one.
    pub(super) fn index_prompt(&self, id: ConversationId) {
        self.waiting.borrow_mut().prompts.insert(id.0);
    }

    /// Takes a prompt out of its index.
    pub(super) fn unindex_prompt(&self, id: ConversationId) -> Result<(), Error> {
        let mut waiting = self.waiting.borrow_mut();
        waiting.prompts.remove(&id.0);
        self.execute("delete from search_parts where rowid = ?1", [id.0])?;
        waiting.weight += self.taken_out();
        Ok(())
    }

    /// Takes the words of a turn's blocks out of the index, from the block `from` on.
    pub(super) fn unindex_blocks(&self, id: ConversationId, from: usize) -> Result<(), Error> {
        let mut waiting = self.waiting.borrow_mut();
        if !waiting.blocks.is_empty() {
            for block in self.rows_from("select id from blocks where conversation_id = ?1 and seq >= ?2", id, from)? {
                waiting.blocks.remove(&block);
            }
        }
        self.execute(UNINDEX_BLOCKS, [id.0, from as i64])?;
        waiting.weight += self.taken_out();
        Ok(())
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
        self.execute(UNINDEX_CALLS, [id.0, from as i64])?;
        waiting.weight += self.taken_out();
        Ok(())
    }

    /// The weight of the rows that the last statement took out of an index.
    fn taken_out(&self) -> usize {
        TAKEN_OUT * usize::try_from(self.tx.changes()).unwrap_or(usize::MAX / TAKEN_OUT)
    }

    fn rows_from(&self, sql: &str, id: ConversationId, from: usize) -> Result<Vec<i64>, Error> {
        let mut query = self.tx.prepare_cached(sql).op("prepare")?;
        let rows = query.query_map([id.0, from as i64], |row| row.get(0)).op("read a turn's parts")?;
        rows.collect::<Result<_, _>>().op("read a turn's part")
    }

    /// Indexes what waits.
    pub(super) fn index_waiting(&self) -> Result<(), Error> {
        let Waiting { blocks, tools, prompts, .. } = std::mem::take(&mut *self.waiting.borrow_mut());
        for (block, words) in blocks {
            self.execute("insert into search (rowid, text) values (?1, ?2)", params![block, spaced(&words)])?;
        }
        let mut pieces = Pieces::new(&self.tx);
        for (row, span) in tools {
            let text = pieces.read(span, searched)?;
            self.execute("insert into search_tools (rowid, text) values (?1, ?2)", params![row, spaced(&text)])?;
        }
        // Not as one statement: one that could insert several rows opens a savepoint.
        let mut texts = self.tx.prepare_cached("select prompt_text from turns where id = ?1").op("prepare")?;
        for id in prompts {
            let text: Option<String> =
                texts.query_row([id], |row| row.get(0)).optional().op("read a prompt")?.flatten();
            if let Some(text) = text {
                self.execute("insert into search_parts (rowid, text) values (?1, ?2)", params![id, text])?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ids::Key;
    use crate::ids::{EventId, SpanSource};
    use crate::words::{BlockKind, Kind, Status, Via};
    use crate::write::{Block, Lineage, Look, NewEvent, Part, Session, Turn, Writer};

    const PAYLOAD: &str = r#"{"a":"alpha beta","b":"gamma 日本 alpha","c":{"d":["delta",7]}}"#;

    /// Where a value stands in the payload.
    fn span(json: &str) -> Span {
        let offset = PAYLOAD.find(json).unwrap() as u64;
        Span { source: SpanSource::Event(EventId(1)), offset, length: json.len() as u32 }
    }

    /// What a turn is at some moment: its time, its prompt, what Claude said, its calls (each with or without an answer).
    type Moment = (i64, Option<u8>, Vec<u8>, Vec<(u8, Option<u8>)>);

    fn turn((at, prompt, said, calls): &Moment) -> Turn {
        const TEXTS: [&str; 4] = ["one two", "three 日本語", "", "one_two four"];
        let values = [r#""alpha beta""#, r#""gamma 日本 alpha""#, r#"{"d":["delta",7]}"#];
        let text = |n: u8| TEXTS[n as usize % TEXTS.len()].to_owned();
        let value = |n: u8| span(values[n as usize % values.len()]);
        let block = |kind, span, search| Block { kind, at_ms: None, tool_use_id: None, span, search };
        let prompt = prompt.map(text);
        let mut blocks: Vec<Block> = prompt.iter().map(|it| block(BlockKind::Prompt, None, Some(it.clone()))).collect();
        // Another text stands elsewhere.
        let place = |n: u8| Some(Span { offset: n.into(), ..span(values[0]) });
        blocks.extend(said.iter().map(|n| match n % 5 {
            4 => block(BlockKind::Thinking, place(4), None),
            n => block(BlockKind::Text, place(n), Some(text(n))),
        }));
        Turn {
            keys: vec![Key::Line([1; 16])],
            former_keys: Vec::new(),
            session_id: "s".into(),
            parent: None,
            agent_id: None,
            ordinal: 0,
            timestamp_ms: *at,
            ended_ms: None,
            kind: Kind::Human,
            via: Via::Print,
            status: Status::Open,
            prompt_text: prompt,
            response_text: None,
            prompt_id: None,
            model: None,
            cwd: None,
            from_hook: false,
            from_transcript: true,
            metadata: "{}".into(),
            blocks,
            tool_calls: calls
                .iter()
                .map(|(input, output)| ToolCall {
                    tool_use_id: None,
                    name: format!("tool {}", input % 2),
                    is_error: *output == Some(2),
                    refused: false,
                    finished: output.is_some(),
                    started_ms: None,
                    duration_ms: None,
                    input: Some(value(*input)),
                    output: output.map(value),
                })
                .collect(),
            usage: Vec::new(),
        }
    }

    /// Every word of every index, with the place of its text in the conversation.
    fn words(writer: &Writer) -> Vec<String> {
        writer
            .conn
            .execute_batch(
                "create virtual table if not exists temp.said using fts5vocab (main, search, instance);
                 create virtual table if not exists temp.tools using fts5vocab (main, search_tools, instance);
                 create virtual table if not exists temp.parts using fts5vocab (main, search_parts, instance);",
            )
            .unwrap();
        let sql = "
            select 'said ' || (select seq from blocks where id = doc) || ' ' || offset || ' ' || term from temp.said
            union all
            select 'tool ' || (select seq from tool_calls where id = doc / 2) || ' ' || (doc % 2) || ' ' || term from temp.tools
            union all
            select 'part ' || (select id from turns where id = doc) || ' ' || term from temp.parts
            union all
            select 'row ' || concat_ws(' ', (select count(*) from search_docsize), (select count(*) from search_tools_docsize),
                                       (select count(*) from search_parts_docsize))
            order by 1";
        let mut query = writer.conn.prepare(sql).unwrap();
        let rows = query.query_map([], |row| Ok(row.get::<_, Option<String>>(0)?.unwrap_or_else(|| "stray".into())));
        rows.unwrap().collect::<Result<_, _>>().unwrap()
    }

    /// A store with the event that texts stand in.
    fn begun() -> (tempfile::TempDir, Writer) {
        let home = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(&queue::DataDir::new(home.path())).unwrap();
        let batch = writer.batch().unwrap();
        let event = NewEvent {
            name: "0000000000000000001-s-Stop.json",
            captured_ns: 1,
            event: "Stop",
            session_id: "s",
            prompt_id: None,
            payload: PAYLOAD.as_bytes(),
            stored_ms: 1,
        };
        batch.add_event(&event).unwrap();
        batch.execute("delete from dirty_sessions", []).unwrap();
        batch.commit().unwrap();
        (home, writer)
    }

    fn lineage(turns: Vec<Turn>) -> Lineage {
        let facts = Session { session_id: "s".into(), ..Session::default() };
        Lineage { parts: [("s".to_owned(), Part { facts, ..Part::default() })].into(), turns }
    }

    /// Each group of moments is one transaction.
    fn grown(transactions: &[Vec<Moment>], look: Look) -> Vec<String> {
        let (_home, mut writer) = begun();
        for moments in transactions {
            let batch = writer.batch().unwrap();
            for moment in moments {
                batch.replace(&lineage(vec![turn(moment)]), look, 0).unwrap();
            }
            batch.commit().unwrap();
        }
        words(&writer)
    }

    fn moment() -> impl Strategy<Value = Moment> {
        let calls = proptest::collection::vec((0..3_u8, proptest::option::of(0..3_u8)), 0..4);
        (0..3_i64, proptest::option::of(0..4_u8), proptest::collection::vec(0..5_u8, 0..4), calls)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

        /// Whatever a turn was before, nothing of that stays.
        #[test]
        fn the_indexes_hold_what_the_turn_is_now(
            transactions in proptest::collection::vec(proptest::collection::vec(moment(), 1..3), 1..5),
        ) {
            let last = transactions.last().and_then(|moments| moments.last()).cloned().unwrap();
            let expected = grown(&[vec![last]], Look::Digests);
            prop_assert!(!expected.contains(&"stray".to_owned()));
            prop_assert_eq!(&grown(&transactions, Look::Digests), &expected);
            prop_assert_eq!(&grown(&transactions, Look::Rows), &expected);
        }
    }

    /// A statement that could write several rows makes FTS5 write out what it has in memory: many small pieces, all merged later.
    #[test]
    fn a_transaction_writes_one_piece_of_each_index() {
        let (_home, mut writer) = begun();
        let turns = (1..=9).map(|n| Turn {
            keys: vec![Key::Line([n; 16])],
            ordinal: n.into(),
            ..turn(&(n.into(), Some(n), vec![n], vec![(n, None)]))
        });
        let batch = writer.batch().unwrap();
        batch.replace(&lineage(turns.collect()), Look::Rows, 0).unwrap();
        batch.commit().unwrap();
        for index in ["search", "search_tools", "search_parts"] {
            let sql = format!("select count(distinct segid) from {index}_idx");
            let pieces: i64 = writer.conn.query_row(&sql, [], |row| row.get(0)).unwrap();
            assert_eq!(pieces, 1, "{index}");
        }
    }

    #[test]
    fn everything_is_found_by_its_words() {
        let found = grown(&[vec![(1, Some(1), vec![3], vec![(0, Some(1)), (2, None)])]], Look::Digests);
        for word in [
            "said 0 0 three",
            "said 0 2 本",
            "said 1 0 one_two",
            "tool 0 0 beta",
            "tool 0 1 gamma",
            "tool 0 1 本",
            "tool 1 0 delta",
            "tool 1 0 7",
            "part 1 hre",
            "part 1 日本語",
            "row 2 3 1",
        ] {
            assert!(found.iter().any(|it| it == word), "{word}: {found:#?}");
        }
    }
}
