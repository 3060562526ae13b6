//! A tool call: a fold with its line, and inside what it was given and what it gave back, each as people read it: a command
//! with its output, an edit as what changed, a list as a list. What is none of these is JSON.

use std::borrow::Cow;

use export::parts::ToolCall;
use maud::{Markup, html};
use serde_json::Value as Json;
use store::read::Value;

use super::pictures;
use super::room::Room;
use super::summary::{ABOUT, edits, input, subject, summary};
use crate::page::code::{self, Budget, Language};
use crate::page::diff::diff;
use crate::page::markdown::{clipped, markdown};
use crate::page::picture::Picture;
use crate::page::pretty::pretty;
use crate::page::said::said;
use crate::page::text::{about, clipped as one_line, number, visible};

/// So much of a part is shown at once, in bytes.
const PAGE: usize = 64 << 10;
/// JSON is laid out over lines up to this size, in bytes.
const LAID_OUT: usize = 1 << 20;
/// Items of a list of what is to be done that are shown.
const ITEMS: usize = 200;
/// A failure up to this size is shown unfolded, in bytes.
const PLAIN: usize = 4 << 10;
/// More lines of an output are not shown at once.
const TALL: usize = 30;
/// Tools whose successful answer says nothing that their input does not.
const ECHOES: [&str; 5] = ["Edit", "MultiEdit", "Write", "TodoWrite", "NotebookEdit"];

/// The sides of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// What it was given.
    Input,
    /// What it gave back.
    Output,
}

/// A call and where it stands.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    /// The conversation.
    pub(super) id: i64,
    /// Its number in it, from 0.
    pub(super) n: usize,
    /// The call.
    pub(super) call: &'a ToolCall<'a>,
    /// The pictures of the conversation.
    pub(super) pictures: &'a [Picture],
}

impl Part {
    /// As it stands in an address.
    fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
        }
    }

    /// This side of a call as it was captured.
    pub(crate) fn text(self, call: store::read::ToolCall) -> String {
        let value = match self {
            Self::Input => call.input,
            Self::Output => call.output,
        };
        match value {
            Some(Value::Text(text) | Value::Json(text)) => text,
            None => String::new(),
        }
    }

    /// The beginning of this side, as it is shown, with at least `most` bytes if it has them.
    fn beginning<'c>(self, call: &ToolCall<'c>, most: usize) -> Cow<'c, str> {
        let value = match self {
            Self::Input => call.input,
            Self::Output => call.output,
        };
        match value {
            Some(Value::Json(json)) if json.len() <= LAID_OUT => pretty(json, most).into(),
            Some(Value::Text(text) | Value::Json(text)) => text.into(),
            None => "".into(),
        }
    }
}

/// Bytes of both sides.
fn size(call: &ToolCall<'_>) -> usize {
    let size = |value: &Option<Value>| match value {
        Some(Value::Text(text) | Value::Json(text)) => text.len(),
        None => 0,
    };
    call.begun.map_or_else(|| size(call.input) + size(call.output), |size| usize::try_from(size).unwrap_or(usize::MAX))
}

impl Call<'_> {
    fn path(self) -> String {
        format!("/conversations/{}/calls/{}", self.id, self.n)
    }

    /// The fold; `inside` says how much of it is in the page.
    pub(super) fn fold(self, room: &mut Room) -> Markup {
        let input = input(self.call);
        let size = size(self.call);
        let inline = room.folds(size);
        // Nobody should have to look for what went wrong.
        let open = inline && self.call.error && !self.call.refused && size <= PLAIN;
        html! {
            details class="fold call" open[open] data-load=[(!inline).then(|| self.path())] {
                summary { (summary(self.call, &input, &mut room.edits)) }
                @if inline { (self.body(&input, room)) }
                @else { p { a href=(self.path()) { "Show " (about(size as u64)) "B" } } }
            }
        }
    }

    /// What it was given and what it gave back.
    fn body(self, input: &Json, room: &mut Room) -> Markup {
        let call = self.call;
        let echoes = ECHOES.contains(&call.name) && !call.error && !call.refused && call.finished;
        html! {
            (self.given(input, room))
            @if !echoes { (self.output(&mut room.code)) }
            (pictures::of(self.pictures, Some(self.n), self.id))
        }
    }

    /// What it was given.
    fn given(self, input: &Json, room: &mut Room) -> Markup {
        let text = |name: &str| input[name].as_str();
        match (self.call.name, text("file_path").or(text("notebook_path"))) {
            ("Edit" | "MultiEdit", Some(file)) if edits(input).next().is_some() => html! {
                (named(file, if input["replace_all"] == true { "everywhere" } else { "" }))
                (self.edits(input, room))
            },
            ("Write", Some(file)) => self.written(file, text("content").unwrap_or_default(), room),
            ("NotebookEdit", Some(file)) => self.written(file, text("new_source").unwrap_or_default(), room),
            ("Read", Some(file)) => {
                let number = |name: &str| input[name].as_u64();
                let lines = match (number("offset"), number("limit")) {
                    (Some(from), Some(most)) => {
                        format!("lines {from} to {}", from.saturating_add(most).saturating_sub(1))
                    }
                    (Some(from), None) => format!("from line {from}"),
                    (None, Some(most)) => format!("the first {most} lines"),
                    (None, None) => String::new(),
                };
                named(file, &lines)
            }
            ("Bash", _) => html! {
                @if let Some(why) = text("description") { p class="why" { (one_line(why, 300)) } }
                (self.part_of(text("command").unwrap_or_default(), Language::Fence("sh"), " command", &mut room.code))
            },
            ("Task" | "Agent", _) => {
                let prompt = text("prompt").unwrap_or_default();
                let shown = clipped(prompt, PAGE);
                html! {
                    @if let Some(kind) = text("subagent_type") { p class="why" { (one_line(kind, 80)) } }
                    div class="told asked" { (shown.chars().map(visible).collect::<String>()) }
                    (self.cut(prompt.len() - shown.len()))
                }
            }
            ("TodoWrite", _) if input["todos"].is_array() => self.todos(input),
            _ => match self.call.input {
                None => html! {},
                Some(Value::Json(json)) if json == "{}" => html! {},
                Some(Value::Json(_)) => self.json(Part::Input, &mut room.code),
                Some(Value::Text(_)) => self.page_of(Part::Input, 0),
            },
        }
    }

    /// What edits changed, as many of them as a page shows.
    fn edits(self, input: &Json, room: &mut Room) -> Markup {
        let mut left = PAGE;
        let mut edits = edits(input).peekable();
        html! {
            @while left > 0 && let Some((old, new)) = edits.next() {
                ({ left = left.saturating_sub(old.len() + new.len()); diff(old, new, &mut room.edits) })
            }
            (self.cut(edits.map(|(old, new)| old.len() + new.len()).sum()))
        }
    }

    /// A file that was written whole.
    fn written(self, file: &str, content: &str, room: &mut Room) -> Markup {
        html! { (named(file, "")) (self.part_of(content, Language::File(file), "", &mut room.code)) }
    }

    /// The beginning of something long that it was given.
    fn part_of(self, text: &str, language: Language<'_>, class: &str, code: &mut Budget) -> Markup {
        let shown = clipped(text, PAGE);
        html! {
            pre class={ "code" (class) } { code { (code::marked(shown, language, code)) } }
            (self.cut(text.len() - shown.len()))
        }
    }

    /// A list of what is to be done. Its signs say what its colours say.
    fn todos(self, input: &Json) -> Markup {
        let items = input["todos"].as_array().map_or(&[][..], Vec::as_slice);
        html! {
            ul class="todos" {
                @for item in items.iter().take(ITEMS) {
                    @let (sign, class) = match item["status"].as_str() {
                        Some("completed") => ("☑", "done"),
                        Some("in_progress") => ("▸", "now"),
                        _ => ("☐", "open"),
                    };
                    li class=(class) { span aria-hidden="true" { (sign) " " } (one_line(item["content"].as_str().unwrap_or_default(), 500)) span class="vh" { ", " (class) } }
                }
            }
            @if items.len() > ITEMS {
                p class="cut" { (number((items.len() - ITEMS) as u64)) " more are in " (self.elsewhere()) "." }
            }
        }
    }

    /// What is left out of what it was given, and where it is.
    fn cut(self, bytes: usize) -> Markup {
        html! { @if bytes > 0 { p class="cut" { (about(bytes as u64)) "B more are in " (self.elsewhere()) "." } } }
    }

    fn elsewhere(self) -> Markup {
        let address = self.side(Part::Input);
        html! { a href=(address) { "all of the input" } ", also " a href={ (address) "&form=text" } { "as text" } }
    }

    /// Where one of its sides is shown, a piece at a time.
    fn side(self, part: Part) -> String {
        format!("{}?part={}", self.path(), part.name())
    }

    fn output(self, code: &mut Budget) -> Markup {
        match self.call.output {
            None => html! {},
            Some(Value::Text(text)) if text.trim().is_empty() => html! {},
            Some(Value::Text(text)) if ["Task", "Agent"].contains(&self.call.name) && text.len() <= PAGE => {
                html! { div class="told" { (markdown(text, code)) } }
            }
            Some(Value::Text(text)) => match self.file(text) {
                Some((file, bare)) => code::block(&bare, Language::File(&file), code),
                None => self.page_of(Part::Output, 0),
            },
            Some(Value::Json(_)) => self.json(Part::Output, code),
        }
    }

    /// A side that is JSON: as code if it is short.
    fn json(self, part: Part, code: &mut Budget) -> Markup {
        let laid = part.beginning(self.call, PAGE + 1);
        if laid.len() > PAGE { self.page_of(part, 0) } else { code::block(&laid, Language::Fence("json"), code) }
    }

    /// The name of the file that was read, and what stands in it, if it is short.
    fn file(self, text: &str) -> Option<(String, String)> {
        let reads = self.call.name == "Read" && !self.call.error && text.len() <= PAGE;
        let bare = reads.then(|| without_numbers(text)).flatten()?;
        Some((input(self.call)["file_path"].as_str()?.to_owned(), bare))
    }

    /// The part of a side that begins at byte `from`, and a fold for what follows.
    fn page_of(self, part: Part, from: usize) -> Markup {
        let most = from.saturating_add(2 * PAGE);
        let text = part.beginning(self.call, most);
        let rest = text.get(text.floor_char_boundary(from)..).unwrap_or_default();
        let shown = clipped(rest, PAGE);
        let next = text.len() - rest.len() + shown.len();
        let bad = if self.call.error && part == Part::Output { " bad" } else { "" };
        let address = self.side(part);
        html! {
            (written_out(&said(shown), bad))
            @if next < text.len() {
                @let more = format!("{address}&from={next}");
                details class="fold" data-load=(more) {
                    summary {
                        "The next " (about(PAGE.min(text.len() - next) as u64)) "B"
                        // Of what is laid out no more is made than is shown, so its end is not known.
                        @if matches!(text, Cow::Borrowed(_)) || text.len() < most { " of " (about(text.len() as u64)) "B" }
                    }
                    p { a href=(more) { "Show them" } }
                }
                @if from == 0 { p { a href={ (address) "&form=text" } { "The whole as text" } } }
            }
        }
    }
}

/// The page of a call, or of what follows in one of its sides.
pub(crate) fn call_page(
    id: i64,
    n: usize,
    call: &ToolCall<'_>,
    pictures: &[Picture],
    part: Option<(Part, usize)>,
) -> Markup {
    let given = input(call);
    let it = Call { id, n, call, pictures };
    html! {
        p class="way" { a href={ "/conversations/" (id) } { "The conversation" } }
        h1 { (one_line(call.name, 40)) " " code { (subject(call, &given)) } }
        div class="loaded" {
            @match part {
                None => (it.body(&given, &mut Room::page())),
                Some((part, from)) => (it.page_of(part, from)),
            }
        }
    }
}

/// What a program wrote. What is long has its own bar to scroll by, which keys reach too.
fn written_out(text: &str, bad: &str) -> Markup {
    if text.lines().nth(TALL).is_none() {
        return html! { pre class={ "text" (bad) } { (text) } };
    }
    html! { pre class={ "text tall" (bad) } role="group" aria-label="Output" tabindex="0" { (text) } }
}

/// The name of a file, where its line in the fold does not show all of it or there is more to say.
fn named(file: &str, more: &str) -> Markup {
    html! {
        @if file.chars().count() > ABOUT || !more.is_empty() { p class="file" { code { (one_line(file, 1_000)) } " " (more) } }
    }
}

/// What was read of a file, without the numbers before its lines; nothing if not all of them have one.
fn without_numbers(text: &str) -> Option<String> {
    let mut bare = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let rest = line.trim_start_matches(' ').trim_start_matches(|sign: char| sign.is_ascii_digit());
        let rest = rest.strip_prefix('→').or_else(|| rest.strip_prefix('\t'))?;
        bare.push_str(rest);
    }
    Some(bare)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn page(name: &str, input: &str) -> String {
        let call = store::read::ToolCall {
            tool_use_id: None,
            name: name.into(),
            input: Some(Value::Json(input.into())),
            output: Some(Value::Text("done".into())),
            error: false,
            refused: false,
            finished: true,
            started_ms: None,
            duration_ms: None,
            begun: None,
        };
        call_page(7, 0, &ToolCall::of(&call), &[], None).into_string()
    }

    #[test]
    fn a_page_of_a_call_is_bounded() {
        let long = "a <word>\u{202e} of many\n".repeat((4 << 20) / 20);
        let check = |name: &str, input: Json| {
            let page = page(name, &input.to_string());
            assert!(page.len() < 6 * PAGE, "{name}: {} bytes", page.len());
            assert!(page.contains("calls/0?part=input&amp;form=text"), "{name}: {}", &page[page.len() - 500..]);
            assert!(!page.contains('\u{202e}'), "{name}");
        };
        check("Task", json!({"prompt": long}));
        check("Bash", json!({"command": long}));
        check("Write", json!({"file_path": "/a.rs", "content": long}));
        check("mcp__x", json!({"a": long}));
        let items: Vec<_> = (0..10_000).map(|n| json!({"content": n.to_string()})).collect();
        check("TodoWrite", json!({"todos": items}));
        let edits: Vec<_> =
            (0..1_000).map(|n| json!({"old_string": n.to_string(), "new_string": long[..1_000]})).collect();
        check("MultiEdit", json!({"file_path": "/a.rs", "edits": edits}));
        let items: Vec<_> = (0..100_000).map(|n| json!({"content": n.to_string()})).collect();
        check("TodoWrite", json!({"todos": items}));
        let large = page("Edit", &json!({"file_path": "/a", "old_string": long, "new_string": long}).to_string());
        assert!(large.len() < 2 * PAGE && large.contains("Before, "), "{} bytes", large.len());
        let deep = page("mcp__x", &("[".repeat(1 << 18) + &"]".repeat(1 << 18)));
        assert!(deep.len() < 2 * PAGE && deep.contains("data-load"), "{} bytes", deep.len());
        assert!(page("TodoWrite", r#"{"todos":[{"content":"one"}]}"#).ends_with("</ul></div>"));
    }

    #[test]
    fn lines_of_a_file() {
        let check =
            |text: &str, expected: Option<&str>| assert_eq!(without_numbers(text).as_deref(), expected, "{text}");
        check("     9→fn a() {\n    10→\n    11→}", Some("fn a() {\n\n}"));
        check("1\ta\tb\n2\tc\n", Some("a\tb\nc\n"));
        check("     9→a\n<system-reminder>", None);
        check("File does not exist.", None);
    }
}
