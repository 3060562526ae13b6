//! `stats`: figures over a span of time, as a page to look at, or as one table of one of them.

mod bar;
mod shape;
mod tables;

use chrono::{DateTime, Datelike, Days, NaiveDate};
use terminal::{Tone, figure, paint};

use super::args::{By, Stats as Args};
use super::client::{Client, Pairs};
use super::filter::project;
use super::{Error, hint, nothing, print};
use crate::http::filter::now_ms;
use crate::http::zone::Zone;
use shape::Stats;
use tables::Tables;

/// So many weeks of activity fit into 80 columns.
const WEEKS: u64 = 8;
/// So many lines of a table are on the page.
const SHORT: usize = 8;

pub(super) fn stats(client: &Client, args: &Args) -> Result<(), Error> {
    let mut query = Pairs::new();
    let mut push = |name, value: &Option<String>| query.extend(value.clone().map(|value| (name, value)));
    push("since", &args.since);
    push("until", &args.until);
    push("project", &args.project.as_ref().map(|typed| project(client, typed)).transpose()?);
    push("via", &args.via);
    push("kind", &args.kind);
    push("tz", &args.tz);
    let answer = client.get("/api/stats", &query)?;
    if args.common.json {
        return answer.print();
    }
    let stats: Stats = answer.read()?;
    if stats.sessions_to_derive_again > 0 {
        let waiting = figure::number(stats.sessions_to_derive_again);
        hint(&format!(
            "{waiting} sessions wait to be derived by newer rules: until then these figures are not complete"
        ));
    }
    let width = terminal::width();
    let text = match args.by {
        _ if stats.is_empty() => return nothing("nothing found"),
        Some(by) => one(&stats, by, width),
        None => {
            // The last weeks are those before today, or the last ones of a span that ended.
            let last = stats.days.last().map(|day| day.day).filter(|_| args.until.is_some());
            whole(&stats, last.unwrap_or_else(|| today(args.tz.as_deref())), width)
        }
    };
    print(&text)
}

/// Today in a zone that the API has taken.
fn today(zone: Option<&str>) -> NaiveDate {
    let zone = zone.and_then(|zone| Zone::try_from(zone.to_owned()).ok()).unwrap_or_default();
    let now = now_ms();
    let now = now.saturating_add(i64::from(zone.offset(now)) * 1000);
    DateTime::from_timestamp_millis(now).unwrap_or_default().date_naive()
}

/// One table, whole.
fn one(stats: &Stats, by: By, width: Option<u16>) -> String {
    let tables = Tables { width, most: usize::MAX };
    let table = match by {
        By::Day => tables.days(stats),
        By::Hour => tables.hours(stats),
        By::Model => tables.models(stats),
        By::Project => tables.projects(stats),
        By::Tool => tables.tools(stats),
        By::Command => tables.commands(stats),
        By::Rating => tables.ratings(stats),
        By::Length => tables.lengths(stats),
    };
    if table.is_empty() { "nothing found\n".to_owned() } else { table.to_string() }
}

/// The page; `last` is the last day of the weeks that it shows.
fn whole(stats: &Stats, last: NaiveDate, width: Option<u16>) -> String {
    let mut text = weeks(stats, last);
    text.push_str(&total(stats));
    let tables = Tables { width, most: SHORT };
    let mut section = |head: &str, all: usize, by: &str, table: terminal::table::Table| {
        if table.is_empty() {
            return;
        }
        let more = if all > SHORT { format!("  the first {SHORT} of {all}: --by {by}") } else { String::new() };
        text.push_str(&format!("\n{}{}\n{table}", paint(Tone::Strong, head), paint(Tone::Quiet, &more)));
    };
    section("Models", stats.models.len(), "model", tables.models(stats));
    section("Projects", stats.projects.len(), "project", tables.projects(stats));
    section("Tools", stats.tools.len(), "tool", tables.tools(stats));
    section("Commands", stats.commands.len(), "command", tables.commands(stats));
    section("Ratings", 0, "rating", tables.ratings(stats));
    text
}

/// A bar for each day, Monday first, and under each week the day that it begins with.
fn weeks(stats: &Stats, last: NaiveDate) -> String {
    let monday = last - Days::new(u64::from(last.weekday().num_days_from_monday()));
    let earliest = monday - Days::new(7 * (WEEKS - 1));
    let Some(first) = stats.days.iter().map(|day| day.day).find(|day| *day >= earliest && *day <= last) else {
        return format!("{}\n\n", paint(Tone::Quiet, &format!("No conversations from {earliest} to {last}")));
    };
    let count = |day: NaiveDate| stats.days.iter().find(|it| it.day == day).map_or(0, |it| it.figures.conversations);
    let first = first - Days::new(u64::from(first.weekday().num_days_from_monday()));
    let days: Vec<_> = first.iter_days().take_while(|day| *day <= last).collect();
    let most = days.iter().map(|day| count(*day)).max().unwrap_or(0);
    let head = paint(Tone::Strong, "Conversations by day");
    let head = format!("{head}{}", paint(Tone::Quiet, &format!("  at most {} on one day", figure::number(most))));
    let (mut bars, mut begins) = (String::new(), String::new());
    for week in days.chunks(7) {
        let of_week: String = week.iter().map(|day| bar::upright(count(*day), most)).collect();
        bars.push_str(&format!("{of_week:<8}"));
        begins.push_str(&week.first().map(|day| day.format("%b %d  ").to_string()).unwrap_or_default());
    }
    format!("{head}\n{}\n{}\n\n", bars.trim_end(), paint(Tone::Quiet, begins.trim_end()))
}

/// What it all comes to, and how sure that is.
fn total(stats: &Stats) -> String {
    let (total, used) = (&stats.total, &stats.total.used);
    let quiet = |text: String| paint(Tone::Quiet, &text);
    let mut text = String::new();
    let mut line = |name: &str, figure: String, more: String| {
        let more = if more.is_empty() { more } else { format!("  {}", quiet(more)) };
        text.push_str(&format!("{} {figure}{more}\n", paint(Tone::Strong, &format!("{name:<14}"))));
    };
    let failed =
        if total.failed == 0 { String::new() } else { format!("{} with a fault", figure::number(total.failed)) };
    line("Conversations", figure::number(total.conversations), failed);
    line("Messages", figure::number(used.messages), String::new());
    let parts = [
        ("in", used.input_tokens),
        ("out", used.output_tokens),
        ("into the cache", used.cache_creation_tokens),
        ("from it", used.cache_read_tokens),
    ];
    let parts = parts.map(|(what, tokens)| format!("{} {what}", figure::short(tokens)));
    line("Tokens", figure::number(used.tokens()), parts.join(", "));
    let priced = match used.unpriced_messages {
        0 => "at list prices".to_owned(),
        unpriced => format!("at list prices; messages without one: {}", figure::number(unpriced)),
    };
    line("Cost", figure::usd(used.cost_usd), priced);
    let seen = &stats.completeness;
    let sources = [(seen.hook_only, "by hooks alone"), (seen.transcript_only, "by transcripts alone")];
    let sources = sources.iter().filter(|(count, _)| *count > 0);
    let sources: Vec<_> = sources.map(|(count, by)| format!("{} {by}", figure::number(*count))).collect();
    line("Seen by both", figure::number(seen.both), sources.join(", "));
    text
}

#[cfg(test)]
mod tests;
