//! What passes, imports and idle looks cost.

use harness::{Generator, World, backlog, measure};

use super::baseline::{Count, Kind};
use super::trace::Trace;
use super::{callgrind, trace};

/// Queue files of a pass whose instructions are counted: a program that is not optimized runs fifty times as long there.
pub(super) const COUNTED: usize = 200;
/// Sessions of the import, about 0.5 MB of them.
const SESSIONS: usize = 2;
/// Of every run, so that all see the same sessions.
const SEED: u64 = 64;

/// A pass over few files: what a person's prompts cost.
pub(super) fn few() -> Vec<Count> {
    pass(64)
}

/// A pass over a backlog.
pub(super) fn many() -> Vec<Count> {
    pass(400)
}

fn pass(files: usize) -> Vec<Count> {
    let world = queue(files);
    let _ = trace::traced(&world, harness::bin("ingest")).args(["once", "--json"]).succeed();
    world.assert_drained();
    told(&format!("pass over {files} files"), &world)
}

/// An import, with its words.
pub(super) fn import() -> Vec<Count> {
    let world = corpus();
    let import = trace::traced(&world, harness::bin("ingest")).args(["import", "--json", "--quiet"]);
    let _ = import.arg(world.projects_root()).succeed();
    told("import of two sessions", &world)
}

fn told(what: &str, world: &World) -> Vec<Count> {
    let trace = Trace::of(world);
    let count = |unit, kind, n| Count::new(format!("{what}: {unit}"), kind, n);
    vec![
        count("system calls", Kind::Calls, trace.calls()),
        count("waits for the disk", Kind::Exact, trace.syncs()),
        count("bytes written", Kind::Calls, trace.written()),
    ]
}

/// What a look at a quiet queue costs.
pub(super) fn idle() -> Vec<Count> {
    let world = queue(2);
    let _ = world.ingest_once();
    // `timeout` ends its whole group: strace hears no signal while it traces.
    let traced = trace::traced(&world, harness::bin("ingest"))
        .args(["run", "--projects"])
        .arg(world.projects_root())
        .into_command();
    let mut command = world.command("timeout").args(["--signal=TERM", "6"]).arg(traced.get_program());
    command = command.args(traced.get_args()).env("PROMPT_MANAGER_EVERY", "100ms");
    let _ = command.run();
    vec![Count::new("idle look: system calls", Kind::Exact, Trace::of(&world).of_a_wake())]
}

/// A pass under callgrind.
pub(super) fn instructions() -> Vec<Count> {
    if !callgrind::can() {
        return Vec::new();
    }
    let world = queue(COUNTED);
    let once = callgrind::under(&world, callgrind::stripped("ingest")).args(["once", "--json"]);
    let _ = measure(once.into_command());
    world.assert_drained();
    callgrind::cost(&world, None).counts(&format!("pass over {COUNTED} files"))
}

/// An import under callgrind.
pub(super) fn import_instructions() -> Vec<Count> {
    if !callgrind::can() {
        return Vec::new();
    }
    let world = corpus();
    let import = callgrind::under(&world, callgrind::stripped("ingest")).args(["import", "--json", "--quiet"]);
    let _ = measure(import.arg(world.projects_root()).into_command());
    callgrind::cost(&world, None).counts("import of two sessions")
}

/// A world whose hooks left so many files.
pub(super) fn queue(files: usize) -> World {
    let world = World::new();
    // Of one session: between two a transaction is cut when it took long, by the clock.
    backlog(&world.data().incoming(), files, 2048, files);
    world
}

/// Transcripts that nobody has taken in.
fn corpus() -> World {
    let world = World::new();
    Generator::new(SEED).write(SESSIONS, &world.projects_root(), None);
    world
}
