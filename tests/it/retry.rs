//! What kills its reader, what could not be taken in, and the way back into the queue.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

use std::fs;

use harness::World;
use serde_json::Value;

use harness::law::{Given, names};

const POISON: &str = "this one kills";

fn name(n: u64) -> String {
    format!("{:019}-s{}-Stop.json", 1_795_350_951_000_000_000 + n, n % 7)
}

fn payload(n: u64, text: &str) -> String {
    format!(r#"{{"session_id":"s{}","hook_event_name":"Stop","last_assistant_message":"{text} {n}"}}"#, n % 7)
}

/// A hundred good files and one, at this place among them, of which its reader dies.
fn poisoned(place: u64) -> (World, Given) {
    let world = World::new();
    world.data().create().unwrap();
    let mut given = Given::default();
    for n in 0..=100 {
        let bytes = payload(n, if n == place { POISON } else { "good" });
        fs::write(world.data().incoming().join(name(n)), &bytes).unwrap();
        let set = if n == place { &mut given.bad } else { &mut given.good };
        set.insert((name(n), bytes.into_bytes()));
    }
    (world, given)
}

fn once(world: &World, args: &[&str]) -> harness::Done {
    world.bin("ingest").args(["once", "--json"]).args(args).env("PROMPT_MANAGER_TEST_POISON", POISON).run()
}

fn stored(world: &World) -> usize {
    store::read::Reader::open(world.data()).unwrap().kept_events().unwrap().len()
}

fn check_poison(place: u64, args: &[&str]) {
    let (world, mut given) = poisoned(place);
    let what = format!("poison at {place}, {args:?}");
    for death in 1..=3 {
        let done = once(&world, args);
        assert_eq!(done.status.code(), None, "{what}: death {death}\n{done}");
        if death == 2 {
            assert_eq!(stored(&world), 100, "{what}: the others wait for it\n{}", world.tree());
        }
    }
    assert_eq!(names(&world.data().processing()), [name(place) + ".a3"], "{what}");
    let report = once(&world, args).code(0).json();
    assert_eq!(report["failed"], 1, "{what}: {report}");
    given.check(world.data(), &what);
    let note = fs::read_to_string(world.data().failed().join(name(place) + ".reason.json")).unwrap();
    let note: Value = serde_json::from_str(&note).unwrap();
    assert_eq!((&note["class"], &note["attempts"]), (&"crashes".into(), &3.into()), "{what}: {note}");

    // Mended: the program without the switch.
    let back = world.ingest(&["retry", "--reason", "crashes", "--json"]).code(0).json();
    assert_eq!((&back["returned"], &back["by_reason"]["crashes"]), (&1.into(), &1.into()), "{what}: {back}");
    let report = world.ingest(&["once", "--json"]).code(0).json();
    assert_eq!((&report["stored"], &report["failed"]), (&1.into(), &0.into()), "{what}: {report}");
    given.good.append(&mut given.bad);
    given.check(world.data(), &what);
}

#[test]
fn what_kills_its_reader_holds_nobody_up() {
    for place in [0, 50, 100] {
        check_poison(place, &[]);
        check_poison(place, &["--batch", "10"]);
    }
}

/// Files in failed: one of each of these, named by their order.
fn failed(contents: &[&str]) -> World {
    let world = World::new();
    world.data().create().unwrap();
    for (n, content) in contents.iter().enumerate() {
        fs::write(world.data().incoming().join(name(n as u64)), content).unwrap();
    }
    let report = world.ingest_once();
    assert_eq!(report["failed"], contents.len(), "{report}");
    world
}

fn retry(world: &World, args: &[&str]) -> Value {
    world.bin("ingest").args(["retry", "--json"]).args(args).run().code(0).json()
}

#[test]
fn what_failed_is_listed() {
    let world = failed(&["", "no JSON", "[]", "[1]"]);
    fs::write(world.data().failed().join("stray.txt"), "x").unwrap();
    fs::remove_file(world.data().failed().join(name(0) + ".reason.json")).unwrap();
    fs::remove_file(world.data().failed().join(name(1))).unwrap();
    let found = world.ingest(&["failed", "--json"]).code(0).json();
    let rows: Vec<_> = found["files"].as_array().unwrap().iter().map(|row| (&row["file"], &row["reason"])).collect();
    let expected = [
        (Value::from("stray.txt"), Value::Null),
        (name(0).into(), Value::Null),
        (name(2).into(), "not_an_object".into()),
        (name(3).into(), "not_an_object".into()),
    ];
    let mut expected: Vec<_> = expected.iter().map(|(file, reason)| (file, reason)).collect();
    expected.sort_by_key(|(file, _)| file.as_str().unwrap());
    assert_eq!(rows, expected, "{found}");
    assert_eq!(found["by_reason"]["not_an_object"], 2, "{found}");
    assert_eq!(found["notes_without_file"], 1, "{found}");
    let text = world.ingest(&["failed"]).code(0);
    assert!(text.out().contains("not_an_object") && text.out().contains("4 files"), "{text}");
    let empty = World::new();
    assert_eq!(empty.ingest(&["failed"]).code(0).out(), "nothing has failed\n");
    assert_eq!(fs::read_dir(empty.data().root()).unwrap().count(), 0, "a look changes nothing");
}

#[test]
fn retry_chooses_and_is_idempotent() {
    let world = failed(&["", "no JSON", "[]", "[1]"]);
    let failed = world.data().failed();
    let dry = retry(&world, &["--all", "--dry-run"]);
    assert_eq!((&dry["returned"], names(&failed).len()), (&4.into(), 8), "{dry}");
    assert_eq!(retry(&world, &["--reason", "empty", "--since", "1h"])["returned"], 1);
    assert_eq!(retry(&world, &["--reason", "empty"])["returned"], 0);
    assert_eq!(retry(&world, &["--reason", "not_json", "--since", "2031-01-01"])["returned"], 0);
    assert_eq!(retry(&world, &[&name(1)])["returned"], 1);
    assert_eq!(names(&world.data().incoming()), [name(0), name(1)]);
    // Mended by hand: the bytes are the person's business, the name is the event's.
    fs::write(failed.join(name(2)), payload(2, "mended")).unwrap();
    assert_eq!(retry(&world, &["--all"])["returned"], 2);
    assert_eq!(names(&failed), Vec::<String>::new());
    let report = world.ingest_once();
    assert_eq!((&report["stored"], &report["failed"]), (&1.into(), &3.into()), "{report}");
}

/// A power cut may have taken what the note said; the number behind the name was never the hook's.
#[test]
fn a_number_behind_the_name_is_no_part_of_it() {
    let world = failed(&[""]);
    let failed = world.data().failed();
    for (number, note) in [(2, Some("")), (3, None)] {
        let file = format!("{}.{number}", name(number));
        fs::write(failed.join(&file), payload(number, "mended")).unwrap();
        if let Some(note) = note {
            fs::write(failed.join(file + ".reason.json"), note).unwrap();
        }
    }
    let back = retry(&world, &["--reason", "unknown"]);
    assert_eq!((&back["returned"], &back["not_files"]), (&2.into(), &0.into()), "{back}");
    assert_eq!(names(&world.data().incoming()), [name(2), name(3)]);
    assert_eq!(names(&failed), [name(0), name(0) + ".reason.json"]);
}

#[test]
fn a_name_that_is_taken_waits() {
    let world = failed(&["[0]"]);
    fs::write(world.data().incoming().join(name(0)), "[1]").unwrap();
    assert_eq!(world.ingest_once()["failed"], 1);
    let failed = world.data().failed();
    assert_eq!(names(&failed).len(), 4, "two files of one name");
    let first = retry(&world, &["--all"]);
    assert_eq!((&first["returned"], &first["waiting"]), (&1.into(), &1.into()), "{first}");
    assert_eq!(names(&failed).len(), 2);
    assert_eq!(world.ingest_once()["failed"], 1);
    let mut bytes: Vec<_> = names(&failed)
        .iter()
        .filter(|name| !name.ends_with(".reason.json"))
        .map(|name| fs::read(failed.join(name)).unwrap())
        .collect();
    bytes.sort();
    assert_eq!(bytes, [b"[0]", b"[1]"], "nothing is lost on the way");
}

#[test]
fn what_is_no_file_stays() {
    let world = World::new();
    world.data().create().unwrap();
    std::os::unix::fs::symlink("/etc/passwd", world.data().incoming().join(name(0))).unwrap();
    assert_eq!(world.ingest_once()["failed"], 1);
    let report = retry(&world, &["--all"]);
    assert_eq!((&report["returned"], &report["not_files"]), (&0.into(), &1.into()), "{report}");
    assert_eq!(names(&world.data().failed()).len(), 2);
}

#[test]
fn wrong_calls_say_what_there_is() {
    let world = failed(&["[0]"]);
    let check = |args: &[&str], expected: &str| {
        let done = world.bin("ingest").arg("retry").args(args).run().code(2);
        assert!(done.err().contains(expected) && done.err().lines().count() == 1, "{done}");
    };
    check(&[], "name files, or give --all, --reason or --since");
    check(&["nothing.json"], "nothing.json: there is no such file in queue/failed");
    check(&["--reason", "bad"], "not_an_object");
    check(&["../incoming/x"], "there is no such file in queue/failed");
    check(&["--since", "yesterday"], "write how long ago");
}
