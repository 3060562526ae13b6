//! What a report is made of, asked of the store: figures of a span and of the one before, and the prompts that tell most of it.
//!
//! Texts are cut to a line here and cleaned of every sign that would be obeyed instead of shown, whatever form they are given
//! later.

use std::time::SystemTime;

use chrono::{DateTime, Local, Offset};
use export::price::Usd;
use settings::Settings;
use status::Finding;
use store::read::stats::{self, Stats, StatsRequest};
use store::read::{Filter, ListRequest, Listed, Outcomes, Reader, Sort, TagCount, Texts};
use store::{Kind, Status, Veil};
use terminal::text::one_line;

use super::args::Report;
use crate::clock::millis;
use crate::error::Error;

/// Figures are kept by quarters of an hour, so a span begins and ends with one.
const QUARTER_MS: i64 = 900_000;
/// The most projects that are told of,
const PROJECTS: usize = 8;
/// the most prompts of each,
const OF_PROJECT: usize = 4;
/// and of each other kind,
const PROMPTS: usize = 12;
/// but of the most costly,
const COSTLY: usize = 6;
/// and the most tags, of all and of a prompt.
const TAGS: usize = 12;
const OF_PROMPT: usize = 4;
/// So many columns of a prompt are shown,
const PROMPT: usize = 110;
/// of a name,
pub(super) const NAME: usize = 60;
/// and of a tag. So no line becomes longer than a mail may have it.
pub(super) const TAG: usize = 18;

/// All of it.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) title: String,
    pub(super) project: Option<String>,
    pub(super) made_ms: i64,
    pub(super) since_ms: i64,
    pub(super) until_ms: i64,
    /// `None` while there is no store.
    pub(super) stored: Option<Stored>,
    pub(super) findings: Vec<Finding>,
}

/// What the store says.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) stats: Stats,
    pub(super) now: Span,
    pub(super) before: Span,
    /// The prompts of the busiest projects, by name.
    pub(super) projects: Vec<(String, Vec<Prompt>)>,
    /// Rated 4 or 5, starred or tagged.
    pub(super) kept: Vec<Prompt>,
    pub(super) failed: Vec<Prompt>,
    pub(super) costly: Vec<Prompt>,
    pub(super) tags: Vec<TagCount>,
}

/// What is compared.
#[derive(Clone, Debug)]
pub(super) struct Span {
    pub(super) since_ms: i64,
    pub(super) until_ms: i64,
    pub(super) figures: stats::Figures,
    pub(super) outcomes: Outcomes,
    /// `None` where there are so many that it takes too long.
    pub(super) sessions: Option<u64>,
    /// Of tools, and how many of them failed or were refused.
    pub(super) calls: (i64, i64),
}

/// A prompt on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Prompt {
    pub(super) id: i64,
    pub(super) timestamp_ms: i64,
    pub(super) project: Option<String>,
    pub(super) status: Status,
    pub(super) rating: Option<u8>,
    pub(super) star: bool,
    pub(super) tags: Vec<String>,
    /// List price of its own messages, as far as it is known.
    pub(super) cost: Option<Usd>,
    pub(super) text: String,
}

impl Facts {
    /// Asks for it.
    ///
    /// # Errors
    /// A span that ends before it begins; the store's, except that there is none.
    pub(super) fn gather(settings: &Settings, args: &Report, now: SystemTime) -> Result<Self, Error> {
        let made_ms = millis(now);
        // Nothing is older than 1970, and a time before the calendar has no name.
        let since_ms = args.since.begin(made_ms).max(0).div_euclid(QUARTER_MS) * QUARTER_MS;
        let until = args.until.map_or(made_ms, |until| until.end(made_ms));
        let until_ms = until.saturating_add(QUARTER_MS - 1).div_euclid(QUARTER_MS).saturating_mul(QUARTER_MS);
        if until <= since_ms {
            return Err(Error::Usage("the span ends before it begins: see --since and --until".to_owned()));
        }
        let mut reader = match Reader::open_anywhere(&settings.home) {
            Ok(reader) => Some(reader),
            Err(store::Error::Missing { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let project = match (&args.project, &mut reader) {
            (Some(typed), Some(reader)) => {
                let mut holds = |folder: &str| {
                    let filter = Filter { project: Some(folder.to_owned()), ..Filter::default() };
                    reader.found(&filter, 0).map(|(_, is_there)| is_there)
                };
                Some(typed.known(&mut holds)?)
            }
            (Some(typed), None) => Some(typed.known(|_| Ok::<_, store::Error>(false))?),
            (None, _) => None,
        };
        let veil = Veil::of(settings.secrets()?);
        let project_shown = project.as_deref().map(|project| one_line(&veil.over(project), PROMPT));
        let stored = reader.map(|reader| Stored::read(reader, &veil, since_ms, until_ms, project.as_deref()));
        let title = args.title.as_deref().map(|title| one_line(title, PROMPT)).filter(|title| !title.is_empty());
        Ok(Self {
            title: title.unwrap_or_else(|| titled(since_ms, until.saturating_sub(1))),
            project: project_shown,
            made_ms,
            since_ms,
            until_ms,
            stored: stored.transpose()?,
            findings: status::Status::gather(settings, now).findings,
        })
    }
}

impl Stored {
    /// Whether there is nothing to tell.
    pub(super) fn is_empty(&self) -> bool {
        self.stats.days.is_empty() && self.stats.tools.is_empty() && self.stats.projects.is_empty()
    }

    fn read(
        mut bare: Reader,
        veil: &Veil,
        since_ms: i64,
        until_ms: i64,
        project: Option<&str>,
    ) -> Result<Self, store::Error> {
        let whole = Filter {
            since_ms: Some(since_ms),
            until_ms: Some(until_ms),
            project: project.map(str::to_owned),
            kinds: Kind::LISTED.to_vec(),
            ..Filter::default()
        };
        // What is asked of a project is asked by its own name, which may not be shown.
        let names = figures(&mut bare, since_ms, until_ms, project)?.projects.into_iter().filter_map(|(name, _)| name);
        let reader = &mut bare.veiled(veil.clone());
        let stats = figures(reader, since_ms, until_ms, project)?;
        let before_ms = before(since_ms, until_ms);
        let before = figures(reader, before_ms, since_ms, project)?;
        let earlier = Filter { since_ms: Some(before_ms), until_ms: Some(since_ms), ..whole.clone() };
        let mut projects = Vec::new();
        for name in names.take(PROJECTS) {
            let shown = veil.over(&name).into_owned();
            let of_it = Filter { of_project: Some(name), ..whole.clone() };
            let mut prompts = kept(reader, of_it.clone())?;
            prompts.extend(costly(reader, of_it.clone())?);
            prompts.extend(list(reader, of_it, Sort::Time)?);
            projects.push((shown, distinct(prompts, OF_PROJECT)));
        }
        let failed = Filter { statuses: vec![Status::Failed, Status::Interrupted], ..whole.clone() };
        Ok(Self {
            now: span(reader, &stats, &whole)?,
            before: span(reader, &before, &earlier)?,
            projects,
            kept: distinct(kept(reader, whole.clone())?, PROMPTS),
            failed: distinct(list(reader, failed, Sort::Time)?, PROMPTS),
            costly: distinct(costly(reader, whole.clone())?, COSTLY),
            tags: reader.tags_of(&whole, TAGS)?,
            stats,
        })
    }
}

fn figures(reader: &mut Reader, since_ms: i64, until_ms: i64, project: Option<&str>) -> Result<Stats, store::Error> {
    let project = project.map(str::to_owned);
    let request =
        StatsRequest { since_ms: Some(since_ms), until_ms: Some(until_ms), project, ..StatsRequest::default() };
    reader.stats(&request, &offset)
}

fn span(reader: &mut Reader, stats: &Stats, filter: &Filter) -> Result<Span, store::Error> {
    let sessions = match reader.count_sessions(filter) {
        Ok(sessions) => Some(sessions),
        Err(store::Error::Interrupted { .. }) => None,
        Err(error) => return Err(error),
    };
    let calls = stats.tools.iter().fold((0, 0), |sum, tool| (sum.0 + tool.calls, sum.1 + tool.failures));
    Ok(Span {
        since_ms: filter.since_ms.unwrap_or_default(),
        until_ms: filter.until_ms.unwrap_or_default(),
        figures: stats.total,
        outcomes: reader.outcomes(filter)?,
        sessions,
        calls,
    })
}

/// What people say is worth keeping, the best first.
fn kept(reader: &mut Reader, filter: Filter) -> Result<Vec<Prompt>, store::Error> {
    list(reader, Filter { kept: Some(true), ..filter }, Sort::Rating)
}

fn costly(reader: &mut Reader, filter: Filter) -> Result<Vec<Prompt>, store::Error> {
    let mut prompts = list(reader, filter, Sort::Cost)?;
    prompts.retain(|prompt| prompt.cost.is_some_and(|cost| cost > Usd::default()));
    Ok(prompts)
}

fn list(reader: &mut Reader, filter: Filter, sort: Sort) -> Result<Vec<Prompt>, store::Error> {
    let limit = u32::try_from(PROMPTS).unwrap_or(u32::MAX);
    let request = ListRequest { filter, sort, limit, texts: Texts::Begun, ..ListRequest::default() };
    Ok(reader.list(&request)?.items.iter().map(Prompt::of).collect())
}

/// The first ones, each once.
fn distinct(prompts: Vec<Prompt>, most: usize) -> Vec<Prompt> {
    let mut seen = std::collections::BTreeSet::new();
    prompts.into_iter().filter(|prompt| seen.insert(prompt.id)).take(most).collect()
}

impl Prompt {
    fn of(item: &Listed) -> Self {
        let text = one_line(item.turn.prompt_text.as_deref().unwrap_or_default(), PROMPT);
        Self {
            id: item.turn.id.0,
            timestamp_ms: item.turn.timestamp_ms,
            project: item.turn.project.clone(),
            status: item.turn.status,
            rating: item.marks.rating.map(store::human::Rating::get),
            star: item.marks.starred,
            tags: item.marks.tags.iter().take(OF_PROMPT).map(|tag| one_line(tag, TAG)).collect(),
            cost: item.figures.cost.map(|cost| Usd::from_pico(cost.unsigned_abs().into())),
            text: if text.is_empty() { "(no prompt was seen)".to_owned() } else { text },
        }
    }
}

/// How many seconds the machine's zone is east of UTC.
fn offset(ms: i64) -> i32 {
    let time = DateTime::from_timestamp_millis(ms).unwrap_or_default();
    time.with_timezone(&Local).offset().fix().local_minus_utc()
}

/// Where the time before a span begins: as long before it by the clock on the wall, also where that was put forward or back.
fn before(since_ms: i64, until_ms: i64) -> i64 {
    let east = |ms: i64| i64::from(offset(ms)) * 1000;
    let wall = |ms: i64| ms.saturating_add(east(ms));
    let begins = wall(since_ms).saturating_sub(wall(until_ms).saturating_sub(wall(since_ms)));
    begins.saturating_sub(east(begins.saturating_sub(east(since_ms))))
}

/// By the days that it touches.
fn titled(first_ms: i64, last_ms: i64) -> String {
    let day = |ms: i64| {
        let time = DateTime::from_timestamp_millis(ms).unwrap_or_default();
        time.with_timezone(&Local).date_naive().to_string()
    };
    match (day(first_ms), day(last_ms)) {
        (first, last) if first == last => format!("Prompts of {first}"),
        (first, last) => format!("Prompts of {first} to {last}"),
    }
}
