//! Backups: made while the ingester runs at full speed, checked, kept and thinned out, and never in anybody's way.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use harness::{SCENARIOS, World};
use queue::DataDir;
use serde_json::Value;
use store::check::{Checked, check};
use store::read::export::{EventFilter, Exporter};
use store::watch::unwatched;

use crate::one_store::queue;
use harness::law::names;

fn name(n: u64) -> String {
    format!("{:019}-s{}-Stop.json", 1_763_164_800_000_000_000 + n, n % 50)
}

fn payload(n: u64) -> String {
    format!(r#"{{"session_id":"s{}","hook_event_name":"Stop","last_assistant_message":"answer {n}"}}"#, n % 50)
}

fn checked(path: &Path) -> Checked {
    let found = check(path, &unwatched).unwrap();
    assert!(found.is_good(), "{}: {found:?}", path.display());
    found
}

/// The events of a store in the order of their commits: id, name, bytes.
fn events(dir: &DataDir) -> Vec<(i64, String, Vec<u8>)> {
    let mut exporter = Exporter::open(dir).unwrap();
    let found = exporter.events(&EventFilter::default()).unwrap();
    found.iter().map(|event| (event.id.0, event.name.clone(), exporter.payload(event).unwrap())).collect()
}

fn backup(world: &World, dest: &Path) -> Value {
    world.bin("ingest").args(["backup", "--json"]).arg(dest).succeed().json()
}

/// A hundred, or `PROMPT_MANAGER_TEST_BACKUPS`, one after the other, while `ingest run` commits small batches as fast as it can: each
/// is whole, and holds exactly what was committed at one moment.
#[test]
fn a_hundred_under_full_load() {
    let world = World::new();
    world.data().create().unwrap();
    world.ingest_once();
    let (done, written) = (AtomicBool::new(false), AtomicU64::new(0));
    let mut run = world.bin("ingest").args(["run", "--every", "10ms", "--batch", "7"]).into_command();
    let mut run = run.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let wanted = std::env::var("PROMPT_MANAGER_TEST_BACKUPS").ok().and_then(|wanted| wanted.parse().ok());
    let homes: Vec<DataDir> =
        (0..wanted.unwrap_or(100)).map(|n| DataDir::new(world.root().join(format!("copy{n}")))).collect();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let incoming = world.data().incoming();
            while !done.load(Ordering::Relaxed) {
                let n = written.load(Ordering::Relaxed);
                if names(&incoming).len() > 200 {
                    std::thread::sleep(std::time::Duration::from_millis(5));
                    continue;
                }
                let tmp = world.root().join("one");
                fs::write(&tmp, payload(n)).unwrap();
                fs::rename(&tmp, incoming.join(name(n))).unwrap();
                written.store(n + 1, Ordering::Relaxed);
            }
        });
        for home in &homes {
            fs::create_dir_all(home.database_dir()).unwrap();
            backup(&world, &home.database());
        }
        done.store(true, Ordering::Relaxed);
    });
    run.kill().unwrap();
    run.wait().unwrap();
    world.ingest_once();
    let all = events(world.data());
    assert_eq!(all.len() as u64, written.into_inner());
    let mut last = 0;
    let mut grown = 0;
    for home in &homes {
        let found = checked(&home.database());
        assert_eq!(names(&home.database_dir()), ["prompts.db"], "something lies beside a copy");
        let copied = events(home);
        assert_eq!(copied.len() as u64, found.events);
        assert_eq!(copied[..], all[..copied.len()], "no beginning of what was committed");
        assert!(copied.iter().zip(1..).all(|((id, ..), n)| *id == n), "a commit is missing in the middle");
        assert!(copied.len() >= last, "it holds less than an earlier one");
        grown += usize::from(copied.len() > last);
        last = copied.len();
    }
    let (copies, events) = (homes.len(), all.len());
    println!("{copies} backups, {grown} of them with more than the one before, up to {last} of {events} events");
    assert!(grown > 30, "only {grown} hold more than the one before: was it under load?");
}

fn refused(world: &World, dest: &Path, code: i32, expected: &str) {
    let done = world.bin("ingest").arg("backup").arg(dest).run().code(code);
    assert!(done.err().contains(expected) && done.err().lines().count() == 1 && done.out().is_empty(), "{done}");
}

#[test]
fn where_it_may_go() {
    let world = World::new();
    let dest = world.root().join("copy.db");
    refused(&world, &dest, 1, "there is no database yet");
    queue(&world, SCENARIOS[0]);
    world.ingest_once();
    let report = backup(&world, &dest);
    assert_eq!(report["path"], dest.to_str().unwrap());
    assert_eq!(report["bytes"], fs::metadata(&dest).unwrap().len());
    assert_eq!(report["conversations"], checked(&dest).conversations);
    assert!(report["events"].as_u64() > Some(0), "{report}");
    assert_eq!(fs::metadata(&dest).unwrap().permissions().mode() & 0o777, 0o600);

    let before = fs::read(&dest).unwrap();
    refused(&world, &dest, 1, "is there already");
    assert_eq!(fs::read(&dest).unwrap(), before);
    fs::write(&dest, "something else").unwrap();
    let done = world.bin("ingest").args(["backup", "--force"]).arg(&dest).succeed();
    assert!(done.out().contains("checked: ") && done.err().is_empty(), "{done}");
    checked(&dest);

    for part in ["prompts.db", "prompts.db-wal", "other.db"] {
        refused(&world, &world.data().database_dir().join(part), 1, "among the files of the data directory");
    }
    for part in [world.data().database_dir(), world.data().run(), world.data().incoming(), world.data().root().into()] {
        refused(&world, &part, 1, "among the files of the data directory");
    }
    let lock = world.data().db_lock();
    let done = world.bin("ingest").args(["backup", "--force"]).arg(&lock).run().code(1);
    assert!(done.err().contains("among the files of the data directory"), "{done}");
    assert_eq!(fs::read(&lock).unwrap(), b"");
    backup(&world, &world.data().backups().join("mine.db"));
    let link = world.root().join("link.db");
    symlink(world.data().database(), &link).unwrap();
    refused(&world, &link, 1, "is not a file");
    refused(&world, &world.root().join("no/such/copy.db"), 1, "open the folder");

    let folder = world.root().join("folder");
    fs::create_dir(&folder).unwrap();
    let made = PathBuf::from(backup(&world, &folder)["path"].as_str().unwrap());
    assert_eq!(names(&folder), [made.file_name().unwrap().to_str().unwrap()]);
    // What a death left there is no hindrance.
    fs::write(folder.join("again.db.partial"), "half").unwrap();
    backup(&world, &folder.join("again.db"));
    assert_eq!(names(&folder).len(), 2);
}

/// Neither a damaged database nor a half copy of one becomes a backup.
#[test]
fn a_damaged_database_is_no_backup() {
    let world = World::new();
    queue(&world, SCENARIOS[0]);
    world.ingest_once();
    let mut bytes = fs::read(world.data().database()).unwrap();
    let (from, to) = (bytes.len() / 3, bytes.len() / 2);
    bytes[from..to].fill(0xa5);
    fs::write(world.data().database(), bytes).unwrap();
    let folder = world.root().join("folder");
    fs::create_dir(&folder).unwrap();
    let before = names(&world.data().backups());
    refused(&world, &folder, 1, "the database is damaged");
    assert_eq!(names(&folder), Vec::<String>::new());
    assert_eq!(names(&world.data().backups()), before);
}

fn once(world: &World, vars: &[(&str, &str)]) -> harness::Done {
    vars.iter().fold(world.bin("ingest").arg("once"), |command, (name, value)| command.env(name, value)).succeed()
}

/// Those of a kind, with their paths.
fn made(world: &World, begin: &str) -> Vec<PathBuf> {
    let found = names(&world.data().backups()).into_iter().filter(|name| name.starts_with(begin));
    found.map(|name| world.data().backups().join(name)).collect()
}

/// Gives a backup a name of long ago.
fn age(path: &Path, day: &str) -> PathBuf {
    let name = path.file_name().unwrap().to_str().unwrap();
    let (kind, end) = (name.split('-').next().unwrap(), name.rsplit_once('.').unwrap().1);
    let older = path.with_file_name(format!("{kind}-{day}T000000Z.{end}"));
    fs::rename(path, &older).unwrap();
    older
}

#[test]
fn they_come_by_themselves() {
    let world = World::new();
    queue(&world, SCENARIOS[0]);
    let _ = once(&world, &[]);
    let (said, databases) = (made(&world, "annotations-"), made(&world, "prompts-"));
    assert_eq!((said.len(), databases.len()), (1, 1));
    assert!(checked(&databases[0]).events > 0);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&said[0]), mode(&databases[0])), (0o600, 0o600));
    let _ = once(&world, &[]);
    assert_eq!(names(&world.data().backups()).len(), 2, "another one before its time");

    // Old ones make room once there is a new one.
    age(&said[0], "2026-01-01");
    age(&databases[0], "2026-01-01");
    let keep = [("PROMPT_MANAGER_ANNOTATIONS_KEEP", "1"), ("PROMPT_MANAGER_BACKUP_KEEP", "1")];
    let _ = once(&world, &keep);
    let (said, databases) = (made(&world, "annotations-"), made(&world, "prompts-"));
    assert_eq!((said.len(), databases.len()), (1, 1));
    assert!(!names(&world.data().backups()).iter().any(|name| name.contains("2026-01-01")));

    // The clock was far ahead for a while: one is made now, and those from the future do not push it out.
    age(&said[0], "2099-01-01");
    age(&databases[0], "2099-01-01");
    let _ = once(&world, &keep);
    let _ = once(&world, &keep);
    let left = names(&world.data().backups());
    assert!(left.len() == 2 && !left.iter().any(|name| name.contains("2099")), "{left:?}");
}

/// Backups are best kept on another disk, and a link leads there.
#[test]
fn the_folder_may_be_a_link() {
    let world = World::new();
    queue(&world, SCENARIOS[0]);
    let elsewhere = world.root().join("another disk");
    fs::create_dir_all(&elsewhere).unwrap();
    symlink(&elsewhere, world.data().backups()).unwrap();
    let _ = once(&world, &[]);
    let databases = made(&world, "prompts-");
    assert_eq!(databases.len(), 1, "{}", world.tree());
    assert!(checked(&databases[0]).events > 0);
}

/// Its disk is not mounted: that is a backup that failed, and nothing else.
#[test]
fn a_folder_that_is_away() {
    let world = World::new();
    queue(&world, SCENARIOS[0]);
    world.data().create().unwrap();
    fs::remove_dir(world.data().backups()).unwrap();
    let away = world.root().join("not mounted");
    symlink(&away, world.data().backups()).unwrap();
    let done = once(&world, &[]);
    let named = format!("is a link to {}", away.display());
    assert!(done.out().contains("events stored") && done.err().contains(&named), "{done}");
    world.assert_drained();
    let mut run = watching(&world);
    run.kill().unwrap();
    run.wait().unwrap();
    for command in ["status", "doctor"] {
        let told = world.bin("ingest").args([command, "--json"]).run().json();
        let findings = told["findings"].as_array().unwrap();
        let of = |code: &str| findings.iter().filter(|found| found["code"] == code).count();
        assert_eq!((of("backup_failed"), of("queue_strange"), of("folder_missing")), (2, 0, 0), "{command}: {told:#}");
        assert!(told.to_string().contains(&named), "{command}: {told:#}");
    }
    // Who needs what is there must not take it for nothing.
    let shown = world.bin("ingest").args(["forget", "--conversation", "1", "--dry-run"]).succeed();
    assert!(shown.out().contains(&named), "{shown}");
    fs::write(world.data().database(), "none of ours").unwrap();
    let refused = world.bin("ingest").args(["recover", "--dry-run"]).run().code(75);
    assert!(refused.err().contains(&named), "{refused}");
}

/// Starts `run`, which says that it watches.
fn watching(world: &World) -> Child {
    let mut command = world.bin("ingest").args(["run", "--every", "100ms"]).into_command();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut said = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut said).unwrap();
    assert!(said.starts_with("watching"), "{said}");
    child
}

/// Too little room: the old one stays, the alert stands in run/backup.json, nothing else is held up, and it is not tried
/// again at every wake.
#[test]
fn too_little_room_is_told() {
    let world = World::new();
    let _ = once(&world, &[]);
    let old = age(&made(&world, "prompts-")[0], "2026-01-01");
    let little = [("PROMPT_MANAGER_LOW_SPACE", "1000000GiB"), ("PROMPT_MANAGER_BACKUP_KEEP", "1")];
    let done = once(&world, &little);
    assert!(done.err().contains("backup of the database failed: ") && done.err().contains("low_space"), "{done}");
    let note: Value = serde_json::from_slice(&fs::read(world.data().backup_note()).unwrap()).unwrap();
    assert_eq!(note[0]["what"], "database");
    assert!(note[0]["reason"].as_str().unwrap().contains("low_space"), "{note}");
    assert!(once(&world, &little).err().is_empty(), "it was tried again at once");
    assert_eq!(made(&world, "prompts-"), std::slice::from_ref(&old));

    // After an hour it is tried again, and the note goes.
    let mut earlier = note.clone();
    earlier[0]["at_ms"] = (note[0]["at_ms"].as_i64().unwrap() - 3_600_000).into();
    fs::write(world.data().backup_note(), earlier.to_string()).unwrap();
    let _ = once(&world, &[("PROMPT_MANAGER_BACKUP_KEEP", "1")]);
    assert!(!world.data().backup_note().exists() && !old.exists());
    assert_eq!(made(&world, "prompts-").len(), 1);
}

/// `kill -9` anywhere leaves what was there, no name that is not a good backup, and nothing that stays for good.
#[test]
fn a_backup_survives_death_everywhere() {
    let Ok(_) = Command::new("strace").arg("-V").output() else {
        println!("SKIPPED: strace is not installed");
        return;
    };
    let world = World::new();
    queue(&world, SCENARIOS[0]);
    world.ingest_once();
    let dest = world.root().join("folder").join("copy.db");
    fs::create_dir(dest.parent().unwrap()).unwrap();
    let mut kills = 0;
    for call in ["openat", "pwrite64", "write", "fdatasync", "fsync", "renameat2", "rename", "unlink"] {
        for nth in (1..).step_by(if matches!(call, "openat" | "pwrite64") { 40 } else { 1 }) {
            backup(&world, &dest.with_file_name("old.db"));
            fs::rename(dest.with_file_name("old.db"), &dest).unwrap();
            let inject = format!("inject={call}:signal=SIGKILL:when={nth}");
            let args = ["-f", "-qq", "-o", "/dev/null", "-e", &inject];
            let ingest = harness::bin("ingest");
            let done = world.command("strace").args(args).arg(ingest).args(["backup", "--force"]).arg(&dest).run();
            checked(&dest);
            if done.status.code() == Some(0) || nth > 100 {
                break;
            }
            kills += 1;
            let _ = world.bin("ingest").args(["backup", "--force"]).arg(&dest).succeed();
            assert_eq!(names(dest.parent().unwrap()), ["copy.db"], "{call} {nth}");
        }
    }
    println!("{kills} kills of backup");
    assert!(kills > 10, "only {kills}: is strace's injection at work?");
}

/// A disk that is full or ill: it is told, it may pass, and nothing is left of the try.
#[test]
fn a_full_disk_leaves_nothing() {
    let Ok(_) = Command::new("strace").arg("-V").output() else {
        println!("SKIPPED: strace is not installed");
        return;
    };
    let world = World::new();
    queue(&world, SCENARIOS[0]);
    world.ingest_once();
    let folder = world.root().join("folder");
    fs::create_dir(&folder).unwrap();
    for (call, error, when) in [("pwrite64", "ENOSPC", "1+"), ("pwrite64", "EIO", "9+"), ("fsync", "EIO", "1+")] {
        let inject = format!("inject={call}:error={error}:when={when}");
        let strace = world.command("strace").args(["-f", "-qq", "-o", "/dev/null", "-e", &inject]);
        let done = strace.arg(harness::bin("ingest")).arg("backup").arg(&folder).run().code(75);
        assert!(done.err().lines().count() == 1 && done.out().is_empty(), "{done}");
        assert_eq!(names(&folder), Vec::<String>::new(), "{done}");
    }
}
