//! How it is going: what is wrong and what to do, what waits, who takes it in, what is missing, what room is left.
//!
//! A part that cannot be read is said to be so, and the rest is shown: the page is for days on which things fail.

mod failed;
mod passes;
mod store;

use maud::{Markup, html};
use status::{Finding, Folder, Severity, State, Status, Time};
use terminal::span;

use super::sentence::{sentence, shown};
use super::text::number;
use super::time::moment;
use crate::view::{FailedList, Page, Passes};

/// What a page is made from; what could not be read is not there.
pub(crate) struct Health<'a> {
    /// The document of `/api/health`.
    pub(crate) status: &'a Status,
    /// The passes of the last day.
    pub(crate) passes: Option<&'a Passes>,
    /// The files that failed.
    pub(crate) failed: Option<&'a FailedList<'a>>,
    /// Some prompts that hooks alone saw, and some that transcripts alone saw, the newest first.
    pub(crate) missing: Option<[&'a Page<'a>; 2]>,
    /// What a command says of the data directory, where it is not the usual one: `--home DIR`.
    pub(crate) home: Option<&'a str>,
}

impl Health<'_> {
    /// The page. Its parts are what the script puts in place again.
    pub(crate) fn render(&self) -> Markup {
        html! {
            (part("state", None, &self.state()))
            (part("queue", Some("Queue"), &self.queue()))
            (part("failed", Some("Failed files"), &failed::files(self)))
            (part("ingesters", Some("Ingesters"), &passes::ingesters(self)))
            (part("passes", Some("Passes of the last day"), &passes::plots(self)))
            (part("latency", Some("From capture to commit"), &passes::latency(self)))
            (part("completeness", Some("Completeness"), &store::completeness(self)))
            (part("store", Some("Database, disk, backups"), &store::facts(self)))
        }
    }

    fn state(&self) -> Markup {
        let status = self.status;
        let (word, class) = match status.status {
            State::Ok if status.database.is_none() => ("Nothing is captured yet.", "warn"),
            State::Ok => ("All is well.", "good"),
            State::Degraded => ("Something does not work as it could. Nothing is lost.", "warn"),
            State::Failing => ("Something is lost or will be, or nothing goes on.", "bad"),
        };
        html! {
            div class="head" { h1 { "Health" } a href="/health" { "Look again" } }
            p class={ "verdict " (class) } { (word) }
            @if status.database.is_none() { p { a href="/" { "What leads to the first prompt" } } }
            p class="quiet" { "At " (at(status.checked_at)) ", for " code { (shown(&status.home)) } ". " span id="away" class="bad" role="status" {} }
            @if !status.findings.is_empty() { ul class="findings" { @for finding in &status.findings { (told(finding, self.home)) } } }
        }
    }

    fn queue(&self) -> Markup {
        let Some(queue) = &self.status.queue else { return html! { p class="bad" { "The queue cannot be read." } } };
        html! {
            dl class="totals" {
                (gauge("Waiting", &queue.incoming, "")) (gauge("In work", &queue.processing, ""))
                (gauge("Failed", &queue.failed, if queue.failed.files > 0 { "warn" } else { "" }))
                (gauge("Being written", &queue.tmp, "")) (gauge("In the spill place", &queue.spill, ""))
            }
        }
    }
}

fn part(id: &str, title: Option<&str>, content: &Markup) -> Markup {
    html! { section data-part id=(id) aria-label=(title.unwrap_or("State")) { @if let Some(title) = title { h2 { (title) } } (content) } }
}

fn gauge(name: &str, folder: &Folder, class: &str) -> Markup {
    html! {
        div {
            dt { (name) }
            dd class=[(!class.is_empty()).then_some(class)] {
                (number(folder.files)) @if folder.files >= 100_000 { " or more" }
                @if let Some(age) = folder.oldest_age_ms { small { "oldest " (span(age)) " ago" } }
            }
        }
    }
}

fn told(finding: &Finding, home: Option<&str>) -> Markup {
    let (word, class) = match finding.severity {
        Severity::Note => ("Note", "quiet"),
        Severity::Warning => ("Warning", "warn"),
        Severity::Error => ("Error", "bad"),
    };
    html! { li { b class=(class) { (word) " " } code class="quiet" { (finding.code) } " " (sentence(&finding.detail, home)) " " span class="next" { (sentence(&finding.next_step, home)) } } }
}

fn at(time: Time) -> Markup {
    html! { @match export::time::rfc3339(time.0) { Some(text) => (moment(&text)), None => "an unknown time" } }
}

/// How long ago, with the time itself as a title; of what is to come, in how long.
fn ago(time: Time, now: Time) -> Markup {
    let text =
        if time > now { format!("in {}", span(time.ahead(now))) } else { format!("{} ago", span(time.ago(now))) };
    html! { @match export::time::rfc3339(time.0) { Some(written) => { time datetime=(written) title=(super::time::second(time.0)) { (text) } }, None => (text) } }
}
