//! The same things among transcripts: below the projects root, in a project's folder, and in the folders of a session.
//!
//! A pass ends, opens nothing as if it were a file, and stores what is good beside it; of what is no file it stores nothing.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use harness::{SCENARIOS, Seed, World};

use super::content::Content;
use super::kind::{Kind, SECRET, as_user, give, is_root, readable, things};
use crate::each::each;
use crate::figures::Figures;
use crate::part::Run;

/// Longer than a piece that is read at once.
const HOLE: u64 = 1 << 24;
/// Where a file would be a transcript, and what its name begins and ends with.
const PLACES: [(&str, &str, &str); 5] = [
    ("", "-home-dev-hostile", ""),
    ("", "0914908d-acc8-48aa-98d6-77d558fb95", "ff.jsonl"),
    ("-good", "0914908d-acc8-48aa-98d6-77d558fb95", "fe.jsonl"),
    ("-good/0914908d-acc8-48aa-98d6-77d558fb95fd/subagents", "agent-a", "1.jsonl"),
    ("-good/0914908d-acc8-48aa-98d6-77d558fb95fd/tool-results", "hostile", ".txt"),
];

pub(super) fn run(run: &Run, seed: &mut Seed) -> Figures {
    let (_world, program) = readable();
    let whole = World::new();
    whole.projects(SCENARIOS[0]);
    let _ = whole.ingest_once();
    let expected = content(&whole, "transcripts alone");
    let mut figures = Figures::default();
    each(
        &things(run, seed),
        &mut figures,
        || (),
        |(), (kind, user), figures| {
            let what = format!("{kind:?} among transcripts, as {}", user.map_or("this user", |_| "nobody"));
            figures.count("things that are no transcripts", entries(*kind, *user, &program, &expected, &what));
        },
    );
    figures
}

/// One kind of thing in every place; gives how many could be made.
fn entries(kind: Kind, user: Option<u32>, program: &Path, expected: &Content, what: &str) -> u64 {
    let world = World::new();
    world.projects(SCENARIOS[0]);
    let outside = world.root().join("elsewhere.json");
    fs::write(&outside, SECRET).unwrap_or_else(|error| panic!("{what}: {error}"));
    let mut made = Vec::new();
    for (folder, begin, end) in PLACES {
        let folder = world.projects_root().join(folder);
        fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{what}: {error}"));
        let path = folder.join(kind.name(begin, end));
        if kind.make(&path, &outside, HOLE) {
            made.push(path);
        }
    }
    if let Some(user) = user {
        give(world.root(), user);
    }
    let trace = world.root().join("trace");
    let strace = world.command("strace").args(["-f", "-qq", "-s", "4096", "-e", "trace=%file", "-o"]).arg(&trace);
    let done = as_user(&world, strace, user, program, &["once", "--json"]).code(0);
    let trace = fs::read_to_string(&trace).unwrap_or_else(|error| panic!("{what}: {error}"));
    let names = PLACES.map(|(_, begin, end)| format!("{begin}{end}\""));
    let careless = trace.lines().find(|line| {
        line.contains("open")
            && names.iter().any(|name| line.contains(name))
            && !["O_NOFOLLOW", "O_DIRECTORY"].iter().any(|flag| line.contains(flag))
    });
    assert_eq!(careless, None, "{what}: it is opened as if it were a file\n{done}");
    assert!(!trace.contains("elsewhere.json"), "{what}: it is followed\n{done}");
    for words in [["status", "--json"], ["doctor", "--json"]] {
        let told = as_user(&world, world.command("env"), user, program, &words);
        assert!(matches!(told.status.code(), Some(0 | 1)), "{what}: {words:?}\n{told}");
        let _ = told.json();
    }
    let found = content(&world, what);
    let lost: Vec<_> = expected.ground.difference(&found.ground).collect();
    assert!(lost.is_empty(), "{what}: transcripts beside it are not stored: {lost:#?}\n{done}");
    // Under the name of a transcript a file is one, whoever else has a name for it.
    let is_file = matches!(kind, Kind::HardLink | Kind::Sparse | Kind::SparsePayload | Kind::Escapes)
        || (kind == Kind::Closed && is_root() && user.is_none());
    // Among the results of tools a folder is none, and what lies in it may be.
    let is_one = |line: &str| is_file || (kind == Kind::FullFolder && line.contains("/tool-results/"));
    let more = found.ground.difference(&expected.ground).find(|line| !is_one(line));
    assert_eq!(more, None, "{what}: it is stored\n{done}");
    for path in &made {
        let meta = fs::symlink_metadata(path).unwrap_or_else(|error| panic!("{what}: it is gone: {error}"));
        if meta.is_dir() {
            let _ = fs::set_permissions(path, Permissions::from_mode(0o700)); // so that the folder can be removed
        }
    }
    made.len() as u64
}

fn content(world: &World, what: &str) -> Content {
    Content::of(world.data()).unwrap_or_else(|error| panic!("{what}: the store: {error}"))
}
