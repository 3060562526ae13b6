//! Everything of one conversation: its blocks in order, its tool calls with input and output, its subagents, its tokens.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, Row};

use super::cut::closed;
use super::json::Value;
use super::marks;
use super::session::{self, Session};
use super::span::Spans;
use super::turn::{self, Figures, Turn};
use crate::error::{Context, Error};
use crate::human::{Marks, get};
use crate::ids::{ConversationId, Span};
use crate::usage::Usage;
use crate::veil::{Bytes, Veil};
use crate::words::BlockKind;

/// Subagents start subagents; deeper than this is left out.
const MAX_DEPTH: usize = 16;

/// A conversation, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    /// Its row.
    pub turn: Turn,
    /// What a person says of it.
    pub marks: Marks,
    /// What lists are filtered and sorted by.
    pub figures: Figures,
    /// The title that a person gave the session which it belongs to by their own cuts.
    pub given_title: Option<String>,
    /// Its session, if there is a row for it.
    pub session: Option<Session>,
    /// What was said and done, in order.
    pub blocks: Vec<Block>,
    /// The tool calls, in order.
    pub tool_calls: Vec<ToolCall>,
    /// Tokens, an entry for each message.
    pub usage: Vec<Usage>,
    /// The subagents that it started.
    pub subagents: Vec<Self>,
}

/// A piece of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// What it is.
    pub kind: BlockKind,
    /// When, in milliseconds since 1970, UTC.
    pub at_ms: Option<i64>,
    /// Of [`BlockKind::Tool`]: which of the tool calls.
    pub tool_use_id: Option<String>,
    /// Its text. `None` for a tool, and for a text that was forgotten.
    pub text: Option<String>,
}

/// A tool call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolCall {
    /// Claude's id for it.
    pub tool_use_id: Option<String>,
    /// The tool.
    pub name: String,
    /// What it was given.
    pub input: Option<Value>,
    /// What it gave back.
    pub output: Option<Value>,
    /// Whether it failed or was refused.
    pub error: bool,
    /// Whether a person or a rule refused it.
    pub refused: bool,
    /// Whether its end was seen.
    pub finished: bool,
    /// When it began.
    pub started_ms: Option<i64>,
    /// How long it ran.
    pub duration_ms: Option<i64>,
    /// How large both sides are in the ground, in bytes, where only their beginnings were read.
    pub begun: Option<u64>,
}

/// A tool call, with where what it was given is and what it gave back.
type Placed = (ToolCall, Option<Span>, Option<Span>);

/// How much of a conversation is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Depth<'v> {
    /// Of each side of a tool call, in bytes.
    side: u32,
    /// And of those of subagents.
    nested: u32,
    /// So much of larger ones is read whole, all together, in bytes.
    spare: u32,
    /// Subagents in subagents.
    levels: usize,
    /// Before what is cut.
    veil: Option<&'v Veil>,
}

/// A side of a call that is larger is never read whole for a page, in bytes.
const LARGE: u32 = 1 << 20;

impl<'v> Depth<'v> {
    /// All of it.
    pub(super) const WHOLE: Self = Self { side: u32::MAX, nested: u32::MAX, spare: 0, levels: MAX_DEPTH, veil: None };

    /// What one page shows.
    fn page(veil: &'v Veil) -> Self {
        let veil = Some(veil).filter(|veil| veil.is_drawn());
        Self { side: 32 << 10, nested: 4 << 10, spare: 16 << 20, levels: 3, veil }
    }

    /// The bytes to read of a side of which the first `most` are shown.
    fn first(&self, span: Span, most: u32) -> Span {
        let beyond = if self.veil.is_some() { Veil::BEYOND } else { 0 };
        Span { length: span.length.min(most.saturating_add(beyond)), ..span }
    }
}

const SURVIVOR: &str = "select survivor from aliases where id = ?1";

const SUBAGENTS: &str = "select id from turns where parent_id = ?1 order by timestamp_ms, id";

const BLOCKS: &str = "
    select kind, at_ms, tool_use_id, source, source_id, source_offset, source_length
      from blocks where conversation_id = ?1 order by seq";

const TOOLS: &str = "
    select tool_use_id, name, is_error, refused, finished, started_ms, duration_ms,
           input_source, input_source_id, input_offset, input_length,
           output_source, output_source_id, output_offset, output_length
      from tool_calls where conversation_id = ?1 order by seq";

const USAGE: &str = "
    select message_id, request_id, model, input_tokens, output_tokens, cache_creation_tokens,
           cache_creation_1h_tokens, cache_read_tokens, cost
      from usage where conversation_id = ?1 order by seq";

/// Reads it; an alias leads to its survivor.
pub(super) fn get(conn: &Connection, id: ConversationId) -> Result<Option<Conversation>, Error> {
    read(conn, id, Depth::WHOLE)
}

/// As much of it as a page shows.
pub(super) fn begun(conn: &Connection, id: ConversationId, veil: &Veil) -> Result<Option<Conversation>, Error> {
    read(conn, id, Depth::page(veil))
}

/// Its row alone.
pub(super) fn row(conn: &Connection, id: ConversationId) -> Result<Option<Turn>, Error> {
    turn::turn(conn, survivor(conn, id)?)
}

/// Its `n`th tool call, from 0, whole, and its own id. `None` if it has none such.
pub(super) fn call(
    conn: &Connection,
    id: ConversationId,
    n: usize,
) -> Result<Option<(ConversationId, ToolCall)>, Error> {
    let id = survivor(conn, id)?;
    // Their rows are small beside what they name.
    let Some((tool, input, output)) = tools(conn, id)?.into_iter().nth(n) else { return Ok(None) };
    let spans = Spans::load(conn, [input, output].into_iter().flatten())?;
    let whole = |side: Option<Span>| side.map(|span| (span, u32::MAX));
    Ok(Some((id, with_sides(tool, whole(input), whole(output), &spans, Depth::WHOLE))))
}

fn read(conn: &Connection, id: ConversationId, depth: Depth<'_>) -> Result<Option<Conversation>, Error> {
    let id = survivor(conn, id)?;
    let Some(mut conversation) = with_subagents(conn, id, 0, depth)? else { return Ok(None) };
    conversation.session = session::get(conn, &conversation.turn.session_id)?;
    conversation.given_title = session::given_title(conn, &conversation.turn.user_session_id)?;
    Ok(Some(conversation))
}

/// The id that answers for `id`: itself, unless it is an alias.
pub(crate) fn survivor(conn: &Connection, id: ConversationId) -> Result<ConversationId, Error> {
    let mut seen = BTreeSet::new();
    let mut id = id;
    while let Some(survivor) = conn
        .prepare_cached(SURVIVOR)
        .op("prepare")?
        .query_row([id.0], |row| row.get(0).map(ConversationId))
        .optional()
        .op("look for an alias")?
        && seen.insert(id)
    {
        id = survivor;
    }
    Ok(id)
}

/// It with its subagents, `level` levels below the first.
pub(super) fn with_subagents(
    conn: &Connection,
    id: ConversationId,
    level: usize,
    depth: Depth<'_>,
) -> Result<Option<Conversation>, Error> {
    let depth = if level == 0 { depth } else { Depth { side: depth.nested, spare: 0, ..depth } };
    let Some(mut conversation) = alone(conn, id, depth)? else { return Ok(None) };
    if level < depth.levels {
        for child in subagents(conn, id)? {
            conversation.subagents.extend(with_subagents(conn, child, level + 1, depth)?);
        }
    }
    Ok(Some(conversation))
}

/// The subagents that it started itself.
pub(super) fn subagents(conn: &Connection, id: ConversationId) -> Result<Vec<ConversationId>, Error> {
    rows(conn, SUBAGENTS, id, |row| row.get(0).map(ConversationId))
}

/// Its tokens.
pub(super) fn tokens(conn: &Connection, id: ConversationId) -> Result<Vec<Usage>, Error> {
    rows(conn, USAGE, id, usage)
}

/// It alone: without its subagents and its session.
pub(super) fn alone(conn: &Connection, id: ConversationId, depth: Depth<'_>) -> Result<Option<Conversation>, Error> {
    let Some(turn) = turn::turn(conn, id)? else { return Ok(None) };
    let blocks = rows(conn, BLOCKS, id, |row| Ok((row.get::<_, String>(0)?, row.get(1)?, row.get(2)?, span(row, 3)?)))?;
    let mut spare = depth.spare;
    // What is of a usual size is there whole, unless there is very much of it.
    let mut most = |span: Span| match spare.checked_sub(span.length) {
        Some(left) if span.length > depth.side && span.length <= LARGE => {
            spare = left;
            span.length
        }
        _ => depth.side,
    };
    let tools: Vec<_> = tools(conn, id)?
        .into_iter()
        .map(|(tool, input, output)| (tool, input.map(|it| (it, most(it))), output.map(|it| (it, most(it)))))
        .collect();
    let spans = Spans::load(
        conn,
        blocks.iter().filter_map(|(.., place)| *place).chain(
            tools
                .iter()
                .flat_map(|(_, input, output)| [*input, *output])
                .flatten()
                .map(|(span, most)| depth.first(span, most)),
        ),
    )?;
    let bytes = |span: Option<Span>| span.and_then(|span| spans.get(span));
    let mut conversation = Conversation {
        marks: marks::of(conn, &get::history(conn, id)?)?,
        figures: turn::figures(conn, &turn)?,
        given_title: None,
        session: None,
        blocks: Vec::with_capacity(blocks.len()),
        tool_calls: tools
            .into_iter()
            .map(|(tool, input, output)| with_sides(tool, input, output, &spans, depth))
            .collect(),
        usage: tokens(conn, id)?,
        subagents: Vec::new(),
        turn,
    };
    for (word, at_ms, tool_use_id, place) in blocks {
        let Some(kind) = BlockKind::from_word(&word) else {
            return Err(Error::Corrupt { op: "read a block", detail: format!("unknown kind {word:?}") });
        };
        let text = match kind {
            BlockKind::Tool => None,
            // As it was asked, without the wrappers that the line may hold around it.
            BlockKind::Prompt if conversation.turn.prompt_text.is_some() => conversation.turn.prompt_text.clone(),
            _ => bytes(place).and_then(Value::readable).map(Value::into_text),
        };
        conversation.blocks.push(Block { kind, at_ms, tool_use_id, text });
    }
    Ok(Some(conversation))
}

fn rows<T>(
    conn: &Connection,
    sql: &str,
    id: ConversationId,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, Error> {
    conn.prepare_cached(sql)
        .op("prepare")?
        .query_map([id.0], read)
        .op("read a conversation's parts")?
        .collect::<Result<_, _>>()
        .op("read a conversation's parts")
}

/// The tool calls, with where their sides are.
fn tools(conn: &Connection, id: ConversationId) -> Result<Vec<Placed>, Error> {
    rows(conn, TOOLS, id, |row| Ok((tool(row)?, span(row, 7)?, span(row, 11)?)))
}

/// A tool call with what it was given and gave back: of each at most so many bytes.
fn with_sides(
    tool: ToolCall,
    input: Option<(Span, u32)>,
    output: Option<(Span, u32)>,
    spans: &Spans,
    depth: Depth<'_>,
) -> ToolCall {
    let is_cut = |(span, most): (Span, u32)| span.length > most;
    let side = |side: Option<(Span, u32)>, value: fn(&[u8]) -> Option<Value>| {
        let (span, most) = side?;
        let bytes = spans.get(depth.first(span, most))?;
        if !is_cut((span, most)) {
            return value(bytes);
        }
        let most = most as usize;
        match depth.veil {
            // Hidden in as many bytes as it has, so that as much is cut as would be of it.
            Some(veil) => value(&closed(&veil.blanked(bytes.to_vec(), Bytes::Value).0[..most])),
            None => value(&closed(&bytes[..most])),
        }
    };
    let sides = [input, output].into_iter().flatten();
    let begun = sides.clone().any(is_cut).then(|| sides.map(|(span, _)| u64::from(span.length)).sum());
    ToolCall { input: side(input, Value::json), output: side(output, Value::readable), begun, ..tool }
}

/// A tool call without its input and output.
fn tool(row: &Row<'_>) -> rusqlite::Result<ToolCall> {
    Ok(ToolCall {
        tool_use_id: row.get(0)?,
        name: row.get(1)?,
        input: None,
        output: None,
        error: row.get(2)?,
        refused: row.get(3)?,
        finished: row.get(4)?,
        started_ms: row.get(5)?,
        duration_ms: row.get(6)?,
        begun: None,
    })
}

fn usage(row: &Row<'_>) -> rusqlite::Result<Usage> {
    Ok(Usage {
        message_id: row.get(0)?,
        request_id: row.get(1)?,
        model: row.get(2)?,
        input_tokens: row.get(3)?,
        output_tokens: row.get(4)?,
        cache_creation_tokens: row.get(5)?,
        cache_creation_1h_tokens: row.get(6)?,
        cache_read_tokens: row.get(7)?,
        cost: row.get(8)?,
    })
}

/// The place in four columns from `first` on.
pub(super) fn span(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<Span>> {
    let (source, id, offset, length): (Option<i64>, Option<i64>, Option<i64>, Option<i64>) =
        (row.get(first)?, row.get(first + 1)?, row.get(first + 2)?, row.get(first + 3)?);
    Ok(match (source, id, offset, length) {
        (Some(source), Some(id), Some(offset), Some(length)) => Some(Span::from_columns(source, id, offset, length)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::SpanSource;
    use crate::read::seed::{Store, turn};

    fn place(span: Span) -> String {
        let (source, id, offset, length) = span.columns();
        format!("{source}, {id}, {offset}, {length}")
    }

    /// A conversation over one transcript, with a subagent, as ingest would leave it.
    #[test]
    fn everything_of_a_conversation() {
        let store = Store::new();
        let parts = [r#""half \ud83d""#, r#"{"command":"ls"}"#, r#"[{"type":"text","text":"a b"},{"type":"image"}]"#];
        let lines = parts.join(",");
        let transcript = SpanSource::Transcript(store.transcript(lines.as_bytes()));
        let [said, input, output] = parts.map(|part| Span {
            source: transcript,
            offset: lines.find(part).unwrap() as u64,
            length: part.len() as u32,
        });
        let id = store.turn(&turn("s", 1000, "ask"));
        let child = store.turn(&turn("s", 2000, "sub"));
        store
            .conn
            .execute("update turns set parent_id = ?1, kind = 'subagent' where id = ?2", [id.0, child.0])
            .unwrap();
        let sql = format!(
            "delete from blocks;
             insert into blocks (conversation_id, seq, kind, at_ms, tool_use_id, source, source_id, source_offset, source_length)
             values ({id}, 0, 'prompt', 1000, null, null, null, null, null), ({id}, 1, 'text', 1100, null, {said}),
                    ({id}, 2, 'tool', 1200, 'tool-1', null, null, null, null),
                    ({id}, 3, 'thinking', 1300, null, {missing});
             insert into tool_calls (conversation_id, seq, tool_use_id, name, is_error, refused, finished, started_ms, duration_ms,
                                     input_source, input_source_id, input_offset, input_length,
                                     output_source, output_source_id, output_offset, output_length)
             values ({id}, 0, 'tool-1', 'Bash', 0, 0, 1, 1200, 34, {input}, {output});
             insert into usage values ({id}, 0, 'msg', 'req', 'model', 1, 2, 3, 4, 0, null);
             insert into sessions (session_id, title, cwd) values ('s', 'Title', '/home/dev');
             insert into conversation_ids (id, created_ms) values (77, 0), (78, 0);
             insert into aliases values (77, {id}), (78, 77);",
            id = id.0,
            said = place(said),
            input = place(input),
            output = place(output),
            missing = place(Span { source: transcript, offset: 1 << 40, length: 4 }),
        );
        store.say(&sql);

        let found = store.reader().conversation(id).unwrap().unwrap();
        let blocks: Vec<_> = found.blocks.iter().map(|block| (block.kind, block.text.as_deref())).collect();
        assert_eq!(
            blocks,
            [
                (BlockKind::Prompt, Some("ask")),
                (BlockKind::Text, Some("half \u{fffd}")),
                (BlockKind::Tool, None),
                (BlockKind::Thinking, None),
            ]
        );
        assert_eq!(found.tool_calls[0].input, Some(Value::Json("{\"command\":\"ls\"}".into())));
        assert_eq!(found.tool_calls[0].output, Some(Value::Text("a b\n[Image]".into())));
        assert_eq!(found.usage[0].cache_read_tokens, 4);
        assert_eq!(found.given_title, None);
        assert_eq!(found.session.as_ref().unwrap().title.as_deref(), Some("Title"));
        assert_eq!(found.subagents[0].turn.id, child);
        assert_eq!(found.subagents[0].session, None);

        // What is short is there whole, also where only beginnings are read.
        assert_eq!(store.reader().conversation_begun(id).unwrap().unwrap(), found);
        let call = (id, found.tool_calls[0].clone());
        assert_eq!(store.reader().call(ConversationId(78), 0).unwrap(), Some(call));
        assert_eq!(store.reader().call(id, 1).unwrap(), None);
        assert_eq!(store.reader().turn(ConversationId(77)).unwrap().as_ref(), Some(&found.turn));

        for alias in [77, 78] {
            assert_eq!(store.reader().conversation(ConversationId(alias)).unwrap().unwrap(), found);
        }
        assert_eq!(store.reader().conversation(ConversationId(999)).unwrap(), None);
    }

    #[test]
    fn of_large_sides_the_beginning_is_read() {
        let store = Store::new();
        let long = "a word ".repeat(200_000);
        let (input, output) = (format!(r#"{{"command":"ls","more":"{long}"}}"#), format!("\"{long}\""));
        let text = format!("{input}{output}");
        let transcript = SpanSource::Transcript(store.transcript(text.as_bytes()));
        let id = store.turn(&turn("s", 1000, "ask"));
        let [first, second] = [(0, input.len()), (input.len(), output.len())]
            .map(|(offset, length)| place(Span { source: transcript, offset: offset as u64, length: length as u32 }));
        store.say(&format!(
            "insert into tool_calls (conversation_id, seq, tool_use_id, name, is_error, refused, finished, started_ms, duration_ms,
                                     input_source, input_source_id, input_offset, input_length,
                                     output_source, output_source_id, output_offset, output_length)
             values ({}, 0, 'a', 'Bash', 0, 0, 1, 0, 0, {first}, {second})",
            id.0
        ));
        let begun = store.reader().conversation_begun(id).unwrap().unwrap().tool_calls.remove(0);
        assert_eq!(begun.begun, Some(text.len() as u64));
        let (Some(Value::Json(input)), Some(Value::Text(output))) = (begun.input, begun.output) else { panic!() };
        assert!(input.starts_with(r#"{"command":"ls","more":"a word"#) && input.len() < 40_000, "{}", input.len());
        assert!(long.starts_with(&output) && (30_000..40_000).contains(&output.len()), "{}", output.len());
        let whole = store.reader().conversation(id).unwrap().unwrap().tool_calls.remove(0);
        assert_eq!((whole.begun, whole.output), (None, Some(Value::Text(long))));
    }

    #[test]
    fn a_circle_of_parents_ends() {
        let store = Store::new();
        let id = store.turn(&turn("s", 1000, "ask"));
        store.conn.execute("update turns set parent_id = id", []).unwrap();
        let mut found = &store.reader().conversation(id).unwrap().unwrap();
        let mut depth = 0;
        while let [child] = &found.subagents[..] {
            (found, depth) = (child, depth + 1);
        }
        assert_eq!(depth, MAX_DEPTH);
    }
}
