//! A clock that jumps: nothing goes for its age until the new time was seen again a day later, without another jump.

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
