//! The plugin's folder: what stands in it, when it is refused, how it takes the place of the hooks, and that it goes again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use harness::World;
use serde_json::{Value, json};

use super::hooks::{at_each_call, kill_at};
use super::{claude, config, program, setup};

fn folder(world: &World) -> PathBuf {
    config(world).join("skills/prompt-manager")
}

fn hooks(plugin: &Path) -> Value {
    let text = fs::read_to_string(plugin.join("hooks/hooks.json")).expect("the plugin's hooks");
    serde_json::from_str(&text).expect("JSON")
}

/// Starts what the plugin names for an event, as Claude Code does.
fn fire(world: &World, plugin: &Path, event: &str) {
    let handler = &hooks(plugin)["hooks"][event][0]["hooks"][0];
    let root = plugin.display().to_string();
    let command = handler["command"].as_str().expect("a command").replace("${CLAUDE_PLUGIN_ROOT}", &root);
    let payload = json!({"session_id": "s", "hook_event_name": event}).to_string();
    let run = match handler["args"].as_array() {
        Some(args) => world.command(command).args(args.iter().filter_map(Value::as_str)),
        None => world.command("sh").args(["-c", &command]).env("CLAUDE_PLUGIN_ROOT", &root),
    };
    let _ = run.env("PROMPT_MANAGER_HOME", "/nowhere").stdin(payload).run().code(0).silent();
}

fn files(world: &World, dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for name in world.names(dir) {
        let path = dir.join(&name);
        let below = if path.is_dir() { files(world, &path) } else { Vec::new() };
        found.extend(below.iter().map(|below| format!("{name}/{below}")));
        found.extend((!path.is_dir()).then_some(name));
    }
    found
}

#[test]
fn what_stands_in_it() {
    for version in ["2.1.330", "2.1.138"] {
        let world = World::new();
        claude(&world, version);
        let done = setup(&world, &["plugin", "--rate"]).succeed();
        assert!(done.out().contains("set up ") && done.out().contains("/reload-plugins"), "{done}");
        let expected = [
            ".claude-plugin/plugin.json",
            "README.md",
            "bin/prompt-hook",
            "commands/rate.md",
            "hooks/hooks.json",
            "skills/search/SKILL.md",
        ];
        assert_eq!(files(&world, &folder(&world)), expected);
        fire(&world, &folder(&world), "Stop");
        let names = world.names(&world.data().incoming());
        assert!(names.len() == 1 && names[0].ends_with("-s-Stop.json"), "{names:?}");
        let again = setup(&world, &["plugin", "--rate"]).succeed();
        assert_eq!(again.out(), "nothing to do\n");
        let _ = setup(&world, &["plugin"]).succeed();
        assert!(!files(&world, &folder(&world)).iter().any(|file| file.contains("rate")));
        assert!(!hooks(&folder(&world)).to_string().contains("--rate"));
    }
}

#[test]
fn a_dry_run_changes_nothing() {
    let world = World::new();
    let before = world.tree();
    let done = setup(&world, &["plugin", "--dry-run"]).succeed();
    assert_eq!(
        done.out(),
        format!(
            "would set up {}: hooks for 11 events (Claude Code was not found: taken for a new one)\n",
            folder(&world).display()
        )
    );
    assert_eq!(world.tree(), before);
    let _ = setup(&world, &["plugin"]).succeed();
    let before = world.tree();
    let done = setup(&world, &["plugin", "--remove", "--dry-run"]).succeed();
    assert_eq!(done.out(), format!("would take out {}\n", folder(&world).display()));
    assert_eq!(world.tree(), before);
}

#[test]
fn what_somebody_else_has_there_is_left() {
    let world = World::new();
    let own = folder(&world).join("SKILL.md");
    fs::create_dir_all(folder(&world)).expect("a folder");
    fs::write(&own, "mine").expect("a file");
    let before = world.tree();
    for words in [&["plugin"][..], &["plugin", "--dry-run"]] {
        let done = setup(&world, words).run().code(1);
        assert!(done.err().contains("none of ours"), "{done}");
    }
    let _ = setup(&world, &["plugin", "--remove"]).succeed();
    let _ = setup(&world, &["remove"]).succeed();
    assert_eq!(fs::read_to_string(&own).expect("it is there"), "mine");
    assert!(!world.tree().contains("prompt-hook"), "{before}\n{}", world.tree());
}

/// No event comes twice for long, and none is lost between the two.
#[test]
fn it_takes_the_place_of_the_hooks() {
    let world = World::new();
    let settings = config(&world).join("settings.json");
    fs::create_dir_all(config(&world)).expect("a folder");
    fs::write(&settings, "{\"model\": \"opus\"}").expect("settings");
    let _ = setup(&world, &["hooks", "--rate"]).succeed();
    let with_hooks = fs::read_to_string(&settings).expect("settings");
    let done = setup(&world, &["plugin"]).run().code(1);
    assert!(done.err().contains("--switch") && done.err().contains("settings.json"), "{done}");
    assert!(!folder(&world).exists());
    let done = setup(&world, &["plugin", "--switch", "--dry-run"]).succeed();
    assert!(done.out().contains("would set up"), "{done}");
    assert_eq!(fs::read_to_string(&settings).expect("settings"), with_hooks);

    let _ = setup(&world, &["plugin", "--rate", "--switch"]).succeed();
    assert_eq!(fs::read_to_string(&settings).expect("settings"), "{\"model\": \"opus\"}");
    assert!(!config(&world).join("commands/rate.md").exists());
    fire(&world, &folder(&world), "SessionEnd");
    // Its sessions are still read by a service, which has no variables.
    let record: Value = serde_json::from_slice(&fs::read(world.data().setup()).expect("a record")).expect("JSON");
    assert_eq!(record["projects"], json!([config(&world).join("projects")]));

    let _ = setup(&world, &["remove"]).succeed();
    assert_eq!(world.names(&config(&world)), ["settings.json"], "{}", world.tree());
    assert!(!world.data().setup().exists() && !world.root().join("state/prompt-manager").exists());
}

#[test]
fn several_configurations_and_a_marketplace() {
    let world = World::new();
    let (one, other) = (world.home().join("one"), world.home().join("other"));
    let dirs = [&one, &other].map(|dir| dir.display().to_string());
    let words = ["plugin", "--config-dir", &dirs[0], "--config-dir", &dirs[1]];
    let _ = setup(&world, &words).succeed();
    for dir in [&one, &other] {
        fire(&world, &dir.join("skills/prompt-manager"), "Stop");
    }
    let out = world.root().join("market");
    let done = setup(&world, &["plugin", "--out", &out.display().to_string(), "--config-dir", &dirs[0]]).succeed();
    let line = format!("  CLAUDE_CONFIG_DIR={} claude plugin marketplace add {}\n", dirs[0], out.display());
    assert!(done.out().contains(&line) && done.out().contains("claude plugin install prompt-manager@"), "{done}");
    let done = setup(&world, &["plugin", "--remove"]).succeed();
    assert!(done.out().starts_with("nothing to do\n") && done.out().contains(&out.display().to_string()), "{done}");
    let _ = setup(&world, &["remove"]).succeed();
    assert!(!out.exists() && !one.exists() && !other.exists(), "{}", world.tree());
}

#[test]
fn an_upgrade_renews_it_and_nothing_comes_back_that_a_person_took_out() {
    let world = World::new();
    let _ = setup(&world, &["plugin", "--rate"]).succeed();
    let version = || fs::read_to_string(folder(&world).join(".claude-plugin/plugin.json")).expect("a manifest");
    let before = version();
    let newer = world.root().join("newer/prompt-hook");
    program(&newer, "cat >/dev/null");
    let newer = newer.display().to_string();
    let done = setup(&world, &["refresh", "--hook", &newer]).succeed();
    assert!(done.out().starts_with(&format!("renewed {}: ", folder(&world).display())), "{done}");
    assert_ne!(version(), before);
    assert!(hooks(&folder(&world)).to_string().contains("--rate"));
    assert_eq!(setup(&world, &["refresh", "--hook", &newer]).succeed().out(), "nothing to do\n");
    fs::remove_dir_all(folder(&world)).expect("taken out by hand");
    assert_eq!(setup(&world, &["refresh"]).succeed().out(), "nothing to do\n");
    assert!(!folder(&world).exists());
    let _ = setup(&world, &["remove"]).succeed();
    assert!(!world.data().setup().exists());
}

/// Killed anywhere between hooks and plugin, one of the two is whole; and what comes next ends it.
#[test]
fn killed_at_every_system_call() {
    let found = Command::new("strace").arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !found.is_ok_and(|status| status.success()) {
        println!("SKIPPED: strace is not installed");
        return;
    }
    at_each_call(|call, k| {
        let world = World::new();
        let settings = || fs::read_to_string(config(&world).join("settings.json")).expect("settings");
        fs::create_dir(config(&world)).expect("a folder");
        fs::write(config(&world).join("settings.json"), "{\"model\": \"opus\"}").expect("settings");
        let _ = setup(&world, &["hooks"]).succeed();
        let with_hooks = settings();
        let is_loaded = || folder(&world).join(".claude-plugin/plugin.json").exists();
        let words = ["plugin", "--rate", "--switch"];
        let mut struck = kill_at(&world, &words, call, k);
        assert!(settings() == with_hooks || is_loaded(), "{call} {k}: neither calls\n{}", world.tree());
        if is_loaded() {
            fire(&world, &folder(&world), "Stop");
        }
        let _ = setup(&world, &words).succeed();
        fire(&world, &folder(&world), "Stop");
        struck |= kill_at(&world, &["remove"], call, k);
        if is_loaded() {
            fire(&world, &folder(&world), "Stop");
        }
        let _ = setup(&world, &["remove"]).succeed();
        assert_eq!(settings(), "{\"model\": \"opus\"}", "{call} {k}");
        assert_eq!(world.names(&config(&world)), ["settings.json"], "{call} {k}\n{}", world.tree());
        assert!(world.names(&world.root().join("state")).is_empty(), "{call} {k}\n{}", world.tree());
        usize::from(struck)
    });
}
