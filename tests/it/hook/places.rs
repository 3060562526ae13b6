//! The queue cannot be written, from the start or midway: the event goes to the spill place, or one line says that it
//! is lost. Claude Code notices none of it.

use std::fs;
use std::os::unix::fs::symlink;

use harness::{Cmd, World, bin};

use super::{files, payload, stored};

/// Whether mounts of our own can be made here; says so if not.
fn can_mount(world: &World) -> bool {
    let can = cfg!(target_os = "linux")
        && world.command("unshare").args(["-m", "mount", "-t", "tmpfs", "none", "/mnt"]).run().status.success();
    if !can {
        println!("skipped: no mounts of our own here");
    }
    can
}

/// The hook in a shell of its own, after `before`; the queue exists already.
fn after(world: &World, before: &str) -> Cmd {
    world.data().create().unwrap();
    let script = format!("{before}; exec \"$0\" UserPromptSubmit");
    let unshare = before.contains("mount ");
    let shell = if unshare { world.command("unshare").args(["-m", "sh"]) } else { world.command("sh") };
    shell
        .arg("-c")
        .arg(script)
        .arg(bin("prompt-hook"))
        .env("DATA", world.data().root())
        .env("LIMITED", world.data().queue())
}

/// The event is in the spill place, byte for byte and nowhere else, and nothing is said.
fn check_spilled(world: &World, hook: Cmd, payload: &str) {
    let done = hook.stdin(payload).run().code(0).silent();
    let spilled = files(&world.root().join("state/prompt-manager/spill/incoming"));
    assert_eq!(spilled.len(), 1, "one event is spilled\n{done}");
    assert!(spilled[0].1 == payload.as_bytes(), "every byte is spilled\n{done}");
    assert!(spilled[0].0.parse::<queue::QueueName>().is_ok(), "{}", spilled[0].0);
    assert_eq!(files(&world.data().incoming()), [], "{done}");
    assert!(!world.data().hook_errors().exists(), "a stored event is no error\n{done}");
}

/// Nothing could be stored: one line says so, without a byte of the payload.
fn check_lost(world: &World, hook: Cmd, payload: &str, why: &str) {
    let done = hook.stdin(payload).run().code(0).silent();
    let log = fs::read_to_string(world.data().hook_errors()).unwrap_or_else(|error| panic!("{error}\n{done}"));
    assert_eq!(log.lines().count(), 1, "one line: {log}");
    assert!(log.contains(" UserPromptSubmit lost: ") && log.contains(why), "{log}");
    assert!(!log.contains("prompt\":\"") && !log.contains("word"), "no payload: {log}");
}

#[test]
fn a_queue_that_is_no_directory() {
    let world = World::new();
    fs::create_dir_all(world.data().root()).unwrap();
    fs::write(world.data().queue(), "a file in its place").unwrap();
    let hook = world.bin("prompt-hook").arg("UserPromptSubmit");
    check_spilled(&world, hook, &payload(300_000));
}

#[test]
fn neither_queue_nor_spill() {
    let world = World::new();
    fs::create_dir_all(world.data().root()).unwrap();
    fs::write(world.data().queue(), "a file in its place").unwrap();
    let hook = world.bin("prompt-hook").arg("UserPromptSubmit").args(["--spill", "/proc/none"]);
    check_lost(&world, hook, &payload(300_000), "Not a directory (os error 20)");
}

#[test]
fn a_directory_that_vanished_is_made_again() {
    for gone in ["queue", "queue/tmp", "queue/incoming"] {
        let world = World::new();
        world.data().create().unwrap();
        fs::remove_dir_all(world.data().root().join(gone)).unwrap();
        stored(&world, world.bin("prompt-hook").arg("Stop").stdin("{}"), b"{}");
    }
}

#[test]
fn no_home_at_all() {
    let world = World::new();
    let unset = ["HOME", "PROMPT_MANAGER_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"];
    let hook = || {
        unset
            .iter()
            .fold(world.bin("prompt-hook").arg("Stop").stdin(payload(300_000)), |hook, name| hook.env_remove(name))
    };
    let _ = hook().run().code(0).silent();
    for home in ["/nonexistent/home", "/proc", "/dev/null", "relative", ""] {
        let _ = hook().env("HOME", home).run().code(0).silent();
    }
    assert_eq!(world.tree(), "", "nothing is written anywhere else");
}

#[test]
fn a_log_that_is_a_pipe_or_a_link_is_left_alone() {
    let world = World::new();
    fs::create_dir_all(world.data().root().join("logs")).unwrap();
    fs::write(world.data().queue(), "a file in its place").unwrap();
    let hook =
        || world.bin("prompt-hook").arg("Stop").args(["--spill", "/proc/none"]).stdin("{}").run().code(0).silent();
    let log = world.data().hook_errors();
    let _ = world.command("mkfifo").arg(&log).succeed();
    let _ = hook();
    fs::remove_file(&log).unwrap();
    let elsewhere = world.root().join("elsewhere");
    symlink(&elsewhere, &log).unwrap();
    let _ = hook();
    assert!(!elsewhere.exists());
}

#[test]
fn a_read_only_queue() {
    let world = World::new();
    if can_mount(&world) {
        let hook = after(&world, r#"mount --bind "$DATA" "$DATA" && mount -o remount,ro,bind "$DATA""#);
        check_spilled(&world, hook, &payload(300_000));
    }
}

#[test]
fn everything_is_read_only() {
    let world = World::new();
    if can_mount(&world) {
        let root = world.root().to_owned();
        let hook = after(&world, r#"mount --bind "$ROOT" "$ROOT" && mount -o remount,ro,bind "$ROOT""#);
        let before = world.tree();
        let _ = hook.env("ROOT", &root).stdin(payload(300_000)).run().code(0).silent();
        assert_eq!(world.tree(), before);
    }
}

#[test]
fn a_queue_that_fills_up_midway() {
    let world = World::new();
    if can_mount(&world) {
        for size in [100, 100_000, 1 << 20] {
            // Room for less than the payload; the directories take a little of it too.
            let kib = size / 2048;
            let world = World::new();
            let script =
                format!(r#"mount -t tmpfs -o size={kib}k none "$LIMITED" && mkdir "$LIMITED/tmp" "$LIMITED/incoming""#);
            let script = if size == 100 {
                script.replace("size=0k", "size=4k") + r#" && head -c 4096 /dev/zero > "$LIMITED/full""#
            } else {
                script
            };
            let script = script + r#" && trap "" PIPE"#;
            check_spilled(&world, after(&world, &script), &payload(size));
        }
    }
}

#[test]
fn the_limit_of_the_file_size() {
    // 512 or 1,024 bytes a block, as the shell likes: between 50 and 100 KiB.
    let world = World::new();
    let hook = after(&world, "ulimit -f 100");
    check_lost(&world, hook, &payload(300_000), "File too large (os error 27)");
    assert_eq!(files(&world.data().incoming()), []);

    let world = World::new();
    let _ = after(&world, "ulimit -f 0").stdin(payload(100)).run().code(0).silent();
}

/// What two hooks lost, one of them in a place that had room for a part: each is told once, whether the hook had room to say so or
/// not, and what is empty is no failed file.
#[test]
fn lost_where_there_was_no_room_to_say_so() {
    for (limit, size, left) in [("0", 100, 0), ("0", 300_000, 0), ("100", 300_000, 4)] {
        let world = World::new();
        for _ in 0..2 {
            let _ = after(&world, &format!("ulimit -f {limit}")).stdin(payload(size)).run().code(0).silent();
        }
        let places = [world.data().tmp(), world.root().join("state/prompt-manager/spill/tmp")];
        let found = || places.iter().map(|place| files(place).len()).sum::<usize>();
        assert_eq!(found(), 4, "{}", world.tree());
        for _ in 0..2 {
            world.ingest_once();
            assert_eq!(found(), left, "{}", world.tree());
            let status = world.ingest(&["status", "--json"]).json();
            assert_eq!(status["hook_errors"]["lost_last_day"], 2, "{limit}, {size}: {status:#}");
            assert_eq!(status["queue"]["failed"]["files"], 0, "{status:#}");
        }
        let log = fs::read_to_string(world.data().hook_errors()).unwrap();
        assert!(!log.contains("word") && log.ends_with('\n'), "{log}");
        if limit == "0" {
            // A log that ends within a line, as on a disk that filled up there.
            fs::write(world.data().hook_errors(), "2026-11-22T10:00:00Z St").unwrap();
            let _ = after(&world, "ulimit -f 0").stdin(payload(size)).run().code(0).silent();
            world.ingest_once();
            let log = fs::read_to_string(world.data().hook_errors()).unwrap();
            assert_eq!(log.lines().filter(|line| line.contains(" UserPromptSubmit lost: write ")).count(), 1, "{log}");
        }
    }
}

/// A hook that lives and writes to its second place, or one that ended well there, has lost nothing.
#[test]
fn nothing_is_lost_while_a_hook_writes() {
    let name = "1795350951598014047-s-Stop.json";
    for (first, second, is_held, expected) in
        [("", "", true, 0), ("{\"a", "", true, 0), ("", "{}", false, 0), ("{}", "", false, 0), ("{\"a", "", false, 1)]
    {
        let world = World::new();
        world.data().create().unwrap();
        let [first_tmp, second_tmp] = [world.data().tmp(), world.root().join("state/prompt-manager/spill/tmp")];
        fs::create_dir_all(&second_tmp).unwrap();
        fs::create_dir_all(second_tmp.with_file_name("incoming")).unwrap();
        fs::write(first_tmp.join(name), first).unwrap();
        fs::write(second_tmp.join(name), second).unwrap();
        let held = fs::File::open(second_tmp.join(name)).unwrap();
        if is_held {
            held.try_lock_shared().unwrap();
        }
        let stored = world.ingest_once()["stored"].as_u64().unwrap();
        let whole = [first, second].iter().filter(|text| **text == "{}").count() as u64;
        assert_eq!(stored, whole, "{first:?}, {second:?}");
        let status = world.ingest(&["status", "--json"]).json();
        assert_eq!(status["hook_errors"]["lost_last_day"], expected, "{first:?}, {second:?}, {is_held}: {status:#}");
    }
}

#[test]
fn closed_descriptors() {
    for (closed, expected) in [("<&-", ""), (">&- 2>&-", "{\"a\":1}"), ("<&- >&- 2>&-", ""), ("<&- 2>&-", "")] {
        let world = World::new();
        let hook = after(&world, &format!("exec {closed}")).stdin("{\"a\":1}");
        stored(&world, hook, expected.as_bytes());
    }
}

#[test]
fn stdin_that_is_no_stream() {
    let world = World::new();
    stored(&world, after(&world, "exec </dev/null"), b"");
    let world = World::new();
    stored(&world, after(&world, "exec </"), b"");
    let log = fs::read_to_string(world.data().hook_errors()).unwrap();
    assert!(log.contains("stored: read \"stdin\": Is a directory"), "{log}");
}
