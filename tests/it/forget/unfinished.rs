//! What hinders a forgetting is told until it is done, and every copy in the data directory is found, whoever left it there.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use store::backup::copy_live;
use store::watch::unwatched;

use super::*;

fn codes(world: &World) -> Vec<String> {
    let status = world.bin("ingest").args(["status", "--json"]).run().json();
    status["findings"].as_array().unwrap().iter().map(|it| it["code"].as_str().unwrap().to_owned()).collect()
}

fn is_told(world: &World) -> bool {
    codes(world).contains(&"forget_unfinished".to_owned())
}

fn copy(world: &World, to: &Path) {
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::File::create_new(to).unwrap();
    copy_live(world.data(), to, &unwatched).unwrap();
}

/// Somebody who reads for long.
fn reader(world: &World) -> Child {
    let mut child = Command::new("sqlite3")
        .arg(world.data().database())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("sqlite3 is installed");
    child.stdin.as_mut().unwrap().write_all(b"begin; select count(*) from turns;\n").unwrap();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut String::new()).unwrap();
    child
}

#[test]
fn a_reader_keeps_it_in_the_log_until_it_goes() {
    let (world, _told) = world();
    let id = chosen(&world).to_string();
    let mut reading = reader(&world);
    for _ in 0..2 {
        let done = ingest(&world, &["forget", "--yes", "--conversation", &id]).run().code(1);
        assert!(done.out().contains("run the same command again"), "{}", done.out());
        assert!(is_told(&world), "{:?}", codes(&world));
    }
    reading.kill().unwrap();
    reading.wait().unwrap();
    let done = ingest(&world, &["forget", "--yes", "--before", "2020-01-01"]).succeed();
    assert!(done.out().contains("nothing fits"), "{}", done.out());
    assert_gone(&world, "when the reader had gone");
    assert!(!is_told(&world), "{:?}", codes(&world));
}

#[test]
fn a_copy_that_cannot_be_cleaned_is_told_and_tried_again() {
    let (world, _told) = world();
    let id = chosen(&world).to_string();
    let damaged = world.data().backups().join("damaged.db");
    copy(&world, &damaged);
    let whole = fs::read(&damaged).unwrap();
    fs::write(&damaged, &whole[..whole.len() / 2]).unwrap();
    let done = ingest(&world, &["forget", "--yes", "--conversation", &id]).run().code(1);
    assert!(done.out().contains("damaged.db"), "{}", done.out());
    assert!(is_told(&world), "{:?}", codes(&world));
    let _ = world.ingest_once();
    assert!(is_told(&world), "the pass forgot what is left to do");
    fs::write(&damaged, &whole).unwrap(); // a disk that can be read again
    let done = ingest(&world, &["forget", "--yes", "--before", "2020-01-01"]).succeed();
    assert!(done.out().contains("cleaned: 1"), "{}", done.out());
    assert_gone(&world, "when the copy could be read");
    assert!(!is_told(&world), "{:?}", codes(&world));
}

/// Backups under any name and in any folder, a database that somebody was making anew when he died, and a copy half written.
#[test]
fn every_copy_is_found() {
    let (world, _told) = world();
    let id = chosen(&world).to_string();
    let (backups, database) = (world.data().backups(), world.data().database_dir());
    for name in ["before-upgrade.sqlite", "prompts.db.old", "PROMPTS.DB", "monthly/2026.db", "a.db.partial"] {
        copy(&world, &backups.join(name));
    }
    copy(&world, &database.join("staging/database/prompts.db"));
    copy(&world, &database.join("set-aside-x/prompts.db"));
    for name in ["database/prompts.db.bak", "database/old/mine.db", "mine.sqlite", "kept/2026/mine.db"] {
        copy(&world, &world.data().root().join(name));
    }
    fs::write(backups.join("gone.db-wal"), CANARY).unwrap();
    fs::write(backups.join("notes.txt"), "no backup").unwrap();
    let done = ingest(&world, &["forget", "--json", "--conversation", &id]).succeed().json();
    assert_eq!(done["copies"], 10, "{done:#}"); // and the one that ingest made
    let left = done["left"].to_string();
    assert!(left.contains("notes.txt") && left.contains("gone.db-wal"), "{done:#}");
    fs::remove_file(backups.join("gone.db-wal")).unwrap();
    assert_gone(&world, "with copies everywhere");
    let there: Vec<bool> = ["a.db.partial", "monthly/2026.db"].map(|name| backups.join(name).exists()).into();
    assert_eq!(there, [false, true]);
}

/// A data directory below ours that somebody works with is a store of its own: who replaced its database would lose what is written
/// there at that moment. One that nobody works with is a copy, and so is what somebody left who died while he cleaned one.
#[test]
fn a_store_that_lives_is_left_alone() {
    let (world, _told) = world();
    let id = chosen(&world).to_string();
    let [lives, lies] = ["kept/lives", "kept/lies"].map(|dir| queue::DataDir::new(world.data().root().join(dir)));
    for dir in [&lives, &lies] {
        copy(&world, &dir.database());
        fs::create_dir_all(dir.run()).unwrap();
        fs::write(dir.db_lock(), "").unwrap();
    }
    let dead = world.data().backups().join("cleaning-1");
    copy(&world, &dead.join("database/prompts.db"));
    fs::write(dead.join("lock"), "").unwrap();
    let before = fs::read(lives.database()).unwrap();
    let held = fs::File::open(lives.db_lock()).unwrap();
    held.try_lock_shared().unwrap();
    let done = ingest(&world, &["forget", "--json", "--conversation", &id]).succeed().json();
    assert_eq!(done["left"], serde_json::json!([lives.database()]), "{done:#}");
    assert_eq!((done["copies"].as_u64(), dead.exists()), (Some(2), false), "{done:#}"); // and the one that ingest made
    assert!(fs::read(lives.database()).unwrap() == before, "a store that lives was replaced");
    drop(held);
    fs::remove_dir_all(lives.root()).unwrap();
    assert_gone(&world, "with a copy of the data directory");
}

/// Queue files that nobody can read go with their session, also those that come to failed later; what came after it stays.
#[test]
fn unreadable_queue_files_go_with_their_session() {
    let (world, told) = world();
    let queue = |folder: PathBuf, ms: u64| {
        let path = folder.join(format!("{:019}-{}-PostToolUse.json", ms * 1_000_000, told.id));
        fs::write(&path, format!("{{\"session_id\":\"{}\",\"tool_input\":\"{CANARY} torn", told.id)).unwrap();
        path
    };
    let (failed, tmp) = (queue(world.data().failed(), AT_MS + 1), queue(world.data().tmp(), AT_MS + 2));
    let later = queue(world.data().failed(), AT_MS * 2);
    let done = forget(&world, &["--session", &told.id]);
    assert_eq!((&done["failed"], failed.exists(), tmp.exists()), (&2.into(), false, false), "{done:#}");
    assert!(later.exists() && done["left"].to_string().contains(later.to_str().unwrap()), "{done:#}");
    let late = queue(world.data().failed(), AT_MS + 3);
    let _ = ingest(&world, &["forget", "--before", "2020-01-01"]).succeed();
    fs::remove_file(world.data().chores_lock()).unwrap(); // as if a day had gone
    let _ = world.ingest_once();
    assert!(!late.exists() && later.exists());
}

/// One day of the archive that nobody can read keeps neither the rest of what was forgotten nor what comes later.
#[test]
fn a_damaged_pack_keeps_nothing_else() {
    let (world, told) = world();
    let id = chosen(&world).to_string();
    let damaged = world.data().archive().join("2026-01-01.tar.zst");
    fs::write(&damaged, b"\x28\xb5\x2f\xfdno pack").unwrap();
    let done = ingest(&world, &["forget", "--yes", "--conversation", &id]).run().code(1);
    assert!(done.out().contains("2026-01-01.tar.zst"), "{}", done.out());
    assert_gone(&world, "beside a damaged pack");
    assert!(is_told(&world), "{:?}", codes(&world));
    let late = json!({"session_id": told.id, "hook_event_name": "UserPromptSubmit", "prompt": "a later prompt"});
    let name = format!("{:019}-{}-UserPromptSubmit.json", AT_MS * 2 * 1_000_000, told.id);
    fs::write(world.data().incoming().join(name), late.to_string()).unwrap();
    let _ = world.ingest_once();
    assert_eq!(prompts(&world)[0], "a later prompt");
    fs::remove_file(&damaged).unwrap();
    let _ = ingest(&world, &["forget", "--yes", "--before", "2020-01-01"]).succeed();
    assert!(!is_told(&world), "{:?}", codes(&world));
}

/// Who packs a day, or copies a queue file to another disk, may be killed in the middle.
#[test]
fn half_copies_of_queue_files_go() {
    let (world, told) = world();
    let id = chosen(&world).to_string();
    let day = world.data().archive().join("2026-11-18");
    fs::create_dir_all(&day).unwrap();
    for (ns, event, payload) in &told.events {
        let bytes = payload.to_string().into_bytes();
        fs::write(day.join(format!("{ns:019}-{}-{event}.json.partial", told.id)), &bytes[..bytes.len() - 2]).unwrap();
    }
    let all = told.events.iter().map(|(.., payload)| payload.to_string()).collect::<String>();
    fs::write(day.with_extension("tar.zst.partial"), zstd::encode_all(all.as_bytes(), 3).unwrap()).unwrap();
    let _ = forget(&world, &["--conversation", &id]);
    assert_gone(&world, "with half copies");
}

/// What a hook left in its second place and nobody ended: by its name it is of the session. A hook that lives has the lock.
#[test]
fn half_a_payload_in_the_second_place_goes() {
    let (world, told) = world();
    let spill = world.root().join("state/prompt-manager/spill/tmp");
    fs::create_dir_all(&spill).unwrap();
    let half = |ns: u64, session: &str, text: &str| {
        let path = spill.join(format!("{ns:019}-{session}-UserPromptSubmit.json"));
        fs::write(&path, format!(r#"{{"session_id":"{session}","prompt":"{text}"#)).unwrap();
        path
    };
    let session = told.id.as_str();
    let ns = told.events[0].0;
    let (dead, other) = (half(ns, session, CANARY), half(ns, "another", "stays"));
    let alive = half(ns + 1, session, CANARY);
    let hook = fs::File::open(&alive).unwrap();
    hook.lock_shared().unwrap();
    let named = |report: &Value| report["left"].to_string();

    let would = forget(&world, &["--dry-run", "--session", session]);
    assert_eq!(would["failed"], 2, "{would:#}");
    assert!(dead.exists() && alive.exists());

    let done = forget(&world, &["--session", session]);
    assert_eq!((&done["failed"], dead.exists()), (&1.into(), false), "{done:#}");
    assert!(named(&done).contains(alive.to_str().unwrap()) && !named(&done).contains("another"), "{done:#}");
    assert!(alive.exists() && other.exists(), "{done:#}");

    // Its hook died meanwhile; the daily round looks again.
    drop(hook);
    fs::remove_file(world.data().chores_lock()).unwrap();
    let _ = world.ingest_once();
    assert!(!alive.exists() && other.exists());
    assert_nowhere(&world, "in the second place");
}

/// Where the disk was full, or who forgot was killed, while the ledger was written, nothing is forgotten.
#[test]
fn half_a_ledger_forgets_nothing() {
    let (world, _told) = world();
    let id = chosen(&world).to_string();
    let (saved, database) = (world.root().join("saved.db"), world.data().database());
    copy(&world, &saved);
    let _ = forget(&world, &["--conversation", &id]);
    let ledger = fs::read(world.data().forgotten()).unwrap();
    for cut in [1, 2, 3, 4].map(|n| ledger.len() * n / 5) {
        for file in files(&world.data().database_dir()) {
            fs::remove_file(file).unwrap();
        }
        fs::copy(&saved, &database).unwrap();
        fs::write(world.data().forgotten(), &ledger[..cut]).unwrap();
        let _ = world.ingest_once();
        assert_eq!(prompts(&world).len(), 4, "with {cut} of {} bytes", ledger.len());
    }
    let _ = forget(&world, &["--conversation", &id]);
    assert_gone(&world, "at last");
}
