//! One conversation, whole.

use maud::{Markup, html};

use super::marks;
use super::text::clipped;
use super::time::took;
use crate::access::form::Visitor;
use crate::view::Conversation;

/// The page of one.
pub(crate) fn conversation(it: &Conversation<'_>, visitor: &Visitor) -> Markup {
    let head = &it.head;
    html! {
        h1 { (clipped(head.prompt_text.unwrap_or("(without a prompt)"), 120)) }
        div class="marks" data-id=(head.id) {
            (marks::rating(head, visitor)) (marks::star(head, visitor)) (marks::tags(head, visitor)) (marks::note(head, visitor))
        }
        @for call in it.tool_calls.iter().filter_map(|call| call.duration_ms) { p { "A tool: " (took(call)) } }
        @if let Some(prompt) = head.prompt_text { pre class="prompt" { (prompt) } }
        @if let Some(answer) = head.response_text { pre class="answer" { (answer) } }
    }
}
