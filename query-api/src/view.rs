//! The shapes of our JSON. Nothing else is ever made into JSON, so a change of a type elsewhere cannot change the API.

mod marks;
mod raw;
mod session;
mod sessions;
mod stats;

use export::parts::{Block, ToolCall, raw};
use export::price::{Bill, Usd};
use export::time::rfc3339 as time;
use serde::Serialize;
use store::ConversationId;
use store::human::{Marks, Rating};
use store::read;
use utoipa::ToSchema;

use crate::http::cursor::Cursor;
use session::Session;

pub(crate) use self::raw::Raw;
pub(crate) use marks::{Bulk, ConversationMarks, Renamed, Suggestions, Tags, View, Views};
pub(crate) use sessions::{Detail, Merged, Moved, Sessions, SplitOff};
pub(crate) use stats::Stats;

/// The last name of a path, as a short name for it.
fn last_name(path: &str) -> &str {
    path.trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next().filter(|name| !name.is_empty()).unwrap_or(path)
}

/// A page of the list.
#[derive(Serialize, ToSchema)]
pub(crate) struct Page<'a> {
    items: Vec<Item<'a>>,
    next_cursor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<Count>,
    /// By relevance: so many hits were ranked against each other; where there are more, the newest, and on later pages the next.
    #[serde(skip_serializing_if = "Option::is_none")]
    ranked: Option<u32>,
    /// While there are any: sessions that were derived by older rules and wait to be derived again, counted up to 10,000. Until then
    /// a search may miss what is theirs.
    #[serde(skip_serializing_if = "Option::is_none")]
    sessions_to_derive_again: Option<i64>,
}

/// How many conversations there are.
#[derive(Serialize, ToSchema)]
struct Count {
    value: u64,
    /// Otherwise there are at least so many.
    exact: bool,
}

#[derive(Serialize, ToSchema)]
struct Item<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    tool_calls: Vec<ToolSummary<'a>>,
    #[serde(serialize_with = "raw")]
    #[schema(value_type = Object)]
    metadata: &'a str,
    sources: Sources,
    /// Where it holds `q`.
    #[serde(skip_serializing_if = "Option::is_none")]
    matches: Option<Vec<Match<'a>>>,
}

/// A place where a conversation holds what was searched for.
#[derive(Serialize, ToSchema)]
struct Match<'a> {
    r#in: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
    /// The number of the block, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    block: Option<u32>,
    snippet: Vec<Piece<'a>>,
}

#[derive(Serialize, ToSchema)]
struct Piece<'a> {
    text: &'a str,
    r#match: bool,
}

/// What a list and the whole have in common.
#[derive(Serialize, ToSchema)]
struct Head<'a> {
    id: i64,
    session_id: &'a str,
    user_session_id: &'a str,
    timestamp: Option<String>,
    kind: &'static str,
    via: &'static str,
    status: &'static str,
    prompt_text: Option<&'a str>,
    response_text: Option<&'a str>,
    project: Option<&'a str>,
    project_name: Option<&'a str>,
    /// The model that answered last.
    model: Option<&'a str>,
    #[schema(minimum = 1, maximum = 5)]
    rating: Option<u8>,
    tags: &'a [String],
    /// Several stand one under the other.
    notes: Option<String>,
    star: bool,
    /// It failed, or a tool call failed or was refused.
    has_error: bool,
    /// Characters of the prompt.
    prompt_length: u64,
    /// Of its own messages: input, output, put into the cache and read from it.
    tokens: u64,
    /// List price of its own messages, as far as it is known.
    #[schema(value_type = Option<f64>)]
    cost_usd: Option<Usd>,
}

#[derive(Serialize, ToSchema)]
struct ToolSummary<'a> {
    id: Option<&'a str>,
    name: &'a str,
    error: bool,
    duration_ms: Option<i64>,
}

#[derive(Serialize, ToSchema)]
struct Sources {
    hook: bool,
    transcript: bool,
}

/// Everything of one conversation.
#[derive(Serialize, ToSchema)]
pub(crate) struct Conversation<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requested_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_id: Option<&'a str>,
    ended_at: Option<String>,
    cwd: Option<&'a str>,
    blocks: Vec<Block<'a>>,
    tool_calls: Vec<ToolCall<'a>>,
    #[schema(no_recursion, value_type = Vec<Conversation>)]
    subagents: Vec<Self>,
    usage: Usage<'a>,
    /// Of its own messages, as `usage`.
    cost: Bill,
    #[serde(serialize_with = "raw")]
    #[schema(value_type = Object)]
    metadata: &'a str,
    sources: Sources,
    /// The title that a person gave the session it is in by their own cuts.
    user_session_title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<Session<'a>>,
    links: Links,
}

/// What else there is of it, as paths of this API.
#[derive(Serialize, ToSchema)]
struct Links {
    /// The hook events and transcript lines that it was made from.
    raw: String,
    /// What a person says of it.
    rating: String,
    /// The session that it is in, as people cut them.
    session: String,
}

#[derive(Serialize, ToSchema)]
struct Usage<'a> {
    total: Tokens,
    messages: Vec<MessageUsage<'a>>,
}

#[derive(Serialize, ToSchema)]
struct MessageUsage<'a> {
    message_id: &'a str,
    request_id: Option<&'a str>,
    model: Option<&'a str>,
    #[serde(flatten)]
    tokens: Tokens,
}

#[derive(Clone, Copy, Default, Serialize, ToSchema)]
struct Tokens {
    input_tokens: i64,
    output_tokens: i64,
    cache_creation_tokens: i64,
    cache_read_tokens: i64,
}

impl<'a> Page<'a> {
    /// The answer to `question`.
    pub(crate) fn of(page: &'a read::Page, question: u64) -> Self {
        Self {
            items: page.items.iter().map(Item::of).collect(),
            next_cursor: page.next.map(|next| Cursor { next, question }.encode()),
            count: page.count.map(|count| Count { value: count.value, exact: count.exact }),
            ranked: page.ranked,
            sessions_to_derive_again: Some(page.older_sessions).filter(|sessions| *sessions > 0),
        }
    }
}

impl<'a> Item<'a> {
    fn of(listed: &'a read::Listed) -> Self {
        let tool = |tool: &'a read::ToolSummary| ToolSummary {
            id: tool.tool_use_id.as_deref(),
            name: &tool.name,
            error: tool.error,
            duration_ms: tool.duration_ms,
        };
        Self {
            head: Head::of(&listed.turn, &listed.marks, &listed.figures),
            tool_calls: listed.tool_calls.iter().map(tool).collect(),
            metadata: &listed.turn.metadata,
            sources: Sources::of(&listed.turn),
            matches: listed.matches.as_ref().map(|matches| matches.iter().map(Match::of).collect()),
        }
    }
}

impl<'a> Match<'a> {
    fn of(found: &'a read::Match) -> Self {
        Self {
            r#in: found.place.as_str(),
            tool_call_id: found.tool_use_id.as_deref(),
            block: found.block,
            snippet: found.snippet.iter().map(|piece| Piece { text: &piece.text, r#match: piece.matched }).collect(),
        }
    }
}

impl<'a> Head<'a> {
    fn of(turn: &'a read::Turn, marks: &'a Marks, figures: &read::Figures) -> Self {
        Self {
            id: turn.id.0,
            session_id: &turn.session_id,
            user_session_id: &turn.user_session_id,
            timestamp: time(turn.timestamp_ms),
            kind: turn.kind.as_str(),
            via: turn.via.as_str(),
            status: turn.status.as_str(),
            prompt_text: turn.prompt_text.as_deref(),
            response_text: turn.response_text.as_deref(),
            project: turn.project.as_deref(),
            project_name: turn.project.as_deref().map(last_name),
            model: turn.model.as_deref(),
            rating: marks.rating.map(Rating::get),
            tags: &marks.tags,
            notes: (!marks.notes.is_empty()).then(|| marks.notes.join("\n\n")),
            star: marks.starred,
            has_error: figures.failed,
            prompt_length: figures.prompt_length,
            tokens: figures.tokens,
            cost_usd: figures.cost.map(|pico| Usd::from_pico(pico.unsigned_abs().into())),
        }
    }
}

impl Sources {
    fn of(turn: &read::Turn) -> Self {
        Self { hook: turn.from_hook, transcript: turn.from_transcript }
    }
}

impl<'a> Conversation<'a> {
    /// `alias` is the id that was asked for, where that is another.
    pub(crate) fn of(conversation: &'a read::Conversation, alias: Option<ConversationId>) -> Self {
        let turn = &conversation.turn;
        Self {
            head: Head::of(turn, &conversation.marks, &conversation.figures),
            requested_id: alias.map(|id| id.0),
            parent_id: turn.parent_id.map(|id| id.0),
            agent_id: turn.agent_id.as_deref(),
            ended_at: turn.ended_ms.and_then(time),
            cwd: turn.cwd.as_deref(),
            blocks: conversation.blocks.iter().map(Block::of).collect(),
            tool_calls: conversation.tool_calls.iter().map(ToolCall::of).collect(),
            subagents: conversation.subagents.iter().map(|child| Self::of(child, None)).collect(),
            usage: Usage::of(&conversation.usage),
            cost: Bill::of(&conversation.usage, turn.timestamp_ms),
            metadata: &turn.metadata,
            sources: Sources::of(turn),
            user_session_title: conversation.given_title.as_deref(),
            session: conversation.session.as_ref().map(|session| Session::of(&turn.session_id, session)),
            links: Links::of(turn),
        }
    }
}

impl Links {
    fn of(turn: &read::Turn) -> Self {
        // `+` is a blank in a query, not in a path.
        let session = form_urlencoded::byte_serialize(turn.user_session_id.as_bytes()).collect::<String>();
        Self {
            raw: format!("/api/conversations/{}/raw", turn.id.0),
            rating: format!("/api/conversations/{}/rating", turn.id.0),
            session: format!("/api/sessions/{}", session.replace('+', "%20")),
        }
    }
}

impl<'a> Usage<'a> {
    fn of(usage: &'a [read::Usage]) -> Self {
        let mut total = Tokens::default();
        let messages = usage
            .iter()
            .map(|message| {
                let tokens = Tokens {
                    input_tokens: message.input_tokens,
                    output_tokens: message.output_tokens,
                    cache_creation_tokens: message.cache_creation_tokens,
                    cache_read_tokens: message.cache_read_tokens,
                };
                total = total.and(tokens);
                MessageUsage {
                    message_id: &message.message_id,
                    request_id: message.request_id.as_deref(),
                    model: message.model.as_deref(),
                    tokens,
                }
            })
            .collect();
        Self { total, messages }
    }
}

impl Tokens {
    /// No figure of a transcript can make it overflow.
    fn and(self, more: Self) -> Self {
        Self {
            input_tokens: self.input_tokens.saturating_add(more.input_tokens),
            output_tokens: self.output_tokens.saturating_add(more.output_tokens),
            cache_creation_tokens: self.cache_creation_tokens.saturating_add(more.cache_creation_tokens),
            cache_read_tokens: self.cache_read_tokens.saturating_add(more.cache_read_tokens),
        }
    }
}
