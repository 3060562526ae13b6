//! The parts of the API's figures that pages show.

use chrono::NaiveDate;
use serde::Deserialize;
use serde::de::{Deserializer, Error};

/// `2026-11-22`.
fn day<'de, D: Deserializer<'de>>(from: D) -> Result<NaiveDate, D::Error> {
    String::deserialize(from)?.parse().map_err(D::Error::custom)
}

/// All figures.
#[derive(Debug, Deserialize)]
pub(super) struct Stats {
    pub(super) total: Figures,
    pub(super) days: Vec<Day>,
    pub(super) hours: [[u64; 24]; 7],
    pub(super) models: Vec<Model>,
    pub(super) projects: Vec<Project>,
    pub(super) tools: Vec<Tool>,
    pub(super) commands: Vec<Command>,
    pub(super) ratings: Ratings,
    pub(super) prompt_lengths: Vec<Length>,
    pub(super) completeness: Completeness,
    pub(super) sessions_to_derive_again: u64,
}

impl Stats {
    /// Whether there is nothing to tell.
    pub(super) fn is_empty(&self) -> bool {
        self.days.is_empty() && self.tools.is_empty() && self.commands.is_empty() && self.ratings.count == 0
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Figures {
    pub(super) conversations: u64,
    pub(super) failed: u64,
    #[serde(flatten)]
    pub(super) used: Used,
}

#[derive(Debug, Deserialize)]
pub(super) struct Used {
    pub(super) messages: u64,
    pub(super) input_tokens: u64,
    pub(super) output_tokens: u64,
    pub(super) cache_creation_tokens: u64,
    pub(super) cache_read_tokens: u64,
    pub(super) cost_usd: f64,
    pub(super) unpriced_messages: u64,
}

impl Used {
    /// Of all four kinds.
    pub(super) fn tokens(&self) -> u64 {
        let kinds = [self.input_tokens, self.output_tokens, self.cache_creation_tokens, self.cache_read_tokens];
        kinds.into_iter().fold(0, u64::saturating_add)
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Day {
    #[serde(deserialize_with = "day")]
    pub(super) day: NaiveDate,
    #[serde(flatten)]
    pub(super) figures: Figures,
}

#[derive(Debug, Deserialize)]
pub(super) struct Model {
    pub(super) model: Option<String>,
    #[serde(flatten)]
    pub(super) used: Used,
}

#[derive(Debug, Deserialize)]
pub(super) struct Project {
    pub(super) project: Option<String>,
    #[serde(flatten)]
    pub(super) figures: Figures,
}

#[derive(Debug, Deserialize)]
pub(super) struct Tool {
    pub(super) name: String,
    pub(super) calls: u64,
    pub(super) failures: u64,
    pub(super) median_ms: Option<u64>,
    pub(super) p95_ms: Option<u64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Command {
    pub(super) command: String,
    pub(super) uses: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Ratings {
    pub(super) count: u64,
    pub(super) by_rating: [u64; 5],
    pub(super) days: Vec<RatingDay>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RatingDay {
    #[serde(deserialize_with = "day")]
    pub(super) day: NaiveDate,
    pub(super) count: u64,
    pub(super) mean: Option<f64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Length {
    pub(super) from: u64,
    pub(super) below: Option<u64>,
    pub(super) prompts: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Completeness {
    pub(super) both: u64,
    pub(super) hook_only: u64,
    pub(super) transcript_only: u64,
}
