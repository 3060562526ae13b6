//! A conversation's own row and the names of its tool calls: what a list shows of it.

use rusqlite::{Connection, OptionalExtension, Row};

use super::session::{self, project};
use super::snippet::Match;
use crate::error::{Context, Error};
use crate::human::{Marks, Rating};
use crate::ids::ConversationId;
use crate::veil::Veil;
use crate::words::{Kind, Status, Via};

/// The row of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Its lasting id.
    pub id: ConversationId,
    /// The session that Claude Code says it belongs to.
    pub session_id: String,
    /// The session that a person says it belongs to; the same while nothing was split or merged.
    pub user_session_id: String,
    /// The conversation that started this subagent.
    pub parent_id: Option<ConversationId>,
    /// The subagent.
    pub agent_id: Option<String>,
    /// When it began, in milliseconds since 1970, UTC.
    pub timestamp_ms: i64,
    /// When it was last heard of.
    pub ended_ms: Option<i64>,
    /// What opened it.
    pub kind: Kind,
    /// Through which door it came.
    pub via: Via,
    /// How it ended.
    pub status: Status,
    /// What was asked.
    pub prompt_text: Option<String>,
    /// The last text that Claude gave back.
    pub response_text: Option<String>,
    /// The model that answered last.
    pub model: Option<String>,
    /// Where Claude Code ran.
    pub cwd: Option<String>,
    /// The repository that holds `cwd` (the session's, where it has none of its own), else that directory.
    pub project: Option<String>,
    /// Whether a hook event saw it.
    pub from_hook: bool,
    /// Whether a transcript line saw it.
    pub from_transcript: bool,
    /// A JSON object.
    pub metadata: String,
}

/// A tool call without its input and output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolSummary {
    /// Claude's id for it.
    pub tool_use_id: Option<String>,
    /// The tool.
    pub name: String,
    /// Whether it failed or was refused.
    pub error: bool,
    /// How long it ran.
    pub duration_ms: Option<i64>,
}

/// How much of prompts and answers a list holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Texts {
    /// All of them.
    #[default]
    Whole,
    /// The first 16 KiB of each: a page shows a few lines, and fifty prompts may have megabytes each.
    Begun,
}

impl Texts {
    const BEGUN: usize = 16 << 10;

    /// Leaves of a conversation's texts as much as this says. What is cut has gone through the veil before.
    pub(super) fn leave(self, turn: &mut Turn, veil: &Veil) {
        if self == Self::Whole {
            return;
        }
        for text in [&mut turn.prompt_text, &mut turn.response_text].into_iter().flatten() {
            if text.len() > Self::BEGUN {
                veil.beginning(text, Self::BEGUN);
                text.shrink_to_fit();
            }
        }
    }
}

/// How many bytes of prompts and answers a page may still take. Fifty of megabytes each would fill the memory of who reads
/// them, and hold up everybody else meanwhile.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room(pub(super) usize);

impl Room {
    /// Of a page. Texts that are only begun leave room in any.
    pub(super) const PAGE: Self = Self(16 << 20);

    /// Takes the texts of one in, however long they are, so that a page always has one. Gives whether another may follow.
    pub(super) fn take(&mut self, turn: &Turn) -> bool {
        let lengths = [&turn.prompt_text, &turn.response_text].into_iter().flatten().map(String::len);
        let taken: usize = lengths.sum();
        let fits = taken <= self.0;
        self.0 = self.0.saturating_sub(taken);
        fits
    }
}

/// An item of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The conversation.
    pub turn: Turn,
    /// Its tool calls, in order.
    pub tool_calls: Vec<ToolSummary>,
    /// What people say of it.
    pub marks: Marks,
    /// What lists are filtered and sorted by.
    pub figures: Figures,
    /// The title of its session: the one a person gave, else the session's own.
    pub session_title: Option<String>,
    /// Where it holds the query, if there is one.
    pub matches: Option<Vec<Match>>,
}

/// What lists are filtered and sorted by. All of it counts a conversation's own messages and calls, not its subagents'.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// It failed, or a tool call failed or was refused.
    pub failed: bool,
    /// Characters of the prompt.
    pub prompt_length: u64,
    /// Tokens: input, output, put into the cache and read from it.
    pub tokens: u64,
    /// Cost by list price, in picodollars, as far as it is known.
    pub cost: Option<i64>,
}

/// The view finds one conversation's user session by its id; asked for rows that are shown, never for all.
const TURN: &str = concat!(
    "select t.id, t.session_id, u.user_session_id, t.parent_id, t.agent_id, t.timestamp_ms, t.ended_ms, t.kind, t.via,
           t.status, t.prompt_text, t.response_text, t.model, t.cwd, t.from_hook, t.from_transcript, t.metadata, ",
    project!("t.session_id", "coalesce(t.cwd, s.cwd)"),
    " from turns t join conversation_user_sessions u on u.conversation_id = t.id
           left join sessions s on s.session_id = t.session_id
     where t.id = ?1"
);

const TOOLS: &str = "
    select tool_use_id, name, is_error, duration_ms from tool_calls where conversation_id = ?1 order by seq";

const FIGURES: &str = "
    select failed, prompt_length, tokens, cost from facets where timestamp_ms = ?1 and conversation_id = ?2";

const MARKS: &str = "select rating, starred, noted from marks where conversation_id = ?1";
const TAGS: &str = "select tag from tags_shown where conversation_id = ?1 order by tag";
const NOTES: &str = "select text from human_texts where conversation_id = ?1 and kind = 'note' order by id";

/// The row of `id`, which must not be an alias.
pub(super) fn turn(conn: &Connection, id: ConversationId) -> Result<Option<Turn>, Error> {
    conn.prepare_cached(TURN)
        .op("prepare")?
        .query_row([id.0], |row| Ok(from_row(row)))
        .optional()
        .op("read a conversation")?
        .transpose()
}

/// An item of a list, its texts whole; `id` must not be an alias.
pub(super) fn listed(conn: &Connection, id: ConversationId) -> Result<Option<Listed>, Error> {
    let Some(turn) = turn(conn, id)? else { return Ok(None) };
    let tool_calls = conn
        .prepare_cached(TOOLS)
        .op("prepare")?
        .query_map([id.0], |row| {
            Ok(ToolSummary {
                tool_use_id: row.get(0)?,
                name: row.get(1)?,
                error: row.get(2)?,
                duration_ms: row.get(3)?,
            })
        })
        .op("read tool calls")?
        .collect::<Result<_, _>>()
        .op("read tool calls")?;
    let given = session::given_title(conn, &turn.user_session_id)?;
    let session_title = match given {
        Some(given) => Some(given),
        None => session::own_title(conn, &turn.session_id)?.map(|(title, _)| title),
    };
    let (marks, figures) = (marks(conn, id)?, figures(conn, &turn)?);
    Ok(Some(Listed { turn, tool_calls, marks, figures, session_title, matches: None }))
}

/// The figures of a conversation.
pub(super) fn figures(conn: &Connection, turn: &Turn) -> Result<Figures, Error> {
    let found = conn
        .prepare_cached(FIGURES)
        .op("prepare")?
        .query_row([turn.timestamp_ms, turn.id.0], |row| {
            Ok(Figures {
                failed: row.get(0)?,
                prompt_length: row.get::<_, i64>(1)?.unsigned_abs(),
                tokens: row.get::<_, i64>(2)?.unsigned_abs(),
                cost: row.get(3)?,
            })
        })
        .optional()
        .op("read figures")?;
    Ok(found.unwrap_or_default())
}

/// What people say of a conversation, which must not be an alias.
fn marks(conn: &Connection, id: ConversationId) -> Result<Marks, Error> {
    let found: Option<(Option<i64>, bool, bool)> = conn
        .prepare_cached(MARKS)
        .op("prepare")?
        .query_row([id.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()
        .op("read marks")?;
    // Of nearly all conversations nobody said anything.
    let Some((rating, starred, noted)) = found else { return Ok(Marks::default()) };
    let notes = if noted { texts(conn, NOTES, id)? } else { Vec::new() };
    Ok(Marks { rating: rating.and_then(Rating::new), tags: texts(conn, TAGS, id)?, notes, starred })
}

fn texts(conn: &Connection, sql: &str, id: ConversationId) -> Result<Vec<String>, Error> {
    let mut query = conn.prepare_cached(sql).op("prepare")?;
    let rows = query.query_map([id.0], |row| row.get(0)).op("read marks")?;
    rows.collect::<Result<_, _>>().op("read marks")
}

fn from_row(row: &Row<'_>) -> Result<Turn, Error> {
    let (kind, via, status): (String, String, String) = (get(row, 7)?, get(row, 8)?, get(row, 9)?);
    Ok(Turn {
        id: ConversationId(get(row, 0)?),
        session_id: get(row, 1)?,
        user_session_id: get(row, 2)?,
        parent_id: get::<Option<i64>>(row, 3)?.map(ConversationId),
        agent_id: get(row, 4)?,
        timestamp_ms: get(row, 5)?,
        ended_ms: get(row, 6)?,
        kind: Kind::from_word(&kind).ok_or_else(|| unknown(&kind))?,
        via: Via::from_word(&via).ok_or_else(|| unknown(&via))?,
        status: Status::from_word(&status).ok_or_else(|| unknown(&status))?,
        prompt_text: get(row, 10)?,
        response_text: get(row, 11)?,
        model: get(row, 12)?,
        cwd: get(row, 13)?,
        from_hook: get(row, 14)?,
        from_transcript: get(row, 15)?,
        metadata: document(get(row, 16)?)?,
        project: get(row, 17)?,
    })
}

fn get<T: rusqlite::types::FromSql>(row: &Row<'_>, column: usize) -> Result<T, Error> {
    row.get(column).op("read a conversation")
}

/// It is shown as it is, so that anything else would spoil the document around it.
fn document(json: String) -> Result<String, Error> {
    match serde_json::from_str::<serde::de::IgnoredAny>(&json) {
        Ok(_) => Ok(json),
        Err(_) => Err(Error::Corrupt { op: "read a conversation", detail: "its metadata is no JSON".to_owned() }),
    }
}

/// A word that the schema's own checks keep out.
fn unknown(word: &str) -> Error {
    Error::Corrupt { op: "read a conversation", detail: format!("unknown word {word:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::seed::{self, Store};
    use crate::read::{Filter, ListRequest, Places, Query};

    /// Zeros where it was stood in the middle of a list, which was cut off there: an answer without a word of what is wrong.
    #[test]
    fn metadata_that_is_no_json_is_damage() {
        let store = Store::new();
        store.turn(&seed::turn("s", 1, "a prompt"));
        store.conn.execute("update turns set metadata = cast(x'0000' as text)", []).unwrap();
        let found = store.reader().list(&ListRequest::default());
        assert!(matches!(found, Err(Error::Corrupt { .. })), "{found:?}");
    }

    /// A page that shows the beginnings of texts holds no more of them, and still finds what stands at their ends.
    #[test]
    fn texts_that_are_only_begun() {
        let store = Store::new();
        let long = "é".repeat(20_000) + " needle";
        store.turn(&seed::turn("s", 1, &long));
        store.turn(&seed::turn("s", 2, "a short needle"));
        let mut reader = store.reader();
        let mut check = |typed: &str, texts: Texts, prompts: [&str; 2]| {
            let filter = Filter { query: Query::parse(typed, Places::EVERYWHERE).unwrap(), ..Filter::default() };
            let page = reader.list(&ListRequest { filter, texts, ..ListRequest::default() }).unwrap();
            let found: Vec<_> = page.items.iter().map(|item| item.turn.prompt_text.as_deref().unwrap()).collect();
            assert!(
                found == prompts,
                "{typed} {texts:?}: {:?}",
                found.iter().map(|text| text.len()).collect::<Vec<_>>()
            );
            let matches = page.items.iter().flat_map(|item| item.matches.iter().flatten()).count();
            assert_eq!(matches, if typed.is_empty() { 0 } else { 2 }, "{texts:?}");
        };
        for typed in ["", "needle"] {
            check(typed, Texts::Whole, ["a short needle", &long]);
            check(typed, Texts::Begun, ["a short needle", &"é".repeat(8 << 10)]);
        }
    }

    /// Preparing a statement takes ten times what this look-up does.
    #[test]
    fn a_cached_statement_is_not_prepared_anew() {
        let store = Store::new();
        let reader = store.reader();
        for time in 0..3 {
            let id = store.turn(&seed::turn("s", time, "p"));
            assert_eq!(turn(&reader.conn, id).unwrap().unwrap().timestamp_ms, time);
        }
        let statement = reader.conn.prepare_cached(TURN).unwrap();
        assert_eq!(statement.get_status(rusqlite::StatementStatus::Run), 3);
        assert_eq!(statement.get_status(rusqlite::StatementStatus::RePrepare), 0);
    }
}
