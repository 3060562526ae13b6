//! The report as one JSON document, with the API's own shape of figures.

use export::stats::{Figures, Stats};
use export::time::rfc3339;
use serde::Serialize;
use status::Finding;

use super::facts::{Facts, Prompt, Span, Stored};

#[derive(Serialize)]
struct Document<'f> {
    title: &'f str,
    since: Option<String>,
    until: Option<String>,
    made_at: Option<String>,
    project: Option<&'f str>,
    #[serde(flatten)]
    stored: Option<Told<'f>>,
    findings: &'f [Finding],
}

/// Left out while there is no store.
#[derive(Serialize)]
struct Told<'f> {
    now: Compared,
    before: Compared,
    figures: Stats<'f>,
    projects: Vec<Project<'f>>,
    kept: Vec<Item<'f>>,
    failed: Vec<Item<'f>>,
    costly: Vec<Item<'f>>,
    tags: Vec<Tag<'f>>,
}

#[derive(Serialize)]
struct Compared {
    since: Option<String>,
    until: Option<String>,
    #[serde(flatten)]
    figures: Figures,
    sessions: Option<u64>,
    complete: u64,
    interrupted: u64,
    failed_prompts: u64,
    open: u64,
    by_rating: [i64; 5],
    starred: u64,
    tool_calls: i64,
    tool_failures: i64,
}

#[derive(Serialize)]
struct Project<'f> {
    project: &'f str,
    prompts: Vec<Item<'f>>,
}

#[derive(Serialize)]
struct Item<'f> {
    id: i64,
    timestamp: Option<String>,
    project: Option<&'f str>,
    status: &'static str,
    rating: Option<u8>,
    star: bool,
    tags: &'f [String],
    cost_usd: Option<export::price::Usd>,
    /// Cut to a line.
    prompt: &'f str,
}

#[derive(Serialize)]
struct Tag<'f> {
    tag: &'f str,
    conversations: u64,
}

/// All of it.
pub(super) fn text(facts: &Facts) -> String {
    terminal::document(&Document {
        title: &facts.title,
        since: rfc3339(facts.since_ms),
        until: rfc3339(facts.until_ms),
        made_at: rfc3339(facts.made_ms),
        project: facts.project.as_deref(),
        stored: facts.stored.as_ref().map(told),
        findings: &facts.findings,
    })
}

fn told(stored: &Stored) -> Told<'_> {
    Told {
        now: compared(&stored.now),
        before: compared(&stored.before),
        figures: Stats::of(&stored.stats, "local"),
        projects: stored
            .projects
            .iter()
            .map(|(project, prompts)| Project { project, prompts: items(prompts) })
            .collect(),
        kept: items(&stored.kept),
        failed: items(&stored.failed),
        costly: items(&stored.costly),
        tags: stored.tags.iter().map(|it| Tag { tag: &it.tag, conversations: it.conversations }).collect(),
    }
}

fn compared(span: &Span) -> Compared {
    let outcomes = &span.outcomes;
    Compared {
        since: rfc3339(span.since_ms),
        until: rfc3339(span.until_ms),
        figures: Figures::of(&span.figures),
        sessions: span.sessions,
        complete: outcomes.complete,
        interrupted: outcomes.interrupted,
        failed_prompts: outcomes.failed,
        open: outcomes.open,
        by_rating: outcomes.ratings.0,
        starred: outcomes.starred,
        tool_calls: span.calls.0,
        tool_failures: span.calls.1,
    }
}

fn items(prompts: &[Prompt]) -> Vec<Item<'_>> {
    prompts.iter().map(Item::of).collect()
}

impl<'f> Item<'f> {
    fn of(prompt: &'f Prompt) -> Self {
        Self {
            id: prompt.id,
            timestamp: rfc3339(prompt.timestamp_ms),
            project: prompt.project.as_deref(),
            status: prompt.status.as_str(),
            rating: prompt.rating,
            star: prompt.star,
            tags: &prompt.tags,
            cost_usd: prompt.cost,
            prompt: &prompt.text,
        }
    }
}
