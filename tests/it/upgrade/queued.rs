//! Queue files of hooks of every earlier release, under the ingester of today.
//!
//! Each folder of tests/fixtures/queue is a queue and a spill place as the hook of a time wrote them: `form-1` since the first hook (as
//! that of commit 2101b7f), `form-2` since an answered `/rate` is filed as such (269adab). A `Stop` came twice at one moment, two
//! payloads say nothing of themselves, a hook died on the way, one could not write to the queue. A hook that writes otherwise needs
//! a further form here.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use harness::{World, repository};
use serde_json::Value;

/// Files by their place below `dir`.
fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for place in ["queue/tmp", "queue/incoming", "spill/incoming"] {
        for entry in fs::read_dir(dir.join(place)).into_iter().flatten() {
            let path = entry.unwrap().path();
            found.insert(path.strip_prefix(dir).unwrap().to_owned(), fs::read(&path).unwrap());
        }
    }
    found
}

fn form(n: usize) -> BTreeMap<PathBuf, Vec<u8>> {
    let found = files(&repository().join(format!("tests/fixtures/queue/form-{n}")));
    assert_eq!(found.len(), 9, "form {n}: {:?}", found.keys());
    found
}

fn check(n: usize, prompts: &[&str], rating: &Value) {
    let world = World::new();
    world.data().create().unwrap();
    let spill = world.root().join("spill");
    for (path, bytes) in form(n) {
        let to = match path.strip_prefix("queue") {
            Ok(below) => world.data().queue().join(below),
            Err(_) => spill.join(path.strip_prefix("spill").unwrap()),
        };
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(to, bytes).unwrap();
    }
    let once = world.bin("ingest").args(["once", "--json", "--projects"]).arg(world.projects_root());
    let taken = once.env("PROMPT_MANAGER_SPILL", &spill).succeed().json();
    assert_eq!((&taken["stored"], &taken["failed"]), (&9.into(), &0.into()), "form {n}: {taken}");
    world.assert_drained();
    let server = world.serve();
    let mut items = server.items(&[]);
    items.reverse();
    let asked: Vec<_> = items.iter().map(|item| item["prompt_text"].as_str().unwrap_or_default()).collect();
    assert_eq!(asked, prompts, "form {n}");
    assert_eq!(&items[0]["rating"], rating, "form {n}");
}

#[test]
fn every_form_is_taken_in() {
    // Nobody answered it, so it was a prompt.
    check(1, &["hello — naïve café", "/rate 5 great #refactor"], &Value::Null);
    check(2, &["hello — naïve café"], &5.into());
}

/// Whoever changes what the hook writes adds a form.
#[test]
fn the_hook_of_today_writes_the_newest_form() {
    let world = World::new();
    let spill = world.root().join("spill");
    let hook = |path: &Path, bytes: &[u8]| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let (time, session) = name.split_once('-').unwrap();
        let (session, event) = session.strip_suffix(".json").unwrap().rsplit_once('-').unwrap();
        let event = if event == "Rate" { "UserPromptSubmit" } else { event };
        let hook = world.bin("prompt-hook").args([event, "--rate", "--queue"]).arg(world.data().queue());
        let hook = hook.arg("--spill").arg(&spill).env("PROMPT_MANAGER_CLOCK_NS", time).stdin(bytes);
        let _ = hook.env("CLAUDE_CODE_SESSION_ID", if session == "unknown" { "" } else { session }).run().code(0);
    };
    let newest = form(2);
    for (path, bytes) in newest.iter().filter(|(path, _)| path.starts_with("queue/incoming")) {
        hook(path, bytes);
    }
    fs::rename(world.data().queue(), world.root().join("queue")).unwrap();
    fs::write(world.data().queue(), "in the way").unwrap();
    for (path, bytes) in newest.iter().filter(|(path, _)| path.starts_with("spill/incoming")) {
        hook(path, bytes);
    }
    let written = files(world.root());
    assert_eq!(written.into_iter().collect::<Vec<_>>(), {
        newest.into_iter().filter(|(path, _)| !path.starts_with("queue/tmp")).collect::<Vec<_>>()
    });
}
