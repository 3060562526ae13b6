//! What was taken in with something hidden is what it is without: rules 1, 8, 16, 19, 20 and 21, each witness under other settings.

use serde_json::{Value, json};
use store::TranscriptId;
use store::write::TypedLine;

use super::story::*;
use super::*;
use crate::correlate::history::Typed;

const PLAIN: &str = "use k3y-0f-mine now";
const HIDDEN: &str = "use *********** now";
const WHOLE: &str = "*******************";

fn check_united(mut lineage: Vec<Input>, expected: &[&str]) {
    unite(&mut lineage.iter_mut().collect::<Vec<_>>());
    check_lineage(&lineage, expected);
}

fn check(items: Vec<Item>, expected: &[&str]) {
    check_united(vec![session("s", items)], expected);
}

fn line(uuid: &str, prompt_id: &str, text: &str) -> Item {
    user_with(prompt_id, json!(text), &json!({"uuid": uuid, "timestamp": "2026-01-01T00:00:00Z"}))
}

#[test]
fn a_line_is_known_again() {
    for (first, second, shown) in [(PLAIN, HIDDEN, PLAIN), (HIDDEN, PLAIN, HIDDEN), (HIDDEN, WHOLE, HIDDEN)] {
        let one = format!("s human open | {shown} -> - []");
        check(vec![line("u", "a", first), line("u", "a", second)], &[&one]);
        let mut two = session("s", vec![line("u", "a", first)]);
        two.files.extend(session("s", vec![line("u", "a", second)]).files);
        check_united(vec![two], &[&one]);
        // Another uuid is another line, whatever it says.
        let other = [format!("s human interrupted | {first} -> - []"), format!("s human open | {second} -> - []")];
        check(vec![line("u", "a", first), line("v", "b", second)], &[&other[0], &other[1]]);
    }
    // Nothing is hidden in either.
    let other = ["s human interrupted | one -> - []", "s human open | two -> - []"];
    check(vec![line("u", "a", "one"), line("u", "a", "two")], &other);
}

#[test]
fn a_copied_line_is_known_again() {
    let answer = || {
        Row(
            json!({"type": "assistant", "uuid": "u2", "message": {"id": "m1", "content": [{"type": "text", "text": "1"}], "stop_reason": "end_turn"}}),
        )
    };
    let copy = |id: &str, text: &str| vec![line("u", id, text), answer()];
    let mut parent = copy("p", PLAIN);
    parent.extend([user("q", "next"), end("3")]);
    let mut fork = copy("f", HIDDEN);
    fork.extend([user("f", "forked"), end("2")]);
    let expected = [
        "a human complete | use k3y-0f-mine now -> 1 []",
        "a human complete | next -> 3 []",
        "b human complete | forked -> 2 []",
    ];
    check_united(vec![session("a", parent), session("b", fork)], &expected);
}

#[test]
fn a_submit_joins_its_line() {
    let lone = |text: &str| format!("s human open | {text} -> - []");
    for (hook, text) in [(PLAIN, HIDDEN), (HIDDEN, PLAIN), (WHOLE, HIDDEN), (PLAIN, WHOLE)] {
        check(vec![submit("a", hook), user("a", text)], &[&lone(text)]);
    }
    // Clients without ids: the text tells, if enough of it is shown.
    check(vec![submit("", PLAIN), user("a", HIDDEN)], &[&lone(HIDDEN)]);
    let apart = |first: &str, second: &str| {
        [format!("s human interrupted | {first} -> - []"), format!("s human open | {second} -> - []")]
    };
    let [first, second] = apart(PLAIN, WHOLE);
    check(vec![submit("", PLAIN), user("a", WHOLE)], &[&first, &second]);
    // Other ids are other prompts.
    let [first, second] = apart(PLAIN, HIDDEN);
    check(vec![submit("a", PLAIN), user("b", HIDDEN)], &[&first, &second]);
    // Of two that are alike each has its own.
    let both = apart(HIDDEN, HIDDEN);
    check(
        vec![submit("a", PLAIN), user("a", HIDDEN), submit("b", "use 0th3r-0n3s- now"), user("b", HIDDEN)],
        &[&both[0], &both[1]],
    );
    // A key of several lines is longer where it was hidden: each of its ends of lines was an escape.
    let key = "my key -----BEGIN\nabc\ndef\nEND please";
    let hidden = "my key *********************** please";
    check(vec![submit("a", key), user("a", hidden)], &[&lone(hidden)]);
    check(vec![submit("a", hidden), user("a", key)], &[&lone(key)]);
    // Typed while Claude worked: the hook reused the id of the turn that ran.
    check(
        vec![
            user("a", "one"),
            call("T"),
            submit("a", PLAIN),
            result("T", false),
            end("1"),
            user("b", HIDDEN),
            end("2"),
        ],
        &["s human complete | one -> 1 [T]", "s human complete | use *********** now -> 2 []"],
    );
}

#[test]
fn what_is_told_twice_is_said_once() {
    let one = [&*format!("s human open | {PLAIN} -> - []")];
    check(vec![submit("a", PLAIN), submit("a", HIDDEN)], &one);
    for (first, second) in [(PLAIN, HIDDEN), (HIDDEN, PLAIN)] {
        check(vec![submit("a", first), submit("a", second), user("a", PLAIN)], &one);
    }
    let two = [&*format!("s human interrupted | {PLAIN} -> - []"), &*format!("s human open | {HIDDEN} -> - []")];
    check(vec![submit("a", PLAIN), submit("b", HIDDEN)], &two);
    let answered = [&*format!("s human complete | one -> {PLAIN} []")];
    check(vec![submit("a", "one"), user("a", "one"), end(PLAIN), stop("a", HIDDEN)], &answered);
}

#[test]
fn a_queued_text_is_found_in_its_line() {
    let queue = |text: &str| operation("enqueue", json!(text));
    let said = |text: &str| ["s human complete | one -> 1 []".to_owned(), format!("s human complete | {text} -> 2 []")];
    for (first, second) in [(PLAIN, HIDDEN), (HIDDEN, PLAIN)] {
        let items = vec![
            user("a", "one"),
            queue(first),
            end("1"),
            operation("dequeue", Value::Null),
            user("b", second),
            end("2"),
        ];
        check(items, &said(second).each_ref().map(String::as_str));
        // The file was rewritten, and taken in again.
        let story = |text: &str| {
            let operation = |name: &str, content: Value| {
                Row(json!({"type": "queue-operation", "operation": name, "content": content, "sessionId": "s"}))
            };
            let queued = operation("enqueue", json!(text));
            session("s", vec![user("a", "one"), end("1"), queued, operation("dequeue", Value::Null)])
        };
        let mut twice = story(first);
        twice.files.extend(story(second).files);
        let alone = ["s human complete | one -> 1 []".to_owned(), format!("s human open | {first} -> - []")];
        check_united(vec![twice], &alone.each_ref().map(String::as_str));
    }
}

#[test]
fn what_was_typed_is_known_again() {
    let typed = |lines: &[(&str, i64)]| {
        let mut input = session("s", vec![]);
        for (key, (display, at_ms)) in (1..).zip(lines) {
            let json = json!({"display": display, "timestamp": at_ms, "project": "/p", "sessionId": "s"}).to_string();
            let line = TypedLine { transcript: TranscriptId(7), offset: 0, key: [key; 16], at_ms: *at_ms, json };
            input.typed.extend(Typed::parse(&line));
        }
        input
    };
    let one = [&*format!("s human open | {PLAIN} -> - []")];
    check_united(vec![typed(&[(PLAIN, 5), (HIDDEN, 5)])], &one);
    check_united(vec![typed(&[(HIDDEN, 5), (PLAIN, 5), (WHOLE, 5)])], &one);
    let two = [&*format!("s human open | {PLAIN} -> - []"), &*format!("s human open | {HIDDEN} -> - []")];
    check_united(vec![typed(&[(PLAIN, 5), (HIDDEN, 6)])], &two);
}

/// The frame of a comment, a rule in Markdown: nothing is hidden there, and no other text stands in it.
#[test]
fn signs_like_a_mask_say_nothing_else() {
    let frame = format!("look at /{}/", "*".repeat(60));
    for (text, said) in [("please fix the test too", &*frame), ("yes", "first\n***\nsecond")] {
        let one = "s human complete | one -> - [T]".to_owned();
        // Queued, and taken into the turn that ran, by a client that wrote no line for it.
        let queued = vec![
            user("a", "one"),
            call("T"),
            result("T", false),
            operation("enqueue", json!(text)),
            operation("remove", Value::Null),
            end("1"),
            user("b", said),
            end("2"),
        ];
        let absorbed = format!("s human complete | {text} -> 1 []");
        check(queued, &[&one, &absorbed, &format!("s human complete | {said} -> 2 []")]);
        // Typed while a turn ran that no hook saw.
        let items = vec![user("a", said), call("T"), submit("a", text)];
        let [first, second] =
            [format!("s human interrupted | {said} -> - [T]"), format!("s human open | {text} -> - []")];
        check(items, &[&first, &second]);
        // What Claude answered last stands in the Stop alone.
        let items = vec![user("a", "one"), end(said), stop("a", text)];
        check(items, &[&format!("s human complete | one -> {text} []")]);
    }
}
