//! `csv`: a row a conversation, for spreadsheets. RFC 4180, and no cell that a spreadsheet would run.
//!
//! A text that begins like a formula gets an apostrophe in front, as OWASP advises: prompts are other people's input too.

use std::collections::BTreeMap;
use std::io::{self, Write};

use store::read::Usage;
use store::read::export::Summary;

use crate::price::{Bill, Usd};
use crate::time::rfc3339;

const COLUMNS: [&str; 32] = [
    "id",
    "timestamp",
    "ended_at",
    "session_id",
    "user_session_id",
    "title",
    "project",
    "cwd",
    "kind",
    "via",
    "status",
    "model",
    "prompt",
    "response",
    "tool_calls",
    "tools",
    "tool_errors",
    "input_tokens",
    "output_tokens",
    "cache_creation_tokens",
    "cache_read_tokens",
    "cost_usd",
    "unknown_models",
    "subagents",
    "subagents_input_tokens",
    "subagents_output_tokens",
    "subagents_cost_usd",
    "rating",
    "starred",
    "tags",
    "notes",
    "duration_ms",
];

/// The first row.
///
/// # Errors
/// Those of `out`.
pub fn head(out: &mut dyn Write) -> io::Result<()> {
    out.write_all(format!("{}\r\n", COLUMNS.join(",")).as_bytes())
}

/// A conversation's row.
///
/// # Errors
/// Those of `out`.
pub fn row(out: &mut dyn Write, summary: &Summary) -> io::Result<()> {
    let turn = &summary.listed.turn;
    let calls = &summary.listed.tool_calls;
    let bill = Bill::of(&summary.usage, turn.timestamp_ms);
    let subagents_bill = Bill::of(&summary.subagents_usage, turn.timestamp_ms);
    let mut unknown: Vec<&str> = bill.unknown_models().chain(subagents_bill.unknown_models()).collect();
    unknown.sort_unstable();
    unknown.dedup();
    let mut tools: BTreeMap<&str, usize> = BTreeMap::new();
    for call in calls {
        *tools.entry(&call.name).or_default() += 1;
    }
    let tools: Vec<_> = tools.iter().map(|(name, count)| format!("{name}:{count}")).collect();
    let usd = |bill: &Bill| bill.usd().as_ref().map(Usd::to_string).unwrap_or_default();
    let sum = |usage: &[Usage], count: fn(&Usage) -> i64| {
        usage.iter().fold(0_i64, |sum, message| sum.saturating_add(count(message))).to_string()
    };
    let standing = &summary.standing;
    let cells = [
        turn.id.0.to_string(),
        rfc3339(turn.timestamp_ms).unwrap_or_default(),
        turn.ended_ms.and_then(rfc3339).unwrap_or_default(),
        text(Some(&turn.session_id)),
        text(Some(&turn.user_session_id)),
        text(summary.title.as_deref()),
        text(turn.project.as_deref()),
        text(turn.cwd.as_deref()),
        turn.kind.as_str().to_owned(),
        turn.via.as_str().to_owned(),
        turn.status.as_str().to_owned(),
        text(turn.model.as_deref()),
        text(turn.prompt_text.as_deref()),
        text(turn.response_text.as_deref()),
        calls.len().to_string(),
        text(Some(&tools.join(" "))),
        calls.iter().filter(|call| call.error).count().to_string(),
        sum(&summary.usage, |message| message.input_tokens),
        sum(&summary.usage, |message| message.output_tokens),
        sum(&summary.usage, |message| message.cache_creation_tokens),
        sum(&summary.usage, |message| message.cache_read_tokens),
        usd(&bill),
        text(Some(&unknown.join(" "))),
        summary.subagents.to_string(),
        sum(&summary.subagents_usage, |message| message.input_tokens),
        sum(&summary.subagents_usage, |message| message.output_tokens),
        usd(&subagents_bill),
        standing.rating.map(|rating| rating.get().to_string()).unwrap_or_default(),
        u8::from(standing.starred).to_string(),
        text(Some(&standing.tags.join(", "))),
        text(Some(&standing.notes.join("\n\n"))),
        turn.ended_ms.map(|end| end.saturating_sub(turn.timestamp_ms).to_string()).unwrap_or_default(),
    ];
    out.write_all(format!("{}\r\n", cells.join(",")).as_bytes())
}

fn text(text: Option<&str>) -> String {
    cell(text.unwrap_or_default())
}

/// A cell of text, as no spreadsheet runs it.
pub fn cell(text: &str) -> String {
    // Programs that read cells look behind blanks too, also such as do not break a line.
    let runs = text.starts_with(['\t', '\r', '\n'])
        || text.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']);
    let quoted = runs || text.contains([',', '"', '\r', '\n']) || text.starts_with(' ') || text.ends_with(' ');
    let guard = if runs { "'" } else { "" };
    if quoted { format!("\"{guard}{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

#[cfg(test)]
mod tests;
