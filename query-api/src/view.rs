//! The shapes of our JSON. Nothing else is ever made into JSON, so a change of a type elsewhere cannot change the API.

mod health;
mod marks;
mod raw;
mod session;
mod sessions;

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

pub(crate) use self::raw::{Raw, Source as RawSource};
pub(crate) use export::stats::{Figures as StatsFigures, Stats, Used};
pub(crate) use health::{FailedItem, FailedList, Passes, PassesItem};
pub(crate) use marks::{Bulk, ConversationMarks, Renamed, Suggestions, Tags, View, Views};
pub(crate) use sessions::{
    Detail, Merged, Moved, Outline, Part, Point, Relative, Sessions, SplitOff, Tree, UserSession,
};

/// The last name of a path, as a short name for it.
pub(crate) fn last_name(path: &str) -> &str {
    path.trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next().filter(|name| !name.is_empty()).unwrap_or(path)
}

/// A page of the list.
#[derive(Serialize, ToSchema)]
pub(crate) struct Page<'a> {
    pub(crate) items: Vec<Item<'a>>,
    pub(crate) next_cursor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) count: Option<Count>,
    /// By relevance: so many hits were ranked against each other; where there are more, the newest, and on later pages the next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ranked: Option<u32>,
    /// While there are any: sessions that were derived by older rules and wait to be derived again, counted up to 10,000. Until then
    /// a search may miss what is theirs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sessions_to_derive_again: Option<i64>,
}

/// How many conversations there are.
#[derive(Serialize, ToSchema)]
pub(crate) struct Count {
    pub(crate) value: u64,
    /// Otherwise there are at least so many.
    pub(crate) exact: bool,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Item<'a> {
    #[serde(flatten)]
    pub(crate) head: Head<'a>,
    pub(crate) tool_calls: Vec<ToolSummary<'a>>,
    #[serde(serialize_with = "raw")]
    #[schema(value_type = Object)]
    pub(crate) metadata: &'a str,
    pub(crate) sources: Sources,
    /// The title of its session: the one a person gave, else the one that Claude Code has.
    pub(crate) session_title: Option<&'a str>,
    /// Where it holds `q`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) matches: Option<Vec<Match<'a>>>,
}

/// A place where a conversation holds what was searched for.
#[derive(Serialize, ToSchema)]
pub(crate) struct Match<'a> {
    pub(crate) r#in: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tool_call_id: Option<&'a str>,
    /// The number of the block, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) block: Option<u32>,
    pub(crate) snippet: Vec<Piece<'a>>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Piece<'a> {
    pub(crate) text: &'a str,
    pub(crate) r#match: bool,
}

/// What a list and the whole have in common.
#[derive(Serialize, ToSchema)]
pub(crate) struct Head<'a> {
    pub(crate) id: i64,
    pub(crate) session_id: &'a str,
    pub(crate) user_session_id: &'a str,
    pub(crate) timestamp: Option<String>,
    pub(crate) kind: &'static str,
    pub(crate) via: &'static str,
    pub(crate) status: &'static str,
    pub(crate) prompt_text: Option<&'a str>,
    pub(crate) response_text: Option<&'a str>,
    pub(crate) project: Option<&'a str>,
    pub(crate) project_name: Option<&'a str>,
    /// The model that answered last.
    pub(crate) model: Option<&'a str>,
    #[schema(minimum = 1, maximum = 5)]
    pub(crate) rating: Option<u8>,
    pub(crate) tags: &'a [String],
    /// Several stand one under the other.
    pub(crate) notes: Option<String>,
    pub(crate) star: bool,
    /// It failed, or a tool call failed or was refused.
    pub(crate) has_error: bool,
    /// Characters of the prompt.
    pub(crate) prompt_length: u64,
    /// Of its own messages: input, output, put into the cache and read from it.
    pub(crate) tokens: u64,
    /// List price of its own messages, as far as it is known.
    #[schema(value_type = Option<f64>)]
    pub(crate) cost_usd: Option<Usd>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct ToolSummary<'a> {
    pub(crate) id: Option<&'a str>,
    pub(crate) name: &'a str,
    pub(crate) error: bool,
    pub(crate) duration_ms: Option<i64>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Sources {
    pub(crate) hook: bool,
    pub(crate) transcript: bool,
}

/// Everything of one conversation.
#[derive(Serialize, ToSchema)]
pub(crate) struct Conversation<'a> {
    #[serde(flatten)]
    pub(crate) head: Head<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) requested_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) parent_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) agent_id: Option<&'a str>,
    pub(crate) ended_at: Option<String>,
    pub(crate) cwd: Option<&'a str>,
    pub(crate) blocks: Vec<Block<'a>>,
    pub(crate) tool_calls: Vec<ToolCall<'a>>,
    #[schema(no_recursion, value_type = Vec<Conversation>)]
    pub(crate) subagents: Vec<Self>,
    pub(crate) usage: Usage<'a>,
    /// Of its own messages, as `usage`.
    pub(crate) cost: Bill,
    #[serde(serialize_with = "raw")]
    #[schema(value_type = Object)]
    pub(crate) metadata: &'a str,
    pub(crate) sources: Sources,
    /// The title that a person gave the session it is in by their own cuts.
    pub(crate) user_session_title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) session: Option<Session<'a>>,
    pub(crate) links: Links,
}

/// What else there is of it, as paths of this API.
#[derive(Serialize, ToSchema)]
pub(crate) struct Links {
    /// The hook events and transcript lines that it was made from.
    pub(crate) raw: String,
    /// What a person says of it.
    pub(crate) rating: String,
    /// The session that it is in, as people cut them.
    pub(crate) session: String,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Usage<'a> {
    pub(crate) total: Tokens,
    pub(crate) messages: Vec<MessageUsage<'a>>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct MessageUsage<'a> {
    pub(crate) message_id: &'a str,
    pub(crate) request_id: Option<&'a str>,
    pub(crate) model: Option<&'a str>,
    #[serde(flatten)]
    pub(crate) tokens: Tokens,
}

#[derive(Clone, Copy, Default, Serialize, ToSchema)]
pub(crate) struct Tokens {
    pub(crate) input_tokens: i64,
    pub(crate) output_tokens: i64,
    pub(crate) cache_creation_tokens: i64,
    pub(crate) cache_read_tokens: i64,
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
            session_title: listed.session_title.as_deref(),
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
