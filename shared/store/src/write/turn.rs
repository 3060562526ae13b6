//! A conversation as deriving hands it over: plain data, nothing of the database in it.

use std::hash::{Hash, Hasher};

use crate::ids::{ConversationId, Key, Span};
use crate::usage::Usage;
use crate::words::{BlockKind, Kind, Status, Via};

/// One conversation.
#[derive(Clone, Debug)]
pub struct Turn {
    /// What it is recognised by. Never empty. All of these lead to its id from now on.
    pub keys: Vec<Key>,
    /// What it may have been known by before: an id that one of these has already is the same conversation's.
    pub former_keys: Vec<Key>,
    /// The session it belongs to.
    pub session_id: String,
    /// For a subagent's: which conversation started it.
    pub parent: Option<Parent>,
    /// For a subagent's: its id.
    pub agent_id: Option<String>,
    /// Its place in the session; a subagent's is its parent's.
    pub ordinal: i64,
    /// When it began.
    pub timestamp_ms: i64,
    /// When its last line was written.
    pub ended_ms: Option<i64>,
    /// What opened it.
    pub kind: Kind,
    /// Through which door.
    pub via: Via,
    /// How it ended.
    pub status: Status,
    /// The prompt without wrappers; `None` where nobody saw it.
    pub prompt_text: Option<String>,
    /// The last thing Claude said.
    pub response_text: Option<String>,
    /// Claude Code's id of the turn.
    pub prompt_id: Option<String>,
    /// The model that answered last.
    pub model: Option<String>,
    /// The working directory at its beginning.
    pub cwd: Option<String>,
    /// A hook event saw it.
    pub from_hook: bool,
    /// A transcript line saw it.
    pub from_transcript: bool,
    /// A JSON object with whatever else is worth showing.
    pub metadata: String,
    /// Its parts, in order.
    pub blocks: Vec<Block>,
    /// Its own tool calls, in order; a subagent's are its own turn's.
    pub tool_calls: Vec<ToolCall>,
    /// Tokens of each message.
    pub usage: Vec<Usage>,
}

/// Where the conversation stands that started a subagent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parent {
    /// Among the turns that are written together, by its index.
    Here(usize),
    /// Settled before.
    Settled(ConversationId),
}

/// Raised when the same turn gives other rows, so that each is written again when it is derived again.
const ROWS: u8 = 7;

impl Turn {
    /// Equal digests mean equal rows. A parent counts by its id; keys are no part of the rows.
    pub(crate) fn digest(&self, parent: Option<ConversationId>) -> [u8; 16] {
        struct Digest(blake3::Hasher);
        impl Hasher for Digest {
            fn write(&mut self, bytes: &[u8]) {
                self.0.update(bytes);
            }
            fn finish(&self) -> u64 {
                0
            }
        }
        let mut digest = Digest(blake3::Hasher::new());
        let Self {
            keys: _,
            former_keys: _,
            parent: _,
            session_id,
            agent_id,
            ordinal,
            timestamp_ms,
            ended_ms,
            kind,
            via,
            status,
            prompt_text,
            response_text,
            prompt_id,
            model,
            cwd,
            from_hook,
            from_transcript,
            metadata,
            blocks,
            tool_calls,
            usage,
        } = self;
        (ROWS, session_id, agent_id, ordinal, timestamp_ms, ended_ms, kind, via, status, prompt_text, response_text)
            .hash(&mut digest);
        (prompt_id, model, cwd, from_hook, from_transcript, metadata, blocks, tool_calls, usage).hash(&mut digest);
        parent.map(|id| id.0).hash(&mut digest);
        let mut bytes = [0; 16];
        digest.0.finalize_xof().fill(&mut bytes);
        bytes
    }
}

/// A part of a conversation.
#[derive(Clone, Debug, Hash)]
pub struct Block {
    /// What it is.
    pub kind: BlockKind,
    /// When it was written.
    pub at_ms: Option<i64>,
    /// For a tool block: which call.
    pub tool_use_id: Option<String>,
    /// Where its text stands.
    pub span: Option<Span>,
    /// Its words for the index; not stored a second time.
    pub search: Option<String>,
}

/// A call of a tool, with its result if there is one.
#[derive(Clone, Debug, Hash)]
pub struct ToolCall {
    /// The API's id of the call.
    pub tool_use_id: Option<String>,
    /// The tool.
    pub name: String,
    /// It failed, or was refused.
    pub is_error: bool,
    /// A person or a rule refused it.
    pub refused: bool,
    /// A result came.
    pub finished: bool,
    /// When it was asked for.
    pub started_ms: Option<i64>,
    /// How long it ran (only hooks know).
    pub duration_ms: Option<i64>,
    /// Where its input stands.
    pub input: Option<Span>,
    /// Where its output stands.
    pub output: Option<Span>,
}
