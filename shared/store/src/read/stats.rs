//! Figures over any span of time: sums of what is kept of each quarter of an hour, put into the days and hours of a zone.
//!
//! Every zone begins its days at a full quarter, so the sums are exact in each; a span that begins or ends within a quarter
//! counts it whole.

mod rows;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};

use rusqlite::Connection;

use super::Reader;
use super::health::older_sessions;
use crate::error::Error;
use crate::latency::Latency;
use crate::quarter::{LENGTHS, QUARTER_MS, UNMEASURED, add};
use crate::words::{Kind, Via};

use rows::{Asked, Cell, Folders, Names};

/// The most projects and commands that are told, each the most used ones.
const MOST: usize = 200;
const DAY_MS: i64 = 86_400_000;
const HOUR_MS: i64 = 3_600_000;

/// What is to be counted. What is empty or `None` leaves out nothing.
#[derive(Clone, Debug, Default)]
pub struct StatsRequest {
    /// Begun from then on, in milliseconds since 1970, UTC.
    pub since_ms: Option<i64>,
    /// Begun before then.
    pub until_ms: Option<i64>,
    /// Begun in this folder or below it, or in a repository that lies there.
    pub project: Option<String>,
    /// Through these doors.
    pub vias: Vec<Via>,
    /// Of these kinds. While none is named, conversations are counted as lists show them ([`Kind::LISTED`]), and tokens and
    /// tools of all, because what a subagent used was used too.
    pub kinds: Vec<Kind>,
}

/// The figures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stats {
    /// Of the whole span.
    pub total: Figures,
    /// By day, in order; days without anything are left out.
    pub days: Vec<(Day, Figures)>,
    /// Conversations by weekday, Monday first, and hour.
    pub hours: [[i64; 24]; 7],
    /// Tokens by model, the most expensive first; `None` is of messages that name none.
    pub models: Vec<(Option<String>, Tokens)>,
    /// By project, the most used first; `None` is of conversations that nobody knows the place of.
    pub projects: Vec<(Option<String>, Figures)>,
    /// By tool, the most called first.
    pub tools: Vec<Tool>,
    /// Slash commands and programs of `!`, the most used first, with how often.
    pub commands: Vec<(String, i64)>,
    /// Ratings as they are now, by the day on which they were given.
    pub ratings: Vec<(Day, Ratings)>,
    /// Prompts by the length from which on they are counted here, in characters.
    pub lengths: Vec<(i64, i64)>,
    /// The same ratings as those of `ratings`, by the length of what was rated: as many as there are lengths.
    pub rated_lengths: Vec<Ratings>,
    /// Which source saw the conversations.
    pub seen: Seen,
    /// Sessions of the store, in the span or not, that were derived by older rules and wait to be derived again, counted up to
    /// [`Health::DIRTY_LIMIT`](super::Health::DIRTY_LIMIT): until then these figures lack what the newer rules add.
    pub older_sessions: i64,
}

/// A day of a zone: how many days after 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(pub i64);

/// Conversations, and what they used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// How many conversations.
    pub conversations: i64,
    /// Of these: failed, or with a tool call that failed or was refused.
    pub failed: i64,
    /// What they used.
    pub tokens: Tokens,
}

/// Tokens, and what they cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// How many messages.
    pub messages: i64,
    /// Read, outside the cache.
    pub input: i64,
    /// Written.
    pub output: i64,
    /// Put into the cache.
    pub cache_creation: i64,
    /// Read from the cache.
    pub cache_read: i64,
    /// List price in picodollars, of what has one.
    pub cost: i64,
    /// Messages whose model has no price.
    pub unpriced: i64,
}

/// A tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// How often it was called.
    pub calls: i64,
    /// Of these: failed or refused.
    pub failures: i64,
    /// How long the calls took that hooks measured, within 6.25 %; its `events` are those calls.
    pub took: Latency,
}

/// How many conversations have which rating; the first is of 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ratings(pub [i64; 5]);

impl Ratings {
    /// How many.
    pub fn count(&self) -> i64 {
        self.0.iter().sum()
    }

    /// Their mean, if there are any.
    #[expect(clippy::cast_precision_loss, reason = "nobody gives so many ratings")]
    pub fn mean(&self) -> Option<f64> {
        let sum: i64 = (1..).zip(self.0).map(|(rating, count)| rating * count).sum();
        (self.count() > 0).then(|| sum as f64 / self.count() as f64)
    }
}

/// Which source saw conversations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Hooks and transcripts.
    pub both: i64,
    /// Hooks alone.
    pub hook_only: i64,
    /// Transcripts alone.
    pub transcript_only: i64,
}

impl Tokens {
    fn figures(self) -> [i64; 7] {
        [self.messages, self.input, self.output, self.cache_creation, self.cache_read, self.cost, self.unpriced]
    }

    fn add(&mut self, more: [i64; 7]) {
        let mut sum = self.figures();
        add(&mut sum, more);
        [self.messages, self.input, self.output, self.cache_creation, self.cache_read, self.cost, self.unpriced] = sum;
    }
}

impl Figures {
    fn add(&mut self, more: Self) {
        self.conversations += more.conversations;
        self.failed += more.failed;
        self.tokens.add(more.tokens.figures());
    }
}

/// How many seconds a zone is east of UTC at a moment, given in milliseconds since 1970, UTC.
pub type Offset<'z> = &'z dyn Fn(i64) -> i32;

/// The time of day and the day of a zone.
fn local(ms: i64, offset: Offset<'_>) -> i64 {
    ms.saturating_add(i64::from(offset(ms)) * 1000)
}

fn day(ms: i64, offset: Offset<'_>) -> Day {
    Day(local(ms, offset).div_euclid(DAY_MS))
}

impl Reader {
    /// Figures in the days and hours of a zone.
    ///
    /// # Errors
    /// As [`Reader::list`].
    pub fn stats(&mut self, request: &StatsRequest, offset: Offset<'_>) -> Result<Stats, Error> {
        self.ask(|conn| stats(conn, request, offset))
    }
}

fn stats(conn: &Connection, request: &StatsRequest, offset: Offset<'_>) -> Result<Stats, Error> {
    let folders = Folders::read(conn)?;
    let asked = Asked::of(request, &folders);
    let mut sums = Sums::new(offset);
    let listed = asked.kinds_or(Kind::LISTED);
    rows::turns(conn, &asked, &listed, |cell, figures| sums.turns(cell, figures))?;
    rows::usage(conn, &asked, |cell, model, used| sums.usage(cell, model, used))?;
    let mut stats = sums.told(&folders, &rows::models(conn)?);
    stats.tools = tools(conn, &asked)?;
    let mut commands = asked.kinds_or(Kind::LISTED);
    if request.kinds.is_empty() {
        commands.push(Kind::Local.number());
    }
    stats.commands = rows::commands(conn, &asked, &commands, MOST)?;
    stats.lengths = lengths(conn, &asked, &listed)?;
    (stats.ratings, stats.rated_lengths) = ratings(conn, &asked, offset)?;
    stats.older_sessions = older_sessions(conn)?;
    Ok(stats)
}

/// What is summed up row by row.
struct Sums<'z> {
    offset: Offset<'z>,
    /// The last quarter that was asked for, and when it is there: many rows are of one.
    now: (i64, Local),
    stats: Stats,
    days: BTreeMap<Day, Figures>,
    folders: HashMap<i64, Figures>,
    models: BTreeMap<i64, Tokens>,
}

/// A quarter in a zone.
#[derive(Clone, Copy, Debug)]
struct Local {
    day: Day,
    weekday: usize,
    hour: usize,
}

impl Local {
    fn of(slot: i64, offset: Offset<'_>) -> Self {
        let now = local(slot * QUARTER_MS, offset);
        let day = now.div_euclid(DAY_MS);
        // 1970-01-01 was a Thursday.
        let (weekday, hour) = ((day + 3).rem_euclid(7) as usize, (now.rem_euclid(DAY_MS) / HOUR_MS) as usize);
        Self { day: Day(day), weekday, hour }
    }
}

impl<'z> Sums<'z> {
    fn new(offset: Offset<'z>) -> Self {
        let now = (0, Local::of(0, offset));
        Self {
            offset,
            now,
            stats: Stats::default(),
            days: BTreeMap::new(),
            folders: HashMap::new(),
            models: BTreeMap::new(),
        }
    }

    fn local(&mut self, slot: i64) -> Local {
        if self.now.0 != slot {
            self.now = (slot, Local::of(slot, self.offset));
        }
        self.now.1
    }

    fn turns(&mut self, cell: Cell, [turns, failed, hook_only, transcript_only]: [i64; 4]) {
        let now = self.local(cell.slot);
        self.stats.hours[now.weekday][now.hour] += turns;
        let seen = &mut self.stats.seen;
        seen.hook_only += hook_only;
        seen.transcript_only += transcript_only;
        seen.both += turns - hook_only - transcript_only;
        for figures in [self.days.entry(now.day).or_default(), self.folders.entry(cell.folder).or_default()] {
            figures.conversations += turns;
            figures.failed += failed;
        }
    }

    fn usage(&mut self, cell: Cell, model: i64, used: [i64; 7]) {
        let day = self.local(cell.slot).day;
        self.days.entry(day).or_default().tokens.add(used);
        self.folders.entry(cell.folder).or_default().tokens.add(used);
        self.models.entry(model).or_default().add(used);
    }

    /// The sums by the names of what they are of.
    fn told(self, folders: &Folders, models: &Names) -> Stats {
        let Self { mut stats, days, folders: by_folder, models: by_model, .. } = self;
        stats.days = days.into_iter().collect();
        let mut projects: BTreeMap<Option<&str>, Figures> = BTreeMap::new();
        for (folder, figures) in by_folder {
            stats.total.add(figures);
            projects.entry(folders.project(folder)).or_default().add(figures);
        }
        stats.projects = projects.into_iter().map(|(name, figures)| (name.map(str::to_owned), figures)).collect();
        stats.projects.sort_by_key(|(_, it)| std::cmp::Reverse((it.conversations, it.tokens.cost)));
        stats.projects.truncate(MOST);
        stats.models = by_model.into_iter().map(|(model, tokens)| (models.get(&model).cloned(), tokens)).collect();
        stats.models.sort_by_key(|(_, it)| std::cmp::Reverse((it.cost, it.output, it.messages)));
        stats
    }
}

fn tools(conn: &Connection, asked: &Asked) -> Result<Vec<Tool>, Error> {
    /// Calls and failures, and how many calls took how long.
    type Calls = ([i64; 2], Vec<(i64, i64)>);
    let mut by_bucket: BTreeMap<(i64, i64), [i64; 2]> = BTreeMap::new();
    rows::tools(conn, asked, |key, figures| add(by_bucket.entry(key).or_default(), figures))?;
    let names = rows::tool_names(conn)?;
    let mut by_name: BTreeMap<String, Calls> = BTreeMap::new();
    for ((tool, bucket), figures) in by_bucket {
        let (sum, buckets) = by_name.entry(names.get(&tool).cloned().unwrap_or_default()).or_default();
        add(sum, figures);
        if bucket != UNMEASURED {
            buckets.push((bucket, figures[0]));
        }
    }
    let mut tools: Vec<Tool> = Vec::with_capacity(by_name.len());
    for (name, ([calls, failures], mut buckets)) in by_name {
        buckets.sort_unstable(); // of several tools without a name, if the database is damaged
        tools.push(Tool { name, calls, failures, took: Latency::of(&buckets) });
    }
    tools.sort_by_key(|tool| std::cmp::Reverse(tool.calls));
    Ok(tools)
}

fn lengths(conn: &Connection, asked: &Asked, kinds: &[i64]) -> Result<Vec<(i64, i64)>, Error> {
    let mut lengths: Vec<(i64, i64)> = std::iter::once(0).chain(LENGTHS).map(|from| (from, 0)).collect();
    rows::lengths(conn, asked, kinds, |bucket, prompts| {
        if let Some((_, sum)) = usize::try_from(bucket).ok().and_then(|bucket| lengths.get_mut(bucket)) {
            *sum += prompts;
        }
    })?;
    Ok(lengths)
}

/// Ratings by day, and by length.
type Rated = (Vec<(Day, Ratings)>, Vec<Ratings>);

fn ratings(conn: &Connection, asked: &Asked, offset: Offset<'_>) -> Result<Rated, Error> {
    let mut days: BTreeMap<Day, Ratings> = BTreeMap::new();
    let mut lengths = vec![Ratings::default(); LENGTHS.len() + 1];
    rows::ratings(conn, asked, |given_ms, rating, length| {
        let bucket = LENGTHS.iter().filter(|from| length >= **from).count();
        for ratings in [days.entry(day(given_ms, offset)).or_default(), &mut lengths[bucket]] {
            if let Some(count) = usize::try_from(rating - 1).ok().and_then(|at| ratings.0.get_mut(at)) {
                *count += 1;
            }
        }
    })?;
    Ok((days.into_iter().collect(), lengths))
}
