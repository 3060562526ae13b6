//! A reader at a shell: a home of their own where nothing but `HOME` says where things are, the programs as an installation
//! has them, and a page whose commands are typed one after the other into one shell.

use std::net::TcpListener;
use std::path::PathBuf;
use std::{fs, io};

use harness::{Cmd, SCENARIOS, Scenario, Server, World, bin, repository};

use super::page::{Command, Expected, Fence, Page};

/// What a reader has before the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// A clone of the repository, and nothing else: `ops/up` is theirs to call.
    Empty,
    /// Installed, with a few sessions of Claude Code taken in, and the API answers; the sample is there too, with the same.
    Used,
}

/// The sample that `ops/up` shows to whoever has no sessions: examples name its conversations.
pub(super) const SAMPLE: Scenario = SCENARIOS[1];

pub(super) struct Reader {
    world: World,
    port: u16,
    _servers: Vec<Server>,
}

/// What a command did.
pub(super) struct Ran {
    pub(super) command: Command,
    /// What it printed, on stdout and then on stderr.
    pub(super) printed: String,
}

impl Reader {
    pub(super) fn new(stage: Stage) -> Self {
        let world = World::new();
        let programs = world.root().join("programs");
        fs::create_dir(&programs).expect("a folder");
        for name in ["ingest", "query-api", "prompt-hook"] {
            std::os::unix::fs::symlink(bin(name), programs.join(name)).expect("a link");
        }
        let mut reader = Self { world, port: free_port(), _servers: Vec::new() };
        reader.clone_repository();
        if stage == Stage::Used {
            reader.install_and_use();
        }
        reader
    }

    pub(super) fn world(&self) -> &World {
        &self.world
    }

    pub(super) fn home(&self, below: &str) -> PathBuf {
        self.world.home().join(below)
    }

    /// The data directory, where the usual one is.
    pub(super) fn data(&self, below: &str) -> PathBuf {
        self.home(".local/share/prompt-manager").join(below)
    }

    /// A login shell has `~/.local/bin` on it if that is there by then: not while it is being made.
    fn path(&self) -> String {
        let (words, usual) = (self.home(".local/bin"), "/usr/local/bin:/usr/bin:/bin");
        if words.is_dir() { format!("{}:{usual}", words.display()) } else { usual.to_owned() }
    }

    /// The clone of the repository: the folder in which commands are typed.
    fn folder(&self) -> PathBuf {
        self.home("prompt-manager")
    }

    /// A program in the reader's environment.
    pub(super) fn command(&self, program: &str) -> Cmd {
        let names = ["PROMPT_MANAGER_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"];
        let command = names.iter().fold(self.world.command(program), |command, name| command.env_remove(name));
        command
            .env("PATH", self.path())
            .env("PROMPT_MANAGER_BINARIES", self.world.root().join("programs"))
            .env("PROMPT_MANAGER_LISTEN", format!("127.0.0.1:{}", self.port))
            .env("SAMPLE", SAMPLE.dir())
            .env("TOLD", self.world.root().join("told"))
            .env("TZ", "UTC")
    }

    /// As `git clone` makes it, as far as a page needs it.
    fn clone_repository(&self) {
        let clone = self.folder();
        fs::create_dir(&clone).expect("a folder");
        for entry in fs::read_dir(repository()).expect("the repository").flatten() {
            if entry.file_name() != "target" && entry.file_name() != ".git" {
                std::os::unix::fs::symlink(entry.path(), clone.join(entry.file_name())).expect("a link");
            }
        }
    }

    fn install_and_use(&mut self) {
        let (words, lib) = (self.home(".local/bin"), self.home(".local/lib/prompt-manager"));
        fs::create_dir_all(&words).and_then(|()| fs::create_dir_all(&lib)).expect("folders");
        for name in ["ingest", "query-api", "prompt-hook"] {
            std::os::unix::fs::symlink(bin(name), lib.join(name)).expect("a link");
        }
        fs::copy(repository().join("ops/prompt-manager"), words.join("prompt-manager")).expect("the command");
        for hook in SAMPLE.hooks() {
            let command = self.command("prompt-manager").args(["hook", &hook.event]);
            let command = command.env("PROMPT_MANAGER_CLOCK_NS", hook.ns.to_string()).stdin(hook.payload);
            let _ = command.succeed().silent();
        }
        fs::create_dir_all(self.home(".claude")).expect("a folder");
        let _ = self.command("cp").arg("-R").arg(SAMPLE.projects()).arg(self.home(".claude/projects")).succeed();
        let _ = self.command("prompt-manager").arg("once").succeed();
        let own = self.data("").components().as_path().to_owned();
        let demo = own.with_file_name("prompt-manager-demo");
        let _ = self.command("cp").arg("-R").arg(&own).arg(&demo).succeed();
        fs::write(demo.join(".sample"), "").expect("a mark");
        for (home, listen) in [(own, format!("127.0.0.1:{}", self.port)), (demo, "127.0.0.1:0".to_owned())] {
            let serve = self.command("prompt-manager").args(["serve", "--listen", &listen, "--home"]).arg(&home);
            self._servers.push(self.world.serve_by(serve).with_token(&home.join("run/api.token")));
        }
    }

    /// Types the commands of these fences, one after the other, into one shell, and ends at the first that does not do what the
    /// page says.
    pub(super) fn types(&self, page: &Page, fences: &[&Fence]) -> Vec<Vec<Ran>> {
        let told = self.world.root().join("told");
        let _ = fs::remove_dir_all(&told);
        fs::create_dir(&told).expect("a folder");
        let typed: Vec<Vec<Command>> = fences.iter().map(|fence| fence.commands()).collect();
        let mut script = String::from(
            "trap 'kill $(jobs -p) 2>/dev/null' EXIT\nheld() { [ \"$1\" = \"$2\" ] || { echo \"$3 $1\"; exit 9; }; }\n",
        );
        for (fence, commands) in fences.iter().zip(&typed) {
            for (nth, first) in fence.first.iter().enumerate() {
                script += &format!(
                    "{{ {first}\n}} >'{0}/{1}.first' 2>&1; held $? 0 '{1}.first {nth}'\n",
                    told.display(),
                    fence.line
                );
            }
            for command in commands {
                let (text, code) = match command.expected {
                    Expected::Code(code) => (command.text.clone(), code),
                    // Whatever it is told wrongly it says at once.
                    Expected::Stays => {
                        (format!("PROMPT_MANAGER_LISTEN=127.0.0.1:0 timeout -s INT 4 {}", command.text), 124)
                    }
                };
                let text = ["127.0.0.1", "localhost"]
                    .iter()
                    .fold(text, |text, host| text.replace(&format!("{host}:8765"), &format!("{host}:{}", self.port)));
                script += &format!(
                    "{{ {text}\n}} >'{0}/{1}' 2>'{0}/{1}.err' </dev/null; held $? {code} {1}\n",
                    told.display(),
                    command.line
                );
            }
        }
        script += "held \"${PROMPT_MANAGER_HOME-}\" '' 'this shell is still said to show'\n";
        let read = |name: &str| fs::read_to_string(told.join(name)).unwrap_or_default();
        let path = self.world.root().join("typed");
        fs::write(&path, script).expect("a script");
        let done =
            self.command("sh").arg("-c").arg(format!("cd '{}' && . '{}'", self.folder().display(), path.display()));
        let done = done.run();
        if done.status.code() != Some(0) {
            let line = done.out().split(' ').next().unwrap_or_default();
            panic!(
                "{}:{line}: it ended otherwise than the page says (line, code): {}{}\n{}{}\n{done}",
                page.name,
                done.out(),
                page.text.lines().nth(line.parse::<usize>().unwrap_or(1) - 1).unwrap_or_default(),
                read(line),
                read(&format!("{line}.err"))
            );
        }
        let ran = |command: Command| {
            let printed = read(&command.line.to_string()) + &read(&format!("{}.err", command.line));
            Ran { command, printed }
        };
        typed.into_iter().map(|commands| commands.into_iter().map(ran).collect()).collect()
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let _ = self.command("sh").args(["-c", "cd ~/prompt-manager && ./ops/up --stop"]).run();
    }
}

/// One that nobody listens at now.
fn free_port() -> u16 {
    let listener: io::Result<TcpListener> = TcpListener::bind("127.0.0.1:0");
    listener.and_then(|listener| listener.local_addr()).expect("a port").port()
}
