//! Setup that is hindered: killed at the wrong moment, one configuration of several that cannot be changed, somebody who writes.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use harness::{World, bin};

use super::hooks::{has_strace, kill_at};
use super::{claude, config, setup};

/// Settings of a person who called the hook by hand, and how they are read.
const BY_HAND: &str = "{\n  \"model\": \"opus\",\n  \"hooks\": {\n    \"Stop\": [{\"hooks\": [{\"type\": \"command\", \"command\": \"prompt-hook Stop\"}]}]\n  }\n}\n";

fn by_hand() -> (World, PathBuf) {
    let world = World::new();
    claude(&world, "2.1.330");
    fs::create_dir(config(&world)).expect("a folder");
    let path = config(&world).join("settings.json");
    fs::write(&path, BY_HAND).expect("settings");
    (world, path)
}

fn assert_as_before(world: &World, path: &Path, when: &str) {
    assert_eq!(fs::read_to_string(path).expect("settings"), BY_HAND, "{when}\n{}", world.tree());
    assert_eq!(world.names(&config(world)), ["settings.json"], "{when}\n{}", world.tree());
    let record = fs::read_to_string(world.data().setup()).unwrap_or_default();
    assert!(!record.contains("config_dir"), "{when}: {record}");
}

/// As long as the file is what its backup is, nothing of it was changed, whatever stands on record.
#[test]
fn killed_before_the_settings_were_changed_or_after_they_were_given_back() {
    if !has_strace() {
        return;
    }
    let mut kills = 0;
    for call in ["rename", "renameat2", "unlink", "fsync"] {
        for k in 1.. {
            let mut struck = false;
            for comes_again in [false, true] {
                let (world, path) = by_hand();
                struck |= kill_at(&world, &["hooks"], call, k);
                if comes_again {
                    let _ = setup(&world, &["hooks"]).succeed();
                }
                let when = format!("killed at {call} {k}, set up again: {comes_again}");
                let is_on_record =
                    fs::read_to_string(world.data().setup()).is_ok_and(|text| text.contains("config_dir"));
                if is_on_record {
                    let _ = setup(&world, &["hooks", "--remove"]).succeed();
                }
                assert_as_before(&world, &path, &when);
            }
            let (world, path) = by_hand();
            let _ = setup(&world, &["hooks"]).succeed();
            struck |= kill_at(&world, &["hooks", "--remove"], call, k);
            let is_on_record = fs::read_to_string(world.data().setup()).is_ok_and(|text| text.contains("config_dir"));
            if is_on_record {
                let _ = setup(&world, &["hooks", "--remove"]).succeed();
            }
            assert_as_before(&world, &path, &format!("killed at {call} {k} of --remove"));
            kills += usize::from(struck);
            if !struck {
                break;
            }
        }
    }
    println!("killed at {kills} system calls");
    assert!(kills > 10, "only {kills}: is strace's injection at work?");
}

/// What hinders one configuration takes nothing from the others.
#[test]
fn one_that_cannot_be_changed_leaves_the_others_to_be_taken_out() {
    for is_broken in [false, true] {
        let world = World::new();
        let folders = ["home/one", "home/two", "home/three"];
        let dirs = folders.iter().flat_map(|folder| ["--config-dir", folder]);
        let _ = setup(&world, &["hooks", "--rate"]).args(dirs).succeed();
        let _ = setup(&world, &["plugin", "--config-dir", "home/four"]).succeed();
        let one = world.home().join("one/settings.json");
        let with_hooks = fs::read_to_string(&one).expect("settings");
        if is_broken {
            fs::write(&one, format!("{with_hooks}}}")).expect("settings");
        } else {
            fs::set_permissions(&one, fs::Permissions::from_mode(0o444)).expect("a mode");
        }
        let copy = world.root().join("state/prompt-manager/bin/prompt-hook");
        for n in 0..2 {
            let done = setup(&world, &["remove"]).run().code(1);
            let shown = one.display().to_string();
            assert!(done.out().contains(&format!("left {shown}: ")), "{done}");
            assert!(done.out().contains(&format!("kept {}, ", copy.display())), "{n} {done}");
            assert!(done.err().contains(&shown) || done.err().contains("not everything"), "{done}");
            assert_eq!(world.names(&world.home()), ["one"], "{done}\n{}", world.tree());
            assert!(copy.exists(), "{done}");
            let record = fs::read_to_string(world.data().setup()).expect("a record");
            assert!(
                record.contains("home/one") && !record.contains("home/two") && !record.contains("home/four"),
                "{record}"
            );
        }
        fs::set_permissions(&one, fs::Permissions::from_mode(0o644)).expect("a mode");
        fs::write(&one, with_hooks).expect("settings");
        let _ = setup(&world, &["remove"]).succeed();
        assert!(world.names(&world.home()).is_empty() && !copy.exists(), "{}", world.tree());
        assert!(!world.data().setup().exists());
    }
}

/// What a person's prompts need is not the list of what was set up.
#[test]
fn a_record_that_cannot_be_read_stops_setup_alone() {
    for text in ["", "{\"hooks\": [", "[]"] {
        let world = World::new();
        let _ = setup(&world, &["hooks"]).succeed();
        let session = "33333333-3333-4333-8333-333333333333";
        let line = format!(
            r#"{{"type":"user","uuid":"{session}","sessionId":"{session}","timestamp":"2026-11-20T10:00:00.000Z","cwd":"/w","message":{{"role":"user","content":"p"}}}}"#
        );
        fs::create_dir_all(config(&world).join("projects/-w")).expect("a folder");
        fs::write(config(&world).join(format!("projects/-w/{session}.jsonl")), line + "\n").expect("a transcript");
        fs::write(world.data().setup(), text).expect("a record");
        let done = world.bin("ingest").args(["once", "--json"]).env_remove("PROMPT_MANAGER_PROJECTS").run().code(0);
        assert_eq!(done.json()["conversations"], 1, "{text:?} {done}");
        assert!(done.err().contains("setup.json"), "{text:?} {done}");
        let listed = world.bin("query-api").args(["list"]).run().code(0);
        assert!(listed.out().lines().count() > 0, "{listed}");
        let doctor = world.bin("ingest").args(["doctor"]).run();
        assert!(doctor.out().contains("setup.json"), "{text:?} {doctor}");
        for words in [&["hooks"][..], &["plugin"], &["refresh"], &["remove"]] {
            let refused = setup(&world, words).run().code(78);
            assert!(refused.err().contains("setup.json") && refused.err().contains("move it away"), "{refused}");
        }
        assert_eq!(fs::read_to_string(world.data().setup()).expect("a record"), text);
    }
}

/// Somebody writes after the last look at the file, right before it is replaced.
#[test]
fn who_writes_between_the_look_and_the_rename_is_heard() {
    if !has_strace() {
        return;
    }
    let (world, path) = by_hand();
    let calls = "rename,renameat2";
    let (trace, slow) = (format!("trace={calls}"), format!("inject={calls}:delay_enter=1000000"));
    let command = world.command("strace").args(["-qq", "-o", "/dev/null", "-e", &trace, "-e", &slow]);
    let command = command.arg(bin("ingest")).args(["setup", "hooks"]);
    let mut child = command.into_command().stdout(Stdio::null()).spawn().expect("strace");
    let partial = config(&world).join("settings.json.prompt-manager.partial");
    let deadline = Instant::now() + Duration::from_secs(60);
    while !partial.exists() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(5));
    }
    // It is written and looked at in far less.
    thread::sleep(Duration::from_millis(300));
    let is_in_time = partial.exists() && fs::read_to_string(&path).expect("settings") == BY_HAND;
    fs::write(&path, BY_HAND.replace("opus", "sonnet")).expect("settings");
    assert!(child.wait().expect("it ends").success() && is_in_time);
    let found = fs::read_to_string(&path).expect("settings");
    assert!(found.contains("sonnet") && found.contains("SessionEnd"), "{found}");
    assert!(!partial.exists(), "{}", world.tree());
}

/// A place in which nothing can be written is found before anything is.
#[test]
fn a_folder_that_cannot_be_written_to_stops_it_before_it_begins() {
    for name in ["home/two", "home/two/commands"] {
        let world = World::new();
        let (one, two) = (world.home().join("one"), world.root().join(name));
        fs::create_dir_all(&one).expect("a folder");
        fs::create_dir_all(&two).expect("a folder");
        fs::set_permissions(&two, fs::Permissions::from_mode(0o555)).expect("a mode");
        let before = world.tree();
        let done =
            setup(&world, &["hooks", "--rate", "--config-dir", "home/one", "--config-dir", "home/two"]).run().code(1);
        assert!(done.err().contains(&two.display().to_string()) && done.err().contains("chmod u+w"), "{done}");
        assert!(world.names(&one).is_empty() && !world.root().join("state").exists(), "{before}\n{}", world.tree());
        assert!(!world.data().setup().exists());
    }
}
