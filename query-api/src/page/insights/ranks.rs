//! What was used most: models, projects, tools, commands. The table is the picture: each row has its bar.

use maud::{Markup, html};

use super::{Insights, amount};
use crate::page::chart::scale::float;
use crate::page::chart::{Figure, bar};
use crate::page::text::{clipped, dollars, number};
use crate::page::time::took;

/// So many rows are shown; the file has all.
const ROWS: usize = 12;

/// A section of a table, of whose `all` rows the first are shown.
fn section(it: &Insights<'_>, id: &str, title: &str, all: usize, table: Markup) -> Markup {
    if all == 0 {
        return html! {};
    }
    let note = (all > ROWS).then(|| html! { "The first " (ROWS) " of " (number(all as u64)) "; the file has all." });
    Figure { id, title, note, picture: None, table, csv: it.csv(id) }.section()
}

/// The largest of some values, for the bars.
fn largest(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(0.0, f64::max)
}

pub(super) fn models(it: &Insights<'_>) -> Markup {
    let models = &it.stats.models;
    let top = largest(models.iter().map(|model| model.used.cost_usd.dollars()));
    let by_tokens = largest(models.iter().map(|model| float(model.used.output_tokens)));
    let table = html! { table class="ranks" {
        thead { tr { th scope="col" { "Model" } th scope="col" class="picture" { (if top > 0.0 { "Cost" } else { "Written" }) }
            @for head in ["List price", "Written", "Read", "From the cache", "Messages"] { th scope="col" class="number" { (head) } } } }
        tbody { @for model in models.iter().take(ROWS) {
            @let used = &model.used;
            tr {
                th scope="row" { @match model.model { Some(name) => { a href=(it.list(&[("model", name)])) { (clipped(name, 60)) } } None => { "(none named)" } } }
                td class="picture" { @if top > 0.0 { (bar(used.cost_usd.dollars(), 0.0, top)) } @else { (bar(float(used.output_tokens), 0.0, by_tokens)) } }
                td class="number" { @if used.unpriced_messages >= used.messages { "unknown" } @else { (dollars(used.cost_usd.dollars())) } }
                td class="number" { (amount(used.output_tokens)) } td class="number" { (amount(used.input_tokens)) }
                td class="number" { (amount(used.cache_read_tokens)) } td class="number" { (number(used.messages)) }
            }
        } }
    } };
    section(it, "models", "Models", models.len(), table)
}

pub(super) fn projects(it: &Insights<'_>) -> Markup {
    let projects = &it.stats.projects;
    let top = largest(projects.iter().map(|project| float(project.figures.conversations)));
    let table = html! { table class="ranks" {
        thead { tr { th scope="col" { "Project" } th scope="col" class="picture" { "Prompts, with a fault in red" }
            @for head in ["Prompts", "With a fault", "Written", "List price"] { th scope="col" class="number" { (head) } } } }
        tbody { @for project in projects.iter().take(ROWS) {
            @let figures = &project.figures;
            tr {
                th scope="row" { @match project.project { Some(name) => { a href=(it.with("/insights", &[("project", name)])) title=(clipped(name, 300)) { (clipped(name, 60)) } } None => { "(unknown)" } } }
                td class="picture" { (bar(float(figures.conversations), float(figures.failed), top)) }
                td class="number" { (number(figures.conversations)) } td class="number" { (number(figures.failed)) }
                td class="number" { (amount(figures.used.output_tokens)) } td class="number" { (dollars(figures.used.cost_usd.dollars())) }
            }
        } }
    } };
    section(it, "projects", "Projects", projects.len(), table)
}

pub(super) fn tools(it: &Insights<'_>) -> Markup {
    let tools = &it.stats.tools;
    let top = largest(tools.iter().map(|tool| float(tool.calls)));
    let time = |ms: Option<i64>| ms.map_or_else(|| "–".to_owned(), took);
    let good = |calls: i64, failures: i64| {
        if calls > 0 { format!("{:.0} %", 100.0 * float(calls - failures) / float(calls)) } else { String::new() }
    };
    let table = html! { table class="ranks" {
        thead { tr { th scope="col" { "Tool" } th scope="col" class="picture" { "Calls, failed or refused in red" }
            @for head in ["Calls", "Failed", "Success", "Median", "95 %"] { th scope="col" class="number" { (head) } } } }
        tbody { @for tool in tools.iter().take(ROWS) { tr {
            th scope="row" { a href=(it.list(&[("tool", tool.name)])) { (clipped(tool.name, 60)) } }
            td class="picture" { (bar(float(tool.calls), float(tool.failures), top)) }
            td class="number" { (number(tool.calls)) } td class="number" { (number(tool.failures)) } td class="number" { (good(tool.calls, tool.failures)) }
            td class="number" title=(format!("of {} measured calls", tool.measured)) { (time(tool.median_ms)) } td class="number" { (time(tool.p95_ms)) }
        } } }
    } };
    section(it, "tools", "Tools", tools.len(), table)
}

pub(super) fn commands(it: &Insights<'_>) -> Markup {
    let commands = &it.stats.commands;
    let top = largest(commands.iter().map(|command| float(command.uses)));
    let table = html! { table class="ranks" {
        thead { tr { th scope="col" { "Command" } th scope="col" class="picture" { "Uses" } th scope="col" class="number" { "Uses" } } }
        tbody { @for command in commands.iter().take(ROWS) { tr {
            th scope="row" { code { (clipped(command.command, 60)) } } td class="picture" { (bar(float(command.uses), 0.0, top)) } td class="number" { (number(command.uses)) }
        } } }
    } };
    section(it, "commands", "Commands", commands.len(), table)
}
