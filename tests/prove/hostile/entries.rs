//! Things that are no files, or no files of ours, under a queue file's name in each folder in which a pass looks.
//!
//! A pass ends, follows nothing and opens nothing in a way that could wait; what is good beside it is stored; `status` and `doctor`
//! end too, and name it if it is still there.

use std::fs::{self, Permissions};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use harness::{Seed, World};
use store::read::Reader;

use super::kind::{INNER, Kind, SECRET, as_user, give, is_root, readable, things};
use crate::each::each;
use crate::figures::Figures;
use crate::part::Run;
use crate::stage;

/// Larger than any event.
const HOLE: u64 = 1 << 31;

fn name(n: u32, end: &str) -> String {
    format!("179535095100000000{n}-good-Stop.json{end}")
}

fn payload(n: u32) -> String {
    format!(r#"{{"session_id":"good","hook_event_name":"Stop","last_assistant_message":"answer {n}"}}"#)
}

const PLACES: [&str; 5] = ["incoming", "processing", "tmp", "spill/incoming", "spill/tmp"];

pub(super) fn run(run: &Run, seed: &mut Seed) -> Figures {
    let (_world, program) = readable();
    let mut entries: Vec<(&str, Kind, Option<u32>)> = Vec::new();
    let first = seed.below(PLACES.len());
    for (n, (kind, user)) in things(run, seed).into_iter().enumerate() {
        // In the slice each kind in one place, and each place with some of them.
        let some = run.of(first + n..first + n + 1, 0..PLACES.len());
        entries.extend(some.map(|at| (PLACES[at % PLACES.len()], kind, user)));
    }
    let mut figures = Figures::default();
    each(
        &entries,
        &mut figures,
        || (),
        |(), (place, kind, user), figures| {
            let what = format!("{kind:?} in {place}, as {}", user.map_or("this user", |_| "nobody"));
            figures.count("things that are no queue files", u64::from(entry(place, *kind, *user, &program, &what)));
        },
    );
    figures
}

/// One thing between two good files; false where it cannot be made.
fn entry(place: &str, kind: Kind, user: Option<u32>, program: &Path, what: &str) -> bool {
    let world = World::new();
    let fail = |error: std::io::Error| -> ! { panic!("{what}: {error}") };
    world.data().create().unwrap_or_else(|error| fail(error));
    let spill = stage::spill(&world);
    for folder in ["tmp", "incoming"] {
        fs::create_dir_all(spill.join(folder)).unwrap_or_else(|error| fail(error));
    }
    let (folder, end) = match place {
        "incoming" => (world.data().incoming(), ""),
        "processing" => (world.data().processing(), ".a1"),
        "tmp" => (world.data().tmp(), ""),
        _ => (spill.join(&place["spill/".len()..]), ""),
    };
    for n in [1, 3] {
        fs::write(folder.join(name(n, end)), payload(n)).unwrap_or_else(|error| fail(error));
    }
    let outside = world.root().join("elsewhere.json");
    fs::write(&outside, SECRET).unwrap_or_else(|error| fail(error));
    let path = folder.join(kind.name("1795350951000000002", &format!("-good-Stop.json{end}")));
    if !kind.make(&path, &outside, HOLE) {
        return false;
    }
    if let Some(user) = user {
        give(world.root(), user);
    }
    let before = state(&outside);
    let told = fs::symlink_metadata(&path).unwrap_or_else(|error| fail(error));

    // What was opened, and how. A pass that waits for something is killed by the harness.
    let trace = world.root().join("trace");
    let strace = world.command("strace").args(["-f", "-qq", "-s", "4096", "-e", "trace=%file", "-o"]).arg(&trace);
    let done = as_user(&world, strace, user, program, &["once", "--json"]).code(0);
    let report = done.json();
    let trace = fs::read_to_string(&trace).unwrap_or_else(|error| fail(error));
    let opened = |line: &&str| line.contains("open") && line.contains(&*name(2, end)) && !line.contains("O_NOFOLLOW");
    let careless =
        trace.lines().find(|line| opened(line) && !line.contains("O_CREAT") && !line.contains(".reason.json"));
    assert_eq!(careless, None, "{what}: it is opened as if it were a file");
    // A link is known by being one; it is never asked where it leads.
    assert!(!trace.contains("elsewhere.json"), "{what}: it is followed");
    assert!(!trace.contains(INNER), "{what}: it is looked into");

    assert_eq!(state(&outside), before, "{what}: what it leads to has changed");
    let mut good: Vec<String> = [1, 3].map(|n| name(n, "")).into();
    // Root may read what is closed, and then it is a file like any other.
    let taken = kind == Kind::Closed && is_root() && user.is_none();
    if taken {
        good.insert(1, name(2, "").replace("-good-", if place.ends_with("tmp") { "-secret-" } else { "-good-" }));
    }
    assert_eq!(stored(&world), good, "{what}: {report}");
    for words in [["status", "--json"], ["doctor", "--json"]] {
        let done = as_user(&world, world.command("env"), user, program, &words);
        let code = done.status.code();
        assert!(matches!(code, Some(0 | 1)), "{what}: {words:?} ends with {code:?}\n{done}");
        let _ = done.json();
    }
    let shown = as_user(&world, world.command("env"), user, program, &["doctor"]);
    assert!(!shown.out().contains('\u{1b}'), "{what}: a name is shown as it is\n{shown}");
    // It lies where it lay or in failed, as what it was.
    let places = [path.clone(), world.data().failed().join(name(2, "")), world.data().incoming().join(name(2, ""))];
    let now = places.iter().find_map(|path| fs::symlink_metadata(path).ok());
    let same = now.is_some_and(|now| now.file_type() == told.file_type() && now.ino() == told.ino());
    assert!(same || taken, "{what}: it is gone\n{}", world.tree());
    if told.file_type().is_file() || told.file_type().is_dir() {
        let _ = fs::set_permissions(&path, Permissions::from_mode(0o700)); // so that the folder can be removed
    }
    assert!(!told.file_type().is_fifo() || report["left_alone"] == 1 || report["failed"] == 1, "{what}: {report}");
    true
}

/// What a file says, and when it was changed.
fn state(path: &PathBuf) -> (Vec<u8>, i64, u64) {
    let meta = fs::metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    (fs::read(path).unwrap_or_default(), meta.mtime_nsec(), meta.ino())
}

/// The names of what is stored, in their order.
fn stored(world: &World) -> Vec<String> {
    let kept = Reader::open(world.data()).and_then(|mut reader| reader.kept_events());
    let kept = kept.unwrap_or_else(|error| panic!("read the store: {error}"));
    let mut names: Vec<_> = kept.into_iter().map(|kept| kept.name).collect();
    names.sort();
    names
}
