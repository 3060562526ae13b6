//! A prompt that a hook captured and a log has too, at any time and in any bytes, is one prompt; and equal words that were typed
//! twice are two.

use serde_json::json;

use super::story::*;

/// The submit as another logger noted it, imported.
fn logged(prompt_id: &str, prompt: &str) -> Item {
    Hook(json!({"hook_event_name": "UserPromptSubmit", "prompt_id": prompt_id, "prompt": prompt, "logged": true}))
}

fn logged_stop(prompt_id: &str, text: &str) -> Item {
    Hook(json!({"hook_event_name": "Stop", "prompt_id": prompt_id, "last_assistant_message": text, "logged": true}))
}

/// Of a client that names no turn.
fn nameless(prompt: &str) -> Item {
    Hook(json!({"hook_event_name": "UserPromptSubmit", "prompt": prompt}))
}

/// A line `seconds` after the session's beginning.
fn line_at(seconds: i64, text: &str) -> Item {
    let at = chrono::DateTime::from_timestamp(START + seconds, 0).unwrap().to_rfc3339();
    Row(json!({"type": "user", "timestamp": at, "message": {"role": "user", "content": text}}))
}

/// Time in which nothing happens.
fn pause(seconds: usize) -> impl Iterator<Item = Item> {
    (0..seconds).map(|_| Hook(json!({"hook_event_name": "Notification"})))
}

const DAY: i64 = 86_400;

#[test]
fn a_log_of_what_a_transcript_has_adds_nothing() {
    let done = ["s human complete | deploy -> done []"];
    check(vec![submit("a", "deploy"), user("a", "deploy"), end("done"), system("x"), logged("a", "deploy")], &done);
    check(vec![submit("a", "deploy"), user("a", "deploy"), logged("a", "deploy"), system("x"), end("done")], &done);
    check(
        vec![logged("a", "deploy"), system("x"), system("x"), submit("a", "deploy"), user("a", "deploy"), end("done")],
        &done,
    );
    // Also while the line has not come.
    check(
        vec![submit("a", "deploy"), system("x"), system("x"), logged("a", "deploy")],
        &["s human open | deploy -> - []"],
    );
}

#[test]
fn a_log_of_what_a_hook_captured_adds_nothing() {
    let both = ["s human complete | deploy -> done []", "s human complete | next -> too []"];
    let turns = || vec![submit("a", "deploy"), stop("a", "done"), submit("b", "next"), stop("b", "too")];
    for at in 0..=4 {
        let mut items = turns();
        let log = [logged("a", "deploy"), logged_stop("a", "done"), logged("b", "next"), logged_stop("b", "too")];
        drop(items.splice(at..at, log));
        check(items, &both);
    }
    check(vec![submit("a", "deploy"), session_end(), logged("a", "deploy")], &["s human interrupted | deploy -> - []"]);
    // Before the session began, by the clock of the logger.
    let began = Hook(json!({"hook_event_name": "SessionStart", "source": "startup"}));
    check(vec![logged("a", "deploy"), began, submit("a", "deploy")], &["s human open | deploy -> - []"]);
}

#[test]
fn a_log_of_prompts_that_were_queued_takes_no_answer_from_another() {
    check(
        vec![
            submit("a", "deploy"),
            submit("a", "and test"),
            stop("a", "A"),
            stop("b", "B"),
            logged("a", "and test"),
            submit("c", "third"),
            submit("c", "and docs"),
            stop("c", "C"),
            stop("d", "D"),
        ],
        &[
            "s human complete | deploy -> A []",
            "s human complete | and test -> B []",
            "s human complete | third -> C []",
            "s human complete | and docs -> D []",
        ],
    );
}

#[test]
fn the_words_of_a_turn_typed_once_more_are_a_prompt() {
    let two = ["s human complete | go on -> one []", "s human open | go on -> - []"];
    let mut typed = vec![submit("a", "go on")];
    typed.extend(pause(5));
    typed.extend([submit("a", "go on"), stop("a", "one")]);
    check(typed, &two);
    // Also behind a Stop that another hook held up: the turn runs on.
    let mut typed = vec![submit("a", "go on"), stop("a", "one")];
    typed.extend(pause(5));
    typed.push(submit("a", "go on"));
    check(typed, &two);
    // Two of a log, as two of the hook.
    let mut typed = vec![logged("a", "go on"), stop("a", "one")];
    typed.extend(pause(5));
    typed.push(logged("a", "go on"));
    check(typed, &two);
}

#[test]
fn an_old_line_is_not_the_prompt_of_today() {
    // The line has no prompt id, as those of old clients; the submit has one.
    check(
        vec![line_at(-7 * DAY, "go on"), end("last week"), submit("a", "go on"), stop("a", "today")],
        &["s human complete | go on -> last week []", "s human complete | go on -> today []"],
    );
    // The line has its own id, and was written before hooks were set up.
    let mut old = line_at(-7 * DAY, "go on");
    if let Row(line) = &mut old {
        line["promptId"] = json!("x");
    }
    let items = vec![old, end("last week"), submit("a", "go on"), user("a", "go on"), logged("a", "go on")];
    let turns = super::correlate(&[session("s", items)]).turns;
    assert_eq!(turns.len(), 2);
    assert!(turns[0].keys.iter().all(|key| matches!(key, store::Key::Line(_))), "{:?}", turns[0]);
}

#[test]
fn equal_words_stay_with_the_time_at_which_they_were_typed() {
    let mut items = vec![nameless("go on")];
    items.extend(pause(60));
    items.push(nameless("go on"));
    items.extend(pause(60));
    items.push(nameless("go on"));
    items.extend([line_at(61, "go on"), end("second"), line_at(122, "go on")]);
    let input = session("s", items);
    let turns = super::correlate(std::slice::from_ref(&input)).turns;
    let submits: Vec<_> = input.events.iter().filter(|event| event.prompt().is_some()).collect();
    for (turn, submit) in turns.iter().zip(&submits) {
        assert!(submit.recognised_by().all(|key| turn.keys.contains(&key)), "{turn:?} is not of {submit:?}");
    }
    let answers: Vec<_> = turns.iter().map(|turn| turn.response_text.as_deref()).collect();
    assert_eq!((answers, submits.len()), (vec![None, Some("second"), None], 3));
}
