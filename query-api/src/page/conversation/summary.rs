//! A tool call in a line: its name, what it was about, what came of it in a few words.

use std::collections::BTreeMap;

use export::parts::{ToolCall, telling};
use maud::{Markup, html};
use serde_json::Value as Json;
use serde_json::value::RawValue;
use store::read::Value;

use crate::page::diff::{Budget, counts};
use crate::page::said::{lines, said};
use crate::page::text::{about, clipped, number};
use crate::page::time::took;

/// Characters of what it was about.
pub(super) const ABOUT: usize = 120;
/// And of a result.
const RESULT: usize = 100;
/// Values up to this size are taken apart, in bytes.
const APART: usize = 256 << 10;
/// How much of an output is looked at for its first line.
const LOOK: usize = 4096;

/// The input of a call, taken apart; null where it is none or too deep, and of what is large where it is no text.
pub(super) fn input(call: &ToolCall<'_>) -> Json {
    let Some(Value::Json(json)) = call.input else { return Json::Null };
    // A value that is taken apart is a hundred times as large in memory.
    let whole = |json: &str| serde_json::from_str(json).unwrap_or_default();
    if json.len() <= APART {
        return whole(json);
    }
    let Ok(fields) = serde_json::from_str::<BTreeMap<String, &RawValue>>(json) else { return Json::Null };
    let field = |value: &RawValue| match value.get() {
        text if text.starts_with('"') => serde_json::from_str(text).map(Json::String).unwrap_or_default(),
        other if other.len() <= APART => whole(other),
        _ => Json::Null,
    };
    fields.into_iter().map(|(name, value)| (name, field(value))).collect()
}

/// The line.
pub(super) fn summary(call: &ToolCall<'_>, input: &Json, budget: &mut Budget) -> Markup {
    let result = result(call, input, budget);
    let bad = call.error || call.refused;
    html! {
        b class="tool" { (clipped(call.name, 40)) } " "
        code { (subject(call, input)) } " "
        @if !result.is_empty() { span class={ "result" @if bad { " bad" } } { (result) } " " }
        @if let Some(ms) = call.duration_ms.filter(|ms| *ms >= 100) { span class="took" { (took(ms)) } }
    }
}

/// What it was about.
pub(super) fn subject(call: &ToolCall<'_>, input: &Json) -> String {
    if call.name == "TodoWrite" {
        let items = input["todos"].as_array().map_or(&[][..], Vec::as_slice);
        let now = items.iter().find(|item| item["status"] == "in_progress").or(items.first());
        return clipped(now.and_then(|item| item["content"].as_str()).unwrap_or_default(), ABOUT);
    }
    if let Some(text) = telling(input) {
        return clipped(text, ABOUT);
    }
    match call.input {
        Some(Value::Json(json)) if input.as_object().is_none_or(|fields| !fields.is_empty()) => clipped(json, ABOUT),
        Some(Value::Text(text)) => clipped(text, ABOUT),
        _ => String::new(),
    }
}

/// What came of it.
fn result(call: &ToolCall<'_>, input: &Json, budget: &mut Budget) -> String {
    if call.refused {
        return "refused".to_owned();
    }
    if !call.finished && call.output.is_none() {
        return "no result".to_owned();
    }
    if call.error {
        let first = first_line(call);
        return if first.is_empty() { "failed".to_owned() } else { format!("failed: {first}") };
    }
    // Nothing is counted of what is not here.
    if let Some(size) = call.begun {
        return format!("{}B", about(size));
    }
    match call.name {
        "Edit" | "MultiEdit" => {
            let counts = edits(input).try_fold((0, 0), |(more, less), (old, new)| {
                let counts = counts(old, new, budget)?;
                Some((more + counts.0, less + counts.1))
            });
            return counts.map_or_else(|| "edited".to_owned(), |(more, less)| format!("+{more} −{less}"));
        }
        "Write" => return plural(input["content"].as_str().map_or(0, lines), "line"),
        "TodoWrite" => {
            let all = input["todos"].as_array().map_or(&[][..], Vec::as_slice);
            let done = all.iter().filter(|item| item["status"] == "completed").count();
            return format!("{done} of {} done", all.len());
        }
        _ => {}
    }
    match call.output {
        None => "no output".to_owned(),
        Some(Value::Json(json)) => format!("{}B", about(json.len() as u64)),
        Some(Value::Text(text)) => match lines(text) {
            // The first line of a file says little.
            count if call.name == "Read" && count > 0 && !text.starts_with("[Image") => plural(count, "line"),
            0 => "no output".to_owned(),
            1 => first_line(call),
            // What stands for a picture says more than that there are two lines.
            _ if text.starts_with("[Image") => first_line(call),
            more => plural(more, "line"),
        },
    }
}

/// The pairs of texts that an edit names.
pub(super) fn edits(input: &Json) -> impl Iterator<Item = (&str, &str)> {
    let several = input["edits"].as_array().into_iter().flatten();
    std::iter::once(input)
        .chain(several)
        .filter_map(|edit| Some((edit["old_string"].as_str()?, edit["new_string"].as_str()?)))
}

fn first_line(call: &ToolCall<'_>) -> String {
    let Some(Value::Text(text) | Value::Json(text)) = call.output else { return String::new() };
    let start = said(&text[..text.floor_char_boundary(LOOK)]);
    // Claude is told of an error between tags.
    let start = start.trim_start().trim_start_matches("<tool_use_error>");
    let line = start.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    clipped(line.trim_end_matches("</tool_use_error>"), RESULT)
}

fn plural(count: usize, name: &str) -> String {
    format!("{} {name}{}", number(count as u64), if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::read;

    fn check(name: &str, given: &str, output: Option<Value>, expected: &str) {
        let call = read::ToolCall {
            tool_use_id: None,
            name: name.into(),
            input: Some(Value::Json(given.into())),
            error: expected.contains("failed"),
            refused: expected.contains("refused"),
            finished: !expected.contains("no result"),
            output,
            started_ms: None,
            duration_ms: None,
            begun: None,
        };
        let call = ToolCall::of(&call);
        let input = input(&call);
        assert_eq!(format!("{} | {}", subject(&call, &input), result(&call, &input, &mut Budget::page())), expected);
    }

    fn text(text: &str) -> Option<Value> {
        Some(Value::Text(text.into()))
    }

    #[test]
    fn calls_in_a_line() {
        check("Bash", r#"{"command":"ls -l\n| wc"}"#, text("a\nb\n"), "ls -l | wc | 2 lines");
        check("Read", r#"{"file_path":"a"}"#, text("1\tuse x;"), "a | 1 line");
        check("Read", r#"{"file_path":"a"}"#, text("[Image: image/png, 5 bytes]"), "a | [Image: image/png, 5 bytes]");
        check("Bash", r#"{"command":"ls"}"#, text(""), "ls | no output");
        check("Bash", r#"{"command":"ls"}"#, text("\u{1b}[1m12\u{1b}[0m\n"), "ls | 12");
        check("Bash", r#"{"command":"ls"}"#, text("\nExit 1\nmore"), "ls | failed: Exit 1");
        check("Edit", "{}", text("<tool_use_error>No such file</tool_use_error>"), " | failed: No such file");
        check("Bash", r#"{"command":"rm"}"#, text("The user said no"), "rm | refused");
        check("Bash", r#"{"command":"top"}"#, None, "top | no result");
        check("Edit", r#"{"file_path":"a.rs","old_string":"a\nb","new_string":"a\nc\nd"}"#, None, "a.rs | +2 −1");
        check(
            "MultiEdit",
            r#"{"edits":[{"old_string":"a","new_string":""},{"old_string":"","new_string":"b"}]}"#,
            None,
            r#"{"edits":[{"old_string":"a","new_string":""},{"old_string":"","new_string":"b"}]} | +1 −1"#,
        );
        check("Write", r#"{"file_path":"a","content":"1\n2\n"}"#, text("written"), "a | 2 lines");
        check(
            "TodoWrite",
            r#"{"todos":[{"status":"completed"},{"status":"in_progress","content":"test it"}]}"#,
            text("ok"),
            "test it | 1 of 2 done",
        );
        check("mcp__x", "[1,2]", Some(Value::Json("{\"a\":1}".into())), "[1,2] | 7B");
    }
}
