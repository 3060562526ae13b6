//! `/rate` from within a session, from the hook to the API: said once, of the prompt before it, and never a prompt itself.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

use std::time::{SystemTime, UNIX_EPOCH};

use harness::World;
use serde_json::{Value, json};

const SESSION: &str = "0914908d-acc8-48aa-98d6-77d558fb9590";

/// A moment so many seconds ago, in nanoseconds since 1970.
fn ago(seconds: u64) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    u64::try_from(now).unwrap() - seconds * 1_000_000_000
}

fn submit(session: &str, prompt: &str) -> String {
    json!({"session_id": session, "hook_event_name": "UserPromptSubmit", "prompt": prompt}).to_string()
}

/// A prompt that the real hook captured `seconds` ago, where `--rate` is installed.
fn typed_in(world: &World, session: &str, seconds: u64, prompt: &str) {
    let hook = world.bin("prompt-hook").args(["UserPromptSubmit", "--rate"]);
    let hook = hook.env("PROMPT_MANAGER_CLOCK_NS", ago(seconds).to_string()).stdin(submit(session, prompt));
    let done = hook.run().code(0);
    assert_eq!(!done.out().is_empty(), prompt.starts_with("/rate"), "{prompt}\n{done}");
}

fn typed(world: &World, seconds: u64, prompt: &str) {
    typed_in(world, SESSION, seconds, prompt);
}

/// What the list says of each prompt, of every kind, the oldest first: prompt, rating, tags, note.
fn said(world: &World) -> Vec<(String, Value, Vec<String>, String)> {
    let server = world.serve();
    let mut items = server.items(&[("kind", "all")]);
    items.sort_by_key(|item| item["timestamp"].as_str().map(str::to_owned));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let each = items.iter().map(|item| {
        let (status, one) = server.get(&format!("/api/conversations/{}", item["id"]));
        assert_eq!(status, 200);
        let tags = one["tags"].as_array().unwrap().iter().map(text).collect();
        (text(&one["prompt_text"]), one["rating"].clone(), tags, text(&one["notes"]))
    });
    each.collect()
}

/// Prompts with the seconds ago at which they were typed; what is said of those that are conversations.
fn check(story: &[(u64, &str)], expected: &[(&str, Option<u8>, &[&str], &str)]) {
    let world = World::new();
    for (seconds, prompt) in story {
        typed(&world, *seconds, prompt);
    }
    for round in ["once", "again", "rebuilt"] {
        if round == "rebuilt" {
            let _ = world.bin("ingest").arg("rebuild").succeed();
        } else {
            let _ = world.ingest_once();
        }
        world.assert_drained();
        let found = said(&world);
        let expected: Vec<_> = expected
            .iter()
            .map(|(prompt, rating, tags, note)| {
                let tags = tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>();
                ((*prompt).to_owned(), json!(rating), tags, (*note).to_owned())
            })
            .collect();
        assert_eq!(found, expected, "{round}: {story:?}");
    }
}

#[test]
fn it_is_said_of_the_prompt_before_it() {
    check(
        &[(300, "first"), (200, "/rate 5 great #refactor"), (100, "second")],
        &[("first", Some(5), &["refactor"], "great"), ("second", None, &[], "")],
    );
    check(
        &[(300, "first"), (250, "second"), (200, "/rate 2")],
        &[("first", None, &[], ""), ("second", Some(2), &[], "")],
    );
    check(&[(300, "one"), (200, "/rate 2 no #a"), (100, "/rate 4 yes #b")], &[("one", Some(4), &["a", "b"], "yes")]);
    check(&[(300, "one"), (200, "/rate 2 note #a"), (100, "/rate 0")], &[("one", None, &["a"], "note")]);
    check(&[(300, "one"), (200, "/rate"), (150, "/rate 7"), (100, "/rate five")], &[("one", None, &[], "")]);
    // What cannot be a tag stands in the note.
    check(&[(300, "one"), (200, "/rate 3 see #a,b #ok")], &[("one", Some(3), &["ok"], "see #a,b")]);
}

#[test]
fn without_a_prompt_before_it_nothing_is_rated_until_one_comes() {
    let world = World::new();
    typed(&world, 200, "/rate 4");
    typed(&world, 100, "later");
    let _ = world.ingest_once();
    assert_eq!(said(&world), [("later".to_owned(), Value::Null, vec![], String::new())]);
    // A hook's file that came late, from another disk say.
    typed(&world, 300, "earlier");
    let _ = world.ingest_once();
    let found: Vec<_> = said(&world).into_iter().map(|(prompt, rating, ..)| (prompt, rating)).collect();
    assert_eq!(found, [("earlier".to_owned(), json!(4)), ("later".to_owned(), Value::Null)]);
}

#[test]
fn it_stays_where_it_was_said() {
    let world = World::new();
    typed(&world, 300, "first");
    typed(&world, 200, "/rate 5");
    let _ = world.ingest_once();
    // Had this been known, it would have been meant.
    typed(&world, 250, "came late");
    let _ = world.ingest_once();
    let _ = world.bin("ingest").arg("rebuild").succeed();
    let found: Vec<_> = said(&world).into_iter().map(|(prompt, rating, ..)| (prompt, rating)).collect();
    assert_eq!(found, [("first".to_owned(), json!(5)), ("came late".to_owned(), Value::Null)]);
}

#[test]
fn a_later_word_counts() {
    let world = World::new();
    typed(&world, 300, "one");
    let _ = world.ingest_once();
    let server = world.serve();
    let id = server.items(&[])[0]["id"].clone();
    let path = format!("/api/conversations/{id}/rating");
    let mut client = server.client();
    let answer = client.json("PUT", &path, r#"{"rating":1,"notes":"by hand"}"#);
    assert_eq!(answer.status, 200, "{}", answer.text());
    // Typed before that, and taken in after it.
    typed(&world, 200, "/rate 5 from the session");
    let _ = world.ingest_once();
    assert_eq!(said(&world), [("one".to_owned(), json!(1), vec![], "by hand".to_owned())]);
}

/// Hooks in the settings and in a plugin tell of each command twice.
#[test]
fn a_double_is_one() {
    let world = World::new();
    typed(&world, 300, "one");
    typed(&world, 200, "/rate 5 once");
    typed(&world, 199, "/rate 5 once");
    let _ = world.ingest_once();
    assert_eq!(said(&world), [("one".to_owned(), json!(5), vec![], "once".to_owned())]);
    let export = world.bin("ingest").arg("export").succeed();
    let one: Value = serde_json::from_str(export.out().lines().nth(1).unwrap()).unwrap();
    assert_eq!(one["ratings"].as_array().map(Vec::len), Some(1), "{one}");
    assert_eq!(one["notes"].as_array().map(Vec::len), Some(1), "{one}");
}

/// One of two hooks answers, the other takes it for a prompt, in either order.
#[test]
fn a_double_that_nobody_answered_is_no_prompt() {
    for (plain, answered) in [(201, 200), (200, 201)] {
        let world = World::new();
        typed(&world, 300, "one");
        let submit = submit(SESSION, "/rate 5 once");
        let hook =
            world.bin("prompt-hook").arg("UserPromptSubmit").env("PROMPT_MANAGER_CLOCK_NS", ago(plain).to_string());
        let _ = hook.stdin(submit).run().code(0).silent();
        typed(&world, answered, "/rate 5 once");
        let _ = world.ingest_once();
        assert_eq!(said(&world), [("one".to_owned(), json!(5), vec![], "once".to_owned())]);
    }
}

/// Before the transcript has come, what was typed just before it may not be known yet.
#[test]
fn it_waits_for_the_transcript_or_a_minute() {
    let world = World::new();
    typed(&world, 30, "one");
    typed(&world, 20, "/rate 5");
    let rating = |world: &World| said(world)[0].1.clone();
    let _ = world.ingest_once();
    assert_eq!(rating(&world), Value::Null, "nothing tells yet what came before");

    let before = prompt_line(SESSION, 31, "one");
    let path = format!("-work/{SESSION}.jsonl");
    world.transcript(&path, before.as_bytes());
    let _ = world.ingest_once();
    assert_eq!(rating(&world), Value::Null, "the transcript is not beyond it");
    let notice = json!({"subtype": "informational", "content": "rating 5 saved for the previous prompt"});
    let after = line(SESSION, "system", 19, &notice);
    world.transcript(&path, format!("{before}{after}").as_bytes());
    let _ = world.ingest_once();
    assert_eq!(rating(&world), json!(5));
    assert_eq!(said(&world).len(), 1, "the notice is no conversation");
}

/// A line of a transcript.
fn line(session: &str, kind: &str, seconds: u64, rest: &Value) -> String {
    let at = status::Time(i64::try_from(ago(seconds) / 1_000_000).unwrap());
    let mut line = json!({"type": kind, "uuid": format!("u-{seconds}"), "timestamp": at, "sessionId": session});
    line.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    format!("{line}\n")
}

fn prompt_line(session: &str, seconds: u64, prompt: &str) -> String {
    let message = json!({"role": "user", "content": prompt});
    line(session, "user", seconds, &json!({"message": message, "promptId": format!("{session}-{seconds}")}))
}

/// What is on the screen before the first prompt of a fork is its parent's, up to where it forked.
#[test]
fn at_the_beginning_of_a_fork_it_is_said_of_the_parents_prompt() {
    let world = World::new();
    let (parent, fork) = ("a-parent", "b-fork");
    let start = json!({"session_id": fork, "hook_event_name": "SessionStart", "source": "fork"});
    let hook = world.bin("prompt-hook").arg("SessionStart").env("PROMPT_MANAGER_CLOCK_NS", ago(250).to_string());
    let _ = hook.stdin(start.to_string()).run().code(0).silent();
    typed_in(&world, fork, 200, "/rate 5");
    let first = prompt_line(parent, 300, "first");
    world.transcript(
        &format!("-work/{parent}.jsonl"),
        format!("{first}{}", prompt_line(parent, 220, "went on")).as_bytes(),
    );
    let _ = world.ingest_once();
    let ratings =
        |world: &World| said(world).into_iter().map(|(prompt, rating, ..)| (prompt, rating)).collect::<Vec<_>>();
    let (one, on) = ("first".to_owned(), "went on".to_owned());
    assert_eq!(ratings(&world), [(one.clone(), Value::Null), (on.clone(), Value::Null)]);

    // Only its first prompt writes its file, with what it copied.
    let copied = first.replace(parent, fork);
    let second = prompt_line(fork, 100, "in the fork");
    world.transcript(&format!("-work/{fork}.jsonl"), format!("{copied}{second}").as_bytes());
    let _ = world.ingest_once();
    assert_eq!(ratings(&world), [(one, json!(5)), (on, Value::Null), ("in the fork".to_owned(), Value::Null)]);
}

/// Where our command is not installed, `/rate` is whatever somebody made it.
#[test]
fn a_command_of_that_name_that_is_not_ours_stays_a_prompt() {
    let world = World::new();
    for (seconds, prompt) in [(300, "one"), (200, "/rate 5 restaurants")] {
        let hook = world.bin("prompt-hook").arg("UserPromptSubmit");
        let hook = hook.env("PROMPT_MANAGER_CLOCK_NS", ago(seconds).to_string());
        let _ = hook.stdin(submit(SESSION, prompt)).run().code(0).silent();
    }
    let _ = world.ingest_once();
    let found: Vec<_> = said(&world).into_iter().map(|(prompt, rating, ..)| (prompt, rating)).collect();
    assert_eq!(found, [("one".to_owned(), Value::Null), ("/rate 5 restaurants".to_owned(), Value::Null)]);
}

#[test]
fn sessions_do_not_mix() {
    let world = World::new();
    typed_in(&world, "s-1", 300, "mine");
    typed_in(&world, "s-2", 250, "theirs");
    typed_in(&world, "s-1", 200, "/rate 5");
    let _ = world.ingest_once();
    let found: Vec<_> = said(&world).into_iter().map(|(prompt, rating, ..)| (prompt, rating)).collect();
    assert_eq!(found, [("mine".to_owned(), json!(5)), ("theirs".to_owned(), Value::Null)]);
}
