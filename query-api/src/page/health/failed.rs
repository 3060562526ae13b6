//! The files that could not be taken in: why, and the command that puts each back.

use maud::{Markup, html};

use super::Health;
use crate::page::chart::scrolled;
use crate::page::sentence::{sentence, shown};
use crate::page::text::{clipped, number};
use crate::page::time::moment;
use crate::view::FailedItem;

/// Characters of a detail that the table shows.
const DETAIL: usize = 300;

pub(super) fn files(it: &Health<'_>) -> Markup {
    let Some(failed) = it.failed else {
        return html! { p class="bad" { "The folder of failed files cannot be read." } };
    };
    if failed.items.is_empty() {
        return html! { p class="quiet" { "None: everything that came was taken in." } };
    }
    let table = html! { table class="failed" {
        thead { tr { th scope="col" { "File" } th scope="col" { "Reason" } th scope="col" { "When" } th scope="col" class="number" { "Size" } th scope="col" { "To try it again" } } }
        tbody { @for (at, item) in failed.items.iter().enumerate() { (row(at, item)) } }
    } };
    html! {
        p class="quiet" { "They lie byte for byte in " code { "queue/failed" } ". Once the reason is gone, these commands, in a terminal of this machine, put them back into the queue; the next pass takes them in." }
        @if failed.items.len() > 1 || failed.more { p class="command" { "All of them: " code id="retry-all" { (failed.retry_all) } " " button type="button" data-copies="retry-all" hidden { "Copy" span class="vh" { " the command for all" } } } }
        (scrolled("Failed files", &table))
        @if failed.more { p class="quiet" { "The first " (number(failed.items.len() as u64)) " of them. " (sentence("`prompt-manager failed` lists all.", it.home)) } }
    }
}

fn row(at: usize, item: &FailedItem<'_>) -> Markup {
    let (file, id) = (item.file, format!("retry-{at}"));
    html! { tr {
        th scope="row" { code { (shown(&file.file)) } }
        td { b { (shown(file.reason.as_deref().unwrap_or("unknown"))) } @if let Some(detail) = &file.detail { " " (clipped(detail, DETAIL)) }
            @if let Some(attempts) = file.attempts.filter(|attempts| *attempts > 1) { " Begun " (attempts) " times." } }
        td { @if let Some(time) = &file.failed_at { (moment(time)) } }
        td class="number" { (terminal::size(file.size)) }
        td class="command" { @match &item.retry {
            Some(command) => { code id=(id) { (command) } " " button type="button" data-copies=(id) hidden { "Copy" span class="vh" { " the command for this file" } } }
            None => { "No hook wrote it: it cannot go into the queue. Look at it, and move it away." }
        } }
    } }
}
