//! A program run for its figures: how long it took and how much memory it had at most.

use std::fs;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// What a run cost.
#[derive(Debug)]
pub struct Measured {
    /// From start to end.
    pub took: Duration,
    /// The largest resident set, in KiB: the kernel's own high-water mark, read until shortly before the end.
    pub peak_kib: u64,
    /// What it wrote on stdout.
    pub output: Output,
}

/// Runs `command` to its end, however long that takes.
///
/// # Panics
/// When it cannot be started, or fails.
pub fn measure(mut command: Command) -> Measured {
    let begin = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("start {command:?}: {error}"));
    let status = format!("/proc/{}/status", child.id());
    let mut peak_kib = 0;
    while child.try_wait().expect("a child can be waited for").is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak_kib = peak_kib.max(line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0));
        // Seldom enough to cost a long run nothing, often enough for a short one.
        thread::sleep((begin.elapsed() / 100).clamp(Duration::from_micros(200), Duration::from_millis(10)));
    }
    let took = begin.elapsed();
    let output = child.wait_with_output().expect("the child has ended");
    assert!(output.status.success(), "{command:?} failed:\n{}", String::from_utf8_lossy(&output.stdout));
    Measured { took, peak_kib, output }
}
