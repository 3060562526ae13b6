//! What becomes of queue files that are taken in: kept, packed, dropped, removed; and what a full disk holds up.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

use std::fs::{self, File};
use std::process::Command;
use std::time::{Duration, SystemTime};

use harness::World;
use serde_json::Value;

use harness::law::names;

/// 2026-11-15, 2026-11-16 and so on: long ago for a test that runs later, and never in the future for one that runs now.
const DAYS: [&str; 3] = ["2025-11-15", "2025-11-16", "2025-11-17"];
const FIRST_NS: u64 = 1_763_164_800_000_000_000;
const DAY_NS: u64 = 86_400_000_000_000;

fn name(day: u64, n: u64) -> String {
    format!("{:019}-s-Stop.json", FIRST_NS + day * DAY_NS + n)
}

fn payload(n: u64) -> String {
    format!(r#"{{"session_id":"s","hook_event_name":"Stop","last_assistant_message":"answer {n}"}}"#)
}

/// Three days with three files each, taken in with these variables.
fn world(vars: &[(&str, &str)]) -> World {
    let world = World::new();
    world.data().create().unwrap();
    for day in 0..3 {
        for n in 0..3 {
            fs::write(world.data().incoming().join(name(day, n)), payload(n)).unwrap();
        }
    }
    let report = once(&world, vars);
    assert_eq!(report["stored"], 9, "{report}");
    world
}

fn with<'a>(world: &World, args: &[&str], vars: &[(&'a str, &'a str)]) -> harness::Done {
    vars.iter().fold(world.bin("ingest").args(args), |command, (name, value)| command.env(name, value)).run()
}

fn once(world: &World, vars: &[(&str, &str)]) -> Value {
    with(world, &["once", "--json"], vars).code(0).json()
}

fn prune(world: &World, args: &[&str], vars: &[(&str, &str)]) -> Value {
    with(world, &[&["prune", "--json"], args].concat(), vars).code(0).json()
}

fn archive(world: &World) -> Vec<String> {
    names(&world.data().archive())
}

#[test]
fn the_three_ways() {
    let check = |way: &str, expected: &[&str]| {
        let world = world(&[("PROMPT_MANAGER_ARCHIVE", way)]);
        assert_eq!(archive(&world), expected, "{way}");
        assert_eq!(names(&world.data().processing()), Vec::<String>::new(), "{way}");
        assert_eq!(once(&world, &[])["stored"], 0, "{way}");
    };
    check("files", &DAYS);
    check("off", &[]);
    // The chores of the first `once` pack what is old at once.
    check("pack", &["2025-11-15.tar.zst", "2025-11-16.tar.zst", "2025-11-17.tar.zst"]);
}

#[test]
fn a_pack_is_what_any_tar_reads() {
    let world = world(&[]);
    let pack = world.data().archive().join("2025-11-15.tar.zst");
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&pack).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let listed = Command::new("tar").args(["--zstd", "-tf"]).arg(&pack).output();
    if let Ok(listed) = listed
        && listed.status.success()
    {
        let listed = String::from_utf8(listed.stdout).unwrap();
        assert_eq!(listed.lines().collect::<Vec<_>>(), [name(0, 0), name(0, 1), name(0, 2)]);
    }
}

#[test]
fn a_dry_run_changes_nothing() {
    let world = world(&[("PROMPT_MANAGER_ARCHIVE", "files")]);
    let vars = [("PROMPT_MANAGER_ARCHIVE_KEEP", "30d")];
    let before = world.tree();
    let dry = prune(&world, &["--dry-run"], &vars);
    assert_eq!((&dry["packed_files"], dry["dropped_days"].as_array().unwrap().len()), (&9.into(), 3), "{dry}");
    let without_store =
        |tree: String| tree.lines().filter(|line| !line.contains("database")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(without_store(world.tree()), without_store(before));
}

/// By age and by size, the oldest days first, and only what the database holds.
#[test]
fn days_are_dropped_when_the_database_holds_them() {
    let world = world(&[("PROMPT_MANAGER_ARCHIVE", "files")]);
    let files = [("PROMPT_MANAGER_ARCHIVE", "files")];
    let stranger = world.data().archive().join(DAYS[1]).join(name(1, 7));
    fs::write(&stranger, payload(7)).unwrap();
    let size: u64 =
        fs::read_dir(world.data().archive().join(DAYS[2])).unwrap().map(|e| e.unwrap().metadata().unwrap().len()).sum();
    let size = size.to_string();
    let report = prune(&world, &[], &[files[0], ("PROMPT_MANAGER_ARCHIVE_MAX", &size)]);
    assert_eq!(report["dropped_days"], serde_json::json!([DAYS[0], DAYS[2]]), "{report}");
    assert_eq!((&report["kept_days"][0]["day"], &report["kept_days"][0]["missing"]), (&DAYS[1].into(), &1.into()));
    assert_eq!(archive(&world), [DAYS[1]]);
    fs::remove_file(stranger).unwrap();
    let report = prune(&world, &[], &[files[0], ("PROMPT_MANAGER_ARCHIVE_KEEP", "30d")]);
    assert_eq!(report["dropped_days"], serde_json::json!([DAYS[1]]), "{report}");
    assert_eq!(archive(&world), Vec::<String>::new());
}

/// A row whose bytes are damaged is no copy: the archive has the only one, and doctor mends the row from it.
#[test]
fn days_with_the_only_good_copy_stay() {
    for (way, fault) in [("files", "event-unreadable"), ("pack", "event-changed")] {
        let world = world(&[("PROMPT_MANAGER_ARCHIVE", way)]);
        let plant = |fault| world.command(harness::example("plant")).arg(world.data().database()).arg(fault).succeed();
        let _ = plant(fault); // the row with the lowest id is one of the first day's
        let vars = [("PROMPT_MANAGER_ARCHIVE", way), ("PROMPT_MANAGER_ARCHIVE_KEEP", "30d")];
        let report = prune(&world, &[], &vars);
        let kept: Vec<_> = report["kept_days"].as_array().unwrap().iter().map(|kept| &kept["missing"]).collect();
        assert_eq!(kept, [1], "{way} {fault} {report}");
        assert_eq!(report["dropped_days"].as_array().unwrap().len(), 2, "{way} {fault} {report}");
        let _ = with(&world, &["doctor", "--repair"], &vars);
        assert_eq!(prune(&world, &[], &vars)["dropped_days"].as_array().unwrap().len(), 1, "{way} {fault}");
    }
}

#[test]
fn packs_are_dropped_like_folders() {
    let world = world(&[]);
    let report = prune(&world, &[], &[("PROMPT_MANAGER_ARCHIVE_KEEP", "30d")]);
    assert_eq!(report["dropped_days"], serde_json::json!(DAYS), "{report}");
    assert_eq!(archive(&world), Vec::<String>::new());
}

/// It stays and is told, also by `status`; everything else goes on, and the next good round takes the word back.
#[test]
fn a_damaged_day_holds_up_no_other() {
    let world = world(&[]);
    let pack = world.data().archive().join(format!("{}.tar.zst", DAYS[0]));
    let sound = fs::read(&pack).unwrap();
    fs::write(&pack, &sound[..sound.len() / 2]).unwrap();
    fs::write(world.data().failed().join(name(0, 9)), "x").unwrap();
    std::thread::sleep(Duration::from_millis(20));
    let vars = [("PROMPT_MANAGER_ARCHIVE_KEEP", "30d"), ("PROMPT_MANAGER_FAILED_KEEP", "10ms")];
    let codes = || -> Vec<String> {
        let status = with(&world, &["status", "--json"], &[]).json();
        let found = status["findings"].as_array().unwrap();
        found.iter().map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
    };
    let check = |report: &Value| {
        assert_eq!(report["dropped_days"], serde_json::json!(DAYS[1..]), "{report}");
        assert_eq!(report["dropped_failed"], serde_json::json!([name(0, 9)]), "{report}");
        let kept = report["kept_days"].as_array().unwrap();
        assert_eq!((kept.len(), &kept[0]["day"]), (1, &DAYS[0].into()), "{report}");
        assert!(kept[0]["reason"].as_str().unwrap().contains("damaged"), "{report}");
    };
    check(&with(&world, &["prune", "--json", "--dry-run"], &vars).code(1).json());
    assert!(!codes().contains(&"chores_failed".to_owned()));
    // The daily round does the same by itself.
    fs::remove_file(world.data().chores_lock()).unwrap();
    let done = with(&world, &["once"], &vars).code(0);
    assert!(done.err().contains("stays as it is"), "{done}");
    assert_eq!(archive(&world), [format!("{}.tar.zst", DAYS[0])]);
    assert_eq!(names(&world.data().failed()), Vec::<String>::new());
    assert!(codes().contains(&"chores_failed".to_owned()));
    let note = fs::metadata(world.data().run().join("chores.json")).unwrap();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&note.permissions()) & 0o777, 0o600);
    let done = with(&world, &["prune"], &vars).code(1);
    assert!(done.out().contains(&format!("{} stays: failed to unpack", DAYS[0])), "{done}");
    fs::write(&pack, sound).unwrap();
    assert_eq!(prune(&world, &[], &vars)["dropped_days"], serde_json::json!([DAYS[0]]));
    assert!(!codes().contains(&"chores_failed".to_owned()));
}

/// The clock of this machine was wrong, or the machine was off: nothing goes by age until a day later.
#[test]
fn a_clock_that_jumped_drops_nothing() {
    let world = world(&[]);
    let vars = [("PROMPT_MANAGER_ARCHIVE_KEEP", "30d"), ("PROMPT_MANAGER_FAILED_KEEP", "1s")];
    fs::write(world.data().failed().join(name(0, 9)), "x").unwrap();
    let long_ago = SystemTime::now() - Duration::from_secs(3600);
    File::options().write(true).open(world.data().failed().join(name(0, 9))).unwrap().set_modified(long_ago).unwrap();
    fs::write(world.data().chores_lock(), "1000").unwrap();
    let report = prune(&world, &[], &vars);
    assert_eq!((&report["clock_jumped"], &report["dropped_days"]), (&true.into(), &serde_json::json!([])), "{report}");
    assert_eq!(names(&world.data().failed()).len(), 1);
    let again = prune(&world, &[], &vars);
    assert_eq!((&again["clock_jumped"], &again["dropped_failed"]), (&true.into(), &serde_json::json!([])), "{again}");
    let millis = |ago: u64| {
        let then = SystemTime::now() - Duration::from_secs(ago);
        then.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis()
    };
    fs::write(world.data().chores_lock(), format!("{}\n{}\n", millis(3600), millis(86_401))).unwrap();
    let report = prune(&world, &[], &vars);
    assert_eq!(report["clock_jumped"], false, "{report}");
    assert_eq!(report["dropped_days"].as_array().unwrap().len(), 3, "{report}");
    assert_eq!(report["dropped_failed"], serde_json::json!([name(0, 9)]), "{report}");
}

#[test]
fn what_failed_goes_with_a_word() {
    let world = World::new();
    world.data().create().unwrap();
    fs::write(world.data().incoming().join(name(0, 1)), "no JSON SECRET").unwrap();
    assert_eq!(world.ingest_once()["failed"], 1);
    std::thread::sleep(Duration::from_millis(20));
    let kept = prune(&world, &[], &[("PROMPT_MANAGER_FAILED_KEEP", "1d")]);
    assert_eq!(kept["dropped_failed"], serde_json::json!([]));
    let done = with(&world, &["prune"], &[("PROMPT_MANAGER_FAILED_KEEP", "10ms")]).code(0);
    assert!(done.out().contains(&name(0, 1)), "{done}");
    assert!(done.err().contains("dropped from failed") && done.err().contains("not_json"), "{done}");
    assert!(!done.err().contains("SECRET") && !done.out().contains("SECRET"), "{done}");
    assert_eq!(names(&world.data().failed()), Vec::<String>::new());
}

/// Less room than is to stay free: all waits, nothing is counted against a file, and it goes on by itself.
#[test]
fn too_little_room_holds_everything_up() {
    let world = World::new();
    world.data().create().unwrap();
    fs::write(world.data().incoming().join(name(0, 1)), payload(1)).unwrap();
    let done = with(&world, &["once", "--json"], &[("PROMPT_MANAGER_MIN_SPACE", "1000000GiB")]).code(75);
    let report = done.json();
    assert_eq!(report["stored"], 0, "{report}");
    assert!(report["trouble"].as_str().unwrap().contains("min_space"), "{report}");
    assert_eq!(names(&world.data().incoming()), [name(0, 1)]);
    world.hook("Stop", payload(2));
    assert_eq!(once(&world, &[])["stored"], 2);
    world.assert_drained();
}

/// Who needs what is there must not take it for nothing while its disk is away; for all else that is no fault.
#[test]
fn an_archive_that_is_away() {
    let world = world(&[("PROMPT_MANAGER_ARCHIVE", "files")]);
    let (kept, away) = (world.root().join("kept"), world.root().join("not mounted"));
    fs::rename(world.data().archive(), &kept).unwrap();
    std::os::unix::fs::symlink(&away, world.data().archive()).unwrap();
    let named = format!("archive is a link to {}", away.display());
    let findings = |command: &str| {
        let told = world.bin("ingest").args([command, "--json"]).run().json();
        told["findings"].as_array().unwrap().clone()
    };

    assert_eq!(once(&world, &[])["trouble"], Value::Null);
    let strange: Vec<_> = findings("doctor").into_iter().filter(|found| found["code"] == "queue_strange").collect();
    assert!(strange.len() == 1 && strange[0].to_string().contains(&named), "{strange:#?}");
    let refused = with(&world, &["prune"], &[]).code(75);
    assert!(refused.err().contains(&named), "{refused}");

    let forget = |code: i32| with(&world, &["forget", "--yes", "--session", "s"], &[]).code(code);
    assert!(with(&world, &["forget", "--dry-run", "--session", "s"], &[]).code(0).out().contains(&named));
    let told = forget(1);
    assert!(told.out().contains(&named), "{told}");
    assert!(findings("status").iter().any(|found| found["code"] == "forget_unfinished"));

    let database = fs::read(world.data().database()).unwrap();
    for gone in ["none of ours", ""] {
        fs::write(world.data().database(), gone).unwrap();
        let refused = with(&world, &["recover"], &[]).code(75);
        assert!(refused.err().contains(&named), "{refused}");
        let refused = with(&world, &["once"], &[]);
        assert_ne!(refused.status.code(), Some(0), "another database is made: {refused}");
    }
    fs::write(world.data().database(), database).unwrap();

    assert!(!away.exists(), "a place was made where the disk belongs");
    fs::rename(&kept, &away).unwrap();
    let _ = forget(0);
    assert_eq!(DAYS.map(|day| names(&away.join(day)).len()), [0; 3], "what was forgotten stands in the archive");
    assert!(!findings("status").iter().any(|found| found["code"] == "forget_unfinished"));
}

/// `kill -9` at each system call of `prune` that changes something, then again: every file is still there, once.
#[test]
fn packing_survives_death_everywhere() {
    let Ok(_) = Command::new("strace").arg("-V").output() else {
        println!("skipped: strace is not installed");
        return;
    };
    let mut kills = 0;
    for call in ["write", "fsync", "openat", "renameat2", "unlink", "rmdir", "unlinkat"] {
        for nth in (1..).step_by(if call == "openat" { 5 } else { 1 }) {
            let world = world(&[("PROMPT_MANAGER_ARCHIVE", "files")]);
            let inject = format!("inject={call}:signal=SIGKILL:when={nth}");
            let ingest = harness::bin("ingest");
            let args = ["-f", "-qq", "-o", "/dev/null", "-e", &inject];
            let done = world.command("strace").args(args).arg(ingest).args(["prune"]).run();
            let killed = done.status.code() != Some(0);
            let report = prune(&world, &[], &[]);
            let mut found = Vec::new();
            ingest::archive::each_file(&world.data().archive(), &mut |one| {
                assert!(
                    one.place.to_string_lossy().ends_with(".tar.zst"),
                    "{call} {nth}: {} {report}",
                    one.place.display()
                );
                found.push((one.file.to_owned(), one.bytes));
                Ok(())
            })
            .unwrap();
            found.sort();
            let all = (0..3).flat_map(|day| (0..3).map(move |n| (name(day, n), payload(n).into_bytes())));
            assert_eq!(found, all.collect::<Vec<_>>(), "{call} {nth}\n{}", world.tree());
            if !killed || nth > 40 {
                break;
            }
            kills += 1;
        }
    }
    println!("{kills} kills of prune");
}
