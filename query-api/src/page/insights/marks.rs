//! What a person thought of it: the best rated prompts, how ratings went over time, and whether long prompts fare better.

use chrono::NaiveDate;
use maud::{Markup, html};

use super::Insights;
use crate::page::chart::scale::float;
use crate::page::chart::spans::{gather, spans, unit};
use crate::page::chart::{Figure, bar, dots};
use crate::page::row::{Said, row};
use crate::page::text::number;

pub(super) fn best(it: &Insights<'_>) -> Markup {
    let rated = it.list(&[("rating", "any"), ("sort", "rating")]);
    html! {
        section class="figure" id="best" aria-labelledby="best-title" {
            div class="head" { h2 id="best-title" { "Best rated prompts" } @if !it.best.items.is_empty() { a href=(rated) { "All rated prompts" } } }
            @if it.best.items.is_empty() {
                p class="quiet" { "Nothing of this time is rated yet. Open a prompt and press 1 to 5, or type " code { "/rate 5" } " in Claude Code." }
            } @else {
                ol class="rows" { @for item in &it.best.items { (row(item, Said::default())) } }
            }
        }
    }
}

pub(super) fn trend(it: &Insights<'_>) -> Markup {
    let ratings = &it.stats.ratings;
    if ratings.count == 0 {
        return html! {};
    }
    let spans = spans(it.begun, it.last);
    let days = ratings
        .days
        .iter()
        .filter_map(|day| Some((day.day.parse::<NaiveDate>().ok()?, (day.count, float(day.count) * day.mean?))));
    let sums = gather(&spans, days, &(0, 0.0), |sum: &mut (i64, f64), more| *sum = (sum.0 + more.0, sum.1 + more.1));
    let means: Vec<_> = sums.iter().map(|(count, sum)| (*count > 0).then(|| (sum / float(*count), *count))).collect();
    let unit = unit(&spans);
    let rows: Vec<_> = spans.iter().zip(&means).rev().filter_map(|(span, mean)| Some((span, (*mean)?))).collect();
    let table = html! { table {
        thead { tr { th scope="col" { "Given" } th scope="col" class="number" { "Ratings" } th scope="col" class="number" { "Mean" } } }
        tbody { @for (span, (mean, count)) in rows { tr { th scope="row" { (span.name()) } td class="number" { (number(count)) } td class="number" { (format!("{mean:.1}")) } } } }
    } };
    let note = html! { "The mean of the ratings that were given in each " (unit) "." };
    let picture = dots::means(&format!("Mean rating by {unit}"), &spans, &means);
    Figure {
        id: "ratings",
        title: "Rating trend",
        note: Some(note),
        picture: Some(picture),
        table,
        csv: it.csv("ratings"),
    }
    .section()
}

pub(super) fn lengths(it: &Insights<'_>) -> Markup {
    let lengths = &it.stats.prompt_lengths;
    let name = |from: i64, below: Option<i64>| match below {
        Some(below) => format!("{} to {}", number(from), number(below - 1)),
        None => format!("{} and more", number(from)),
    };
    if it.stats.ratings.count == 0 {
        let top = lengths.iter().map(|it| float(it.prompts)).fold(0.0, f64::max);
        let table = html! { table class="ranks" {
            thead { tr { th scope="col" { "Characters" } th scope="col" class="picture" { "Prompts" } th scope="col" class="number" { "Prompts" } } }
            tbody { @for it in lengths { tr {
                th scope="row" { (name(it.from, it.below)) } td class="picture" { (bar(float(it.prompts), 0.0, top)) } td class="number" { (number(it.prompts)) }
            } } }
        } };
        let title = "Prompt length";
        return Figure { id: "lengths", title, note: None, picture: None, table, csv: it.csv("lengths") }.section();
    }
    let columns: Vec<_> = lengths.iter().map(|it| (short(it.from), it.by_rating, it.mean_rating)).collect();
    let table = html! { table {
        thead { tr { th scope="col" { "Characters" } @for head in ["Prompts", "Rated", "Mean", "1", "2", "3", "4", "5"] { th scope="col" class="number" { (head) } } } }
        tbody { @for it in lengths { tr {
            th scope="row" { (name(it.from, it.below)) } td class="number" { (number(it.prompts)) } td class="number" { (number(it.rated)) }
            td class="number" { (it.mean_rating.map_or_else(|| "–".to_owned(), |mean| format!("{mean:.1}"))) }
            @for count in it.by_rating { td class="number" { (number(count)) } }
        } } }
    } };
    let note =
        html! { "Each dot is as large as there are prompts of that length with that rating; the line is their mean." };
    let picture = Some(dots::ratings("Ratings by the length of the prompt in characters", &columns));
    let note = Some(note);
    Figure { id: "lengths", title: "Prompt length and rating", note, picture, table, csv: it.csv("lengths") }.section()
}

/// From which length on, as an axis has room for it.
fn short(from: i64) -> String {
    if from >= 1_000 { format!("{}k+", from / 1_000) } else { format!("{from}+") }
}
