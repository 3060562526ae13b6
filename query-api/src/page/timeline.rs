//! Every prompt, newest first.

use maud::{Markup, html};

use super::row::{Said, row};
use super::text::address;
use super::time::day;
use crate::view::Page;

/// The list of a page.
pub(crate) fn timeline(page: &Page<'_>) -> Markup {
    let mut former = None;
    html! {
        h1 class="vh" { "Timeline" }
        ol class="rows" id="rows" {
            @for item in &page.items {
                @let this = item.head.timestamp.as_deref().map(day);
                @if former != this { li class="day" { (this.as_deref().unwrap_or_default()) } }
                ({ former = this; row(item, Said { day: true, project: false }) })
            }
        }
        @if let Some(next) = &page.next_cursor { a class="more" rel="next" href=(address("/", &[("cursor", next)])) { "More" } }
    }
}
