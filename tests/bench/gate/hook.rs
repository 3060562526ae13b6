//! What the hook costs, as it is installed.

use std::path::Path;

use harness::{Cmd, World, release_hook};

use super::baseline::{Count, Kind};
use super::trace::Trace;
use super::{callgrind, trace};

/// What it is built for: another C library makes other calls.
pub(super) fn target() -> String {
    let target = release_hook().ancestors().nth(2).and_then(Path::file_name);
    target.map_or_else(String::new, |target| target.to_string_lossy().into_owned())
}

/// Its system calls, the bytes that it writes, its instructions.
pub(super) fn counts() -> Vec<Count> {
    let name = |what: &str| format!("hook, 4 KiB: {what}");
    let world = prepared();
    run(trace::traced(&world, release_hook()));
    let trace = Trace::of(&world);
    let mut counts = vec![
        Count::new(name("system calls"), Kind::Hook, trace.calls()),
        Count::new(name("bytes written"), Kind::Exact, trace.written()),
    ];
    if callgrind::can() {
        let world = prepared();
        run(callgrind::under(&world, release_hook()));
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
