//! What the hook costs, from spawn to exit, beside what nothing else can be faster than and what it replaces.
//!
//! All programs are run in turn, round after round, the same way and on the same file system, so that the noise of the
//! machine falls on all of them alike; the ratios are what counts. `PROMPT_MANAGER_BENCH_ROUNDS` sets the rounds.
//! The floor and empty programs are compiled with the target and the flags of the hook's own release build.
#![expect(clippy::print_stdout, reason = "a benchmark is its table")]

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use harness::{Figure, repository};

/// The hook of the first plan, word for word, with its queue from outside.
const BASH: &str =
    "#!/bin/bash\nFILE=\"$QUEUE/$(date +%s%N)-$$.json\"\nHOOK_DATA=$(cat)\necho \"$HOOK_DATA\" > \"$FILE\"\n";

/// The flags of the hook's profile and of ops/build.
const FLAGS: [&str; 7] = [
    "opt-level=3",
    "panic=abort",
    "lto=fat",
    "codegen-units=1",
    "strip=symbols",
    "target-feature=+crt-static",
    "relocation-model=static",
];

/// How many are measured in turn. A prime number, for the order to change.
const PROGRAMS: usize = 5;

/// A program under measurement, with a queue of its own.
struct Program {
    name: &'static str,
    path: PathBuf,
    queue: PathBuf,
    times: Vec<Duration>,
}

impl Program {
    fn new(name: &'static str, path: PathBuf, root: &Path) -> Self {
        let queue = root.join(name.replace(' ', "-")).join("queue");
        for dir in ["tmp", "incoming"] {
            fs::create_dir_all(queue.join(dir)).expect("a queue");
        }
        Self { name, path, queue, times: Vec::new() }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        // The floor takes its place from the environment, the hook from its arguments, as each would be installed.
        command.env_clear().env("PATH", "/usr/bin:/bin").env("QUEUE", &self.queue);
        if self.name == "prompt-hook" {
            command
                .arg("UserPromptSubmit")
                .arg("--queue")
                .arg(&self.queue)
                .arg("--spill")
                .arg(self.queue.join("spill"));
        }
        command
    }

    /// From spawn to exit, with the payload already in the pipe.
    fn run_filled(&mut self, payload: &[u8]) {
        let (reader, mut writer) = io::pipe().expect("a pipe");
        writer.write_all(payload).expect("the payload fits the pipe");
        drop(writer);
        let mut command = self.command();
        command.stdin(reader);
        let begin = Instant::now();
        let status = command.status().expect("the program starts");
        self.times.push(begin.elapsed());
        assert!(status.success(), "{}: {status}", self.name);
    }

    /// From spawn to exit, with the payload written meanwhile; then what was stored is thrown away.
    fn run_fed(&mut self, payload: &[u8]) {
        let (reader, mut writer) = io::pipe().expect("a pipe");
        let mut command = self.command();
        command.stdin(reader);
        if self.name == "cat" {
            command.stdout(File::create(self.queue.join("incoming/cat")).expect("a file"));
        }
        let begin = Instant::now();
        let mut child = command.spawn().expect("the program starts");
        drop(command); // and with it our end for reading
        writer.write_all(payload).expect("the program reads all of it");
        drop(writer);
        let status = child.wait().expect("the program ends");
        self.times.push(begin.elapsed());
        assert!(status.success(), "{}: {status}", self.name);
        let stored: Vec<_> = fs::read_dir(self.queue.join("incoming")).expect("a directory").flatten().collect();
        assert_eq!(stored.len(), 1, "{} stored one file", self.name);
        for entry in stored {
            assert_eq!(entry.metadata().expect("a file").len(), payload.len() as u64, "{}", self.name);
            fs::remove_file(entry.path()).expect("our own file");
        }
    }

    /// The time below which this share of the runs lies, in microseconds.
    fn percentile(&self, percent: usize) -> f64 {
        let mut times = self.times.clone();
        times.sort_unstable();
        times[(times.len() * percent / 100).min(times.len() - 1)].as_secs_f64() * 1e6
    }
}

fn main() {
    let rounds: usize = std::env::var("PROMPT_MANAGER_BENCH_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(2_000);
    let root = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let hook = build_hook();
    println!("prompt-hook: {} bytes, {}", fs::metadata(&hook).expect("it is built").len(), target_of(&hook));

    let bash = root.path().join("original.sh");
    fs::write(&bash, BASH).expect("a script");
    let mut set = Command::new("chmod");
    assert!(set.arg("+x").arg(&bash).status().is_ok_and(|status| status.success()), "chmod");

    let compiled = |source: &str| compile(source, target_of(&hook), root.path());
    let mut programs: [_; PROGRAMS] = [
        Program::new("floor", compiled("floor"), root.path()),
        Program::new("prompt-hook", hook.clone(), root.path()),
        Program::new("empty", compiled("empty"), root.path()),
        Program::new("floor, std entry", compiled("floor_std"), root.path()),
        Program::new("original script", bash, root.path()),
    ];
    let payload = payload(4 * 1024);
    for round in 0..rounds {
        // Their number is prime, so with a step that changes each follows each of the others: what runs after a large program
        // finds colder caches.
        let step = 1 + round % (PROGRAMS - 1);
        (0..PROGRAMS).for_each(|i| programs[i * step % PROGRAMS].run_filled(&payload));
    }
    table(&format!("4 KiB, {rounds} rounds"), &programs);
    let [floor, hook_program, empty, _, script] = &programs;
    for percent in [50, 99] {
        tell("hook, 4 KiB", hook_program, floor, "reads, writes, renames", percent);
    }
    tell("an empty program in its place", empty, floor, "reads, writes, renames", 50);
    tell("the script of the first plan", script, floor, "reads, writes, renames", 50);

    for (size, rounds) in [(1 << 20, rounds.div_ceil(10)), (64 << 20, rounds.div_ceil(100))] {
        let payload = self::payload(size);
        let mut programs = [
            Program::new("cat", "/bin/cat".into(), root.path()),
            Program::new("prompt-hook", hook.clone(), root.path()),
        ];
        programs.iter().for_each(|program| empty_dir(&program.queue.join("incoming")));
        for _ in 0..rounds {
            programs.iter_mut().for_each(|program| program.run_fed(&payload));
        }
        table(&format!("{} MiB, {rounds} rounds", size >> 20), &programs);
        tell(&format!("hook, {} MiB", size >> 20), &programs[1], &programs[0], "cat into a file", 50);
    }
    let peak = peak_kib(&Program::new("prompt-hook", hook, root.path()), &self::payload(64 << 20));
    println!("\nresident set of prompt-hook at 64 MiB: {peak} KiB");
    Figure::new("hook, 64 MiB, resident", peak as f64 / 1024.0, "MiB").tell();
}

/// Hands over the time of a program below which so many percent of its runs lie, beside another's.
fn tell(what: &str, program: &Program, floor: &Program, does: &str, percent: usize) {
    let figure = Figure::new(format!("{what}, p{percent}"), program.percentile(percent), "us");
    figure.beside(does, floor.percentile(percent)).tell();
}

/// Rows beside the first, which is what the others are held against.
fn table(title: &str, programs: &[Program]) {
    println!(
        "\n{title:<24} {:>10} {:>10} {:>10}   p50 and p99 beside {}",
        "p50 us", "p90 us", "p99 us", programs[0].name
    );
    for program in programs {
        let [p50, p90, p99] = [50, 90, 99].map(|percent| program.percentile(percent));
        let (by50, by99) = (p50 / programs[0].percentile(50), p99 / programs[0].percentile(99));
        println!("{:<24} {p50:>10.0} {p90:>10.0} {p99:>10.0}   {by50:.2} x  {by99:.2} x", program.name);
    }
}

/// A payload of this size as Claude Code sends them: the fields, and one long text with an escape on each line.
fn payload(size: usize) -> Vec<u8> {
    let head =
        r#"{"session_id":"0914908d-acc8-48aa-98d6-77d558fb9590","hook_event_name":"UserPromptSubmit","prompt":""#;
    let mut bytes = head.as_bytes().to_vec();
    let line = br#"    let \"value\" = compute(&input, 42)?; // one line of what people paste into a prompt\n"#;
    bytes.extend(line.iter().cycle().take((size - head.len() - 2) / line.len() * line.len()));
    bytes.resize(size - 2, b'.');
    bytes.extend(b"\"}");
    bytes
}

/// The peak of memory that is resident, read while the hook waits for the last byte.
fn peak_kib(program: &Program, payload: &[u8]) -> u64 {
    let mut child = program.command().stdin(Stdio::piped()).spawn().expect("the hook starts");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(&payload[..payload.len() - 1]).expect("the hook reads");
    thread::sleep(Duration::from_millis(200));
    let peak = status_kib(&child, "VmHWM:");
    stdin.write_all(&payload[payload.len() - 1..]).expect("the hook reads");
    assert!(child.wait().expect("the hook ends").success());
    peak
}

fn status_kib(child: &Child, field: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).expect("it still runs");
    let line = status.lines().find_map(|line| line.strip_prefix(field)).expect("the kernel counts it");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

fn empty_dir(dir: &Path) {
    for entry in fs::read_dir(dir).expect("a directory").flatten() {
        fs::remove_file(entry.path()).expect("our own file");
    }
}

fn build_hook() -> PathBuf {
    let output = Command::new(repository().join("ops/build")).arg("--hook-only").stderr(Stdio::inherit()).output();
    let output = output.expect("ops/build starts");
    assert!(output.status.success(), "ops/build failed");
    PathBuf::from(String::from_utf8_lossy(&output.stdout).trim())
}

/// `…/TARGET/hook/prompt-hook`.
fn target_of(hook: &Path) -> &str {
    let target = hook.ancestors().nth(2).and_then(Path::file_name).and_then(|name| name.to_str());
    target.expect("ops/build names the target")
}

fn compile(source: &str, target: &str, root: &Path) -> PathBuf {
    let program = root.join(format!("{source}.bin"));
    let mut rustc = Command::new("rustc");
    rustc.args(["--edition", "2024", "--target", target, "-o"]).arg(&program);
    rustc.args(FLAGS.iter().flat_map(|flag| ["-C", flag]));
    rustc.arg(repository().join(format!("tests/benches/hook/{source}.rs")));
    assert!(rustc.status().is_ok_and(|status| status.success()), "{rustc:?}");
    program
}
