//! Beginnings: what lies in a world when a subject of the crash points starts.

use std::fs;

use harness::{Generator, SCENARIOS, World, repository};

use crate::ledger::{Fate, Ledger};
use crate::stage;
use crate::strace::{self, Point};

/// Long ago, so that whatever is done with old days is done at once.
const FIRST_NS: u64 = 1_763_164_800_000_000_000;
const DAY_NS: u64 = 86_400_000_000_000;

/// A store with nothing in it, and `files` queue files before it, which begin sessions of some prompts each.
fn waiting(world: &World, files: u64) -> Ledger {
    stage::drain(world);
    fill(world, files)
}

fn fill(world: &World, files: u64) -> Ledger {
    let mut ledger = Ledger::default();
    for n in 0..files {
        let (session, prompt) = (n / 16, n / 2);
        let (event, field) =
            [("UserPromptSubmit", "prompt"), ("Stop", "last_assistant_message")][usize::from(n % 2 == 1)];
        let payload = format!(
            r#"{{"session_id":"5f1f2a90-0000-4000-8000-{session:012}","transcript_path":"/none","cwd":"/src","prompt_id":"p{prompt}","hook_event_name":"{event}","{field}":"text {n}"}}"#
        );
        let name = format!("{:019}-5f1f2a90-0000-4000-8000-{session:012}-{event}.json", FIRST_NS + n % 3 * DAY_NS + n);
        put(world, &world.data().incoming().join(name), payload.as_bytes());
        ledger.enter(payload.into_bytes(), Fate::Acked);
    }
    ledger
}

fn put(_: &World, path: &std::path::Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap_or(path)).unwrap_or_else(|error| panic!("a folder: {error}"));
    fs::write(path, bytes).unwrap_or_else(|error| panic!("write {}: {error}", path.display()));
}

/// One file, and the transcripts of a captured run.
pub(crate) fn one_file(world: &World) -> Ledger {
    world.projects(SCENARIOS[0]);
    waiting(world, 1)
}

/// Several sessions' files, one batch by the defaults, and their transcripts.
pub(crate) fn many_files(world: &World) -> Ledger {
    SCENARIOS.iter().take(3).for_each(|scenario| world.projects(*scenario));
    waiting(world, 64)
}

/// What an ingester left that died at its second batch, a hook that died in tmp, and what lies in the spill place.
pub(crate) fn left_behind(world: &World) -> Ledger {
    let mut ledger = many_files(world);
    let once = world.bin("ingest").args(["once", "--batch", "20", "--projects"]).arg(world.projects_root());
    let struck = strace::kill(once, b"", &Point { call: "renameat2".to_owned(), nth: 30 });
    assert!(struck, "an ingester claims more than 30 files");
    for (n, place) in
        [world.data().tmp(), stage::spill(world).join("tmp"), stage::spill(world).join("incoming")].iter().enumerate()
    {
        let payload = format!(r#"{{"session_id":"s","hook_event_name":"Stop","last_assistant_message":"left {n}"}}"#);
        put(world, &place.join(format!("{:019}-s-Stop.json", FIRST_NS + n as u64)), payload.as_bytes());
        ledger.enter(payload.into_bytes(), Fate::Acked);
    }
    ledger
}

/// A database of the schema before ours, or of an early one.
pub(crate) fn schema(world: &World, schema: usize) -> Ledger {
    let newest = fs::read_dir(repository().join("tests/fixtures/schemas")).map_or(0, |entries| {
        entries.flatten().filter(|entry| entry.path().extension().is_some_and(|ending| ending == "zst")).count()
    });
    let schema = if schema == 0 { newest - 1 } else { schema };
    let packed = repository().join(format!("tests/fixtures/schemas/{schema:02}.db.zst"));
    let data = world.data();
    data.create().unwrap_or_else(|error| panic!("a data directory: {error}"));
    fs::create_dir_all(data.database_dir()).unwrap_or_else(|error| panic!("a folder: {error}"));
    let unpacked = fs::read(packed).and_then(|bytes| zstd::decode_all(&*bytes));
    let placed = unpacked.and_then(|bytes| fs::write(data.database(), bytes));
    placed.unwrap_or_else(|error| panic!("place a database of schema {schema}: {error}"));
    let closed = |path, mode| fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode));
    let done = closed(data.database_dir(), 0o700).and_then(|()| closed(data.database(), 0o600));
    done.unwrap_or_else(|error| panic!("close the database to others: {error}"));
    Ledger::default()
}

/// A store with everything taken in, and its archive as files of three days.
pub(crate) fn taken_in(world: &World) -> Ledger {
    let ledger = many_files(world);
    let _ = world
        .bin("ingest")
        .args(["once", "--quiet", "--projects"])
        .arg(world.projects_root())
        .env("PROMPT_MANAGER_ARCHIVE", "files")
        .succeed();
    ledger
}

/// A word that stands in every place of one session, and nowhere else.
pub(super) const CANARY: &str = "kanarienvogel";
/// That session.
pub(super) const TO_FORGET: &str = "5f1f2a90-0000-4000-8000-0000000000cc";

/// The same with a session that will be forgotten.
pub(crate) fn to_forget(world: &World) -> Ledger {
    let _ = taken_in(world);
    for (event, field) in [("UserPromptSubmit", "prompt"), ("Stop", "last_assistant_message")] {
        let payload = format!(
            r#"{{"session_id":"{TO_FORGET}","cwd":"/src","prompt_id":"pc","hook_event_name":"{event}","{field}":"{CANARY}"}}"#
        );
        world.hook(event, payload);
    }
    let _ = world
        .bin("ingest")
        .args(["once", "--quiet", "--projects"])
        .arg(world.projects_root())
        .env("PROMPT_MANAGER_ARCHIVE", "files")
        .succeed();
    Ledger::default()
}

/// A store with nothing in it, and a tree of generated transcripts beside it.
pub(crate) fn to_import(world: &World) -> Ledger {
    stage::drain(world);
    Generator::new(7).write(4, &world.projects_root(), None);
    Ledger::default()
}
