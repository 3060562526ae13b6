//! A hook that was given no place writes to the usual queue, while config.toml has the data elsewhere: it is told, with a line that takes
//! in what is there, and no prompt is lost or doubled.

use std::fs;

use harness::{Cmd, World};

#[test]
fn what_waits_in_the_usual_queue_is_told_and_taken_in() {
    let world = World::new();
    let home = world.home();
    let (usual, data) = (home.join(".local/share/prompt-manager/queue/incoming"), world.root().join("data elsewhere"));
    fs::create_dir_all(home.join(".config/prompt-manager")).unwrap();
    fs::write(home.join(".config/prompt-manager/config.toml"), format!("home = {data:?}\n")).unwrap();
    // As a person's shell has it: nothing is named.
    let unset = ["PROMPT_MANAGER_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "PROMPT_MANAGER_SPILL"];
    let plain = |command: Cmd| unset.iter().fold(command, |command, name| command.env_remove(name));
    let ingest = |args: &[&str]| plain(world.bin("ingest").args(args));
    let prompt = |text: &str| {
        let payload = format!(r#"{{"session_id":"s","hook_event_name":"UserPromptSubmit","prompt":"{text}"}}"#);
        let _ = plain(world.bin("prompt-hook").arg("UserPromptSubmit")).stdin(payload).run().code(0).silent();
    };
    assert!(!ingest(&["once"]).succeed().err().contains("waits in"));

    prompt("one");
    prompt("two");
    let once = ingest(&["once"]).succeed();
    assert!(
        once.out().starts_with("0 events stored") && once.err().contains("What a hook captured waits in "),
        "{once}"
    );
    let told = |args: &[&str]| ingest(args).run().out().contains("queue_elsewhere");
    assert!(told(&["status"]) && told(&["doctor"]) && told(&["status", "--json"]));
    // Of a store that somebody named nothing is said: the usual one may be another of theirs.
    let other = world.root().join("other").display().to_string();
    assert!(!told(&["status", "--home", &other]));

    let line = once.err().split_once("PROMPT_MANAGER_SPILL=").and_then(|(_, line)| line.split_once('`')).unwrap().0;
    let line = line.replace("prompt-manager once", &format!("{} once", harness::bin("ingest").display()));
    let done = plain(world.command("sh").args(["-c", &format!("PROMPT_MANAGER_SPILL={line}")])).succeed();
    assert!(done.out().starts_with("2 events stored"), "{done}");
    assert_eq!(fs::read_dir(&usual).unwrap().count(), 0);
    assert!(!told(&["status"]) && !told(&["doctor"]));
    assert!(ingest(&["once"]).succeed().out().starts_with("0 events stored"));
}
