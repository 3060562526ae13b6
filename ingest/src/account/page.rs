//! A report as sections of lines and tables, the same in every form that people read. Its texts are plain: what they mean to a
//! form of writing is that form's business.

use export::stats::{Figures, Stats, Used};
use status::{Finding, Severity};
use store::Status;
use terminal::figure::{number, short, usd};
use terminal::text::one_line;
use terminal::time::minute;

use super::facts::{Facts, NAME, Prompt, Span, Stored, TAG};

/// So many lines of a table are shown.
const ROWS: usize = 12;
/// So many columns of a project's own name.
const SHORT: usize = 32;
/// So many columns of a sentence.
const SENTENCE: usize = 240;
/// And so many days: as many as a quarter of a year has.
const DAYS: usize = 92;

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) title: String,
    pub(super) about: Vec<String>,
    pub(super) sections: Vec<Section>,
}

/// A part with a head.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) head: &'static str,
    pub(super) parts: Vec<Part>,
}

/// What a section consists of.
#[derive(Debug)]
pub(super) enum Part {
    /// A head within the section.
    Head(String),
    /// A sentence.
    Text(String),
    /// A sentence of ours, with commands between backticks.
    Step(String),
    /// Names and figures.
    Table(Table),
    /// Prompts.
    Prompts(Vec<Line>),
}

/// Of each row the first cell is a name, the others are figures.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) heads: &'static [&'static str],
    pub(super) rows: Vec<Row>,
}

/// A row.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) cells: Vec<String>,
    /// How it stands to the largest of its table, in hundredths, where that is worth a picture.
    pub(super) share: Option<u8>,
}

/// A prompt.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) id: i64,
    pub(super) marks: String,
    pub(super) text: String,
    pub(super) about: String,
}

impl Page {
    /// Of these facts.
    pub(super) fn of(facts: &Facts) -> Self {
        let until_ms = facts.until_ms.min(facts.made_ms.max(facts.since_ms));
        let mut about = format!("From {} to {}, in local time", minute(facts.since_ms), minute(until_ms));
        if let Some(project) = &facts.project {
            about += &format!("; only {project}");
        }
        let mut page = Self { title: facts.title.clone(), about: vec![about + "."], sections: Vec::new() };
        match &facts.stored {
            None => page.about.push("Nothing is stored yet: nothing was captured, or not taken in.".to_owned()),
            Some(stored) if stored.is_empty() => page.about.push("Nothing was asked in this time.".to_owned()),
            Some(stored) => page.fill(stored),
        }
        page.sections.push(Section { head: "Health", parts: health(&facts.findings) });
        page
    }

    fn fill(&mut self, stored: &Stored) {
        let stats = Stats::of(&stored.stats, "local");
        let mut figures = vec![Part::Table(compared(&stored.now, &stored.before))];
        let before = &stored.before;
        self.about.push(format!("Before: from {} to {}.", minute(before.since_ms), minute(before.until_ms)));
        if stats.total.used.unpriced_messages > 0 {
            let messages = count(stats.total.used.unpriced_messages, "message");
            figures.push(Part::Text(format!("Without a list price, and not in the cost: {messages}.")));
        }
        if stats.sessions_to_derive_again > 0 {
            let sessions = count(stats.sessions_to_derive_again, "session");
            let text = format!("{sessions} to be derived by newer rules: until then these figures are not complete.");
            figures.push(Part::Text(text));
        }
        for (head, parts) in [
            ("Figures", figures),
            ("What was asked", asked(&stats, stored)),
            ("What worked", worked(stored)),
            ("What failed", failed(&stats, stored)),
            ("What it cost", cost(&stats, stored)),
        ] {
            self.sections.push(Section { head, parts });
        }
    }
}

fn compared(now: &Span, before: &Span) -> Table {
    let n = |figure: i64| figure.unsigned_abs();
    let counted = |figures: (u64, u64)| (number(figures.0), number(figures.1), change(figures));
    let both = |figure: fn(&Span) -> u64| counted((figure(now), figure(before)));
    let cost = |span: &Span| n(span.figures.tokens.cost);
    let dollars = |span: &Span| usd(export::price::Usd::from_pico(cost(span).into()).dollars());
    let sessions = match (now.sessions, before.sessions) {
        (Some(now), Some(before)) => counted((now, before)),
        (now, before) => {
            let some = |sessions: Option<u64>| sessions.map_or_else(|| "many".to_owned(), number);
            (some(now), some(before), String::new())
        }
    };
    let rows = [
        ("Prompts", both(|span| span.figures.conversations.unsigned_abs())),
        ("Sessions", sessions),
        ("Answered", both(|span| span.outcomes.complete)),
        ("Failed", both(|span| span.outcomes.failed)),
        ("With a fault", both(|span| span.figures.failed.unsigned_abs())),
        ("Interrupted", both(|span| span.outcomes.interrupted)),
        ("Not ended", both(|span| span.outcomes.open)),
        ("Tool calls", both(|span| span.calls.0.unsigned_abs())),
        ("of these failed or refused", both(|span| span.calls.1.unsigned_abs())),
        ("Tokens", both(|span| tokens(&span.figures.tokens))),
        ("Cost by list price", (dollars(now), dollars(before), change((cost(now), cost(before))))),
    ];
    let row = |(name, (now, before, change)): (&str, (String, String, String))| Row {
        cells: vec![name.to_owned(), now, before, change],
        share: None,
    };
    Table { heads: &["What", "Now", "Before", "Change"], rows: rows.map(row).into() }
}

fn asked(stats: &Stats<'_>, stored: &Stored) -> Vec<Part> {
    let most = stats.projects.iter().map(|it| it.figures.conversations).max();
    let rows = stats.projects.iter().take(ROWS).map(|it| Row {
        cells: named(it.project.unwrap_or("(unknown place)"), &it.figures),
        share: share(it.figures.conversations, most),
    });
    let mut parts = vec![Part::Table(Table { heads: &["Project", "Prompts", "Tokens", "Cost"], rows: rows.collect() })];
    parts.extend(more(stats.projects.len(), "project"));
    for (name, prompts) in stored.projects.iter().filter(|(_, prompts)| !prompts.is_empty()) {
        parts.push(Part::Head(one_line(name, NAME)));
        parts.push(Part::Prompts(prompts.iter().map(|prompt| line(prompt, false)).collect()));
    }
    parts
}

fn worked(stored: &Stored) -> Vec<Part> {
    let outcomes = &stored.now.outcomes;
    let rated = outcomes.ratings.count();
    let mut text = match outcomes.ratings.mean() {
        Some(mean) => {
            let good: i64 = outcomes.ratings.0[3..].iter().sum();
            format!(
                "Rated: {}, {} of them 4 or 5; {mean:.1} on average",
                count(rated, "prompt"),
                number(good.unsigned_abs())
            )
        }
        None => "No prompt was rated".to_owned(),
    };
    if outcomes.starred > 0 {
        text += &format!("; starred: {}", number(outcomes.starred));
    }
    let mut parts = vec![Part::Text(text + ".")];
    if !stored.tags.is_empty() {
        let tags =
            stored.tags.iter().map(|tag| format!("#{} ({})", one_line(&tag.tag, TAG), number(tag.conversations)));
        parts.push(Part::Text(format!("Tags: {}.", tags.collect::<Vec<_>>().join(", "))));
    }
    if !stored.kept.is_empty() {
        parts.push(Part::Prompts(stored.kept.iter().map(|prompt| line(prompt, true)).collect()));
    }
    parts
}

fn failed(stats: &Stats<'_>, stored: &Stored) -> Vec<Part> {
    let mut parts = Vec::new();
    if !stored.failed.is_empty() {
        parts.push(Part::Prompts(stored.failed.iter().map(|prompt| line(prompt, true)).collect()));
        let all = stored.now.outcomes.failed + stored.now.outcomes.interrupted;
        if all > stored.failed.len() as u64 {
            parts.push(Part::Text(format!("These are the newest of {}.", number(all))));
        }
    }
    let mut tools: Vec<_> = stats.tools.iter().filter(|tool| tool.failures > 0).collect();
    tools.sort_by_key(|tool| std::cmp::Reverse(tool.failures));
    let most = tools.first().map(|tool| tool.failures);
    let rows: Vec<_> = tools
        .iter()
        .take(ROWS)
        .map(|tool| Row {
            cells: vec![
                one_line(tool.name, NAME),
                number(tool.failures.unsigned_abs()),
                number(tool.calls.unsigned_abs()),
                percent(tool.failures, tool.calls),
            ],
            share: share(tool.failures, most),
        })
        .collect();
    if !rows.is_empty() {
        parts.push(Part::Table(Table { heads: &["Tool", "Failed or refused", "Calls", "Share"], rows }));
    }
    if parts.is_empty() {
        parts.push(Part::Text("No prompt and no tool.".to_owned()));
    }
    parts
}

fn cost(stats: &Stats<'_>, stored: &Stored) -> Vec<Part> {
    let cents = |used: &Used| i64::try_from(used.cost_usd.micros()).unwrap_or(i64::MAX);
    let most = stats.models.iter().map(|it| cents(&it.used)).max();
    let models = stats.models.iter().take(ROWS).map(|it| Row {
        cells: vec![
            one_line(it.model.unwrap_or("(no model named)"), NAME),
            number(it.used.messages.unsigned_abs()),
            short(it.used.tokens()),
            price(&it.used),
        ],
        share: share(cents(&it.used), most),
    });
    let mut parts =
        vec![Part::Table(Table { heads: &["Model", "Messages", "Tokens", "Cost"], rows: models.collect() })];
    let most = stats.days.iter().map(|it| cents(&it.figures.used)).max();
    let skipped = stats.days.len().saturating_sub(DAYS);
    let days = stats
        .days
        .iter()
        .skip(skipped)
        .map(|it| Row { cells: named(&it.day, &it.figures), share: share(cents(&it.figures.used), most) });
    parts.push(Part::Table(Table { heads: &["Day", "Prompts", "Tokens", "Cost"], rows: days.collect() }));
    if skipped > 0 {
        parts.push(Part::Text(format!("These are the last {DAYS} of {} days.", stats.days.len())));
    }
    if !stored.costly.is_empty() {
        parts.push(Part::Head("The most costly, by their own messages".to_owned()));
        parts.push(Part::Prompts(stored.costly.iter().map(|prompt| line(prompt, true)).collect()));
    }
    parts
}

fn health(findings: &[Finding]) -> Vec<Part> {
    if findings.is_empty() {
        return vec![Part::Text("Nothing is wrong.".to_owned())];
    }
    let text = |finding: &Finding| {
        let word = match finding.severity {
            Severity::Note => "Note",
            Severity::Warning => "Warning",
            Severity::Error => "Error",
        };
        let detail = format!("{word}: {}", finding.detail);
        [Part::Text(one_line(&detail, SENTENCE)), Part::Step(one_line(&finding.next_step, SENTENCE))]
    };
    findings.iter().flat_map(text).collect()
}

/// The pieces of a sentence, and whether each is a command. A backtick without its fellow is a sign like any other.
pub(super) fn pieces(step: &str) -> Vec<(&str, bool)> {
    let pieces: Vec<&str> = step.split('`').collect();
    if pieces.len().is_multiple_of(2) {
        return vec![(step, false)];
    }
    pieces
        .into_iter()
        .enumerate()
        .map(|(at, piece)| (piece, at % 2 == 1))
        .filter(|(piece, _)| !piece.is_empty())
        .collect()
}

fn line(prompt: &Prompt, with_project: bool) -> Line {
    let mut marks = prompt.rating.map(|rating| format!("★{rating}")).unwrap_or_default();
    if prompt.star {
        marks.push('☆');
    }
    let mut about = vec![minute(prompt.timestamp_ms)];
    if let Some(project) = prompt.project.as_ref().filter(|_| with_project) {
        let name = project.rsplit('/').find(|name| !name.is_empty()).unwrap_or(project);
        about.push(one_line(name, SHORT));
    }
    match prompt.status {
        Status::Complete => {}
        status => about.push(status.as_str().to_owned()),
    }
    about.extend(prompt.cost.filter(|cost| cost.micros() > 0).map(|cost| usd(cost.dollars())));
    about.extend(prompt.tags.iter().map(|tag| format!("#{tag}")));
    Line { id: prompt.id, marks, text: prompt.text.clone(), about: about.join(", ") }
}

fn named(name: &str, figures: &Figures) -> Vec<String> {
    vec![
        one_line(name, NAME),
        number(figures.conversations.unsigned_abs()),
        short(figures.used.tokens()),
        price(&figures.used),
    ]
}

/// What it cost; nothing where nothing of it has a price.
fn price(used: &Used) -> String {
    let unknown = used.cost_usd.pico() == 0 && used.unpriced_messages > 0;
    if unknown { "unknown".to_owned() } else { usd(used.cost_usd.dollars()) }
}

fn tokens(tokens: &store::read::stats::Tokens) -> u64 {
    let kinds = [tokens.input, tokens.output, tokens.cache_creation, tokens.cache_read];
    kinds.into_iter().fold(0, |sum, kind| sum.saturating_add(kind.unsigned_abs()))
}

fn more(all: usize, what: &str) -> Option<Part> {
    (all > ROWS).then(|| Part::Text(format!("These are the first {ROWS} of {all} {what}s.")))
}

/// `+50 %`; nothing where there was nothing before.
fn change((now, before): (u64, u64)) -> String {
    if before == 0 {
        return String::new();
    }
    let percent = (i128::from(now) - i128::from(before)) * 100 / i128::from(before);
    match percent {
        0 if now == before => "0 %".to_owned(),
        percent if now >= before => format!("+{} %", number(percent.unsigned_abs().try_into().unwrap_or(u64::MAX))),
        percent => format!("−{} %", number(percent.unsigned_abs().try_into().unwrap_or(u64::MAX))),
    }
}

fn percent(part: i64, whole: i64) -> String {
    if whole <= 0 { String::new() } else { format!("{} %", part.saturating_mul(100) / whole) }
}

fn share(figure: i64, most: Option<i64>) -> Option<u8> {
    let most = most.filter(|most| *most > 0)?;
    u8::try_from(i128::from(figure.max(0)) * 100 / i128::from(most)).ok()
}

/// `1 session`, `2 sessions`.
fn count(n: i64, what: &str) -> String {
    format!("{} {what}{}", number(n.unsigned_abs()), if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes() {
        let check = |now, before, expected: &str| assert_eq!(change((now, before)), expected, "{now} {before}");
        check(0, 0, "");
        check(5, 0, "");
        check(5, 5, "0 %");
        check(6, 4, "+50 %");
        check(1, 4, "−75 %");
        check(0, 4, "−100 %");
        check(1001, 1000, "+0 %");
        check(999, 1000, "−0 %");
        check(u64::MAX, 1, "+18,446,744,073,709,551,615 %");
    }

    #[test]
    fn steps() {
        let check = |step, expected: &[(&str, bool)]| assert_eq!(pieces(step), expected, "{step}");
        check("Run `a b`, or `c`.", &[("Run ", false), ("a b", true), (", or ", false), ("c", true), (".", false)]);
        check("`a", &[("`a", false)]);
        check("Look.", &[("Look.", false)]);
    }

    #[test]
    fn shares() {
        let check = |figure, most, expected: Option<u8>| assert_eq!(share(figure, most), expected, "{figure} {most:?}");
        check(0, None, None);
        check(0, Some(0), None);
        check(1, Some(3), Some(33));
        check(3, Some(3), Some(100));
        check(i64::MAX, Some(i64::MAX), Some(100));
        assert_eq!((percent(1, 3), percent(0, 0)), ("33 %".to_owned(), String::new()));
        assert_eq!((count(1, "prompt"), count(1234, "prompt")), ("1 prompt".to_owned(), "1,234 prompts".to_owned()));
    }
}
