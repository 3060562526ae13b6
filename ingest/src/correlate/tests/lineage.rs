//! Sessions that share lines or name one another: forks, resumptions, compaction, and two processes in one file
//! (claude-code.md C.2 and C.8).

use serde_json::json;
use store::write::Link;

use super::story::*;
use super::*;

fn links(lineage: &[Input]) -> Vec<String> {
    let shown = |link: &Link| format!("{} {} {}", link.session_id, link.kind.as_str(), link.other_session_id);
    correlate(lineage).facts.iter().flat_map(|facts| facts.links.iter().map(shown)).collect()
}

fn check_links(lineage: &[Input], expected: &[&str]) {
    assert_eq!(links(lineage), expected);
    let backwards: Vec<Input> = lineage.iter().rev().map(again).collect();
    let mut other_order = links(&backwards);
    other_order.sort();
    assert_eq!(other_order, expected, "in the other order");
}

fn again(input: &Input) -> Input {
    Input {
        session_id: input.session_id.clone(),
        files: input.files.clone(),
        events: input.events.clone(),
        cleared: input.cleared.clone(),
        ..Input::default()
    }
}

/// "one" with its answer, the same lines in each session but for the prompt id.
fn copied(prompt_id: &str) -> Vec<Item> {
    let answer = json!({"type": "assistant", "uuid": "u2", "message": {"id": "m1", "content": [{"type": "text", "text": "1"}], "stop_reason": "end_turn"}});
    vec![user_with(prompt_id, json!("one"), &json!({"uuid": "u1"})), Row(answer)]
}

fn and_then(mut items: Vec<Item>, more: Vec<Item>) -> Vec<Item> {
    items.extend(more);
    items
}

fn start(source: &str) -> Item {
    Hook(json!({"hook_event_name": "SessionStart", "source": source}))
}

#[test]
fn a_fork_is_known_by_its_start() {
    let fork = and_then(copied("p"), vec![start("fork"), user("q", "forked"), end("2")]);
    check_links(&[session("a", copied("p")), session("b", fork)], &["b fork-of a"]);
}

#[test]
fn a_fork_is_known_by_its_prompt_ids() {
    let fork = and_then(copied("f"), vec![user("f", "forked"), end("2")]);
    check_links(&[session("a", copied("p")), session("b", fork)], &["b fork-of a"]);
}

#[test]
fn a_fork_is_known_by_a_parent_that_went_on() {
    let fork = and_then(copied(""), vec![Row(json!({"type": "mode"})), user("", "forked"), end("2")]);
    let parent = and_then(copied(""), vec![user("", "next"), end("3")]);
    check_links(&[session("a", parent), session("b", fork)], &["b fork-of a"]);
}

#[test]
fn else_an_old_client_resumed_the_session() {
    let resumed = and_then(copied(""), vec![user("", "two"), end("2")]);
    check_links(&[session("a", copied("")), session("b", resumed)], &["b resumed-from a"]);
    // And again, with all that was there by then: each follows the one before it.
    let second = || user_with("", json!("two"), &json!({"uuid": "u3"}));
    let resumed = and_then(copied(""), vec![second(), end("2")]);
    let resumed_again = and_then(copied(""), vec![second(), end("2"), user("", "three"), end("3")]);
    let lineage = [session("a", copied("")), session("b", resumed), session("c", resumed_again)];
    check_links(&lineage, &["b resumed-from a", "c resumed-from b"]);
}

/// A fork made through the SDK gives its copies uuids of their own and says where they come from; the last has a new time.
#[test]
fn a_fork_that_names_its_lines() {
    let from = |uuid: &str| json!({"forkedFrom": {"sessionId": "a", "messageUuid": uuid}});
    let copy = |uuid: &str, from_uuid: &str, text: &str| {
        let mut more = from(from_uuid);
        more["uuid"] = json!(uuid);
        user_with("p", json!(text), &more)
    };
    let parent = vec![user_with("p", json!("one"), &json!({"uuid": "u1"})), end("1")];
    let fork = vec![copy("new", "u1", "one"), end("1"), user("q", "forked"), end("2")];
    let lineage = [session("a", parent), session("b", fork)];
    check_links(&lineage, &["b fork-of a"]);
    check_lineage(&lineage, &["a human complete | one -> 1 []", "b human complete | forked -> 2 []"]);
}

#[test]
fn the_old_file_names_the_session_it_goes_on_in() {
    let old = session("a", vec![user("p", "one"), Row(json!({"type": "continued-in", "continuedInSessionId": "b"}))]);
    check_links(&[old], &["b continued-from a"]);
}

#[test]
fn what_clear_ended_is_told_by_its_events() {
    let mut input = session("b", vec![start("clear"), submit("p", "one")]);
    check_links(&[again(&input)], &[]);
    input.cleared.push(Link {
        session_id: "b".into(),
        kind: store::write::LinkKind::ClearedFrom,
        other_session_id: "a".into(),
    });
    check_links(&[input], &["b cleared-from a"]);
}

#[test]
fn compaction_in_mid_turn_does_not_end_the_turn() {
    let boundary = || {
        Row(json!({"type": "system", "subtype": "compact_boundary", "parentUuid": null, "logicalParentUuid": "s-2"}))
    };
    let summary = || {
        let said = "This session is being continued from a previous conversation that ran out of context.";
        user_with(
            "a",
            json!(said),
            &json!({"isCompactSummary": true, "isVisibleInTranscriptOnly": true, "parentUuid": "s-3"}),
        )
    };
    check(
        vec![
            user("a", "one"),
            call("T"),
            result("T", false),
            boundary(),
            summary(),
            call("U"),
            result("U", false),
            end("done"),
        ],
        &["s human complete | one -> done [T U]"],
    );
    // By hand, between turns.
    check(
        vec![user("a", "one"), end("1"), user("b", "/compact"), boundary(), summary(), user("c", "two"), end("2")],
        &["s human complete | one -> 1 []", "s local complete | /compact -> - []", "s human complete | two -> 2 []"],
    );
}

/// Resumed in two terminals: the lines of two turns stand between one another, and prompt ids and parents tell whose.
#[test]
fn two_processes_write_one_file() {
    let line = |uuid: &str, parent: &str, item: Item| match item {
        Row(mut line) => {
            line["uuid"] = json!(uuid);
            line["parentUuid"] = json!(parent);
            Row(line)
        }
        event @ Hook(_) => event,
    };
    let result = |id: &str, prompt_id: &str| {
        user_with(prompt_id, json!([{"type": "tool_result", "tool_use_id": id, "content": "out"}]), &json!({}))
    };
    check(
        vec![
            line("a1", "x", user("a", "one")),
            line("b1", "x", user("b", "two")),
            line("a2", "a1", call("T")),
            line("b2", "b1", call("U")),
            line("a3", "a2", result("T", "a")),
            line("b3", "b2", result("U", "b")),
            line("b4", "b3", end("second")),
            line("a4", "a3", end("first")),
        ],
        &["s human complete | one -> first [T]", "s human complete | two -> second [U]"],
    );
    // A prompt that was absorbed has the running turn's id: what follows is its answer, whatever it hangs on.
    check(
        vec![
            line("a1", "x", user("a", "one")),
            line("a2", "a1", call("T")),
            line("a3", "a2", result("T", "a")),
            line("q", "a3", queued("a", "more", json!({"kind": "human"}))),
            line("a4", "a3", end("both")),
        ],
        &["s human complete | one -> - [T]", "s human complete | more -> both []"],
    );
}

#[test]
fn times_that_go_back_do_not_mix_the_turns() {
    let at = |second: i64, item: Item| match item {
        Row(mut line) => {
            line["timestamp"] = json!(format!("2026-01-01T00:00:{second:02}.000Z"));
            Row(line)
        }
        event @ Hook(_) => event,
    };
    check(
        vec![
            at(10, user("a", "one")),
            at(9, call("T")),
            at(12, result("T", false)),
            at(11, end("1")),
            at(20, user("b", "two")),
            at(19, end("2")),
        ],
        &["s human complete | one -> 1 [T]", "s human complete | two -> 2 []"],
    );
}

/// The log of a side question begins with the session's own messages, under request ids of its own.
#[test]
fn a_side_question_does_not_repeat_the_session() {
    let said = |message: &str, request: &str, side: bool| {
        Row(json!({"type": "assistant", "requestId": request, "isSidechain": side,
                   "message": {"id": message, "model": "m", "content": [{"type": "tool_use", "id": format!("T{message}"), "name": "T", "input": {}}],
                               "stop_reason": "end_turn", "usage": {"output_tokens": 5}}}))
    };
    let mut input =
        session("s", vec![user("a", "one"), said("m", "r", false), user("b", "two"), said("n", "q", false)]);
    let side = vec![user("a", "one"), said("m", "x", true), user("a", "by the way?"), said("o", "z", true)];
    input.add_subagent(Some("side".into()), session("side", side).files.remove(0));
    let turns = correlate(&[again_with_agents(&input)]).turns;
    let shown: Vec<_> =
        turns.iter().map(|turn| (turn.prompt_text.as_deref(), turn.tool_calls.len(), turn.usage.len())).collect();
    assert_eq!(shown, [(Some("one"), 1, 1), (Some("two"), 1, 1), (Some("by the way?"), 1, 1)]);
}

fn again_with_agents(input: &Input) -> Input {
    let mut copy = again(input);
    for subagent in &input.subagents {
        copy.add_subagent(subagent.agent_id.clone(), subagent.lines.clone());
    }
    copy
}
