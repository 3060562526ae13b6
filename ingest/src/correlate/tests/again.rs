//! A prompt that is stored twice, at two times, is one prompt; and equal words that were typed twice are two.
//!
//! The second time is a log's of hook payloads, imported before or after the hook captured the same: its entries often have
//! no time, or the logger's, or other bytes.

use serde_json::json;

use super::story::*;

/// The submit of another logger: the same prompt in other bytes.
fn logged(prompt_id: &str, prompt: &str) -> Item {
    Hook(
        json!({"hook_event_name": "UserPromptSubmit", "prompt_id": prompt_id, "prompt": prompt, "logged_by": "another"}),
    )
}

/// Of a client that names no turn.
fn nameless(prompt: &str) -> Item {
    Hook(json!({"hook_event_name": "UserPromptSubmit", "prompt": prompt}))
}

/// A line of such a client, `seconds` after the session's beginning.
fn line_at(seconds: i64, text: &str) -> Item {
    let at = chrono::DateTime::from_timestamp(START + seconds, 0).unwrap().to_rfc3339();
    Row(json!({"type": "user", "timestamp": at, "message": {"role": "user", "content": text}}))
}

/// Time in which nothing happens.
fn pause(seconds: usize) -> impl Iterator<Item = Item> {
    (0..seconds).map(|_| Hook(json!({"hook_event_name": "Notification"})))
}

#[test]
fn a_log_of_what_a_transcript_has_adds_nothing() {
    for copy in [submit, logged] {
        check(
            vec![
                submit("a", "deploy"),
                user("a", "deploy"),
                end("done"),
                system("x"),
                system("x"),
                copy("a", "deploy"),
            ],
            &["s human complete | deploy -> done []"],
        );
        // Also where it is another turn's line that shows that the first is over, and where the log's time is too early.
        check(
            vec![
                submit("a", "deploy"),
                user("a", "deploy"),
                say("m", "so", json!(null)),
                user("b", "next"),
                copy("a", "deploy"),
            ],
            &["s human complete | deploy -> so []", "s human open | next -> - []"],
        );
        check(
            vec![
                copy("a", "deploy"),
                user("z", "before"),
                end("that"),
                submit("a", "deploy"),
                user("a", "deploy"),
                end("done"),
            ],
            &["s human complete | before -> that []", "s human complete | deploy -> done []"],
        );
    }
}

#[test]
fn a_log_of_what_a_hook_captured_adds_nothing() {
    for copy in [submit, logged] {
        check(
            vec![
                submit("a", "deploy"),
                stop("a", "done"),
                submit("b", "next"),
                stop("b", "too"),
                copy("a", "deploy"),
                stop("a", "done"),
                copy("b", "next"),
            ],
            &["s human complete | deploy -> done []", "s human complete | next -> too []"],
        );
        // An interrupted turn: the next one, or the session's end, shows that it is over.
        check(
            vec![submit("a", "deploy"), submit("b", "next"), copy("a", "deploy")],
            &["s human interrupted | deploy -> - []", "s human open | next -> - []"],
        );
        check(
            vec![submit("a", "deploy"), session_end(), copy("a", "deploy")],
            &["s human interrupted | deploy -> - []"],
        );
        // A moment apart nobody typed it twice.
        check(vec![submit("a", "deploy"), copy("a", "deploy")], &["s human open | deploy -> - []"]);
    }
}

#[test]
fn the_words_of_the_running_turn_typed_once_more_are_a_prompt() {
    let mut typed = vec![submit("a", "go on")];
    typed.extend(pause(5));
    typed.extend([submit("a", "go on"), stop("a", "one")]);
    check(typed, &["s human complete | go on -> one []", "s human open | go on -> - []"]);
}

#[test]
fn an_old_line_is_not_the_prompt_of_today() {
    // The line has no prompt id, as those of old clients; the submit has one.
    let day = 86_400;
    check(
        vec![line_at(-7 * day, "go on"), end("last week"), submit("a", "go on"), stop("a", "today")],
        &["s human complete | go on -> last week []", "s human complete | go on -> today []"],
    );
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
