//! The release build of the hook under strace: what it asks of the kernel, and what happens when the kernel says no.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use harness::{Cmd, World, release_hook};

use super::{files, payload};

/// Whether strace works here; says so if not.
fn can_trace() -> bool {
    let traced = Command::new("strace").args(["-o", "/dev/null", "true"]).status();
    let can = traced.is_ok_and(|status| status.success());
    if !can {
        println!("skipped: strace is not installed, or may not trace here");
    }
    can
}

/// The hook under strace, which writes to `trace` in the world's root.
fn traced(world: &World, options: &[&str]) -> Cmd {
    let strace = world.command("strace").arg("-o").arg(world.root().join("trace")).args(options);
    strace.arg(release_hook()).arg("UserPromptSubmit")
}

/// The system calls of a run, by name, the first being the one that starts the program.
fn calls(world: &World) -> Vec<String> {
    let trace = fs::read_to_string(world.root().join("trace")).unwrap();
    trace.lines().filter_map(|line| line.split_once('(')).map(|(name, _)| name.to_owned()).collect()
}

fn trace_of(options: &[&str], arguments: &[&str]) -> Vec<String> {
    let world = World::new();
    world.data().create().unwrap();
    let _ = traced(&world, options).args(arguments).stdin(payload(4096)).run().code(0).silent();
    assert_eq!(files(&world.data().incoming()).len(), 1);
    calls(&world)
}

#[test]
fn few_calls_and_no_sync() {
    if can_trace() {
        let calls = trace_of(&[], &[]);
        println!("{} system calls: {}", calls.len(), calls.join(" "));
        assert!(calls.len() <= 45, "{} system calls", calls.len());
        let forbidden = ["fsync", "fdatasync", "sync", "syncfs", "fork", "vfork", "clone", "clone3", "socket"];
        assert!(!calls.iter().any(|call| forbidden.contains(&call.as_str())), "{calls:?}");
    }
}

#[test]
fn strict_waits_for_the_disk() {
    if can_trace() {
        let calls = trace_of(&[], &["--strict"]);
        let at = |name: &str| calls.iter().position(|call| call == name);
        assert!(
            at("fdatasync") < at("renameat2") && at("renameat2") < at("fsync") && at("fdatasync").is_some(),
            "{calls:?}"
        );
    }
}

#[test]
fn without_a_rename_that_refuses_a_link_does() {
    if can_trace() {
        for errno in ["ENOSYS", "EINVAL"] {
            let calls = trace_of(&["-e", &format!("inject=renameat2:error={errno}")], &[]);
            assert!(calls.iter().any(|call| call.starts_with("link")), "{calls:?}");
        }
    }
}

/// Every call that the hook makes of its own will, with the number of its first turn: what the C library does before
/// `main` is not ours to survive.
fn own_calls() -> BTreeSet<(String, usize)> {
    let calls = trace_of(&[], &[]);
    let main = calls.iter().position(|call| call == "umask").expect("its first call");
    let turn = |name: &String| calls[..main].iter().filter(|call| *call == name).count() + 1;
    calls[main..].iter().filter(|call| *call != "exit_group").map(|call| (call.clone(), turn(call))).collect()
}

/// One call fails once, and the event is stored all the same, unless it could not even be read.
fn check_once(call: &str, turn: usize, errno: &str) {
    let world = World::new();
    world.data().create().unwrap();
    let inject = format!("inject={call}:error={errno}:when={turn}");
    let sent = payload(4096);
    let done = traced(&world, &["-e", &inject]).stdin(sent.as_str()).run().code(0).silent();
    let mut stored = files(&world.data().incoming());
    stored.extend(files(&world.root().join("state/prompt-manager/spill/incoming")));
    if ["read", "poll", "ppoll"].contains(&call) && errno != "EINTR" {
        let log = fs::read_to_string(world.data().hook_errors()).unwrap_or_default();
        assert!(log.contains(" stored: "), "{inject}: the fault is noted\n{done}");
    } else if !["brk", "mmap"].contains(&call) {
        let bytes: Vec<_> = stored.iter().map(|(_, bytes)| bytes.len()).collect();
        assert!(stored.iter().any(|(_, bytes)| bytes == sent.as_bytes()), "{inject}: stored {bytes:?}\n{done}");
    }
}

/// A call fails each time, in the queue, in the spill place and in the log: no matter, for Claude Code.
fn check_always(call: &str, turn: usize, errno: &str) {
    let world = World::new();
    world.data().create().unwrap();
    let inject = format!("inject={call}:error={errno}:when={turn}+");
    let _ = traced(&world, &["-e", &inject]).stdin(payload(4096)).run().code(0).silent();
}

/// It could rename in neither of its places, and what it wrote lies whole in both: that is one event, however often passes look.
#[test]
fn a_payload_left_in_both_places_is_one_event() {
    if can_trace() {
        let world = World::new();
        world.data().create().unwrap();
        let hook = traced(&world, &["-e", "inject=renameat2,link,linkat:error=EIO"]);
        let _ = hook.stdin(payload(4096)).run().code(0).silent();
        let places = [world.data().tmp(), world.root().join("state/prompt-manager/spill/tmp")];
        assert_eq!(places.map(|tmp| files(&tmp).len()), [1, 1], "{}", world.tree());
        let (first, second) = (world.ingest_once(), world.ingest_once());
        assert_eq!((&first["stored"], &second["stored"]), (&1.into(), &0.into()), "{first} {second}");
        world.assert_drained();
    }
}

#[test]
fn every_call_may_fail() {
    if can_trace() {
        let calls = own_calls();
        let errors = ["EIO", "ENOSPC", "EACCES", "EROFS", "EMFILE", "ENOMEM", "EDQUOT", "EPERM", "ENOENT", "EEXIST"];
        let mut runs = 0;
        for (call, turn) in &calls {
            check_once(call, *turn, "EINTR");
            for errno in errors {
                check_once(call, *turn, errno);
                check_always(call, *turn, errno);
                runs += 2;
            }
        }
        println!("{} calls, {runs} faults: exit 0 and no output each time", calls.len());
    }
}

#[test]
#[cfg(target_os = "linux")]
fn it_is_static_and_small() {
    let elf = fs::read(release_hook()).unwrap();
    let u16_at = |at: usize| usize::from(u16::from_le_bytes(elf[at..at + 2].try_into().unwrap()));
    let u32_at = |at: usize| u32::from_le_bytes(elf[at..at + 4].try_into().unwrap());
    assert_eq!(&elf[..5], b"\x7fELF\x02", "a 64-bit program");
    let (headers, size, count) = (u32_at(0x20) as usize, u16_at(0x36), u16_at(0x38));
    const INTERPRETER: u32 = 3;
    assert!((0..count).all(|i| u32_at(headers + i * size) != INTERPRETER), "it needs no dynamic linker");
    println!("prompt-hook: {} bytes", elf.len());
    assert!(elf.len() < 1_500_000, "{} bytes", elf.len());
}
