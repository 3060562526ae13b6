//! The hook in Claude Code's settings: for which client what is written, into which folders, and what runs then.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use harness::{World, bin};
use serde_json::{Value, json};

use super::{claude, config, program, setup};

fn settings(folder: &Path) -> Value {
    let text = fs::read_to_string(folder.join("settings.json")).expect("settings");
    serde_json::from_str(&text).expect("JSON")
}

fn events(folder: &Path) -> Vec<String> {
    settings(folder)["hooks"].as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect()
}

/// Starts what the settings name for an event, as Claude Code does.
fn fire(world: &World, event: &str, payload: &str) {
    let handler = &settings(&config(world))["hooks"][event][0]["hooks"][0];
    let command = handler["command"].as_str().expect("a command");
    let args = handler["args"].as_array().map(|args| args.iter().filter_map(Value::as_str).collect::<Vec<_>>());
    let run = match args {
        Some(args) => world.command(command).args(args),
        None => world.command("sh").args(["-c", command]),
    };
    // Whatever the session's own environment says.
    let _ = run.env("PROMPT_MANAGER_HOME", "/nowhere").stdin(payload).run().code(0).silent();
}

#[test]
fn what_a_client_knows() {
    let all = 15;
    let check = |said: Option<&str>, count: usize, is_exec: bool, expected: &str| {
        let world = World::new();
        if let Some(said) = said {
            program(&world.root().join("bin/claude"), said);
        }
        let done = setup(&world, &["hooks"]).succeed();
        assert!(done.out().contains(expected), "{done}");
        let found = events(&config(&world));
        assert_eq!(found.len(), count, "{found:?}");
        assert_eq!(settings(&config(&world))["hooks"]["Stop"][0]["hooks"][0]["args"].is_array(), is_exec);
        fire(&world, "Stop", r#"{"session_id": "s", "hook_event_name": "Stop"}"#);
        let names = world.names(&world.data().incoming());
        assert!(names.len() == 1 && names[0].ends_with("-s-Stop.json"), "{names:?}");
    };
    let new = "taken for a new one";
    check(Some("echo '2.1.330 (Claude Code)'"), all, true, "(Claude Code 2.1.330)");
    check(Some("echo '2.1.139 (Claude Code)'"), all, true, "(Claude Code 2.1.139)");
    check(Some("echo '2.1.138 (Claude Code)'"), all, false, "(Claude Code 2.1.138)");
    check(Some("echo '2.1.100 (Claude Code)'"), 13, false, "(Claude Code 2.1.100)");
    check(Some("echo '1.0.40 (Claude Code)'"), 3, false, "(Claude Code 1.0.40)");
    check(Some("echo '1.2 (Claude Code)'"), 11, true, new);
    check(Some("exit 1"), 11, true, new);
    check(Some("cat; echo 9.9.9"), all, true, "(Claude Code 9.9.9)");
    check(None, 11, true, "Claude Code was not found: taken for a new one");
}

#[test]
fn what_is_set_up_outlives_the_package_and_every_event_is_taken_in() {
    let world = World::new();
    let package = world.root().join("package");
    fs::create_dir(&package).expect("a folder");
    for name in ["ingest", "prompt-hook"] {
        fs::copy(bin(name), package.join(name)).expect("a copy");
    }
    let _ = world.command(package.join("ingest")).args(["setup", "hooks"]).succeed();
    fs::remove_dir_all(&package).expect("removed");
    let copy = world.root().join("state/prompt-manager/bin/prompt-hook");
    assert_eq!(copy.metadata().expect("the copy").permissions().mode() & 0o7777, 0o700);
    for event in events(&config(&world)) {
        fire(&world, &event, &json!({"session_id": "s", "hook_event_name": event, "prompt": "p"}).to_string());
    }
    let report = world.ingest_once();
    assert_eq!(report["stored"], 11, "{report}");
}

#[test]
fn what_others_change_meanwhile_stays() {
    let world = World::new();
    claude(&world, "2.1.330");
    fs::create_dir(config(&world)).expect("a folder");
    let path = config(&world).join("settings.json");
    fs::write(&path, "{\n  \"model\": \"opus\",\n  \"hooks\": {}\n}\n").expect("settings");
    let _ = setup(&world, &["hooks"]).succeed();
    // As Claude Code does it: all of it written anew.
    let mut changed = settings(&config(&world));
    changed["model"] = "sonnet".into();
    changed["hooks"]["Stop"]
        .as_array_mut()
        .expect("groups")
        .push(json!({"hooks": [{"type": "command", "command": "x"}]}));
    fs::write(&path, serde_json::to_string_pretty(&changed).expect("JSON")).expect("settings");
    let again = setup(&world, &["hooks"]).succeed();
    assert_eq!(again.out(), "nothing to do\n");
    let _ = setup(&world, &["hooks", "--remove"]).succeed();
    let left = json!({"model": "sonnet", "hooks": {"Stop": [{"hooks": [{"type": "command", "command": "x"}]}]}});
    assert_eq!(settings(&config(&world)), left);
    assert_eq!(world.names(&config(&world)), ["settings.json"]);
    let idle = setup(&world, &["hooks", "--remove"]).succeed();
    assert_eq!(idle.out(), "nothing to do\n");
}

#[test]
fn a_dry_run_changes_nothing() {
    let world = World::new();
    fs::remove_dir(world.data().root()).expect("removed");
    let done = setup(&world, &["hooks", "--rate", "--dry-run"]).succeed();
    assert!(done.out().contains("+++ ") && done.out().contains("+  \"hooks\": {"), "{done}");
    assert!(done.out().contains("would write") && done.out().contains("commands/rate.md"), "{done}");
    assert!(world.names(&world.home()).is_empty() && !world.data().root().exists(), "{}", world.tree());
    fs::create_dir(world.data().root()).expect("a folder");
    let _ = setup(&world, &["hooks"]).succeed();
    fs::remove_file(world.data().setup_lock()).expect("removed");
    let before = world.tree();
    let done = setup(&world, &["hooks", "--remove", "--dry-run"]).succeed();
    assert!(done.out().contains("would remove") && done.out().contains("settings.json"), "{done}");
    assert_eq!(world.tree(), before);
}

#[test]
fn several_configurations_and_their_transcripts() {
    let world = World::new();
    let other = world.home().join(".claude-work");
    let named = |words: &[&str]| {
        let dirs = ["--config-dir", "home/.claude", "--config-dir", "home/.claude-work/"];
        setup(&world, &[&["hooks"], words, &dirs].concat()).succeed()
    };
    let _ = named(&[]);
    assert_eq!(events(&config(&world)), events(&other));
    // A service knows no CLAUDE_CONFIG_DIR: the transcripts of both are read all the same.
    let line = r#"{"type":"user","uuid":"11111111-1111-4111-8111-111111111111","sessionId":"ID","timestamp":"2026-11-20T10:00:00.000Z","cwd":"/w","message":{"role":"user","content":"from the other"}}"#;
    let session = "22222222-2222-4222-8222-222222222222";
    fs::create_dir_all(other.join("projects/-w")).expect("a folder");
    fs::write(other.join(format!("projects/-w/{session}.jsonl")), line.replace("ID", session) + "\n")
        .expect("a transcript");
    let report = world.bin("ingest").args(["once", "--json"]).succeed().json();
    assert_eq!((&report["transcript_files"], &report["conversations"]), (&1.into(), &1.into()), "{report}");

    let _ = setup(&world, &["hooks", "--remove", "--config-dir", "home/.claude"]).succeed();
    assert!(!config(&world).exists() && !events(&other).is_empty());
    let _ = named(&["--remove"]);
    assert_eq!(world.names(&other), ["projects"]);

    // Where somebody chose what is read, it is for them to add to it.
    let told = setup(&world, &["hooks"]).env("PROMPT_MANAGER_PROJECTS", "/p").succeed();
    assert!(told.out().contains("note: `projects` is set, so that") && told.out().contains("add it there"), "{told}");
}

#[test]
fn one_file_of_two_configurations() {
    let world = World::new();
    let (one, two) = (world.home().join(".one"), world.home().join(".two"));
    for folder in [&one, &two] {
        fs::create_dir(folder).expect("a folder");
        std::os::unix::fs::symlink("../settings.json", folder.join("settings.json")).expect("a link");
    }
    for order in [[&one, &two], [&two, &one]] {
        let before = "{ \"a\" : 1 }";
        fs::write(world.home().join("settings.json"), before).expect("settings");
        for folder in [&one, &two] {
            let _ = setup(&world, &["hooks", "--config-dir"]).arg(folder).succeed();
        }
        for folder in order {
            let _ = setup(&world, &["hooks", "--remove", "--config-dir"]).arg(folder).succeed();
            assert_eq!(world.names(folder), ["settings.json"]);
        }
        assert_eq!(fs::read_to_string(world.home().join("settings.json")).expect("settings"), before);
    }
}

#[test]
fn a_projects_settings_are_left_alone() {
    let world = World::new();
    let project = world.home().join("work");
    fs::create_dir_all(project.join(".git")).expect("a folder");
    fs::create_dir_all(world.home().join(".git")).expect("a folder");
    for words in [["hooks", "--config-dir"].as_slice(), &["hooks", "--remove", "--config-dir"]] {
        let done = setup(&world, words).arg(project.join(".claude")).run().code(1);
        assert!(done.err().contains("these are a project's settings"), "{done}");
    }
    let done = setup(&world, &["hooks"]).env("CLAUDE_CONFIG_DIR", project.join(".claude")).run().code(1);
    assert!(done.err().contains("these are a project's settings"), "{done}");
    assert!(!project.join(".claude").exists());
    let _ = setup(&world, &["hooks"]).succeed();
    assert!(config(&world).join("settings.json").exists(), "a home that is a repository is a home");
}

#[test]
fn rating_from_the_session() {
    let world = World::new();
    let rate = config(&world).join("commands/rate.md");
    let args = || settings(&config(&world))["hooks"]["UserPromptSubmit"][0]["hooks"][0]["args"].to_string();
    let _ = setup(&world, &["hooks", "--rate"]).succeed();
    assert!(rate.is_file() && args().ends_with("\"--rate\"]"), "{}", args());
    let _ = setup(&world, &["hooks"]).succeed();
    assert!(!rate.exists() && !rate.parent().expect("a folder").exists() && !args().contains("--rate"));
    let _ = setup(&world, &["hooks", "--rate"]).succeed();
    let _ = setup(&world, &["hooks", "--remove"]).succeed();
    assert!(!config(&world).exists(), "{}", world.tree());

    // A person has a /rate already: nothing is changed, not even the settings.
    fs::create_dir_all(rate.parent().expect("a folder")).expect("a folder");
    fs::write(&rate, "mine").expect("a command");
    let done = setup(&world, &["hooks", "--rate"]).run().code(1);
    assert!(done.err().contains("rate.md: is a /rate of your own; rename it, or set up without --rate"), "{done}");
    assert_eq!(world.names(&config(&world)), ["commands"]);
    let _ = setup(&world, &["hooks"]).succeed();
    let _ = setup(&world, &["hooks", "--remove"]).succeed();
    assert_eq!(fs::read_to_string(&rate).expect("the command"), "mine");
}

#[test]
fn another_data_directory() {
    let world = World::new();
    let _ = setup(&world, &["hooks"]).succeed();
    let other = world.root().join("other");
    // Named from where one stands; Claude Code stands elsewhere.
    let done = setup(&world, &["hooks", "--home", "other"]).succeed();
    let said =
        format!("they wrote to {}, and now write to {}", world.data().queue().display(), other.join("queue").display());
    assert!(done.out().contains(&said), "{done}");
    fire(&world, "Stop", "{}");
    assert_eq!(world.names(&other.join("queue/incoming")).len(), 1);
}

/// What one of them takes out must not be missing where the other's hooks call it.
#[test]
fn two_data_directories_share_the_copy() {
    let world = World::new();
    let (other, copy) = (world.home().join("other"), world.root().join("state/prompt-manager/bin/prompt-hook"));
    let _ = setup(&world, &["hooks", "--config-dir", "home/other", "--home", "two"]).succeed();
    let _ = setup(&world, &["hooks"]).succeed();
    let done = setup(&world, &["remove"]).succeed();
    assert!(
        done.out().contains("kept ") && done.out().contains("remove --home ") && done.out().contains("/two\n"),
        "{done}"
    );
    assert!(copy.exists() && events(&other).len() == 11, "{done}");
    let _ = setup(&world, &["remove", "--home", "two"]).succeed();
    assert!(!copy.exists() && world.names(&world.root().join("state")).is_empty(), "{}", world.tree());
}

#[test]
fn what_is_worth_a_word() {
    let world = World::new();
    fs::create_dir(config(&world)).expect("a folder");
    let text = r#"{"disableAllHooks": true, "enabledPlugins": {"prompt-manager@own": true}}"#;
    fs::write(config(&world).join("settings.json"), text).expect("settings");
    for _ in 0..2 {
        let done = setup(&world, &["hooks"]).succeed();
        assert!(done.out().contains("note: the plugin prompt-manager@own calls the hook too"), "{done}");
        assert!(done.out().contains("note: `disableAllHooks` is true"), "{done}");
    }
}

#[test]
fn what_was_called_by_hand_comes_back_once() {
    let world = World::new();
    fs::create_dir(config(&world)).expect("a folder");
    let text = r#"{"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "prompt-hook Stop"}]}]}}"#;
    fs::write(config(&world).join("settings.json"), text).expect("settings");
    let _ = setup(&world, &["hooks"]).succeed();
    let done = setup(&world, &["hooks", "--remove"]).succeed();
    assert!(done.out().contains("it is as it was before, and called the hook then too"), "{done}");
    let _ = setup(&world, &["hooks", "--remove"]).succeed();
    assert_eq!(settings(&config(&world)), json!({}));
    // Taken out with everything else it goes at once.
    fs::write(config(&world).join("settings.json"), text).expect("settings");
    let _ = setup(&world, &["hooks"]).succeed();
    let _ = setup(&world, &["remove"]).succeed();
    assert_eq!(settings(&config(&world)), json!({}));
}

#[test]
fn everything_is_taken_out_and_the_data_stays() {
    let world = World::new();
    let other = world.home().join("other");
    let _ = setup(&world, &["hooks", "--rate"]).succeed();
    let _ = setup(&world, &["hooks", "--config-dir"]).arg(&other).succeed();
    fire(&world, "UserPromptSubmit", r#"{"session_id": "s", "hook_event_name": "UserPromptSubmit", "prompt": "p"}"#);
    let shown = setup(&world, &["remove", "--dry-run"]).succeed();
    assert!(other.join("settings.json").exists(), "{shown}");
    let done = setup(&world, &["remove"]).succeed();
    let data = world.data().root().display().to_string();
    let last = done.out().lines().last().unwrap_or_default().to_owned();
    assert_eq!(last, format!("your data stays in {data}; to delete it: rm -rf {data}"), "{done}");
    assert!(
        world.names(&world.home()).is_empty() && world.names(&world.root().join("state")).is_empty(),
        "{}",
        world.tree()
    );
    assert!(!world.data().setup().exists());
    assert_eq!(world.names(&world.data().incoming()).len(), 1);
    let again = setup(&world, &["remove"]).succeed();
    assert!(again.out().starts_with("nothing to do\nyour data stays"), "{again}");
}

#[test]
fn an_upgrade_renews_the_copy_alone() {
    let world = World::new();
    let package = world.root().join("package");
    fs::create_dir(&package).expect("a folder");
    fs::copy(bin("ingest"), package.join("ingest")).expect("a copy");
    program(&package.join("prompt-hook"), "exit 0 # the first");
    let run = |words: &[&str]| world.command(package.join("ingest")).arg("setup").args(words).succeed();
    assert_eq!(run(&["refresh"]).out(), "nothing to do\n");
    let copy = world.root().join("state/prompt-manager/bin/prompt-hook");
    assert!(!copy.exists(), "nothing is set up that was not");
    let _ = run(&["hooks"]);
    let path = config(&world).join("settings.json");
    fs::write(&path, "{}").expect("a person takes it out by hand");
    program(&package.join("prompt-hook"), "exit 0 # the second");
    assert_eq!(run(&["refresh"]).out(), format!("renewed {}\n", copy.display()));
    assert!(fs::read_to_string(&copy).expect("the copy").contains("the second"));
    assert_eq!(
        (run(&["refresh"]).out(), fs::read_to_string(&path).expect("settings").as_str()),
        ("nothing to do\n", "{}")
    );
    // What does not run here never comes to where it would be called.
    program(&package.join("prompt-hook"), "exit 1 # the third");
    let done = world.command(package.join("ingest")).args(["setup", "refresh"]).run().code(1);
    assert!(done.err().contains("does not run here"), "{done}");
    assert!(fs::read_to_string(&copy).expect("the copy").contains("the second"), "{done}");
}

/// The loop reads what was put on record while it runs.
#[test]
fn a_configuration_that_comes_while_the_loop_runs() {
    let world = World::new();
    let run = world.bin("ingest").args(["run", "--every", "50ms"]).env("PROMPT_MANAGER_SWEEP_EVERY", "100ms");
    let mut child = run.into_command().stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the loop starts");
    let other = world.home().join("other");
    let session = "33333333-3333-4333-8333-333333333333";
    let line = format!(
        r#"{{"type":"user","uuid":"{session}","sessionId":"{session}","timestamp":"2026-11-20T10:00:00.000Z","cwd":"/w","message":{{"role":"user","content":"while it runs"}}}}"#
    );
    fs::create_dir_all(other.join("projects/-w")).expect("a folder");
    fs::write(other.join(format!("projects/-w/{session}.jsonl")), line + "\n").expect("a transcript");
    let _ = setup(&world, &["hooks", "--config-dir"]).arg(&other).succeed();
    let deadline = Instant::now() + Duration::from_secs(60);
    let is_there = || {
        let listed = world.bin("query-api").args(["list", "--json"]).run();
        listed.out().contains("while it runs")
    };
    while !is_there() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(50));
    }
    let found = is_there();
    child.kill().expect("ended");
    child.wait().expect("ended");
    assert!(found, "the other configuration is not read");
}

/// Somebody writes to the file after it was read: neither that nor our entries are lost.
#[test]
fn who_writes_meanwhile_is_heard() {
    if !has_strace() {
        return;
    }
    let world = World::new();
    fs::create_dir(config(&world)).expect("a folder");
    let path = config(&world).join("settings.json");
    fs::write(&path, "{\"a\": 1}").expect("settings");
    // Each sync takes half a second, so that there is time between the new file and its rename.
    let slow = ["-qq", "-o", "/dev/null", "-e", "trace=fsync", "-e", "inject=fsync:delay_enter=500000"];
    let command = world.command("strace").args(slow).arg(bin("ingest")).args(["setup", "hooks"]);
    let mut child = command.into_command().stdout(Stdio::null()).spawn().expect("strace");
    let partial = config(&world).join("settings.json.prompt-manager.partial");
    let deadline = Instant::now() + Duration::from_secs(60);
    while !partial.exists() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(5));
    }
    let is_in_time = !settings(&config(&world)).to_string().contains("prompt-hook");
    fs::write(&path, "{\"a\": 1, \"b\": 2}").expect("settings");
    assert!(child.wait().expect("it ends").success() && is_in_time);
    let found = settings(&config(&world));
    assert!(found["b"] == 2 && found["hooks"]["Stop"].is_array(), "{found}");
    let _ = setup(&world, &["hooks", "--remove"]).succeed();
    assert_eq!(fs::read_to_string(&path).expect("settings"), "{\"a\": 1, \"b\": 2}");
    assert_eq!(world.names(&config(&world)), ["settings.json"]);
}

#[expect(clippy::print_stdout, reason = "a skip is printed")]
pub(super) fn has_strace() -> bool {
    let found = Command::new("strace").arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let found = found.is_ok_and(|status| status.success());
    if !found {
        println!("SKIPPED: strace is not installed");
    }
    found
}

/// The system calls that change something, or come right before one that does.
const CALLS: [&str; 12] = [
    "openat",
    "flock",
    "rename",
    "renameat2",
    "unlink",
    "rmdir",
    "mkdir",
    "write",
    "fsync",
    "fchmod",
    "fchown",
    "execve",
];

/// `setup` with these words, killed right before its `k`-th `call`; whether it came to that.
pub(super) fn kill_at(world: &World, words: &[&str], call: &str, k: usize) -> bool {
    let inject = format!("inject={call}:signal=SIGKILL:when={k}");
    let strace =
        world.command("strace").args(["-qq", "-o", "/dev/null", "-e", &format!("trace={call}"), "-e", &inject]);
    let done = strace.arg(bin("ingest")).arg("setup").args(words).run();
    done.status.signal() == Some(9)
}

/// Does `one` for each call that changes something, the first time it is made, the second, until it kills nobody any more; it
/// gives how many it has killed.
#[expect(clippy::print_stdout, reason = "figures are printed")]
pub(super) fn at_each_call(one: impl Fn(&str, usize) -> usize + Sync) {
    let (next, kills) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(call) = CALLS.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let killed = (1..).map(|k| one(call, k)).take_while(|killed| *killed > 0);
                    kills.fetch_add(killed.sum(), Ordering::Relaxed);
                }
            });
        }
    });
    let kills = kills.into_inner();
    println!("{kills} kills, one at each system call");
    assert!(kills > 100, "only {kills}: is strace's injection at work?");
}

/// Killed anywhere, the settings are the old ones or the new ones, whole; and what comes next ends it.
#[test]
fn killed_at_every_system_call() {
    if !has_strace() {
        return;
    }
    let before = "{\n  \"model\": \"opus\"\n}\n";
    at_each_call(|call, k| {
        let world = World::new();
        let path = config(&world).join("settings.json");
        let text = || fs::read_to_string(&path).expect("settings are there at any time");
        fs::create_dir(config(&world)).expect("a folder");
        fs::write(&path, before).expect("settings");
        let struck = kill_at(&world, &["hooks", "--rate"], call, k);
        assert!(text() == before || settings(&config(&world))["hooks"]["Stop"].is_array(), "{call} {k}");
        if text() != before {
            fire(&world, "Stop", "{}");
        }
        let _ = setup(&world, &["hooks", "--rate"]).succeed();
        let after = text();
        let struck_too = kill_at(&world, &["remove"], call, k);
        assert!(text() == before || text() == after, "{call} {k} of remove");
        if text() == after {
            fire(&world, "Stop", "{}");
        }
        let _ = setup(&world, &["remove"]).succeed();
        assert_eq!(text(), before, "{call} {k}\n{}", world.tree());
        assert_eq!(world.names(&config(&world)), ["settings.json"], "{call} {k}");
        assert!(world.names(&world.root().join("state")).is_empty(), "{call} {k}\n{}", world.tree());
        usize::from(struck) + usize::from(struck_too)
    });
}
