//! One prompt in a list, the same in the timeline, the library and a session.

use maud::{Markup, html};

use super::text::{about, clipped, dollars, number, stars};
use super::time::{clock, moment};
use crate::view::{Head, Item};

/// Characters of a prompt and of its answer that a list shows.
const PROMPT: usize = 240;
const ANSWER: usize = 160;

/// What stands above the rows already, and need not stand in each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// The day.
    pub(crate) day: bool,
    /// The project.
    pub(crate) project: bool,
}

/// The row of one prompt.
pub(crate) fn row(item: &Item<'_>, said: Said) -> Markup {
    let head = &item.head;
    html! {
        li class="row" id={ "c" (head.id) } data-id=(head.id) data-session=(head.user_session_id) tabindex="-1" {
            a class="open" href={ "/conversations/" (head.id) } {
                (match head.prompt_text { Some(text) => clipped(text, PROMPT), None => "(without a prompt)".to_owned() })
            }
            @if let Some(answer) = head.response_text { p class="answer" { (clipped(answer, ANSWER)) } }
            p class="facts" {
                @if let Some(time) = &head.timestamp { @if said.day { (clock(time)) } @else { (moment(time)) } }
                @if let Some(project) = head.project_name.filter(|_| !said.project) { span class="project" { (clipped(project, 40)) } }
                (facts(head))
                @if !item.tool_calls.is_empty() { span class="tools" { (number(item.tool_calls.len() as u64)) " tools" } }
            }
            p class="marks" {
                (stars(head.rating))
                span class="star" data-star=(head.star) { @if head.star { "starred" } }
                span class="tags" { @for tag in head.tags { span class="tag" { (tag) } } }
                span class="note" { @if head.notes.is_some() { "note" } }
            }
        }
    }
}

/// Model, tokens, cost, and how it ended if not well.
fn facts(head: &Head<'_>) -> Markup {
    html! {
        @if let Some(model) = head.model { span class="model" { (clipped(model, 40)) } }
        @if head.tokens > 0 { span class="tokens" { (about(head.tokens)) " tokens" } }
        @if let Some(cost) = head.cost_usd { span class="cost" { (dollars(cost.dollars())) } }
        @if head.status != "complete" { span class={ "status " (head.status) } { (head.status) } }
    }
}
