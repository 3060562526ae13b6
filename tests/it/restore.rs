//! A backup takes the place of the database: what people said stays where it was said, what came since comes back, and death
//! at any moment leaves the one or the other.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use harness::{SCENARIOS, World};
use serde_json::Value;
use status::ingesters;
use store::check::check;
use store::human::{Remark, Said, Stamp};
use store::watch::unwatched;
use store::write::Writer;

use crate::merge::{annotate, natural};
use crate::one_store::queue;
use harness::law::names;
use harness::rows;

/// Says something once more, by which a store is told from its own backup.
fn say(world: &World, tag: &str) {
    let id = rows::all(world.data())[0].turn.id;
    let mut writer = Writer::open(world.data()).unwrap();
    let stamp = Stamp { id: tag.to_owned(), origin: writer.origin().to_owned(), created_ms: 5 };
    let batch = writer.batch().unwrap();
    batch.add_remark(id, &Remark { stamp, said: Said::Tag { tag: tag.to_owned(), present: true } }).unwrap();
    batch.commit().unwrap();
}

fn ingest(world: &World, args: &[&str]) -> harness::Cmd {
    world.bin("ingest").args(args).env("PROMPT_MANAGER_PROJECTS", world.projects_root())
}

/// A store of two scenarios with all that people may say, its backup, and a third scenario that came later.
fn drill() -> (World, PathBuf) {
    let world = World::new();
    for scenario in &SCENARIOS[..2] {
        queue(&world, *scenario);
        world.projects(*scenario);
    }
    let _ = ingest(&world, &["once"]).succeed();
    annotate(&world, 1);
    let backup = world.root().join("backup.db");
    let _ = ingest(&world, &["backup"]).arg(&backup).succeed();
    queue(&world, SCENARIOS[2]);
    world.projects(SCENARIOS[2]);
    let _ = ingest(&world, &["once"]).succeed();
    (world, backup)
}

fn restore(world: &World, backup: &Path) -> Value {
    ingest(world, &["restore", "--force", "--json"]).arg(backup).succeed().json()
}

#[test]
fn a_drill() {
    let (world, backup) = drill();
    let before = natural(&world);
    let ids = rows::with_ids(world.data());
    let bytes = fs::read(&backup).unwrap();
    say(&world, "late");
    let report = restore(&world, &backup);
    assert!(
        report["archive"]["new"].as_u64() > Some(0) && report["archive"]["unread"] == serde_json::json!([]),
        "{report}"
    );
    assert_eq!(natural(&world), before, "{report}");
    assert_eq!(fs::read(&backup).unwrap(), bytes, "the backup was changed");
    let aside = PathBuf::from(report["set_aside"].as_str().unwrap());
    assert!(names(&aside).contains(&"prompts.db".to_owned()), "{:?}", names(&aside));
    // What was said of a conversation that the backup knows is said of the same id.
    let known: Vec<_> = rows::with_ids(world.data()).into_iter().filter(|row| ids.contains(row)).collect();
    assert!(known.len() > ids.len() / 2, "{} of {}", known.len(), ids.len());
    assert!(check(&world.data().database(), &unwatched).unwrap().is_good());

    // What only the former database has is taken over from there.
    let _ = ingest(&world, &["import"]).arg(aside.join("prompts.db")).succeed();
    assert_eq!(natural(&world).iter().filter(|row| row.contains("\"late\"")).count(), 1);
}

/// A machine that was lost: the data directory is new, and only a backup is left.
#[test]
fn onto_an_empty_place() {
    let (world, backup) = drill();
    let other = World::new();
    let done = ingest(&other, &["restore"]).arg(&backup).succeed();
    assert!(done.out().contains("hook events restored; ") && !done.out().contains("set aside"), "{done}");
    // Also what came since: the projects root that the backup knows is still there.
    assert!(rows::all(other.data()).len() >= rows::all(world.data()).len() / 2, "{done}");
}

#[test]
fn what_is_refused() {
    let (world, backup) = drill();
    let before = natural(&world);
    let check = |src: &Path, force: bool, code: i32, expected: &str| {
        let done = ingest(&world, if force { &["restore", "--force"] } else { &["restore"] }).arg(src).run().code(code);
        assert!(done.err().contains(expected) && done.err().lines().count() == 1 && done.out().is_empty(), "{done}");
        assert_eq!(names(&world.data().database_dir()).iter().filter(|name| !name.starts_with("prompts")).count(), 0);
    };
    check(&backup, false, 1, "with --force it is set aside first");
    check(&world.root().join("none.db"), true, 1, "none.db");
    check(&world.data().database(), true, 1, "is the database itself");
    check(world.root(), true, 1, "is not a file");
    let whole = fs::read(&backup).unwrap();
    let bad = world.root().join("bad.db");
    let mut newer = whole.clone();
    newer[60..64].copy_from_slice(&99_u32.to_be_bytes()); // user_version
    fs::write(&bad, &newer).unwrap();
    check(&bad, true, 1, "install the newer version");
    fs::write(&bad, &whole[..whole.len() / 2]).unwrap();
    check(&bad, true, 1, "damaged");
    // Over the beginning of every other page: wherever rows lie, some of these are inner pages and leaves of trees.
    let mut noise = whole.clone();
    for page in (4096..whole.len()).step_by(2 * 4096) {
        noise[page..page + 64].fill(0xa5);
    }
    fs::write(&bad, &noise).unwrap();
    check(&bad, true, 1, "damaged");
    fs::write(&bad, "no database").unwrap();
    check(&bad, true, 1, "bad.db");

    let _ = ingest(&world, &["setup", "hooks"]).succeed();
    let mut run = ingest(&world, &["run"]).into_command();
    let mut run = run.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(run.stdout.take().unwrap()), &mut line).unwrap();
    check(&backup, true, 75, &format!("ingest run (process {}) uses it", run.id()));
    run.kill().unwrap();
    run.wait().unwrap();

    // One that had nothing to do since it began has nothing open.
    let mut run = ingest(&world, &["run"]).into_command();
    let mut run = run.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let lock = world.data().db_lock().canonicalize().unwrap();
    let opened = || {
        let all = fs::read_dir(format!("/proc/{}/fd", run.id())).unwrap().flatten();
        all.filter_map(|fd| fs::read_link(fd.path()).ok()).any(|path| path == lock)
    };
    let is_idle = || ingesters::read(world.data()).unwrap().iter().any(|found| found.alive) && !opened();
    let begun = Instant::now();
    while !is_idle() {
        assert!(begun.elapsed() < Duration::from_secs(60), "not idle within a minute");
    }
    check(&backup, true, 75, &format!("ingest run (process {}) uses it", run.id()));
    run.kill().unwrap();
    run.wait().unwrap();
    assert_eq!(natural(&world), before);
}

/// `kill -9` wherever something changes: the next command finds the old store or the new one, whole.
#[test]
fn a_restore_survives_death_everywhere() {
    let Ok(_) = Command::new("strace").arg("-V").output() else {
        println!("SKIPPED: strace is not installed");
        return;
    };
    let (world, backup) = drill();
    let new = natural(&world);
    say(&world, "late");
    let old = natural(&world);
    let (data, saved) = (world.data().root().to_owned(), world.root().join("saved"));
    let copy = |from: &Path, to: &Path| {
        let done = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
        assert!(done.success());
    };
    copy(&data, &saved);
    let (mut kills, mut kept, mut replaced) = (0, 0, 0);
    for (call, step) in [
        ("rename", 1),
        ("renameat2", 1),
        ("fsync", 4),
        ("fdatasync", 4),
        ("mkdir", 2),
        ("unlink", 2),
        ("unlinkat", 1),
        ("rmdir", 1),
        ("openat", 80),
        ("pwrite64", 80),
    ] {
        for nth in (1..).step_by(step) {
            fs::remove_dir_all(&data).unwrap();
            copy(&saved, &data);
            let inject = format!("inject={call}:signal=SIGKILL:when={nth}");
            let program = harness::bin("ingest");
            let strace = world.command("strace").args(["-f", "-qq", "-o", "/dev/null", "-e", &inject]).arg(program);
            let strace = strace.args(["restore", "--force"]).arg(&backup);
            let done = strace.env("PROMPT_MANAGER_PROJECTS", world.projects_root()).run();
            let _ = ingest(&world, &["once"]).succeed();
            let found = natural(&world);
            let after = format!("{call} {nth}\n{done}");
            assert!(found == old || found == new, "neither the old nor the new: {after}");
            let checked = check(&world.data().database(), &unwatched).unwrap();
            assert!(checked.is_good(), "{checked:?} {after}");
            assert!(!world.data().replacement().exists(), "{after}");
            if done.status.code() == Some(0) || nth > 1000 {
                break;
            }
            kills += 1;
            if found == old { kept += 1 } else { replaced += 1 }
        }
    }
    println!("{kills} kills of restore: {kept} left the old store, {replaced} the new one");
    assert!(kept > 5 && replaced > 3, "{kept} {replaced}: is strace's injection at work?");
}

/// A disk that is full or ill: the old database stays as it is, and nothing is left of the try.
#[test]
fn a_full_disk_changes_nothing() {
    let Ok(_) = Command::new("strace").arg("-V").output() else {
        println!("SKIPPED: strace is not installed");
        return;
    };
    let (world, backup) = drill();
    let before = natural(&world);
    for (call, error, when) in [("pwrite64", "ENOSPC", "1+"), ("pwrite64", "EIO", "30+"), ("fsync", "EIO", "1+")] {
        let inject = format!("inject={call}:error={error}:when={when}");
        let strace = world.command("strace").args(["-f", "-qq", "-o", "/dev/null", "-e", &inject]);
        let strace = strace.arg(harness::bin("ingest")).args(["restore", "--force"]).arg(&backup);
        let done = strace.env("PROMPT_MANAGER_PROJECTS", world.projects_root()).run().code(75);
        assert_eq!(done.err().lines().count(), 1, "{done}");
        assert!(!world.data().staging().exists() && !world.data().replacement().exists(), "{done}");
        assert_eq!(natural(&world), before, "{done}");
    }
}
