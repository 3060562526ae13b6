//! Figures over a span of time as JSON: what the API answers, and what a report holds.

use chrono::DateTime;
use serde::Serialize;
use store::read::stats;
use utoipa::ToSchema;

use crate::price::Usd;

/// Figures over a span of time.
#[derive(Serialize, ToSchema)]
#[schema(as = Stats)]
pub struct Stats<'a> {
    /// The zone of days and hours; `local` is the machine's.
    pub zone: &'a str,
    /// Of the whole span.
    pub total: Figures,
    /// In order; days without anything are left out.
    pub days: Vec<Day>,
    /// Conversations: seven weekdays from Monday on, of 24 hours each.
    pub hours: [[i64; 24]; 7],
    /// The most expensive first.
    pub models: Vec<Model<'a>>,
    /// The most used first, at most 200.
    pub projects: Vec<Project<'a>>,
    /// The most called first.
    pub tools: Vec<Tool<'a>>,
    /// Slash commands with their slash, programs of `!` without it; the most used first, at most 200.
    pub commands: Vec<Command<'a>>,
    /// Ratings as they are now.
    pub ratings: Ratings,
    /// Prompts by their length in characters.
    pub prompt_lengths: Vec<Length>,
    /// Which source saw the conversations.
    pub completeness: Completeness,
    /// Sessions, of any time, that were derived by older rules and wait to be derived again, counted up to 10,000: until then the
    /// figures lack what the newer rules add.
    pub sessions_to_derive_again: i64,
}

/// Conversations, and what they used.
#[derive(Serialize, ToSchema)]
#[schema(as = StatsFigures)]
pub struct Figures {
    /// How many.
    pub conversations: i64,
    /// Failed, or with a tool call that failed or was refused.
    pub failed: i64,
    /// What they used.
    #[serde(flatten)]
    pub used: Used,
}

/// Tokens, and what they cost.
#[derive(Serialize, ToSchema)]
#[schema(as = StatsUsed)]
pub struct Used {
    /// Messages of models.
    pub messages: i64,
    /// Read, outside the cache.
    pub input_tokens: i64,
    /// Written.
    pub output_tokens: i64,
    /// Put into the cache.
    pub cache_creation_tokens: i64,
    /// Read from the cache.
    pub cache_read_tokens: i64,
    /// List price, of the messages whose model has one.
    #[schema(value_type = f64)]
    pub cost_usd: Usd,
    /// Messages whose model has no price.
    pub unpriced_messages: i64,
}

/// A day of the zone.
#[derive(Serialize, ToSchema)]
#[schema(as = StatsDay)]
pub struct Day {
    /// Its date.
    #[schema(format = Date)]
    pub day: String,
    /// What was begun on it.
    #[serde(flatten)]
    pub figures: Figures,
}

/// What was used of a model.
#[derive(Serialize, ToSchema)]
#[schema(as = StatsModel)]
pub struct Model<'a> {
    /// Its name; null of messages that name none.
    pub model: Option<&'a str>,
    /// What was used of it.
    #[serde(flatten)]
    pub used: Used,
}

/// What was done in a project.
#[derive(Serialize, ToSchema)]
#[schema(as = StatsProject)]
pub struct Project<'a> {
    /// Its folder; null of conversations that nobody knows the place of.
    pub project: Option<&'a str>,
    /// What was done in it.
    #[serde(flatten)]
    pub figures: Figures,
}

/// A tool.
#[derive(Serialize, ToSchema)]
#[schema(as = StatsTool)]
pub struct Tool<'a> {
    /// Its name.
    pub name: &'a str,
    /// How often it was called.
    pub calls: i64,
    /// Failed or refused.
    pub failures: i64,
    /// Calls that hooks measured.
    pub measured: i64,
    /// Half of these took longer; within 6.25 %.
    pub median_ms: Option<i64>,
    /// One in twenty took longer.
    pub p95_ms: Option<i64>,
}

/// A command.
#[derive(Serialize, ToSchema)]
#[schema(as = StatsCommand)]
pub struct Command<'a> {
    /// Its name.
    pub command: &'a str,
    /// How often it was used.
    pub uses: i64,
}

/// Ratings as they are now.
#[derive(Serialize, ToSchema)]
#[schema(as = StatsRatings)]
pub struct Ratings {
    /// How many.
    pub count: i64,
    /// Null where there are none.
    pub mean: Option<f64>,
    /// How many conversations have a 1, a 2, and so on to 5.
    pub by_rating: [i64; 5],
    /// By the day on which they were given.
    pub days: Vec<RatingDay>,
}

/// Ratings that were given on a day.
#[derive(Serialize, ToSchema)]
#[schema(as = StatsRatingDay)]
pub struct RatingDay {
    /// Its date.
    #[schema(format = Date)]
    pub day: String,
    /// How many.
    pub count: i64,
    /// Null where there are none.
    pub mean: Option<f64>,
}

/// Prompts of some length.
#[derive(Serialize, ToSchema)]
#[schema(as = StatsLength)]
pub struct Length {
    /// From so many characters on.
    pub from: i64,
    /// Not so long; null where there is no end.
    pub below: Option<i64>,
    /// How many.
    pub prompts: i64,
    /// How many of the ratings that `ratings` counts are of prompts so long.
    pub rated: i64,
    /// Null where none is rated.
    pub mean_rating: Option<f64>,
    /// How many of them are a 1, a 2, and so on to 5.
    pub by_rating: [i64; 5],
}

/// Which source saw the conversations.
#[derive(Serialize, ToSchema)]
#[schema(as = StatsCompleteness)]
pub struct Completeness {
    /// Hooks and transcripts.
    pub both: i64,
    /// Hooks alone.
    pub hook_only: i64,
    /// Transcripts alone.
    pub transcript_only: i64,
}

impl<'a> Stats<'a> {
    /// As the store tells it; `zone` is whose days they are.
    pub fn of(stats: &'a stats::Stats, zone: &'a str) -> Self {
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
                .zip(&stats.rated_lengths)
                .map(|(((from, prompts), below), rated)| Length {
                    from: *from,
                    below,
                    prompts: *prompts,
                    rated: rated.count(),
                    mean_rating: rated.mean(),
                    by_rating: rated.0,
                })
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
    /// As the store tells them.
    pub fn of(figures: &stats::Figures) -> Self {
        let used = Used::of(&figures.tokens);
        Self { conversations: figures.conversations, failed: figures.failed, used }
    }
}

impl Used {
    /// Of all four kinds.
    pub fn tokens(&self) -> u64 {
        let kinds = [self.input_tokens, self.output_tokens, self.cache_creation_tokens, self.cache_read_tokens];
        kinds.into_iter().fold(0, |sum, kind| sum.saturating_add(kind.unsigned_abs()))
    }

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
