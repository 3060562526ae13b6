//! Weeks of an ingester's life in some minutes: the real `ingest run`, under a clock that is faster than the machine's.
//!
//! libfaketime makes it believe that time flies. Events come as fast as it takes them in, each in the file that a hook would
//! have written at that time, some by the hook itself; sessions come with transcripts that grow. What must not grow is
//! looked at all the while: the log of the database, the archive, our own logs, memory, open files, tmp, processes.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use harness::{Generator, Seed, World, law};

use crate::figures::Figures;
use crate::ledger::{Fate, Ledger};
use crate::part::Run;
use crate::stage;

/// Where Debian has it.
const LIBFAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";
/// How many events may wait before more are written.
const WAITING: usize = 2_000;
const DAY: Duration = Duration::from_secs(86_400);
/// Events of one session.
const SESSION: u64 = 60;
/// How many days the settings let the archive and failed keep, and how many backups there may be.
const KEPT_DAYS: usize = 2;
/// Today's, and two more for a clock in doubt: a pass that takes an hour of that clock is a jump to those who look at it.
const SPARE_DAYS: usize = 3;
/// Of so many events one is torn, and ends in failed.
const TORN: u64 = 5_000;
const BACKUPS: usize = 3;
/// What reliability R14 allows the log of the database and our own logs.
const WAL_MAX: u64 = 64 << 20;
const LOGS_MAX: u64 = 10 << 20;
/// KiB that it may hold at any time, also while it packs a day and copies the database; as much as a backlog may take.
const RESIDENT_MAX: u64 = 64 << 10;

pub(crate) fn run(run: &Run) -> Figures {
    if !Path::new(LIBFAKETIME).exists() {
        run.left_out("libfaketime is not installed");
        return Figures::default();
    }
    // Not so fast that more than a day goes between two looks at what is old, which are a minute apart and take another: the ingester
    // would doubt its clock, and keep all of it.
    let (events, speed, days) = (run.of(3_000, 1_000_000), run.of(9_000, 700), run.of(0, 7));
    let world = World::new();
    for place in [world.projects_root().join("-src"), world.root().join("config/prompt-manager")] {
        fs::create_dir_all(&place).unwrap_or_else(|error| panic!("make {}: {error}", place.display()));
    }
    let settings =
        format!("archive_keep = \"{KEPT_DAYS}d\"\nfailed_keep = \"{KEPT_DAYS}d\"\nbackup_keep = {BACKUPS}\n");
    fs::write(world.root().join("config/prompt-manager/config.toml"), settings)
        .unwrap_or_else(|error| panic!("settings: {error}"));

    let clock = Clock { began: SystemTime::now(), since: Instant::now(), speed };
    let mut soak = Soak {
        ingester: start(&world, speed),
        watched: Watched::default(),
        ledger: Ledger::default(),
        words: Generator::new(run.seed),
        seed: Seed::new(run.seed),
    };
    let mut written = 0;
    while written < events || clock.gone() < days * DAY {
        let room = WAITING.saturating_sub(law::names(&world.data().incoming()).len());
        for _ in 0..room.min(if written < events { 500 } else { 1 }) {
            soak.event(&world, &clock, written);
            written += 1;
        }
        soak.watched.look(&world, soak.ingester.id());
        thread::sleep(Duration::from_millis(50));
    }
    soak.end(&world, &clock)
}

/// The ingester's clock.
struct Clock {
    began: SystemTime,
    since: Instant,
    speed: u32,
}

impl Clock {
    /// How long it says that it runs.
    fn gone(&self) -> Duration {
        self.since.elapsed() * self.speed
    }

    fn nanoseconds(&self) -> u128 {
        (self.began + self.gone()).duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos())
    }
}

fn start(world: &World, speed: u32) -> Child {
    let command = world.bin("ingest").args(["run", "--every", "1s", "--projects"]).arg(world.projects_root());
    let command = command
        .env("LD_PRELOAD", LIBFAKETIME)
        .env("FAKETIME", format!("+0 x{speed}"))
        // It sleeps by the machine's own clock: the standard library asks the kernel to wake it, which knows no other.
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    let said = fs::File::create(world.root().join("ingest.err")).unwrap_or_else(|error| panic!("a file: {error}"));
    let mut command = command.env("PROMPT_MANAGER_MIN_SPACE", "1").into_command();
    let spawned = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said).spawn();
    spawned.unwrap_or_else(|error| panic!("start an ingester: {error}"))
}

struct Soak {
    ingester: Child,
    watched: Watched,
    ledger: Ledger,
    /// Words as often as people use them: what an index writes hangs on how many differ.
    words: Generator,
    seed: Seed,
}

/// It ends with us, whatever ends us.
impl Drop for Soak {
    fn drop(&mut self) {
        let _ = self.ingester.kill();
        let _ = self.ingester.wait();
    }
}

impl Soak {
    /// Event number `n`, where a hook would leave it at this time; one in two thousand by the hook itself.
    fn event(&mut self, world: &World, clock: &Clock, n: u64) {
        let session = format!("5f1f2a90-0000-4000-8000-{:012}", n / SESSION);
        let kinds = [("UserPromptSubmit", "prompt"), ("PostToolUse", "tool_name"), ("Stop", "last_assistant_message")];
        let (event, field) = kinds[usize::try_from(n % 3).unwrap_or(0)];
        let prompt = n / 3;
        let length = self.seed.below(870);
        let prose = self.words.prose(&mut self.seed, length).replace('\n', "\\n");
        let payload = format!(
            r#"{{"session_id":"{session}","transcript_path":"/none","cwd":"/src","prompt_id":"p{prompt}","hook_event_name":"{event}","tool_use_id":"toolu_{n}","{field}":"number {n}: {prose}"}}"#
        );
        let ns = clock.nanoseconds();
        let torn = n % TORN == 7;
        let written = if torn { &payload[..payload.len() - 1] } else { &payload };
        if n.is_multiple_of(2_000) {
            let hook = world.bin("prompt-hook").arg(event).env("PROMPT_MANAGER_CLOCK_NS", ns.to_string());
            let _ = hook.stdin(payload.clone()).run().code(0).silent();
        } else {
            let name = format!("{ns:019}-{session}-{event}.json");
            let tmp = world.data().tmp().join(format!("{name}.copy"));
            let placed =
                fs::create_dir_all(world.data().tmp()).and_then(|()| fs::create_dir_all(world.data().incoming()));
            let placed = placed.and_then(|()| fs::write(&tmp, written));
            let placed = placed.and_then(|()| fs::rename(&tmp, world.data().incoming().join(name)));
            placed.unwrap_or_else(|error| panic!("place an event: {error}"));
        }
        self.ledger.enter(payload.into_bytes(), if torn { Fate::Unsaid } else { Fate::Acked });
        if n % SESSION < 3 && (n / SESSION).is_multiple_of(10) {
            grow(world, &session, n);
        }
    }

    /// Lets it take in the rest, ends it as a supervisor does, and holds the store to the books.
    fn end(mut self, world: &World, clock: &Clock) -> Figures {
        let begin = Instant::now();
        while !law::names(&world.data().incoming()).is_empty() || !law::names(&world.data().processing()).is_empty() {
            assert!(
                begin.elapsed() < Duration::from_secs(300),
                "the ingester does not come to an end: {}",
                world.tree()
            );
            thread::sleep(Duration::from_millis(100));
        }
        self.watched.look(world, self.ingester.id());
        let _ = std::process::Command::new("kill").args(["-TERM", &self.ingester.id().to_string()]).status();
        let status = self.ingester.wait().unwrap_or_else(|error| panic!("wait for the ingester: {error}"));
        assert_eq!(status.code(), Some(0), "the ingester's end");
        let left = law::names(&world.data().tmp());
        assert!(left.is_empty(), "left in tmp: {left:?}");
        let days = clock.gone().as_secs() / DAY.as_secs();
        let mut figures = self.watched.figures();
        figures.count("simulated days", days);
        figures.count("events", self.ledger.len() as u64);
        let backups = law::names(&world.data().backups());
        let backups = backups.iter().filter(|name| name.ends_with(".db")).count();
        assert!((1..=BACKUPS).contains(&backups), "{backups} backups after {days} days");
        let kept = law::names(&world.data().archive()).len();
        assert!(kept <= KEPT_DAYS + SPARE_DAYS, "{kept} days in the archive after {days} days");
        let torn = self.ledger.len() as u64 / TORN;
        let failed =
            law::names(&world.data().failed()).iter().filter(|name| name.ends_with(".json.reason.json")).count();
        println!("{kept} days in the archive, {failed} of about {torn} torn files in failed after {days} days");
        let most = torn * (KEPT_DAYS + SPARE_DAYS) as u64 / days.max(1) + 1;
        assert!(failed as u64 <= most, "{failed} of {torn} torn files in failed after {days} days");
        stage::drain(world);
        figures.add(&self.ledger.check(world).without("acked"));
        stage::check_derived(world);
        figures
    }
}

/// A line of a transcript that grows.
fn grow(world: &World, session: &str, n: u64) {
    let path: PathBuf = world.projects_root().join("-src").join(format!("{session}.jsonl"));
    let line = format!(
        r#"{{"parentUuid":null,"isSidechain":false,"userType":"external","cwd":"/src","sessionId":"{session}","version":"2.1.330","type":"user","message":{{"role":"user","content":"typed {n}"}},"uuid":"00000000-0000-4000-8000-{n:012}","timestamp":"2026-11-27T08:00:00.000Z"}}"#
    ) + "\n";
    let grown =
        OpenOptions::new().create(true).append(true).open(&path).and_then(|mut file| file.write_all(line.as_bytes()));
    grown.unwrap_or_else(|error| panic!("grow {}: {error}", path.display()));
}

/// The largest of what must not grow.
#[derive(Debug, Default)]
struct Watched {
    looks: u64,
    /// When the next look at the archive is due: its files are many.
    next: Option<Instant>,
    wal: u64,
    archive: u64,
    logs: u64,
    /// Open files at each look.
    descriptors: Vec<u64>,
    /// Resident KiB at each look; beside the daily chores the largest alone: backups, their check and packing take memory of their own,
    /// which goes with them.
    resident: Vec<u64>,
    beside_chores: u64,
}

impl Watched {
    fn look(&mut self, world: &World, ingester: u32) {
        let wal = fs::metadata(world.data().database().with_extension("db-wal")).map_or(0, |meta| meta.len());
        self.wal = self.wal.max(wal);
        let begin = Instant::now();
        if self.next.is_none_or(|next| next <= begin) {
            self.archive = self.archive.max(size(&world.data().archive()));
            self.next = Some(Instant::now() + 20 * begin.elapsed());
        }
        self.logs = self.logs.max(size(&world.data().root().join("logs")));
        let descriptors = fs::read_dir(format!("/proc/{ingester}/fd")).map_or(0, |entries| entries.count() as u64);
        self.descriptors.push(descriptors);
        let status = fs::read_to_string(format!("/proc/{ingester}/status")).unwrap_or_default();
        let resident =
            status.lines().find_map(|line| line.strip_prefix("VmRSS:")).map(|line| line.trim().trim_end_matches(" kB"));
        let resident = resident.and_then(|kib| kib.parse::<u64>().ok());
        if threads(ingester).iter().any(|name| name == "chores") {
            self.beside_chores = self.beside_chores.max(resident.unwrap_or(0));
        } else {
            self.resident.extend(resident);
        }
        let children = fs::read_to_string(format!("/proc/{ingester}/task/{ingester}/children")).unwrap_or_default();
        assert_eq!(children.trim(), "", "children of the ingester");
        self.looks += 1;
        assert!(self.wal <= WAL_MAX, "the log of the database has {} bytes", self.wal);
        assert!(self.logs <= LOGS_MAX, "our logs have {} bytes", self.logs);
    }

    fn figures(&self) -> Figures {
        // The middle of the first and of the last third: where it grows, the last one is larger.
        let middle = |part: &[u64]| {
            let mut part = part.to_vec();
            part.sort_unstable();
            part.get(part.len() / 2).copied().unwrap_or(0)
        };
        let ends = |looks: &[u64]| (middle(&looks[..looks.len() / 3]), middle(&looks[looks.len() - looks.len() / 3..]));
        let (first, last) = ends(&self.resident);
        let (open_first, open_last) = ends(&self.descriptors);
        println!(
            "largest: log of the database {} KiB, archive {} KiB, our logs {} KiB; open files {open_first} in the first third, {open_last} in the last; resident {first} KiB in the first third, {last} KiB in the last, at most {} KiB beside the daily chores",
            self.wal >> 10,
            self.archive >> 10,
            self.logs >> 10,
            self.beside_chores
        );
        assert!(
            self.resident.len() < 100 || last <= first + first / 20 + 1_024,
            "memory grows from {first} to {last} KiB"
        );
        assert!(
            self.descriptors.len() < 100 || open_last <= open_first,
            "open files: from {open_first} to {open_last}"
        );
        let most = self.resident.iter().copied().max().unwrap_or(0).max(self.beside_chores);
        assert!(most <= RESIDENT_MAX, "it held {most} KiB");
        let mut figures = Figures::default();
        figures.count("looks at what must not grow", self.looks);
        figures
    }
}

/// The names of a process's threads.
fn threads(process: u32) -> Vec<String> {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let names = tasks.filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
    names.map(|name| name.trim_end().to_owned()).collect()
}

fn size(folder: &Path) -> u64 {
    let mut sum = 0;
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        sum += match entry.metadata() {
            Ok(meta) if meta.is_dir() => size(&entry.path()),
            Ok(meta) => meta.len(),
            Err(_) => 0, // gone meanwhile
        };
    }
    sum
}
