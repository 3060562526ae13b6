//! What was typed: rules 20 and 21.

use serde_json::json;
use store::write::TypedLine;
use store::{Key, TranscriptId};

use super::story::*;
use super::*;
use crate::correlate::history::Typed;

/// 2026-01-01T00:00:00Z, where the stories begin.
const START_MS: i64 = 1_767_225_600_000;

/// Adds what was typed to a session, each text with its second; the second is also the key.
fn typed(mut input: Input, lines: &[(&str, u8)]) -> Input {
    input.typed.extend(lines.iter().filter_map(|(display, second)| {
        let at_ms = START_MS + i64::from(*second) * 1000;
        let json = json!({"display": display, "timestamp": at_ms, "project": "/p", "sessionId": input.session_id});
        let (transcript, json) = (TranscriptId(7), json.to_string());
        Typed::parse(&TypedLine { transcript, offset: 100, key: [*second; 16], at_ms, json })
    }));
    input
}

#[test]
fn rule_20_what_was_typed_stands_alone_only_where_nothing_else_is_known() {
    let lines = [("fix it", 1), ("/init", 2), ("/model opus", 3), ("!ls", 4), ("#use tabs", 5), (" ", 6)];
    check_lineage(
        &[typed(session("s", vec![]), &lines)],
        &[
            "s human open | fix it -> - []",
            "s command open | /init -> - []",
            "s local complete | /model opus -> - []",
            "s shell open | !ls -> - []",
            "s local complete | #use tabs -> - []",
        ],
    );
    // What once made a conversation and nothing else has seen answers on, and is not listed.
    check_lineage(
        &[typed(session("s", vec![user("a", "one"), end("1")]), &[("taken back", 5)])],
        &["s human complete | one -> 1 []", "s local complete | taken back -> - []"],
    );
}

/// Which turn, by its prompt, is known by which typed line.
fn check_joined(lineage: &[Input], expected: &[(&str, &[u8])]) {
    let turns = correlate(lineage).turns;
    let keys = |turn: &Turn| -> Vec<u8> {
        let typed = turn.former_keys.iter().filter_map(|key| match key {
            Key::Line(key) if key.iter().all(|byte| *byte == key[0]) => Some(key[0]),
            _ => None,
        });
        typed.collect()
    };
    let found: Vec<_> = turns.iter().map(|turn| (turn.prompt_text.clone().unwrap_or_default(), keys(turn))).collect();
    let found: Vec<_> = found.iter().map(|(prompt, keys)| (prompt.as_str(), keys.as_slice())).collect();
    assert_eq!(found, expected);
}

#[test]
fn rule_21_a_typed_line_is_the_prompt_of_its_text_that_is_nearest() {
    let yes = || vec![user("a", "yes"), end("1"), user("b", "yes"), end("2")];
    check_joined(&[typed(session("s", yes()), &[("yes", 2)])], &[("yes", &[]), ("yes", &[2])]);
    check_joined(&[typed(session("s", yes()), &[("yes", 1), ("yes", 2)])], &[("yes", &[1]), ("yes", &[2])]);
    // Each prompt was typed once; white space is no difference, and something may have been pasted.
    check_joined(
        &[typed(session("s", vec![user("a", "yes"), end("1")]), &[("yes", 0), ("yes", 9)])],
        &[("yes", &[0]), ("yes", &[])],
    );
    check_joined(
        &[typed(session("s", vec![user("a", "why? 1\n2 thanks")]), &[("why?  [Pasted text #1 +2 lines] thanks", 1)])],
        &[("why? 1\n2 thanks", &[1])],
    );
    check_joined(&[typed(session("s", vec![submit("a", "by hook")]), &[("by hook", 1)])], &[("by hook", &[1])]);
}
