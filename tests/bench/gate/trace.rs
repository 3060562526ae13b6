//! A program under strace: which system calls it made, and how many bytes it wrote.

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;

use harness::{Cmd, World};

/// What depends on how the allocator and threads met, or is a system call only on some kernels: they are not counted.
const ACCIDENTAL: [&str; 13] = [
    "brk",
    "mmap",
    "munmap",
    "madvise",
    "mremap",
    "futex",
    "sched_yield",
    "restart_syscall",
    "clock_nanosleep",
    // Elsewhere answered without the kernel.
    "clock_gettime",
    "gettimeofday",
    "getrandom",
    // A pass looks now and then whether somebody waits for the store, by the clock.
    "flock",
];
/// Those that write bytes, as what they give back.
const WRITES: [&str; 7] = ["write", "pwrite64", "writev", "pwritev", "pwritev2", "copy_file_range", "sendfile"];
/// Those that wait for the disk.
const SYNCS: [&str; 5] = ["fsync", "fdatasync", "sync_file_range", "sync", "syncfs"];

/// What a run did.
pub(super) struct Trace {
    text: String,
}

/// A command in this world that runs `program` under strace. What it does is then in [`Trace::of`].
pub(super) fn traced(world: &World, program: impl AsRef<OsStr>) -> Cmd {
    world.command("strace").args(["-f", "-qq", "-s", "0", "-o"]).arg(place(world)).arg(program)
}

fn place(world: &World) -> PathBuf {
    world.root().join("trace")
}

/// Whether strace works here.
pub(super) fn can() -> bool {
    let traced = std::process::Command::new("strace").args(["-o", "/dev/null", "true"]).status();
    traced.is_ok_and(|status| status.success())
}

impl Trace {
    /// What was traced in this world.
    ///
    /// # Panics
    /// When there is nothing.
    pub(super) fn of(world: &World) -> Self {
        Self { text: fs::read_to_string(place(world)).expect("a trace") }
    }

    /// All calls but accidental ones, each counted once, however long it took.
    pub(super) fn calls(&self) -> u64 {
        self.names().filter(|name| !ACCIDENTAL.contains(name)).count() as u64
    }

    /// Calls that wait for the disk.
    pub(super) fn syncs(&self) -> u64 {
        self.names().filter(|name| SYNCS.contains(name)).count() as u64
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.text.lines().filter_map(|line| name(rest(line)))
    }

    /// What all writes gave back.
    pub(super) fn written(&self) -> u64 {
        let lines = self.text.lines().map(rest);
        let writes = lines.filter(|line| {
            let name = name(line).or_else(|| line.strip_prefix("<... ")?.split(' ').next());
            name.is_some_and(|name| WRITES.contains(&name))
        });
        // A call that another thread came between says what it gave back in a later line of its own.
        writes.filter_map(|line| line.rsplit_once(" = ")?.1.split(' ').next()?.parse::<u64>().ok()).sum()
    }

    /// Of a program that sleeps and looks: the calls of its first thread from one sleep to the next, most often.
    pub(super) fn of_a_wake(&self) -> u64 {
        let first = self.text.split(' ').next().unwrap_or_default();
        let own = self.text.lines().filter(|line| line.split(' ').next() == Some(first)).map(rest);
        let (mut since, mut wakes) = (0, Vec::new());
        for line in own.filter(|line| name(line).is_some()) {
            since += 1;
            if line.starts_with("futex(") && line.contains("tv_sec=") {
                wakes.push(since);
                since = 0;
            }
        }
        let often = |calls: &u64| wakes.iter().filter(|other| *other == calls).count();
        wakes.iter().copied().max_by_key(|calls| (often(calls), std::cmp::Reverse(*calls))).unwrap_or(0)
    }
}

/// A line without the process.
fn rest(line: &str) -> &str {
    line.trim_start_matches(|sign: char| sign.is_ascii_digit()).trim_start()
}

/// The name of the call that begins in a line.
fn name(line: &str) -> Option<&str> {
    let (name, _) = line.split_once('(')?;
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_').then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(text: &str) -> Trace {
        Trace { text: text.to_owned() }
    }

    const TEXT: &str = "\
12 execve(\"/it\", 0x1 /* 4 vars */) = 0
12 brk(NULL)                       = 0x55
12 write(1, \"\"..., 10)             = 10
13 pwrite64(3, \"\"..., 4096, 0 <unfinished ...>
12 fsync(4)                        = 0
13 <... pwrite64 resumed>)         = 4096
12 write(9, \"\", 5)                 = -1 EBADF (Bad file descriptor)
12 --- SIGTERM {si_signo=SIGTERM} ---
12 +++ exited with 0 +++
";

    #[test]
    fn each_call_is_counted_once() {
        let trace = trace(TEXT);
        assert_eq!((trace.calls(), trace.syncs(), trace.written()), (5, 1, 4_106));
    }

    #[test]
    fn a_wake_is_what_lies_between_two_sleeps() {
        let wake =
            "7 statx(1) = 0\n7 statx(2) = 0\n8 read(3) = 0\n7 futex(0x1, FUTEX_WAIT, 1, {tv_sec=1}) = -1 ETIMEDOUT\n";
        let text = format!(
            "7 execve(\"/it\") = 0\n7 open(1) = 3\n7 futex(0x1, FUTEX_WAIT, 1, {{tv_sec=1}}) = -1\n{}",
            wake.repeat(3)
        );
        assert_eq!(trace(&text).of_a_wake(), 3);
    }
}
