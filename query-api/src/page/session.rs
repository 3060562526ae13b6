//! One session: its thread, a map of it, where it is cut, and what it hangs together with.

mod list;
mod map;
mod tree;

use maud::{Markup, html};

use super::row::{Said, row};
use super::text::{address, clipped, number, path, stars};
use super::time::{day, moment};
use crate::access::form::Visitor;
use crate::view::{Detail, Item, Outline, Part, UserSession};

pub(crate) use list::{Asked, sessions};

/// Prompts of a session on a page.
pub(crate) const PER_PAGE: usize = 50;

/// A session and the page of it that is shown.
pub(crate) struct Shown<'a> {
    pub(crate) detail: &'a Detail<'a>,
    pub(crate) outline: &'a Outline,
    /// The number of the first prompt that is shown, from 0.
    pub(crate) first: usize,
    /// Others that it could be joined with.
    pub(crate) neighbours: &'a [UserSession<'a>],
}

impl Shown<'_> {
    fn id(&self) -> &str {
        self.detail.session.id
    }

    /// The page that has this prompt of the session, by its number.
    fn page_with(&self, number: usize) -> Option<String> {
        let point = self.outline.items.get(number)?;
        let after = if number < PER_PAGE { String::new() } else { format!("?at={}", point.id) };
        Some(path("/sessions/", self.id(), &after))
    }
}

/// What it is called.
pub(crate) fn title(session: &UserSession<'_>) -> String {
    session.title.map_or_else(|| "Session without a title".to_owned(), |title| clipped(title, 120))
}

/// The page.
pub(crate) fn session(shown: &Shown<'_>, visitor: &Visitor) -> Markup {
    let detail = shown.detail;
    html! {
        h1 { (title(&detail.session)) }
        (facts(&detail.session))
        div class="session-tools" { (rename(shown, visitor)) (join(shown, visitor)) (undo_whole(shown, visitor)) }
        div class="session-body" {
            section class="thread" aria-label="Prompts" { (thread(shown, visitor)) }
            aside aria-label="About this session" {
                (map::map(shown))
                (others(shown, visitor))
                (tree::tree(&detail.tree, &detail.session))
            }
        }
    }
}

fn facts(session: &UserSession<'_>) -> Markup {
    html! {
        p class="facts" {
            @if let Some(project) = session.project_name {
                a href=(address("/", &[("project", session.project.unwrap_or(project))])) { (clipped(project, 60)) }
            }
            @if let Some(started) = &session.started_at { span { (moment(started)) } }
            @if let Some(ended) = &session.ended_at { span { "until " (moment(ended)) } }
            span { (number(session.conversations)) (if session.conversations == 1 { " prompt" } else { " prompts" }) }
            @for model in &session.models { span { (clipped(model, 40)) } }
            @if let Some(rating) = session.rating { span { (stars(Some(rating.round() as u8))) " " (number(session.rated)) " rated" } }
            @if session.starred > 0 { span { (number(session.starred)) " starred" } }
        }
    }
}

/// What every form of a session carries.
fn carried(visitor: &Visitor) -> Markup {
    html! {
        input type="hidden" name="token" value=(visitor.token.as_str());
        input type="hidden" name="back" value=(visitor.here);
    }
}

fn rename(shown: &Shown<'_>, visitor: &Visitor) -> Markup {
    let given = shown.detail.session.title_from == Some("given");
    html! {
        details class="rename" {
            summary { "Rename" }
            form method="post" action=(path("/sessions/", shown.id(), "/title")) {
                (carried(visitor))
                label for="title" { "Title" }
                input id="title" name="title" maxlength="200" value=(shown.detail.session.title.unwrap_or_default());
                button class="first" { "Save" }
                @if given { button name="forget" value="true" { "Take my title back" } }
            }
        }
    }
}

fn join(shown: &Shown<'_>, visitor: &Visitor) -> Markup {
    let others: Vec<_> = shown.neighbours.iter().filter(|it| it.id != shown.id()).collect();
    html! {
        @if !others.is_empty() && !shown.outline.items.is_empty() {
            details class="join" {
                summary { "Join with another" }
                form method="post" action=(path("/sessions/", shown.id(), "/merge")) {
                    (carried(visitor))
                    label for="other" { "Join into this session" }
                    select id="other" name="session" {
                        @for other in others {
                            option value=(other.id) {
                                @if let Some(started) = &other.started_at { (day(started)) ": " }
                                (clipped(&title(other), 70)) " (" (number(other.conversations)) ")"
                            }
                        }
                    }
                    button class="first" { "Join" }
                }
            }
        }
    }
}

/// A session that a split made, or that others were merged into, can be undone as a whole.
fn undo_whole(shown: &Shown<'_>, visitor: &Visitor) -> Markup {
    let parts = &shown.detail.parts;
    let made = parts.iter().any(|part| part.change.is_some());
    let split_off = parts.first().is_some_and(|part| part.session_id != shown.id());
    html! {
        @if made {
            form method="post" action=(path("/sessions/", shown.id(), "/undo")) class="undo" {
                (carried(visitor))
                button { (if split_off { "Undo this split" } else { "Undo the joins" }) }
            }
        }
    }
}

/// The prompts in order, between them the places where the session can be cut, and where it was joined.
fn thread(shown: &Shown<'_>, visitor: &Visitor) -> Markup {
    let (items, parts) = (&shown.detail.items, &shown.detail.parts);
    let starts = starts(shown);
    let (mut former_day, mut former_part) = (None, None);
    html! {
        @if let Some(before) = shown.first.checked_sub(PER_PAGE).and_then(|number| shown.page_with(number)) {
            a class="before" rel="prev" href=(before) { "Earlier prompts" }
        }
        form id="split" method="post" action=(path("/sessions/", shown.id(), "/split")) { (carried(visitor)) }
        ol class="rows" id="rows" {
            @for (i, item) in items.iter().enumerate() {
                @let number = shown.first + i;
                @let part = part_of(parts, &starts, item, number);
                @let is_other = std::mem::replace(&mut former_part, part) != part;
                @if let Some(part) = part.filter(|_| is_other && parts.len() > 1).and_then(|part| parts.get(part)) { (part_head(shown, part, visitor)) }
                @let today = item.head.timestamp.as_deref().map(day);
                @if std::mem::replace(&mut former_day, today.clone()) != today { li class="day" { (today.unwrap_or_default()) } }
                // A part cannot be split off where it begins already.
                @if number > 0 && !parts.iter().any(|part| part.from == Some(item.head.id)) {
                    li class="cut" {
                        button form="split" name="at" value=(item.head.id) {
                            "Split here" span class="vh" { ": a new session begins with prompt " (number + 1) }
                        }
                    }
                }
                (row(item, Said { day: true, project: true, session: true }))
            }
        }
        @if items.is_empty() { p class="quiet" { "Nothing is left in this session: all of it is in others." } }
        @if shown.detail.next_cursor.is_some() && let Some(next) = shown.page_with(shown.first + items.len()) {
            a class="more" rel="next" href=(next) { "Later prompts" }
        }
    }
}

/// Where each part begins, as the number of its first prompt.
fn starts(shown: &Shown<'_>) -> Vec<usize> {
    let place = |id: i64| shown.outline.items.iter().position(|point| point.id == id);
    shown.detail.parts.iter().map(|part| part.from.and_then(place).unwrap_or(0)).collect()
}

/// Which part a prompt is in: the last stretch of its session that begins at it or before.
fn part_of(parts: &[Part<'_>], starts: &[usize], item: &Item<'_>, number: usize) -> Option<usize> {
    parts
        .iter()
        .zip(starts)
        .enumerate()
        .filter(|(_, (part, start))| part.session_id == item.head.session_id && **start <= number)
        .max_by_key(|(_, (_, start))| **start)
        .map(|(n, _)| n)
}

fn part_head(shown: &Shown<'_>, part: &Part<'_>, visitor: &Visitor) -> Markup {
    html! {
        li class="part" {
            span { "From session " code { (clipped(part.session_id, 40)) } ", " (number(part.conversations)) " prompts" }
            @if let Some(change) = part.change {
                form method="post" action=(path("/sessions/", shown.id(), "/undo")) {
                    (carried(visitor))
                    input type="hidden" name="change" value=(change);
                    button { "Undo this join" }
                }
            }
        }
    }
}

/// Where the rest of the same sessions went.
fn others(shown: &Shown<'_>, visitor: &Visitor) -> Markup {
    html! {
        @if !shown.detail.others.is_empty() {
            h2 { "Other parts" }
            ul class="others" {
                @for other in &shown.detail.others {
                    li {
                        a href=(path("/sessions/", other.id, "")) { (clipped(other.title.unwrap_or(other.id), 80)) }
                        @if !shown.detail.parts.iter().any(|part| part.session_id == other.id) {
                            form method="post" action=(path("/sessions/", other.id, "/undo")) {
                                (carried(visitor))
                                button { "Undo" span class="vh" { " this split" } }
                            }
                        }
                    }
                }
            }
        }
    }
}
