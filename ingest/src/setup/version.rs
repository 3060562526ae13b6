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

use super::user::User;

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
    /// It is there and says none.
    Mute(PathBuf),
    /// It is not where people have it.
    Missing,
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
    /// Asks the first `claude` on PATH, else in the two places that its own installers use.
    pub fn ask(user: &User<'_>) -> Self {
        let path = (user.var)("PATH").unwrap_or_default();
        let on_path = std::env::split_paths(&path).filter(|dir| dir.is_absolute()).map(|dir| dir.join("claude"));
        let usual = user.home().ok().into_iter();
        let usual = usual.flat_map(|home| [".local/bin/claude", ".claude/local/claude"].map(|below| home.join(below)));
        match on_path.chain(usual).find(|path| runs(path)) {
            None => Self::Missing,
            Some(program) => match said(&program, &path, PATIENCE).as_deref().and_then(Version::parse) {
                Some(version) => Self::Found(program, version),
                None => Self::Mute(program),
            },
        }
    }

    /// Its version, if it says one.
    pub fn version(&self) -> Option<Version> {
        if let Self::Found(_, version) = self { Some(*version) } else { None }
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
