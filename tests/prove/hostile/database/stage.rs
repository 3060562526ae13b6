//! A store that copies are made of: with commits in its log that are not in the database yet, ratings and tags, and the logs of
//! another moment and of another store.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::thread;

use harness::{Hook, SCENARIOS, Scenario, World, law};
use store::read::inspect::Inspector;

use super::super::content::Content;
use super::{PARTS, WAITS};

/// A store to make copies of.
pub(super) struct Stage {
    pub(super) world: World,
    /// Its data directory, with commits in the log that are not in the database yet.
    saved: PathBuf,
    /// Its log at an earlier moment, and the log of another store.
    pub(super) other_logs: [(&'static str, Vec<u8>); 2],
    pub(super) expected: Content,
    /// What is told of it whole.
    pub(super) told: BTreeSet<String>,
}

impl Stage {
    pub(super) fn new() -> Self {
        let world = World::new();
        for scenario in &SCENARIOS[..2] {
            give(&world, *scenario);
        }
        let _ = world.ingest_once();
        say_something(&world);
        for name in law::names(&world.data().backups()).iter().filter(|name| name.starts_with("annotations-")) {
            fs::remove_file(world.data().backups().join(name)).unwrap_or_else(|error| panic!("remove {name}: {error}"));
        }
        let _ = world.ingest_once();
        let saved = world.root().join("saved");
        let log = |world: &World| {
            let bytes = fs::read(world.data().database_dir().join(PARTS[1])).unwrap_or_default();
            assert!(bytes.len() > 8192, "a log of {} bytes", bytes.len());
            bytes
        };
        let earlier = while_read(&world, || {
            let hooks = SCENARIOS[2].hooks();
            let (some, rest) = hooks.split_at(hooks.len() / 2);
            some.iter().for_each(|hook| capture(&world, hook));
            let _ = world.ingest_once();
            let earlier = log(&world);
            rest.iter().for_each(|hook| capture(&world, hook));
            world.projects(SCENARIOS[2]);
            let _ = world.ingest_once();
            assert!(log(&world).len() > earlier.len());
            copy(world.data().root(), &saved);
            earlier
        });
        let expected = Content::of(world.data()).unwrap_or_else(|error| panic!("the whole store: {error}"));
        assert!(expected.ground.len() > 40 && expected.rows.len() > 10, "{expected:?}");

        let stranger = World::new();
        give(&stranger, SCENARIOS[0]);
        let _ = stranger.ingest_once();
        let strange = while_read(&stranger, || {
            give(&stranger, SCENARIOS[1]);
            let _ = stranger.ingest_once();
            log(&stranger)
        });
        let mut stage = Self {
            world,
            saved,
            other_logs: [("its log of before", earlier), ("the log of another", strange)],
            expected,
            told: BTreeSet::new(),
        };
        stage.fresh();
        stage.told = stage.look("whole").codes;
        if let Some(differs) = stage.expected.differs(&stage.content("whole").without(WAITS)) {
            panic!("a whole store: {differs}");
        }
        stage
    }

    /// The data directory as it was saved, with something that waits.
    pub(super) fn fresh(&self) {
        let data = self.world.data();
        fs::remove_dir_all(data.root()).unwrap_or_else(|error| panic!("remove a store: {error}"));
        copy(&self.saved, data.root());
        let waits = format!(r#"{{"session_id":"{WAITS}","hook_event_name":"Stop","last_assistant_message":"late"}}"#);
        self.world.hook("Stop", waits);
    }
}

/// The hooks' files of a captured run, and its transcripts.
fn give(world: &World, scenario: Scenario) {
    world.feed(scenario);
    world.projects(scenario);
}

/// One event, at the time at which it came.
fn capture(world: &World, hook: &Hook) {
    let command = world.bin("prompt-hook").arg(&hook.event).env("PROMPT_MANAGER_CLOCK_NS", hook.ns.to_string());
    let _ = command.stdin(hook.payload.clone()).run().code(0).silent();
}

/// Rates, tags and annotates every conversation.
fn say_something(world: &World) {
    let server = world.serve();
    let mut client = server.client();
    for (n, item) in server.items(&[("kind", "all")]).iter().enumerate() {
        let path = format!("/api/conversations/{}/rating", item["id"]);
        let body = format!(r#"{{"rating":{},"notes":"note {n}: keep this","tags":["sql","of {n}"]}}"#, 1 + n % 5);
        let response = client.json("PUT", &path, &body);
        assert_eq!(response.status, 200, "{path}: {}", response.text());
    }
}

/// Does something while a reader keeps the log from being written back.
fn while_read<T>(world: &World, work: impl FnOnce() -> T) -> T {
    let store = Inspector::open(world.data()).unwrap_or_else(|error| panic!("read a store: {error}"));
    let ((begun, is_begun), (over, is_over)) = (mpsc::channel(), mpsc::channel::<()>());
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut wait = true;
            let read = store.each_event(&mut |_| {
                if std::mem::take(&mut wait) {
                    let _ = begun.send(());
                    let _ = is_over.recv();
                }
                std::ops::ControlFlow::Continue(())
            });
            read.unwrap_or_else(|error| panic!("read a store: {error}"));
        });
        let _ = is_begun.recv();
        let done = work();
        drop(over);
        done
    })
}

fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).status();
    assert!(copied.is_ok_and(|status| status.success()), "cp -a {} {}", from.display(), to.display());
}
