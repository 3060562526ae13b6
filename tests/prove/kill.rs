//! Death at random moments: hooks that Claude Code's end takes along, and up to eight ingesters at once on one queue.
//!
//! An epoch is a store of its own. Hooks are started one after another, most of them killed some microseconds later;
//! ingesters of both kinds, `once` and `run`, are started and killed beside them, while a transcript grows. When a thousand have
//! died, passes that live take in the rest, what failed for three deaths is tried again, and the books must balance.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::process::{Child, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use harness::{Seed, World};

use crate::figures::Figures;
use crate::ledger::{Fate, Ledger};
use crate::run::{Run, progress};
use crate::stage;

/// Kills in the life of one store.
const EPOCH: u64 = 1_000;
/// Of them, at most so many of hooks: an ingester that dies is worth more, and costs more.
const OF_HOOKS: u64 = 650;
/// The session whose transcript grows.
const SESSION: &str = "5f1f2a90-0000-4000-8000-00000000000a";
/// A path where a transcript of that session lies, below the projects root.
const TRANSCRIPT: &str = "-src/5f1f2a90-0000-4000-8000-00000000000a.jsonl";

pub(crate) fn run(run: &Run) -> Figures {
    let (mut figures, mut seed) = (Figures::default(), Seed::new(run.seed));
    let kills = run.of(10_000, 100_000);
    while figures.get("kills") < kills {
        figures.add(&epoch(&mut seed));
        progress(&format!("{} of {kills} kills", figures.get("kills")));
    }
    progress("");
    figures
}

/// What the threads of an epoch share.
#[derive(Debug, Default)]
struct Count {
    hooks: AtomicU64,
    ingesters: AtomicU64,
}

impl Count {
    fn all(&self) -> u64 {
        self.hooks.load(Ordering::Relaxed) + self.ingesters.load(Ordering::Relaxed)
    }

    /// What a thread holds while it works: if it panics, the others end too.
    fn working(&self) -> Working<'_> {
        Working(self)
    }
}

struct Working<'a>(&'a Count);

impl Drop for Working<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.hooks.fetch_add(EPOCH, Ordering::Relaxed);
        }
    }
}

/// A thousand kills on one store, and what is left of it.
fn epoch(seed: &mut Seed) -> Figures {
    let world = World::new();
    fs::create_dir_all(world.projects_root().join("-src")).unwrap_or_else(|error| panic!("a project: {error}"));
    let (count, ledger) = (Count::default(), Mutex::new(Ledger::default()));
    let at_once = 1 + seed.below(8);
    let mut lines = String::new();
    thread::scope(|scope| {
        for _ in 0..at_once {
            let own = Seed::new(seed.number());
            scope.spawn(|| ingesters(&world, own, at_once, &count));
        }
        let own = Seed::new(seed.number());
        scope.spawn(|| *ledger.lock().unwrap_or_else(|it| it.into_inner()) = hooks(&world, own, &count));
        while count.all() < EPOCH {
            lines.push_str(&grow(&world, lines.lines().count()));
            thread::sleep(Duration::from_millis(20));
        }
    });
    let ledger = ledger.into_inner().unwrap_or_else(|it| it.into_inner());
    stage::drain(&world);
    stage::ingest(&world, &["retry", "--all", "--reason", "crashes"]);
    stage::drain(&world);

    let mut figures = Figures::default();
    figures.count("kills", count.all());
    figures.count("of hooks", count.hooks.into_inner());
    figures.count("of ingesters", count.ingesters.into_inner());
    figures.add(&ledger.check(&world));
    figures.count("integrity checks", 1);
    let given_back = stage::given_back(&world, SESSION, lines.as_bytes());
    figures.count("transcript lines given back", given_back);
    stage::check_derived(&world);
    figures
}

/// Starts hooks, most of which do not live long, until their share of the deaths is reached.
fn hooks(world: &World, mut seed: Seed, count: &Count) -> Ledger {
    let (mut ledger, _working) = (Ledger::default(), count.working());
    for n in 0.. {
        if count.all() >= EPOCH {
            break;
        }
        // Ingesters need something to do until the end, so hooks go on, unkilled, when theirs are enough.
        let kill = count.hooks.load(Ordering::Relaxed) < OF_HOOKS && seed.below(4) > 0;
        if !kill {
            thread::sleep(Duration::from_millis(2));
        }
        let payload = payload(&mut seed, n);
        let mut hook = spawn(world.bin("prompt-hook").arg(EVENTS[n % EVENTS.len()]).into_command());
        let mut stdin = hook.stdin.take();
        // Sometimes the hook has only the half of it when it dies, and sometimes stdin is never closed.
        let half = kill && seed.below(4) == 0;
        let sent = if half { &payload[..payload.len() / 2] } else { &payload };
        let _ = stdin.as_mut().map(|stdin| stdin.write_all(sent));
        if seed.below(2) == 0 && !half {
            stdin = None;
        }
        if kill {
            after(Duration::from_micros(seed.below(900) as u64));
            let _ = hook.kill();
        }
        let output = hook.wait_with_output().unwrap_or_else(|error| panic!("wait for a hook: {error}"));
        drop(stdin);
        assert!(output.stdout.is_empty() && output.stderr.is_empty(), "a hook is not silent: {output:?}");
        let acked = output.status.code() == Some(0);
        assert!(acked || kill, "a hook that nobody killed ends with {}", output.status);
        count.hooks.fetch_add(u64::from(!acked), Ordering::Relaxed);
        ledger.enter(payload, if acked { Fate::Acked } else { Fate::Unsaid });
    }
    ledger
}

const EVENTS: [&str; 3] = ["UserPromptSubmit", "PostToolUse", "Stop"];

/// What Claude Code would send, different each time; at most 60 KiB, which a pipe holds.
fn payload(seed: &mut Seed, n: usize) -> Vec<u8> {
    let (event, session) =
        (EVENTS[n % EVENTS.len()], if n.is_multiple_of(2) { SESSION } else { "5f1f2a90-0000-4000-8000-00000000000b" });
    let text = "word ".repeat(if seed.below(10) == 0 { seed.below(12_000) } else { seed.below(100) });
    let field = match event {
        "UserPromptSubmit" => format!(r#""prompt":"{n} {text}""#),
        "Stop" => format!(r#""last_assistant_message":"{n} {text}""#),
        _ => format!(
            r#""tool_name":"Bash","tool_use_id":"toolu_{n}","tool_input":{{"command":"{n}"}},"tool_response":{{"stdout":"{text}"}}"#
        ),
    };
    let prompt = n / EVENTS.len();
    let payload = format!(
        r#"{{"session_id":"{session}","transcript_path":"/none","cwd":"/src","prompt_id":"p{prompt}","hook_event_name":"{event}",{field}}}"#
    );
    payload.into_bytes()
}

/// Starts ingesters one after another and kills each, until enough have died.
fn ingesters(world: &World, mut seed: Seed, at_once: usize, count: &Count) {
    let _working = count.working();
    while count.all() < EPOCH {
        // When enough have died, those that come take in what the hooks still write.
        let kill = count.ingesters.load(Ordering::Relaxed) < EPOCH - OF_HOOKS;
        let args: &[&str] = if seed.below(2) == 0 || !kill { &["once"] } else { &["run", "--every", "20ms"] };
        // With small batches one thread reads while another commits.
        let batch = if seed.below(2) == 0 { "7" } else { "1024" };
        let command = world.bin("ingest").args(args).args(["--batch", batch, "--projects"]).arg(world.projects_root());
        let mut child = spawn(command.into_command());
        // Beside others it is as much slower; half of them die in their first steps.
        if kill {
            let longest = if seed.below(2) == 0 { 12 } else { 60 } * at_once.div_ceil(2);
            thread::sleep(Duration::from_micros(seed.below(longest * 1_000) as u64));
            let _ = child.kill();
        }
        let output = child.wait_with_output().unwrap_or_else(|error| panic!("wait for an ingester: {error}"));
        match output.status.code() {
            None => drop(count.ingesters.fetch_add(1, Ordering::Relaxed)),
            Some(0) => {}
            Some(code) => {
                panic!("an ingester that nobody killed ends with {code}: {}", String::from_utf8_lossy(&output.stderr))
            }
        }
    }
}

/// Adds an exchange to the transcript, in two writes, as another program would.
fn grow(world: &World, n: usize) -> String {
    let id = |kind: u32, n: usize| format!("{kind:08}-0000-4000-8000-{n:012}");
    let parent = if n == 0 { "null".to_owned() } else { format!("\"{}\"", id(1, n - 1)) };
    let line = format!(
        r#"{{"parentUuid":{parent},"isSidechain":false,"userType":"external","cwd":"/src","sessionId":"{SESSION}","version":"2.1.330","type":"user","message":{{"role":"user","content":"line {n}"}},"uuid":"{}","timestamp":"2026-11-27T08:00:00.000Z"}}"#,
        id(1, n)
    ) + "\n";
    let path = world.projects_root().join(TRANSCRIPT);
    let file = OpenOptions::new().create(true).append(true).open(&path);
    let mut file = file.unwrap_or_else(|error| panic!("open {}: {error}", path.display()));
    let (begin, end) = line.as_bytes().split_at(line.len() / 2);
    for part in [begin, end] {
        file.write_all(part).unwrap_or_else(|error| panic!("write {}: {error}", path.display()));
        thread::sleep(Duration::from_micros(200));
    }
    line
}

fn spawn(mut command: std::process::Command) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap_or_else(|error| panic!("start {command:?}: {error}"))
}

/// Waits without giving the core away: sleeping would be longer than a hook lives.
fn after(time: Duration) {
    let begin = Instant::now();
    while begin.elapsed() < time {
        std::hint::spin_loop();
    }
}
