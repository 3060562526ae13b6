//! The client's own record of the hooks that it ran: its debug log has a line for each run, with the status and the time that it
//! took; its transcripts have a note of each one that failed, was cancelled or printed.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use harness::Claude;
use serde_json::Value;

/// One run of a hook, as the client's log tells it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) event: String,
    pub(super) command: String,
    pub(super) status: i32,
    pub(super) milliseconds: u64,
}

/// Every run of which the client's log tells.
pub(super) fn runs(claude: &Claude) -> Vec<Run> {
    claude.debug_log().lines().filter_map(run).collect()
}

/// `… Hooks: Stop [PROGRAM ARGUMENTS] finished with status 0 (13ms)`, perhaps with the plugin before `finished`; the event may have
/// its matcher behind it.
fn run(line: &str) -> Option<Run> {
    let (_, rest) = line.split_once("Hooks: ")?;
    let (event, rest) = rest.split_once(" [")?;
    let (command, rest) = rest.split_once(']')?;
    let (_, rest) = rest.split_once("finished with status ")?;
    let (status, rest) = rest.split_once(" (")?;
    Some(Run {
        event: event.split(':').next().unwrap_or_default().to_owned(),
        command: command.to_owned(),
        status: status.parse().ok()?,
        milliseconds: rest.strip_suffix("ms)")?.parse().ok()?,
    })
}

/// Holds the client's record to what it must be: every run of `ours` ended with 0, and nothing of any hook was an error, neither in
/// the log nor in a transcript. `least` names events of which at least one run must be there.
pub(super) fn no_error(claude: &Claude, ours: &str, least: &[&str]) {
    let runs = runs(claude);
    let of_ours: Vec<_> = runs.iter().filter(|run| run.command.contains(ours)).collect();
    for event in least {
        let seen = of_ours.iter().any(|run| run.event == *event);
        assert!(seen, "no run of {event} in {:?}", of_ours.iter().map(|run| &run.event).collect::<Vec<_>>());
    }
    let failed: Vec<_> = of_ours.iter().filter(|run| run.status != 0).collect();
    assert!(failed.is_empty(), "hooks that failed: {failed:#?}");
    for line in transcripts(claude) {
        let kind = line["attachment"]["type"].as_str().unwrap_or_default();
        let bad = kind.starts_with("hook_") && kind != "hook_success";
        assert!(!bad, "the client noted {line}");
        let errors = line["hookErrors"].as_array().is_none_or(Vec::is_empty);
        assert!(errors, "the client noted {line}");
    }
    let log = claude.debug_log();
    let bad = ["hook error", "Hook cancelled", "timed out", "Duplicate hooks", "Failed to load hooks"];
    let bad: Vec<_> = log.lines().filter(|line| bad.iter().any(|words| line.contains(words))).collect();
    assert!(bad.is_empty(), "the client's log: {bad:#?}");
}

/// Holds what our hook took, over the events that the no-op stands beside it for, to 1.5 times what that took, by the medians, which
/// are printed. The client counts whole milliseconds: one more is no difference.
#[expect(clippy::print_stdout, reason = "a figure that is held to something is shown")]
pub(super) fn costs_little(claude: &Claude, ours: &str, noop: &str) {
    let runs = runs(claude);
    let events: BTreeSet<_> = runs.iter().filter(|run| run.command.contains(noop)).map(|run| &run.event).collect();
    let times = |program: &str| -> Vec<u64> {
        let of_both = runs.iter().filter(|run| run.command.contains(program) && events.contains(&run.event));
        of_both.map(|run| run.milliseconds).collect()
    };
    let (ours, noop) = (times(ours), times(noop));
    let counts = (ours.len(), noop.len());
    let (ours, noop) = (median(ours), median(noop));
    println!(
        "by the client's own record: prompt-hook {ours} ms ({} runs), a static no-op beside it {noop} ms ({} runs)",
        counts.0, counts.1
    );
    assert!(2 * ours <= 3 * noop + 2, "prompt-hook {ours} ms, a no-op {noop} ms");
}

fn median(mut times: Vec<u64>) -> u64 {
    times.sort_unstable();
    *times.get(times.len() / 2).expect("at least one run")
}

/// Every line of every transcript that the client wrote.
fn transcripts(claude: &Claude) -> Vec<Value> {
    let mut lines = Vec::new();
    below(&claude.projects_root(), &mut lines);
    assert!(!lines.is_empty(), "no transcript");
    lines
}

fn below(dir: &Path, lines: &mut Vec<Value>) {
    for entry in fs::read_dir(dir).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            below(&path, lines);
        } else if path.extension().is_some_and(|extension| extension == "jsonl") {
            let text = fs::read_to_string(&path).expect("a transcript");
            lines.extend(text.lines().map(|line| serde_json::from_str::<Value>(line).expect("a line of JSON")));
        }
    }
}

#[test]
fn lines_of_the_log() {
    let check = |line: &str, expected: Option<(&str, &str, i32, u64)>| {
        let found = run(line);
        let found = found.as_ref().map(|run| (run.event.as_str(), run.command.as_str(), run.status, run.milliseconds));
        assert_eq!(found, expected, "{line}");
    };
    check(
        "2026-11-26T10:44:56.843Z [DEBUG] Hooks: SessionStart:startup [/x/hook SessionStart] finished with status 0 (30ms)",
        Some(("SessionStart", "/x/hook SessionStart", 0, 30)),
    );
    check(
        "2026-11-26T10:44:59.159Z [DEBUG] Hooks: Stop [/x/h Stop] (plugin prompt-manager@skills-dir) finished with status 1 (26ms)",
        Some(("Stop", "/x/h Stop", 1, 26)),
    );
    check("2026-11-26T10:44:59.018Z [DEBUG] Hooks: checkForNewResponses returning 0 responses", None);
}
