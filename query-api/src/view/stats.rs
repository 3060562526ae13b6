//! Figures as JSON.

use chrono::DateTime;
use export::price::Usd;
use serde::Serialize;
use store::read::stats;
use utoipa::ToSchema;

/// Figures over a span of time.
#[derive(Serialize, ToSchema)]
#[schema(as = Stats)]
pub(crate) struct Stats<'a> {
    /// The zone of days and hours; `local` is the machine's.
    zone: &'a str,
    total: Figures,
    /// In order; days without anything are left out.
    days: Vec<Day>,
    /// Conversations: seven weekdays from Monday on, of 24 hours each.
    hours: [[i64; 24]; 7],
    /// The most expensive first.
    models: Vec<Model<'a>>,
    /// The most used first, at most 200.
    projects: Vec<Project<'a>>,
    /// The most called first.
    tools: Vec<Tool<'a>>,
    /// Slash commands with their slash, programs of `!` without it; the most used first, at most 200.
    commands: Vec<Command<'a>>,
    ratings: Ratings,
    /// Prompts by their length in characters.
    prompt_lengths: Vec<Length>,
    completeness: Completeness,
    /// Sessions, of any time, that were derived by older rules and wait to be derived again, counted up to 10,000: until then the
    /// figures lack what the newer rules add.
    sessions_to_derive_again: i64,
}

/// Conversations, and what they used.
#[derive(Serialize, ToSchema)]
#[schema(as = StatsFigures)]
struct Figures {
    conversations: i64,
    /// Failed, or with a tool call that failed or was refused.
    failed: i64,
    #[serde(flatten)]
    used: Used,
}

/// Tokens, and what they cost.
#[derive(Serialize, ToSchema)]
#[schema(as = StatsUsed)]
struct Used {
    messages: i64,
    input_tokens: i64,
    output_tokens: i64,
    cache_creation_tokens: i64,
    cache_read_tokens: i64,
    /// List price, of the messages whose model has one.
    #[schema(value_type = f64)]
    cost_usd: Usd,
    /// Messages whose model has no price.
    unpriced_messages: i64,
}

/// A day of the zone.
#[derive(Serialize, ToSchema)]
#[schema(as = StatsDay)]
struct Day {
    #[schema(format = Date)]
    day: String,
    #[serde(flatten)]
    figures: Figures,
}

/// What was used of a model.
#[derive(Serialize, ToSchema)]
#[schema(as = StatsModel)]
struct Model<'a> {
    model: Option<&'a str>,
    #[serde(flatten)]
    used: Used,
}

/// What was done in a project.
#[derive(Serialize, ToSchema)]
#[schema(as = StatsProject)]
struct Project<'a> {
    project: Option<&'a str>,
    #[serde(flatten)]
    figures: Figures,
}

/// A tool.
#[derive(Serialize, ToSchema)]
#[schema(as = StatsTool)]
struct Tool<'a> {
    name: &'a str,
    calls: i64,
    /// Failed or refused.
    failures: i64,
    /// Calls that hooks measured.
    measured: i64,
    /// Half of these took longer; within 6.25 %.
    median_ms: Option<i64>,
    /// One in twenty took longer.
    p95_ms: Option<i64>,
}

/// A command.
#[derive(Serialize, ToSchema)]
#[schema(as = StatsCommand)]
struct Command<'a> {
    command: &'a str,
    uses: i64,
}

/// Ratings as they are now.
#[derive(Serialize, ToSchema)]
#[schema(as = StatsRatings)]
struct Ratings {
    count: i64,
    mean: Option<f64>,
    /// How many conversations have a 1, a 2, and so on to 5.
    by_rating: [i64; 5],
    /// By the day on which they were given.
    days: Vec<RatingDay>,
}

/// Ratings that were given on a day.
#[derive(Serialize, ToSchema)]
#[schema(as = StatsRatingDay)]
struct RatingDay {
    #[schema(format = Date)]
    day: String,
    count: i64,
    mean: Option<f64>,
}

/// Prompts of some length.
#[derive(Serialize, ToSchema)]
#[schema(as = StatsLength)]
struct Length {
    from: i64,
    /// Not so long; null where there is no end.
    below: Option<i64>,
    prompts: i64,
}

/// Which source saw the conversations.
#[derive(Serialize, ToSchema)]
#[schema(as = StatsCompleteness)]
struct Completeness {
    both: i64,
    hook_only: i64,
    transcript_only: i64,
}

impl<'a> Stats<'a> {
    pub(crate) fn of(stats: &'a stats::Stats, zone: &'a str) -> Self {
        let mut ratings = stats::Ratings::default();
        for (_, of_day) in &stats.ratings {
            for (sum, more) in ratings.0.iter_mut().zip(of_day.0) {
                *sum += more;
            }
        }
        let rated =
            |(at, it): &(stats::Day, stats::Ratings)| RatingDay { day: day(*at), count: it.count(), mean: it.mean() };
        let ends = stats.lengths.iter().skip(1).map(|(from, _)| Some(*from)).chain([None]);
        Self {
            zone,
            total: Figures::of(&stats.total),
            days: stats.days.iter().map(|(at, it)| Day { day: day(*at), figures: Figures::of(it) }).collect(),
            hours: stats.hours,
            models: stats
                .models
                .iter()
                .map(|(model, it)| Model { model: model.as_deref(), used: Used::of(it) })
                .collect(),
            projects: stats
                .projects
                .iter()
                .map(|(project, it)| Project { project: project.as_deref(), figures: Figures::of(it) })
                .collect(),
            tools: stats.tools.iter().map(Tool::of).collect(),
            commands: stats.commands.iter().map(|(command, uses)| Command { command, uses: *uses }).collect(),
            ratings: Ratings {
                count: ratings.count(),
                mean: ratings.mean(),
                by_rating: ratings.0,
                days: stats.ratings.iter().map(rated).collect(),
            },
            prompt_lengths: stats
                .lengths
                .iter()
                .zip(ends)
                .map(|((from, prompts), below)| Length { from: *from, below, prompts: *prompts })
                .collect(),
            completeness: Completeness {
                both: stats.seen.both,
                hook_only: stats.seen.hook_only,
                transcript_only: stats.seen.transcript_only,
            },
            sessions_to_derive_again: stats.older_sessions,
        }
    }
}

impl Figures {
    fn of(figures: &stats::Figures) -> Self {
        let used = Used::of(&figures.tokens);
        Self { conversations: figures.conversations, failed: figures.failed, used }
    }
}

impl Used {
    fn of(tokens: &stats::Tokens) -> Self {
        Self {
            messages: tokens.messages,
            input_tokens: tokens.input,
            output_tokens: tokens.output,
            cache_creation_tokens: tokens.cache_creation,
            cache_read_tokens: tokens.cache_read,
            cost_usd: Usd::from_pico(tokens.cost.unsigned_abs().into()),
            unpriced_messages: tokens.unpriced,
        }
    }
}

impl<'a> Tool<'a> {
    fn of(tool: &'a stats::Tool) -> Self {
        Self {
            name: &tool.name,
            calls: tool.calls,
            failures: tool.failures,
            measured: tool.took.events,
            median_ms: tool.took.p50_ms,
            p95_ms: tool.took.p95_ms,
        }
    }
}

/// `2026-11-22`.
fn day(day: stats::Day) -> String {
    let date = DateTime::from_timestamp(day.0.saturating_mul(86_400), 0).map(|time| time.date_naive().to_string());
    date.unwrap_or_default()
}
