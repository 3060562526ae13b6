//! Copies of a store whose database, log or index of the log a disk has damaged, or somebody has swapped or deleted.
//!
//! Everything that works with a store is let loose on each: an ingester, a server and its pages, `status`, `doctor`, an export. None
//! crashes. Either one of them tells of the damage, or all that the store holds is what it held before. Then what the findings
//! say is done, and all that was captured is there again; a damaged database is set aside with its log, as it was.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, mpsc};
use std::thread;

use harness::{Done, Hook, SCENARIOS, Scenario, Seed, World, law};
use store::read::inspect::Inspector;

use super::content::Content;
use super::damage::Way;
use crate::figures::Figures;
use crate::part::Run;
use crate::points::each;

/// The session of what waits in the queue meanwhile.
const WAITS: &str = "waits-while-it-is-damaged";
/// What a database is made of.
const PARTS: [&str; 3] = ["prompts.db", "prompts.db-wal", "prompts.db-shm"];
/// What a server is asked.
const PATHS: &[&str] = &[
    "/healthz",
    "/readyz",
    "/metrics",
    "/api/health",
    "/api/health/passes",
    "/api/conversations?kind=all&limit=200",
    "/api/conversations?q=the&count=true&sort=relevance",
    "/api/conversations?sort=cost",
    "/api/sessions",
    "/api/stats",
    "/api/tags",
    "/api/views",
    "/",
    "/sessions",
    "/library",
    "/insights",
    "/health",
    "/api/conversations/1",
    "/api/conversations/2/raw",
    "/conversations/3",
    "/api/conversations/last",
];

pub(super) fn run(run: &Run, seed: &mut Seed) -> Figures {
    let copies: Vec<u64> = (0..run.of(40, 1_000)).map(|_| seed.number()).collect();
    let (idle, mut figures) = (Mutex::new(Vec::new()), Figures::default());
    each(&copies, &mut figures, |number, figures| {
        let stages = || idle.lock().unwrap_or_else(|it| it.into_inner());
        let stage = stages().pop();
        let stage = stage.unwrap_or_else(Stage::new);
        figures.add(&stage.copy(*number));
        stages().push(stage);
    });
    figures
}

/// A store to make copies of.
struct Stage {
    world: World,
    /// Its data directory, with commits in the log that are not in the database yet.
    saved: PathBuf,
    /// Its log at an earlier moment, and the log of another store.
    other_logs: [(&'static str, Vec<u8>); 2],
    expected: Content,
    /// What is told of it whole.
    told: BTreeSet<String>,
}

impl Stage {
    fn new() -> Self {
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
    fn fresh(&self) {
        let data = self.world.data();
        fs::remove_dir_all(data.root()).unwrap_or_else(|error| panic!("remove a store: {error}"));
        copy(&self.saved, data.root());
        let waits = format!(r#"{{"session_id":"{WAITS}","hook_event_name":"Stop","last_assistant_message":"late"}}"#);
        self.world.hook("Stop", waits);
    }

    fn part(&self, name: &str) -> PathBuf {
        self.world.data().database_dir().join(name)
    }

    /// One damaged copy, from the damage to the end.
    fn copy(&self, number: u64) -> Figures {
        let mut seed = Seed::new(number);
        self.fresh();
        let with_backup = seed.below(2) == 0;
        if !with_backup {
            for name in law::names(&self.world.data().backups()).iter().filter(|name| name.starts_with("prompts-")) {
                let _ = fs::remove_file(self.world.data().backups().join(name));
            }
        }
        let (which, done) = self.damage(&mut seed);
        let what = format!("copy {number}: {done}, {}", if with_backup { "with a backup" } else { "without backups" });
        let mut figures = Figures::default();
        figures.count("damaged databases", 1);
        figures.count(&format!("of them {which}"), 1);

        let look = self.look(&what);
        let news: Vec<_> = look.codes.difference(&self.told).cloned().collect();
        let found = Content::of(self.world.data());
        // A piece of a transcript that cannot be unpacked is told to whoever reads it.
        if look.once != Some(0) || !news.is_empty() || matches!(found, Err(store::Error::Corrupt { .. })) {
            figures.count("damage that is told", 1);
        } else {
            let found = found.unwrap_or_else(|error| panic!("{what}: not told, and not to be read: {error}"));
            if let Some(differs) = found.without(WAITS).differs(&self.expected) {
                panic!("{what}: nothing tells of it, and not all is as it was:\n{differs}");
            }
            figures.count("damage that harms nothing", 1);
        }
        figures.add(&self.mend(&what, &news));
        figures
    }

    /// Damages the database, its log, its index, or several.
    fn damage(&self, seed: &mut Seed) -> (&'static str, String) {
        let which: &[usize] = match seed.below(12) {
            0..6 => &[0],
            6..9 => &[1],
            9 => &[2],
            10 => &[1, 2],
            _ => &[0, 1, 2],
        };
        let mut done = Vec::new();
        for at in which {
            let path = self.part(PARTS[*at]);
            let mut bytes = fs::read(&path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()));
            let how = match seed.below(12) {
                0 => {
                    let _ = fs::remove_file(&path);
                    done.push(format!("{} deleted", PARTS[*at]));
                    continue;
                }
                1..=3 if *at == 1 => {
                    let (name, other) = &self.other_logs[seed.below(2)];
                    bytes.clone_from(other);
                    (*name).to_owned()
                }
                _ => Way::ALL[seed.below(Way::ALL.len())].apply(&mut bytes, seed),
            };
            fs::write(&path, &bytes).unwrap_or_else(|error| panic!("write {}: {error}", path.display()));
            done.push(format!("{}: {how}", PARTS[*at]));
        }
        let which = match which {
            [0] => "databases themselves",
            [1] => "logs",
            [2] => "indexes of the log",
            _ => "several at once",
        };
        (which, done.join(", "))
    }

    /// A program of ours, which ends by itself with a code of its table.
    fn ran(&self, program: &str, words: &[&str], what: &str) -> Done {
        let done = self.world.bin(program).args(words).env("PROMPT_MANAGER_PROJECTS", self.world.projects_root()).run();
        let code = done.status.code();
        assert!(matches!(code, Some(0 | 1 | 75 | 78)), "{what}: {program} {words:?} ends with {code:?}\n{done}");
        let told = String::from_utf8_lossy(&done.stderr);
        assert!(!told.contains("panic"), "{what}: {program} {words:?}\n{done}");
        done
    }

    /// Lets everything loose on it.
    fn look(&self, what: &str) -> Look {
        let mut codes = BTreeSet::new();
        let mut findings = |words: &[&str]| {
            let report = self.ran("ingest", words, what).json();
            for finding in report["findings"].as_array().into_iter().flatten() {
                if finding["severity"] != "note" {
                    codes.insert(finding["code"].as_str().unwrap_or_default().to_owned());
                }
            }
        };
        findings(&["status", "--json"]);
        self.serve(what);
        for words in [&["list", "--json"][..], &["search", "the"], &["show", "last"], &["stats"]] {
            let _ = self.ran("query-api", words, what);
        }
        let out = self.world.root().join("export.jsonl");
        let _ = self.ran("ingest", &["export", "--force", "--out", &out.to_string_lossy()], what);
        let once = self.ran("ingest", &["once", "--json"], what);
        if once.status.code() != Some(0) {
            // What could not be stored waits.
            assert_eq!(law::names(&self.world.data().failed()), Vec::<String>::new(), "{what}\n{once}");
        }
        findings(&["status", "--json"]);
        findings(&["doctor", "--json"]);
        Look { once: once.status.code(), codes }
    }

    /// Asks a server for all kinds of things: each answer is one that it may give, and it lives.
    fn serve(&self, what: &str) {
        let mut server = self.world.serve();
        let mut client = server.client();
        for path in PATHS {
            let response = client.get(path);
            let may = matches!(response.status, 200 | 404 | 503);
            assert!(may, "{what}: {path}: {} {}\n{}", response.status, response.text(), server.log());
        }
        assert_eq!(client.get("/healthz").status, 200, "{what}: the server\n{}", server.log());
        assert!(!server.log().contains("panic"), "{what}: {}", server.log());
        assert_eq!(server.end(), Some(0), "{what}: {}", server.log());
    }

    fn content(&self, what: &str) -> Content {
        Content::of(self.world.data()).unwrap_or_else(|error| panic!("{what}: not told, and not to be read: {error}"))
    }

    /// Does what the findings say, until all that was captured is there.
    fn mend(&self, what: &str, news: &[String]) -> Figures {
        let mut figures = Figures::default();
        let before: Vec<_> = PARTS[..2].iter().map(|part| fs::read(self.part(part)).ok()).collect();
        let done = self.ran("ingest", &["recover", "--json"], what);
        let report = done.json();
        let is_recovered = report["done"] == true && matches!(report["state"].as_str(), Some("damaged" | "missing"));
        if is_recovered {
            figures.count("recovered", 1);
            if let Some(aside) = report["set_aside"].as_str() {
                for (part, before) in PARTS.iter().zip(&before) {
                    let kept = fs::read(Path::new(aside).join(part)).ok();
                    let empty = before.as_ref().is_none_or(Vec::is_empty) && kept.as_ref().is_none_or(Vec::is_empty);
                    assert!(kept == *before || empty, "{what}: {part} is not set aside as it was\n{done}");
                }
            }
        }
        let _ = self.ran("ingest", &["doctor", "--repair", "--json"], what);
        let _ = self.ran("ingest", &["once", "--json"], what).code(0);
        let found = self.content(what).without(WAITS);
        let told = || format!("{what}, told as {news:?}, recovered: {is_recovered}\n{done}");
        let missing: Vec<_> = self.expected.ground.difference(&found.ground).collect();
        assert!(
            missing.is_empty(),
            "{} of what was captured is not there again: {missing:#?}\n{}",
            missing.len(),
            told()
        );
        if let Some(differs) = found.differs(&self.expected) {
            panic!("not all is as it was: {differs}\n{}", told());
        }
        figures.count("with all that was captured in the end", 1);
        figures
    }
}

/// What was told of a store.
struct Look {
    once: Option<i32>,
    codes: BTreeSet<String>,
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
