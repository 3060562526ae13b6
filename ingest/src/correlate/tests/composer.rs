//! Messages typed while Claude works, in every shape they have been seen in (claude-code.md C.7).

use serde_json::{Value, json};

use super::story::*;

/// A `queued_command` with any fields.
fn attachment(fields: &Value) -> Item {
    let mut attachment = json!({"type": "queued_command"});
    attachment.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    Row(json!({"type": "attachment", "attachment": attachment}))
}

/// What comes of an attachment in a running turn.
fn check_queued(fields: &Value, expected: &[&str]) {
    check(vec![user("a", "one"), call("T"), result("T", false), attachment(fields), end("done")], expected);
}

#[test]
fn typed_by_a_person() {
    let one = "s human complete | one -> - [T]";
    check_queued(
        &json!({"prompt": "more", "commandMode": "prompt", "origin": {"kind": "human"}, "humanTurn": true}),
        &[one, "s human complete | more -> done []"],
    );
    check_queued(&json!({"prompt": "more"}), &[one, "s human complete | more -> done []"]);
    check_queued(
        &json!({"prompt": [{"type": "text", "text": "look:"}, {"type": "text", "text": "here"}], "commandMode": "prompt"}),
        &[one, "s human complete | look:\nhere -> done []"],
    );
    check_queued(
        &json!({"prompt": [{"type": "image", "source": {"type": "base64", "data": "aGVsbG8="}}], "commandMode": "prompt"}),
        &[one, "s human complete | [Image] -> done []"],
    );
    check_queued(
        &json!({"prompt": "/fix it", "commandMode": "prompt"}),
        &[one, "s command complete | /fix it -> done []"],
    );
    check_queued(&json!({"prompt": "ls -l", "commandMode": "bash"}), &[one, "s shell complete | !ls -l -> done []"]);
    check_queued(
        &json!({"prompt": "<system-reminder>x</system-reminder>more", "commandMode": "prompt"}),
        &[one, "s human complete | more -> done []"],
    );
}

#[test]
fn sent_by_a_machine() {
    let whole = ["s human complete | one -> done [T]"];
    check_queued(&json!({"prompt": "<task-notification>x", "commandMode": "task-notification"}), &whole);
    check_queued(&json!({"prompt": "<task-notification>x", "commandMode": "prompt"}), &whole);
    check_queued(&json!({"prompt": "hello", "commandMode": "prompt", "origin": {"kind": "peer", "from": "b"}}), &whole);
    check_queued(&json!({"prompt": "hello", "commandMode": "prompt", "origin": {"kind": "channel"}}), &whole);
    check_queued(&json!({"prompt": "hello", "commandMode": "prompt", "isMeta": true}), &whole);
    check_queued(&json!({"prompt": [], "commandMode": "prompt"}), &whole);
    check_queued(&json!({"commandMode": "prompt"}), &whole);
}

#[test]
fn the_queueing_and_the_attachment_are_one_prompt() {
    check(
        vec![
            user("a", "one"),
            call("T"),
            operation("enqueue", json!("more")),
            result("T", false),
            operation("remove", Value::Null),
            queued("a", "more", json!({"kind": "human"})),
            end("done"),
        ],
        &["s human complete | one -> - [T]", "s human complete | more -> done []"],
    );
    // Blocks in the queue, a text in the line.
    let blocks = json!([{"type": "text", "text": "more"}]);
    check(
        vec![
            user("a", "one"),
            operation("enqueue", blocks),
            end("1"),
            operation("dequeue", Value::Null),
            user("b", "more"),
            end("2"),
        ],
        &["s human complete | one -> 1 []", "s human complete | more -> 2 []"],
    );
}

#[test]
fn the_same_words_queued_twice_are_two_prompts() {
    check(
        vec![
            user("a", "one"),
            operation("enqueue", json!("go on")),
            operation("enqueue", json!("go on")),
            end("1"),
            operation("dequeue", Value::Null),
            user("b", "go on"),
            end("2"),
            operation("dequeue", Value::Null),
            user("c", "go on"),
            end("3"),
        ],
        &["s human complete | one -> 1 []", "s human complete | go on -> 2 []", "s human complete | go on -> 3 []"],
    );
    // Of which only one has a line.
    check(
        vec![
            user("a", "one"),
            operation("enqueue", json!("go on")),
            end("1"),
            operation("dequeue", Value::Null),
            user("b", "go on"),
            operation("enqueue", json!("go on")),
            end("2"),
            operation("dequeue", Value::Null),
            end("3"),
        ],
        &["s human complete | one -> 1 []", "s human complete | go on -> 2 []", "s human complete | go on -> 3 []"],
    );
}

/// The first was taken into the running turn, in a version that wrote no line for it.
#[test]
fn the_same_words_absorbed_and_then_asked() {
    check(
        vec![
            user("a", "one"),
            call("T"),
            operation("enqueue", json!("go on")),
            result("T", false),
            operation("remove", Value::Null),
            end("1"),
            operation("enqueue", json!("go on")),
            operation("dequeue", Value::Null),
            user("b", "go on"),
            end("2"),
        ],
        &["s human complete | one -> - [T]", "s human complete | go on -> 1 []", "s human complete | go on -> 2 []"],
    );
}

#[test]
fn two_texts_that_became_one_line() {
    check(
        vec![
            user("a", "one"),
            operation("enqueue", json!("more")),
            operation("enqueue", json!("and more")),
            end("1"),
            operation("dequeue", Value::Null),
            operation("dequeue", Value::Null),
            user("b", "more\nand more"),
            end("2"),
        ],
        &["s human complete | one -> 1 []", "s human complete | more\nand more -> 2 []"],
    );
}

#[test]
fn an_image_alone_is_queued_too() {
    let image = json!([{"type": "image", "source": {"type": "base64", "data": "aGVsbG8="}}]);
    check(
        vec![user("a", "one"), operation("enqueue", image), end("1"), operation("dequeue", Value::Null), end("2")],
        &["s human complete | one -> 1 []", "s human complete | [Image] -> 2 []"],
    );
}
