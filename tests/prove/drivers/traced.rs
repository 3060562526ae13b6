//! This very program under strace: what it asks of the kernel, in order, and what it is told.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A call that changes something, as strace tells of it.
#[derive(Debug)]
pub(crate) struct Call {
    line: String,
}

impl Call {
    /// Whether it is one of these.
    pub(crate) fn is(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.line.contains(&format!(" {name}(")))
    }

    /// Whether it is about a file whose path ends so.
    pub(crate) fn is_of(&self, end: &str) -> bool {
        self.line.contains(&format!("{end}>")) || self.line.contains(&format!("{end}\""))
    }

    /// Whether this stands in it.
    pub(crate) fn has(&self, word: &str) -> bool {
        self.line.contains(word)
    }

    /// Whether it failed.
    pub(crate) fn failed(&self) -> bool {
        self.line.contains(" = -1 ")
    }
}

/// strace on `prove-broken passes`, with these arguments of its own.
pub(crate) fn passes(home: &Path, n: usize, strace: &[&str]) -> (Command, PathBuf) {
    let log = home.join("strace.log");
    let mut command = Command::new("strace");
    command.args(["-f", "-y", "-qq", "-o"]).arg(&log).args(strace);
    command.arg(std::env::current_exe().expect("this program's own path")).arg("passes").arg(home).arg(n.to_string());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    (command, log)
}

/// Runs them to their end.
pub(crate) fn calls(home: &Path, n: usize, strace: &[&str]) -> Vec<Call> {
    let (mut command, log) = passes(home, n, strace);
    let status = command.status().expect("strace is installed");
    assert!(status.success(), "passes under strace end with {status}");
    let text = fs::read_to_string(&log).expect("what strace wrote");
    text.lines().map(|line| Call { line: line.to_owned() }).collect()
}

/// The process that strace looks at has this file open.
pub(crate) fn has_open(strace: &Child, path: &Path) -> bool {
    let pid = strace.id();
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    children.split_whitespace().any(|child| {
        let fds = fs::read_dir(format!("/proc/{child}/fd")).into_iter().flatten().flatten();
        fds.filter_map(|fd| fs::read_link(fd.path()).ok()).any(|target| target == path)
    })
}
