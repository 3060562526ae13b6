//! Whatever the order and grouping in which hooks and transcripts arrive, the rows end the same, and an id that was once
//! answered keeps its prompt.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use queue::{DataDir, QueueName};
use store::ConversationId;
use store::read::inspect::Inspector;
use store::read::{Filter, ListRequest, Places, Query, Reader};
use store::write::NewEvent;

use super::*;
use crate::backlog::{self, Done};
use crate::transcripts::Look;
use crate::transcripts::ignored::Ignored;

/// Something that arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Delivery {
    /// A queue file.
    Event { name: String, payload: Vec<u8> },
    /// A transcript, grown to this many bytes.
    File { path: PathBuf, bytes: Vec<u8> },
}

fn scenarios() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/claude-code-2.1.330")
}

/// All three scenarios: each hook, each transcript at a third, two thirds and whole (a shorter one never follows a longer).
fn deliveries() -> Vec<Delivery> {
    let mut found = Vec::new();
    for scenario in ["print-mode", "interactive", "interrupted-and-queued"] {
        for entry in std::fs::read_dir(scenarios().join(scenario).join("hooks")).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            found.push(Delivery::Event { name, payload: std::fs::read(path).unwrap() });
        }
        let projects = scenarios().join(scenario).join("projects");
        for entry in
            walkdir::WalkDir::new(&projects).into_iter().map(Result::unwrap).filter(|it| it.file_type().is_file())
        {
            let bytes = std::fs::read(entry.path()).unwrap();
            let path = entry.path().strip_prefix(&projects).unwrap();
            for part in 1..=3 {
                let bytes = bytes[..bytes.len() * part / 3].to_vec();
                found.push(Delivery::File { path: path.to_owned(), bytes });
            }
        }
    }
    found
}

/// A captured payload, as a pass stores it.
pub(crate) fn deliver(writer: &mut Writer, name: &str, payload: &[u8]) {
    let parsed: QueueName = name.parse().unwrap();
    let json: serde_json::Value = serde_json::from_slice(payload).unwrap();
    let batch = writer.batch().unwrap();
    let event = NewEvent {
        name,
        captured_ns: parsed.captured_ns,
        event: json["hook_event_name"].as_str().unwrap(),
        session_id: json["session_id"].as_str().unwrap(),
        prompt_id: json["prompt_id"].as_str(),
        payload,
        stored_ms: 0,
    };
    batch.add_event(&event).unwrap();
    batch.commit().unwrap();
}

struct World {
    _home: tempfile::TempDir,
    dir: DataDir,
    projects: PathBuf,
    writer: Writer,
    /// From so many bytes on threads take in what comes.
    large: u64,
    /// Prompts that an id has answered with.
    answered: BTreeMap<ConversationId, String>,
}

impl World {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let dir = DataDir::new(home.path().join("data"));
        let projects = home.path().join("projects");
        std::fs::create_dir_all(&projects).unwrap();
        let writer = Writer::open(&dir).unwrap();
        Self { _home: home, dir, projects, writer, large: u64::MAX, answered: BTreeMap::new() }
    }

    fn deliver(&mut self, delivery: &Delivery) {
        match delivery {
            Delivery::Event { name, payload } => deliver(&mut self.writer, name, payload),
            Delivery::File { path, bytes } => {
                let path = self.projects.join(path);
                let longer = std::fs::metadata(&path).is_ok_and(|meta| meta.len() >= bytes.len() as u64);
                if !longer {
                    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                    std::fs::write(path, bytes).unwrap();
                }
            }
        }
    }

    fn pass(&mut self) -> Derived {
        let mut done = Derived::default();
        backlog::take_in_from(
            self.large,
            &mut self.writer,
            std::slice::from_ref(&self.projects),
            &Look::Sweep,
            &mut Ignored::default(),
            &mut |step| {
                if let Done::Derived(derived) = step {
                    done.sessions += derived.sessions;
                    done.conversations += derived.conversations;
                }
                ControlFlow::Continue(())
            },
        )
        .unwrap();
        let last = derive(&mut self.writer).unwrap();
        Derived { sessions: done.sessions + last.sessions, conversations: done.conversations + last.conversations }
    }

    fn rows(&self) -> Vec<store::read::Turn> {
        let mut reader = Reader::open(&self.dir).unwrap();
        let request = ListRequest { filter: Filter::default(), limit: 1000, ..ListRequest::default() };
        reader.list(&request).unwrap().items.into_iter().map(|item| item.turn).collect()
    }

    /// How many conversations have a word.
    fn found(&self, word: &str) -> usize {
        let mut reader = Reader::open(&self.dir).unwrap();
        let query = Query::parse(word, Places::EVERYWHERE).unwrap();
        let filter = Filter { query, ..Filter::default() };
        let request = ListRequest { filter, limit: 1000, ..ListRequest::default() };
        reader.list(&request).unwrap().items.len()
    }

    /// The rows without what only this store knows.
    fn natural(&self) -> Vec<String> {
        let mut reader = Reader::open(&self.dir).unwrap();
        let show = |turn: store::read::Turn| {
            let whole = reader.conversation(turn.id).unwrap().unwrap();
            let calls: Vec<_> =
                whole.tool_calls.iter().map(|call| (&call.name, call.error, call.duration_ms, &call.output)).collect();
            let texts: Vec<_> = whole.blocks.iter().map(|block| (block.kind, &block.text)).collect();
            let parent = turn.parent_id.map(|id| prompt(&mut reader, id).unwrap_or_else(|| "(gone)".to_owned()));
            format!(
                "{} {} {:?} {:?} {:?} | {:?} -> {:?} {calls:?} {texts:?} {parent:?} {:?} {:?} {}",
                turn.session_id,
                turn.timestamp_ms,
                turn.kind,
                turn.via,
                turn.status,
                turn.prompt_text,
                turn.response_text,
                whole.usage,
                (turn.from_hook, turn.from_transcript),
                turn.metadata,
            )
        };
        let mut rows: Vec<String> = self.rows().into_iter().map(show).collect();
        rows.sort();
        rows
    }

    fn rebuild(&mut self, index: Index) -> Derived {
        rebuild(&mut self.writer, index, &mut |_, _| ControlFlow::Continue(())).unwrap()
    }

    fn rebuilding_changes_nothing(&mut self) {
        let before = self.natural();
        let rebuilt = self.rebuild(Index::Keep);
        assert_eq!(self.natural(), before);
        assert_eq!(rebuilt.conversations, 0);
        let inspector = Inspector::open(&self.dir).unwrap();
        assert_eq!(inspector.misfiled().unwrap(), 0, "what lists are made from");
        assert_eq!((inspector.unindexed().unwrap(), inspector.stray_words().unwrap()), (Vec::new(), 0), "words");
    }

    /// Every id that was ever answered still answers, with its prompt.
    fn check_ids(&mut self) {
        for turn in self.rows() {
            if let Some(prompt) = turn.prompt_text {
                self.answered.entry(turn.id).or_insert(prompt);
            }
        }
        let mut reader = Reader::open(&self.dir).unwrap();
        for (id, known) in &self.answered {
            assert_eq!(prompt(&mut reader, *id).as_ref(), Some(known), "{id:?}");
        }
    }
}

fn prompt(reader: &mut Reader, id: ConversationId) -> Option<String> {
    reader.conversation(id).unwrap().and_then(|it| it.turn.prompt_text)
}

fn canonical() -> Vec<String> {
    let mut world = World::new();
    deliveries().iter().for_each(|delivery| world.deliver(delivery));
    world.pass();
    world.natural()
}

/// Reliability R14: the indexes write many times what they are given, so that a transaction which is large enough for memory
/// could still be too large for the log.
#[test]
fn the_log_stays_small_however_many_words_come_at_once() {
    let mut world = World::new();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for session in 0..64 {
        let mut text = String::new();
        while text.len() < 160 * 1024 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            // Seldom and frequent ones, as in prose.
            text.push_str(&format!("w{:x} ", (random >> 33) % (1 << (4 + (random >> 60)))));
        }
        let payload = format!(
            r#"{{"session_id":"s{session}","hook_event_name":"UserPromptSubmit","prompt_id":"p","prompt":"{text}"}}"#
        );
        deliver(&mut world.writer, &format!("{session:019}-s{session}-UserPromptSubmit.json"), payload.as_bytes());
    }
    assert_eq!(derive(&mut world.writer).unwrap(), Derived { sessions: 64, conversations: 64 });
    let log = world.writer.log_bytes();
    assert!(log < 16 << 20, "{log} bytes of log");
}

#[test]
fn a_second_pass_changes_nothing() {
    let mut world = World::new();
    deliveries().iter().for_each(|delivery| world.deliver(delivery));
    assert!(world.pass().conversations > 0);
    let before = world.rows();
    deliveries().iter().for_each(|delivery| world.deliver(delivery));
    assert_eq!(world.pass(), Derived::default());
    assert_eq!(world.rows(), before);
}

#[test]
fn rebuilding_writes_no_row() {
    let mut world = World::new();
    deliveries().iter().for_each(|delivery| world.deliver(delivery));
    world.pass();
    let before = world.rows();
    let rebuilt = world.rebuild(Index::Keep);
    assert_eq!(rebuilt.conversations, 0);
    assert!(rebuilt.sessions > 3);
    assert_eq!(world.rows(), before);
}

#[test]
fn a_lost_index_is_made_again() {
    let mut world = World::new();
    deliveries().iter().for_each(|delivery| world.deliver(delivery));
    world.pass();
    let (rows, found) = (world.natural(), world.found("use-agent"));
    assert!(found > 0);
    let batch = world.writer.batch().unwrap();
    batch.clear_index().unwrap();
    batch.commit().unwrap();
    assert_eq!(world.found("use-agent"), 0);
    assert!(world.rebuild(Index::Keep).conversations > 0);
    assert_eq!((world.natural(), world.found("use-agent")), (rows.clone(), found));
    world.rebuild(Index::Anew);
    assert_eq!((world.natural(), world.found("use-agent")), (rows, found));
}

/// Events of old clients name no turn: one that comes when its turn is settled still finds it.
#[test]
fn a_late_stop_without_an_id_finds_its_turn() {
    const SESSION: &str = "0914908d-acc8-48aa-98d6-77d558fb9590";
    let mut world = World::new();
    let at = |second: u64| format!("2026-11-22T12:00:{second:02}.000Z");
    let mut lines = String::new();
    for (second, text) in [(1, "first"), (11, "second"), (21, "third")] {
        let user = serde_json::json!({"type": "user", "uuid": text, "timestamp": at(second), "sessionId": SESSION,
            "promptId": format!("p-{text}"), "message": {"role": "user", "content": text}});
        let said = serde_json::json!({"type": "assistant", "uuid": format!("to {text}"), "timestamp": at(second + 2),
            "sessionId": SESSION, "message": {"id": text, "stop_reason": "end_turn",
                                              "content": [{"type": "text", "text": format!("to {text}")}]}});
        lines.push_str(&format!("{user}\n{said}\n"));
    }
    let path = PathBuf::from(format!("-p/{SESSION}.jsonl"));
    world.deliver(&Delivery::File { path, bytes: lines.into_bytes() });
    world.pass();
    let noon_ns = 1_795_348_800_000_000_000_u64;
    let event = |second: u64, name: &str, prompt: Option<&str>| {
        let mut payload = serde_json::json!({"session_id": SESSION, "hook_event_name": name});
        match prompt {
            Some(text) => {
                payload["prompt"] = text.into();
                payload["prompt_id"] = format!("p-{text}").into();
            }
            None => payload["last_assistant_message"] = "to second".into(),
        }
        let name = format!("{}-{SESSION}-{name}.json", noon_ns + second * 1_000_000_000);
        Delivery::Event { name, payload: payload.to_string().into_bytes() }
    };
    for group in [
        vec![event(1, "UserPromptSubmit", Some("first")), event(11, "UserPromptSubmit", Some("second"))],
        vec![event(13, "Stop", None), event(21, "UserPromptSubmit", Some("third"))],
    ] {
        group.iter().for_each(|delivery| world.deliver(delivery));
        world.pass();
        world.check_ids();
        world.rebuilding_changes_nothing();
    }
    assert_eq!(world.rows().len(), 3);
}

/// Of a prompt that hooks alone know and a line of the same millisecond the line comes first, also if that comes late, when the
/// other is settled.
#[test]
fn a_late_line_of_the_millisecond_of_a_settled_prompt() {
    const SESSION: &str = "0914908d-acc8-48aa-98d6-77d558fb9590";
    let mut world = World::new();
    let line = |second: u64, text: &str| {
        let line = serde_json::json!({"type": "user", "uuid": text, "timestamp": format!("2026-11-22T12:00:{second:02}.000Z"),
            "sessionId": SESSION, "promptId": format!("p-{text}"), "message": {"role": "user", "content": text}});
        format!("{line}\n")
    };
    let payload = serde_json::json!({"session_id": SESSION, "hook_event_name": "UserPromptSubmit", "prompt": "by a hook",
        "prompt_id": "p-by a hook"});
    let name = format!("{}-{SESSION}-UserPromptSubmit.json", 1_795_348_804_000_000_000_u64);
    world.deliver(&Delivery::Event { name, payload: payload.to_string().into_bytes() });
    for lines in [line(20, "later"), line(20, "later") + &line(4, "late")] {
        let path = PathBuf::from(format!("-p/{SESSION}.jsonl"));
        world.deliver(&Delivery::File { path, bytes: lines.into_bytes() });
        world.pass();
        world.check_ids();
        world.rebuilding_changes_nothing();
    }
    assert_eq!(world.rows().len(), 3);
}

/// Of two stops that name no turn the second goes to a prompt between them, also if that comes late, when both are settled.
#[test]
fn a_late_line_between_settled_stops_without_an_id() {
    const SESSION: &str = "0914908d-acc8-48aa-98d6-77d558fb9590";
    let mut world = World::new();
    let mut event = |event: &str, second: u64, field: &str| {
        let payload =
            serde_json::json!({"session_id": SESSION, "hook_event_name": event, field: format!("at {second}")});
        let name = format!("{}-{SESSION}-{event}.json", 1_795_348_800_000_000_000_u64 + second * 1_000_000_000);
        world.deliver(&Delivery::Event { name, payload: payload.to_string().into_bytes() });
    };
    event("Stop", 4, "last_assistant_message");
    event("Stop", 8, "last_assistant_message");
    event("UserPromptSubmit", 12, "prompt");
    let line = |second: u64| {
        let line = serde_json::json!({"type": "user", "uuid": second.to_string(), "sessionId": SESSION,
            "timestamp": format!("2026-11-22T12:00:{second:02}.000Z"), "promptId": format!("p-{second}"),
            "message": {"role": "user", "content": format!("at {second}")}});
        format!("{line}\n")
    };
    for lines in [line(12), line(12) + &line(6)] {
        let path = PathBuf::from(format!("-p/{SESSION}.jsonl"));
        world.deliver(&Delivery::File { path, bytes: lines.into_bytes() });
        world.pass();
        world.check_ids();
        world.rebuilding_changes_nothing();
    }
}

/// Claude Code may take a line back, and people copy folders: the same conversations under the same ids, before and after.
#[test]
fn files_that_are_cut_restored_or_copied_change_no_conversation() {
    let mut world = World::new();
    deliveries().iter().for_each(|delivery| world.deliver(delivery));
    world.pass();
    world.check_ids();
    let before = world.natural();
    let files = deliveries().into_iter().filter_map(|delivery| match delivery {
        Delivery::File { path, bytes } => Some((path, bytes)),
        Delivery::Event { .. } => None,
    });
    let whole: BTreeMap<PathBuf, Vec<u8>> = files.collect();
    for change in ["cut", "restored", "copied"] {
        for (path, bytes) in &whole {
            let line = bytes[..bytes.len() - 1].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            let (path, bytes) = match change {
                "cut" => (world.projects.join(path), &bytes[..line]),
                "restored" => (world.projects.join(path), &bytes[..]),
                _ => (world.projects.join("-copy").join(path.strip_prefix("-home-dev-acme").unwrap()), &bytes[..]),
            };
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        world.pass();
        world.check_ids();
        assert_eq!(world.natural(), before, "{change}");
    }
}

/// Real sessions of many versions, read in place: each alone in an empty store. Deriving again writes no row.
#[test]
fn real_transcripts_derive_and_derive_again() {
    real_transcripts(|world, path, bytes| {
        world.deliver(&Delivery::File { path, bytes });
        world.pass();
    });
}

/// The same, each growing piece by piece with a pass after each: what is derived behind seals is what the whole gives.
#[test]
fn real_transcripts_grow() {
    const PIECES: usize = 9;
    real_transcripts(|world, path, bytes| {
        for piece in 1..=PIECES {
            let bytes = bytes[..bytes.len() * piece / PIECES].to_vec();
            world.deliver(&Delivery::File { path: path.clone(), bytes });
            world.pass();
            world.check_ids();
        }
    });
}

/// Each in a world of its own, as many at once as there are cores: all in turn would be the longest test by far.
fn real_transcripts(deliver: impl Fn(&mut World, PathBuf, Vec<u8>) + Sync) {
    let corpus = std::env::var_os("PROMPT_MANAGER_TEST_CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/fixtures/public"), PathBuf::from);
    if !corpus.is_dir() {
        println!("SKIPPED: no real transcripts at {} (set PROMPT_MANAGER_TEST_CORPUS)", corpus.display());
        return;
    }
    let files = walkdir::WalkDir::new(&corpus).into_iter().map(|file| file.unwrap().into_path());
    let files: Vec<_> = files.filter(|path| path.extension().is_some_and(|it| it == "jsonl")).collect();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let mut world = World::new();
                    let path = Path::new("-project").join(file.file_name().unwrap());
                    deliver(&mut world, path, std::fs::read(file).unwrap());
                    world.rebuilding_changes_nothing();
                }
            });
        }
    });
    println!("{} real transcripts derived", files.len());
    assert!(!files.is_empty(), "{} holds no transcript", corpus.display());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn any_order_and_grouping_ends_the_same(
        order in Just(deliveries()).prop_shuffle(),
        passes in proptest::collection::vec(proptest::bool::weighted(0.15), 200),
    ) {
        let mut world = World::new();
        for (delivery, pass) in order.iter().zip(passes) {
            world.deliver(delivery);
            if pass {
                world.large = if world.answered.len().is_multiple_of(2) { 0 } else { u64::MAX };
                world.pass();
                world.check_ids();
            }
        }
        world.pass();
        world.check_ids();
        prop_assert_eq!(world.natural(), canonical());
        world.rebuilding_changes_nothing();
    }
}

/// Prices stand in rows: another table of prices makes other rows.
#[test]
fn the_price_table_belongs_to_the_rules() {
    let prices = blake3::hash(include_bytes!("../../../shared/export/prices.json")).to_hex();
    assert_eq!((store::PARSER, &prices.as_str()[..16]), (6, "8496d780e3cf0af5"), "raise PARSER when the prices change");
}
