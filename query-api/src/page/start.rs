//! The page before the first prompt: the two steps that lead to it, and how far they are done.

use maud::{Markup, html};

/// What is set up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start<'a> {
    /// Claude Code calls the hook.
    pub(crate) hooks: bool,
    /// An ingester runs.
    pub(crate) ingester: bool,
    /// What a command says of the data directory, where it is not the usual one: `--home DIR`.
    pub(crate) home: Option<&'a str>,
}

/// The page.
pub(crate) fn start(it: Start<'_>) -> Markup {
    let ours = |command: &str| {
        format!("prompt-manager {command}{}{}", if it.home.is_some() { " " } else { "" }, it.home.unwrap_or_default())
    };
    html! {
        h1 { "Two steps to the first prompt" }
        // True only with the script, which shows it.
        p class="quiet" data-live hidden { "This page becomes the timeline by itself once a prompt is there." }
        ol class="steps" {
            li {
                h2 { "Connect Claude Code" (done(it.hooks, "set up")) }
                p { "The hook hands each prompt over as it is asked. Run this in a terminal of this machine:" }
                pre { code { (ours("setup hooks --rate")) } }
                p class="quiet" { "It changes Claude Code's settings and nothing else; " code { "--dry-run" } " shows how, " code { "--remove" } " takes it back." }
            }
            li {
                h2 { "Ask Claude something" }
                p { "Start a new session and ask. What you asked comes here within a second or two, the answer when it is complete." }
                pre { code { "claude \"What does this repository do?\"" } }
            }
        }
        h2 { "What you asked before" }
        p { "Claude Code deletes its transcripts after 30 days. What is still there can be taken in now:" }
        pre { code { (ours("import ~/.claude/projects")) } }
        h2 { "Does it run?" }
        ul class="checks" {
            li {
                @if it.ingester { span class="good" { "The ingester runs." } }
                @else { span class="warn" { "No ingester runs." } " Without one nothing is taken in: start it with " code { (ours("run")) } ", or have it started with " code { (ours("setup service")) } "." }
            }
            li {
                @if it.hooks { span class="good" { "Claude Code calls the hook." } " Sessions that were open before may need a restart." }
                @else { span class="warn" { "Claude Code does not call the hook yet" } ", as far as is on record." }
            }
        }
        p { a class="button" href="/" { "Look again" } " " a href="/health" { "How everything is going" } }
    }
}

fn done(is: bool, said: &str) -> Markup {
    html! { @if is { " " span class="good" { "✓ " (said) } } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_is_told() {
        let check = |hooks, ingester, home: Option<&str>, expected: &[&str]| {
            let page = start(Start { hooks, ingester, home }).into_string();
            for text in expected {
                assert!(page.contains(text), "{text}: {page}");
            }
        };
        check(false, false, None, &["does not call the hook yet", "No ingester runs", "prompt-manager run"]);
        check(true, false, None, &["✓ set up", "Claude Code calls the hook.", "No ingester runs"]);
        check(false, true, Some("--home '/a b'"), &["The ingester runs.", "setup hooks --rate --home '/a b'<"]);
    }
}
