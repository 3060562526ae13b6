//! What a conversation was made from, to look at: each payload and each line, laid out.

use maud::{Markup, html};

use super::code::{self, Budget, Language};
use super::markdown::clipped as cut;
use super::pretty::pretty;
use super::text::{address, clipped, number, visible};
use super::time::moment;
use crate::view::{Raw, RawSource as Source};

/// So much of one payload or line is shown, in bytes.
const PART: usize = 32 << 10;

/// The page.
pub(crate) fn raw(it: &Raw<'_>) -> Markup {
    let mut budget = Budget::page();
    let path = format!("/conversations/{}/raw", it.id);
    html! {
        p class="way" { a href={ "/conversations/" (it.id) } { "The conversation" } }
        h1 { "Raw record of " (it.id) }
        p class="quiet" {
            "What it was made from, as it was captured: hook events, then transcript lines. "
            a href={ "/api" (path) } { "As JSON" }
        }
        ol class="record" id="rows" {
            @for piece in &it.items {
                li {
                    p class="facts" {
                        @match &piece.source {
                            Source::Event { event, file, captured_at } => {
                                b { (clipped(event, 60)) } code { (clipped(file, 200)) }
                                @if let Some(time) = captured_at { (moment(time)) }
                            }
                            Source::Line { file, offset } => { b { "Line" } code { (clipped(file, 300)) } span { "at byte " (number(i128::from(*offset))) } }
                        }
                        span { (number(i128::from(piece.size))) " bytes" }
                        @if piece.from > 0 { span { "from byte " (number(i128::from(piece.from))) } }
                    }
                    @match piece.text {
                        // A part of a line is no JSON, and is shown as it is.
                        Some(text) => {
                            @let whole = piece.from == 0 && text.len() as u64 >= piece.size;
                            @let shown = cut(text, PART);
                            @if let Some(laid) = laid_out(text).filter(|_| whole) {
                                pre class="code" { code { (code::marked(&laid, Language::Fence("json"), &mut budget)) } }
                            } @else {
                                pre class="text" { (shown.chars().map(visible).collect::<String>()) }
                            }
                            @if shown.len() < text.len() {
                                p class="cut" { (number((text.len() - shown.len()) as u64)) " more bytes are in the JSON." }
                            }
                        }
                        None => { p class="quiet" { "Bytes that are no text." } }
                    }
                }
            }
        }
        @if let Some(next) = &it.next_cursor { a class="more" rel="next" href=(address(&path, &[("cursor", next)])) { "More" } }
    }
}

/// A line over lines, unless it or that is too long.
fn laid_out(text: &str) -> Option<String> {
    const MOST: usize = 4 * PART;
    let laid = (text.len() <= PART).then(|| pretty(text, MOST))?;
    (laid.len() < MOST).then_some(laid)
}
