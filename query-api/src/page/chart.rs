//! Pictures of figures: small functions from numbers to SVG. A library would bring a script or a thousand lines for six
//! kinds of picture, and the content security policy lets no picture style itself: colours are classes, of assets/style/chart.css.
//!
//! Along a picture everything is in percent and down it in pixels, so one picture fits every width and its texts keep their
//! size. Each mark has its numbers as a title, each picture a table beside it, and the number of marks has a bound.

pub(crate) mod bars;
pub(crate) mod cells;
pub(crate) mod dots;
pub(crate) mod scale;
pub(crate) mod spans;
pub(crate) mod stems;

use maud::{Markup, html};

/// A picture, what it shows, and the same as a table and a file.
pub(crate) struct Figure<'a> {
    /// Its place in the page.
    pub(crate) id: &'a str,
    /// What it shows.
    pub(crate) title: &'a str,
    /// What one must know to read it.
    pub(crate) note: Option<Markup>,
    /// The picture; nothing where the table is the picture.
    pub(crate) picture: Option<Markup>,
    /// The table.
    pub(crate) table: Markup,
    /// Where the same is as CSV.
    pub(crate) csv: Option<String>,
}

impl Figure<'_> {
    /// A section of a page.
    pub(crate) fn section(&self) -> Markup {
        let heading = format!("{}-title", self.id);
        html! {
            section class="figure" id=(self.id) aria-labelledby=(heading) {
                div class="head" {
                    h2 id=(heading) { (self.title) }
                    @if let Some(csv) = &self.csv { a class="csv" href=(csv) download { "CSV" span class="vh" { " of " (self.title) } } }
                }
                @if let Some(note) = &self.note { p class="quiet" { (note) } }
                @match &self.picture {
                    Some(picture) => { (picture) details { summary { "Table" } (scrolled(self.title, &self.table)) } }
                    None if self.table.0.is_empty() => {}
                    None => { (scrolled(self.title, &self.table)) }
                }
            }
        }
    }
}

/// A table that may be wider than the page; the keyboard reaches it to scroll.
pub(crate) fn scrolled(name: &str, table: &Markup) -> Markup {
    html! { div class="wide" tabindex="0" role="group" aria-label=(format!("{name}, table")) { (table) } }
}

/// The part of a row's figure of the largest one, as a bar that fits its cell: a whole, and how much of it is bad.
pub(crate) fn bar(value: f64, bad: f64, largest: f64) -> Markup {
    let part = |value: f64| scale::percent(if largest > 0.0 { value / largest * 100.0 } else { 0.0 });
    html! {
        svg class="bar" width="100%" height="8" aria-hidden="true" focusable="false" {
            rect class="s1" width=(part(value)) height="8" rx="1" {}
            @if bad > 0.0 { rect class="bad" width=(part(bad)) height="8" rx="1" {} }
        }
    }
}

/// What colours stand for: a name and a class each.
pub(crate) fn legend(names: &[(&str, &str)]) -> Markup {
    html! {
        ul class="legend" {
            @for (name, class) in names {
                li { svg width="10" height="10" aria-hidden="true" focusable="false" { rect class=(class) width="10" height="10" rx="2" {} } " " (name) }
            }
        }
    }
}
