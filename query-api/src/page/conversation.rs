//! One conversation, whole: what was asked, what came of it in its order, and what one may do with it.
//!
//! What is folded and large is not in the page: its fold names the page that has it. So the page of an output of megabytes stays
//! small, and everything can be read without a script.

mod blocks;
mod call;
mod facts;
mod pictures;
mod room;
mod started;
mod summary;

use maud::{Markup, html};

use super::marks;
use super::picture::Picture;
use super::text::{clipped, path};
use crate::access::form::Visitor;
use crate::view::Conversation;

pub(crate) use call::{Part, call_page};
pub(crate) use room::Room;

/// Blocks on one page.
const BLOCKS: usize = 400;

/// What the page is made of.
pub(crate) struct Whole<'a> {
    /// The conversation.
    pub(crate) it: &'a Conversation<'a>,
    /// The prompts before and after it in its session.
    pub(crate) around: (Option<i64>, Option<i64>),
    /// Tags that it might get.
    pub(crate) suggested: &'a [String],
    /// Tags that are in use.
    pub(crate) tags: &'a [String],
    /// Its pictures.
    pub(crate) pictures: &'a [Picture],
    /// The block that the page begins with, from 0.
    pub(crate) from: usize,
}

/// The page of one.
pub(crate) fn conversation(whole: &Whole<'_>, visitor: &Visitor) -> Markup {
    let it = whole.it;
    let head = &it.head;
    let mut room = Room::page();
    let more = whole.from.saturating_add(BLOCKS);
    html! {
        article class="conversation" data-id=(head.id) data-session=(head.user_session_id) {
            header { (way(whole)) (facts::line(it)) }
            section class="prompt" aria-labelledby="asked" {
                h1 id="asked" class="vh" { (clipped(head.prompt_text.unwrap_or("Conversation without a prompt"), 120)) }
                @match head.prompt_text {
                    Some(prompt) => div class="asked" id="prompt" { (room::plain(prompt, &mut room, head.id)) },
                    None => p class="quiet" { "No prompt was seen." },
                }
                (pictures::of(whole.pictures, None, head.id))
            }
            aside class="side" aria-label="Your marks, and more" {
                div class="marks" {
                    div class="line" { (marks::rating(head, visitor)) (marks::star(head, visitor)) }
                    (marks::tags(head, visitor))
                    @if !whole.suggested.is_empty() {
                        div class="suggested" {
                            span class="quiet" { "Suggested" }
                            @for tag in whole.suggested { (marks::suggested(head, visitor, tag)) }
                        }
                    }
                    (marks::note(head, visitor))
                    datalist id="known-tags" { @for tag in whole.tags { option value=(tag) {} } }
                }
                (facts::reuse(it))
                (facts::list(it))
            }
            section class="answer" id="answer" aria-labelledby="came" {
                h2 id="came" class="vh" { "What came of it" }
                @if whole.from > 0 { p { a href=(here(head.id)) { "From the beginning" } } }
                ol class="blocks" id="blocks" { (blocks::of(it, whole.pictures, whole.from..more, &mut room)) }
                @if more < it.blocks.len() {
                    a class="more" rel="next" href={ (here(head.id)) "?from=" (more) } { "More, " (it.blocks.len() - more) " steps" }
                } @else {
                    (blocks::end(it))
                }
            }
        }
    }
}

fn here(id: i64) -> String {
    format!("/conversations/{id}")
}

/// Where it stands: its project, its session, its neighbours.
fn way(whole: &Whole<'_>) -> Markup {
    let (it, (before, after)) = (whole.it, whole.around);
    let head = &it.head;
    let title = it.user_session_title.or(it.session.as_ref().and_then(|session| session.title));
    let step = |id: Option<i64>, rel: &'static str, name: &'static str| {
        html! { @if let Some(id) = id { a rel=(rel) href=(here(id)) { (name) } } @else { span class="quiet" { (name) } } }
    };
    html! {
        nav class="way" aria-label="Where this is" {
            @if let Some(parent) = it.parent_id { a href=(here(parent)) { "Started by " (parent) } }
            @if let Some(project) = head.project_name { span class="project" title=[head.project.map(|project| clipped(project, 300))] { (clipped(project, 40)) } }
            a href={ (path("/sessions/", head.user_session_id, "")) "#c" (head.id) } { (clipped(title.unwrap_or("Session"), 70)) }
            span class="steps" { (step(before, "prev", "Previous")) (step(after, "next", "Next")) }
        }
    }
}
