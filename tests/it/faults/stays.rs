//! A file that cannot be moved to the archive although its event is stored: its day's folder cannot be made, the disk of the
//! archive is full or away. It stays in processing and is told of; everything else is taken in, followed and derived meanwhile, and
//! it goes to the archive once that can be written. A pass that ended at it would keep out every prompt that comes after.

use std::fs;
use std::ops::ControlFlow;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant, SystemTime};

use harness::law::{Given, names};
use harness::{World, bin, rows};
use ingest::error::Error;
use ingest::pass::{self, Context, Effort};
use ingest::step::{Step, go_on};
use serde_json::Value;
use settings::{Layer, Settings};

use super::Ill;

/// Midnight of the first of the days.
const DAY_NS: u64 = 1_795_305_600_000_000_000;
const DAYS: [&str; 3] = ["2026-11-22", "2026-11-23", "2026-11-24"];

fn name(day: u64, n: u64) -> String {
    format!("{:019}-d{day}-UserPromptSubmit.json", DAY_NS + day * 86_400_000_000_000 + n)
}

fn put(world: &World, given: &mut Given, day: u64, numbers: std::ops::Range<u64>) {
    for n in numbers {
        let payload = format!(
            r#"{{"session_id":"d{day}","hook_event_name":"UserPromptSubmit","prompt_id":"{day}-{n}","prompt":"day {day}, prompt {n}"}}"#
        );
        let new = world.root().join("new");
        fs::write(&new, &payload).unwrap();
        fs::rename(&new, world.data().incoming().join(name(day, n))).unwrap();
        given.good.insert((name(day, n), payload.into_bytes()));
    }
}

fn put_transcript(world: &World) {
    let line =
        r#"{"type":"user","sessionId":"t","uuid":"u","message":{"role":"user","content":"in a transcript alone"}}"#;
    world.transcript("p/t.jsonl", format!("{line}\n").as_bytes());
}

fn once(world: &World) -> harness::Done {
    world.bin("ingest").args(["once", "--json", "--projects"]).arg(world.projects_root()).run()
}

fn prompts(world: &World) -> usize {
    rows::all(world.data()).iter().filter(|row| row.turn.prompt_text.is_some()).count()
}

fn files_of(day: u64, numbers: std::ops::Range<u64>) -> Vec<String> {
    numbers.map(|n| name(day, n) + ".a0").collect()
}

/// A world that was used before, with an archive.
fn world() -> (World, Given) {
    let (world, mut given) = (World::new(), Given::default());
    world.data().create().unwrap();
    put(&world, &mut given, 0, 0..1);
    assert_eq!(once(&world).code(0).json()["stored"], 1);
    (world, given)
}

/// `block` hinders what goes to the archive of the second day, or to all of it; `cure` ends that.
fn check(what: &str, blocks_all: bool, named: &str, block: fn(&World), cure: fn(&World)) {
    let (world, mut given) = world();
    block(&world);
    put(&world, &mut given, 1, 0..3);
    put(&world, &mut given, 2, 0..3);
    put_transcript(&world);
    let mut stays = files_of(1, 0..3);
    if blocks_all {
        stays.extend(files_of(2, 0..3));
    }

    let done = once(&world).code(75);
    let report = done.json();
    assert_eq!(
        (&report["stored"], &report["replayed"], &report["failed"]),
        (&6.into(), &0.into(), &0.into()),
        "{what}: {done}"
    );
    assert_eq!((&report["put_back"], &report["transcript_files"]), (&stays.len().into(), &1.into()), "{what}: {done}");
    assert!(report["trouble"].as_str().unwrap_or_default().contains(named), "{what}: {named} is not named: {done}");
    assert_eq!(prompts(&world), 8, "{what}: {}", world.tree());
    assert_eq!(names(&world.data().processing()), stays, "{what}");
    let status = world.ingest(&["status", "--json"]).json();
    assert_eq!(status["status"], "failing", "{what}: {status:#}");

    // However often it is tried, no attempt counts and nothing is there twice; and what comes is taken in.
    for n in 3..7 {
        put(&world, &mut given, 2, n..n + 1);
        if blocks_all {
            stays.extend(files_of(2, n..n + 1));
        }
        let done = once(&world).code(75);
        let report = done.json();
        assert_eq!((&report["stored"], &report["replayed"]), (&1.into(), &0.into()), "{what}: {done}");
        assert_eq!(report["put_back"], stays.len(), "{what}: {done}");
        assert_eq!(names(&world.data().processing()), stays, "{what}");
    }
    assert_eq!(names(&world.data().failed()), [""; 0], "{what}");

    cure(&world);
    let report = once(&world).code(0).json();
    assert_eq!((&report["replayed"], &report["trouble"]), (&stays.len().into(), &Value::Null), "{what}: {report}");
    assert_eq!(prompts(&world), 12, "{what}");
    given.check(world.data(), what);
}

fn day_of(world: &World) -> PathBuf {
    world.data().archive().join(DAYS[1])
}

fn away(world: &World) -> PathBuf {
    world.root().join("not mounted")
}

#[test]
fn a_file_in_the_place_of_a_day_holds_nobody_up() {
    let block = |world: &World| fs::write(day_of(world), "").unwrap();
    check("a file stands where a day's folder belongs", false, DAYS[1], block, |world| {
        fs::remove_file(day_of(world)).unwrap();
    });
}

#[test]
fn a_link_to_nothing_in_the_place_of_a_day_holds_nobody_up() {
    let block = |world: &World| symlink("nowhere", day_of(world)).unwrap();
    check("a link to nothing stands where a day's folder belongs", false, DAYS[1], block, |world| {
        fs::remove_file(day_of(world)).unwrap();
    });
}

/// What is in the archive already under the name cannot be compared.
#[test]
fn a_name_that_cannot_be_compared_holds_nobody_up() {
    let block = |world: &World| {
        for n in 0..3 {
            fs::create_dir_all(day_of(world)).unwrap();
            symlink(name(1, n), day_of(world).join(name(1, n))).unwrap();
        }
    };
    check("a loop of links stands where a file belongs", false, DAYS[1], block, |world| {
        fs::remove_dir_all(day_of(world)).unwrap();
    });
}

#[test]
fn an_archive_that_is_away_holds_nobody_up() {
    let block = |world: &World| {
        fs::rename(world.data().archive(), world.root().join("kept")).unwrap();
        symlink(away(world), world.data().archive()).unwrap();
    };
    check("the disk of the archive is away", true, "mount its disk", block, |world| {
        assert!(!away(world).exists(), "a place was made where the disk belongs");
        fs::rename(world.root().join("kept"), away(world)).unwrap();
    });
}

/// `run` takes in what comes, says what hinders without filling its log, and needs no help once the archive can be written.
#[test]
fn the_loop_goes_on_beside_what_stays() {
    let (world, mut given) = world();
    fs::write(day_of(&world), "").unwrap();
    put(&world, &mut given, 1, 0..50);
    let mut command = world.bin("ingest").args(["run", "--every", "20ms", "--quiet"]).into_command();
    let mut run = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let eventually = |what: &str, done: &dyn Fn() -> bool| {
        let begin = Instant::now();
        while !done() {
            assert!(begin.elapsed() < Duration::from_secs(60), "{what}: {}", world.tree());
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    eventually("they stay", &|| names(&world.data().processing()) == files_of(1, 0..50));
    put(&world, &mut given, 2, 0..3);
    eventually("what came later is in the archive", &|| names(&world.data().archive().join(DAYS[2])).len() == 3);
    let log = fs::read_to_string(world.data().processor_log()).unwrap();
    assert!(log.lines().count() < 40, "{log}");
    assert_eq!(world.ingest(&["status", "--json"]).json()["status"], "failing");
    fs::remove_file(day_of(&world)).unwrap();
    eventually("all is in the archive", &|| names(&day_of(&world)).len() == 50);
    eventually("it is well", &|| !world.data().trouble().exists());
    let _ = std::process::Command::new("kill").arg(run.id().to_string()).status();
    assert_eq!(run.wait().unwrap().code(), Some(0));
    given.check(world.data(), "a day that was blocked while `run` ran");
}

fn context(world: &World) -> Context {
    let flags = Layer {
        home: Some(world.data().root().to_owned()),
        projects: Some(vec![world.projects_root()]),
        batch: Some(10),
        ..Layer::default()
    };
    Context::new(&Settings::resolve(flags, &|_| None).unwrap(), Arc::new(AtomicBool::new(false)))
}

/// One pass has each file in its hands once, whatever stays.
#[test]
fn a_pass_tries_each_file_once() {
    let (world, mut given) = world();
    fs::write(day_of(&world), "").unwrap();
    put(&world, &mut given, 1, 0..95);
    for what in ["out of incoming", "out of processing"] {
        let mut claimed = 0;
        let report = pass::run(&mut context(&world), SystemTime::now(), Effort::Everything, &mut |step| {
            claimed += usize::from(step == Step::Claimed);
            ControlFlow::Continue(())
        })
        .unwrap();
        assert_eq!((claimed, report.put_back, report.more), (95, 95, false), "{what}: {report}");
    }
}

/// Its readers may die as often as they like: what is stored never goes to failed.
#[test]
fn what_is_stored_and_stays_survives_every_death() {
    for last in [Step::Claimed, Step::Parsed, Step::Committed, Step::PutBack] {
        let (world, mut given) = world();
        fs::write(day_of(&world), "").unwrap();
        put(&world, &mut given, 1, 0..1);
        let report = pass::run(&mut context(&world), SystemTime::now(), Effort::Everything, &mut go_on).unwrap();
        assert_eq!((report.stored, report.put_back), (1, 1), "{report}");
        for _ in 0..5 {
            let died = pass::run(&mut context(&world), SystemTime::now(), Effort::Everything, &mut |step| {
                if step == last { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            match died {
                Err(Error::Stopped(step)) => assert_eq!(step, last),
                // After three deaths it is not read any more.
                died => assert_eq!(died.unwrap().put_back, 1, "{last:?}"),
            }
        }
        assert_eq!(names(&world.data().processing()).len(), 1, "{last:?}: {}", world.tree());
        fs::remove_file(day_of(&world)).unwrap();
        let report = pass::run(&mut context(&world), SystemTime::now(), Effort::Everything, &mut go_on).unwrap();
        assert_eq!((report.stored, report.replayed, report.failed), (0, 1, 0), "{last:?}: {report}");
        given.check(world.data(), &format!("deaths at {last:?} while a day was blocked"));
    }
}

fn disk(world: &World) -> PathBuf {
    world.root().join("disk")
}

/// A script that knows the data directory as `$0` and the other disk as `$1`.
fn inside(ill: &Ill, script: &str) -> harness::Done {
    ill.inside(Path::new("/bin/sh")).args(["-c", script]).arg(ill.world.data().root()).arg(disk(&ill.world)).run()
}

/// The archive is a link to another disk, and that is full.
#[test]
fn a_full_disk_of_the_archive_holds_nobody_up() {
    let Some(mut ill) = Ill::new("size=24m") else { return };
    put_transcript(&ill.world);
    fs::create_dir(disk(&ill.world)).unwrap();
    let mount = r#"mount -t tmpfs -o size=64k,mode=700 none "$1" && mkdir -m 700 "$1/archive" &&
        rmdir "$0/queue/archive" && ln -s "$1/archive" "$0/queue/archive" && { cat /dev/zero > "$1/filler"; true; } 2>/dev/null"#;
    let _ = inside(&ill, mount).code(0);
    ill.prompts(0..8);
    let once = || {
        let command = ill.inside(bin("ingest")).args(["once", "--json", "--projects"]);
        command.arg(ill.world.projects_root()).run().code(75)
    };
    for stored in [8, 0] {
        let done = once();
        let report = done.json();
        assert_eq!((&report["stored"], &report["put_back"]), (&stored.into(), &8.into()), "{done}");
        assert!(report["trouble"].as_str().unwrap_or_default().contains("No space left"), "{done}");
    }
    ill.check_fault(&["no space left"]);
    let list = ill.inside(bin("query-api")).args(["list", "--json"]).run().code(0);
    assert!(list.out().contains("in a transcript alone"), "{list}");
    assert_eq!(list.json()["items"].as_array().unwrap().len(), 9, "{list}");
    let left = inside(&ill, r#"ls "$1/archive"/*"#);
    assert!(!left.out().contains(".partial"), "{left}");
    let _ = inside(&ill, r#"rm "$1/filler""#).code(0);
    assert_eq!(ill.ingest(&["once", "--json"]).code(0).json()["replayed"], 8);
    // To where the law looks for it.
    let _ = inside(&ill, r#"rm "$0/queue/archive" && cp -a "$1/archive" "$0/queue/""#).code(0);
    ill.check_cured("a full disk of the archive");
}
