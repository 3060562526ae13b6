//! A database of every earlier schema, as a program of that time left it (tests/fixtures/schemas), under the programs of today.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use harness::{World, example, repository};
use serde_json::Value;
use store::read::Reader;
use store::read::inspect::Inspector;

use harness::rows;

/// The schemas that there are files of; the last is ours.
pub(super) fn schemas() -> std::ops::RangeInclusive<i64> {
    let newest = fs::read_dir(repository().join("migrations"))
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().as_encoded_bytes()[0].is_ascii_digit());
    1..=i64::try_from(newest.count()).unwrap()
}

/// Runs the store's example, which knows SQL.
pub(super) fn by_sql(world: &World, args: &[&str]) -> String {
    world.command(example("schemas")).args(args).succeed().out().to_owned()
}

/// The file of a schema.
fn packed(schema: i64) -> String {
    repository().join(format!("tests/fixtures/schemas/{schema:02}.db.zst")).display().to_string()
}

/// Where the database lies, as an argument.
pub(super) fn database(world: &World) -> String {
    world.data().database().display().to_string()
}

/// A world whose database is of this schema.
pub(crate) fn world(schema: i64) -> World {
    let world = World::new();
    world.data().create().unwrap();
    fs::create_dir_all(world.data().database_dir()).unwrap();
    by_sql(&world, &["unpack", &packed(schema), &database(&world)]);
    let closed = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    closed(world.data().root(), 0o700);
    closed(&world.data().database_dir(), 0o700);
    closed(&world.data().database(), 0o600);
    world
}

/// What a database says of itself in its own words, without its schema.
pub(super) fn told(world: &World, database: &Path) -> BTreeSet<String> {
    let told = by_sql(world, &["tell", &database.display().to_string()]);
    told.lines().filter(|line| !line.starts_with("schema ")).map(str::to_owned).collect()
}

/// The copies from before an upgrade.
pub(super) fn copies(world: &World) -> Vec<PathBuf> {
    let names = world.names(&world.data().backups());
    let copies = names.iter().filter(|name| name.starts_with("prompts-schema-"));
    copies.map(|name| world.data().backups().join(name)).collect()
}

/// Passes until nothing waits to be derived by newer rules.
pub(super) fn settle(world: &World) {
    for _ in 0..20 {
        let _ = world.ingest_once();
        let mut reader = Reader::open(world.data()).expect("an upgraded database");
        if reader.health().unwrap().older_sessions == 0 {
            return;
        }
    }
    panic!("sessions still wait");
}

fn check(schema: i64, newest: &[String]) {
    let world = world(schema);
    let before = told(&world, &world.data().database());
    settle(&world);

    let after = told(&world, &world.data().database());
    let lost: Vec<_> = before.difference(&after).collect();
    assert!(lost.is_empty(), "schema {schema}: not there any more: {lost:#?}");
    rows::assert_same(&format!("schema {schema}"), &rows::natural(world.data()), newest);
    let said = |list: &[String], begin: &str| list.iter().filter(|line| line.starts_with(begin)).count();
    let after: Vec<_> = after.into_iter().collect();
    let kinds = ["rating_history", "tag_history", "note_history", "star_history", "session_titles", "saved_views"];
    if schema >= 3 {
        assert_eq!(kinds.map(|kind| said(&after, kind)), [5, 7, 3, 3, 2, 2], "schema {schema}");
        assert_eq!(said(&after, "user_session_members"), 4, "schema {schema}: {after:#?}");
    }

    // A copy of what there was, and no other.
    let copies = copies(&world);
    if schema == *schemas().end() {
        assert!(copies.is_empty(), "{copies:?}");
    } else {
        assert_eq!(copies.len(), 1, "schema {schema}: {copies:?}");
        let name = copies[0].file_name().unwrap().to_string_lossy().into_owned();
        assert!(name.starts_with(&format!("prompts-schema-{schema}-2")), "{name}");
        assert_eq!(told(&world, &copies[0]), before, "schema {schema}: the copy");
        let status = world.ingest(&["status", "--json"]).json();
        assert_eq!(status["backups"]["upgrade"]["last_path"], copies[0].display().to_string());
    }

    // Nothing is wrong, and nothing would be derived otherwise.
    let inspector = Inspector::open(world.data()).unwrap();
    assert_eq!(inspector.schema_differences().unwrap(), [], "schema {schema}");
    drop(inspector);
    let doctor = world.bin("ingest").args(["doctor", "--json"]).run().json();
    let findings = doctor["findings"].as_array().unwrap().iter().filter(|found| found["severity"] != "note");
    let findings: Vec<&Value> = findings.collect();
    assert!(findings.is_empty(), "schema {schema}: {findings:#?}");
    let (rows, told_before) = (rows::with_ids(world.data()), told(&world, &world.data().database()));
    let _ = world.bin("ingest").args(["rebuild", "--quiet"]).succeed();
    rows::assert_same(&format!("schema {schema}, rebuilt"), &rows::with_ids(world.data()), &rows);
    assert_eq!(told(&world, &world.data().database()), told_before, "schema {schema}, rebuilt");
}

/// All that was captured and said is there under its id, and what is derived is what a new database would have.
#[test]
fn every_schema_becomes_ours() {
    let newest = world(*schemas().end());
    settle(&newest);
    let expected = rows::natural(newest.data());
    assert!(expected.len() >= 10, "{expected:#?}");
    schemas().for_each(|schema| check(schema, &expected));
}

/// One upgrades, the others find it busy or done.
#[test]
fn several_at_once() {
    let world = world(6);
    let before = told(&world, &world.data().database());
    let once = || world.bin("ingest").args(["once", "--projects"]).arg(world.projects_root()).run();
    std::thread::scope(|scope| {
        let all = [(); 4].map(|()| scope.spawn(once));
        for done in all.map(|one| one.join().unwrap()) {
            assert!(matches!(done.status.code(), Some(0 | 75)), "{done}");
        }
    });
    settle(&world);
    assert_eq!(copies(&world).len(), 1, "{}", world.tree());
    let lost: Vec<_> = before.difference(&told(&world, &world.data().database())).cloned().collect();
    assert!(lost.is_empty(), "{lost:#?}");
}
