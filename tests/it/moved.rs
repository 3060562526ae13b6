//! What was said of conversations that only hooks tell of survives a move: the queue files and the export of one store make
//! the same in an empty one, in whichever order they come. The other store has an origin of its own, so that only what an
//! event is by itself can join the two.

use std::path::PathBuf;

use harness::{SCENARIOS, World};
use serde_json::Value;

use crate::one_store::queue;

/// The conversations and human rows of a store, without what is its own: numbers, and the keys that name its origin.
fn told(world: &World) -> Vec<Value> {
    let done = world.bin("ingest").args(["export", "--kind", "all"]).succeed();
    let mut lines: Vec<Value> =
        done.out().lines().skip(1).map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    for line in &mut lines {
        let fields = line.as_object_mut().expect("an object");
        for name in ["id", "parent_id", "keys"] {
            if fields["type"] == "conversation" {
                fields.remove(name);
            }
        }
        for member in fields.get_mut("members").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(from) = member["from"].as_object_mut() {
                from.remove("keys");
            }
        }
    }
    lines.sort_by_key(Value::to_string);
    lines
}

/// Hooks alone, and something said of every conversation: a rating, a tag, a note, and each session cut in two.
fn spoken_of() -> World {
    let world = World::new();
    SCENARIOS.into_iter().for_each(|scenario| queue(&world, scenario));
    world.ingest_once();
    let server = world.serve();
    let items = server.items(&[("kind", "all"), ("sort", "time")]);
    assert!(items.len() > 5, "{items:#?}");
    let mut sessions: Vec<&str> = Vec::new();
    for (n, item) in items.iter().enumerate() {
        let (id, session) = (item["id"].to_string(), item["session_id"].as_str().expect("a session"));
        let note = format!("said of {n}");
        let rating = (n % 5 + 1).to_string();
        let _ = world.bin("query-api").args(["rate", &id, &rating, &note]).succeed();
        let _ = world.bin("query-api").args(["tag", &id, &format!("tag-{n}")]).succeed();
        sessions.extend((!sessions.contains(&session)).then_some(session));
    }
    for session in sessions {
        let own: Vec<_> = items.iter().filter(|item| item["session_id"] == session).collect();
        if own.len() > 1 {
            let at = own[0]["id"].to_string();
            let _ = world.bin("query-api").args(["split", session, "--at", &at, "--title", "cut off"]).succeed();
        }
    }
    world
}

#[test]
fn what_is_said_of_hooks_alone_is_found_by_another_store() {
    let world = spoken_of();
    let (queue, rows) = (world.root().join("moved-queue"), world.root().join("moved.jsonl"));
    for (format, out) in [("queue", &queue), ("jsonl", &rows)] {
        let _ = world.bin("ingest").args(["export", "--format", format, "--out"]).arg(out).succeed();
    }
    let expected = told(&world);
    let cut = expected.iter().filter(|line| line["type"] == "user_session").count();
    assert!(cut > 1, "{expected:#?}");
    let check = |order: &[&PathBuf]| {
        let other = World::new();
        for part in order {
            let _ = other.bin("ingest").arg("import").arg(part).succeed();
        }
        let found = told(&other);
        let only = |these: &[Value], those: &[Value]| -> Vec<Value> {
            these.iter().filter(|line| !those.contains(line)).cloned().collect()
        };
        assert_eq!(only(&expected, &found), Vec::<Value>::new(), "{order:?}: missing");
        assert_eq!(only(&found, &expected), Vec::<Value>::new(), "{order:?}: more than there was");
        let _ = other.bin("ingest").arg("rebuild").succeed();
        assert_eq!(told(&other), found, "{order:?}: rebuilt");
    };
    check(&[&queue, &rows]);
    check(&[&rows, &queue]);
    check(&[&queue, &rows, &rows, &queue]);
}
