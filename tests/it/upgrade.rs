//! An older database, under programs of today: every list is there at once, and in the end everything is as in one made today.

mod back; // to the version before
mod hindered; // one that cannot be made now
mod killed; // an upgrade that dies
mod other; // under programs that run
mod queued; // what earlier hooks wrote
pub(crate) mod stored; // of each schema there ever was

use std::collections::BTreeSet;
use std::path::PathBuf;

use harness::{SCENARIOS, World, example};
use serde_json::Value;
use store::read::Reader;
use store::read::inspect::Inspector;

use crate::one_store;
use harness::rows;

/// What each conversation is recognised by.
fn keys(world: &World) -> BTreeSet<(i64, String)> {
    let done = world.bin("ingest").args(["export", "--kind", "all"]).succeed();
    let lines = done.out().lines().map(|line| serde_json::from_str::<Value>(line).expect("a line of JSON"));
    let of = |line: Value| {
        let keys = line["keys"].as_array().cloned().unwrap_or_default();
        keys.into_iter().map(move |key| (line["id"].as_i64().unwrap_or_default(), key["key"].to_string()))
    };
    lines.flat_map(of).collect()
}

#[test]
fn an_older_database_becomes_what_a_new_one_is() {
    let world = World::new();
    for scenario in SCENARIOS {
        world.projects(scenario);
        one_store::queue(&world, scenario);
    }
    let _ = world.ingest_once();
    let before = rows::with_ids(world.data());
    let known_by = keys(&world);
    let older: PathBuf = example("older");
    let _ = world.command(&older).arg(world.data().database()).succeed();
    assert!(matches!(Reader::open(world.data()), Err(store::Error::NotMigrated { .. })));

    let older = store::upgrade::Older::hold(world.data()).expect("the database").expect("an older one");
    let copy = store::check::Checked { schema: older.schema(), ..Default::default() };
    older.upgrade(&copy).expect("an upgrade alone, without a pass behind it");
    let fewer = keys(&world);
    assert!(fewer.len() < known_by.len() && fewer.is_subset(&known_by), "{fewer:?}");
    let listed =
        |rows: &[String]| rows.iter().map(|row| row.lines().next().unwrap_or_default().to_owned()).collect::<Vec<_>>();
    assert_eq!(listed(&rows::with_ids(world.data())), listed(&before), "every list is there at once");
    let waiting = || Reader::open(world.data()).and_then(|mut reader| reader.health()).expect("a store").older_sessions;
    assert!(waiting() > 3, "{}", waiting());
    // Figures say so, to programs and to people.
    let stats = |args: &[&str]| world.bin("query-api").arg("stats").args(args).succeed();
    let told = || stats(&["--json"]).json()["sessions_to_derive_again"].as_i64();
    assert_eq!(told(), Some(waiting()));
    let searched = |args: &[&str]| world.bin("query-api").args(["search", "use-bash"]).args(args).succeed();
    assert_eq!(searched(&["--json"]).json()["sessions_to_derive_again"].as_i64(), Some(waiting()));
    assert!(searched(&[]).err().starts_with(&format!("{} sessions wait", waiting())));
    assert!(stats(&[]).err().starts_with(&format!("{} sessions wait to be derived by newer rules", waiting())));

    for _ in 0..20 {
        if waiting() > 0 {
            let _ = world.ingest_once();
        }
    }
    assert_eq!((waiting(), told()), (0, Some(0)));
    assert_eq!((stats(&[]).err(), searched(&[]).err()), ("", ""));
    assert_eq!(keys(&world), known_by);
    rows::assert_same("after the upgrade", &rows::with_ids(world.data()), &before);
    let inspector = Inspector::open(world.data()).expect("a store");
    assert_eq!(inspector.schema_differences().expect("a schema"), []);
    assert_eq!(inspector.misfiled().expect("a count"), 0, "lists and figures");
    assert_eq!((inspector.unindexed().expect("a count"), inspector.stray_words().expect("a count")), (Vec::new(), 0));
}
