//! What `run` costs while nothing happens, and how long it takes from a prompt to its being found.
//!
//! A minute of an idle `run` with default settings: its CPU time and memory from /proc, and in a second run its system
//! calls, counted by strace from five seconds after its start. Then a hundred prompts through the real hook, each at another
//! moment of the second between two looks, until the API finds its word; beside it the floor: half of that second.
//! `PROMPT_MANAGER_BENCH_SECONDS` (60) and `PROMPT_MANAGER_BENCH_PROMPTS` (100) say how long and how many.
#![expect(clippy::print_stdout, reason = "a benchmark is its table")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use harness::{Figure, World, bin};

/// What is counted begins so long after the start, and the first sweep.
const WARM_UP: Duration = Duration::from_secs(5);

fn main() {
    // `cargo test --benches` runs this too, and only wants to know that it does.
    let full = std::env::args().any(|arg| arg == "--bench");
    let number = |name: &str| std::env::var(name).ok().and_then(|n| n.parse().ok());
    let seconds = number("PROMPT_MANAGER_BENCH_SECONDS").unwrap_or(if full { 60 } else { 2 });
    let prompts = number("PROMPT_MANAGER_BENCH_PROMPTS").unwrap_or(if full { 100 } else { 2 });
    let (idle, prompts) = (Duration::from_secs(u64::from(seconds)), prompts);
    cpu(idle);
    system_calls(idle);
    searchable(prompts);
}

/// A `run` of this world that is ended when this goes out of scope.
struct Running(Child);

impl Running {
    fn start(mut command: Command) -> Self {
        Self(
            command
                .process_group(0)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("it starts"),
        )
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The whole group: strace hears no signal while it traces.
        let _ = Command::new("kill").args(["-TERM", "--", &format!("-{}", self.0.id())]).status();
        let _ = self.0.wait();
    }
}

/// A world with a few sessions in its store.
fn lived_in() -> World {
    let world = World::new();
    for scenario in harness::SCENARIOS {
        world.projects(scenario);
        world.feed(scenario);
    }
    world.ingest_once();
    world
}

fn run(world: &World) -> Command {
    world.bin("ingest").args(["run", "--projects"]).arg(world.projects_root()).into_command()
}

fn cpu(idle: Duration) {
    let world = lived_in();
    let running = Running::start(run(&world));
    thread::sleep(WARM_UP);
    let before = ticks(running.0.id());
    let begin = Instant::now();
    thread::sleep(idle);
    let seconds = (ticks(running.0.id()) - before) as f64 / 100.0; // USER_HZ is 100 on every Linux that we know
    let rss = field(&format!("/proc/{}/status", running.0.id()), "VmRSS:");
    let (took, resident) = (begin.elapsed().as_secs_f64(), rss as f64 / 1024.0);
    let share = 100.0 * seconds / took;
    println!("idle run: {seconds:.2} s of CPU in {took:.0} s ({share:.2} %), {resident:.1} MiB resident");
    Figure::new("idle run, of a core", share, "%").tell();
    Figure::new("idle run, resident", resident, "MiB").tell();
}

/// User and system time in clock ticks.
fn ticks(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    [11, 12].iter().filter_map(|at| fields.get(*at)?.parse::<u64>().ok()).sum()
}

fn field(path: &str, name: &str) -> u64 {
    let text = fs::read_to_string(path).expect("it runs");
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}

fn system_calls(idle: Duration) {
    if Command::new("strace").arg("-V").stdout(Stdio::null()).status().is_err() {
        println!("idle run: system calls not counted, strace is not installed");
        return;
    }
    let world = lived_in();
    let trace = world.root().join("trace");
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-ttt", "-o"]).arg(&trace).arg(bin("ingest"));
    let inner = run(&world);
    command.args(inner.get_args()).env_clear().current_dir(world.root());
    for (name, value) in inner.get_envs() {
        command.envs(value.map(|value| (name, value)));
    }
    let running = Running::start(command);
    thread::sleep(WARM_UP + idle);
    drop(running);
    let counts = counted(&trace, idle);
    let all: u64 = counts.values().sum();
    println!("idle run: {all} system calls in {:.0} s: {}", idle.as_secs_f64(), shown(&counts));
    Figure::new("idle run, system calls", all as f64 / idle.as_secs_f64(), "a second").tell();
}

/// The calls within `idle` after the warm-up, by name. A line is `PID SECONDS NAME(...`.
fn counted(trace: &Path, idle: Duration) -> BTreeMap<String, u64> {
    let text = fs::read_to_string(trace).expect("a trace");
    let line = |line: &str| -> Option<(f64, String)> {
        let mut words = line.split_whitespace().skip(1);
        let time = words.next()?.parse().ok()?;
        Some((time, words.next()?.split('(').next()?.to_owned()))
    };
    let calls: Vec<_> = text.lines().filter_map(line).collect();
    let begin = calls.first().map_or(0.0, |(time, _)| *time) + WARM_UP.as_secs_f64();
    let mut counts = BTreeMap::new();
    for (time, name) in calls {
        if (begin..begin + idle.as_secs_f64()).contains(&time) && !name.starts_with(['<', '-', '+']) {
            *counts.entry(name).or_default() += 1;
        }
    }
    counts
}

fn shown(counts: &BTreeMap<String, u64>) -> String {
    let mut sorted: Vec<_> = counts.iter().collect();
    sorted.sort_by_key(|(_, n)| std::cmp::Reverse(**n));
    sorted.iter().map(|(name, n)| format!("{n} {name}")).collect::<Vec<_>>().join(", ")
}

fn searchable(prompts: u32) {
    let world = lived_in();
    let _running = Running::start(run(&world));
    let server = world.serve();
    thread::sleep(Duration::from_secs(1));
    let mut took = Vec::new();
    for n in 0..prompts {
        // Spread evenly over the second between two looks, in an order that is no rhythm of its own.
        thread::sleep(Duration::from_millis(u64::from(n * 617 % 1000)));
        let word = format!("word{n}x");
        let session = format!("00000000-0000-4000-8000-{n:012}");
        let payload = format!(
            r#"{{"session_id":"{session}","transcript_path":"/none","cwd":"/src","prompt_id":"p{n}","hook_event_name":"UserPromptSubmit","prompt":"find {word} again"}}"#
        );
        let begin = Instant::now();
        world.hook("UserPromptSubmit", payload);
        let found = loop {
            let (status, page) = server.get(&format!("/api/conversations?q={word}"));
            assert_eq!(status, 200, "{page}");
            if page["items"].as_array().is_some_and(|items| !items.is_empty()) {
                break begin.elapsed();
            }
            assert!(begin.elapsed() < Duration::from_secs(60), "{word} is not found");
            thread::sleep(Duration::from_millis(2));
        };
        took.push(found);
    }
    took.sort();
    let at = |share: f64| took[((took.len() - 1) as f64 * share).round() as usize].as_millis();
    println!(
        "capture to searchable, {prompts} prompts: median {} ms, p95 {} ms, longest {} ms (floor: 500 ms, half the time between two looks)",
        at(0.5),
        at(0.95),
        at(1.0)
    );
    let figure = |what, share| Figure::new(what, at(share) as f64, "ms");
    figure("capture to searchable, median", 0.5).beside("half the time between two looks", 500.0).tell();
    figure("capture to searchable, p95", 0.95).tell();
}
