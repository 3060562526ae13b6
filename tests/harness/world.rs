//! A machine in a temporary directory: a home, a data directory, a projects root, and nothing from outside.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use queue::layout::DataDir;
use serde_json::Value;
use tempfile::TempDir;

use crate::command::tree;
use crate::fixture::{SCENARIOS, entries};
use crate::{Cmd, Done, Scenario, Server, bin};

/// Where a test takes place. Its files go with it.
pub struct World {
    root: TempDir,
    data: DataDir,
    servers: AtomicU32,
}

impl World {
    /// An empty world: the home and the data directory exist, with nothing in them. (A data directory that somebody
    /// named must exist, else the name may be a slip.)
    ///
    /// # Panics
    /// When the temporary directory cannot be made.
    #[expect(clippy::new_without_default, reason = "making directories is no default value")]
    pub fn new() -> Self {
        let root = tempfile::Builder::new().prefix("prompt-manager-test-").tempdir().expect("a temporary directory");
        for name in ["home", "data"] {
            fs::DirBuilder::new().mode(0o700).create(root.path().join(name)).expect("a directory");
        }
        let data = DataDir::new(root.path().join("data"));
        Self { root, data, servers: AtomicU32::new(0) }
    }

    /// Another one with all that is in this one, which rests: folders and bytes, not the modes of folders and no times.
    #[must_use]
    pub fn copy(&self) -> Self {
        let other = Self::new();
        copy_tree(self.root(), other.root());
        other
    }

    /// The directory that holds everything of this world.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// `$HOME`.
    pub fn home(&self) -> PathBuf {
        self.root().join("home")
    }

    /// The data directory.
    pub fn data(&self) -> &DataDir {
        &self.data
    }

    /// The projects root: what `~/.claude/projects` is to a person.
    pub fn projects_root(&self) -> PathBuf {
        self.root().join("projects")
    }

    /// Any program in this world's environment.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Cmd {
        let within = |name: &str| self.root().join(name);
        Cmd::new(program.as_ref(), self.root())
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", self.home())
            .env("TMPDIR", self.root())
            .env("XDG_CONFIG_HOME", within("config"))
            .env("XDG_DATA_HOME", within("xdg-data"))
            .env("XDG_STATE_HOME", within("state"))
            .env("XDG_RUNTIME_DIR", within("runtime"))
            .env("PROMPT_MANAGER_HOME", self.data.root())
    }

    /// A world whose store holds every captured run, from its hooks and its transcripts.
    ///
    /// # Panics
    /// As [`feed`](Self::feed) and [`ingest_once`](Self::ingest_once).
    pub fn captured() -> Self {
        let world = Self::new();
        for scenario in SCENARIOS {
            world.feed(scenario);
            world.projects(scenario);
        }
        let _ = world.ingest_once();
        world
    }

    /// One of the product's binaries.
    pub fn bin(&self, name: &str) -> Cmd {
        self.command(bin(name))
    }

    /// Sends one event through prompt-hook, and holds it to its promise: exit 0 and not a byte of output.
    ///
    /// # Panics
    /// When it breaks it.
    pub fn hook(&self, event: &str, payload: impl Into<Vec<u8>>) {
        let _ = self.bin("prompt-hook").arg(event).stdin(payload).run().code(0).silent();
    }

    /// Sends every hook event of a scenario, in the order they came, each at the time when it came.
    ///
    /// # Panics
    /// As [`hook`](Self::hook).
    pub fn feed(&self, scenario: Scenario) {
        for hook in scenario.hooks() {
            let command = self.bin("prompt-hook").arg(hook.event).env("PROMPT_MANAGER_CLOCK_NS", hook.ns.to_string());
            let _ = command.stdin(hook.payload).run().code(0).silent();
        }
    }

    /// As [`feed`](Self::feed), but now: the times are those at which this test runs, long after the transcripts'.
    pub fn feed_now(&self, scenario: Scenario) {
        scenario.hooks().into_iter().for_each(|hook| self.hook(&hook.event, hook.payload));
    }

    /// Puts the transcripts of a scenario into the projects root.
    ///
    /// # Panics
    /// When they cannot be copied.
    pub fn projects(&self, scenario: Scenario) {
        copy_tree(&scenario.projects(), &self.projects_root());
    }

    /// Puts a transcript below the projects root, over what is there. It was written an hour ago, as far as its time tells:
    /// a last line without newline counts once nobody has written for a while.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn transcript(&self, below: &str, bytes: &[u8]) {
        let path = self.projects_root().join(below);
        fs::create_dir_all(path.parent().expect("a file below the root has a folder")).expect("a folder");
        fs::write(&path, bytes).unwrap_or_else(|error| panic!("write {}: {error}", path.display()));
        let file = fs::File::options().write(true).open(&path).expect("the file that was just written");
        file.set_modified(SystemTime::now() - Duration::from_secs(3600)).expect("an older time");
    }

    /// `ingest` with these arguments, run to its end.
    pub fn ingest(&self, args: &[&str]) -> Done {
        self.bin("ingest").args(args).run()
    }

    /// `ingest once` over the queue and the projects root; gives its JSON report.
    ///
    /// # Panics
    /// When it fails.
    pub fn ingest_once(&self) -> Value {
        self.bin("ingest").args(["once", "--json", "--projects"]).arg(self.projects_root()).succeed().json()
    }

    /// `ingest import` of the projects root; gives its JSON report.
    ///
    /// # Panics
    /// When it fails, or cannot take something in.
    pub fn import(&self) -> Value {
        let report =
            self.bin("ingest").args(["import", "--json", "--quiet"]).arg(self.projects_root()).succeed().json();
        assert_eq!(report["failures"].as_array().map(Vec::len), Some(0), "{report}");
        report
    }

    /// Starts `query-api serve` on a free port.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn serve(&self) -> Server {
        self.serve_with(&[])
    }

    /// As [`serve`](Self::serve), with more arguments.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn serve_with(&self, args: &[&str]) -> Server {
        self.serve_by(self.bin("query-api").args(["serve", "--listen", "127.0.0.1:0"]).args(args))
    }

    /// Starts a server by this command, which must choose a free port.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn serve_by(&self, command: Cmd) -> Server {
        let log = self.root().join(format!("serve-{}.log", self.servers.fetch_add(1, Ordering::Relaxed)));
        Server::start(command, log, &self.data.api_token())
    }

    /// The names in a directory of this world, sorted; none when it does not exist.
    pub fn names(&self, dir: &Path) -> Vec<String> {
        if !dir.exists() {
            return Vec::new();
        }
        let mut names: Vec<_> = entries(dir)
            .iter()
            .filter_map(|path| path.file_name())
            .map(|name| name.to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// Demands that every queue file has been taken in: nothing waits, nothing is claimed, nothing failed.
    ///
    /// # Panics
    /// When something is left, with the list of files.
    pub fn assert_drained(&self) {
        for dir in [self.data.tmp(), self.data.incoming(), self.data.processing(), self.data.failed()] {
            let names = self.names(&dir);
            assert!(names.is_empty(), "left in {}: {names:?}\n{}", dir.display(), self.tree());
        }
    }

    /// Every file of this world with its size, for a message.
    pub fn tree(&self) -> String {
        tree(self.root())
    }
}

/// Copies a folder and all that is in it.
///
/// # Panics
/// When it cannot be read or written.
pub fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap_or_else(|error| panic!("create {}: {error}", to.display()));
    for path in entries(from) {
        let target = to.join(path.file_name().expect("an entry has a name"));
        if path.is_dir() {
            copy_tree(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap_or_else(|error| panic!("copy {}: {error}", path.display()));
        }
    }
}
