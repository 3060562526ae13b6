//! One prompt in a list, the same in the timeline, the library and a session.

use maud::{Markup, html};

use super::text::{about, address, anchor, clipped, dollars, gist, model, path, stars, tool, visible};
use super::time::{clock, moment};
use crate::view::{Head, Item, Match, ToolSummary};

/// Characters of a prompt and of its answer that a list shows.
const PROMPT: usize = 240;
const ANSWER: usize = 160;
/// Characters of a name: a model, a tool, a project, a title.
const NAME: usize = 40;
/// Tools that are named.
const TOOLS: usize = 4;

/// What stands above the rows already, and need not stand in each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// The day.
    pub(crate) day: bool,
    /// The project.
    pub(crate) project: bool,
    /// The session.
    pub(crate) session: bool,
}

/// The row of one prompt.
pub(crate) fn row(item: &Item<'_>, said: Said) -> Markup {
    let head = &item.head;
    let matches = item.matches.as_deref().unwrap_or_default();
    // What is searched for is marked in the prompt itself, where the prompt is no longer than the place around it.
    let (whole, around): (Vec<_>, Vec<_>) = matches.iter().partition(|found| is_whole(found, head.prompt_text));
    html! {
        li class="row" id={ "c" (head.id) } data-id=(head.id) data-session=(head.user_session_id) tabindex="-1" {
            a class="open" href={ "/conversations/" (head.id) } {
                @if let Some(found) = whole.first() { (marked(found)) }
                @else { (head.prompt_text.map_or_else(|| "(without a prompt)".to_owned(), |text| clipped(text, PROMPT))) }
            }
            @if !around.is_empty() { (snippets(head.id, &around)) }
            @else if let Some(answer) = head.response_text { p class="answer" { (clipped(&gist(answer), ANSWER)) } }
            (facts(item, said))
            (marks(head))
        }
    }
}

/// When and where it was asked, by what means and at what cost.
pub(crate) fn facts(item: &Item<'_>, said: Said) -> Markup {
    let head = &item.head;
    html! {
        p class="facts" {
            @if let Some(time) = &head.timestamp { @if said.day { (clock(time)) } @else { (moment(time)) } }
            @if head.status != "complete" { span class={ "status " (head.status) } { (head.status) } }
            @if let Some(project) = head.project_name.filter(|_| !said.project) {
                span class="project" title=[head.project.map(|project| clipped(project, 300))] { (clipped(project, NAME)) }
            }
            @if let Some(title) = item.session_title.filter(|_| !said.session) {
                a class="session" href=(path("/sessions/", head.user_session_id, "")) { (clipped(title, NAME)) }
            }
            (means(head))
            (tools(&item.tool_calls))
        }
    }
}

/// What a person says of it.
pub(crate) fn marks(head: &Head<'_>) -> Markup {
    html! {
        p class="marks" {
            (stars(head.rating))
            span class="star" data-star=(head.star) { @if head.star { "starred" } }
            span class="tags" { @for tag in head.tags { a class="tag" href=(address("/", &[("tag", tag)])) { (clipped(tag, NAME)) } } }
            span class="note" { @if head.notes.is_some() { "note" } }
        }
    }
}

/// How it came if not typed by a person, model, tokens and cost.
fn means(head: &Head<'_>) -> Markup {
    html! {
        @if head.kind != "human" { span class="badge" { (head.kind) } }
        @if !["interactive", "unknown"].contains(&head.via) { span class="badge" { (head.via) } }
        @if let Some(name) = head.model { span class="model" title=(clipped(name, 100)) { (clipped(model(name), NAME)) } }
        @if head.tokens > 0 { span class="tokens" { (about(head.tokens)) " tokens" } }
        @if let Some(cost) = head.cost_usd.filter(|_| head.tokens > 0) { span class="cost" { (dollars(cost.dollars())) } }
    }
}

/// Which tools it called, how often, and of which one failed; in the order of their first calls.
fn tools(calls: &[ToolSummary<'_>]) -> Markup {
    let mut used: Vec<(&str, usize, usize)> = Vec::new();
    for call in calls {
        let failed = usize::from(call.error);
        match used.iter_mut().find(|(name, ..)| *name == call.name) {
            Some((_, times, failures)) => (*times, *failures) = (*times + 1, *failures + failed),
            None => used.push((call.name, 1, failed)),
        }
    }
    html! {
        @if !used.is_empty() {
            span class="tools" {
                @for (i, (name, times, failures)) in used.iter().take(TOOLS).enumerate() {
                    @if i > 0 { ", " }
                    (clipped(&tool(name), NAME))
                    @if *times > 1 { " ×" (times) }
                    @if *failures > 0 { " " span class="bad" { (failures) " failed" } }
                }
                @if used.len() > TOOLS { " and " (used.len() - TOOLS) " more" }
            }
        }
    }
}

/// Whether a place of the prompt is all of it.
fn is_whole(found: &Match<'_>, prompt: Option<&str>) -> bool {
    let shown = || found.snippet.iter().flat_map(|piece| piece.text.chars()).filter(|sign| !sign.is_whitespace());
    found.r#in == "prompt" && prompt.is_some_and(|text| text.chars().filter(|sign| !sign.is_whitespace()).eq(shown()))
}

/// Where it holds what was searched for, and how that reads there.
fn snippets(id: i64, matches: &[&Match<'_>]) -> Markup {
    html! {
        ul class="snippets" {
            @for found in matches {
                li {
                    @match anchor(found.block.map(|block| block as usize), found.tool_call_id) {
                        Some(place) => a class="where" href={ "/conversations/" (id) "#" (place) } { (found.r#in) },
                        None => span class="where" { (found.r#in) },
                    }
                    " " (marked(found))
                }
            }
        }
    }
}

/// A place, with what was searched for marked.
fn marked(found: &Match<'_>) -> Markup {
    html! {
        @for piece in &found.snippet {
            @let text: String = piece.text.chars().map(visible).collect();
            @if piece.r#match { mark { (text) } } @else { (text) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_is_marked_where_it_is_shown_whole() {
        use crate::view::Piece;
        let check = |place: &'static str, pieces: &[&'static str], prompt: Option<&str>, expected: bool| {
            let snippet = pieces.iter().map(|text| Piece { text, r#match: false }).collect();
            let found = Match { r#in: place, tool_call_id: None, block: None, snippet };
            assert_eq!(is_whole(&found, prompt), expected, "{pieces:?} of {prompt:?}");
        };
        check("prompt", &["run ", "the", " tests"], Some("run the\n tests"), true);
        check("prompt", &["run ", "the", " tests…"], Some("run the tests again"), false);
        check("prompt", &["…the", " tests"], Some("run the tests"), false);
        check("answer", &["run"], Some("run"), false);
        check("prompt", &["run"], None, false);
    }

    #[test]
    fn tools_are_named_once() {
        let check = |calls: &[(&str, bool)], expected: &str| {
            let calls: Vec<_> =
                calls.iter().map(|&(name, error)| ToolSummary { id: None, name, error, duration_ms: None }).collect();
            let found = tools(&calls).into_string();
            let text: String = found.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| text).collect();
            assert_eq!(text, expected, "{found}");
        };
        check(&[], "");
        check(&[("Bash", false)], "Bash");
        check(&[("Read", false), ("Bash", true), ("Read", false), ("Bash", false)], "Read ×2, Bash ×2 1 failed");
        check(
            &[("a", false), ("b", false), ("c", false), ("d", false), ("e", false), ("f", true)],
            "a, b, c, d and 2 more",
        );
        check(&[("<b>", true)], "&lt;b&gt; 1 failed");
    }
}
