//! Several slices at once, each in a process of its own: a part that waits for a disk or a clock leaves the cores to another.
//!
//! In full one part follows the other, as what a part counts within a time must not depend on what runs beside it.

use std::io::{self, Read, Write};
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::part::Part;

/// Runs the slice of each part, as many at once as there are cores, and prints all that one said when it has ended; whether all
/// claims held.
pub(crate) fn slices(parts: &[&Part], seed: u64) -> bool {
    let lanes = thread::available_parallelism().map_or(1, usize::from);
    let (next, held, out) = (AtomicUsize::new(0), AtomicUsize::new(0), Mutex::new(io::stdout()));
    thread::scope(|scope| {
        for _ in 0..lanes {
            scope.spawn(|| {
                while let Some(part) = parts.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let say = |bytes: &[u8]| {
                        let _ = out.lock().unwrap_or_else(PoisonError::into_inner).write_all(bytes);
                    };
                    say(format!("== {}: begins\n", part.name).as_bytes());
                    let (said, status) = slice(part, seed).unwrap_or_else(|error| panic!("run {}: {error}", part.name));
                    say(&said);
                    if !status.success() {
                        say(format!("== {}: ended with {status}; again with --seed {seed}\n", part.name).as_bytes());
                    }
                    held.fetch_add(usize::from(status.success()), Ordering::Relaxed);
                }
            });
        }
    });
    held.into_inner() == parts.len()
}

/// This very program with one part; what it said on both its outputs, in order, and how it ended.
fn slice(part: &Part, seed: u64) -> io::Result<(Vec<u8>, ExitStatus)> {
    let (mut reader, writer) = io::pipe()?;
    // Itself, also where cargo has built another in its place meanwhile.
    let mut command = Command::new("/proc/self/exe");
    command.args(["--slice", "--seed", &seed.to_string(), part.name]);
    command.stdout(writer.try_clone()?).stderr(writer);
    let mut child = command.spawn()?;
    // It holds the writing end, and would keep the pipe open for good.
    drop(command);
    let mut said = Vec::new();
    reader.read_to_end(&mut said)?;
    Ok((said, child.wait()?))
}
