//! No text of a payload, a transcript or a file's name becomes a path: what is opened, made, moved or removed lies where we keep
//! things or where Claude Code does, whatever the data says of itself. Where somebody worked is looked at alone.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;

use harness::{Cmd, World, bin, counted};
use serde_json::{Value, json};

/// Is in each hostile value, and in no path of ours: no name may have this sign.
const MARK: &str = "zz@mark";

/// Of a file outside, to which values lead.
const CANARY: &str = "canaryfeldspar";

/// Where every program looks when it starts, and what is asked of the machine.
const MACHINES: [&str; 8] = ["/proc/", "/sys/", "/etc/", "/lib/", "/lib64/", "/usr/", "/dev/", "/run/systemd/"];

/// Values that want to be a path to somewhere else.
fn hostile(world: &World) -> Vec<String> {
    let outside = world.root().join("outside").join(MARK);
    let below = world.projects_root().join("-p");
    let mut values: Vec<String> = [
        "../M",
        "../../../../../../../tmp/M",
        "/tmp/M",
        "/etc/M",
        "a/../../M",
        "./M",
        "M/",
        "M/.",
        "M/..",
        "//M",
        "M\0",
        "M\0.jsonl",
        "\0M",
        "%2e%2e%2fM",
        "..%2fM",
        "..\\M",
        "C:\\M",
        "~/M",
        "$HOME/M",
        "$(touch M)",
        "`touch M`",
        "M;touch M",
        "M|touch M",
        "-rf M",
        "--config=M",
        "M\n/tmp/M",
        "M\r",
        "M\t",
        " M ",
        ".M",
        "..M",
        "M\u{202e}lnosj.",
        "\u{ff0e}\u{ff0e}\u{ff0f}M",
        "\u{65e5}M",
        "e\u{301}M",
        "file:M?mode=rwc",
        "file:///tmp/M",
        ":memory:M",
        "M'; attach 'M2' as m; --",
        "M-wal",
        "M.db-journal",
    ]
    .map(|value| value.replace('M', MARK))
    .into();
    values.push(format!("{MARK}{}", "a".repeat(4096)));
    values.push(format!("{}{MARK}", "a/".repeat(2048)));
    values.push(outside.display().to_string());
    values.push(format!("{}/../../../outside/{MARK}", world.projects_root().display()));
    values.extend(["link", "folder/x"].map(|name| below.join(format!("{MARK}-{name}.jsonl")).display().to_string()));
    values
}

/// Payloads with a hostile value in each field that says a name or a place, and in a name itself.
fn payloads(values: &[String]) -> Vec<String> {
    let whole = |event: &str| {
        json!({"session_id": "5f0c0f4e-0000-4000-8000-000000000001", "hook_event_name": event, "prompt": "p", "cwd": "/work",
            "prompt_id": "q", "transcript_path": "/t.jsonl", "agent_id": "a", "agent_transcript_path": "/a.jsonl",
            "permission_mode": "default", "last_assistant_message": "m", "tool_name": "t", "source": "startup"})
    };
    let mut payloads = Vec::new();
    for value in values {
        for event in ["UserPromptSubmit", "Stop", "SubagentStop", "SessionStart", "SessionEnd"] {
            let plain = whole(event);
            for field in plain.as_object().into_iter().flatten().map(|(field, _)| field) {
                let mut payload = plain.clone();
                payload[field] = Value::from(value.as_str());
                payloads.push(payload.to_string());
            }
        }
        let mut named = whole("Stop");
        named[value.as_str()] = Value::from(1);
        payloads.push(named.to_string());
    }
    payloads
}

/// A program under strace, which writes what it asks of files to `trace`.
fn traced(world: &World, program: &str) -> Cmd {
    let strace =
        world.command("strace").args(["-f", "-qq", "-e", "signal=none", "-e", "trace=%file", "-s", "9000", "-o"]);
    strace.arg(world.root().join("trace")).arg(bin(program))
}

/// Looking is not touching: whether the folder in which somebody worked is a repository is looked up there.
const LOOKS: [&str; 7] = ["stat(", "statx(", "newfstatat(", "lstat(", "access(", "readlink(", "execve("];

/// Each path that a trace names where something is opened, made, moved or removed.
fn asked(world: &World) -> BTreeSet<String> {
    let trace = fs::read(world.root().join("trace")).expect("a trace");
    let mut paths = BTreeSet::new();
    for line in String::from_utf8_lossy(&trace).lines().filter(|line| !LOOKS.iter().any(|look| line.contains(look))) {
        paths.extend(line.split('"').skip(1).step_by(2).map(str::to_owned));
    }
    assert!(!paths.is_empty(), "nothing was traced");
    paths
}

/// A path that we may ask for.
fn is_ours(world: &World, path: &str) -> bool {
    let below = |root: &std::path::Path| std::path::Path::new(path).starts_with(root);
    let plain = !path.split('/').any(|part| part == "..");
    let of_the_machine = MACHINES.iter().any(|root| path.starts_with(root)) || ["/", "."].contains(&path);
    // What is relative is asked of a folder that was opened.
    plain && (below(world.root()) || world.root().starts_with(path) || of_the_machine || !path.starts_with('/'))
}

fn check(world: &World, what: &str) -> usize {
    let paths = asked(world);
    let outside = world.root().join("outside");
    for path in &paths {
        assert!(is_ours(world, path), "{what} asks for {path:?}");
        assert!(!path.starts_with(&*outside.to_string_lossy()), "{what} asks for {path:?}");
        // The two that lie where transcripts do are looked at, to see that they are none.
        let of_claude =
            path.starts_with(&*world.projects_root().to_string_lossy()) || path.starts_with(&format!("{MARK}-"));
        assert!(!path.contains(MARK) || of_claude, "{what} made a path of a value: {path:?}");
    }
    paths.len()
}

#[test]
fn no_value_becomes_a_path() {
    if !world_traces() {
        println!("SKIPPED: strace is not installed, or may not trace here");
        return;
    }
    let world = World::new();
    let (outside, project) = (world.root().join("outside"), world.projects_root().join("-p"));
    for folder in [&outside, &project] {
        fs::create_dir_all(folder).expect("a folder");
    }
    let line = json!({"type": "user", "uuid": "u", "sessionId": "s", "timestamp": "2026-11-22T12:00:10.000Z",
        "message": {"role": "user", "content": CANARY}});
    for name in [MARK.to_owned(), "x.jsonl".to_owned()] {
        fs::write(outside.join(name), format!("{line}\n")).expect("a file");
    }
    symlink(outside.join(MARK), project.join(format!("{MARK}-link.jsonl"))).expect("a link");
    symlink(&outside, project.join(format!("{MARK}-folder"))).expect("a link");
    world.data().create().expect("a data directory");

    let values = hostile(&world);
    let payloads = payloads(&values);
    let mut paths = 0;
    // Each value through the hook itself, from its input, its arguments and its environment; the rest as it would have filed it.
    for value in &values {
        let payload =
            json!({"session_id": value, "hook_event_name": value, "transcript_path": value, "cwd": value}).to_string();
        let argument = value.replace('\0', "");
        let hook = traced(&world, "prompt-hook").arg(&argument).env("CLAUDE_CODE_SESSION_ID", &argument);
        let _ = hook.stdin(payload).run().code(0).silent();
        paths += check(&world, "the hook");
    }
    for (n, payload) in payloads.iter().enumerate() {
        let name = format!("{}-unknown-Stop.json", 1_795_348_804_000_000_000_u64 + n as u64);
        fs::write(world.data().incoming().join(name), payload).expect("a queue file");
    }
    let _ = traced(&world, "ingest").arg("once").run();
    paths += check(&world, "ingest once");
    world.assert_drained();
    for args in [&["rebuild"][..], &["backup", "copy.db"], &["retry", "--all"], &["doctor"]] {
        let _ = traced(&world, "ingest").args(args).run();
        paths += check(&world, &args.join(" "));
    }
    let found = world.command("grep").args(["-rlF", CANARY]).arg(world.data().root()).run();
    assert_eq!(found.out(), "", "a file outside was read");
    counted(values.len(), "hostile values");
    counted(payloads.len(), "payloads with one of them");
    counted(paths, "paths asked for, none made of a value, none outside");
}

fn world_traces() -> bool {
    std::process::Command::new("strace").args(["-o", "/dev/null", "true"]).status().is_ok_and(|status| status.success())
}
