//! What is told of a session as a whole: its title, its project, and the sessions before and after it.

use std::fs;

use harness::{SCENARIOS, Server, World};
use serde_json::{Value, json};

use crate::one_store::queue;

/// The session of the first conversation of a session, as the API gives it.
fn session(server: &Server, id: &str) -> Value {
    let items = server.items(&[("session_id", id), ("kind", "all")]);
    let first = items.last().unwrap_or_else(|| panic!("{id} has no conversation"));
    let (status, whole) = server.get(&format!("/api/conversations/{}", first["id"]));
    assert_eq!(status, 200, "{whole}");
    whole["session"].clone()
}

const FORK: &str = "3cd39ddf-7314-44c8-811d-11f2387e85cf";
const FORKED: &str = "a7b6c9f7-bfb4-4eb6-b2dd-7613ff8d44a5";
const CLEARED: &str = "0914908d-acc8-48aa-98d6-77d558fb9590";
const NEXT: &str = "32ca3953-70ed-4e5e-a315-822529695c59";

#[test]
fn forks_and_what_clear_ended() {
    let link = |kind: &str, id: &str| json!([{"kind": kind, "session_id": id}]);
    // Whatever came first, and told by either side.
    for late in [None, Some("hooks"), Some("transcripts")] {
        let world = World::new();
        for part in ["hooks", "transcripts"].into_iter().filter(|part| Some(*part) != late).chain(late) {
            for scenario in SCENARIOS {
                if part == "hooks" { queue(&world, scenario) } else { world.projects(scenario) }
            }
            world.ingest_once();
        }
        let server = world.serve();
        assert_eq!(session(&server, FORK)["follows"], link("fork-of", FORKED));
        assert_eq!(session(&server, FORKED)["followed_by"], link("fork-of", FORK));
        assert_eq!(session(&server, NEXT)["follows"], link("cleared-from", CLEARED));
        assert_eq!(session(&server, CLEARED)["followed_by"], link("cleared-from", NEXT));
        assert_eq!(session(&server, CLEARED)["follows"], json!([]));
    }
}

/// One prompt of a session that ran in this directory.
fn ran_in(world: &World, id: &str, cwd: &str, more: &[Value]) {
    let line = json!({"type": "user", "uuid": id, "sessionId": id, "timestamp": "2026-11-22T12:00:00.000Z", "cwd": cwd,
                      "message": {"role": "user", "content": "fix it"}});
    let lines: String = [line].iter().chain(more).map(|line| format!("{line}\n")).collect();
    world.transcript(&format!("-wherever/{id}.jsonl"), lines.as_bytes());
}

#[test]
fn the_project_is_the_repository() {
    let world = World::new();
    let within = |path: &str| world.root().join(path).to_str().expect("a path of this test").to_owned();
    for folder in ["acme/.git/worktrees/topic", "acme/src", "topic", "alone"] {
        fs::create_dir_all(within(folder)).expect("a folder");
    }
    fs::write(within("topic/.git"), format!("gitdir: {}\n", within("acme/.git/worktrees/topic"))).expect("a .git file");
    let left = json!({"type": "worktree-state", "sessionId": "left",
                      "worktreeSession": {"worktreePath": within("left"), "originalCwd": within("acme/src")}});
    for (id, more) in
        [("acme/src", vec![]), ("topic", vec![]), ("alone", vec![]), ("gone", vec![]), ("left", vec![left])]
    {
        ran_in(&world, &id.replace('/', "-"), &within(id), &more);
    }
    world.ingest_once();
    let server = world.serve();
    let check = |id: &str, expected: &str| {
        let session = session(&server, id);
        let name = expected.rsplit('/').next();
        assert_eq!((&session["project"], session["project_name"].as_str()), (&json!(within(expected)), name), "{id}");
        let item = &server.items(&[("session_id", id)])[0];
        assert_eq!(item["project"], session["project"], "{id}");
    };
    check("acme-src", "acme");
    check("topic", "acme");
    check("alone", "alone");
    check("gone", "gone");
    check("left", "acme");
    // What a directory was when it was first met is kept.
    fs::remove_dir_all(within("acme")).expect("to remove it");
    world.ingest_once();
    check("acme-src", "acme");
}

#[test]
fn a_title_is_given_generated_or_the_first_prompt() {
    let world = World::new();
    let title = |kind: &str, field: &str, text: &str| json!({"type": kind, "sessionId": "s", field: text});
    let check = |more: &[Value], expected: (&str, &str)| {
        ran_in(&world, "s", "/nowhere", more);
        world.ingest_once();
        let session = session(&world.serve(), "s");
        assert_eq!((session["title"].as_str(), session["title_from"].as_str()), (Some(expected.0), Some(expected.1)));
    };
    let made = title("ai-title", "aiTitle", "Made");
    let mine = title("custom-title", "customTitle", "Mine");
    check(&[], ("fix it", "prompt"));
    check(std::slice::from_ref(&made), ("Made", "generated"));
    check(&[made.clone(), mine.clone(), made, json!({"type": "brand-new"})], ("Mine", "custom"));
    assert_eq!(
        session(&world.serve(), "s")["counts"],
        json!({"lines": 5, "unreadable": 0, "unknown": {"brand-new": 1}})
    );
}
