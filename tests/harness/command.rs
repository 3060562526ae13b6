//! A command run to its end, with a report that explains a failure by itself.

use std::ffi::OsStr;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use std::{fmt, fs, thread};

use serde_json::Value;

/// No command of a test has business running longer; one that does is killed and reported.
const LIMIT: Duration = Duration::from_secs(120);

/// A command that is about to run in a [`World`](crate::World).
#[must_use]
pub struct Cmd {
    command: Command,
    input: Vec<u8>,
    root: PathBuf,
}

impl Cmd {
    /// `program` with an empty environment, running in `root`, whose files a failure lists.
    pub(crate) fn new(program: &OsStr, root: &Path) -> Self {
        let mut command = Command::new(program);
        command.env_clear().current_dir(root);
        Self { command, input: Vec::new(), root: root.to_owned() }
    }

    /// Adds an argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    /// Adds arguments.
    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.command.args(args);
        self
    }

    /// Sets a variable.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Takes a variable away.
    pub fn env_remove(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// What the command reads on stdin; without it, nothing.
    pub fn stdin(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = input.into();
        self
    }

    /// The command itself, for a test that runs it in a way of its own.
    pub fn into_command(self) -> Command {
        self.command
    }

    /// Runs the command to its end.
    ///
    /// # Panics
    /// When it cannot be started, or runs for two minutes.
    pub fn run(mut self) -> Done {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = start(&mut self.command).unwrap_or_else(|error| panic!("start {:?}: {error}", self.command));
        let (mut stdin, input) = (child.stdin.take().expect("piped"), self.input);
        // A program need not read its input: a broken pipe is its own business.
        let writer = thread::spawn(move || drop(stdin.write_all(&input)));
        let stdout = collect(child.stdout.take().expect("piped"));
        let stderr = collect(child.stderr.take().expect("piped"));
        let (status, in_time) = wait(&mut child, LIMIT);
        let _ = writer.join();
        let done = Done {
            status,
            stdout: stdout.join().expect("the reader of stdout"),
            stderr: stderr.join().expect("the reader of stderr"),
            command: format!("{:?}", self.command),
            root: self.root,
        };
        assert!(in_time, "killed after {LIMIT:?}\n{done}");
        done
    }

    /// Runs the command and demands that it succeeds.
    ///
    /// # Panics
    /// When it does not.
    pub fn succeed(self) -> Done {
        self.run().code(0)
    }
}

/// A program that a test has just written is busy as long as a child that another test started meanwhile has not begun.
fn start(command: &mut Command) -> std::io::Result<Child> {
    let begin = Instant::now();
    loop {
        match command.spawn() {
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy && begin.elapsed() < LIMIT => {
                thread::sleep(Duration::from_millis(10));
            }
            done => return done,
        }
    }
}

fn collect(mut from: impl Read + Send + 'static) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = from.read_to_end(&mut bytes);
        bytes
    })
}

/// Waits for `child`, at most for `limit`, and kills it then. The second value is false if that was needed.
pub(crate) fn wait(child: &mut Child, limit: Duration) -> (ExitStatus, bool) {
    let begin = Instant::now();
    while begin.elapsed() < limit {
        if let Some(status) = child.try_wait().expect("wait for a child") {
            return (status, true);
        }
        thread::sleep(Duration::from_millis(1));
    }
    let _ = child.kill();
    (child.wait().expect("wait for a killed child"), false)
}

/// A command that ran to its end.
#[must_use]
pub struct Done {
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote on stdout.
    pub stdout: Vec<u8>,
    /// What it wrote on stderr.
    pub stderr: Vec<u8>,
    command: String,
    root: PathBuf,
}

impl Done {
    /// Demands this exit code.
    ///
    /// # Panics
    /// When it is another.
    pub fn code(self, expected: i32) -> Self {
        assert_eq!(self.status.code(), Some(expected), "exit code\n{self}");
        self
    }

    /// Demands that nothing was written, on stdout or on stderr.
    ///
    /// # Panics
    /// When something was.
    pub fn silent(self) -> Self {
        assert!(self.stdout.is_empty() && self.stderr.is_empty(), "it was not silent\n{self}");
        self
    }

    /// stdout as text.
    ///
    /// # Panics
    /// When it is not UTF-8.
    pub fn out(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap_or_else(|error| panic!("stdout is not UTF-8: {error}\n{self}"))
    }

    /// stderr as text.
    ///
    /// # Panics
    /// When it is not UTF-8.
    pub fn err(&self) -> &str {
        std::str::from_utf8(&self.stderr).unwrap_or_else(|error| panic!("stderr is not UTF-8: {error}\n{self}"))
    }

    /// stdout as one JSON document.
    ///
    /// # Panics
    /// When it is not one.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.stdout).unwrap_or_else(|error| panic!("stdout is not JSON: {error}\n{self}"))
    }
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "command: {}\nin:      {}\nstatus:  {}", self.command, self.root.display(), self.status)?;
        writeln!(f, "--- stdout\n{}", String::from_utf8_lossy(&self.stdout))?;
        writeln!(f, "--- stderr\n{}", String::from_utf8_lossy(&self.stderr))?;
        writeln!(f, "--- files\n{}", tree(&self.root))
    }
}

/// The files below `root` with their sizes, sorted; of a long directory the first few.
pub(crate) fn tree(root: &Path) -> String {
    const SHOWN: usize = 8;
    let (mut listed, mut dirs) = (Vec::new(), vec![root.to_owned()]);
    while let Some(dir) = dirs.pop() {
        let mut files = Vec::new();
        for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(meta) if meta.is_dir() => dirs.push(entry.path()),
                Ok(meta) => files.push(format!("{} ({})", entry.path().display(), meta.len())),
                Err(_) => {} // gone meanwhile
            }
        }
        files.sort();
        if files.len() > SHOWN + 1 {
            let more = format!("{}/… and {} more", dir.display(), files.len() - SHOWN);
            files.truncate(SHOWN);
            files.push(more);
        }
        listed.extend(files);
    }
    listed.sort();
    listed.join("\n").replace(&format!("{}/", root.display()), "")
}
