//! The way back to the version before an upgrade, as docs/operating-backup.md tells it.
//!
//! There is one program here: it is the newer one until the database is given a number that it does not know, then the earlier.

use std::path::PathBuf;

use harness::World;
use store::check::check;
use store::watch::unwatched;

use super::stored::{by_sql, copies, database, schemas, settle, told, world};

fn upgraded() -> (World, PathBuf) {
    let world = world(schemas().end() - 1);
    settle(&world);
    let copy = copies(&world).remove(0);
    (world, copy)
}

#[test]
fn what_was_said_after_the_upgrade_comes_along() {
    let (world, copy) = upgraded();
    let _ = world.bin("query-api").args(["rate", "3", "5", "said after it", "--tag", "after"]).succeed();
    let said = || {
        let all = told(&world, &world.data().database());
        all.into_iter()
            .filter(|line| line.contains("_history ") || line.starts_with("user_session"))
            .collect::<Vec<_>>()
    };
    let before = said();
    assert!(before.iter().any(|line| line.contains("said after it")), "{before:#?}");
    let file = world.root().join("said.jsonl");
    let _ = world.bin("ingest").args(["export", "--out"]).arg(&file).succeed();
    by_sql(&world, &["version", &(schemas().end() + 1).to_string(), &database(&world)]);
    let done = world.bin("ingest").args(["restore", "--force"]).arg(&copy).succeed();
    let aside = done.out().lines().find(|line| line.contains("set-aside-")).unwrap().trim();
    assert!(done.out().contains("is newer (schema ") && !aside.contains("import"), "{done}");
    let _ = world.bin("ingest").args(["import", aside]).run().code(1);
    assert_ne!(said(), before);
    let _ = world.bin("ingest").arg("import").arg(&file).succeed();
    assert_eq!(said(), before);
}

/// A copy that is cleaned is of our schema, and says so.
#[test]
fn forgetting_ends_it() {
    let (world, copy) = upgraded();
    let name = copy.file_name().unwrap().to_string_lossy().into_owned();
    let usual = name.replace(&format!("schema-{}-", schemas().end() - 1), "");
    let forget = |more: &[&str]| world.bin("ingest").args(["forget", "--conversation", "1"]).args(more).succeed();
    let shown = forget(&["--dry-run"]);
    assert!(shown.out().contains("the way back") && shown.out().contains(&format!("would become {usual}")), "{shown}");
    assert!(copy.exists(), "{}", world.tree());
    // A backup of the same second stays what it is.
    let other = copy.with_file_name(&usual);
    let _ = world.bin("ingest").args(["backup", "--force"]).arg(&other).succeed();
    let done = forget(&["--yes", "--json"]).json();
    let now = copy.with_file_name(done["renamed"][copy.to_str().unwrap()].as_str().unwrap());
    assert!(!copy.exists() && now != other && other.exists(), "{}", world.tree());
    for backup in [now, other] {
        let checked = check(&backup, &unwatched).unwrap();
        assert!(checked.is_good() && checked.schema == *schemas().end(), "{checked:?}");
    }
}
