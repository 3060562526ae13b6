//! What the hook costs, as it is installed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use harness::{Cmd, World, repository};

use super::baseline::{Count, Kind};
use super::trace::Trace;
use super::{callgrind, trace};

/// The hook as `ops/build` makes it, which tests have had built.
fn release() -> &'static Path {
    static HOOK: OnceLock<PathBuf> = OnceLock::new();
    HOOK.get_or_init(|| {
        let built = Command::new(repository().join("ops/build")).arg("--hook-only").stderr(Stdio::inherit()).output();
        let built = built.expect("ops/build starts");
        assert!(built.status.success(), "ops/build failed");
        PathBuf::from(String::from_utf8_lossy(&built.stdout).trim())
    })
}

/// What it is built for: another C library makes other calls.
pub(super) fn target() -> String {
    let target = release().ancestors().nth(2).and_then(Path::file_name);
    target.map_or_else(String::new, |target| target.to_string_lossy().into_owned())
}

/// Its system calls, the bytes that it writes, its instructions.
pub(super) fn counts() -> Vec<Count> {
    let name = |what: &str| format!("hook, 4 KiB: {what}");
    let world = prepared();
    run(trace::traced(&world, release()));
    let trace = Trace::of(&world);
    let mut counts = vec![
        Count::new(name("system calls"), Kind::Hook, trace.calls()),
        Count::new(name("bytes written"), Kind::Exact, trace.written()),
    ];
    if callgrind::can() {
        let world = prepared();
        run(callgrind::under(&world, release()));
        let instructions = callgrind::cost(&world, None).instructions;
        counts.push(Count::new(name("instructions"), Kind::Instructions, instructions));
    }
    counts
}

fn prepared() -> World {
    let world = World::new();
    world.data().create().expect("a data directory");
    world
}

fn run(command: Cmd) {
    let head =
        r#"{"session_id":"0914908d-acc8-48aa-98d6-77d558fb9590","hook_event_name":"UserPromptSubmit","prompt":""#;
    let payload = format!("{head}{}\"}}", "p".repeat(4096 - head.len() - 2));
    let _ = command.arg("UserPromptSubmit").stdin(payload).run().code(0);
}
