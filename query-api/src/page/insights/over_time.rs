//! Prompts, tokens and cost over time: by day, week, month or year, whatever the span has room for.

use chrono::NaiveDate;
use maud::{Markup, html};

use super::Insights;
use crate::page::chart::bars::{Bars, Series};
use crate::page::chart::scale::float;
use crate::page::chart::spans::{Span, gather, spans, unit};
use crate::page::chart::{Figure, legend};
use crate::page::text::{about, dollars, number};
use crate::view::StatsFigures;

/// What is added up for a span: prompts, of these with a fault, tokens read, written, into the cache, from it; dollars.
type Sum = ([i64; 6], f64);

struct Time {
    spans: Vec<Span>,
    sums: Vec<Sum>,
}

fn time(it: &Insights<'_>) -> Time {
    let spans = spans(it.begun, it.last);
    let days = it.stats.days.iter().filter_map(|day| Some((day.day.parse::<NaiveDate>().ok()?, of(&day.figures))));
    let sums = gather(&spans, days, &([0; 6], 0.0), |sum, more| {
        sum.0.iter_mut().zip(more.0).for_each(|(sum, more)| *sum = sum.saturating_add(more));
        sum.1 += more.1;
    });
    Time { spans, sums }
}

fn of(figures: &StatsFigures) -> Sum {
    let used = &figures.used;
    let counts = [
        figures.conversations,
        figures.failed,
        used.input_tokens,
        used.output_tokens,
        used.cache_creation_tokens,
        used.cache_read_tokens,
    ];
    (counts, used.cost_usd.dollars())
}

impl Time {
    fn column(&self, at: usize) -> Vec<f64> {
        self.sums.iter().map(|sum| float(sum.0[at])).collect()
    }

    /// The rows of spans in which anything was, the newest first.
    fn table(&self, heads: &[&str], row: impl Fn(&Sum) -> Vec<String>) -> Markup {
        let rows: Vec<_> = self.spans.iter().zip(&self.sums).rev().filter(|(_, sum)| **sum != ([0; 6], 0.0)).collect();
        html! { table {
            thead { tr { th scope="col" { (capital(unit(&self.spans))) } @for head in heads { th scope="col" class="number" { (head) } } } }
            tbody { @for (span, sum) in rows { tr { th scope="row" { (capital(&span.name())) } @for cell in row(sum) { td class="number" { (cell) } } } } }
        } }
    }
}

fn capital(text: &str) -> String {
    let mut signs = text.chars();
    signs.next().map(|first| first.to_uppercase().chain(signs).collect()).unwrap_or_default()
}

fn count(value: f64) -> String {
    // An axis has round numbers.
    about(if value > 0.0 { value as u64 } else { 0 }).replace(".0", "")
}

fn price(value: f64) -> String {
    if value >= 100.0 || value.fract() == 0.0 { format!("${value:.0}") } else { dollars(value) }
}

pub(super) fn prompts(it: &Insights<'_>) -> Markup {
    let time = time(it);
    let (all, failed) = (time.column(0), time.column(1));
    let whole = all.iter().zip(&failed).map(|(all, failed)| (all - failed).max(0.0)).collect();
    let unit = unit(&time.spans);
    let bars = Bars {
        label: format!("Prompts by {unit}, those with a fault apart"),
        spans: &time.spans,
        series: vec![
            Series { name: "without a fault", class: "s1", values: whole },
            Series { name: "with one", class: "bad", values: failed },
        ],
        form: count,
        least: 1.0,
    };
    let picture = html! { (bars.svg()) (legend(&[("without a fault", "s1"), ("failed, or with a tool call that failed or was refused", "bad")])) };
    let table = time.table(&["Prompts", "With a fault"], |(sum, _)| sum[..2].iter().map(|n| number(*n)).collect());
    let title = format!("Prompts by {unit}");
    Figure { id: "prompts", title: &title, note: None, picture: Some(picture), table, csv: it.csv("days") }.section()
}

pub(super) fn tokens(it: &Insights<'_>) -> Markup {
    let used = &it.stats.total.used;
    if used.messages == 0 {
        let note =
            html! { "None are known of this time: they come with transcripts, and hooks alone do not tell them." };
        return Figure {
            id: "tokens",
            title: "Tokens and cost",
            note: Some(note),
            picture: None,
            table: html! {},
            csv: None,
        }
        .section();
    }
    let time = time(it);
    let unit = unit(&time.spans);
    let bars = Bars {
        label: format!("Tokens by {unit}: read, put into the cache, written"),
        spans: &time.spans,
        series: vec![
            Series { name: "written", class: "s1", values: time.column(3) },
            Series { name: "read", class: "s2", values: time.column(2) },
            Series { name: "put into the cache", class: "s3", values: time.column(4) },
        ],
        form: count,
        least: 1.0,
    };
    let picture = html! { (bars.svg()) (legend(&[("written", "s1"), ("read", "s2"), ("put into the cache", "s3")])) };
    let heads = ["Written", "Read", "Into the cache", "From the cache"];
    let table = time.table(&heads, |(sum, _)| [3, 2, 4, 5].map(|at| number(sum[at])).into());
    let title = format!("Tokens by {unit}");
    let note = html! { "Without those read from the cache, which are many and cheap; the table has them." };
    Figure { id: "tokens", title: &title, note: Some(note), picture: Some(picture), table, csv: it.csv("days") }
        .section()
}

pub(super) fn cost(it: &Insights<'_>) -> Markup {
    if it.stats.total.used.messages == 0 {
        return html! {};
    }
    let time = time(it);
    let unit = unit(&time.spans);
    let bars = Bars {
        label: format!("List price by {unit}"),
        spans: &time.spans,
        series: vec![Series {
            name: "at list price",
            class: "s1",
            values: time.sums.iter().map(|sum| sum.1).collect(),
        }],
        form: price,
        least: 0.01,
    };
    let table = time.table(&["List price"], |(_, cost)| vec![dollars(*cost)]);
    let title = format!("Cost by {unit}");
    let note = html! { "At list prices; a subscription costs what it costs." };
    Figure { id: "cost", title: &title, note: Some(note), picture: Some(bars.svg()), table, csv: it.csv("days") }
        .section()
}
