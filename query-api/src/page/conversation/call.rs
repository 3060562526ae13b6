//! A tool call: a fold with its line, and inside what it was given and what it gave back, each as people read it: a command
//! with its output, an edit as what changed, a list as a list. What is none of these is JSON.

use export::parts::ToolCall;
use maud::{Markup, html};
use serde_json::Value as Json;
use store::read::Value;

use super::pictures;
use super::summary::{ABOUT, edits, input, subject, summary};
use crate::page::code::{self, Budget, Language};
use crate::page::diff::diff;
use crate::page::markdown::{clipped, markdown};
use crate::page::picture::Picture;
use crate::page::pretty::pretty;
use crate::page::said::said;
use crate::page::text::{about, clipped as one_line};

/// So much of a part is shown at once, in bytes.
const PAGE: usize = 64 << 10;
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

    /// This side of a call as a text.
    pub(crate) fn text(self, call: &ToolCall<'_>) -> String {
        let value = match self {
            Self::Input => call.input,
            Self::Output => call.output,
        };
        match value {
            Some(Value::Text(text)) => text.clone(),
            Some(Value::Json(json)) => pretty(json),
            None => String::new(),
        }
    }
}

/// Bytes of both sides.
fn size(call: &ToolCall<'_>) -> usize {
    let size = |value: &Option<Value>| match value {
        Some(Value::Text(text) | Value::Json(text)) => text.len(),
        None => 0,
    };
    size(call.input) + size(call.output)
}

impl Call<'_> {
    fn path(self) -> String {
        format!("/conversations/{}/calls/{}", self.id, self.n)
    }

    /// The fold; `inside` says how much of it is in the page.
    pub(super) fn fold(self, room: &mut super::Room) -> Markup {
        let input = input(self.call);
        let size = size(self.call);
        let inline = room.folds(size);
        // Nobody should have to look for what went wrong.
        let open = inline && self.call.error && !self.call.refused && size <= PLAIN;
        html! {
            details class="fold call" open[open] data-load=[(!inline).then(|| self.path())] {
                summary { (summary(self.call, &input)) }
                @if inline { (self.body(&input, &mut room.code)) }
                @else { p { a href=(self.path()) { "Show " (about(size as u64)) "B" } } }
            }
        }
    }

    /// What it was given and what it gave back.
    fn body(self, input: &Json, code: &mut Budget) -> Markup {
        let call = self.call;
        let echoes = ECHOES.contains(&call.name) && !call.error && !call.refused && call.finished;
        html! {
            (given(call, input, code))
            @if !echoes { (self.output(code)) }
            (pictures::of(self.pictures, Some(self.n), self.id))
        }
    }

    fn output(self, code: &mut Budget) -> Markup {
        match self.call.output {
            None => html! {},
            Some(Value::Text(text)) if text.trim().is_empty() => html! {},
            Some(Value::Text(text)) if ["Task", "Agent"].contains(&self.call.name) && text.len() <= PAGE => {
                html! { div class="told" { (markdown(text, code)) } }
            }
            Some(Value::Text(text)) => match self.file(text) {
                Some((file, bare)) => part_of(&bare, Language::File(&file), "", code),
                None => self.page_of(text, Part::Output, 0),
            },
            Some(Value::Json(json)) if json.len() <= PAGE => json_block(json, code),
            Some(Value::Json(json)) => self.page_of(&pretty(json), Part::Output, 0),
        }
    }

    /// The name of the file that was read, and what stands in it, if it is short.
    fn file(self, text: &str) -> Option<(String, String)> {
        let reads = self.call.name == "Read" && !self.call.error && text.len() <= PAGE;
        let bare = reads.then(|| without_numbers(text)).flatten()?;
        Some((input(self.call)["file_path"].as_str()?.to_owned(), bare))
    }

    /// The part of a text that begins at byte `from`, and a fold for what follows.
    fn page_of(self, text: &str, part: Part, from: usize) -> Markup {
        let rest = text.get(text.floor_char_boundary(from)..).unwrap_or_default();
        let shown = clipped(rest, PAGE);
        let next = text.len() - rest.len() + shown.len();
        let bad = if self.call.error && part == Part::Output { " bad" } else { "" };
        let address = format!("{}?part={}", self.path(), part.name());
        html! {
            (written_out(&said(shown), bad))
            @if next < text.len() {
                @let more = format!("{address}&from={next}");
                details class="fold" data-load=(more) {
                    summary { "The next " (about(PAGE.min(text.len() - next) as u64)) "B of " (about(text.len() as u64)) "B" }
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
                None => (it.body(&given, &mut Budget::page())),
                Some((part, from)) => (it.page_of(&part.text(call), part, from)),
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

/// What it was given.
fn given(call: &ToolCall<'_>, input: &Json, code: &mut Budget) -> Markup {
    let text = |name: &str| input[name].as_str();
    match (call.name, text("file_path").or(text("notebook_path"))) {
        ("Edit" | "MultiEdit", Some(file)) => html! {
            (named(file, if input["replace_all"] == true { "everywhere" } else { "" }))
            @for (old, new) in edits(input) { (diff(old, new)) }
        },
        ("Write", Some(file)) => written(file, text("content").unwrap_or_default(), code),
        ("NotebookEdit", Some(file)) => written(file, text("new_source").unwrap_or_default(), code),
        ("Read", Some(file)) => {
            let number = |name: &str| input[name].as_u64();
            let lines = match (number("offset"), number("limit")) {
                (Some(from), Some(most)) => format!("lines {from} to {}", (from + most).saturating_sub(1)),
                (Some(from), None) => format!("from line {from}"),
                (None, Some(most)) => format!("the first {most} lines"),
                (None, None) => String::new(),
            };
            named(file, &lines)
        }
        ("Bash", _) => html! {
            @if let Some(why) = text("description") { p class="why" { (one_line(why, 300)) } }
            (part_of(text("command").unwrap_or_default(), Language::Fence("sh"), " command", code))
        },
        ("Task" | "Agent", _) => html! {
            @if let Some(kind) = text("subagent_type") { p class="why" { (one_line(kind, 80)) } }
            div class="told asked" { (text("prompt").unwrap_or_default()) }
        },
        ("TodoWrite", _) => todos(input),
        _ => match call.input {
            None => html! {},
            Some(Value::Json(json)) if json == "{}" => html! {},
            Some(Value::Json(json)) => json_block(json, code),
            Some(Value::Text(text)) => part_of(text, Language::Fence(""), "", code),
        },
    }
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

/// A file that was written whole.
fn written(file: &str, content: &str, code: &mut Budget) -> Markup {
    html! { (named(file, "")) (part_of(content, Language::File(file), "", code)) }
}

fn json_block(json: &str, code: &mut Budget) -> Markup {
    part_of(&pretty(json), Language::Fence("json"), "", code)
}

/// The beginning of something long.
fn part_of(text: &str, language: Language<'_>, class: &str, code: &mut Budget) -> Markup {
    let shown = clipped(text, PAGE);
    html! {
        pre class={ "code" (class) } { code { (code::marked(shown, language, code)) } }
        @if shown.len() < text.len() {
            p class="cut" { (about((text.len() - shown.len()) as u64)) "B more are in the record." }
        }
    }
}

/// A list of what is to be done. Its signs say what its colours say.
fn todos(input: &Json) -> Markup {
    let items = input["todos"].as_array().into_iter().flatten();
    html! {
        ul class="todos" {
            @for item in items {
                @let (sign, class) = match item["status"].as_str() {
                    Some("completed") => ("☑", "done"),
                    Some("in_progress") => ("▸", "now"),
                    _ => ("☐", "open"),
                };
                li class=(class) { span aria-hidden="true" { (sign) " " } (one_line(item["content"].as_str().unwrap_or_default(), 500)) span class="vh" { ", " (class) } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
