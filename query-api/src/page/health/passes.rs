//! Who takes in, what the passes of the last day did, and how long events waited.

use maud::{Markup, html};
use status::parts::{Ingester, Percentiles};

use super::{Health, ago};
use crate::page::chart::scale::float;
use crate::page::chart::scrolled;
use crate::page::chart::stems::{Stem, stems};
use crate::page::sentence::{sentence, shown};
use crate::page::text::{about, number};
use crate::page::time::{second, took};
use crate::view::{Passes, PassesItem};

const DAY_MS: i64 = 86_400_000;
/// Hours that are named below a picture.
const HOURS: i64 = 6;
/// Passes that the table shows, the newest first.
const ROWS: usize = 50;

pub(super) fn ingesters(it: &Health<'_>) -> Markup {
    let (status, now) = (it.status, it.status.checked_at);
    if status.ingesters.is_empty() {
        return html! { p {
            "None runs. " @if let Some(last) = status.last_once_at { "The last " code { "once" } " ended " (ago(last, now)) ". " }
            (sentence("Start one with `prompt-manager run`, or have it run by itself: `prompt-manager setup service`.", it.home))
        } };
    }
    let row = |one: &Ingester| {
        html! { tr {
            td class="number" { (one.pid) } td { code { (shown(&one.command)) } } td { (shown(one.schedule.as_deref().unwrap_or("once"))) }
            td { (ago(one.started_at, now)) } td { @if let Some(last) = one.last_pass_at { (ago(last, now)) } @else { "none yet" } }
            td { @if let Some(next) = one.next_wake_at { (ago(next, now)) } } td { (shown(&one.version)) }
        } }
    };
    let heads = ["Process", "Command", "Schedule", "Began", "Last pass", "Looks again", "Version"];
    let table = html! { table { thead { tr { @for head in heads { th scope="col" class=[(head == "Process").then_some("number")] { (head) } } } } tbody { @for one in &status.ingesters { (row(one)) } } } };
    html! {
        (scrolled("Ingesters", &table))
        @if let Some(trouble) = &status.trouble { p class="bad" { "In trouble since " (ago(trouble.since_at, now)) ", " (number(trouble.count)) " times: " (shown(&trouble.text)) } }
    }
}

pub(super) fn plots(it: &Health<'_>) -> Markup {
    let Some(passes) = it.passes else { return html! { p class="bad" { "The passes cannot be read." } } };
    if passes.items.is_empty() {
        return html! { p class="quiet" { "None did anything: nothing came, or nobody takes in." } };
    }
    let now = it.status.checked_at.0;
    let from = now - DAY_MS;
    let names: Vec<String> = (0..=24 / HOURS).map(|at| clock(from + at * HOURS * 3_600_000)).collect();
    let took = picture(passes, from, "How long passes took", "s1", |it| it.took_ms, |ms| took(ms as i64), &names);
    let stored =
        picture(passes, from, "Events that passes stored", "s3", |it| it.stored, |count| about(count as u64), &names);
    html! {
        p class="quiet" { (number(passes.passes)) @if passes.passes == 1 { " pass" } @else { " passes" } " did something or met a fault; red: a fault ended one, or files failed." }
        h3 { "How long they took" } (took)
        h3 { "Events they stored" } (stored)
        details id="passes-table" { summary { "Table" } (scrolled("Passes", &table(passes))) }
        p { a href="/api/health/passes" { "All as JSON" } }
    }
}

fn picture(
    passes: &Passes,
    from: i64,
    label: &str,
    class: &'static str,
    value: fn(&PassesItem) -> i64,
    form: fn(f64) -> String,
    names: &[String],
) -> Markup {
    let mark = |it: &PassesItem| Stem {
        at: float(it.began_ms - from) / float(DAY_MS),
        value: float(value(it)),
        class: if it.faults > 0 || it.failed > 0 { "bad" } else { class },
        title: format!("{}: {}, {} stored, {} failed", second(it.began_ms), took(it.took_ms), it.stored, it.failed),
    };
    let marks: Vec<_> = passes.items.iter().map(mark).collect();
    stems(&format!("{label}, over the last day"), &marks, names, form)
}

fn clock(ms: i64) -> String {
    chrono::DateTime::from_timestamp_millis(ms)
        .map_or_else(String::new, |time| time.with_timezone(&chrono::Local).format("%H:%M").to_string())
}

fn table(passes: &Passes) -> Markup {
    let heads = ["Passes", "Took", "Stored", "Replayed", "Failed", "Conversations", "Faults"];
    html! { table {
        thead { tr { th scope="col" { "Began" } @for head in heads { th scope="col" class="number" { (head) } } } }
        tbody { @for it in passes.items.iter().rev().take(ROWS) { tr {
            th scope="row" { (second(it.began_ms)) } td class="number" { (number(it.passes)) } td class="number" { (took(it.took_ms)) }
            @for count in [it.stored, it.replayed, it.failed, it.conversations, it.faults] { td class="number" { (number(count)) } }
        } } }
    } }
}

pub(super) fn latency(it: &Health<'_>) -> Markup {
    let Some(waits) = &it.status.latency else { return html! { p class="bad" { "It cannot be read." } } };
    let row = |name: &str, it: Percentiles| {
        html! { tr {
            th scope="row" { (name) } td class="number" { (number(it.events)) }
            @for ms in [it.p50_ms, it.p95_ms, it.p99_ms] { td class="number" { (ms.map_or_else(|| "–".to_owned(), |ms| terminal::span(ms.unsigned_abs()))) } }
        } }
    };
    let table = html! { table class="small" {
        thead { tr { th scope="col" { "Committed" } @for head in ["Events", "Half within", "95 % within", "99 % within"] { th scope="col" class="number" { (head) } } } }
        tbody { (row("in the last hour", waits.hour)) (row("in the last day", waits.day)) }
    } };
    scrolled("From capture to commit", &table)
}
