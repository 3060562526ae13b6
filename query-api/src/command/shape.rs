//! The parts of the API's answers that pages show. What is null or left out there is nothing here; the rest is passed over.

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny};
use serde_json::Value;

/// `null` as nothing.
fn nothing<'de, T: Default + Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    Option::deserialize(from).map(Option::unwrap_or_default)
}

/// A page of a list; the items stay as they were sent.
#[derive(Debug, Deserialize)]
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    #[serde(default)]
    pub(super) next_cursor: Option<String>,
    #[serde(default)]
    pub(super) count: Option<Count>,
    #[serde(default)]
    pub(super) sessions_to_derive_again: Option<u64>,
}

/// How many there are.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Count {
    pub(super) value: u64,
    pub(super) exact: bool,
}

/// A conversation of a list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Item {
    pub(super) id: i64,
    pub(super) user_session_id: String,
    #[serde(deserialize_with = "nothing")]
    pub(super) timestamp: String,
    pub(super) kind: String,
    pub(super) status: String,
    #[serde(deserialize_with = "nothing")]
    pub(super) prompt_text: String,
    #[serde(deserialize_with = "nothing")]
    pub(super) project_name: String,
    pub(super) has_error: bool,
    pub(super) cost_usd: Option<f64>,
    pub(super) tokens: u64,
    pub(super) prompt_length: u64,
    #[serde(flatten)]
    pub(super) marks: Marks,
    #[serde(deserialize_with = "nothing")]
    pub(super) matches: Vec<Match>,
}

/// What you said of it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Marks {
    pub(super) rating: Option<u8>,
    pub(super) tags: Vec<String>,
    pub(super) notes: Option<String>,
    pub(super) star: bool,
}

/// Where the words were found.
#[derive(Debug, Deserialize)]
pub(super) struct Match {
    pub(super) r#in: String,
    pub(super) snippet: Vec<Piece>,
}

/// Of a snippet.
#[derive(Debug, Deserialize)]
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) r#match: bool,
}

/// A conversation, whole.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Conversation {
    #[serde(flatten)]
    pub(super) item: Item,
    pub(super) requested_id: Option<i64>,
    pub(super) session_id: String,
    #[serde(deserialize_with = "nothing")]
    pub(super) response_text: String,
    #[serde(deserialize_with = "nothing")]
    pub(super) model: String,
    pub(super) cost: Cost,
    pub(super) usage: Usage,
    #[serde(deserialize_with = "nothing")]
    pub(super) user_session_title: String,
    pub(super) session: Option<Session>,
    pub(super) blocks: Vec<Block>,
    pub(super) tool_calls: Vec<ToolCall>,
    pub(super) subagents: Vec<Self>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Cost {
    pub(super) usd: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Usage {
    pub(super) total: Tokens,
    /// Whether there were any.
    messages: Vec<IgnoredAny>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Tokens {
    input_tokens: u64,
    output_tokens: u64,
    cache_creation_tokens: u64,
    cache_read_tokens: u64,
}

impl Usage {
    /// All tokens; `None` where no message is known.
    pub(super) fn tokens(&self) -> Option<u64> {
        let total = &self.total;
        let parts = [total.input_tokens, total.output_tokens, total.cache_creation_tokens, total.cache_read_tokens];
        (!self.messages.is_empty()).then(|| parts.into_iter().fold(0, u64::saturating_add))
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Session {
    #[serde(deserialize_with = "nothing")]
    pub(super) title: String,
    #[serde(deserialize_with = "nothing")]
    pub(super) git_branch: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Block {
    pub(super) kind: String,
    pub(super) text: Option<String>,
    pub(super) tool_call_id: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ToolCall {
    pub(super) id: Option<String>,
    pub(super) name: String,
    pub(super) input: Value,
    pub(super) error: bool,
    pub(super) refused: bool,
    pub(super) finished: bool,
    pub(super) duration_ms: Option<u64>,
}

/// A tag of yours.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TagCount {
    pub(super) tag: String,
    pub(super) conversations: u64,
}

/// A session of a list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct UserSession {
    pub(super) id: String,
    #[serde(deserialize_with = "nothing")]
    pub(super) title: String,
    #[serde(deserialize_with = "nothing")]
    pub(super) project_name: String,
    #[serde(deserialize_with = "nothing")]
    pub(super) ended_at: String,
    pub(super) conversations: u64,
}

/// What a split made.
#[derive(Debug, Deserialize)]
pub(super) struct SplitOff {
    pub(super) made: Vec<String>,
}

/// Where an undo put things.
#[derive(Debug, Deserialize)]
pub(super) struct Moved {
    pub(super) into: Vec<String>,
}
