//! The published Claude Code client, in a world's home, in a network namespace of its own with nothing in it but a loopback and the
//! scripted API: what it does there it does for a person, and nothing that it would send elsewhere can leave.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use crate::messages::Desk;
use crate::terminal::Terminal;
use crate::{Cmd, World, repository};

/// No secret: the last of it must stand in the client's own file of keys that it may use.
const KEY: &str = "scripted-api-key-0001";

/// With the folders of programs for the machine itself, `ip` among them.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The client, and the API that it talks to.
pub struct Claude<'w> {
    world: &'w World,
    binary: PathBuf,
    api: Child,
    port: u16,
    desk: Desk,
    runs: AtomicU32,
    /// It fills the machine, and what it takes is measured: one at a time.
    _alone: MutexGuard<'static, ()>,
}

static ALONE: Mutex<()> = Mutex::new(());

impl<'w> Claude<'w> {
    /// The client in this world, its first questions answered. `api` is the program `messages-api`. `None`, said in plain words,
    /// where the client was not fetched or the machine gives no namespaces: a test that needs it then proves nothing.
    ///
    /// # Panics
    /// When the API does not start in its namespace.
    #[expect(clippy::print_stdout, reason = "a skipped test must say so")]
    pub fn find(world: &'w World, api: &str) -> Option<Self> {
        let binary = std::env::var_os("PROMPT_MANAGER_TEST_CLAUDE").map_or_else(
            || repository().join("target/claude-code-2.1.330/package/claude"),
            |path| repository().join(path),
        );
        if !binary.is_file() {
            println!("SKIPPED: no Claude Code client at {} (ops/test fetches it)", binary.display());
            return None;
        }
        let probe = "command -v tmux && command -v nsenter && exec unshare \"$@\" sh -c 'ip link set lo up'";
        if !world.command("sh").args(["-c", probe, "sh"]).args(unshare()).env("PATH", PATH).run().status.success() {
            println!("SKIPPED: the real client needs tmux, nsenter, ip, and a machine that gives network namespaces");
            return None;
        }
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = world.root().join("api");
        fs::create_dir(&folder).expect("a folder for the API");
        let script = "ip link set lo up && exec \"$@\"";
        let command = world.command("unshare").args(unshare()).args(["sh", "-c", script, "sh", api]).arg(&folder);
        let mut command = command.env("PATH", PATH).into_command();
        let mut api = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("unshare starts");
        let mut line = String::new();
        let read = BufReader::new(api.stdout.take().expect("piped")).read_line(&mut line);
        let port = read.ok().and_then(|_| line.trim().parse().ok());
        let port = port.unwrap_or_else(|| panic!("the API told no port but {line:?}"));
        let claude = Self { world, binary, api, port, desk: Desk::at(&folder), runs: AtomicU32::new(0), _alone: alone };
        claude.answer_first_questions();
        Some(claude)
    }

    /// What it was asked and may answer.
    pub fn desk(&self) -> &Desk {
        &self.desk
    }

    /// The folder of the client's configuration: `~/.claude`.
    pub fn config(&self) -> PathBuf {
        self.world.home().join(".claude")
    }

    /// The folder in which the person works.
    pub fn project(&self) -> PathBuf {
        self.world.root().join("acme")
    }

    /// The projects root that the client writes.
    pub fn projects_root(&self) -> PathBuf {
        self.config().join("projects")
    }

    /// What the client wrote about itself, in every run: its own record of each hook, among others.
    ///
    /// # Panics
    /// When it cannot be read.
    pub fn debug_log(&self) -> String {
        let paths = (0..self.runs.load(Ordering::Relaxed)).map(|run| self.log_of(run));
        paths
            .map(|path| fs::read_to_string(&path).unwrap_or_else(|error| panic!("read {}: {error}", path.display())))
            .collect()
    }

    fn log_of(&self, run: u32) -> PathBuf {
        self.world.root().join(format!("debug-{run}.log"))
    }

    fn next_log(&self) -> PathBuf {
        self.log_of(self.runs.fetch_add(1, Ordering::Relaxed))
    }

    /// The client with these arguments, as a command.
    pub fn command(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Cmd {
        self.within(&self.binary).args(args)
    }

    /// A line that a person types in a shell, where the client is.
    pub fn shell(&self, line: &str) -> Cmd {
        self.within(Path::new("sh")).args(["-c", line])
    }

    /// A program in the client's namespace and environment, in the folder in which the person works.
    fn within(&self, program: &Path) -> Cmd {
        let pid = self.api.id().to_string();
        let enter = if root() { vec!["-n"] } else { vec!["-U", "-n", "--preserve-credentials"] };
        let mut cmd = self.world.command("nsenter").args(["-t", &pid]).args(enter).args(["--", "env", "-C"]);
        // What the hooks need stands in their arguments: none of our own places is in the client's environment.
        for name in ["PROMPT_MANAGER_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"] {
            cmd = cmd.env_remove(name);
        }
        cmd.env("ANTHROPIC_BASE_URL", format!("http://127.0.0.1:{}", self.port))
            .env("ANTHROPIC_API_KEY", KEY)
            .env("TERM", "xterm-256color")
            .env("LANG", "C.UTF-8")
            .env("DISABLE_AUTOUPDATER", "1")
            .env("DISABLE_TELEMETRY", "1")
            .env("DISABLE_ERROR_REPORTING", "1")
            .env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
            .arg(self.project())
            .arg(program)
    }

    /// `claude -p PROMPT` with more arguments, run to its end: what it printed, without the last line's end.
    ///
    /// # Panics
    /// When it fails.
    pub fn print(&self, prompt: &str, args: &[&str]) -> String {
        let done = self.command(["-p", prompt, "--debug-file"]).arg(self.next_log()).args(args).succeed();
        done.out().trim_end().to_owned()
    }

    /// The client with these arguments at a terminal.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn open(&self, args: &[&str]) -> Terminal<'w> {
        let command = self.command(["--debug-file"]).arg(self.next_log()).args(args);
        let terminal = Terminal::open(self.world, command);
        terminal.wait("the composer", |screen| screen.composer().is_some());
        terminal
    }

    /// Key, theme, trust in the folder; and leave to run what the script asks for.
    fn answer_first_questions(&self) {
        fs::create_dir_all(self.config()).expect("the client's folder");
        fs::create_dir_all(self.project()).expect("the person's folder");
        let project = self.project().display().to_string();
        let state = json!({
            "hasCompletedOnboarding": true, "theme": "dark", "lastOnboardingVersion": "2.1.330",
            "customApiKeyResponses": { "approved": [&KEY[KEY.len() - 20..]], "rejected": [] },
            "projects": { project: { "hasTrustDialogAccepted": true } }
        });
        write_json(&self.world.home().join(".claude.json"), &state);
        let settings = json!({
            // Else it offers that mode once in a while, in place of the composer.
            "disableAutoMode": "disable",
            "permissions": { "defaultMode": "default", "allow": ["Bash(echo:*)", "Bash(tail:*)", "Agent"] }
        });
        write_json(&self.config().join("settings.json"), &settings);
        // Where an installed one lies, so that what asks for its version finds it.
        let bin = self.world.home().join(".local/bin");
        fs::create_dir_all(&bin).expect("a folder for programs");
        std::os::unix::fs::symlink(&self.binary, bin.join("claude")).expect("a link to the client");
    }
}

impl Drop for Claude<'_> {
    fn drop(&mut self) {
        let _ = self.api.kill();
        let _ = self.api.wait();
    }
}

fn write_json(path: &Path, value: &Value) {
    fs::write(path, format!("{value:#}\n")).unwrap_or_else(|error| panic!("write {}: {error}", path.display()));
}

fn unshare() -> &'static [&'static str] {
    if root() { &["-n", "--"] } else { &["-r", "-n", "--"] }
}

fn root() -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").is_ok_and(|of_us| of_us.uid() == 0)
}
