//! How everything is timed: commands to their end, servers by their answers.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use harness::Client;

use super::stage::last_line;

/// No program may take longer for anything.
const LIMIT: Duration = Duration::from_secs(1_200);
/// For a server to answer at all.
const PATIENCE: Duration = Duration::from_secs(300);

/// A command that ran to its end: seconds, and KiB that it and its children had at most at the same time.
pub(super) struct Ran {
    pub(super) seconds: f64,
    pub(super) peak: u64,
}

/// Runs a command to its end, whose outputs go to `log`; an error is its last words.
pub(super) fn to_the_end(mut command: Command, log: &Path) -> Result<Ran, String> {
    let out = File::create(log).map_err(|error| error.to_string())?;
    command.stdin(Stdio::null()).stdout(out.try_clone().map_err(|error| error.to_string())?).stderr(out);
    let begin = Instant::now();
    let mut running = Running(command.process_group(0).spawn().map_err(|error| format!("{command:?}: {error}"))?);
    let mut peak = 0;
    let status = loop {
        if let Some(status) = running.0.try_wait().map_err(|error| error.to_string())? {
            break status;
        }
        peak = peak.max(resident(running.0.id()));
        if begin.elapsed() > LIMIT {
            return Err(format!("is not done after {LIMIT:?}"));
        }
        thread::sleep((begin.elapsed() / 100).clamp(Duration::from_micros(200), Duration::from_millis(10)));
    };
    let seconds = begin.elapsed().as_secs_f64();
    let said = fs::read_to_string(log).unwrap_or_default();
    if status.success() { Ok(Ran { seconds, peak }) } else { Err(format!("{status}: {}", last_line(&said))) }
}

/// A process and its group, which end when this goes out of scope.
pub(super) struct Running(Child);

impl Running {
    /// Starts a server, whose outputs go to `log`.
    pub(super) fn start(mut command: Command, log: &Path) -> Result<Self, String> {
        let out = File::create(log).map_err(|error| error.to_string())?;
        command.stdin(Stdio::null()).stdout(out.try_clone().map_err(|error| error.to_string())?).stderr(out);
        Ok(Self(command.process_group(0).spawn().map_err(|error| format!("{command:?}: {error}"))?))
    }

    /// KiB of it and its children.
    pub(super) fn resident(&self) -> u64 {
        resident(self.0.id())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", self.0.id())]).stderr(Stdio::null()).status();
        let _ = self.0.wait();
    }
}

/// KiB that are resident, of a process and all below it.
pub(super) fn resident(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    let own: u64 = line.trim().trim_end_matches(" kB").parse().unwrap_or(0);
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    own + children.split_whitespace().filter_map(|pid| pid.parse().ok()).map(resident).sum::<u64>()
}

/// Milliseconds from spawn to exit of so many runs of a command with this on stdin, p50 and p95.
pub(super) fn spawned(command: &mut dyn FnMut(usize) -> (Command, String), times: usize) -> Result<[f64; 2], String> {
    let mut took = Vec::new();
    for nth in 0..times {
        let (mut command, input) = command(nth);
        let (reader, mut writer) = std::io::pipe().map_err(|error| error.to_string())?;
        std::io::Write::write_all(&mut writer, input.as_bytes()).map_err(|error| error.to_string())?;
        drop(writer);
        let begin = Instant::now();
        let output = command.stdin(reader).output().map_err(|error| format!("{command:?}: {error}"))?;
        took.push(begin.elapsed());
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(format!("{}: {}", output.status, last_line(&said)));
        }
    }
    Ok(percentiles(took))
}

/// Waits until a server answers this with 200; gives the connection.
pub(super) fn answering(address: SocketAddr, token: Option<&str>, path: &str) -> Result<Client, String> {
    let begin = Instant::now();
    let head = |token: Option<&str>| {
        let token = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n{token}")
    };
    loop {
        let mut client = Client::to(address, token);
        let last = match client.try_exchange(head(token).as_bytes(), b"") {
            Ok(answer) if answer.status == 200 => return Ok(client),
            Ok(answer) => format!("{} {}", answer.status, last_line(&answer.text())),
            Err(why) => why,
        };
        if begin.elapsed() > PATIENCE {
            return Err(format!("does not answer {path} in {PATIENCE:?}: {last}"));
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// Milliseconds of so many answers, p50 and p95. The first is not counted; it must pass `check`.
pub(super) fn asked(
    client: &mut Client,
    path: &str,
    rounds: usize,
    check: &dyn Fn(&serde_json::Value) -> bool,
) -> Result<[f64; 2], String> {
    let mut took = Vec::new();
    for round in 0..=rounds {
        let begin = Instant::now();
        let answer = client.get(path);
        took.extend((round > 0).then(|| begin.elapsed()));
        if answer.status != 200 || round == 0 && !check(&answer.json()) {
            return Err(format!("answers {path} with {} {}", answer.status, last_line(&answer.text())));
        }
    }
    Ok(percentiles(took))
}

/// Milliseconds until `found`, the median of so many tries; each begins with `tell`.
pub(super) fn until_found(
    tries: usize,
    tell: &mut dyn FnMut(usize, &str),
    found: &mut dyn FnMut(&str) -> bool,
) -> Result<f64, String> {
    let mut took = Vec::new();
    for nth in 0..tries {
        // Spread over the second, in an order that is no rhythm of its own.
        thread::sleep(Duration::from_millis(1_500 + (nth as u64 * 617) % 1_000));
        let word = format!("zyxwvut{nth}new");
        let begin = Instant::now();
        tell(nth, &word);
        while !found(&word) {
            if begin.elapsed() > PATIENCE {
                return Err(format!("does not find what was told in {PATIENCE:?}"));
            }
            thread::sleep(Duration::from_millis(2));
        }
        took.push(begin.elapsed());
    }
    Ok(percentiles(took)[0])
}

fn percentiles(mut took: Vec<Duration>) -> [f64; 2] {
    took.sort_unstable();
    [0.5, 0.95].map(|share| took[((took.len() - 1) as f64 * share).round() as usize].as_secs_f64() * 1e3)
}
