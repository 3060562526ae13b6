//! A clock that jumps: nothing goes for its age until the new time was seen again a day later, without another jump, or by two further
//! rounds. A machine that is used every other day jumps each time, and still drops what is old.

use std::fs;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime};

use harness::World;
use settings::{Layer, Settings};
use store::read::Reader;

use harness::law::names;

const HOUR: Duration = Duration::from_secs(3600);
const YEARS: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// All that goes for its age or its number: days of the archive, failed files, figures of passes, backups.
fn kept(world: &World) -> [usize; 4] {
    let passes = Reader::open(world.data()).unwrap().passes(0, 100).unwrap().len();
    let of = |dir: &std::path::Path| names(dir).len();
    [of(&world.data().archive()), of(&world.data().failed()), passes, of(&world.data().backups())]
}

/// The daily round at each of these times, from the first on: what is there then, and how many of it are gone.
fn check(looks: &[(SystemTime, bool)]) {
    let world = World::new();
    let payload = r#"{"session_id":"s","hook_event_name":"Stop","last_assistant_message":"kept"}"#;
    world.hook("Stop", payload);
    world.hook("Stop", "no JSON");
    world.ingest_once();
    let chores = world.data().chores_lock();
    let flags = Layer {
        home: Some(world.data().root().to_owned()),
        archive_keep: Some(24 * HOUR),
        failed_keep: Some(24 * HOUR),
        low_space: Some(0),
        backup_keep: Some(1),
        annotations_keep: Some(1),
        ..Layer::default()
    };
    let settings = Settings::resolve(flags, &|name| (name == "HOME").then(|| world.root().into())).unwrap();
    assert!(chores.exists(), "a round was made");
    let before = kept(&world);
    assert_eq!(before, [1, 2, 1, 2], "a day, a file and its note, a pass, two backups\n{}", world.tree());
    for &(now, goes) in looks {
        ingest::chores::run(&settings, now, &AtomicBool::new(false)).unwrap();
        let after = kept(&world);
        let lost = before.iter().zip(&after).take(3).filter(|(before, after)| after < before).count();
        assert_eq!(lost > 0, goes, "at {now:?} of {looks:?}: {before:?} {after:?}\n{}", world.tree());
        assert!(after[3] >= before[3], "a backup is gone: {}", world.tree());
        let first = names(&world.data().backups());
        assert!(goes || first.len() <= 4, "backups pile up: {first:?}");
    }
    assert!(fs::metadata(world.data().database()).unwrap().len() > 0);
}

#[test]
fn nothing_goes_for_a_jump() {
    let now = SystemTime::now();
    let at = |hours: u32| now + HOUR * hours;
    // Days that went by one after the other.
    check(&[(at(24), false), (at(48), true)]);
    // Ten years ahead for a few hours, and back.
    check(&[(at(1) + YEARS, false), (at(3) + YEARS, false), (at(4), false), (at(20), false)]);
    // Two days and a half ahead, and a further two: each a jump.
    check(&[(at(60), false), (at(61), false), (at(110), false), (at(120), false)]);
    // A machine that was off for a month, and then runs for a day.
    check(&[(at(720), false), (at(743), false), (at(766), true)]);
    // Back to 1970, as without a battery, and forth.
    check(&[(SystemTime::UNIX_EPOCH + HOUR, false), (at(1), false), (at(20), false)]);
}

/// A day of the archive every other day, and the daily round on these days: which is the oldest that is left then. A week is kept.
fn check_days(looks: &[(u32, u32)]) {
    const DAY: Duration = Duration::from_secs(24 * 3600);
    let world = World::new();
    world.data().create().unwrap();
    let start = SystemTime::UNIX_EPOCH + DAY * 20_000;
    for day in (0..=60).step_by(2) {
        let name = format!(
            "{:019}-s-Stop.json",
            (start + DAY * day).duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos()
        );
        let payload = format!(r#"{{"session_id":"s","hook_event_name":"Stop","last_assistant_message":"day {day}"}}"#);
        fs::write(world.data().incoming().join(name), payload).unwrap();
    }
    world.ingest_once();
    fs::remove_file(world.data().chores_lock()).unwrap();
    let flags = Layer {
        home: Some(world.data().root().to_owned()),
        archive_keep: Some(7 * DAY),
        low_space: Some(0),
        annotations_keep: Some(3),
        ..Layer::default()
    };
    let settings = Settings::resolve(flags, &|name| (name == "HOME").then(|| world.root().into())).unwrap();
    for &(day, oldest) in looks {
        ingest::chores::run(&settings, start + DAY * day, &AtomicBool::new(false)).unwrap();
        let left = names(&world.data().archive());
        assert_eq!(left.len() as u32, 31 - oldest / 2, "on day {day} of {looks:?}: {left:?}");
        let kept = names(&world.data().backups());
        let kept = kept.iter().filter(|name| name.starts_with("annotations")).count();
        assert!(kept <= 6, "backups pile up: {kept} on day {day} of {looks:?}");
    }
}

/// Each look was a jump to the one before, so that nothing was ever old enough.
#[test]
fn looks_every_other_day_confirm_one_another() {
    check_days(&[(0, 0), (2, 0), (4, 0), (6, 0), (8, 0), (10, 0), (12, 2), (14, 4), (16, 6), (18, 8)]);
    // Now and then, as at weekends.
    check_days(&[(0, 0), (7, 0), (9, 0), (14, 0), (21, 2), (23, 8), (28, 14)]);
    // After a holiday two rounds see the new time first; after one that is too long, as after a year, what was before it counts for nothing.
    check_days(&[(0, 0), (2, 0), (4, 0), (34, 0), (36, 0), (38, 28)]);
    check_days(&[(0, 0), (2, 0), (4, 0), (40, 0), (42, 0), (44, 34)]);
}

#[test]
fn looks_every_other_day_believe_no_single_jump() {
    // A year ahead and back, twice; and the other way round.
    let used = [(0, 0), (2, 0), (4, 0), (16, 0), (18, 0), (20, 10)];
    let after = |looks: &[(u32, u32)]| check_days(&[&used, looks].concat());
    after(&[(385, 10), (22, 10), (389, 10), (24, 10), (26, 10), (28, 18)]);
    after(&[(10, 10), (375, 10), (22, 10), (387, 10), (24, 10), (26, 10), (28, 18)]);
    // A week ahead and back, and ahead again; and several jumps that are each too long.
    after(&[(29, 12), (22, 12), (31, 12), (24, 12), (26, 12), (28, 18)]);
    after(&[(60, 10), (100, 10), (140, 10), (180, 10)]);
}
