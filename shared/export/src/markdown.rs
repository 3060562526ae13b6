//! `markdown`: a document to read. Prompts are quotations, answers stand as Claude wrote them, each tool is one line.

mod text;

pub use text::escaped;

use std::io::{self, Write};

use store::read::export::Whole;
use store::read::{Conversation, ToolCall, Value};
use store::{BlockKind, Status};

use crate::parts;
use crate::price::Bill;
use crate::time::minute;
use text::{balanced, code, one_line, quoted};

/// How much of a tool's input is shown.
const SHOWN: usize = 100;

/// The heading of a session, from its first conversation.
///
/// # Errors
/// Those of `out`.
pub fn session(out: &mut dyn Write, first: &Whole) -> io::Result<()> {
    let turn = &first.conversation.turn;
    let title = first.title.as_deref().or(turn.prompt_text.as_deref()).unwrap_or("Session");
    writeln!(out, "# {}\n", text::escaped(&one_line(title, SHOWN)))?;
    writeln!(out, "- session {}", code(&turn.user_session_id))?;
    if let Some(project) = &turn.project {
        writeln!(out, "- project {}", code(project))?;
    }
    if let Some(branch) = first.conversation.session.as_ref().and_then(|session| session.git_branch.as_deref()) {
        writeln!(out, "- branch {}", code(branch))?;
    }
    writeln!(out)
}

/// A conversation.
///
/// # Errors
/// Those of `out`.
pub fn conversation(out: &mut dyn Write, whole: &Whole) -> io::Result<()> {
    let turn = &whole.conversation.turn;
    writeln!(out, "## {} UTC\n", minute(turn.timestamp_ms))?;
    writeln!(out, "{}\n", facts(whole).join(" · "))?;
    match &turn.prompt_text {
        Some(prompt) => writeln!(out, "{}\n", quoted(prompt))?,
        None => writeln!(out, "*(no prompt was seen)*\n")?,
    }
    answer(out, &whole.conversation)?;
    for note in &whole.standing.notes {
        writeln!(out, "**Note**\n\n{}\n", quoted(note))?;
    }
    Ok(())
}

/// What stands under the heading.
fn facts(whole: &Whole) -> Vec<String> {
    let turn = &whole.conversation.turn;
    let mut facts = vec![turn.kind.as_str().to_owned()];
    if turn.status != Status::Complete {
        facts.push(format!("**{}**", turn.status.as_str()));
    }
    facts.extend(turn.model.as_deref().map(code));
    let bill = Bill::of(&whole.conversation.usage, turn.timestamp_ms);
    if !whole.conversation.usage.is_empty() {
        facts.extend(bill.usd().map(|usd| format!("${usd}")));
        facts.extend(bill.unknown_models().map(|model| format!("no price for {}", code(model))));
    }
    let standing = &whole.standing;
    facts.extend(standing.rating.map(|rating| "★".repeat(rating.get().into())));
    facts.extend(standing.starred.then(|| "starred".to_owned()));
    facts.extend(standing.tags.iter().map(|tag| code(&format!("#{tag}"))));
    facts.push(format!("id {}", turn.id.0));
    facts
}

/// Texts and tools in their order.
fn answer(out: &mut dyn Write, conversation: &Conversation) -> io::Result<()> {
    let mut in_list = false;
    let mut said = false;
    for block in &conversation.blocks {
        match (block.kind, &block.text) {
            (BlockKind::Text, Some(text)) => {
                if std::mem::take(&mut in_list) {
                    writeln!(out)?;
                }
                writeln!(out, "{}\n", balanced(text))?;
                said = true;
            }
            (BlockKind::Notice, Some(text)) => {
                in_list = true;
                writeln!(out, "- *{}*", text::escaped(&one_line(text, SHOWN)))?;
            }
            (BlockKind::Tool, _) => {
                let is_it = |call: &&ToolCall| call.tool_use_id == block.tool_use_id;
                if let Some(call) = conversation.tool_calls.iter().find(is_it) {
                    in_list = true;
                    writeln!(out, "- {}", tool(call))?;
                }
            }
            _ => {}
        }
    }
    for child in &conversation.subagents {
        in_list = true;
        let asked = one_line(child.turn.prompt_text.as_deref().unwrap_or("?"), SHOWN);
        let answered = one_line(child.turn.response_text.as_deref().unwrap_or("no answer"), SHOWN);
        writeln!(out, "- subagent: {} → {}", text::escaped(&asked), text::escaped(&answered))?;
    }
    if in_list {
        writeln!(out)?;
    }
    match &conversation.turn.response_text {
        // Of what hooks alone saw there are no blocks.
        Some(response) if !said => writeln!(out, "{}\n", balanced(response)),
        _ => Ok(()),
    }
}

/// One line: its name, what it was about, how it ended.
fn tool(call: &ToolCall) -> String {
    let mut line = format!("**{}**", text::escaped(&call.name));
    if let Some(about) = about(call) {
        line = format!("{line} {}", code(&about));
    }
    match (call.refused, call.error, call.finished) {
        (true, ..) => line.push_str(" — refused"),
        (_, true, _) => line.push_str(" — error"),
        (_, _, false) => line.push_str(" — not finished"),
        _ => {}
    }
    if let Some(ms) = call.duration_ms {
        line = format!("{line} ({ms} ms)");
    }
    line
}

/// The part of the input that tells most.
fn about(call: &ToolCall) -> Option<String> {
    let Some(Value::Json(json)) = &call.input else { return None };
    let input: serde_json::Value = serde_json::from_str(json).ok()?;
    let text = one_line(parts::telling(&input).unwrap_or(json), SHOWN);
    (!text.is_empty() && text != "{}").then_some(text)
}

#[cfg(test)]
mod tests;
