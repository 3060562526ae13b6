//! Sessions, those with the newest activity first.

use maud::{Markup, html};

use super::title;
use crate::page::text::{address, clipped, number, path, stars};
use crate::page::time::{clock, day};
use crate::view::Sessions;

/// What was asked for, as it stands in the form and in the links.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked<'a> {
    pub(crate) words: Option<&'a str>,
    pub(crate) project: Option<&'a str>,
}

/// The page.
pub(crate) fn sessions(page: &Sessions<'_>, asked: Asked<'_>) -> Markup {
    let mut former = None;
    html! {
        h1 { "Sessions" }
        form class="filter-line" action="/sessions" {
            label for="words" class="vh" { "Words of the title" }
            input type="search" id="words" name="q" value=[asked.words] placeholder="Words of the title" maxlength="200";
            @if let Some(project) = asked.project {
                input type="hidden" name="project" value=(project);
                a class="chip" href=(address("/sessions", &asked.words.map(|words| ("q", words)).into_iter().collect::<Vec<_>>())) {
                    "project: " (clipped(project, 60)) " ×" span class="vh" { " (take away)" }
                }
            }
            button { "Find" }
        }
        @if page.items.is_empty() { p class="quiet" { "No session fits." } }
        ol class="rows sessions" id="rows" {
            @for session in &page.items {
                @let this = session.ended_at.as_deref().map(day);
                @if std::mem::replace(&mut former, this.clone()) != this { li class="day" { (this.unwrap_or_default()) } }
                li class="row session" tabindex="-1" {
                    a class="open" href=(path("/sessions/", session.id, "")) { (title(session)) }
                    p class="facts" {
                        @if let Some(ended) = &session.ended_at { (clock(ended)) }
                        @if let Some(project) = session.project_name {
                            a href=(address("/sessions", &[("project", session.project.unwrap_or(project))])) { (clipped(project, 40)) }
                        }
                        span { (number(session.conversations)) (if session.conversations == 1 { " prompt" } else { " prompts" }) }
                        @if session.session_ids.len() > 1 { span { "joined of " (session.session_ids.len()) } }
                        @for model in session.models.iter().take(3) { span class="model" { (clipped(model, 40)) } }
                    }
                    p class="marks" {
                        @if let Some(rating) = session.rating { span { (stars(Some(rating.round() as u8))) " " (number(session.rated)) " rated" } }
                        @if session.starred > 0 { span { (number(session.starred)) " starred" } }
                    }
                }
            }
        }
        @if let Some(next) = &page.next_cursor {
            @let pairs: Vec<_> = [("q", asked.words), ("project", asked.project), ("cursor", Some(next.as_str()))]
                .into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
            a class="more" rel="next" href=(address("/sessions", &pairs)) { "More" }
        }
    }
}
