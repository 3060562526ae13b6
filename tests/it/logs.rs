//! logs/processor.log: what stands in it, in which form, and that nothing of a prompt ever does.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

use std::fs;

use harness::World;
use serde_json::Value;
use store::write::Writer;

/// What nobody may find again outside of the store and the queue.
const CANARY: &str = "canary-5e1f0c7d";

fn name(n: u64, session: &str) -> String {
    format!("{:019}-{session}-UserPromptSubmit.json", 1_795_350_951_000_000_000 + n)
}

/// A queue with good files, bad ones of every kind and one that kills its reader; all of them say the word.
fn queue(world: &World) {
    world.data().create().unwrap();
    let good = |text: &str| {
        format!(
            r#"{{"session_id":"s","hook_event_name":"UserPromptSubmit","prompt_id":"p","prompt":"{CANARY} {text}"}}"#
        )
    };
    let contents = [
        good("one"),
        good("poison"),
        format!("{CANARY} is no JSON"),
        format!(r#"{{"prompt":"{CANARY}"#),
        format!(r#"["{CANARY}"]"#),
        format!(r#"{{"session_id":7,"prompt":"{CANARY}"}}"#),
        format!(r#"{{"session_id":"s","hook_event_name":"{CANARY}","{CANARY}":1}}"#),
        good(&"x".repeat(100_000)),
    ];
    for (n, content) in contents.iter().enumerate() {
        fs::write(world.data().incoming().join(name(n as u64, "s")), content).unwrap();
    }
    world.transcript(
        "-src/s.jsonl",
        format!("{{\"type\":\"user\",\"message\":{{\"content\":\"{CANARY}\"}}\n{CANARY} {{\n").as_bytes(),
    );
}

fn logs(world: &World) -> std::path::PathBuf {
    world.data().processor_log().parent().unwrap().to_owned()
}

fn check_clean(world: &World, what: &str, said: &[u8]) {
    assert!(!String::from_utf8_lossy(said).contains(CANARY), "{what} says it: {}", String::from_utf8_lossy(said));
    for file in world.names(&logs(world)) {
        let text = fs::read_to_string(logs(world).join(&file)).unwrap();
        assert!(!text.contains(CANARY), "{what}: logs/{file} says it");
    }
}

/// Every command that meets a prompt, with everything logged, well and badly.
#[test]
fn no_word_of_a_prompt_is_logged() {
    let world = World::new();
    queue(&world);
    let poison = std::cell::Cell::new("poison");
    let run = |args: &[&str]| {
        let projects = world.projects_root();
        let command =
            world.bin("ingest").args(args).env("PROMPT_MANAGER_LOG", "trace").env("PROMPT_MANAGER_PROJECTS", &projects);
        let done = command.env("PROMPT_MANAGER_TEST_POISON", poison.get()).run();
        check_clean(&world, &args.join(" "), &done.stderr);
        done
    };
    for _ in 0..3 {
        assert_eq!(run(&["once", "--max-event", "50KiB"]).status.code(), None, "it dies of the poison");
    }
    let _ = run(&["once", "--max-event", "50KiB"]).code(0);
    assert!(world.names(&world.data().failed()).len() >= 2 * 5, "{}", world.tree());
    let listed = run(&["failed", "--json"]).code(0);
    assert!(!listed.out().contains(CANARY), "{listed}");
    poison.set("something else");
    let _ = run(&["retry", "--all"]).code(0);
    let mut other = Writer::open(world.data()).unwrap();
    let held = other.batch().unwrap();
    let _ = run(&["once"]).code(75);
    drop(held);
    for args in [&["once"][..], &["import"], &["prune"], &["rebuild"], &["status"], &["doctor"]] {
        let _ = run(args);
    }
    let log = fs::read_to_string(world.data().processor_log()).unwrap();
    assert!(log.contains("WARN") && log.contains("the database is busy"), "{log}");
}

#[test]
fn json_lines() {
    let world = World::new();
    queue(&world);
    let run = |args: &[&str]| world.bin("ingest").args(args).env("PROMPT_MANAGER_LOG_FORMAT", "json").run();
    let mut other = Writer::open(world.data()).unwrap();
    let held = other.batch().unwrap();
    let done = run(&["once", "--verbose"]).code(75);
    drop(held);
    let parse = |text: &str| -> Vec<Value> { text.lines().map(|line| serde_json::from_str(line).unwrap()).collect() };
    let (said, kept) = (parse(done.err()), parse(&fs::read_to_string(world.data().processor_log()).unwrap()));
    for line in said.iter().chain(&kept) {
        assert!(line["timestamp"].is_string() && line["message"].is_string(), "{line}");
    }
    // A flag makes stderr say more; the file holds what the settings say.
    assert!(kept.iter().all(|line| line["level"] == "WARN" || line["level"] == "ERROR"), "{kept:?}");
}

/// Why a command ended badly is in the file, once, and once on stderr; a bad end is no stop.
#[test]
fn what_ends_a_command_is_logged() {
    let world = World::new();
    world.ingest_once();
    fs::write(world.data().database(), [0xa5; 8192]).unwrap();
    for (args, failures) in [(&["once"][..], 1), (&["run", "--every", "20ms"][..], 2)] {
        let done = world.bin("ingest").args(args).run().code(1);
        assert_eq!(done.err().matches("not a database").count(), 1, "{done}");
        let log = fs::read_to_string(world.data().processor_log()).unwrap();
        assert_eq!(log.matches("ERROR failed: ").count(), failures, "{log}");
        assert!(!log.contains("stopped"), "{log}");
    }
}

/// What is set wrong is said before anything is touched.
#[test]
fn a_filter_that_is_none() {
    let world = World::new();
    let done = world.bin("ingest").arg("once").env("PROMPT_MANAGER_LOG", "a=b=c").run().code(78);
    assert!(done.err().contains("`a=b=c`") && done.err().lines().count() == 1, "{done}");
}
