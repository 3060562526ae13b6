//! The queue as `ingest` meets it: bad input, several ingesters at once, the loop, and wrong calls.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::ops::ControlFlow;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant, SystemTime};

use harness::World;
use ingest::pass::{self, Context, Effort};
use ingest::step::{Step, go_on};
use settings::{Layer, Settings};

use harness::law::{Given, names};

const SESSION: &str = "0914908d-acc8-48aa-98d6-77d558fb9590";

fn name(n: u64) -> String {
    format!("{:019}-{SESSION}-Stop.json", 1_795_350_951_000_000_000 + n)
}

fn payload(n: u64) -> String {
    format!(r#"{{"session_id":"{SESSION}","hook_event_name":"Stop","last_assistant_message":"answer {n}"}}"#)
}

/// A world with these good files in incoming.
fn world(files: impl IntoIterator<Item = u64>) -> (World, Given) {
    let world = World::new();
    world.data().create().unwrap();
    let mut given = Given::default();
    for n in files {
        fs::write(world.data().incoming().join(name(n)), payload(n)).unwrap();
        given.good.insert((name(n), payload(n).into_bytes()));
    }
    (world, given)
}

/// A bad file between two good ones: it alone goes to failed, untouched and with its reason.
fn check_bad(content: &[u8], class: &str) {
    let (world, mut given) = world([1, 3]);
    fs::write(world.data().incoming().join(name(2)), content).unwrap();
    given.bad.insert((name(2), content.to_vec()));
    let report = world.bin("ingest").args(["once", "--json", "--max-event", "64KiB"]).succeed().json();
    assert_eq!((&report["stored"], &report["failed"]), (&2.into(), &1.into()), "{class}: {report}");
    given.check(world.data(), class);
    let note = fs::read_to_string(world.data().failed().join(name(2) + ".reason.json")).unwrap();
    assert!(note.contains(&format!(r#""class": "{class}""#)), "{class}: {note}");
    assert!(!note.contains("SECRET"), "the payload is in the note: {note}");
}

#[test]
fn bad_files_go_to_failed() {
    check_bad(b"", "empty");
    check_bad(b"{\"prompt\":\"SECRET", "truncated");
    check_bad(b"SECRET", "not_json");
    check_bad(b"[\"SECRET\"]", "not_an_object");
    check_bad(b"{} SECRET", "trailing_bytes");
    check_bad(b"{\"a\":\"SECRET\xff\"}", "not_utf8");
    check_bad(format!("{{\"a\":{}1{}}}", "[".repeat(20_000), "]".repeat(20_000)).as_bytes(), "too_deep");
    check_bad(format!("{{\"a\":\"{}\"}}", "SECRET ".repeat(20_000)).as_bytes(), "too_large");
}

/// Something else under a queue file's name: moved aside if it is ours, never opened, followed or waited for.
fn check_odd(make: impl FnOnce(&Path), what: &str) {
    let (world, given) = world([1, 3]);
    let path = world.data().incoming().join(name(2));
    make(&path);
    let before = path.symlink_metadata().unwrap();
    let report = world.ingest_once();
    assert_eq!((&report["stored"], &report["failed"]), (&2.into(), &1.into()), "{what}: {report}");
    let buried = world.data().failed().join(name(2));
    assert_eq!(buried.symlink_metadata().unwrap().file_type(), before.file_type(), "{what}");
    let note = fs::read_to_string(world.data().failed().join(name(2) + ".reason.json")).unwrap();
    assert!(note.contains("not_a_file") && note.contains(what), "{note}");
    assert_eq!(names(&world.data().incoming()), Vec::<String>::new(), "{what}");
    drop(given);
}

#[test]
fn what_is_no_file_is_moved_aside() {
    let secret = tempfile::NamedTempFile::new().unwrap();
    fs::write(secret.path(), payload(9)).unwrap();
    check_odd(|path| symlink(secret.path(), path).unwrap(), "a symlink");
    check_odd(|path| symlink("/nowhere", path).unwrap(), "a symlink");
    check_odd(|path| fs::create_dir(path).unwrap(), "a directory");
    check_odd(|path| assert!(Command::new("mkfifo").arg(path).status().unwrap().success()), "a FIFO");
    // The whole path is too long for a socket's address.
    let socket = |path: &Path| {
        let short = secret.path().with_extension("socket");
        drop(std::os::unix::net::UnixListener::bind(&short).unwrap());
        fs::rename(short, path).unwrap();
    };
    check_odd(socket, "a socket");
    assert_eq!(fs::read_to_string(secret.path()).unwrap(), payload(9));
}

/// What is not ours to touch stays where it is, is counted, and holds nothing up.
#[test]
fn foreign_things_are_left_alone() {
    let (world, _) = world([1]);
    let incoming = world.data().incoming();
    fs::write(incoming.join(".hidden.json"), "{}").unwrap();
    fs::write(incoming.join("notes.txt"), "{}").unwrap();
    fs::create_dir(incoming.join("folder")).unwrap();
    fs::write(incoming.join("folder").join(name(2)), "{}").unwrap();
    fs::write(incoming.join(name(3)), "{}").unwrap();
    fs::hard_link(incoming.join(name(3)), world.root().join("elsewhere")).unwrap();
    let before = names(&incoming).len() - 1;
    for stored in [1, 0] {
        let report = world.ingest_once();
        assert_eq!((&report["stored"], &report["failed"]), (&stored.into(), &0.into()), "{report}");
        assert_eq!(report["left_alone"], 4, "{report}");
        assert_eq!(names(&incoming).len(), before);
    }
}

#[test]
fn the_same_twice_changes_nothing() {
    let (world, given) = world(0..20);
    assert_eq!(world.ingest_once()["stored"], 20);
    let again = world.ingest_once();
    assert_eq!((&again["stored"], &again["replayed"]), (&0.into(), &0.into()), "{again}");
    for (name, bytes) in &given.good {
        fs::write(world.data().incoming().join(name), bytes).unwrap();
    }
    let again = world.ingest_once();
    assert_eq!((&again["stored"], &again["replayed"], &again["conversations"]), (&0.into(), &20.into(), &0.into()));
    given.check(world.data(), "the third time");
}

#[test]
fn several_at_once() {
    let (world, given) = world(0..3000);
    let reports: Vec<_> = std::thread::scope(|scope| {
        let ingest = || world.bin("ingest").args(["once", "--json", "--batch", "50"]).succeed().json();
        let running: Vec<_> = (0..3).map(|_| scope.spawn(ingest)).collect();
        running.into_iter().map(|one| one.join().unwrap()).collect()
    });
    world.ingest_once();
    let sum = |what: &str| reports.iter().map(|report| report[what].as_u64().unwrap()).sum::<u64>();
    assert_eq!((sum("stored"), sum("replayed"), sum("failed")), (3000, 0, 0), "{reports:?}");
    given.check(world.data(), "three at once");
}

fn context(world: &World) -> Context {
    let flags = Layer {
        home: Some(world.data().root().to_owned()),
        projects: Some(vec![world.projects_root()]),
        ..Layer::default()
    };
    Context::new(&Settings::resolve(flags, &|_| None).unwrap(), Arc::new(AtomicBool::new(false)))
}

/// A connection goes on writing to a file that was moved away. What it commits there counts as not committed.
#[test]
fn a_database_that_is_moved_away_gets_no_file_archived() {
    let (world, _) = world([]);
    let mut ctx = context(&world);
    pass::run(&mut ctx, SystemTime::now(), Effort::Everything, &mut go_on).unwrap();
    let mut given = Given::default();
    for n in 0..3 {
        fs::write(world.data().incoming().join(name(n)), payload(n)).unwrap();
        given.good.insert((name(n), payload(n).into_bytes()));
    }
    let (place, away) = (world.data().database(), world.root().join("away.db"));
    let report = pass::run(&mut ctx, SystemTime::now(), Effort::Everything, &mut |step| {
        if step == Step::Written && place.exists() {
            fs::rename(&place, &away).unwrap();
        }
        ControlFlow::Continue(())
    });
    let report = report.unwrap();
    assert!(report.trouble.is_some_and(|trouble| trouble.contains("replaced")) && report.stored == 0);
    assert_eq!(names(&world.data().archive()), Vec::<String>::new());
    fs::rename(&away, &place).unwrap();
    pass::run(&mut ctx, SystemTime::now(), Effort::Everything, &mut go_on).unwrap();
    given.check(world.data(), "moved away and back");
}

/// A file of the spill place that somebody holds waits for the next pass, and the pass says that it left one.
#[test]
fn what_is_held_in_the_spill_place_is_told_of() {
    let (world, _) = world([]);
    let spill = world.root().join("spill");
    fs::create_dir_all(spill.join("incoming")).unwrap();
    let mut given = Given::default();
    given.good.insert((name(1), payload(1).into_bytes()));
    let path = spill.join("incoming").join(name(1));
    fs::write(&path, payload(1)).unwrap();
    let once = || world.bin("ingest").args(["once", "--json"]).env("PROMPT_MANAGER_SPILL", &spill).succeed().json();
    let held = fs::File::open(&path).unwrap();
    held.lock().unwrap();
    let report = once();
    assert_eq!((&report["busy"], &report["stored"]), (&1.into(), &0.into()), "{report}");
    held.unlock().unwrap();
    let report = once();
    assert_eq!((&report["busy"], &report["stored"]), (&0.into(), &1.into()), "{report}");
    given.check(world.data(), "held and let go");
}

/// A clock that stands still, and a queue that is drained between any two: the name is the same each time.
#[test]
fn one_name_a_thousand_times() {
    let (world, mut given) = world([]);
    let mut ctx = context(&world);
    let path = world.data().incoming().join(name(0));
    for n in 0..1000 {
        let payload = format!(r#"{{"session_id":"s{n}","hook_event_name":"Stop"}}"#);
        fs::write(&path, &payload).unwrap();
        given.good.insert((name(0), payload.into_bytes()));
        if n % 10 == 9 {
            // Between some of them two are on their way at once: one in processing, one in incoming.
            let mut die_early = |step| match step {
                ingest::step::Step::Parsed => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            };
            let _ = pass::run(&mut ctx, SystemTime::now(), Effort::Changed, &mut die_early);
        }
        // Once is enough, unless another test starts a program just now: that holds our locks until it is on its way.
        while path.exists() {
            pass::run(&mut ctx, SystemTime::now(), Effort::Changed, &mut |_| ControlFlow::Continue(())).unwrap();
        }
    }
    world.ingest_once();
    given.check(world.data(), "one name");
}

/// A bad file says at least that something happened in its session.
#[test]
fn a_truncated_event_still_has_its_transcript_followed() {
    let (world, _) = world([]);
    let mut ctx = context(&world);
    let mut pass =
        || pass::run(&mut ctx, SystemTime::now(), Effort::Changed, &mut |_| ControlFlow::Continue(())).unwrap();
    pass();
    let project = world.projects_root().join("-src");
    fs::create_dir_all(&project).unwrap();
    fs::write(project.join(format!("{SESSION}.jsonl")), "{\"type\":\"summary\"}\n").unwrap();
    assert_eq!(pass().transcript_files, 0, "no sweep is due yet");
    fs::write(world.data().incoming().join(name(1)), "").unwrap();
    let report = pass();
    assert_eq!((report.failed, report.transcript_files), (1, 1));
}

/// Waits until `done`, for a time that no test machine should need.
fn eventually(what: &str, done: impl Fn() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn the_loop_takes_in_what_comes_and_stops_in_order() {
    let (world, mut given) = world(0..10);
    let mut command = world.bin("ingest").args(["run", "--every", "20ms"]).into_command();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut ready = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    assert_eq!(ready, format!("watching {} (every 20ms)\n", world.data().root().display()));
    for n in 10..20 {
        let tmp = world.data().tmp().join(name(n));
        // As the hook does it: complete before it has its name in incoming.
        let file = fs::File::create(&tmp).unwrap();
        file.lock_shared().unwrap();
        fs::write(&tmp, payload(n)).unwrap();
        fs::rename(&tmp, world.data().incoming().join(name(n))).unwrap();
        given.good.insert((name(n), payload(n).into_bytes()));
        drop(file);
        let day = world.data().archive().join("2026-11-22");
        eventually("a file is archived", || day.join(name(n)).exists());
    }
    let signal = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(signal.success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    given.check(world.data(), "the loop");
    let log = fs::read_to_string(world.data().processor_log()).unwrap();
    assert!(log.contains("watching") && log.contains("stopped") && !log.contains("answer"), "{log}");
}

/// A refused call is one line on stderr, and nothing is changed.
fn check_refused(world: &World, args: &[&str], code: i32, expected: &str) {
    let done = world.ingest(args).code(code);
    assert!(done.err().contains(expected) && done.err().lines().count() == 1, "{expected}\n{done}");
    assert!(done.stdout.is_empty(), "{done}");
}

#[test]
fn wrong_calls() {
    let world = World::new();
    let path = |name: &str| world.root().join(name).display().to_string();
    check_refused(&world, &["once", "--hme", "/x"], 2, "unexpected argument '--hme'");
    check_refused(&world, &["run", "--every", "1s", "--cron", "@daily"], 2, "cannot be used with");
    check_refused(&world, &["run", "--every", "0s"], 2, "an interval is longer than nothing");
    check_refused(&world, &["run", "--cron", "bogus"], 2, "bogus");
    check_refused(&world, &["once", "--batch", "0"], 2, "a whole number from 1 on");
    check_refused(&world, &["once", "--home", &path("no/such")], 78, "its parent directory does not exist");
    fs::write(world.root().join("file"), "").unwrap();
    check_refused(&world, &["once", "--home", &path("file")], 78, "is not a directory");
    fs::create_dir(world.root().join("open")).unwrap();
    fs::set_permissions(world.root().join("open"), fs::Permissions::from_mode(0o777)).unwrap();
    check_refused(&world, &["once", "--home", &path("open")], 78, "chmod go-w");
    fs::create_dir_all(world.root().join("config/prompt-manager")).unwrap();
    let config = world.root().join("config/prompt-manager/config.toml");
    fs::write(&config, "\nevry = '1s'").unwrap();
    check_refused(&world, &["once"], 78, "config.toml, line 2, key `evry`: unknown field");
    fs::write(&config, "cron = '61 * * * *'").unwrap();
    check_refused(&world, &["run"], 78, "`61 * * * *`");
}

/// The queue stays as it is until the right program comes.
#[test]
fn a_database_from_the_future() {
    let (world, given) = world([1]);
    world.ingest_once();
    fs::write(world.data().incoming().join(name(2)), payload(2)).unwrap();
    let database = world.data().database();
    let mut bytes = fs::read(&database).unwrap();
    let schema: [u8; 4] = bytes[60..64].try_into().unwrap(); // user_version in SQLite's header
    bytes[60..64].copy_from_slice(&99_u32.to_be_bytes());
    fs::write(&database, &bytes).unwrap();
    check_refused(&world, &["once"], 78, "has schema 99");
    assert_eq!(names(&world.data().incoming()), [name(2)]);
    bytes[60..64].copy_from_slice(&schema);
    fs::write(&database, &bytes).unwrap();
    assert_eq!(world.ingest_once()["stored"], 1);
    drop(given);
}

/// A restore that holds the database is waited for outside of the queue.
#[test]
fn a_busy_database() {
    let (world, given) = world(0..5);
    let lock = fs::File::create(world.data().db_lock()).unwrap();
    lock.lock().unwrap();
    let done = world.ingest(&["once", "--json"]).code(75);
    assert!(done.json()["trouble"].as_str().unwrap().contains("busy"), "{done}");
    assert_eq!(names(&world.data().incoming()).len(), 5);
    drop(lock);
    assert_eq!(world.ingest_once()["stored"], 5);
    given.check(world.data(), "after the restore");
}

/// How often `ingest once` read the directory `incoming` while it took in so many files, ten in a transaction; `None` without
/// strace.
fn scans(files: u64) -> Option<usize> {
    let (world, given) = world(0..files);
    let trace = world.root().join("trace");
    let strace = world.command("strace").args(["-f", "-qq", "-e", "trace=openat", "-o"]).arg(&trace);
    let mut command = strace.arg(harness::bin("ingest")).args(["once", "--batch", "10"]).into_command();
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status().ok()?;
    assert!(status.success(), "{status}");
    given.check(world.data(), "under strace");
    let place = format!("\"{}\"", world.data().incoming().display());
    let trace = fs::read_to_string(&trace).unwrap();
    Some(trace.lines().filter(|line| line.contains(&place) && line.contains("O_DIRECTORY")).count())
}

#[test]
fn a_backlog_is_listed_once_however_long_it_is() {
    let Some(short) = scans(1) else {
        println!("SKIPPED: strace is not installed");
        return;
    };
    assert!(short > 0, "the trace does not show the scan");
    assert_eq!(scans(100), Some(short));
}
