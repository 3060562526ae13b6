//! The stores that are asked: generated transcripts, taken in by the real import slice by slice, kept for the next run.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use harness::{Figure, Generator, Seed, Server, World, repository};

pub(crate) const SEED: u64 = 1_000_000;
/// Messages are lines of a person or of Claude; a turn of a brief session is one conversation.
const BRIEF_TURNS: usize = 10;
/// Of a slice of transcripts, before they are taken in and deleted.
const SLICE_BYTES: usize = 64 << 20;
/// Of every so many conversations one is rated, starred, tagged or noted.
const SAID_EVERY: u64 = 50;
/// What one request of many may name.
const AT_ONCE: usize = 200;

/// How large.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Size {
    /// So many messages, in sessions like real ones.
    Messages(usize),
    /// So many conversations, in brief sessions.
    Conversations(usize),
}

/// What a run measures, as cargo and the environment say.
pub(crate) struct Run {
    /// `cargo test --benches` runs it too, and only wants to know that it does.
    pub(crate) full: bool,
    /// Of how large a store.
    pub(crate) size: Size,
    /// How often each thing is asked for.
    pub(crate) rounds: usize,
}

impl Run {
    /// `rounds` where nothing is said.
    pub(crate) fn asked(rounds: usize) -> Self {
        let full = std::env::args().any(|arg| arg == "--bench");
        let variable = |name: &str| std::env::var(name).ok();
        let size = variable("PROMPT_MANAGER_BENCH_SIZE");
        let size = Size::parse(size.as_deref().unwrap_or(if full { "80k" } else { "300" }));
        let said = variable("PROMPT_MANAGER_BENCH_ROUNDS").and_then(|n| n.parse().ok());
        Self { full, size, rounds: said.unwrap_or(if full { rounds } else { 3 }) }
    }
}

impl Size {
    fn parse(text: &str) -> Self {
        match text {
            "80k" => Self::Messages(80_000),
            "1m" => Self::Conversations(1_000_000),
            other => Self::Conversations(other.parse().expect("PROMPT_MANAGER_BENCH_SIZE is 80k, 1m or a number")),
        }
    }
}

/// The data directory of a store of this size.
pub(crate) fn store(size: Size, generator: &Generator) -> PathBuf {
    let kept = repository().join("target/bench-stores").join(format!("{size:?}").replace(['(', ')'], "-"));
    let (home, stamp, wanted) = (kept.join("data"), kept.join("stamp"), stamp());
    if fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        return home;
    }
    let _ = fs::remove_dir_all(&kept);
    fs::create_dir_all(&home).expect("a folder in target");
    make(size, generator, &kept.join("slice"), &home);
    fs::write(&stamp, wanted).expect("a disk with room");
    home
}

/// What a store depends on: the tables, the rules, the texts.
fn stamp() -> String {
    let mut hasher = blake3::Hasher::new();
    for folder in
        ["migrations", "tests/harness/generate", "ingest/src/correlate", "ingest/src/derive", "shared/store/src/write"]
    {
        let mut files: Vec<_> =
            fs::read_dir(repository().join(folder)).expect(folder).flatten().map(|it| it.path()).collect();
        files.sort();
        for file in files.iter().filter(|file| file.is_file()) {
            hasher.update(&fs::read(file).expect("a file of the repository"));
        }
    }
    hasher.finalize().to_string()
}

fn make(size: Size, generator: &Generator, slice: &Path, home: &Path) {
    let (world, begin) = (World::new(), Instant::now());
    let (mut nth, mut lines, mut bytes) = (0, 0, 0);
    let done = |nth: usize, lines: usize| match size {
        // Three of four lines are messages.
        Size::Messages(wanted) => lines * 3 / 4 >= wanted,
        Size::Conversations(wanted) => nth * BRIEF_TURNS >= wanted,
    };
    while !done(nth, lines) {
        let mut waiting = 0;
        while waiting < SLICE_BYTES && !done(nth, lines) {
            let session = match size {
                Size::Messages(_) => generator.whole(nth),
                Size::Conversations(_) => {
                    let mut session = generator.brief(nth);
                    (0..BRIEF_TURNS).for_each(|_| session.brief_turn());
                    session
                }
            };
            let project = slice.join(format!("-src-acme-{}", nth % 20));
            let mut put = |path: PathBuf, text: &[u8]| {
                fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
                fs::write(path, text).expect("a disk with room");
                waiting += text.len();
            };
            put(project.join(&session.id).with_extension("jsonl"), &session.main);
            for (agent, text) in &session.subagents {
                put(project.join(&session.id).join(format!("subagents/agent-{agent}.jsonl")), text);
            }
            (nth, lines) = (nth + 1, lines + session.lines);
        }
        bytes += waiting;
        let import =
            world.bin("ingest").args(["import", "--json", "--quiet", "--home"]).arg(home).arg(slice).into_command();
        let report: serde_json::Value =
            serde_json::from_slice(&harness::measure(import).output.stdout).expect("a report in JSON");
        assert_eq!(report["failures"].as_array().map(Vec::len), Some(0), "{report}");
        fs::remove_dir_all(slice).expect("the slice goes");
        eprintln!(
            "making the store: {nth} sessions, {lines} lines, {:.0} MB in {:.0} s",
            bytes as f64 / 1e6,
            begin.elapsed().as_secs_f64()
        );
    }
}

/// Rates, stars, tags and notes some conversations, once for each store.
pub(crate) fn say_things(server: &Server, home: &Path) {
    let said = home.with_file_name("said");
    if said.exists() {
        return;
    }
    let mut client = server.client();
    let newest = client.get("/api/conversations?kind=all&limit=1").json()["items"][0]["id"].as_u64().expect("an id");
    let mut seed = Seed::new(SEED);
    let ids: Vec<u64> = (1..=newest).filter(|_| seed.number().is_multiple_of(SAID_EVERY)).collect();
    let tags = ["keep", "later", "bug", "review", "idea"];
    for (nth, ids) in ids.chunks(AT_ONCE).enumerate() {
        let body = format!(
            r#"{{"ids":{ids:?},"set":{{"rating":{},"star":{},"add_tags":["{}","batch-{}"]}}}}"#,
            1 + nth % 5,
            nth % 4 == 0,
            tags[nth % tags.len()],
            nth % 100
        );
        let response = client.json("POST", "/api/conversations/bulk", &body);
        if [404, 405].contains(&response.status) {
            eprintln!("this server takes no ratings: nothing is rated or tagged");
            return;
        }
        assert_eq!(response.status, 200, "{}", response.text());
    }
    for id in ids.iter().step_by(20) {
        let path = format!("/api/conversations/{id}/rating");
        let response = client.json("PUT", &path, r#"{"notes":"remember how this was asked"}"#);
        assert!((200..300).contains(&response.status), "{path}: {}", response.text());
    }
    fs::write(said, "").expect("a disk with room");
}

/// What is in it, in a line.
pub(crate) fn describe(server: &Server, home: &Path) -> String {
    let database = home.join("database");
    let bytes: u64 =
        fs::read_dir(database).expect("a store").flatten().map(|it| it.metadata().map_or(0, |it| it.len())).sum();
    let health = server.get("/api/health").1;
    let (conversations, mb) = (&health["database"]["conversations"], bytes as f64 / 1e6);
    Figure::new("store", mb, "MB").tell();
    Figure::new("store, of a conversation", mb * 1e3 / conversations.as_f64().expect("a number"), "kB").tell();
    format!("{conversations} conversations, {mb:.0} MB on disk")
}
