//! What one did with Claude over some time, in pictures: when, how much, for how much, with what, and what was good.

pub(crate) mod file;
mod marks;
mod over_time;
mod ranks;

use chrono::NaiveDate;
use maud::{Markup, html};

use super::chart::cells;
use super::chart::{Figure, scrolled};
use super::text::{about, dollars, number};
use crate::view::{Page, Stats};

/// Spans that are a click away: what the address says, and what a person reads.
const SPANS: [(&str, &str); 4] = [("30d", "30 days"), ("90d", "90 days"), (YEAR, "1 year"), ("1970-01-01", "All")];
/// The span of a page that says none.
pub(crate) const YEAR: &str = "365d";
/// Doors, each of which may be asked for alone.
const VIAS: [&str; 6] = ["interactive", "print", "sdk", "ide", "desktop", "unknown"];

/// What a page is made from.
pub(crate) struct Insights<'a> {
    /// The figures.
    pub(crate) stats: &'a Stats<'a>,
    /// The best rated prompts.
    pub(crate) best: &'a Page<'a>,
    /// The first day that was asked for, the one with which pictures over time begin, and the last.
    pub(crate) first: NaiveDate,
    pub(crate) begun: NaiveDate,
    pub(crate) last: NaiveDate,
    /// The parameters that were given.
    pub(crate) asked: &'a [(String, String)],
}

impl Insights<'_> {
    /// The page.
    pub(crate) fn render(&self) -> Markup {
        let stats = self.stats;
        html! {
            div class="head" { h1 { "Insights" } (self.spans()) }
            (self.filter())
            @if stats.sessions_to_derive_again > 0 {
                p class="warn" role="status" {
                    (number(stats.sessions_to_derive_again)) " sessions wait to be derived by newer rules: until then these figures are not complete."
                }
            }
            @if stats.days.is_empty() && stats.ratings.count == 0 {
                p { "Nothing was asked in this time." @if !self.asked.is_empty() { " " a href="/insights?since=1970-01-01" { "Look at all of it" } "." } }
            } @else {
                (self.totals())
                (self.activity())
                (over_time::prompts(self)) (over_time::tokens(self)) (over_time::cost(self))
                (ranks::models(self)) (ranks::projects(self)) (ranks::tools(self)) (ranks::commands(self))
                (marks::best(self)) (marks::trend(self)) (marks::lengths(self))
                (self.hours())
                (self.completeness())
            }
        }
    }

    fn given(&self, name: &str) -> Option<&str> {
        self.asked.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// An address with the parameters of this one and these in their place.
    fn with(&self, path: &str, other: &[(&str, &str)]) -> String {
        let kept = self.asked.iter().filter(|(name, _)| !other.iter().any(|(changed, _)| changed == name));
        let pairs: Vec<_> =
            kept.map(|(name, value)| (name.as_str(), value.as_str())).chain(other.iter().copied()).collect();
        super::text::address(path, &pairs)
    }

    /// The list of what is counted here, with these parameters more: it counts in days of this machine.
    fn list(&self, more: &[(&str, &str)]) -> String {
        let kept =
            self.asked.iter().map(|(name, value)| (name.as_str(), value.as_str())).filter(|(name, _)| *name != "tz");
        // Where only an end is given, the year before it is meant.
        let first = self.first.to_string();
        let span = if self.given("until").is_some() { &first } else { YEAR };
        let since = self.given("since").is_none().then_some(("since", span));
        super::text::address("/", &kept.chain(since).chain(more.iter().copied()).collect::<Vec<_>>())
    }

    fn csv(&self, table: &str) -> Option<String> {
        Some(self.with(&format!("/insights/{table}.csv"), &[]))
    }

    fn spans(&self) -> Markup {
        let now = if self.given("until").is_some() { "" } else { self.given("since").unwrap_or(YEAR) };
        html! {
            nav class="choices" aria-label="Time" {
                @for (since, name) in SPANS {
                    a href=(self.with("/insights", &[("since", since)])) aria-current=[(now == since).then_some("true")] { (name) }
                }
            }
        }
    }

    fn filter(&self) -> Markup {
        let via = self.given("via").unwrap_or_default();
        html! {
            form class="filter" action="/insights" {
                @for name in ["kind", "tz"] { @if let Some(value) = self.given(name) { input type="hidden" name=(name) value=(value); } }
                label { "Project" input name="project" value=[self.given("project")] placeholder="a name or a folder" autocomplete="off"; }
                label { "From" input name="since" value=(self.since()) placeholder="a year before" size="11" autocomplete="off"; }
                label { "Until" input name="until" value=[self.given("until")] placeholder="now" size="11" autocomplete="off"; }
                label { "Way" select name="via" {
                    option value="" { "any" }
                    @for word in VIAS { option value=(word) selected[word == via] { (word) } }
                    @if !via.is_empty() && !VIAS.contains(&via) { option value=(via) selected { (via) } }
                } }
                button { "Show" }
                @if self.given("project").is_some() || !via.is_empty() { a href=(self.without_filter()) { "All projects and ways" } }
            }
        }
    }

    /// What the field says of the beginning: nothing where only an end is given.
    fn since(&self) -> &str {
        self.given("since").unwrap_or(if self.given("until").is_some() { "" } else { YEAR })
    }

    fn without_filter(&self) -> String {
        let kept = self.asked.iter().filter(|(name, _)| !matches!(name.as_str(), "project" | "via"));
        super::text::address(
            "/insights",
            &kept.map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>(),
        )
    }

    fn totals(&self) -> Markup {
        let (total, ratings) = (&self.stats.total, &self.stats.ratings);
        let used = &total.used;
        html! {
            dl class="totals" {
                div { dt { "Prompts" } dd { (number(total.conversations)) small { (number(total.failed)) " with a fault" } } }
                div { dt { "Tokens written" } dd { (amount(used.output_tokens)) small { (amount(used.input_tokens)) " read" } } }
                div { dt { "From the cache" } dd { (amount(used.cache_read_tokens)) small { (amount(used.cache_creation_tokens)) " put there" } } }
                div { dt { "List price" } dd { (dollars(used.cost_usd.dollars()))
                    @if used.unpriced_messages > 0 { small { (number(used.unpriced_messages)) " messages have none" } } } }
                div { dt { "Active days" } dd { (number(self.stats.days.iter().filter(|day| day.figures.conversations > 0).count() as u64)) small { "of " (number((self.last - self.first).num_days() + 1)) } } }
                div { dt { "Ratings" } dd { (number(ratings.count)) @if let Some(mean) = ratings.mean { small { (format!("{mean:.1}")) " in the mean" } } } }
            }
        }
    }

    fn activity(&self) -> Markup {
        let counts: std::collections::BTreeMap<NaiveDate, i64> =
            self.stats.days.iter().filter_map(|day| Some((day.day.parse().ok()?, day.figures.conversations))).collect();
        let busiest = counts.iter().max_by_key(|(_, count)| **count);
        let label = match busiest {
            Some((day, count)) => {
                format!("Prompts by day, a column a week; most on {}: {count}", day.format("%-d %b %Y"))
            }
            None => "Prompts by day: none".to_owned(),
        };
        let note = html! { "Prompts by day" @if let Some((day, count)) = busiest { ", most on " (day.format("%a %-d %b %Y")) ": " (number(*count)) } "." };
        let picture = html! {
            (cells::calendar(&label, self.first, self.last, |day| counts.get(&day).copied().unwrap_or(0)))
            (cells::scale())
        };
        // Its table is that of the next picture.
        html! { section class="figure" id="activity" aria-labelledby="activity-title" {
            div class="head" { h2 id="activity-title" { "Activity" } a class="csv" href=[self.csv("days")] download { "CSV" span class="vh" { " of activity" } } }
            p class="quiet" { (note) } (picture)
        } }
    }

    fn hours(&self) -> Markup {
        let hours = &self.stats.hours;
        let zone = if self.stats.zone == "local" { "this machine's time" } else { self.stats.zone };
        let names = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
        let table = html! { table {
            thead { tr { th scope="col" { "Hour" } @for name in names { th scope="col" class="number" { (name) } } } }
            tbody { @for hour in 0..24 { tr { th scope="row" { (format!("{hour:02}:00")) } @for day in hours { td class="number" { (number(day[hour])) } } } } }
        } };
        let label = format!("Prompts by weekday and hour in {zone}");
        let note = html! { "Prompts by weekday and hour, in " (zone) "." };
        let picture = html! { (cells::hours(&label, hours)) (cells::scale()) };
        Figure {
            id: "hours",
            title: "Hours of the week",
            note: Some(note),
            picture: Some(picture),
            table,
            csv: self.csv("hours"),
        }
        .section()
    }

    fn completeness(&self) -> Markup {
        let seen = &self.stats.completeness;
        let row = |name: &str, count: i64, source: &'static str| {
            let list = self.list(&[("source", source)]);
            html! { tr { th scope="row" { (name) } td class="number" { a href=(list) { (number(count)) } } } }
        };
        let table = html! { table class="small" { tbody {
            (row("By hooks and transcripts", seen.both, "both")) (row("By hooks alone", seen.hook_only, "hook")) (row("By transcripts alone", seen.transcript_only, "transcript"))
        } } };
        html! { section class="figure" id="completeness" aria-labelledby="completeness-title" {
            h2 id="completeness-title" { "Completeness" }
            p class="quiet" { "Which source saw the prompts of this time. The " a href="/health" { "health page" } " says what is missing and why that may be." }
            (scrolled("Completeness", &table))
        } }
    }
}

/// A number of tokens, roughly, and exactly as a title.
fn amount(tokens: i64) -> Markup {
    html! { span title=(number(tokens)) { (about(tokens.unsigned_abs())) } }
}
