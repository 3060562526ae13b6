//! What Claude Code's records are told apart and joined by. No rule of anybody may change that: a prompt would be lost, or be
//! there twice.
//!
//! These are fields of the record itself, and of a few parts of it that Claude Code makes. The same names in what a tool takes
//! and gives, or in what anybody else puts there, are names like any others.

use crate::json::Of;

/// A part of a record.
#[derive(Debug)]
struct Part {
    name: &'static str,
    /// It is known by these, if their values look like names or ids.
    fields: &'static [&'static str],
    parts: &'static [Self],
}

const RECORD: Part = Part {
    name: "",
    fields: &[
        "type",
        "subtype",
        "operation",
        "timestamp",
        "sessionId",
        "session_id",
        "continuedInSessionId",
        "uuid",
        "parentUuid",
        "logicalParentUuid",
        "leafUuid",
        "sourceToolAssistantUUID",
        "messageId",
        "requestId",
        "promptId",
        "prompt_id",
        "promptSource",
        "entrypoint",
        "agentId",
        "agent_id",
        "toolUseID",
        "parentToolUseID",
        "tool_use_id",
        "tool_name",
        "hook_event_name",
        "source",
        "reason",
    ],
    parts: &[
        Part { name: "message", fields: &["id", "type", "role", "model", "stop_reason"], parts: &[CONTENT] },
        CONTENT,
        Part { name: "attachment", fields: &["type", "commandMode"], parts: &[ORIGIN] },
        ORIGIN,
        Part { name: "forkedFrom", fields: &["sessionId", "messageUuid"], parts: &[] },
        Part { name: "snapshot", fields: &["messageId"], parts: &[] },
        Part { name: "toolUseResult", fields: &["agentId"], parts: &[] },
        Part { name: "tool_calls", fields: &["tool_use_id", "tool_name"], parts: &[] },
    ],
};
const CONTENT: Part = Part { name: "content", fields: &["type", "id", "name", "tool_use_id"], parts: &[BLOCKS] };
/// What a tool gave back.
const BLOCKS: Part = Part { name: "content", fields: &["type"], parts: &[] };
const ORIGIN: Part = Part { name: "origin", fields: &["kind"], parts: &[] };
/// No name and no id is longer.
const LONGEST: usize = 128;

/// The objects and arrays around a place in a document: which parts of a record they are.
#[derive(Debug, Default)]
pub(crate) struct Open(Vec<Option<&'static Part>>);

impl Open {
    pub(crate) fn new(of: Of) -> Self {
        // A value is as something in a record that is no part of it.
        Self(if of == Of::Record { Vec::new() } else { vec![None] })
    }

    /// An object or an array begins, behind this name if it has one.
    pub(crate) fn open(&mut self, name: Option<&[u8]>) {
        let part = match (self.0.last(), name) {
            (None, _) => Some(&RECORD),
            (Some(part), None) => *part,
            (Some(part), Some(name)) => part.and_then(|part| part.parts.iter().find(|it| ends_with(name, it.name))),
        };
        self.0.push(part);
    }

    /// It ends.
    pub(crate) fn close(&mut self) {
        self.0.pop();
    }

    /// Whether a record is known by this value.
    pub(crate) fn is_known_by(&self, name: &[u8], value: &[u8]) -> bool {
        let Some(Some(part)) = self.0.last() else { return false };
        let is_sign = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.:+<>".contains(byte);
        value.len() <= LONGEST && value.iter().all(is_sign) && part.fields.iter().any(|field| ends_with(name, field))
    }
}

/// Whether what stands before a value ends with this name, in its marks.
fn ends_with(text: &[u8], name: &str) -> bool {
    let text = text.strip_suffix(b"\"").and_then(|text| text.strip_suffix(name.as_bytes()));
    text.is_some_and(|text| text.ends_with(b"\""))
}
