//! `messages`: chat-format JSONL for fine-tuning, a line a conversation or a session.
//!
//! The form is the one that trainers agree on: `role` and `content`; tool calls, where they are wanted, as `tool_calls` of
//! an assistant's message with their results in messages of the role `tool`.

use std::io::{self, Write};

use serde::Serialize;
use store::BlockKind;
use store::read::{Conversation, ToolCall, Value};

/// Whether tool calls are in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tools {
    /// Prompts and final answers alone.
    Left,
    /// Everything that Claude said and did, in order.
    Included,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    role: &'static str,
    content: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Call {
    id: String,
    r#type: &'static str,
    function: Function,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Function {
    name: String,
    /// JSON in a string: that is the form.
    arguments: String,
}

#[derive(Serialize)]
struct Line<'a> {
    messages: &'a [Message],
}

/// A conversation as messages; `None` if it lacks a prompt or an answer.
pub fn messages(conversation: &Conversation, tools: Tools) -> Option<Vec<Message>> {
    let prompt = conversation.turn.prompt_text.as_deref().filter(|text| !text.trim().is_empty())?;
    let response = conversation.turn.response_text.as_deref().filter(|text| !text.trim().is_empty())?;
    let mut found = vec![plain("user", prompt)];
    match tools {
        Tools::Left => found.push(plain("assistant", response)),
        Tools::Included => {
            steps(conversation, &mut found);
            // What hooks alone saw has no blocks for the answer.
            if !found.last().is_some_and(|last| last.role == "assistant" && !last.content.is_empty()) {
                found.push(plain("assistant", response));
            }
        }
    }
    Some(found)
}

/// A line of them.
///
/// # Errors
/// Those of `out`.
pub fn line(out: &mut dyn Write, messages: &[Message]) -> io::Result<()> {
    let mut bytes = serde_json::to_vec(&Line { messages })?;
    bytes.push(b'\n');
    out.write_all(&bytes)
}

/// What Claude said and did: a message ends where text follows its calls.
fn steps(conversation: &Conversation, found: &mut Vec<Message>) {
    let mut said = plain("assistant", "");
    let mut results: Vec<Message> = Vec::new();
    for block in &conversation.blocks {
        match (block.kind, &block.text) {
            (BlockKind::Text, Some(text)) => {
                if !said.tool_calls.is_empty() {
                    found.push(std::mem::replace(&mut said, plain("assistant", "")));
                    found.append(&mut results);
                }
                if !said.content.is_empty() {
                    said.content.push('\n');
                }
                said.content.push_str(text);
            }
            (BlockKind::Tool, _) => {
                // A call without an id or an end cannot be answered, and a trainer refuses it.
                if let Some((call, result)) = called(conversation, block.tool_use_id.as_deref()) {
                    said.tool_calls.push(call);
                    results.push(result);
                }
            }
            _ => {}
        }
    }
    if !said.content.is_empty() || !said.tool_calls.is_empty() {
        found.push(said);
        found.append(&mut results);
    }
}

fn called(conversation: &Conversation, id: Option<&str>) -> Option<(Call, Message)> {
    let id = id?;
    let is_it = |call: &&ToolCall| call.tool_use_id.as_deref() == Some(id) && call.finished;
    let call = conversation.tool_calls.iter().find(is_it)?;
    let text = |value: &Option<Value>| match value {
        Some(Value::Text(text) | Value::Json(text)) => text.clone(),
        None => String::new(),
    };
    let arguments = match &call.input {
        Some(Value::Json(json)) => json.clone(),
        _ => "{}".to_owned(),
    };
    let function = Function { name: call.name.clone(), arguments };
    let result = Message { tool_call_id: Some(id.to_owned()), ..plain("tool", &text(&call.output)) };
    Some((Call { id: id.to_owned(), r#type: "function", function }, result))
}

fn plain(role: &'static str, content: &str) -> Message {
    Message { role, content: content.to_owned(), tool_calls: Vec::new(), tool_call_id: None }
}

#[cfg(test)]
mod tests;
