//! Another program run to its end, but never for longer than it may take: it is ended then, with all that it started.

use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

/// Between two looks whether it has ended.
const LOOK: Duration = Duration::from_millis(10);

/// More of what it writes is not read, in bytes.
const LARGEST: u64 = 16 * 1024 * 1024;

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
    thread::scope(|scope| {
        let (to, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        // A program need not read its input.
        scope.spawn(move || to.map(|mut to| to.write_all(input)));
        let stdout = scope.spawn(move || all_of(stdout));
        let stderr = scope.spawn(move || all_of(stderr));
        let status = wait(&mut child, limit);
        // What it left behind may hold its streams open, and so hold us.
        end_group(&child);
        let (stdout, stderr) = (stdout.join().unwrap_or_default(), stderr.join().unwrap_or_default());
        Ok(Ended { status: status?, stdout, stderr: String::from_utf8_lossy(&stderr).into_owned() })
    })
}

fn all_of(stream: Option<impl Read>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        let _ = stream.take(LARGEST).read_to_end(&mut bytes); // what came until then is all there is
    }
    bytes
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
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
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
        assert!(begin.elapsed() < Duration::from_secs(300));
    }
}
