//! Programs under strace: which system calls they make, and death or an error at one of them.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use harness::{Cmd, Seed};

/// No traced run has business taking longer; one that does is a breach.
const LIMIT: Duration = Duration::from_secs(90);

/// The kernel lets all other calls pass without stopping the program. Not where a signal is sent, which strace 6.1 forgets then.
const UNHINDERED: &str = "--seccomp-bpf";

/// One system call of a run: the `nth` of its name, from 1, in each thread by itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Point {
    /// Its name.
    pub(crate) call: String,
    /// Which one.
    pub(crate) nth: usize,
}

/// `command`, traced with these options and fed with `stdin`.
fn traced(options: &[&str], command: Cmd, stdin: &[u8]) -> Output {
    let inner = command.into_command();
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq"]).args(options).arg("--").arg(inner.get_program()).args(inner.get_args()).env_clear();
    strace.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(dir) = inner.get_current_dir() {
        strace.current_dir(dir);
    }
    strace.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = strace.spawn().unwrap_or_else(|error| panic!("start strace, which this part needs: {error}"));
    // Small enough for the pipe; who died before reading it needs none.
    let _ = child.stdin.take().map(|mut pipe| std::io::Write::write_all(&mut pipe, stdin));
    let begin = Instant::now();
    while child.try_wait().unwrap_or_else(|error| panic!("wait for strace: {error}")).is_none() {
        if begin.elapsed() > LIMIT {
            // strace and what it traces: alone it would leave that running.
            let _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", child.id())]).status();
            panic!("it hangs under strace with {options:?}: {:?}", strace.get_args().collect::<Vec<_>>());
        }
        thread::sleep(Duration::from_millis(1));
    }
    child.wait_with_output().unwrap_or_else(|error| panic!("wait for strace: {error}"))
}

/// The calls of a run, each with its thread.
fn calls(trace: &str) -> impl Iterator<Item = (&str, &str)> {
    trace.lines().filter_map(|line| {
        let (thread, call) = line.split_once(' ')?;
        let (name, _) = call.trim_start().split_once('(')?;
        let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && name != "execve";
        is_name.then_some((name, thread))
    })
}

/// As [`points`], of a program of one thread, in the order in which it comes to them.
///
/// # Panics
/// When the run fails.
pub(crate) fn in_order(command: Cmd, stdin: &[u8], scratch: &Path) -> Vec<Point> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let trace = trace(command, stdin, scratch);
    let point = |(name, _): (&str, &str)| {
        let nth = counts.entry(name.to_owned()).or_default();
        *nth += 1;
        Point { call: name.to_owned(), nth: *nth }
    };
    calls(&trace).map(point).collect()
}

/// What strace writes of a run that nothing hinders.
fn trace(command: Cmd, stdin: &[u8], scratch: &Path) -> String {
    let path = scratch.join("trace");
    let output = traced(&["-o", &path.to_string_lossy()], command, stdin);
    assert!(output.status.success(), "a run that nothing hinders fails: {output:?}");
    let text = fs::read(&path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()));
    String::from_utf8_lossy(&text).into_owned()
}

/// Every system call of a run that nothing hinders, but the one that starts the program and those that come back by themselves.
///
/// # Panics
/// When the run fails.
pub(crate) fn points(command: Cmd, stdin: &[u8], scratch: &Path) -> Vec<Point> {
    let text = trace(command, stdin, scratch);
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (name, thread) in calls(&text) {
        *counts.entry((name, thread)).or_default() += 1;
    }
    let mut most: BTreeMap<&str, usize> = BTreeMap::new();
    for ((name, _), n) in counts {
        let known = most.entry(name).or_default();
        *known = n.max(*known);
    }
    let all = most.into_iter().flat_map(|(call, n)| (1..=n).map(move |nth| Point { call: call.to_owned(), nth }));
    all.collect()
}

/// Kills a run right before a system call; whether it came to that.
pub(crate) fn kill(command: Cmd, stdin: &[u8], point: &Point) -> bool {
    let inject = format!("inject={}:signal=SIGKILL:when={}", point.call, point.nth);
    let output = inject_into(command, stdin, point, &inject, &["-o", "/dev/null"]);
    // strace ends as its child did.
    output.status.signal() == Some(9)
}

/// Lets a system call fail with `error`, from that one on if `on`; how the run ended, and whether it came to that call. An
/// interruption does not stay, by its nature: whoever is interrupted five times in a row tries again.
pub(crate) fn fail(command: Cmd, stdin: &[u8], point: &Point, error: &str, on: bool) -> (Output, bool) {
    let until = match (on, error) {
        (false, _) => String::new(),
        (true, "EINTR") => format!("..{}", point.nth + 4),
        (true, _) => "+".to_owned(),
    };
    let inject = format!("inject={}:error={error}:when={}{until}", point.call, point.nth);
    let log = tempfile::NamedTempFile::new().unwrap_or_else(|error| panic!("a file for what strace says: {error}"));
    let said = log.path().to_string_lossy();
    let output = inject_into(command, stdin, point, &inject, &["-o", &said, UNHINDERED]);
    let told = fs::read_to_string(log.path()).unwrap_or_else(|error| panic!("read {said}: {error}"));
    (output, told.contains("(INJECTED)"))
}

fn inject_into(command: Cmd, stdin: &[u8], point: &Point, inject: &str, more: &[&str]) -> Output {
    let trace = format!("trace={}", point.call);
    traced(&[more, &["-e", &trace, "-e", inject]].concat(), command, stdin)
}

/// At most `most` of them, chosen at random.
pub(crate) fn some(mut points: Vec<Point>, most: usize, seed: &mut Seed) -> Vec<Point> {
    if points.len() > most {
        seed.shuffle(&mut points);
        points.truncate(most);
        points.sort();
    }
    points
}
