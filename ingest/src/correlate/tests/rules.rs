//! The rules of docs/correlation.md one by one, a test of the same number each, on small sessions.

use serde_json::{Value, json};

use super::story::*;
use super::*;

#[test]
fn rule_01_a_line_is_the_same_when_uuid_type_time_and_message_are() {
    let line = |uuid: &str, text: &str| {
        user_with("a", json!(text), &json!({"uuid": uuid, "timestamp": "2026-01-01T00:00:00Z"}))
    };
    check(vec![line("u", "one"), line("u", "one")], &["s human open | one -> - []"]);
    let two = ["s human interrupted | one -> - []", "s human open | two -> - []"];
    check(vec![line("u", "one"), line("u", "two")], &two);
}

#[test]
fn rule_02_files_of_one_session_are_one_union() {
    let items = || vec![user("a", "one"), end("1"), user("b", "two"), end("2")];
    let mut whole = session("s", items());
    let mut part = session("s", items());
    whole.files.append(&mut part.files);
    check_lineage(&[whole], &["s human complete | one -> 1 []", "s human complete | two -> 2 []"]);
}

#[test]
fn rule_03_a_fork_lists_its_own_conversations_alone() {
    let copy = |prompt_id: &str| {
        vec![
            user_with(prompt_id, json!("one"), &json!({"uuid": "u1"})),
            Row(
                json!({"type": "assistant", "uuid": "u2", "message": {"id": "m1", "content": [{"type": "text", "text": "1"}], "stop_reason": "end_turn"}}),
            ),
        ]
    };
    let fork = || {
        let mut items = copy("f");
        items.extend([user("f", "forked"), end("2")]);
        items
    };
    let mut parent = copy("p");
    parent.extend([user("q", "next"), end("3")]);
    let expected =
        ["a human complete | one -> 1 []", "a human complete | next -> 3 []", "b human complete | forked -> 2 []"];
    check_lineage(&[session("a", parent), session("b", fork())], &expected);
    // The other has nothing but copied lines: it is the parent, whatever its name.
    let expected = ["a human complete | forked -> 2 []", "z human complete | one -> 1 []"];
    check_lineage(&[session("a", fork()), session("z", copy("p"))], &expected);
    // A hook saw the prompt in one of them.
    let mut seen = vec![submit("f", "one")];
    seen.extend(fork());
    let mut other = copy("p");
    other.insert(0, session_end()); // the same seconds as in the other
    let expected = ["a human complete | one -> 1 []", "a human complete | forked -> 2 []"];
    check_lineage(&[session("a", seen), session("z", other)], &expected);
}

#[test]
fn rule_05_a_line_with_another_origin_is_a_machines() {
    check(
        vec![
            user_with("a", json!("typed"), &json!({"origin": {"kind": "human"}})),
            end("1"),
            user_with("b", json!("from a peer"), &json!({"origin": {"kind": "peer"}})),
            end("2"),
            user_with("c", json!("<task-notification>pasted"), &json!({"origin": {"kind": "human"}})),
            end("3"),
        ],
        &[
            "s human complete | typed -> 1 []",
            "s notification complete | from a peer -> 2 []",
            "s human complete | <task-notification>pasted -> 3 []",
        ],
    );
}

#[test]
fn rule_06_a_text_beside_a_result_is_a_prompt_absorbed_in_mid_turn() {
    let beside =
        json!([{"type": "tool_result", "tool_use_id": "T", "content": "out"}, {"type": "text", "text": "and this"}]);
    check(
        vec![user("a", "one"), call("T"), user_with("a", beside, &json!({})), end("2")],
        &["s human complete | one -> - [T]", "s human complete | and this -> 2 []"],
    );
    let reminder = json!([{"type": "tool_result", "tool_use_id": "T", "content": "out"}, {"type": "text", "text": "<system-reminder>x</system-reminder>"}]);
    check(
        vec![user("a", "one"), call("T"), user_with("a", reminder, &json!({})), end("2")],
        &["s human complete | one -> 2 [T]"],
    );
}

#[test]
fn rule_07_a_queued_command_is_a_prompt_where_it_stands() {
    check(
        vec![user("a", "one"), call("T"), result("T", false), queued("a", "more", json!({"kind": "human"})), end("2")],
        &["s human complete | one -> - [T]", "s human complete | more -> 2 []"],
    );
    check(
        vec![
            user("a", "one"),
            call("T"),
            queued("a", "<task-notification>x", json!({"kind": "task-notification"})),
            end("2"),
        ],
        &["s human complete | one -> 2 [T]"],
    );
}

#[test]
fn rule_08_a_prompt_of_which_only_the_queueing_is_known() {
    let enqueue = |text: &str| operation("enqueue", json!(text));
    check(
        vec![user("a", "one"), call("T"), enqueue("more"), operation("remove", Value::Null), end("2")],
        &["s human complete | one -> - [T]", "s human complete | more -> 2 []"],
    );
    check(
        vec![user("a", "one"), enqueue("more"), end("1"), operation("dequeue", Value::Null), end("2")],
        &["s human complete | one -> 1 []", "s human complete | more -> 2 []"],
    );
    check(
        vec![
            user("a", "one"),
            enqueue("more"),
            end("1"),
            operation("dequeue", Value::Null),
            user("b", "more"),
            end("2"),
        ],
        &["s human complete | one -> 1 []", "s human complete | more -> 2 []"],
    );
    check(
        vec![user("a", "one"), enqueue("more"), operation("popAll", Value::Null), end("1")],
        &["s human complete | one -> 1 []", "s local complete | more -> - []"],
    );
    check(
        vec![
            user("a", "one"),
            enqueue("/compact"),
            enqueue("<task-notification>x"),
            operation("dequeue", Value::Null),
            end("1"),
        ],
        &["s human complete | one -> 1 []"],
    );
    check(
        vec![user("a", "one"), end("1"), enqueue("more")],
        &["s human complete | one -> 1 []", "s human open | more -> - []"],
    );
}

#[test]
fn rule_09_what_is_injected_opens_nothing() {
    check(
        vec![
            user("a", "one"),
            user_with("a", json!("a skill's body"), &json!({"isMeta": true})),
            user("a", "Stop hook feedback:\ngo on"),
            user("a", "[Image: source: /tmp/x.png]"),
            end("1"),
            user_with("c", json!("This session is being continued from…"), &json!({"isCompactSummary": true})),
            user("d", "<bash-notification>done</bash-notification>"),
            end("2"),
        ],
        &[
            "s human complete | one -> 1 []",
            "s notification complete | <bash-notification>done</bash-notification> -> 2 []",
        ],
    );
}

#[test]
fn rule_10_images_plans_and_memories() {
    let image = json!([{"type": "image", "source": {"type": "base64", "data": "x"}}]);
    let both = json!([{"type": "text", "text": "what is [Image #1]?"}, {"type": "image", "source": {}}]);
    check(
        vec![
            user_with("a", image, &json!({})),
            end("1"),
            user_with("b", both, &json!({})),
            end("2"),
            user("c", "Implement the following plan:\n1. x"),
            end("3"),
            user("d", "<user-memory-input>use tabs</user-memory-input>"),
        ],
        &[
            "s human complete | [Image] -> 1 []",
            "s human complete | what is [Image #1]? -> 2 []",
            "s human complete | Implement the following plan:\n1. x -> 3 []",
            "s local complete | #use tabs -> - []",
        ],
    );
}

#[test]
fn rule_11_a_command_ran_a_turn_or_it_is_local() {
    let command = |name: &str| user("a", &format!("<command-name>{name}</command-name><command-args></command-args>"));
    let body = user_with("a", json!("do what the file says"), &json!({"isMeta": true}));
    check(vec![command("/fix"), body, end("1")], &["s command complete | /fix -> 1 []"]);
    let body = user_with("a", json!("do what the file says"), &json!({"isMeta": true}));
    check(vec![command("/fix"), body], &["s command open | /fix -> - []"]);
    check(vec![command("/clear"), system("local_command")], &["s local complete | /clear -> - []"]);
    check(
        vec![user("a", "/compact"), user("b", "next"), end("1")],
        &["s local complete | /compact -> - []", "s human complete | next -> 1 []"],
    );
    check(vec![submit("a", "/fix it")], &["s command open | /fix it -> - []"]);
}

#[test]
fn rule_12_kinds_that_no_text_tells() {
    check(vec![user("a", "<bash-input>ls</bash-input>"), end("1")], &["s shell complete | !ls -> 1 []"]);
    check(vec![stop("x", "1")], &["s notification complete | - -> 1 []"]);
    let mut input = session("s", vec![user("a", "one"), end("1")]);
    input.add_subagent(Some("x".into()), session("agent", vec![user("a", "job"), end("2")]).files.remove(0));
    check_lineage(&[input], &["s human complete | one -> 1 []", "s subagent complete | job -> 2 []"]);
}

#[test]
fn rule_13_the_answer_is_the_last_message_that_has_text() {
    check(
        vec![
            user("a", "one"),
            say("m", "part", Value::Null),
            say("m", "part", Value::Null),
            say("m", "two", json!("end_turn")),
        ],
        &["s human complete | one -> part\ntwo []"],
    );
    check(
        vec![user("a", "one"), end("1"), stop("a", "later than the file")],
        &["s human complete | one -> later than the file []"],
    );
    check(
        vec![user("a", "one"), end("the whole answer"), stop("a", "the whole answer")],
        &["s human complete | one -> the whole answer []"],
    );
}

#[test]
fn rule_14_an_answer_ends_a_turn_or_it_does_not() {
    check(
        vec![user("a", "one"), say("m", "thinking aloud", json!("tool_use"))],
        &["s human open | one -> thinking aloud []"],
    );
    check(vec![user("a", "one"), say("m", "x", json!("max_tokens"))], &["s human complete | one -> x []"]);
    check(
        vec![user("z", "0"), end("0"), user("a", "one"), say("m", "x", Value::Null)],
        &["s human complete | 0 -> 0 []", "s human open | one -> x []"],
    );
    check(
        vec![user("z", "0"), end("0"), user("a", "one"), say("m", "x", Value::Null), system("turn_duration")],
        &["s human complete | 0 -> 0 []", "s human complete | one -> x []"],
    );
    // Old clients wrote no end_turn at all.
    check(vec![user("a", "one"), say("m", "x", Value::Null)], &["s human complete | one -> x []"]);
}

#[test]
fn rule_15_status() {
    let error = || {
        Row(
            json!({"type": "assistant", "isApiErrorMessage": true, "message": {"id": "e", "model": "<synthetic>", "content": [{"type": "text", "text": "API Error"}], "stop_reason": "stop_sequence"}}),
        )
    };
    check(vec![user("a", "one"), error()], &["s human failed | one -> API Error []"]);
    check(vec![user("a", "one"), error(), end("after all")], &["s human complete | one -> after all []"]);
    check(
        vec![
            submit("a", "one"),
            Hook(
                json!({"hook_event_name": "StopFailure", "prompt_id": "a", "error": "overloaded", "last_assistant_message": "API Error"}),
            ),
        ],
        &["s human failed | one -> API Error []"],
    );
    check(
        vec![user("a", "one"), call("T"), user("a", "[Request interrupted by user]")],
        &["s human interrupted | one -> - [T]"],
    );
    check(
        vec![user("a", "one"), user("b", "two")],
        &["s human interrupted | one -> - []", "s human open | two -> - []"],
    );
    check(vec![submit("a", "one"), session_end()], &["s human interrupted | one -> - []"]);
    check(
        vec![submit("a", "one"), Hook(json!({"hook_event_name": "SessionStart", "source": "compact"}))],
        &["s human open | one -> - []"],
    );
    check(
        vec![submit("a", "one"), Hook(json!({"hook_event_name": "SessionStart", "source": "resume"}))],
        &["s human interrupted | one -> - []"],
    );
    check(
        vec![user("a", "<bash-input>ls</bash-input>"), user("a", "<bash-stdout>x</bash-stdout>")],
        &["s shell complete | !ls -> - []"],
    );
}

#[test]
fn rule_16_a_submit_joins_its_line() {
    // By id and text, in any order of arrival; the same words twice stay two.
    check(
        vec![submit("a", "yes"), user("a", "yes"), end("1"), submit("b", "yes"), user("b", "yes"), end("2")],
        &["s human complete | yes -> 1 []", "s human complete | yes -> 2 []"],
    );
    // By text alone: the prompt was queued and got another id.
    check(
        vec![
            submit("a", "one"),
            submit("a", "two"),
            user("a", "one"),
            end("1"),
            user("b", "two"),
            end("2"),
            stop("b", "2"),
        ],
        &["s human complete | one -> 1 []", "s human complete | two -> 2 []"],
    );
    // By id alone: the text differs.
    check(
        vec![submit("a", "[Image #1] what?"), user_with("a", json!([{"type": "text", "text": "what?"}]), &json!({}))],
        &["s human open | what? -> - []"],
    );
    // But not when the text is another: it was typed while that turn ran, and its own line is still to come.
    check(
        vec![user("a", "one"), submit("a", "two")],
        &["s human interrupted | one -> - []", "s human open | two -> - []"],
    );
    // Nor by text when both have ids of their own: it is the same word said twice.
    check(
        vec![user("a", "yes"), submit("b", "yes")],
        &["s human interrupted | yes -> - []", "s human open | yes -> - []"],
    );
    check(
        vec![submit("a", "look [Pasted text #1 +30 lines] here"), user("a", "look\nlong\ntext\nhere")],
        &["s human open | look\nlong\ntext\nhere -> - []"],
    );
    // A command is shown as typed on both sides.
    check(
        vec![
            submit("", "/fix it"),
            user("a", "<command-name>/fix</command-name><command-args>it</command-args>"),
            end("1"),
        ],
        &["s command complete | /fix it -> 1 []"],
    );
    // Wrapped in the transcript, bare in the hook.
    check(
        vec![submit("a", "why?"), user("a", "<ide_opened_file>f</ide_opened_file>why?"), end("1")],
        &["s human complete | why? -> 1 []"],
    );
}

#[test]
fn rule_17_stops() {
    // Of one id, the last prompt: the other was absorbed by it.
    check(
        vec![user("a", "one"), queued("a", "two", json!({"kind": "human"})), stop("a", "both")],
        &["s human complete | one -> - []", "s human complete | two -> both []"],
    );
    // An unknown id answers the oldest prompt that reused an id.
    check(
        vec![
            submit("a", "one"),
            submit("a", "two"),
            submit("a", "three"),
            stop("a", "1"),
            stop("x", "2"),
            stop("y", "3"),
        ],
        &["s human complete | one -> 1 []", "s human complete | two -> 2 []", "s human complete | three -> 3 []"],
    );
    // Without an id, the latest prompt; with an unknown one, a conversation that nobody typed yet.
    let bare = || Hook(json!({"hook_event_name": "Stop", "last_assistant_message": "1"}));
    check(vec![submit("a", "one"), bare()], &["s human complete | one -> 1 []"]);
    check(vec![stop("x", "1")], &["s notification complete | - -> 1 []"]);
    // The transcript names it.
    check(
        vec![stop("x", "1"), user("x", "<bash-input>ls</bash-input>"), end("1")],
        &["s shell complete | !ls -> 1 []"],
    );
}

#[test]
fn rule_18_hooks_alone() {
    check(
        vec![
            submit("a", "one"),
            before("a", "T"),
            submit("a", "two"),
            after("a", "T"),
            batch("a", &["T"]),
            stop("a", "both"),
        ],
        &["s human complete | one -> - [T]", "s human complete | two -> both []"],
    );
    // What waits is forgotten when the session ends.
    check(
        vec![submit("a", "one"), submit("a", "two"), session_end(), stop("x", "1")],
        &[
            "s human interrupted | one -> - []",
            "s human interrupted | two -> - []",
            "s notification complete | - -> 1 []",
        ],
    );
    // A call without a result is a refusal once its turn is over.
    check(vec![submit("a", "one"), before("a", "T")], &["s human open | one -> - [T]"]);
    check(vec![submit("a", "one"), before("a", "T"), stop("a", "1")], &["s human complete | one -> 1 [T!]"]);
    // Lines alone do not tell a refusal from a result that was lost.
    check(vec![user("a", "one"), call("T"), end("1")], &["s human complete | one -> 1 [T]"]);
    // The batch gives the order.
    check(
        vec![
            submit("a", "one"),
            before("a", "U"),
            before("a", "T"),
            after("a", "U"),
            after("a", "T"),
            batch("a", &["T", "U"]),
            stop("a", "1"),
        ],
        &["s human complete | one -> 1 [T U]"],
    );
}

#[test]
fn rule_19_a_payload_delivered_twice_is_one_prompt() {
    check(
        vec![submit("a", "one"), submit("a", "one"), stop("a", "1"), stop("a", "1")],
        &["s human complete | one -> 1 []"],
    );
    check(
        vec![submit("a", "one"), submit("a", "one"), user("a", "one"), end("1")],
        &["s human complete | one -> 1 []"],
    );
    // Unless the transcript shows two, or they are further apart.
    check(
        vec![submit("", "yes"), user("a", "yes"), submit("", "yes"), user("b", "yes")],
        &["s human interrupted | yes -> - []", "s human open | yes -> - []"],
    );
    check(
        vec![submit("", "yes"), stop("", "1"), session_end(), submit("", "yes")],
        &["s human complete | yes -> 1 []", "s human open | yes -> - []"],
    );
}

#[test]
fn rule_04_tokens_count_once_for_each_message() {
    let line = |output: i64| {
        Row(
            json!({"type": "assistant", "requestId": "r", "message": {"id": "m", "model": "x", "content": [{"type": "text", "text": format!("{output}")}],
                   "usage": {"input_tokens": 5, "output_tokens": output, "cache_creation_input_tokens": 9,
                             "cache_creation": {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 7}}}}),
        )
    };
    let turns = correlate(&[session("s", vec![user("a", "one"), line(1), line(391), line(2)])]).turns;
    let tokens = |it: &store::write::Usage| {
        (it.input_tokens, it.output_tokens, it.cache_creation_tokens, it.cache_creation_1h_tokens)
    };
    assert_eq!(turns[0].usage.iter().map(tokens).collect::<Vec<_>>(), [(5, 391, 9, 7)]);
}

#[test]
fn an_answer_without_a_prompt_is_not_lost() {
    check(
        vec![end("out of nowhere"), user("a", "one")],
        &["s notification complete | - -> out of nowhere []", "s human open | one -> - []"],
    );
}
