//! An upgrade that cannot be made now: whoever needs the database hears why, and not that an ingester is to be started.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

use std::fs;
use std::os::unix::fs::symlink;

use harness::World;

use super::stored::{copies, database, settle, told, world};

/// Everybody says `why`; afterwards nobody does.
fn check(world: &World, why: &str) {
    let before = told(world, &world.data().database());
    let done = world.ingest(&["once", "--json"]).code(75);
    assert!(done.json()["trouble"].as_str().unwrap().contains(why), "{done}");
    for (program, args) in [
        ("query-api", &["list"][..]),
        ("ingest", &["export"]),
        ("ingest", &["forget", "--conversation", "1", "--dry-run"]),
    ] {
        let done = world.bin(program).args(args).run();
        assert!(done.status.code() != Some(0) && done.err().contains(why), "{args:?}: {done}");
        assert!(!done.err().contains("start or restart") && done.err().lines().count() == 1, "{args:?}: {done}");
    }
    let server = world.serve();
    let (status, problem) = server.get("/api/conversations");
    assert_eq!((status, &problem["type"]), (503, &"urn:prompt-manager:problem:database-older".into()));
    assert!(problem["detail"].as_str().unwrap().contains(why), "{problem}");
    let found = world.ingest(&["status", "--json"]).json();
    let old = found["findings"].as_array().unwrap().iter().find(|it| it["code"] == "database_old").unwrap().clone();
    assert!(old["detail"].as_str().unwrap().contains(why), "{old}");
    assert!(old["next_step"].as_str().unwrap().starts_with("Remove the cause"), "{old}");
    assert_eq!(told(world, &world.data().database()), before, "{}", database(world));
}

/// The copy goes to a disk that is not mounted.
#[test]
fn the_folder_of_backups_is_away() {
    let world = world(13);
    let away = world.root().join("not mounted");
    fs::remove_dir(world.data().backups()).unwrap();
    symlink(&away, world.data().backups()).unwrap();
    check(&world, &format!("{} is a link to {}", world.data().backups().display(), away.display()));
    assert!(!away.exists(), "a place was made where the disk belongs");
    fs::create_dir(&away).unwrap();
    settle(&world);
    assert_eq!(copies(&world).len(), 1, "{}", world.tree());
    let status = world.ingest(&["status", "--json"]).json();
    let codes: Vec<_> = status["findings"].as_array().unwrap().iter().map(|found| &found["code"]).collect();
    assert!(!codes.iter().any(|code| *code == "backup_failed" || *code == "trouble"), "{status:#}");
}
