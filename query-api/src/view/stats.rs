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
    pub(crate) zone: &'a str,
    pub(crate) total: Figures,
    /// In order; days without anything are left out.
    pub(crate) days: Vec<Day>,
    /// Conversations: seven weekdays from Monday on, of 24 hours each.
    pub(crate) hours: [[i64; 24]; 7],
    /// The most expensive first.
    pub(crate) models: Vec<Model<'a>>,
    /// The most used first, at most 200.
    pub(crate) projects: Vec<Project<'a>>,
    /// The most called first.
    pub(crate) tools: Vec<Tool<'a>>,
    /// Slash commands with their slash, programs of `!` without it; the most used first, at most 200.
    pub(crate) commands: Vec<Command<'a>>,
    pub(crate) ratings: Ratings,
    /// Prompts by their length in characters.
    pub(crate) prompt_lengths: Vec<Length>,
    pub(crate) completeness: Completeness,
    /// Sessions, of any time, that were derived by older rules and wait to be derived again, counted up to 10,000: until then the
    /// figures lack what the newer rules add.
    pub(crate) sessions_to_derive_again: i64,
}

/// Conversations, and what they used.
#[derive(Serialize, ToSchema)]
#[schema(as = StatsFigures)]
pub(crate) struct Figures {
    pub(crate) conversations: i64,
    /// Failed, or with a tool call that failed or was refused.
    pub(crate) failed: i64,
    #[serde(flatten)]
    pub(crate) used: Used,
}

/// Tokens, and what they cost.
#[derive(Serialize, ToSchema)]
#[schema(as = StatsUsed)]
pub(crate) struct Used {
    pub(crate) messages: i64,
    pub(crate) input_tokens: i64,
    pub(crate) output_tokens: i64,
    pub(crate) cache_creation_tokens: i64,
    pub(crate) cache_read_tokens: i64,
    /// List price, of the messages whose model has one.
    #[schema(value_type = f64)]
    pub(crate) cost_usd: Usd,
    /// Messages whose model has no price.
    pub(crate) unpriced_messages: i64,
}

/// A day of the zone.
#[derive(Serialize, ToSchema)]
#[schema(as = StatsDay)]
pub(crate) struct Day {
    #[schema(format = Date)]
    pub(crate) day: String,
    #[serde(flatten)]
    pub(crate) figures: Figures,
}

/// What was used of a model.
#[derive(Serialize, ToSchema)]
#[schema(as = StatsModel)]
pub(crate) struct Model<'a> {
    pub(crate) model: Option<&'a str>,
    #[serde(flatten)]
    pub(crate) used: Used,
}

/// What was done in a project.
#[derive(Serialize, ToSchema)]
#[schema(as = StatsProject)]
pub(crate) struct Project<'a> {
    pub(crate) project: Option<&'a str>,
    #[serde(flatten)]
    pub(crate) figures: Figures,
}

/// A tool.
#[derive(Serialize, ToSchema)]
#[schema(as = StatsTool)]
pub(crate) struct Tool<'a> {
    pub(crate) name: &'a str,
    pub(crate) calls: i64,
    /// Failed or refused.
    pub(crate) failures: i64,
    /// Calls that hooks measured.
    pub(crate) measured: i64,
    /// Half of these took longer; within 6.25 %.
    pub(crate) median_ms: Option<i64>,
    /// One in twenty took longer.
    pub(crate) p95_ms: Option<i64>,
}

/// A command.
#[derive(Serialize, ToSchema)]
#[schema(as = StatsCommand)]
pub(crate) struct Command<'a> {
    pub(crate) command: &'a str,
    pub(crate) uses: i64,
}

/// Ratings as they are now.
#[derive(Serialize, ToSchema)]
#[schema(as = StatsRatings)]
pub(crate) struct Ratings {
    pub(crate) count: i64,
    pub(crate) mean: Option<f64>,
    /// How many conversations have a 1, a 2, and so on to 5.
    pub(crate) by_rating: [i64; 5],
    /// By the day on which they were given.
    pub(crate) days: Vec<RatingDay>,
}

/// Ratings that were given on a day.
#[derive(Serialize, ToSchema)]
#[schema(as = StatsRatingDay)]
pub(crate) struct RatingDay {
    #[schema(format = Date)]
    pub(crate) day: String,
    pub(crate) count: i64,
    pub(crate) mean: Option<f64>,
}

/// Prompts of some length.
#[derive(Serialize, ToSchema)]
#[schema(as = StatsLength)]
pub(crate) struct Length {
    pub(crate) from: i64,
    /// Not so long; null where there is no end.
    pub(crate) below: Option<i64>,
    pub(crate) prompts: i64,
    /// How many of the ratings that `ratings` counts are of prompts so long.
    pub(crate) rated: i64,
    pub(crate) mean_rating: Option<f64>,
    /// How many of them are a 1, a 2, and so on to 5.
    pub(crate) by_rating: [i64; 5],
}

/// Which source saw the conversations.
#[derive(Serialize, ToSchema)]
#[schema(as = StatsCompleteness)]
pub(crate) struct Completeness {
    pub(crate) both: i64,
    pub(crate) hook_only: i64,
    pub(crate) transcript_only: i64,
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
