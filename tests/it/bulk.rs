//! One change of many conversations: it ends when the server must, and whatever the answer says is what is there.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use harness::{Response, Server, World};
use serde_json::json;

/// Changes at the same time, each of conversations of its own.
const CHANGES: u64 = 8;
/// Conversations of a change, and tags that each of them gets: as many as are allowed.
const CHANGED: u64 = 100;
const TAGS: u64 = 100;

/// A store of prompts.
fn filled() -> World {
    let world = World::new();
    fs::create_dir_all(world.data().incoming()).unwrap();
    for n in 0..CHANGES * CHANGED {
        let session = format!("00000000-0000-4000-8000-{:012}", n / 8);
        let payload = json!({"session_id": session, "transcript_path": "/none", "cwd": "/src", "prompt_id": format!("p{n}"),
            "hook_event_name": "UserPromptSubmit", "prompt": format!("prompt {n}")});
        let name = format!("{:019}-{session}-UserPromptSubmit.json", 1_795_350_951_000_000_000 + n * 1_000_000);
        fs::write(world.data().incoming().join(name), payload.to_string()).unwrap();
    }
    world.ingest_once();
    world
}

fn send(server: &Server, method: &str, path: &str, body: &str) -> Response {
    server.client().send(method, path, &[("content-type", "application/json")], body.as_bytes())
}

/// Sets the tags of the n-th change.
fn change(server: &Server, nth: u64) -> Response {
    let tags: Vec<_> = (0..TAGS).map(|n| format!("{nth}-{n}")).collect();
    let ids: Vec<_> = (1..=CHANGED).map(|n| nth * CHANGED + n).collect();
    let body = json!({"ids": ids, "set": {"add_tags": tags}}).to_string();
    send(server, "POST", "/api/conversations/bulk", &body)
}

/// How many conversations have each of the tags of the n-th change.
fn counts(server: &Server, nth: u64) -> Vec<u64> {
    let (_, tags) = server.get("/api/tags");
    let is_its = |tag: &&serde_json::Value| tag["tag"].as_str().unwrap().starts_with(&format!("{nth}-"));
    tags["items"].as_array().unwrap().iter().filter(is_its).map(|tag| tag["conversations"].as_u64().unwrap()).collect()
}

#[test]
fn the_end_does_not_wait_for_large_changes() {
    let world = filled();
    let mut server = world.serve();
    let (answers, mut took) = thread::scope(|scope| {
        let server = &server;
        let sent: Vec<_> = (0..CHANGES).map(|nth| scope.spawn(move || change(server, nth))).collect();
        thread::sleep(Duration::from_millis(300));
        let pid = server.pid().to_string();
        assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let begun = Instant::now();
        (sent.into_iter().map(|one| one.join().unwrap()).collect::<Vec<_>>(), begun.elapsed())
    });
    let begun = Instant::now();
    assert_eq!(server.end(), Some(0), "{}", server.log());
    took += begun.elapsed();
    let (made, rows) = (answers.iter().filter(|answer| answer.status == 200).count(), CHANGED * TAGS);
    println!("{CHANGES} changes of {rows} rows each: the server ended {took:?} after SIGTERM, {made} were made");
    assert!(took < Duration::from_secs(5), "as long as it may take answers to be read: {took:?}");

    let server = world.serve();
    for (nth, answer) in (0..).zip(&answers) {
        let found = counts(&server, nth);
        if answer.status == 200 {
            assert_eq!(found, vec![CHANGED; TAGS as usize], "{nth}");
        } else {
            assert!(answer.text().contains("nothing was changed"), "{}", answer.text());
            assert_eq!(found, [0; 0], "{nth}");
        }
    }
    let answer = send(&server, "PUT", "/api/conversations/1/rating", r#"{"rating": 5}"#);
    assert_eq!(answer.status, 200, "the store takes the next change");
}

/// Somebody who rates while a large change is written waits, and is not refused.
#[test]
fn a_rating_waits_for_a_large_change() {
    let world = filled();
    let server = world.serve();
    thread::scope(|scope| {
        let large = scope.spawn(|| {
            let begun = Instant::now();
            (change(&server, 0).status, begun.elapsed())
        });
        let mut longest = Duration::ZERO;
        while !large.is_finished() {
            let begun = Instant::now();
            let answer = send(&server, "PUT", "/api/conversations/1/rating", r#"{"rating": 5}"#);
            assert_eq!(answer.status, 200, "{}", answer.text());
            longest = longest.max(begun.elapsed());
        }
        let (status, took) = large.join().unwrap();
        assert_eq!(status, 200);
        println!("{} rows took {took:?}; a rating waited at most {longest:?}", CHANGED * TAGS);
    });
}
