//! Every prompt, newest first: the search box, what the list is narrowed to, the searches that are kept, the rows.

use maud::{Markup, html};
use store::read::{Count, Names};

use super::asked::Asked;
use super::chips::{chips, scripts};
use super::filters::{FORM, filters};
use super::row::{Said, row};
use super::saved::{keeping, saved};
use super::text::number;
use super::time::day;
use crate::access::form::Visitor;
use crate::view::{Page, Views};

/// What the page shows.
pub(crate) struct Timeline<'a> {
    /// What its address asks.
    pub(crate) asked: &'a Asked,
    /// Who looks at it.
    pub(crate) visitor: &'a Visitor,
    /// What can be chosen.
    pub(crate) names: &'a Names,
    /// The searches that are kept.
    pub(crate) views: &'a Views<'a>,
    /// The rows; or what is wrong with the address.
    pub(crate) found: Result<Found<'a>, &'a str>,
}

/// What the store found.
pub(crate) struct Found<'a> {
    /// The page of the list.
    pub(crate) page: &'a Page<'a>,
    /// How many there are on all pages.
    pub(crate) count: Count,
}

impl Timeline<'_> {
    /// The search box. All fields of the page belong to its form.
    pub(crate) fn search(&self) -> Markup {
        html! {
            form role="search" action="/" class="search" id=(FORM) {
                label class="vh" for="q" { "Search prompts, answers, tools, notes and tags" }
                input type="search" id="q" name="q" value=(self.asked.get("q").unwrap_or_default()) placeholder="Search" autocomplete="off"
                    maxlength="1000" spellcheck="false";
            }
        }
    }

    /// The rest.
    pub(crate) fn main(&self) -> Markup {
        html! {
            h1 class="vh" { "Timeline" }
            (saved(self.asked, self.views))
            div class="narrowed" {
                div id="chips" class="chips" {
                    // Who says by which way prompts came means it.
                    @if self.asked.get("via").is_none() { (scripts(self.visitor)) }
                    (chips(self.asked, "/"))
                    (filters(self.asked, self.names))
                    @if self.found.is_ok() { (keeping(self.asked, self.views, self.visitor)) }
                }
                p id="count" class="quiet" role="status" { @if let Ok(found) = &self.found { (counted(found.count)) } }
            }
            section id="results" aria-label="Prompts" data-live=[self.is_live().then_some("newest")] {
                @match &self.found {
                    Ok(found) => { (self.results(found.page)) },
                    Err(problem) => { p class="problem" role="alert" { (problem) } },
                }
            }
        }
    }

    fn results(&self, page: &Page<'_>) -> Markup {
        let by_time = self.asked.get("sort").is_none_or(|sort| sort == "time");
        html! {
            @if let Some(sessions) = page.sessions_to_derive_again {
                p class="warn" { "Older sessions are still being read (" (number(sessions)) " to go): a search may miss what is in them." }
            }
            @if self.asked.get("cursor").is_some() {
                p { a href=(self.asked.at_the_top().href("/")) { "Back to the top" } }
            }
            @if page.items.is_empty() { (self.nothing(page)) }
            ol class="rows" id="rows" {
                @let mut former = None;
                @for item in &page.items {
                    @let this = by_time.then(|| item.head.timestamp.as_deref().map(day)).flatten();
                    @if by_time && former != this {
                        @let name = this.as_deref().unwrap_or("Without a time");
                        li class="day" id={ "day-" (name.replace(' ', "-")) } { h2 { (name) } }
                    }
                    ({ former = this; row(item, Said { day: by_time, ..Said::default() }) })
                }
            }
            @if let Some(next) = &page.next_cursor {
                a class="more" rel="next" href=(self.asked.with("cursor", next).href("/")) { "More" }
            }
        }
    }

    fn nothing(&self, page: &Page<'_>) -> Markup {
        html! {
            p class="nothing" {
                @if page.next_cursor.is_some() { "Nothing so far. There is more to look through." }
                @else if self.asked.is_empty() { "No prompts here yet." }
                @else { "No prompts fit. " a href="/" { "Show everything" } }
            }
        }
    }

    /// Whether what comes new belongs at its top.
    fn is_live(&self) -> bool {
        let is = |name, value| self.asked.get(name).is_none_or(|given| given == value);
        is("sort", "time") && is("order", "desc") && self.asked.get("cursor").is_none()
    }
}

fn counted(count: Count) -> String {
    match (count.value, count.exact) {
        (1, true) => "1 prompt".to_owned(),
        (value, true) => format!("{} prompts", number(value)),
        (value, false) if value == store::read::SOON_COUNTED => format!("more than {} prompts", number(value)),
        (0 | 1, false) => String::new(),
        (value, false) => format!("{} prompts or more", number(value)),
    }
}

#[cfg(test)]
mod tests;
