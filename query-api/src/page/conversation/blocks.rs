//! What came of a prompt, in its order: what Claude said, what it thought, what it did, and the subagents where they were started.

use std::collections::HashMap;
use std::ops::Range;

use maud::{Markup, html};

use super::call::Call;
use super::room::{Room, plain, told};
use super::started::Started;
use crate::page::markdown::clipped;
use crate::page::picture::Picture;
use crate::page::text::{about, anchor, clipped as one_line};
use crate::view::Conversation;

/// Subagents in subagents are named, not shown, below this.
const DEEPEST: usize = 2;
/// Thoughts that are shown of one, in bytes.
const THOUGHT: usize = 16 << 10;

/// The blocks of `range`.
pub(super) fn of(it: &Conversation<'_>, pictures: &[Picture], range: Range<usize>, room: &mut Room) -> Markup {
    let last = range.end >= it.blocks.len();
    let mut started = Started::of(&it.subagents);
    // Of calls of one id the first stands for all.
    let mut calls: HashMap<Option<&str>, usize> = HashMap::with_capacity(it.tool_calls.len());
    it.tool_calls.iter().enumerate().for_each(|(n, call)| {
        calls.entry(call.id).or_insert(n);
    });
    let mut said = range.start > 0;
    html! {
        @for (at, block) in it.blocks.iter().enumerate().skip(range.start).take(range.len()) {
            @let id = anchor(Some(at), block.tool_call_id.flatten());
            @match (block.kind, block.text.flatten()) {
                ("text", Some(text)) => { ({ said = true; step("text", id.as_deref(), &html! { div class="told" { (told(text, room, it.head.id)) } }) }) }
                ("thinking", Some(text)) if !text.trim().is_empty() => { (step("thinking", id.as_deref(), &thought(text, room, it.head.id))) }
                ("notice", Some(text)) => { (step("notice", id.as_deref(), &html! { p class="notice" { (one_line(text, 2_000)) } })) }
                // What was added while Claude worked.
                ("prompt", Some(text)) if Some(text) != it.head.prompt_text => {
                    (step("prompt", id.as_deref(), &html! { div class="asked" { (plain(text, room, it.head.id)) } }))
                }
                ("tool", _) => {
                    @if let Some(&n) = block.tool_call_id.and_then(|id| calls.get(&id)) {
                        @let call = &it.tool_calls[n];
                        (step("tool", id.as_deref(), &html! {
                            (Call { id: it.head.id, n, call, pictures }.fold(room))
                            @for child in started.by(call) { (subagent(child, room, 0)) }
                        }))
                    }
                }
                _ => {}
            }
        }
        @if last {
            @for child in started.rest() {
                (step("tool", None, &subagent(child, room, 0)))
            }
            // Of what hooks alone saw there are no blocks.
            @if let Some(answer) = it.head.response_text.filter(|_| !said) {
                (step("text", None, &html! { div class="told" { (told(answer, room, it.head.id)) } }))
            }
        }
    }
}

/// How it ended, if not well.
pub(super) fn end(it: &Conversation<'_>) -> Markup {
    html! {
        @match it.head.status {
            "failed" => p class="ended bad" { "It failed." },
            "interrupted" => p class="ended warn" { "It was interrupted." },
            "open" => p class="ended quiet" { "It goes on, or its end was not seen." },
            _ => @if it.head.response_text.is_none() && it.blocks.len() < 2 { p class="ended quiet" { "There is no answer." } },
        }
    }
}

fn step(class: &str, id: Option<&str>, inside: &Markup) -> Markup {
    html! { li class={ "block " (class) } id=[id] tabindex="-1" { (inside) } }
}

fn thought(text: &str, room: &mut Room, id: i64) -> Markup {
    let shown = clipped(text, THOUGHT);
    html! {
        details class="fold" {
            summary { span class="quiet" { "Thinking" } " " (one_line(text, 100)) }
            @if room.folds(shown.len()) {
                div class="asked" { (plain(shown, room, id)) }
                @if shown.len() < text.len() { p class="cut" { (about((text.len() - shown.len()) as u64)) "B more are in the raw record." } }
            } @else {
                p class="cut" { a href={ "/conversations/" (id) "/raw" } { "It is in the raw record" } }
            }
        }
    }
}

/// A subagent: a fold with its answer in a line, and inside what it did.
fn subagent(child: &Conversation<'_>, room: &mut Room, depth: usize) -> Markup {
    let id = child.head.id;
    let small = child.head.response_text.map_or(0, str::len) + child.head.prompt_text.map_or(0, str::len);
    html! {
        details class="fold subagent" {
            summary {
                b class="tool" { "Subagent" } " "
                (one_line(child.head.prompt_text.unwrap_or("(no prompt was seen)"), 100)) " "
                span class={ "status " (child.head.status) } { @if child.head.status != "complete" { (child.head.status) } }
                @if !child.tool_calls.is_empty() { span class="result" { (child.tool_calls.len()) " tools" } }
            }
            p { a href={ "/conversations/" (id) } { "Open the subagent" } }
            @if room.folds(small) {
                @if let Some(prompt) = child.head.prompt_text { div class="asked" { (plain(prompt, room, id)) } }
                @for (n, call) in child.tool_calls.iter().enumerate().take(50) { (Call { id, n, call, pictures: &[] }.fold(room)) }
                @if depth < DEEPEST { @for child in &child.subagents { (subagent(child, room, depth + 1)) } }
                @if let Some(answer) = child.head.response_text { div class="told" { (told(answer, room, id)) } }
            }
        }
    }
}
