//! Tells a person when it begins to go wrong, and when it goes well again: by the `notify` command of the settings.
//!
//! `memory` knows what was told and decides what is to be told; here is how. `run` and `once` look by themselves. Where they are
//! confined (our units of systemd) they only leave a note that there is something to tell, and `ingest notify`, which is not,
//! is started by it. Whatever goes wrong with it is a line in the log and hinders no pass.

mod memory;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use clap::Args;
use queue::DataDir;
use settings::{Notify as Words, Settings};
use status::{Severity, State, Status};

use crate::child::{self, Output};
use crate::cli::Place;
use crate::clock::millis;
use crate::doctor::outside;
use crate::error::{At, Error};
use crate::exit::Exit;
use memory::Going;
use memory::Lock;
pub(crate) use memory::Memory;

/// Shown below `ingest notify --help`.
pub const EXAMPLES: &str = "\
Examples:
  prompt-manager notify --test      run the command now, to see that it works
  prompt-manager notify             run it if there is something to tell

  In config.toml:
    notify = [\"notify-send\", \"Prompt Manager\"]
    notify = 'echo \"$1\" | mail -s \"$PROMPT_MANAGER_NOTIFY_STATE\" me'
";

/// The service that only answers.
const API: &str = "prompt-manager-api";

/// How long the command may take.
const LIMIT: Duration = Duration::from_secs(30);

/// `notify`.
#[derive(Debug, Args)]
pub struct Notify {
    /// Run the command whatever there is to tell, and show what it says
    #[arg(long)]
    pub test: bool,
    /// The service that a supervisor saw fail
    #[arg(long, value_name = "NAME", conflicts_with = "test")]
    pub failed: Option<String>,
    /// Shared flags.
    #[command(flatten)]
    pub place: Place,
}

/// Who runs the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// This process.
    Ourselves,
    /// Another, which waits for a note.
    Another,
}

/// What is to be told.
struct News {
    state: &'static str,
    code: String,
    line: String,
}

/// Tells that a supervisor has given a service up. Wrong settings may be why, so of these nothing but the command is read.
///
/// # Errors
/// Whatever keeps the command from running well.
pub fn failed(service: &str, words: Option<Words>, home: Option<&Path>) -> Result<Exit, Error> {
    let Some(words) = words else { return Ok(Exit::Done) };
    // Once the ingester goes well again, it tells that; of the API nobody looks.
    let home = home.filter(|_| service != API).map(DataDir::new);
    if let Some(home) = &home
        && let Ok(Lock::Held(_lock)) = memory::lock(home)
    {
        let mut memory = Memory::default();
        memory.recall(home);
        if !memory.begin(millis(SystemTime::now())) {
            return Ok(Exit::Done);
        }
        memory.keep(home)?;
    }
    let ended = tell(&words, &service_failed(service), Output::Shown);
    ended.at("run", program(&words).as_ref()).map(|()| Exit::Done)
}

/// Runs the command if there is something to tell.
///
/// # Errors
/// With `--test`, whatever keeps the command from running well; else when the memory cannot be kept.
pub fn run(settings: &Settings, args: &Notify) -> Result<Exit, Error> {
    let Some(words) = &settings.notify else {
        if args.test {
            return Err(Error::Usage("`notify` is not set: write it into config.toml".to_owned()));
        }
        return Ok(Exit::Done);
    };
    if args.test {
        let line = "Prompt Manager: this is a test; nothing is wrong.".to_owned();
        let ended = tell(words, &News { state: "test", code: "test".to_owned(), line }, Output::Shown);
        return ended.at("run", program(words).as_ref()).map(|()| Exit::Done);
    }
    let mut memory = Memory::default();
    let looked = look(settings, &mut memory, SystemTime::now(), Duration::ZERO, Who::Ourselves);
    looked.map(|()| Exit::Done)
}

/// Looks how it goes, after a pass, and tells it if that has changed. `patience` is for how long it must have gone wrong.
pub(crate) fn quietly(settings: &Settings, memory: &mut Memory, now: SystemTime, patience: Duration, who: Who) {
    if let Err(error) = look(settings, memory, now, patience, who) {
        tracing::warn!("notify: failed to {error}");
    }
}

fn look(settings: &Settings, memory: &mut Memory, now: SystemTime, patience: Duration, who: Who) -> Result<(), Error> {
    let Some(words) = &settings.notify else { return Ok(()) };
    let _lock = match memory::lock(&settings.home) {
        Ok(Lock::Held(lock)) => Some(lock),
        Ok(Lock::Busy) => return Ok(()),
        // The disk may be what is to be told of. Who stays remembers what it told; who comes and goes would tell it each time.
        Err(_) if memory.stays => None,
        Err(error) => return Err(error),
    };
    memory.recall(&settings.home);
    let outside = outside::look(settings, now, &|name| std::env::var_os(name), outside::Sight::Lost);
    let news = found(&Status::gather_seeing(settings, now, outside));
    let going = if news.state == "failing" { Going::Wrong } else { Going::Well };
    let due = memory.look(going, millis(now), patience);
    let wanted = settings.home.run().join("notify.wanted");
    // On a disk that takes nothing, nobody else hears of it.
    let left = who == Who::Another && due.is_some() && fs::write(&wanted, "").is_ok();
    if left {
        return memory.keep(&settings.home);
    }
    if let Some(change) = due {
        memory.told(change);
    }
    // Before the command: once for each change, whatever becomes of it.
    let kept = memory.keep(&settings.home);
    if who == Who::Ourselves {
        let _ = fs::remove_file(&wanted); // most often there is none
    }
    if due.is_some() {
        tracing::info!("notify: telling that it is {}: {}", news.state, news.code);
        if let Err(error) = tell(words, &news, Output::Kept) {
            tracing::warn!("notify: failed to run {}: {error}", program(words));
        }
    }
    kept
}

fn service_failed(service: &str) -> News {
    let what = if service == API { "Prompts are captured as ever." } else { "What hooks write waits in the queue." };
    let line = format!(
        "Prompt Manager: {service} has failed and does not run. {what} See `prompt-manager doctor` and logs/processor.log."
    );
    News { state: "failing", code: "service_failed".to_owned(), line }
}

/// The worst finding, if `status` calls it failing.
fn found(status: &Status) -> News {
    match status.findings.first().filter(|_| status.status == State::Failing) {
        Some(worst) => {
            let more = status.findings.iter().filter(|finding| finding.severity == Severity::Error).count() - 1;
            let more = if more > 0 { format!(" ({more} more: `prompt-manager status`)") } else { String::new() };
            let line = format!("Prompt Manager: {} {}{more}", worst.detail, worst.next_step);
            News { state: "failing", code: worst.code.to_owned(), line: line.replace(['\n', '\r'], " ") }
        }
        None => {
            let line = "Prompt Manager: it goes well again.".to_owned();
            News { state: "recovered", code: "recovered".to_owned(), line }
        }
    }
}

fn program(words: &Words) -> &str {
    match words {
        Words::Words(words) => words.first().map_or("", String::as_str),
        Words::Shell(_) => "sh",
    }
}

fn tell(words: &Words, news: &News, output: Output) -> std::io::Result<()> {
    let mut command = match words {
        Words::Words(words) => {
            let mut command = Command::new(program(&Words::Words(words.clone())));
            command.args(words.iter().skip(1));
            command
        }
        Words::Shell(line) => {
            let mut command = Command::new("sh");
            command.args(["-c", line, "prompt-manager"]);
            command
        }
    };
    command
        .arg(&news.line)
        .env("PROMPT_MANAGER_NOTIFY_STATE", news.state)
        .env("PROMPT_MANAGER_NOTIFY_CODE", &news.code)
        .env("PROMPT_MANAGER_NOTIFY_TEXT", &news.line)
        // Should it ask Claude Code to word it, that is no prompt of a person.
        .env("PROMPT_MANAGER_DISABLE", "1");
    let ended = child::run(&mut command, b"", output, LIMIT)?;
    if ended.status.success() {
        return Ok(());
    }
    let stdout = String::from_utf8_lossy(&ended.stdout);
    let last =
        [&*ended.stderr, &*stdout].into_iter().find_map(|text| text.lines().rfind(|line| !line.trim().is_empty()));
    let said: String = last.map_or_else(String::new, |line| format!(": {}", line.trim())).chars().take(200).collect();
    Err(std::io::Error::other(format!("{}{said}", ended.status)))
}
