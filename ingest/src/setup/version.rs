//! Which Claude Code is installed: what `claude --version` prints, in the first place where people have it.
//!
//! It is somebody else's program, so it gets no input, no project, a variable that keeps hooks of ours quiet, and ten seconds.

use std::ffi::OsStr;
use std::fmt;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::record::Record;
use super::user::User;
use crate::error::Error;

/// So long it may think.
const PATIENCE: Duration = Duration::from_secs(10);
/// No version is longer, in bytes.
const LONGEST: u64 = 4096;

/// `2.1.330`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version([u32; 3]);

/// What is known of the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Client {
    /// It is there, and says its version.
    Found(PathBuf, Version),
    /// It is there and says none; the version that was found last.
    Mute(PathBuf, Option<Version>),
    /// It is not where people have it; the version that was found last.
    Missing(Option<Version>),
}

impl Version {
    /// That version.
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self([major, minor, patch])
    }

    /// The first three numbers with points between them, as in `2.1.294 (Claude Code)`.
    pub fn parse(text: &str) -> Option<Self> {
        text.split(|c: char| !c.is_ascii_digit() && c != '.').find_map(|word| {
            let mut parts = word.split('.').map(|part| part.parse().ok());
            Some(Self([parts.next()??, parts.next()??, parts.next()??]))
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.0;
        write!(f, "{major}.{minor}.{patch}")
    }
}

impl Client {
    /// Asks the first `claude` on PATH, else in the two places that its own installers use. One that cannot be asked is what
    /// it was when it was last found: an old one passes over all settings where they hold what is for a new one.
    ///
    /// # Errors
    /// If what is on record cannot be read.
    pub fn ask(user: &User<'_>) -> Result<Self, Error> {
        let record = Record::read(&user.settings.home)?;
        let last = record.client.or_else(|| record.hooks.into_iter().rev().find_map(|hooks| hooks.client));
        let last = last.as_deref().and_then(Version::parse);
        let path = (user.var)("PATH").unwrap_or_default();
        let on_path = std::env::split_paths(&path).filter(|dir| dir.is_absolute()).map(|dir| dir.join("claude"));
        let usual = user.home().ok().into_iter();
        let usual = usual.flat_map(|home| [".local/bin/claude", ".claude/local/claude"].map(|below| home.join(below)));
        Ok(match on_path.chain(usual).find(|path| runs(path)) {
            None => Self::Missing(last),
            Some(program) => match said(&program, &path, PATIENCE).as_deref().and_then(Version::parse) {
                Some(version) => Self::Found(program, version),
                None => Self::Mute(program, last),
            },
        })
    }

    /// Its version, or the one that it had when it was last found.
    pub fn version(&self) -> Option<Version> {
        match self {
            Self::Found(_, version) => Some(*version),
            Self::Mute(_, last) | Self::Missing(last) => *last,
        }
    }

    /// Puts on record which one was found.
    ///
    /// # Errors
    /// Those of the record.
    pub fn remember(&self, user: &User<'_>) -> Result<(), Error> {
        let Self::Found(_, version) = self else { return Ok(()) };
        Record::change(&user.settings.home, |record| record.client = Some(version.to_string()))
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Mute(path, _) = self {
            write!(f, "{} does not tell its version: ", path.display())?;
        }
        match self {
            Self::Found(_, version) => write!(f, "Claude Code {version}"),
            Self::Mute(_, None) => f.write_str("taken for a new one"),
            Self::Mute(_, Some(last)) => write!(f, "taken for {last}, as it was when it was last found"),
            Self::Missing(None) => f.write_str("Claude Code was not found: taken for a new one"),
            Self::Missing(Some(last)) => {
                write!(f, "Claude Code was not found: taken for {last}, as it was when it was last found")
            }
        }
    }
}

fn runs(path: &Path) -> bool {
    path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// What it prints within `patience`; `None` if it cannot be started, fails, or thinks longer.
fn said(program: &Path, path: &OsStr, patience: Duration) -> Option<String> {
    let mut command = Command::new(program);
    command
        .arg("--version")
        .env("PATH", path)
        .env("PROMPT_MANAGER_DISABLE", "1")
        .env("DISABLE_AUTOUPDATER", "1")
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0);
    let mut child = start(&mut command).ok()?;
    let out = child.stdout.take()?;
    // On a thread of its own: whatever it started may hold the pipe open, and is ended below.
    let reader = thread::spawn(move || {
        let mut text = Vec::new();
        let _ = out.take(LONGEST).read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    });
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let ended_well = ends_well(&mut child, patience);
    if let Some(group) = group {
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.wait();
    let text = reader.join().ok()?;
    ended_well.then_some(text)
}

/// Starts a program that was perhaps written just now: as long as another thread starts one too, that holds the file open.
pub(super) fn start(command: &mut Command) -> io::Result<Child> {
    let mut tries = 0..100;
    loop {
        match command.spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy && tries.next().is_some() => {
                thread::sleep(Duration::from_millis(10));
            }
            done => return done,
        }
    }
}

fn ends_well(child: &mut Child, patience: Duration) -> bool {
    let deadline = Instant::now() + patience;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(5)),
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(Version::parse(text).map(|version| version.to_string()).as_deref(), expected, "{text}");
        };
        check("2.1.294 (Claude Code)\n", Some("2.1.294"));
        check("claude v2.1.4-beta.1", Some("2.1.4"));
        check("Claude Code 10.20.30", Some("10.20.30"));
        check("1.0.38.7", Some("1.0.38"));
        check("2.1", None);
        check("", None);
        check("99999999999.1.1", None);
        assert!(Version::new(2, 1, 9) < Version::new(2, 1, 10) && Version::new(3, 0, 0) > Version::new(2, 9, 9));
    }

    fn check(script: &str, patience: Duration, expected: Option<&str>) {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("claude");
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(said(&program, OsStr::new("/usr/bin:/bin"), patience).as_deref(), expected, "{script}");
    }

    #[test]
    fn a_program_that_is_not_ours() {
        let long = Duration::from_secs(60);
        check("[ \"$1 $PROMPT_MANAGER_DISABLE\" = '--version 1' ] && echo 2.1.330", long, Some("2.1.330\n"));
        check("cat; echo read", long, Some("read\n"));
        check("echo 2.1.330; exit 3", long, None);
        // It ends, and leaves something behind that holds its output open.
        check("sleep 600 & echo 1.0.0", long, Some("1.0.0\n"));
        check("echo 1.0.0; sleep 600", Duration::from_millis(100), None);
    }
}
