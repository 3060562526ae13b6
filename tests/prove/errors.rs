//! A machine that says no: each system call of the hook and of a pass fails, once and from then on; small disks fill up again and
//! again; a sync that failed is never asked for again.
//!
//! The hook is silent and exits with 0 whatever fails, and what it could keep nowhere it noted. A pass ends in order, counts
//! nothing against a file for it, and the next one, which nothing hinders, takes in everything.

mod fill;
mod sync;

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Stdio};

use harness::{Cmd, Seed, World, law, repository};
use store::read::Reader;

use crate::each::each;
use crate::figures::Figures;
use crate::ledger::{Fate, Ledger};
use crate::part::Run;
use crate::points::prepare;
use crate::stage;
use crate::stand::Stand;
use crate::strace::{self, Point};

const ERRORS: [&str; 6] = ["EIO", "ENOSPC", "EACCES", "EMFILE", "EINTR", "EROFS"];

pub(crate) fn run(run: &Run) -> Figures {
    let mut seed = Seed::new(run.seed);
    let mut figures = Figures::default();
    figures.add(&hooks(run, &mut seed));
    println!("{figures}");
    figures.add(&passes(run, &mut seed));
    println!("{figures}");
    figures.add(&sync::run());
    figures.add(&fill::run(run));
    figures
}

/// One fault: where, which, and whether it stays.
type Fault = (Point, &'static str, bool);

/// All of them, or some.
fn faults(points: Vec<Point>, most: usize, seed: &mut Seed) -> Vec<Fault> {
    let mut all: Vec<Fault> = Vec::new();
    for point in points {
        for error in ERRORS {
            all.extend([(point.clone(), error, false), (point.clone(), error, true)]);
        }
    }
    seed.shuffle(&mut all);
    all.truncate(most);
    all
}

/// The hook as it is installed: static, so that nothing but its own calls can fail.
fn installed_hook() -> String {
    let built = Command::new(repository().join("ops/build")).arg("--hook-only").stderr(Stdio::inherit()).output();
    let built = built.unwrap_or_else(|error| panic!("ops/build: {error}"));
    assert!(built.status.success(), "ops/build: {}", built.status);
    String::from_utf8_lossy(&built.stdout).trim().to_owned()
}

fn hooks(run: &Run, seed: &mut Seed) -> Figures {
    let program = installed_hook();
    let hook = |world: &World| world.command(&program).arg("Stop");
    let bytes = br#"{"session_id":"s","hook_event_name":"Stop","last_assistant_message":"1"}"#;
    let begun = || {
        let world = World::new();
        world.data().create().unwrap_or_else(|error| panic!("a data directory: {error}"));
        world
    };
    let world = begun();
    let points = strace::points(hook(&world), bytes, world.root());
    // What the C library does before `main` is not ours to survive, and nobody fails to end.
    let before = ["brk", "mmap", "mprotect", "arch_prctl", "set_tid_address", "set_robust_list", "rseq", "prlimit64"];
    let own = |point: &Point| point.call != "exit_group" && !before.contains(&point.call.as_str());
    let points = points.into_iter().filter(own).collect();

    let mut figures = Figures::default();
    let faults = faults(points, run.of(60, usize::MAX), seed);
    each(
        &faults,
        &mut figures,
        || (),
        |(), (point, error, stays), figures| {
            let world = begun();
            let (output, struck) = strace::fail(hook(&world), bytes, point, error, *stays);
            let what = format!(
                "a hook whose {} number {} fails with {error}, staying: {stays}: {output:?}",
                point.call, point.nth
            );
            assert!(struck, "it does not come to that call: {what}");
            assert_eq!(output.status.code(), Some(0), "{what}");
            assert!(output.stdout.is_empty() && output.stderr.is_empty(), "{what}");
            let noted = fs::read_to_string(world.data().hook_errors()).unwrap_or_default().lines().count();
            stage::drain(&world);
            let mut ledger = Ledger::default();
            ledger.enter(bytes.to_vec(), Fate::Unsaid);
            let found = ledger.check(&world);
            let kept = found.get("not acked and there all the same");
            figures.count("faults of a hook", 1);
            figures.count("after which the event was kept all the same", kept);
            figures.count("after which a line says that it was not", u64::from(kept == 0 && noted > 0));
            figures.count("after which nothing could be kept or said", u64::from(kept == 0 && noted == 0));
            // Where one call fails once, there is always a second way.
            assert!(*stays || kept > 0 || noted > 0, "lost without a word: {what}");
        },
    );
    figures
}

/// The loader's, the allocator's, those that threads, signals and random numbers are made of, and those whose failure nobody can
/// hear of. No kernel that runs fails at them with these errors; the standard library ends the program where one does, as it does
/// for `close`.
const OF_THE_RUNTIME: [&str; 23] = [
    "exit_group",
    "exit",
    "brk",
    "mmap",
    "mprotect",
    "munmap",
    "arch_prctl",
    "set_tid_address",
    "set_robust_list",
    "rseq",
    "prlimit64",
    "clone3",
    "futex",
    "sched_yield",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "sigaltstack",
    "restart_syscall",
    "poll",
    "getrandom",
    "close",
    "geteuid", // cannot fail
];

fn passes(run: &Run, seed: &mut Seed) -> Figures {
    let once = |world: &World| -> Cmd {
        world.bin("ingest").args(["once", "--quiet", "--projects"]).arg(world.projects_root())
    };
    let stand = || Stand::new(prepare::one_file);
    let unhindered = stand();
    let points = strace::points(once(&unhindered.world), b"", unhindered.world.root());
    let own = |point: &Point| !OF_THE_RUNTIME.contains(&point.call.as_str());
    let points: Vec<Point> = points.into_iter().filter(own).collect();
    let calls: BTreeSet<_> = points.iter().map(|point| point.call.clone()).collect();

    let mut figures = Figures::default();
    let faults = faults(points, run.of(60, usize::MAX), seed);
    each(&faults, &mut figures, stand, |stand, (point, error, stays), figures| {
        stand.begin_again();
        let world = &stand.world;
        let (output, struck) = strace::fail(once(world), b"", point, error, *stays);
        let what = format!(
            "a pass whose {} number {} fails with {error}, staying: {stays}: {output:?}",
            point.call, point.nth
        );
        let code = output.status.code();
        // 78: it could not read its settings; 127: the loader had no library, and never came to our first line.
        assert!(matches!(code, Some(0 | 1 | 75 | 78 | 127)), "{what}");
        figures.count("faults of a pass", u64::from(struck));
        figures.count("calls that the pass did not come to", u64::from(!struck));
        figures.count("after which it ended with 75, to be tried again", u64::from(code == Some(75)));
        figures.count("after which the event was stored all the same", u64::from(code == Some(0)));
        if code == Some(0) {
            let kept = Reader::open(world.data()).and_then(|mut reader| reader.kept_events());
            assert_eq!(
                kept.map(|kept| kept.len()).ok(),
                Some(stand.ledger.len()),
                "nothing stored, and not told: {what}"
            );
        }
        for name in law::names(&world.data().processing()) {
            // Where nothing can be renamed any more, the first attempt cannot be taken back.
            let stuck = *stays && point.call == "renameat2" && name.ends_with(".a1");
            assert!(name.ends_with(".a0") || stuck, "an attempt is counted against {name}: {what}");
        }
        stage::drain(world);
        figures.add(&stand.ledger.check(world));
    });
    // Threads share the calls otherwise each time, so that some are not met; most are, or strace injects nothing.
    let (struck, missed) = (figures.get("faults of a pass"), figures.get("calls that the pass did not come to"));
    assert!(missed * 10 < struck, "of a pass, {struck} calls failed and {missed} did not");
    figures.count("kinds of calls that failed", calls.len() as u64);
    figures
}
