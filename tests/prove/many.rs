//! Many at once, and nothing broken: ingesters on one backlog, what a dead one left by the thousand, hooks on one clock, and what is
//! still there when all have ended. Each file is stored once, and by one of them.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use harness::{World, law};
use store::read::Reader;

use crate::figures::Figures;
use crate::ledger::{Fate, Ledger};
use crate::part::Run;
use crate::stage;

const INGESTERS: usize = 8;
const WRITERS: u64 = 64;
const FIRST_NS: u64 = 1_795_350_951_000_000_000;
/// An ingester makes its first commit within so many passes over nothing, however much was left behind. Such a pass takes 10 to 50 ms, so this
/// is a second at most, and the same on a machine of any speed.
const PASSES: f64 = 20.0;
/// One without a commit after so long hangs.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn run(run: &Run) -> Figures {
    let mut figures = Figures::default();
    figures.add(&ingesters(run.of(1_000, 50_000)));
    figures.add(&left_in_processing(run.of(300, 10_000)));
    figures.add(&hooks(run.of(5, 1_000_000 / WRITERS)));
    figures.add(&ended(run.of(200, 10_000), run.of(20, 1_000)));
    figures
}

/// Eight on one backlog: none stores what another has stored, and none comes in vain to what is stored already.
fn ingesters(files: u64) -> Figures {
    let world = World::new();
    stage::drain(&world);
    let ledger = backlog(&world, &world.data().incoming(), files, "");
    let once = || world.bin("ingest").args(["once", "--json", "--batch", "100"]).into_command();
    let children: Vec<Child> = (0..INGESTERS).map(|_| start(once())).collect();
    let mut stored = 0;
    for child in children {
        let output = child.wait_with_output().unwrap_or_else(|error| panic!("wait for an ingester: {error}"));
        assert_eq!(output.status.code(), Some(0), "an ingester beside others: {output:?}");
        let report: serde_json::Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("a report: {error}: {output:?}"));
        assert_eq!(report["replayed"], 0, "taken in twice: {report}");
        stored += report["stored"].as_u64().unwrap_or(0);
    }
    stage::drain(&world);
    let mut figures = Figures::default();
    figures.count(&format!("files before {INGESTERS} ingesters at once"), files);
    figures.count("stored by them", stored);
    figures.add(&ledger.check(&world).without("acked"));
    figures
}

/// What a dead ingester had claimed: the first of it is stored soon, and all of it in the end. Nobody waits for a lock of the dead.
/// Whatever else the machine does may hold one of them up; what is wrong with the ingester holds up each.
fn left_in_processing(files: u64) -> Figures {
    let mut figures = Figures::default();
    let slow: Vec<f64> = (0..3)
        .map(|_| {
            let (of_one, ratio) = first_commit(files);
            figures.add(&of_one);
            ratio
        })
        .take_while(|ratio| *ratio >= PASSES)
        .collect();
    assert!(
        slow.len() < 3,
        "{files} files in processing held the first commit up, by so many passes over nothing: {slow:.1?}"
    );
    figures.count(&format!("first commits within {PASSES} passes over nothing"), 1);
    figures
}

/// What came of the files, and how many passes over nothing the first commit took.
fn first_commit(files: u64) -> (Figures, f64) {
    let world = World::new();
    stage::drain(&world);
    let over_nothing = || {
        let begin = Instant::now();
        stage::ingest(&world, &["once"]);
        begin.elapsed()
    };
    // Before it and after it, for whatever else the machine does.
    let mut passes: Vec<Duration> = (0..5).map(|_| over_nothing()).collect();
    let ledger = backlog(&world, &world.data().processing(), files, ".a1");
    let begin = Instant::now();
    let mut ingester = start(world.bin("ingest").args(["run", "--every", "100ms", "--quiet"]).into_command());
    let stored = || Reader::open(world.data()).and_then(|mut reader| reader.kept_events()).map_or(0, |kept| kept.len());
    while stored() == 0 {
        assert!(begin.elapsed() < PATIENCE, "no commit in {PATIENCE:?}: {}", world.tree());
        thread::sleep(Duration::from_millis(5));
    }
    let first = begin.elapsed();
    let _ = ingester.kill();
    let _ = ingester.wait();
    stage::drain(&world);
    passes.extend((0..5).map(|_| over_nothing()));
    passes.sort_unstable();
    let pass = passes[passes.len() / 2];
    let ratio = first.as_secs_f64() / pass.as_secs_f64();
    println!("the first commit {first:?} after the start, {ratio:.1} passes over nothing of {pass:?}");
    let mut figures = Figures::default();
    figures.count("files left in processing", files);
    figures.add(&ledger.check(&world).without("acked"));
    (figures, ratio)
}

/// 64 writers of one session and one kind: no name is taken twice, and nothing is written over.
fn hooks(each: u64) -> Figures {
    let world = World::new();
    let payload = |writer: u64, n: u64| {
        format!(r#"{{"session_id":"s","hook_event_name":"Stop","last_assistant_message":"{writer} {n}"}}"#)
    };
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (world, payload) = (&world, &payload);
            scope.spawn(move || write(world, (0..each).map(|n| payload(writer, n))));
        }
    });
    let mut found = HashSet::new();
    for name in law::names(&world.data().incoming()) {
        let path = world.data().incoming().join(&name);
        let bytes = fs::read(&path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()));
        assert!(found.insert(blake3::hash(&bytes)), "there twice: {}", String::from_utf8_lossy(&bytes));
    }
    for (writer, n) in (0..WRITERS).flat_map(|writer| (0..each).map(move |n| (writer, n))) {
        assert!(found.remove(&blake3::hash(payload(writer, n).as_bytes())), "acked and lost: {}", payload(writer, n));
    }
    assert!(found.is_empty(), "{} files that no hook was given", found.len());
    let mut figures = Figures::default();
    figures.count(&format!("hooks of {WRITERS} writers"), WRITERS * each);
    figures.count("lost", 0);
    figures
}

/// One hook after another, each of which ends with 0; all of them together say nothing. A million of them leave no time for a thread
/// that watches each.
fn write(world: &World, payloads: impl Iterator<Item = String>) {
    let (mut said, all) = io::pipe().unwrap_or_else(|error| panic!("make a pipe: {error}"));
    let mut hook = world.bin("prompt-hook").arg("Stop").into_command();
    let of_errors = all.try_clone().unwrap_or_else(|error| panic!("hand on a pipe: {error}"));
    hook.stdin(Stdio::piped()).stdout(all).stderr(of_errors);
    for payload in payloads {
        let mut child = hook.spawn().unwrap_or_else(|error| panic!("start {hook:?}: {error}"));
        let mut stdin = child.stdin.take().unwrap_or_else(|| panic!("a pipe"));
        stdin.write_all(payload.as_bytes()).unwrap_or_else(|error| panic!("write to a hook: {error}"));
        drop(stdin);
        let status = child.wait().unwrap_or_else(|error| panic!("wait for a hook: {error}"));
        assert!(status.success(), "{status} after {payload}");
    }
    drop(hook); // and the other end of the pipe with it
    let mut text = String::new();
    said.read_to_string(&mut text).unwrap_or_else(|error| panic!("read what hooks said: {error}"));
    assert_eq!(text, "", "what hooks said");
}

/// Hooks and passes one after another: no process, no file for work and no shared memory is left.
fn ended(hooks: u64, passes: u64) -> Figures {
    let world = World::new();
    stage::drain(&world);
    let shared = shared_memory();
    let own = files_of(std::process::id());
    for pass in 0..passes {
        for n in 0..hooks / passes {
            let payload = format!(
                r#"{{"session_id":"s{pass}","hook_event_name":"Stop","last_assistant_message":"answer {n} of {pass}"}}"#
            );
            world.hook("Stop", payload);
        }
        let _ = world.bin("ingest").args(["once", "--quiet", "--projects"]).arg(world.projects_root()).run().code(0);
    }
    assert_eq!(processes(world.root()), Vec::<u32>::new(), "processes that are left");
    assert_eq!(law::names(&world.data().tmp()), Vec::<String>::new(), "files in tmp");
    let logs = ["prompts.db-wal", "prompts.db-shm"].map(|name| world.data().database_dir().join(name));
    let left: u64 = logs.iter().filter_map(|path| path.metadata().ok()).map(|meta| meta.len()).sum();
    assert!(left <= 64 << 10, "{left} bytes beside the database");
    let left: Vec<_> = shared_memory().difference(&shared).cloned().collect();
    assert!(left.is_empty(), "shared memory that is left: {left:?}");
    assert_eq!(files_of(std::process::id()), own, "open files of whoever started them");
    let mut figures = Figures::default();
    figures.count("hooks that left nothing", hooks / passes * passes);
    figures.count("passes that left nothing", passes);
    figures
}

/// Its names, without those of what may run beside this: disks of the part `model`, the faster clock of `soak`.
fn shared_memory() -> BTreeSet<String> {
    let of_others = |name: &String| name.starts_with("prompt-manager-model-") || name.contains("faketime");
    law::names(Path::new("/dev/shm")).into_iter().filter(|name| !of_others(name)).collect()
}

/// Queue files that no other equals.
fn backlog(world: &World, folder: &Path, files: u64, ending: &str) -> Ledger {
    let mut ledger = Ledger::default();
    fs::create_dir_all(folder).unwrap_or_else(|error| panic!("a folder: {error}"));
    for n in 0..files {
        let payload = format!(
            r#"{{"session_id":"s{}","cwd":"/src","prompt_id":"p{n}","hook_event_name":"UserPromptSubmit","prompt":"number {n}"}}"#,
            n / 20
        );
        let path = folder.join(format!("{:019}-s{}-UserPromptSubmit.json{ending}", FIRST_NS + n, n / 20));
        fs::write(&path, &payload).unwrap_or_else(|error| panic!("write {}: {error}", path.display()));
        ledger.enter(payload.into_bytes(), Fate::Acked);
    }
    assert!(ledger.len() as u64 == files, "{}", world.tree());
    ledger
}

fn start(mut command: std::process::Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    command.spawn().unwrap_or_else(|error| panic!("start {command:?}: {error}"))
}

/// Those that were started for this world, by their environment.
fn processes(root: &Path) -> Vec<u32> {
    let root = root.to_string_lossy();
    let is_of = |pid: &u32| {
        let bytes = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        *pid != std::process::id() && String::from_utf8_lossy(&bytes).contains(root.as_ref())
    };
    law::names(Path::new("/proc")).iter().filter_map(|name| name.parse().ok()).filter(is_of).collect()
}

fn files_of(pid: u32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count)
}
