//! What is known of a conversation beside its words, and what it can be used for again.

use maud::{Markup, html};
use terminal::quoted;

use crate::page::text::{about, clipped, dollars, number, visible};
use crate::page::time::{moment, took};
use crate::view::Conversation;

/// The facts that one wants first, in a line.
pub(super) fn line(it: &Conversation<'_>) -> Markup {
    let head = &it.head;
    html! {
        p class="facts" {
            @if let Some(time) = &head.timestamp { (moment(time)) }
            @if let Some(ms) = duration(it) { span { (took(ms)) } }
            @if let Some(model) = head.model { span { (clipped(model, 60)) } }
            @if head.tokens > 0 { span { (about(head.tokens)) " tokens" } }
            @if let Some(cost) = head.cost_usd.filter(|_| head.tokens > 0) { span { (dollars(cost.dollars())) } }
            @if head.kind != "human" { span { (head.kind) } }
            @if !["interactive", "unknown"].contains(&head.via) { span { (head.via) } }
            span class={ "status " (head.status) } { (head.status) }
        }
    }
}

/// From its beginning to when it was last heard of.
fn duration(it: &Conversation<'_>) -> Option<i64> {
    let ms = |time: &Option<String>| export::time::parse(time.as_deref()?);
    let ms = ms(&it.ended_at)?.checked_sub(ms(&it.head.timestamp)?)?;
    (ms > 0).then_some(ms)
}

/// All facts, in a list.
pub(super) fn list(it: &Conversation<'_>) -> Markup {
    let (head, tokens) = (&it.head, &it.usage.total);
    let session = it.session.as_ref();
    let failed = it.tool_calls.iter().filter(|call| call.error).count();
    html! {
        details class="facts-list" {
            summary { "Details" }
            dl {
                dt { "Id" } dd { (head.id) @if let Some(asked) = it.requested_id { ", also known as " (asked) } }
                @if let Some(cwd) = it.cwd { dt { "Folder" } dd { code { (clipped(cwd, 300)) } } }
                @if let Some(branch) = session.and_then(|session| session.git_branch) { dt { "Branch" } dd { (clipped(branch, 100)) } }
                @if let Some(version) = session.and_then(|session| session.version) { dt { "Claude Code" } dd { (clipped(version, 40)) } }
                dt { "Session" } dd { code { (clipped(head.session_id, 100)) } }
                @if head.tokens > 0 {
                    dt { "Tokens in" } dd { (number(tokens.input_tokens)) }
                    dt { "Tokens out" } dd { (number(tokens.output_tokens)) }
                    dt { "Cache written" } dd { (number(tokens.cache_creation_tokens)) }
                    dt { "Cache read" } dd { (number(tokens.cache_read_tokens)) }
                }
                @if !it.tool_calls.is_empty() {
                    dt { "Tools" }
                    dd { (number(it.tool_calls.len() as u64)) @if failed > 0 { ", " (number(failed as u64)) " failed" } }
                }
                dt { "Seen by" }
                dd {
                    (match (it.sources.hook, it.sources.transcript) {
                        (true, true) => "hook and transcript",
                        (true, false) => "hook alone",
                        _ => "transcript alone",
                    })
                }
            }
        }
    }
}

/// What can be taken from here: copies, the command that goes on with it, the record.
pub(super) fn reuse(it: &Conversation<'_>) -> Markup {
    let id = it.head.id;
    let whole = format!("/conversations/{id}/markdown");
    html! {
        div class="reuse" {
            p class="actions" {
                button type="button" data-copy={ (whole) "?part=prompt" } data-key="c" hidden { "Copy prompt" }
                button type="button" data-copy={ (whole) "?part=answer" } data-key="a" hidden { "Copy answer" }
                button type="button" data-copy=(whole) data-key="m" hidden { "Copy as Markdown" }
            }
            p class="links" {
                a href=(whole) { "As Markdown" } " "
                a href={ "/conversations/" (id) "/raw" } { "Raw record" } " "
                a href={ "/api/conversations/" (id) } { "JSON" }
            }
            @if it.agent_id.is_none() && it.parent_id.is_none() && let Some(command) = command(it.cwd, it.head.session_id) {
                p class="resume" {
                    span class="quiet" { "Go on with this session" }
                    code id="resume" { (command) }
                    button type="button" data-copies="resume" hidden { "Copy" }
                }
            }
        }
    }
}

/// The command that takes the session up again, as a shell reads it. There is none where it would not do what it shows: a sign
/// that controls something does it when the command is pasted, between quotes too.
fn command(cwd: Option<&str>, session: &str) -> Option<String> {
    let controls = |text: &str| text.chars().any(|sign| sign.is_control() || visible(sign) != sign);
    if controls(session) || cwd.is_some_and(controls) {
        return None;
    }
    // An id that looks like an option would be one.
    let id = quoted(session.trim_start_matches('-'));
    Some(match cwd {
        // Only a relative folder could look like an option.
        Some(cwd) if cwd.starts_with('/') => format!("cd {} && claude --resume {id}", quoted(cwd)),
        Some(cwd) => format!("cd -- {} && claude --resume {id}", quoted(cwd)),
        None => format!("claude --resume {id}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_taken_up_again() {
        let check =
            |cwd: Option<&str>, id: &str, expected: &str| assert_eq!(command(cwd, id).unwrap_or_default(), expected);
        check(Some("/home/dev/acme"), "a-1", "cd /home/dev/acme && claude --resume a-1");
        check(None, "a-1", "claude --resume a-1");
        check(Some("/it's; rm -rf ~"), "$(x)", "cd '/it'\\''s; rm -rf ~' && claude --resume '$(x)'");
        for bad in ["/a\u{1b}[201~\n", "/a\nb", "/a\tb", "/a\u{202e}b", "/a\u{9b}"] {
            check(Some(bad), "a-1", "");
            check(Some("/a"), bad, "");
        }
        check(Some("-"), "--help", "cd -- - && claude --resume help");
    }
}
