//! Another program run to its end, but never for longer than it may take: it is ended then, with all that it started.

use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

/// Between two looks whether it has ended.
const LOOK: Duration = Duration::from_millis(10);

/// More of what it writes is not read, in bytes.
const LARGEST: usize = 16 * 1024 * 1024;

/// For so long its streams may stay open once it has ended.
const LINGER: Duration = Duration::from_secs(1);

/// What becomes of what it writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// It goes where ours goes.
    Shown,
    /// We read it.
    Kept,
}

/// How it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Its status.
    pub(crate) status: ExitStatus,
    /// Its stdout, if it was kept.
    pub(crate) stdout: Vec<u8>,
    /// Its stderr, if it was kept; what is no UTF-8 is replaced.
    pub(crate) stderr: String,
}

/// Runs it in a process group of its own, with `input` as its stdin.
///
/// # Errors
/// It could not be started, or was ended because it took longer than `limit` ([`io::ErrorKind::TimedOut`]).
pub(crate) fn run(command: &mut Command, input: &[u8], output: Output, limit: Duration) -> io::Result<Ended> {
    let stream = || match output {
        Output::Shown => Stdio::inherit(),
        Output::Kept => Stdio::piped(),
    };
    let stdin = if input.is_empty() { Stdio::null() } else { Stdio::piped() };
    let mut child = command.stdin(stdin).stdout(stream()).stderr(stream()).process_group(0).spawn()?;
    let (to, input) = (child.stdin.take(), input.to_owned());
    // On threads of their own, which nobody has to wait for: a program need not read its input, and what it left behind in another
    // group may hold its streams open for as long as it likes.
    thread::spawn(move || to.map(|mut to| to.write_all(&input)));
    let (stdout, stderr) = (Stream::read(child.stdout.take()), Stream::read(child.stderr.take()));
    let reins = Reins::take(&child);
    let status = wait(&mut child, limit);
    end_group(&child);
    drop(reins);
    let until = Instant::now() + LINGER;
    let (stdout, stderr) = (stdout.until(until), stderr.until(until));
    Ok(Ended { status: status?, stdout, stderr: String::from_utf8_lossy(&stderr).into_owned() })
}

/// What a stream has given so far.
struct Stream {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Stream {
    fn read(stream: Option<impl Read + Send + 'static>) -> Self {
        let bytes = Arc::<Mutex<Vec<u8>>>::default();
        let into = bytes.clone();
        let reader = thread::spawn(move || {
            let (Some(mut stream), mut part) = (stream, [0; 8192]) else { return };
            while let Ok(count @ 1..) = stream.read(&mut part) {
                let mut bytes = into.lock().unwrap_or_else(PoisonError::into_inner);
                // What comes behind the most is read and forgotten, so that its writer goes on.
                let room = LARGEST.saturating_sub(bytes.len()).min(count);
                bytes.extend_from_slice(&part[..room]);
            }
        });
        Self { bytes, reader }
    }

    /// All of it, or what has come by then.
    fn until(self, end: Instant) -> Vec<u8> {
        while !self.reader.is_finished() && Instant::now() < end {
            thread::sleep(LOOK);
        }
        std::mem::take(&mut *self.bytes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The groups that run now: whoever ends this process ends them first.
static RUNNING: Mutex<Vec<u32>> = Mutex::new(Vec::new());

struct Reins(u32);

impl Reins {
    fn take(child: &Child) -> Self {
        RUNNING.lock().unwrap_or_else(PoisonError::into_inner).push(child.id());
        Self(child.id())
    }
}

impl Drop for Reins {
    fn drop(&mut self) {
        RUNNING.lock().unwrap_or_else(PoisonError::into_inner).retain(|id| *id != self.0);
    }
}

/// Ends what other threads run: this process is about to end.
pub(crate) fn end_all() {
    for id in RUNNING.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
        kill_group(id);
    }
}

fn wait(child: &mut Child, limit: Duration) -> io::Result<ExitStatus> {
    let begin = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if begin.elapsed() >= limit {
            end_group(child);
            child.wait()?;
            let text = format!("it took longer than {} s and was ended", limit.as_secs());
            return Err(io::Error::new(io::ErrorKind::TimedOut, text));
        }
        thread::sleep(LOOK);
    }
}

fn end_group(child: &Child) {
    kill_group(child.id());
}

fn kill_group(id: u32) {
    if let Some(group) = i32::try_from(id).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(group, Signal::KILL); // nobody of it may be left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(line: &str, input: &str, limit_ms: u64) -> io::Result<Ended> {
        let mut command = Command::new("sh");
        run(command.args(["-c", line]), input.as_bytes(), Output::Kept, Duration::from_millis(limit_ms))
    }

    #[test]
    fn what_it_says_and_how_it_ends() {
        let ended = sh("cat; echo no >&2; exit 3", "in", 60_000).unwrap();
        assert_eq!(
            (ended.status.code(), ended.stdout.as_slice(), ended.stderr.as_str()),
            (Some(3), &b"in"[..], "no\n")
        );
        assert_eq!(sh("exec 0<&-; exit 0", &"x".repeat(1 << 20), 60_000).unwrap().status.code(), Some(0));
        assert_eq!(
            run(&mut Command::new("/dev/null/none"), b"", Output::Kept, LOOK).unwrap_err().kind(),
            io::ErrorKind::NotADirectory
        );
    }

    /// Neither what hangs nor what was left behind by one that ended keeps us.
    #[test]
    fn nobody_is_waited_for_too_long() {
        let begin = Instant::now();
        assert_eq!(sh("sleep 600", "", 50).unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(sh("sleep 600 & exit 0", "", 60_000).unwrap().status.code(), Some(0));
        // In a group of its own it is not ended, and not waited for either.
        let left = String::from_utf8(sh("setsid sleep 600 & echo $!", "", 60_000).unwrap().stdout).unwrap();
        assert!(Command::new("kill").arg(left.trim()).status().unwrap().success());
        assert!(begin.elapsed() < Duration::from_secs(300));
    }
}
