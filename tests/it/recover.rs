//! A damaged database is made anew: what people said up to the last daily file is there, and every conversation whose original
//! or archive still exists; what was there is set aside, and death at any moment loses neither.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use harness::{SCENARIOS, Seed, World};
use serde_json::Value;
use store::check::{About, check};
use store::human::{Remark, Said, Stamp};
use store::watch::unwatched;
use store::write::Writer;

use crate::merge::{annotate, natural};
use crate::one_store::queue;
use harness::law::names;
use harness::rows;

fn ingest(world: &World, args: &[&str]) -> harness::Cmd {
    world.bin("ingest").args(args).env("PROMPT_MANAGER_PROJECTS", world.projects_root())
}

/// A store with a weekly backup of its first day, a second scenario since, all that people may say, and a daily file of that.
fn world() -> World {
    let world = World::new();
    queue(&world, SCENARIOS[0]);
    world.projects(SCENARIOS[0]);
    let _ = ingest(&world, &["once"]).succeed();
    queue(&world, SCENARIOS[1]);
    world.projects(SCENARIOS[1]);
    let _ = ingest(&world, &["once"]).succeed();
    annotate(&world, 1);
    remove(&world, "annotations-");
    let _ = ingest(&world, &["once"]).succeed();
    assert_eq!(names(&world.data().backups()).len(), 2);
    world
}

fn remove(world: &World, begin: &str) {
    for name in names(&world.data().backups()).iter().filter(|name| name.starts_with(begin)) {
        fs::remove_file(world.data().backups().join(name)).unwrap();
    }
}

/// Overwrites a file with noise, as long as it was.
fn noise(path: &Path) {
    let Ok(meta) = fs::metadata(path) else { return };
    let mut seed = Seed::new(meta.len());
    let bytes: Vec<u8> = (0..meta.len().max(40_000)).map(|_| seed.number().to_le_bytes()[0]).collect();
    fs::write(path, bytes).unwrap();
}

fn parts(world: &World) -> [PathBuf; 3] {
    ["prompts.db", "prompts.db-wal", "prompts.db-shm"].map(|name| world.data().database_dir().join(name))
}

fn damage(world: &World) {
    for path in parts(world) {
        fs::File::options().create(true).append(true).open(&path).unwrap();
        noise(&path);
    }
}

fn recover(world: &World) -> Value {
    let report = ingest(world, &["recover", "--json"]).succeed().json();
    assert!(check(&world.data().database(), &unwatched).unwrap().is_good(), "{report}");
    report
}

/// The rows that only the first has.
fn lines(rows: &BTreeSet<String>, other: &BTreeSet<String>) -> Vec<String> {
    rows.difference(other).map(|row| format!("{row:.1500}")).collect()
}

fn same(found: &BTreeSet<String>, expected: &BTreeSet<String>, what: &str) {
    let (more, fewer) = (lines(found, expected), lines(expected, found));
    assert!(more.is_empty() && fewer.is_empty(), "{what}:\nnew: {more:#?}\nmissing: {fewer:#?}");
}

/// The database, its log and its index of the log are noise. With the weekly backup, and without.
#[test]
fn noise_all_over() {
    for with_backup in [true, false] {
        let world = world();
        let before = natural(&world);
        let ids = rows::with_ids(world.data());
        if !with_backup {
            remove(&world, "prompts-");
        }
        damage(&world);

        // Nothing goes on, nothing is lost, and it is said what to do.
        world.hook("Stop", r#"{"session_id":"s","hook_event_name":"Stop","last_assistant_message":"waits"}"#);
        let waiting = names(&world.data().incoming());
        let done = ingest(&world, &["once"]).run().code(1);
        assert!(done.err().contains("prompt-manager recover"), "{done}");
        assert_eq!(names(&world.data().incoming()), waiting);

        let bytes = fs::read(world.data().database()).unwrap();
        let planned = ingest(&world, &["recover", "--dry-run", "--json"]).succeed().json();
        assert_eq!((&planned["state"], &planned["done"]), (&"damaged".into(), &false.into()), "{planned}");
        assert_eq!(fs::read(world.data().database()).unwrap(), bytes, "a dry run changed something");

        let report = recover(&world);
        assert_eq!(report["pass"]["stored"], 1, "{report}");
        assert_eq!(report["base"].is_object(), with_backup, "{report}");
        let mut found = natural(&world);
        assert_eq!(found.extract_if(.., |row| row.contains("waits")).count(), 1, "what waited in the queue");
        same(&found, &before, &format!("with a backup: {with_backup}, {report}"));
        if with_backup {
            // The ids that the backup gave out mean what they meant.
            let found = rows::with_ids(world.data());
            assert!(ids.iter().filter(|row| found.contains(row)).count() > ids.len() / 3);
        }
        let aside = PathBuf::from(report["set_aside"].as_str().unwrap());
        assert_eq!(fs::read(aside.join("prompts.db")).unwrap(), bytes);
        world.assert_drained();
        // Once more there is nothing to do, and nothing comes twice.
        assert_eq!(recover(&world)["state"], "whole");
        let again = ingest(&world, &["once", "--json"]).succeed().json();
        assert_eq!(again["stored"], 0, "{again}");
        let mut found = natural(&world);
        found.retain(|row| !row.contains("waits"));
        same(&found, &before, "after another pass");
    }
}

/// A page of it is noise, one after the other: all that the archive, the transcripts and the daily file hold is there, and nearly
/// always what was said since that file too.
#[test]
fn noise_in_one_page() {
    let world = world();
    let _ = ingest(&world, &["once"]).succeed();
    let daily = natural(&world);
    let id = rows::all(world.data())[0].turn.id;
    {
        let mut writer = Writer::open(world.data()).unwrap();
        let stamp = Stamp { id: "late".into(), origin: writer.origin().to_owned(), created_ms: 5 };
        let batch = writer.batch().unwrap();
        batch.add_remark(id, &Remark { stamp, said: Said::Note(Some("said since".into())) }).unwrap();
        batch.commit().unwrap();
    }
    let late = natural(&world);
    let (data, saved) = (world.data().root().to_owned(), world.root().join("saved"));
    let copy =
        |from: &Path, to: &Path| assert!(Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap().success());
    copy(&data, &saved);
    let pages = fs::metadata(world.data().database()).unwrap().len() / 4096;
    let (mut recovered, mut kept) = (0, 0);
    for page in (2..pages).step_by(usize::try_from(pages / 12).unwrap().max(1)) {
        fs::remove_dir_all(&data).unwrap();
        copy(&saved, &data);
        let mut bytes = fs::read(world.data().database()).unwrap();
        let from = usize::try_from(page * 4096).unwrap();
        bytes[from..from + 4096].fill(0xa5);
        fs::write(world.data().database(), bytes).unwrap();
        let damaged = check(&world.data().database(), &unwatched).unwrap();
        if damaged.is_good() || damaged.is_only_words() {
            continue; // a page that nobody uses, or one of the index
        }
        let report = recover(&world);
        recovered += 1;
        let found = natural(&world);
        let is_kept = found == late;
        kept += i32::from(is_kept);
        if !is_kept {
            same(&found, &daily, &format!("page {page}: {report}"));
        }
    }
    println!("{recovered} recoveries, {kept} with what was said since the daily file");
    assert!(recovered > 4 && kept > recovered / 2, "{recovered} {kept}");
}

/// A page that a disk put in another's place can leave a piece of a transcript that cannot be unpacked, and nothing for the engine
/// to complain of: doctor told to run `recover`, which found the database whole and did nothing, and backups took it along.
#[test]
fn a_piece_that_cannot_be_unpacked() {
    let world = world();
    let before = natural(&world);
    let database = world.data().database();
    let whole = fs::read(&database).unwrap();
    let frames = whole.windows(4).enumerate().filter(|(_, at)| *at == b"\x28\xb5\x2f\xfd").map(|(at, _)| at);
    let is_piece = |frame: &usize| {
        let mut bytes = whole.clone();
        bytes[frame + 4..frame + 20].fill(0xff);
        fs::write(&database, bytes).unwrap();
        let found = check(&database, &unwatched).unwrap();
        found.problems.first().is_some_and(|problem| problem.about == About::Pieces)
    };
    assert!(frames.into_iter().any(|frame| is_piece(&frame)), "no frame of a transcript");

    let report = ingest(&world, &["doctor", "--json"]).run().code(1).json();
    let codes: Vec<_> = report["findings"].as_array().unwrap().iter().map(|it| it["code"].as_str().unwrap()).collect();
    assert!(codes.contains(&"transcript_damaged") && !codes.contains(&"database_damaged"), "{report}");
    let done = ingest(&world, &["backup", &world.root().join("copy.db").to_string_lossy()]).run().code(1);
    assert!(done.err().contains("cannot be unpacked"), "{done}");
    assert_eq!(recover(&world)["state"], "damaged");
    same(&natural(&world), &before, "made anew");
    let report = ingest(&world, &["doctor", "--json"]).run().json();
    assert!(!report.to_string().contains("transcript_damaged"), "{report}");
}

/// One bit of what is known of a file's end, found by damaged copies of a store: nothing for the engine to complain of either.
#[test]
fn a_file_whose_end_is_another() {
    let world = world();
    let before = natural(&world);
    let database = world.data().database();
    let mut bytes = fs::read(&database).unwrap();
    let folder = fs::read_dir(world.projects_root()).unwrap().next().unwrap().unwrap().path();
    let file = names(&folder).into_iter().find(|name| name.ends_with(".jsonl")).unwrap();
    let file = fs::read(folder.join(file)).unwrap();
    let hash = blake3::hash(&file[file.len().saturating_sub(4096)..]);
    let places: Vec<_> = (0..bytes.len() - 32).filter(|at| bytes[*at..*at + 32] == *hash.as_bytes()).collect();
    assert!(!places.is_empty(), "no hash of the end of a transcript");
    places.iter().for_each(|at| bytes[*at] ^= 1);
    fs::write(&database, bytes).unwrap();

    assert_eq!(recover(&world)["state"], "damaged");
    same(&natural(&world), &before, "made anew");
    let report = ingest(&world, &["doctor", "--json"]).run().json();
    assert!(!report.to_string().contains("transcript_damaged"), "{report}");
}

#[test]
fn a_whole_database_is_left_alone() {
    let world = world();
    let before = fs::read(world.data().database()).unwrap();
    let done = ingest(&world, &["recover"]).succeed();
    assert!(done.out().contains("the database is whole: there is nothing to do"), "{done}");
    assert_eq!(fs::read(world.data().database()).unwrap(), before);
    assert!(!world.data().staging().exists());
}

/// The database is gone altogether.
#[test]
fn no_database_at_all() {
    let empty = World::new();
    let done = ingest(&empty, &["recover"]).run().code(1);
    assert!(done.err().contains("there is no database yet"), "{done}");
    // Removed, and emptied with its log left: no empty one takes its place, however often anybody tries.
    for emptied in [false, true] {
        let world = world();
        let before = natural(&world);
        let database = world.data().database();
        for path in parts(&world) {
            let _ = fs::remove_file(path);
        }
        if emptied {
            fs::write(&database, "").unwrap();
            fs::write(database.with_extension("db-wal"), "a log").unwrap();
        }
        let backups = names(&world.data().backups());
        world.hook("Stop", r#"{"session_id":"s","hook_event_name":"Stop","last_assistant_message":"waits"}"#);
        let waiting = names(&world.data().incoming());
        for command in ["once", "run", "rebuild"] {
            let done = ingest(&world, &[command]).run().code(1);
            assert!(done.err().contains("`prompt-manager recover`"), "{done}");
        }
        assert_eq!(names(&world.data().incoming()), waiting);
        assert_eq!(names(&world.data().backups()), backups);
        assert_eq!(fs::metadata(&database).map_or(0, |meta| meta.len()), 0);
        let status = ingest(&world, &["status", "--json"]).run().code(1).json();
        let lost = |finding: &Value| finding["code"] == "database_missing";
        assert!(status["findings"].as_array().unwrap().iter().any(lost), "{status}");
        let planned = ingest(&world, &["recover", "--dry-run", "--json"]).succeed().json();
        assert_eq!((&planned["state"], &planned["done"]), (&"missing".into(), &false.into()), "{planned}");
        let report = recover(&world);
        assert_eq!((&report["state"], report["set_aside"].is_null()), (&"missing".into(), !emptied), "{report}");
        if let Some(aside) = report["set_aside"].as_str() {
            assert_eq!(fs::read(Path::new(aside).join("prompts.db-wal")).unwrap(), b"a log");
        }
        let mut found = natural(&world);
        assert_eq!(found.extract_if(.., |row| row.contains("waits")).count(), 1, "what waited in the queue");
        same(&found, &before, "after it was gone");
    }
}

/// An empty file is no database: a backup takes its place without being forced to.
#[test]
fn an_empty_database_is_restored() {
    let world = world();
    let before = rows::all(world.data()).len();
    for path in parts(&world) {
        let _ = fs::remove_file(path);
    }
    fs::write(world.data().database(), "").unwrap();
    let backup = names(&world.data().backups()).into_iter().find(|name| name.starts_with("prompts-")).unwrap();
    let backup = world.data().backups().join(backup);
    let done = ingest(&world, &["restore", backup.to_str().unwrap()]).succeed();
    assert!(done.out().contains("is set aside in"), "{done}");
    assert_eq!(rows::all(world.data()).len(), before);
    assert!(check(&world.data().database(), &unwatched).unwrap().is_good());
}

/// `kill -9` in the midst of it: the damaged one is still there, or the new one is; another call ends it.
#[test]
fn a_recovery_survives_death() {
    let Ok(_) = Command::new("strace").arg("-V").output() else {
        println!("SKIPPED: strace is not installed");
        return;
    };
    let world = world();
    let before = natural(&world);
    damage(&world);
    let (data, saved) = (world.data().root().to_owned(), world.root().join("saved"));
    let copy =
        |from: &Path, to: &Path| assert!(Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap().success());
    copy(&data, &saved);
    let mut kills = 0;
    for (call, step) in
        [("rename", 1), ("renameat2", 1), ("fsync", 6), ("fdatasync", 20), ("openat", 150), ("unlinkat", 2)]
    {
        for nth in (1..).step_by(step) {
            fs::remove_dir_all(&data).unwrap();
            copy(&saved, &data);
            let inject = format!("inject={call}:signal=SIGKILL:when={nth}");
            let strace = world.command("strace").args(["-f", "-qq", "-o", "/dev/null", "-e", &inject]);
            let strace = strace.arg(harness::bin("ingest")).arg("recover");
            let done = strace.env("PROMPT_MANAGER_PROJECTS", world.projects_root()).run();
            recover(&world);
            let _ = ingest(&world, &["once"]).succeed();
            same(&natural(&world), &before, &format!("{call} {nth}\n{done}"));
            if done.status.code() == Some(0) || nth > 2000 {
                break;
            }
            kills += 1;
        }
    }
    println!("{kills} kills of recover");
    assert!(kills > 8, "only {kills}: is strace's injection at work?");
}
