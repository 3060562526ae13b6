//! Death at every point of a pass, then a pass that lives: nothing is lost, nothing is doubled, nothing is left.
//!
//! Twice over: in process at each [`Step`], where the state between two effects has a name; and from outside, with a real
//! `kill -9` at each system call that changes something, whether anybody thought of it or not.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of tests fail like tests; figures and skips are printed"
)]

use std::fs;
use std::ops::ControlFlow;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use harness::World;
use ingest::error::Error;
use ingest::pass::{self, Context, Effort};
use ingest::step::{Step, go_on};
use queue::DataDir;
use settings::{Layer, Settings};

use harness::law::Given;

/// A queue with a bit of everything: several batches, a name used twice, bad files, a spilled one, one of a dead hook, and
/// what an earlier death left in processing.
fn given(dir: &DataDir, spill: &Path) -> Given {
    dir.create().unwrap();
    for place in ["tmp", "incoming"] {
        fs::create_dir_all(spill.join(place)).unwrap();
    }
    let name = |n: u64, session: &str| format!("{:019}-{session}-Stop.json", 1_795_350_951_000_000_000 + n);
    let payload = |n: u64| format!(r#"{{"session_id":"s","hook_event_name":"Stop","last_assistant_message":"{n}"}}"#);
    let mut given = Given::default();
    let mut good = |path: &Path, name: String, n: u64| {
        fs::write(path, payload(n)).unwrap();
        given.good.insert((name, payload(n).into_bytes()));
    };
    for n in 0..5 {
        good(&dir.incoming().join(name(n, "s")), name(n, "s"), n);
    }
    good(&dir.processing().join(name(0, "s") + ".a0"), name(0, "s"), 100);
    good(&dir.processing().join(name(6, "s") + ".a1"), name(6, "s"), 6);
    good(&dir.tmp().join(name(7, "s")), name(7, "s"), 7);
    good(&spill.join("incoming").join(name(8, "s")), name(8, "s"), 8);
    good(&spill.join("tmp").join(name(9, "s")), name(9, "s"), 9);
    for (n, bad) in [(2, ""), (20, "{\"cut"), (21, "no JSON")] {
        let name = name(n, "bad");
        fs::write(dir.incoming().join(&name), bad).unwrap();
        given.bad.insert((name, bad.into()));
    }
    given
}

fn context(world: &World) -> Context {
    let flags = Layer {
        home: Some(world.data().root().to_owned()),
        spill: Some(world.root().join("spill")),
        projects: Some(vec![world.projects_root()]),
        batch: Some(3),
        ..Layer::default()
    };
    Context::new(&Settings::resolve(flags, &|_| None).unwrap(), Arc::new(AtomicBool::new(false)))
}

/// One pass that dies after the step number `at`; the step, if it came that far.
fn die(world: &World, at: usize) -> Option<Step> {
    let mut steps = 0;
    let mut observe = |_| {
        steps += 1;
        if steps > at { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    match pass::run(&mut context(world), SystemTime::now(), Effort::Everything, &mut observe) {
        Ok(report) => {
            assert_eq!(report.trouble, None);
            None
        }
        Err(Error::Stopped(step)) => Some(step),
        Err(error) => panic!("{error}"),
    }
}

/// Passes that live. One does it all, and says so if it does not: a file whose reader died comes last, and another file of
/// its name has to wait for it. And when another test starts a program just now, that holds copies of our descriptors until
/// it is on its way, and with them the locks of a pass that died a moment ago.
fn live(world: &World) {
    for _ in 0..1000 {
        let report = pass::run(&mut context(world), SystemTime::now(), Effort::Everything, &mut go_on).unwrap();
        assert_eq!(report.trouble, None);
        // Other tests of this process start programs, which hold every lock of ours for a moment: a writer seems to live then.
        let tmps = [world.data().tmp(), world.root().join("spill/tmp")];
        if report.busy == 0 && !report.more && tmps.iter().all(|tmp| world.names(tmp).is_empty()) {
            return;
        }
    }
    panic!("still busy: {}", world.tree());
}

/// Dies at each step in turn, then at some step of the recovery too.
#[test]
fn at_every_step() {
    let mut met = Vec::new();
    for at in 0.. {
        let world = World::new();
        world.projects(harness::SCENARIOS[0]);
        let given = given(world.data(), &world.root().join("spill"));
        let Some(step) = die(&world, at) else { break };
        let again = die(&world, at * 7 % 23);
        live(&world);
        given.check(world.data(), &format!("after {step:?} ({at}) and {again:?}"));
        met.push(step);
    }
    for step in [
        Step::Drained,
        Step::Adopted,
        Step::Scanned,
        Step::Locked,
        Step::Claimed,
        Step::Parsed,
        Step::Written,
        Step::Committed,
        Step::Archived,
        Step::Explained,
        Step::Failed,
        Step::Followed,
        Step::Derived,
        Step::Rated,
    ] {
        assert!(met.contains(&step), "no pass died after {step:?}, only {met:?}");
    }
}

/// What kills its reader each time goes to failed after the third death, and takes nobody along.
#[test]
fn a_file_that_kills_its_reader() {
    let world = World::new();
    let dir = world.data();
    dir.create().unwrap();
    let name = |n: u64| format!("{:019}-s-Stop.json", 1_795_350_951_000_000_000 + n);
    let mut given = Given::default();
    for n in 0..5 {
        let payload = format!(r#"{{"n":{n}}}"#);
        fs::write(dir.incoming().join(name(n)), &payload).unwrap();
        let fate = if n == 2 { &mut given.bad } else { &mut given.good };
        fate.insert((name(n), payload.into_bytes()));
    }
    // The reader dies whenever that file was claimed, and only its name tells which one that is.
    let mut deaths = 0;
    loop {
        let poisoned = |_| {
            let attempts = harness::law::names(&dir.processing());
            let begun =
                attempts.iter().any(|file| file.starts_with(&name(2)) && *file != format!("{}.a{deaths}", name(2)));
            if begun { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let mut poisoned = poisoned;
        match pass::run(&mut context(&world), SystemTime::now(), Effort::Everything, &mut poisoned) {
            Err(Error::Stopped(_)) => deaths += 1,
            Ok(report) if report.busy > 0 => {}
            result => break assert_eq!(result.unwrap().failed, 1),
        }
        assert!(deaths <= 3, "{:?}", harness::law::names(&dir.processing()));
    }
    assert_eq!(deaths, 3);
    given.check(dir, "after three deaths");
    let note = fs::read_to_string(dir.failed().join(name(2) + ".reason.json")).unwrap();
    assert!(note.contains(r#""class": "crashes""#) && note.contains(r#""attempts": 3"#), "{note}");
}

/// Three deaths right after the commit are not the file's fault: it is stored, and goes to the archive like any other.
#[test]
fn a_reader_that_dies_after_the_commit() {
    let world = World::new();
    let dir = world.data();
    dir.create().unwrap();
    let name = format!("{:019}-s-Stop.json", 1_795_350_951_000_000_000_u64);
    let payload = br#"{"session_id":"s","hook_event_name":"Stop","last_assistant_message":"1"}"#;
    fs::write(dir.incoming().join(&name), payload).unwrap();
    let mut deaths = 0;
    while deaths < 3 {
        let mut committed =
            |step| if step == Step::Committed { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        match pass::run(&mut context(&world), SystemTime::now(), Effort::Everything, &mut committed) {
            Err(Error::Stopped(Step::Committed)) => deaths += 1,
            done => assert!(done.unwrap().busy > 0, "a pass lived, after {deaths} deaths"),
        }
    }
    live(&world);
    let mut given = Given::default();
    given.good.insert((name, payload.to_vec()));
    given.check(dir, "after three deaths behind the commit");
}

/// The system calls that change something, or come right before one that does. strace counts each of them by itself.
const CALLS: [&str; 15] = [
    "openat",
    "open",
    "flock",
    "renameat2",
    "rename",
    "linkat",
    "unlink",
    "unlinkat",
    "pwrite64",
    "fdatasync",
    "fsync",
    "ftruncate",
    "write",
    "mkdir",
    "mkdirat",
];

/// Runs `ingest once` under strace with this fault of one of these calls; how it ended.
fn under_strace(world: &World, spill: &Path, batch: &str, calls: &str, fault: &str) -> std::process::ExitStatus {
    let ingest = harness::bin("ingest");
    let mut command = world
        .command("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={calls}"), "-e", fault])
        .arg(ingest)
        .args(["once", "--batch", batch, "--projects"])
        .arg(world.projects_root())
        .env("PROMPT_MANAGER_SPILL", spill)
        .into_command();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap()
}

pub(crate) fn has_strace() -> bool {
    let found = Command::new("strace").arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let found = found.is_ok_and(|status| status.success());
    if !found {
        println!("SKIPPED: strace is not installed");
    }
    found
}

/// A world whose database exists already: its making is another test's business, and costs a second of syncs.
fn world_with_database() -> World {
    let world = World::new();
    live(&world);
    world
}

/// Kills `ingest once` right before its `k`-th `call`, then lets a pass live; whether it came to that call.
fn kill_at(ready: &World, call: &str, batch: &str, k: usize) -> bool {
    let world = ready.copy();
    let spill = world.root().join("spill");
    let given = given(world.data(), &spill);
    let status = under_strace(&world, &spill, batch, call, &format!("inject={call}:signal=SIGKILL:when={k}"));
    live(&world);
    given.check(world.data(), &format!("after a kill at {call} number {k}, batches of {batch}"));
    // strace ends as its child did; anything else is a run to the end, or a call that this machine does not have.
    status.signal() == Some(9)
}

/// A process that ends between any two of its calls, for all of them.
#[test]
fn killed_at_every_system_call() {
    if !has_strace() {
        return;
    }
    let ready = world_with_database();
    let next = AtomicUsize::new(0);
    let kills = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(call) = CALLS.get(next.fetch_add(1, Ordering::Relaxed)) {
                    // In one batch all is done by one thread, and every call is met. In several there are two threads,
                    // each with a count of its own, and the first to reach k dies.
                    for batch in ["1024", "3"] {
                        let struck = (1..).take_while(|k| kill_at(&ready, call, batch, *k)).count();
                        kills.fetch_add(struck, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let kills = kills.into_inner();
    println!("{kills} kills, one at each system call");
    assert!(kills > 100, "only {kills}: is strace's injection at work?");
}

/// A disk that is full or ill costs time and nothing else: exit 75, no attempt counted, and the next pass does it all.
#[test]
fn faults_of_the_disk() {
    if !has_strace() {
        return;
    }
    let ready = world_with_database();
    for call in ["pwrite64", "fdatasync", "fsync", "renameat2", "write"] {
        for error in ["ENOSPC", "EIO"] {
            for when in ["1+", "2", "5"] {
                let world = ready.copy();
                let spill = world.root().join("spill");
                let given = given(world.data(), &spill);
                let fault = format!("inject={call}:error={error}:when={when}");
                let status = under_strace(&world, &spill, "3", call, &fault);
                let what = format!("{call} fails with {error}, when {when}: {status}");
                assert!(matches!(status.code(), Some(0 | 75)), "{what}");
                for file in harness::law::names(&world.data().processing()) {
                    let counted = !file.ends_with(".a0") && !file.contains("000000006-");
                    assert!(!counted, "{what}: {file}");
                }
                live(&world);
                given.check(world.data(), &what);
            }
        }
    }
}

/// Nobody waits for a hook that died, and nobody takes a file from one that lives.
#[test]
fn dead_and_living_hooks() {
    let world = World::new();
    let dir = world.data();
    dir.create().unwrap();
    let path = dir.tmp().join("1795350951000000000-s-Stop.json");
    fs::write(&path, "{}").unwrap();
    let hook = fs::File::open(&path).unwrap();
    hook.lock_shared().unwrap();
    let mut ctx = context(&world);
    let mut pass = |secs| {
        let now = SystemTime::now() + Duration::from_secs(secs);
        pass::run(&mut ctx, now, Effort::Changed, &mut go_on).unwrap()
    };
    assert_eq!(pass(0).adopted, 0);
    drop(hook);
    let report = pass(1);
    assert_eq!((report.adopted, report.stored), (1, 1));
}

/// What the negative controls of tests/prove break, no program that is used can be told to break.
#[test]
fn no_program_can_be_told_to_break_a_rule() {
    for name in ["prompt-hook", "ingest", "query-api"] {
        let bytes = fs::read(harness::bin(name)).unwrap();
        let word = b"PROMPT_MANAGER_TEST_BREAK";
        let knows = bytes.windows(word.len()).any(|window| window == word);
        assert!(!knows, "{name} was built with the feature `broken` of shared/queue");
    }
}
