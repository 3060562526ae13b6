//! Orders and repetitions that a random search found: rare, and each once lost, doubled or misplaced something.

use serde_json::{Value, json};

use super::story::*;

fn check(items: Vec<Item>, expected: &[&str]) {
    check_lineage(&[session("s", items)], expected);
}

/// A prompt that Esc ended before its first token has no line. The same word, queued much later, is another prompt.
#[test]
fn a_queued_text_does_not_take_an_old_submit() {
    let mut items = vec![submit("a", "yes"), submit("b", "other"), user("b", "other"), end("1"), stop("b", "1")];
    items.extend((0..20).map(|_| system("informational")));
    items.extend([user("c", "last"), operation("enqueue", json!("yes")), operation("dequeue", Value::Null), end("2")]);
    check(
        items,
        &[
            "s human interrupted | yes -> - []",
            "s human complete | other -> 1 []",
            "s human interrupted | last -> - []",
            "s human complete | yes -> 2 []",
        ],
    );
}

/// Queued, taken back into the composer, and submitted again: typed twice, asked once.
#[test]
fn a_text_that_was_taken_back_is_one_prompt() {
    check(
        vec![
            submit("a", "one"),
            user("a", "one"),
            operation("enqueue", json!("two")),
            submit("a", "two"),
            operation("popAll", Value::Null),
            end("1"),
            stop("a", "1"),
            submit("b", "two"),
            user("b", "two"),
            end("2"),
            stop("b", "2"),
        ],
        &["s human complete | one -> 1 []", "s human complete | two -> 2 []"],
    );
}

/// Taken back for good: it stays as what it was, out of the default list, and the turn that ran goes on.
#[test]
fn a_text_that_was_not_sent_stays_beside() {
    let items = || {
        vec![
            submit("a", "one"),
            user("a", "one"),
            operation("enqueue", json!("two")),
            submit("a", "two"),
            operation("popAll", Value::Null),
            call("T"),
            result("T", false),
        ]
    };
    let beside = "s local complete | two -> - []";
    check(items(), &["s human open | one -> - [T]", beside]);
    let mut later = items();
    later.extend([end("1"), stop("a", "1"), submit("b", "three"), user("b", "three"), end("3"), stop("b", "3")]);
    check(later, &["s human complete | one -> 1 [T]", beside, "s human complete | three -> 3 []"]);
}

/// A line that only begins with the submitted words, or holds them, is not theirs.
#[test]
fn a_longer_line_is_another_prompt() {
    check(
        vec![submit("a", "continue"), user("a", "continue 98")],
        &["s human interrupted | continue -> - []", "s human open | continue 98 -> - []"],
    );
    check(
        vec![submit("a", "why?"), user("a", "why?\nadded behind it")],
        &["s human open | why?\nadded behind it -> - []"],
    );
}

/// A call that names a turn which nobody knows yet is not the running turn's.
#[test]
fn a_call_waits_for_the_turn_it_names() {
    let early = || vec![user("a", "one"), submit("a", "one"), before("b", "T")];
    check(early(), &["s human open | one -> - []"]);
    let mut items = early();
    items.extend([end("1"), user("b", "two"), call("T"), result("T", false), end("2")]);
    check(items, &["s human complete | one -> 1 []", "s human complete | two -> 2 [T]"]);
    // By hooks alone the Stop makes the turn known.
    let mut items = vec![submit("a", "one"), stop("a", "1"), before("b", "T"), after("b", "T")];
    items.push(stop("b", "2"));
    check(items, &["s human complete | one -> 1 []", "s notification complete | - -> 2 [T]"]);
}
