//! What the store holds, what it lacks, and what room it has.

use maud::{Markup, html};
use status::parts::BackupKind;
use terminal::{size, span};

use super::{Health, ago};
use crate::page::chart::scrolled;
use crate::page::row::{Said, row};
use crate::page::sentence::shown;
use crate::page::text::number;
use crate::view::Page;

pub(super) fn completeness(it: &Health<'_>) -> Markup {
    let Some(seen) = it.status.completeness else { return html! { p class="bad" { "The database cannot be read." } } };
    let all = seen.both + seen.hook_only + seen.transcript_only;
    let share =
        |count: i64| if all > 0 { format!("{:.1} %", 100.0 * count as f64 / all as f64) } else { String::new() };
    let counted = |name: &str, count: i64, source: &str| {
        html! { tr {
            th scope="row" { (name) } td class="number" { a href={ "/?source=" (source) } { (number(count)) } } td class="number" { (share(count)) }
        } }
    };
    let table = html! { table class="small" {
        thead { tr { th scope="col" { "Prompts seen" } th scope="col" class="number" { "Prompts" } th scope="col" class="number" { "Of all" } } }
        tbody {
            (counted("by hooks and transcripts", seen.both, "both")) (counted("by hooks alone", seen.hook_only, "hook"))
            (counted("by transcripts alone", seen.transcript_only, "transcript"))
        }
    } };
    html! {
        (scrolled("Completeness", &table))
        @if let Some([hook, transcript]) = it.missing {
            (missing("missing-transcripts", "Without a transcript", "hook", "Their transcripts were deleted before they were read, or lie in no folder that is looked through: of these the tools and the tokens are missing.", hook))
            (missing("missing-hooks", "Without a hook", "transcript", "They are older than the setup, or were asked where no hook is set up: they came in by their transcripts, some seconds later.", transcript))
        }
    }
}

/// Some prompts that one source lacks.
fn missing(id: &str, title: &str, source: &str, why: &str, page: &Page<'_>) -> Markup {
    if page.items.is_empty() {
        return html! {};
    }
    html! { details id=(id) {
        summary { (title) ": the newest" }
        p class="quiet" { (why) }
        ol class="rows" { @for item in &page.items { (row(item, Said::default())) } }
        p { a href={ "/?source=" (source) "&kind=all" } { "All of them, of every kind" } }
    } }
}

pub(super) fn facts(it: &Health<'_>) -> Markup {
    let (status, now) = (it.status, it.status.checked_at);
    html! { dl class="facts-list" {
        dt { "Database" }
        @match &status.database {
            Some(database) => dd {
                (number(database.events)) " events, " (number(database.conversations)) " conversations with those of subagents; "
                (size(database.bytes)) ", log " (size(database.wal_bytes)) "; schema " (database.schema)
                @if database.sessions_to_derive > 0 { "; " (number(database.sessions_to_derive)) " sessions to derive" }
                @if database.sessions_to_derive_again > 0 { "; " (number(database.sessions_to_derive_again)) " to derive again by newer rules" }
            }
            None => dd class="bad" { "It cannot be read." }
        }
        @if let Some(last) = status.last_event_at { dt { "Last event" } dd { "captured " (ago(last, now)) } }
        @if let Some(pass) = &status.last_pass { dt { "Last pass" } dd { (ago(pass.began_at, now)) ", " (terminal::span(pass.took_ms.unsigned_abs())) ": " (number(pass.stored)) " stored, " (number(pass.failed)) " failed, " (number(pass.conversations)) " conversations changed" } }
        dt { "Disk" }
        @match &status.space {
            Some(space) => dd { (size(space.free_bytes)) " free" @if space.read_only { ", read-only" } @if let Some(files) = space.free_files { ", room for " (number(files)) " files" }
                "; warned of below " (size(space.low_bytes)) ", stopped below " (size(space.min_bytes)) }
            None => dd class="bad" { "It cannot be looked at." }
        }
        @if let Some(backups) = &status.backups {
            dt { "Backup of marks" } dd { (backup(it, &backups.annotations)) }
            dt { "Backup of all" } dd { (backup(it, &backups.database)) }
            @if let (Some(last), Some(path)) = (backups.upgrade.last_at, &backups.upgrade.last_path) {
                dt { "Before an upgrade" } dd { (ago(last, now)) ": " code { (shown(path)) } }
            }
        }
        @if let Some(errors) = &status.hook_errors {
            dt { "Hook" }
            dd { @if errors.lines == 0 { "noted no faults" } @else {
                (number(errors.last_day)) " faults in the last day, " (number(errors.lost_last_day)) " events lost"
                @if let Some(last) = errors.last_at { "; the last " (ago(last, now)) } "; " code { "logs/hook-errors.log" }
            } }
        }
        dt { "Versions" } dd { "Prompt Manager " (status.versions.prompt_manager) ", SQLite " (status.versions.sqlite) }
    } }
}

fn backup(it: &Health<'_>, kind: &BackupKind) -> Markup {
    html! {
        @match kind.last_at {
            Some(last) => { (ago(last, it.status.checked_at)) @if let Some(bytes) = kind.last_bytes { ", " (size(bytes)) } "; " (number(kind.files)) " kept" }
            None => "none yet"
        }
        @if kind.every_ms > 0 { "; one is due every " (span(kind.every_ms)) } @else { "; none are made" }
        @if let Some(reason) = &kind.failure { "; " span class="bad" { "the last try failed: " (shown(reason)) } }
    }
}
