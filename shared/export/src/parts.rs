//! The JSON of a conversation's pieces, the same in an export and in the API.

use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use store::BlockKind;
use store::read::{self, Value};
use utoipa::ToSchema;

use crate::time::rfc3339;

/// A piece of a conversation. Of a tool there is no text, of anything else no call.
#[derive(Debug, Serialize, ToSchema)]
pub struct Block<'a> {
    /// What it is: a text, a thought, a tool call and so on.
    pub kind: &'static str,
    /// When.
    pub at: Option<String>,
    /// Its text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<Option<&'a str>>,
    /// Which of the tool calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<Option<&'a str>>,
}

/// A tool call, with what it was given and what it gave back.
#[derive(Debug, Serialize, ToSchema)]
pub struct ToolCall<'a> {
    /// Claude's id for it.
    pub id: Option<&'a str>,
    /// The tool.
    pub name: &'a str,
    /// What it was given.
    #[serde(serialize_with = "value")]
    #[schema(value_type = Option<serde_json::Value>)]
    pub input: &'a Option<Value>,
    /// What it gave back.
    #[serde(serialize_with = "value")]
    #[schema(value_type = Option<serde_json::Value>)]
    pub output: &'a Option<Value>,
    /// Whether it failed or was refused.
    pub error: bool,
    /// Whether a person or a rule refused it.
    pub refused: bool,
    /// Whether its end was seen.
    pub finished: bool,
    /// When it began.
    pub started_at: Option<String>,
    /// How long it ran.
    pub duration_ms: Option<i64>,
    /// Of the store: how large it is where only its beginning was read, which is never so in what is written.
    #[serde(skip)]
    pub begun: Option<u64>,
}

impl<'a> Block<'a> {
    /// As it was read.
    pub fn of(block: &'a read::Block) -> Self {
        let is_tool = block.kind == BlockKind::Tool;
        Self {
            kind: block.kind.as_str(),
            at: block.at_ms.and_then(rfc3339),
            text: (!is_tool).then_some(block.text.as_deref()),
            tool_call_id: is_tool.then_some(block.tool_use_id.as_deref()),
        }
    }
}

impl<'a> ToolCall<'a> {
    /// As it was read.
    pub fn of(call: &'a read::ToolCall) -> Self {
        Self {
            id: call.tool_use_id.as_deref(),
            name: &call.name,
            input: &call.input,
            output: &call.output,
            error: call.error,
            refused: call.refused,
            finished: call.finished,
            started_at: call.started_ms.and_then(rfc3339),
            duration_ms: call.duration_ms,
            begun: call.begun,
        }
    }
}

/// The part of a tool's input that tells most of it, where there is one.
pub fn telling(input: &serde_json::Value) -> Option<&str> {
    const NAMES: [&str; 9] =
        ["command", "file_path", "notebook_path", "pattern", "path", "url", "query", "skill", "description"];
    NAMES.iter().find_map(|name| input.get(name)?.as_str())
}

/// JSON that is passed on as it is, but on one line: whoever made it may have laid it out over many, and what is written
/// here stands in lines of JSON.
///
/// # Errors
/// The serializer's, or if it is no JSON.
pub fn raw<S: Serializer>(json: &str, serializer: S) -> Result<S::Ok, S::Error> {
    let json: &RawValue = serde_json::from_str(json).map_err(S::Error::custom)?;
    if !json.get().contains(LINE_ENDS) {
        return json.serialize(serializer);
    }
    // A string holds no line's end but written as `\n`, so these stand between signs, where they mean nothing.
    let lines = json.get().split(LINE_ENDS).map(|line| line.trim_matches([' ', '\t']));
    RawValue::from_string(lines.collect()).map_err(S::Error::custom)?.serialize(serializer)
}

const LINE_ENDS: [char; 2] = ['\n', '\r'];

/// A text as a string, anything else as it is.
fn value<S: Serializer>(value: &Option<Value>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        None => serializer.serialize_none(),
        Some(Value::Text(text)) => serializer.serialize_str(text),
        Some(Value::Json(json)) => raw(json, serializer),
    }
}
