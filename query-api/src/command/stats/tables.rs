//! The tables of figures: each is one on its own, and its beginning is a part of the page.

use std::collections::BTreeMap;

use terminal::figure::{number, short, usd};
use terminal::span;
use terminal::table::Table;
use terminal::text::one_line;

use super::bar::level;
use super::shape::{Figures, Stats, Used};

/// The longest bar, one beside many figures, and the longest name, in columns.
const BAR: usize = 20;
const SHORT_BAR: usize = 12;
const NAME: usize = 30;

/// How tables are made.
pub(super) struct Tables {
    /// The terminal's, in columns.
    pub(super) width: Option<u16>,
    /// They have at most so many rows.
    pub(super) most: usize,
}

impl Tables {
    /// With the columns from number `figures` up to `until` as figures are.
    fn table(&self, heads: &[&str], figures: std::ops::Range<usize>) -> Table {
        figures.fold(Table::new(heads, self.width), Table::right)
    }

    /// Rows of names, how often each, and a bar.
    fn bars(&self, heads: [&str; 3], rows: &[(String, u64)]) -> Table {
        let mut table = self.table(&heads, 1..2);
        let most = rows.iter().map(|(_, count)| *count).max().unwrap_or(0);
        for (name, count) in rows.iter().take(self.most) {
            table.row([name.clone(), number(*count), level(*count, most, BAR)]);
        }
        table
    }

    /// The newest last, as it is nearest to where is typed next. Ratings stand at the day on which they were given.
    pub(super) fn days(&self, stats: &Stats) -> Table {
        let heads = ["day", "conversations", "faults", "tokens", "cost", "rated", "mean", ""];
        let mut table = self.table(&heads, 1..7);
        let most = stats.days.iter().map(|day| day.figures.conversations).max().unwrap_or(0);
        let mut days: BTreeMap<_, _> = stats.days.iter().map(|it| (it.day, (Some(&it.figures), None))).collect();
        for it in &stats.ratings.days {
            days.entry(it.day).or_default().1 = Some(it);
        }
        for (day, (figures, rated)) in days {
            let [conversations, failed, tokens, cost] = figures.map(told).unwrap_or_default();
            let bar = figures.map(|it| level(it.conversations, most, SHORT_BAR)).unwrap_or_default();
            let count = rated.map(|it| number(it.count)).unwrap_or_default();
            let mean = rated.and_then(|it| it.mean).map(|mean| format!("{mean:.1}")).unwrap_or_default();
            table.row([day.to_string(), conversations, failed, tokens, cost, count, mean, bar]);
        }
        table
    }

    /// A row for each hour, a column for each weekday.
    pub(super) fn hours(&self, stats: &Stats) -> Table {
        let mut table = self.table(&["hour", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "all", ""], 1..9);
        let all = |hour: usize| stats.hours.iter().map(|day| day[hour]).fold(0, u64::saturating_add);
        let most = (0..24).map(all).max().unwrap_or(0);
        for hour in 0..24 {
            let days = stats.hours.iter().map(|day| some(day[hour]));
            let sum = [some(all(hour)), level(all(hour), most, BAR)];
            table.row([format!("{hour:02}:00")].into_iter().chain(days).chain(sum));
        }
        table
    }

    /// Tokens and cost.
    pub(super) fn models(&self, stats: &Stats) -> Table {
        let mut table = self.table(&["model", "messages", "in", "out", "to cache", "from cache", "cost"], 1..7);
        for it in stats.models.iter().take(self.most) {
            let used = &it.used;
            table.row([
                name(it.model.as_deref(), "(none)"),
                number(used.messages),
                short(used.input_tokens),
                short(used.output_tokens),
                short(used.cache_creation_tokens),
                short(used.cache_read_tokens),
                cost(used),
            ]);
        }
        table
    }

    /// By their paths, which stand last because they may be long.
    pub(super) fn projects(&self, stats: &Stats) -> Table {
        let mut table = self.table(&["conversations", "faults", "tokens", "cost", "project"], 0..4).cut(4);
        for it in stats.projects.iter().take(self.most) {
            let figures = told(&it.figures);
            table.row(figures.into_iter().chain([it.project.clone().unwrap_or_else(|| "(unknown)".to_owned())]));
        }
        table
    }

    /// With what failed of them, and how long they took.
    pub(super) fn tools(&self, stats: &Stats) -> Table {
        let mut table = self.table(&["tool", "calls", "failed", "", "median", "95 %"], 1..6);
        for it in stats.tools.iter().take(self.most) {
            let share = if it.failures > 0 && it.calls > 0 {
                format!("{:.0} %", it.failures as f64 * 100.0 / it.calls as f64)
            } else {
                String::new()
            };
            let time = |ms: Option<u64>| ms.map(span).unwrap_or_default();
            table.row([
                name(Some(&it.name), ""),
                number(it.calls),
                some(it.failures),
                share,
                time(it.median_ms),
                time(it.p95_ms),
            ]);
        }
        table
    }

    /// The most used first.
    pub(super) fn commands(&self, stats: &Stats) -> Table {
        let rows: Vec<_> = stats.commands.iter().map(|it| (name(Some(&it.command), ""), it.uses)).collect();
        self.bars(["command", "uses", ""], &rows)
    }

    /// From five stars to one; no rows if there are no ratings.
    pub(super) fn ratings(&self, stats: &Stats) -> Table {
        let rows = (1..).zip(stats.ratings.by_rating).map(|(rating, count)| ("★".repeat(rating), count));
        let mut rows: Vec<_> = rows.filter(|_| stats.ratings.count > 0).collect();
        rows.reverse();
        self.bars(["rating", "conversations", ""], &rows)
    }

    /// From short to long.
    pub(super) fn lengths(&self, stats: &Stats) -> Table {
        let rows = stats.prompt_lengths.iter().map(|it| {
            let end = it.below.map(|below| number(below.saturating_sub(1)));
            let length = end
                .map_or_else(|| format!("{} and more", number(it.from)), |end| format!("{} to {end}", number(it.from)));
            (length, it.prompts)
        });
        self.bars(["characters", "prompts", ""], &rows.collect::<Vec<_>>())
    }
}

/// Conversations, those with a fault, tokens, cost.
fn told(figures: &Figures) -> [String; 4] {
    let used = &figures.used;
    [number(figures.conversations), some(figures.failed), short(used.tokens()), cost(used)]
}

/// Nothing where nobody knows a price.
fn cost(used: &Used) -> String {
    let known = used.messages > used.unpriced_messages;
    if known { usd(used.cost_usd) } else { String::new() }
}

/// A figure that is worth a look only where there is one.
fn some(figure: u64) -> String {
    if figure == 0 { String::new() } else { number(figure) }
}

fn name(name: Option<&str>, nobody: &str) -> String {
    one_line(name.unwrap_or(nobody), NAME)
}
