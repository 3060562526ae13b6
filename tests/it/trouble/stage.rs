//! A machine on which everything is set up and runs: hooks in Claude Code's settings, transcripts, a service, an ingester, the API;
//! the data directory on a small disk of its own. The disk lies in a mount namespace that ends with the test, and every
//! program of the machine runs in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use harness::{Cmd, Done, Server, World, bin};
use queue::DataDir;
use serde_json::Value;

use harness::law::Given;

/// The session whose transcript lies below the projects root.
pub(super) const SESSION: &str = "0914908d-acc8-48aa-98d6-77d558fb9590";
const LONG: Duration = Duration::from_secs(120);

pub(super) struct Stage {
    pub(super) world: World,
    keeper: Child,
    run: Option<Child>,
    api: Option<Server>,
    given: Given,
    next: u64,
    /// Lines of the transcript.
    lines: usize,
    /// A foreign program, which ends with its stdin.
    pub(super) other: Option<Child>,
}

impl Stage {
    /// All is well on it; `None`, and a word about it, where nothing can be mounted.
    pub(super) fn new(options: &str) -> Option<Self> {
        let world = World::new();
        let script = format!("mount -t tmpfs -o mode=700,{options} none \"$0\" && echo mounted && exec cat >/dev/null");
        let command = world.command("unshare").args(["--mount", "--propagation", "private", "sh", "-c", &script]);
        let mut command = command.arg(world.data().root()).into_command();
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut keeper = spawned.ok()?;
        let mut said = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(keeper.stdout.take().unwrap()), &mut said).unwrap();
        if said != "mounted\n" {
            let _ = keeper.wait();
            println!("SKIPPED: nothing can be mounted here");
            return None;
        }
        let given = Given::default();
        let mut stage = Self { world, keeper, run: None, api: None, given, next: 0, lines: 0, other: None };
        let _ = stage.ingest(&["setup", "hooks"]).code(0);
        // No systemd of the machine that runs the tests is asked.
        let alone = "PATH=/nowhere exec \"$0\" setup service --systemd";
        let _ = stage.inside("/bin/sh").args(["-c", alone]).arg(bin("ingest")).run().code(0);
        stage.transcript();
        stage.start();
        stage.serve();
        Some(stage)
    }

    /// Starts the API, in the place of one that runs.
    pub(super) fn serve(&mut self) {
        drop(self.api.take());
        let serve = self.inside(bin("query-api")).args(["serve", "--listen", "127.0.0.1:0", "--no-token"]);
        self.api = Some(self.world.serve_by(serve));
    }

    /// A program that sees the disk, with the settings of this machine.
    pub(super) fn inside(&self, program: impl AsRef<Path>) -> Cmd {
        let command = self.world.command("nsenter").args(["-t", &self.keeper.id().to_string(), "-m", "--"]);
        let settings = [("MIN_SPACE", "64KiB"), ("LOW_SPACE", "0"), ("ARCHIVE", "files"), ("SWEEP_EVERY", "200ms")];
        let command = command.arg(program.as_ref());
        settings.iter().fold(command, |command, (name, value)| command.env(&format!("PROMPT_MANAGER_{name}"), value))
    }

    /// `$0` is the data directory, `$HOME` that of the user.
    pub(super) fn sh(&self, script: &str) -> Done {
        self.inside("/bin/sh").args(["-c", script]).arg(self.world.data().root()).run()
    }

    pub(super) fn ingest(&self, args: &[&str]) -> Done {
        self.inside(bin("ingest")).args(args).run()
    }

    /// Starts the ingester as the unit says it that was set up.
    pub(super) fn start(&mut self) {
        let unit = self.world.root().join("config/systemd/user/prompt-manager.service");
        let unit = fs::read_to_string(unit).unwrap();
        let line = unit.lines().find_map(|line| line.strip_prefix("ExecStart=:")).unwrap();
        let script = format!("exec {line} --every 100ms --quiet");
        let mut command = self.inside("/bin/sh").args(["-c", &script]).into_command();
        self.run = Some(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    }

    /// Ends it by a signal, and waits for that.
    pub(super) fn end(&mut self, signal: &str) {
        let Some(mut run) = self.run.take() else { return };
        let _ = self.world.command("kill").args([signal, &run.id().to_string()]).run();
        let _ = run.wait();
    }

    /// Waits until the ingester has ended by itself; its exit code.
    pub(super) fn ended(&mut self) -> Option<i32> {
        let mut run = self.run.take().unwrap();
        eventually("the ingester ends", || run.try_wait().unwrap().is_some());
        run.wait().unwrap().code()
    }

    /// A foreign program that does what it reads, for as long as nobody ends it.
    pub(super) fn foreign(&mut self, program: &str, args: &[&str], says: &str) {
        let mut command = self.inside(program).args(args).into_command();
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::io::Write::write_all(child.stdin.as_mut().unwrap(), says.as_bytes()).unwrap();
        self.other = Some(child);
    }

    /// Its input ends, and with that the program.
    pub(super) fn leave(&mut self) {
        if let Some(mut other) = self.other.take() {
            drop(other.stdin.take());
            let _ = other.wait();
        }
    }

    /// Claude Code calls the hook for three prompts. It is told that each is safe.
    pub(super) fn prompts(&mut self) {
        self.prompts_at(1_795_350_951_000_000_000);
    }

    pub(super) fn prompts_at(&mut self, base_ns: u64) {
        for _ in 0..3 {
            let (n, ns) = (self.next, base_ns + self.next);
            self.next += 1;
            let text = "x".repeat(3000);
            let payload = format!(
                r#"{{"session_id":"s","hook_event_name":"UserPromptSubmit","prompt_id":"p{n}","prompt":"{n} {text}"}}"#
            );
            let hook = self.inside(bin("prompt-hook")).arg("UserPromptSubmit");
            let hook = hook.env("PROMPT_MANAGER_CLOCK_NS", ns.to_string()).stdin(payload.clone());
            let _ = hook.run().code(0).silent();
            self.given.good.insert((format!("{ns:019}-s-UserPromptSubmit.json"), payload.into_bytes()));
        }
    }

    /// `~/.claude`.
    pub(super) fn claude(&self) -> PathBuf {
        self.world.home().join(".claude")
    }

    /// Claude Code writes another prompt into its transcript.
    pub(super) fn transcript(&mut self) {
        let n = self.lines;
        self.lines += 1;
        let folder = self.claude().join("projects/-home-dev");
        fs::create_dir_all(&folder).unwrap();
        let line = format!(
            r#"{{"type":"user","sessionId":"{SESSION}","uuid":"u{n}","promptId":"t{n}","timestamp":"2026-11-22T10:00:{n:02}Z","message":{{"role":"user","content":"typed {n}"}}}}"#
        );
        let path = folder.join(format!("{SESSION}.jsonl"));
        let text = fs::read_to_string(&path).unwrap_or_default();
        fs::write(&path, format!("{text}{line}\n")).unwrap();
    }

    pub(super) fn api(&self) -> &Server {
        self.api.as_ref().unwrap()
    }

    /// What each of the places tells: `status`, `doctor`, the API; by code, with the next step.
    pub(super) fn told(&self) -> [Vec<(String, String)>; 3] {
        let findings = |document: &Value| {
            let all = document["findings"].as_array().unwrap_or_else(|| panic!("{document:#}")).iter();
            let text = |finding: &Value, name: &str| finding[name].as_str().unwrap().to_owned();
            all.map(|finding| (text(finding, "code"), text(finding, "next_step"))).collect()
        };
        let status = self.ingest(&["status", "--json"]).json();
        let doctor = self.ingest(&["doctor", "--json"]).json();
        let (code, api) = self.api().get("/api/health");
        assert_eq!(code, 200, "{api}");
        [findings(&status), findings(&doctor), findings(&api)]
    }

    /// Does the last command of the next step of `code`, as root would.
    pub(super) fn do_as_told(&self, code: &str) {
        let [status, ..] = self.told();
        let (_, step) = status.iter().find(|(told, _)| told == code).unwrap();
        let command = step.rsplit('`').nth(1).unwrap().trim_start_matches("sudo ");
        let _ = self.sh(command).code(0);
    }

    /// The health page.
    pub(super) fn page(&self) -> String {
        let page = self.api().request("GET", "/health", &[("Accept", "text/html")]);
        assert_eq!(page.status, 200, "{}", page.text());
        page.text()
    }

    /// Every prompt that was given is stored once, and each line of the transcript is a prompt.
    pub(super) fn settle(&mut self, what: &str) {
        let begin = Instant::now();
        let events = self.given.good.len();
        loop {
            let status = self.ingest(&["status", "--json"]).json();
            let is_stored = status["database"]["events"] == events;
            let typed = if is_stored { self.api().items(&[("session_id", SESSION), ("kind", "all")]).len() } else { 0 };
            if is_stored && typed == self.lines {
                return;
            }
            let log = self.sh("cat \"$0/logs/processor.log\"");
            let lines = self.lines;
            assert!(
                begin.elapsed() < LONG,
                "{what}: not {events} events and {lines}, {typed} lines\n{status:#}\n{log}"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The law, on a copy that this process can read, when nobody writes any more.
    pub(super) fn check_law(&mut self, what: &str) {
        self.end("-TERM");
        let copy = self.world.root().join("copy");
        let _ = self.sh(&format!("cp -a \"$0\" '{}'", copy.display())).code(0);
        self.given.check(&DataDir::new(copy), what);
        let spilled = self.world.root().join("state/prompt-manager/spill/incoming");
        assert_eq!(harness::law::names(&spilled), [""; 0], "{what}");
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.leave();
        drop(self.api.take());
        if let Some(mut run) = self.run.take() {
            let _ = run.kill();
            let _ = run.wait();
        }
        // Its stdin ends, and with it the namespace and the disk.
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// Waits for it, and not for ever.
pub(super) fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < LONG, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
