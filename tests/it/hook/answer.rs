//! The one exception to "the hook prints nothing": `/rate`, where the installer wrote `--rate`, once it is in the queue.

use std::fs;

use harness::{Cmd, World, bin};

use super::{CLOCK, SESSION, files, payload};

const SAVED: &str = "{\"decision\":\"block\",\"reason\":\"rating 5 saved for the previous prompt\",\"hookSpecificOutput\":\
                     {\"hookEventName\":\"UserPromptSubmit\",\"suppressOriginalPrompt\":true}}\n";

fn submit(prompt: &str) -> String {
    format!(r#"{{"session_id":"{SESSION}","hook_event_name":"UserPromptSubmit","prompt":"{prompt}"}}"#)
}

fn hook(world: &World, args: &[&str]) -> Cmd {
    let hook = world.bin("prompt-hook").arg("UserPromptSubmit").args(args);
    hook.env("PROMPT_MANAGER_CLOCK_NS", CLOCK.to_string())
}

/// What it prints, and the type it files the payload under; the bytes are those that were sent, whatever it is.
fn check(args: &[&str], sent: &str, printed: &str, filed_as: &str) {
    let world = World::new();
    let done = hook(&world, args).stdin(sent).run().code(0);
    assert_eq!((done.out(), done.err()), (printed, ""), "{sent}");
    let expected = vec![(format!("{CLOCK}-{SESSION}-{filed_as}.json"), sent.as_bytes().to_vec())];
    assert!(files(&world.data().incoming()) == expected, "{sent}\n{}", world.tree());
}

#[test]
fn only_a_rate_command_is_answered_and_only_where_it_is_installed() {
    let rate = submit("/rate 5 great #refactor");
    check(&["--rate"], &rate, SAVED, "Rate");
    check(&["--rate"], &format!("{rate}\n"), SAVED, "Rate");
    check(&["--rate"], &submit("/prompt-manager:rate 5"), SAVED, "Rate");
    check(&[], &rate, "", "UserPromptSubmit");
    check(&["--rate"], &submit("/rated 5"), "", "UserPromptSubmit");
    check(&["--rate"], &submit("tell me about /rate 5"), "", "UserPromptSubmit");
    check(&["--rate"], &rate.replace("UserPromptSubmit", "UserPromptExpansion"), "", "UserPromptExpansion");
    check(&["--rate"], &payload(300), "", "UserPromptSubmit");
    check(&["--rate"], &submit(&format!("/rate 5 {}", "x".repeat(queue::rate::MOST))), "", "UserPromptSubmit");
    check(&["--rate"], &submit(&format!("/rate 5 {}", "x".repeat(1 << 20))), "", "UserPromptSubmit");
    check(&["--rate-plugin"], &submit("/prompt-manager:rate 5"), SAVED, "Rate");
    check(&["--rate-plugin"], &rate, "", "UserPromptSubmit");
    let cut = rate.strip_suffix('}').unwrap();
    check(&["--rate"], cut, "", "UserPromptSubmit");
}

#[test]
fn a_wrong_value_is_answered_with_the_usage() {
    for prompt in ["/rate", "/rate 6", "/rate great"] {
        let world = World::new();
        let done = hook(&world, &["--rate"]).stdin(submit(prompt)).run().code(0);
        assert!(
            done.out().starts_with("{\"decision\":\"block\",\"reason\":\"nothing saved. Usage: /rate 1-5"),
            "{done}"
        );
        assert_eq!(world.names(&world.data().incoming()), [format!("{CLOCK}-{SESSION}-Rate.json")]);
    }
}

#[test]
fn nothing_is_said_of_what_is_not_in_the_queue() {
    let world = World::new();
    fs::create_dir_all(world.data().root()).unwrap();
    fs::write(world.data().queue(), "a file in its place").unwrap();
    fs::create_dir_all(world.root().join("state")).unwrap();
    fs::write(world.root().join("state/prompt-manager"), "another").unwrap();
    let _ = hook(&world, &["--rate"]).stdin(submit("/rate 5")).run().code(0).silent();

    let world = World::new();
    let disabled = hook(&world, &["--rate"]).env("PROMPT_MANAGER_DISABLE", "1");
    let _ = disabled.stdin(submit("/rate 5")).run().code(0).silent();
}

#[test]
fn what_is_in_the_spill_place_is_saved_too() {
    let world = World::new();
    fs::create_dir_all(world.data().root()).unwrap();
    fs::write(world.data().queue(), "a file in its place").unwrap();
    let done = hook(&world, &["--rate"]).stdin(submit("/rate 5")).run().code(0);
    assert_eq!(done.out(), SAVED);
    let spilled = files(&world.root().join("state/prompt-manager/spill/incoming"));
    assert!(spilled.len() == 1 && spilled[0].0.ends_with("-Rate.json"), "{spilled:?}");
}

#[test]
fn a_projects_own_command_is_the_projects() {
    for below in ["commands/rate.md", "skills/rate/SKILL.md"] {
        let world = World::new();
        let own = world.root().join("project/.claude").join(below);
        fs::create_dir_all(own.parent().unwrap()).unwrap();
        fs::write(own, "Rate the restaurants.").unwrap();
        let at_work = |prompt: &str| {
            let hook = hook(&world, &["--rate"]).env("CLAUDE_PROJECT_DIR", world.root().join("project"));
            hook.stdin(submit(prompt)).run().code(0).out().to_owned()
        };
        assert_eq!(at_work("/rate 5"), "", "{below}");
        assert_eq!(at_work("/prompt-manager:rate 5"), SAVED);
    }
}

/// Without a stdout the first file that is opened stands in its place: an answer would be written into it.
#[test]
fn a_closed_stdout_is_not_written_to() {
    for closed in ["exec \"$0\" UserPromptSubmit --rate >&-", "exec \"$0\" UserPromptSubmit --rate >&- 2>&-"] {
        let world = World::new();
        let sent = submit("/rate 5");
        let shell = world.command("sh").args(["-c", closed]).arg(bin("prompt-hook"));
        let _ = shell.stdin(sent.as_str()).run().code(0).silent();
        let found = files(&world.data().incoming());
        assert_eq!(found.len(), 1, "{}", world.tree());
        assert!(found[0].1 == sent.as_bytes() && found[0].0.ends_with("-UserPromptSubmit.json"), "{found:?}");
    }
}
