//! The scripts that a person runs: install and start, stop, and the one command on PATH.
//!
//! `ops/up` installs the binaries that the tests built, so that no test waits for a release build.

mod linked; // a home that is a link
mod refused; // what cannot be done is one clear line
mod sample; // the sample's store

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{fs, thread};

use serde_json::Value;

use harness::{Cmd, Done, SCENARIOS, World, bin, repository};

/// An installation in a world of its own; what still runs is stopped with it.
struct Installed {
    world: World,
}

impl Installed {
    fn new() -> Self {
        let world = World::new();
        let binaries = world.root().join("binaries");
        fs::create_dir(&binaries).expect("a directory");
        for name in ["ingest", "query-api", "prompt-hook"] {
            std::os::unix::fs::symlink(bin(name), binaries.join(name)).expect("a link");
        }
        Self { world }
    }

    fn script(&self, args: &[&str]) -> Cmd {
        // The defaults are what is tested: nothing but HOME says where things go.
        let command = self.world.command(repository().join("ops/up")).args(args);
        let command = ["PROMPT_MANAGER_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"]
            .iter()
            .fold(command, |command, name| command.env_remove(name));
        command.env("PROMPT_MANAGER_BINARIES", self.world.root().join("binaries"))
    }

    fn up(&self) -> Done {
        self.script(&["--port", "0"]).succeed()
    }

    fn home(&self, path: &str) -> PathBuf {
        self.world.home().join(path)
    }

    fn data(&self, path: &str) -> PathBuf {
        self.home(".local/share/prompt-manager").join(path)
    }

    fn command(&self, args: &[&str]) -> Cmd {
        self.world.command(self.home(".local/bin/prompt-manager")).args(args)
    }

    /// The processes that run a program of this installation, also one that was replaced since.
    fn running(&self) -> Vec<String> {
        let lib = self.home(".local/lib/prompt-manager");
        let exe = |entry: fs::DirEntry| fs::read_link(entry.path().join("exe")).ok();
        let all = fs::read_dir("/proc").expect("list /proc").flatten().filter_map(exe);
        let mut names: Vec<_> = all
            .filter(|exe| exe.starts_with(&lib))
            .filter_map(|exe| exe.file_name().map(|name| name.to_string_lossy().replace(" (deleted)", "")))
            .collect();
        names.sort();
        names
    }

    /// Runs the line that `ops/up` gave to try, as a person would, and returns what it prints.
    fn try_line(&self, said: &str) -> Done {
        let line =
            said.lines().find(|line| line.starts_with("  curl ")).unwrap_or_else(|| panic!("no curl in:\n{said}"));
        self.world.command("sh").args(["-c", &line.replacen("curl", "curl -s --fail-with-body", 1)]).succeed()
    }

    /// Asks again until the answer is as wanted.
    fn wait_for(&self, said: &str, what: &str, wanted: impl Fn(&Value) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let page = self.try_line(said).json();
            if wanted(&page) {
                return;
            }
            assert!(Instant::now() < deadline, "waited a minute for {what}; there is only {page}");
            thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        let _ = self.script(&["--stop"]).run();
    }
}

fn copy_projects(to: &Path) {
    let from = SCENARIOS[1].projects();
    let status = std::process::Command::new("cp").arg("-R").arg(from).arg(to).status().expect("cp runs");
    assert!(status.success(), "copy the transcripts to {}", to.display());
}

#[test]
fn what_is_there_is_taken_in() {
    let installed = Installed::new();
    fs::create_dir_all(installed.home(".claude")).expect("a directory");
    copy_projects(&installed.home(".claude/projects"));
    let done = installed.up();
    assert!(done.out().contains("Taking in") && !done.out().contains("sample"), "{done}");
    installed.wait_for(done.out(), "five conversations", |page| page["items"].as_array().map(Vec::len) == Some(5));
}

/// The second step is the one that is named, and it works; after that nobody is told to take it.
#[test]
fn the_second_step_that_is_named_works() {
    let installed = Installed::new();
    let done = installed.up();
    let step = |said: &str| said.lines().find(|line| line.contains(" setup hooks")).map(str::to_owned);
    let line = step(done.out()).unwrap_or_else(|| panic!("no second step in\n{done}"));
    let defaults = ["PROMPT_MANAGER_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"];
    let shell = defaults.iter().fold(installed.world.command("sh"), |command, name| command.env_remove(name));
    let _ = shell.args(["-c", &line]).succeed();
    let settings: Value =
        serde_json::from_slice(&fs::read(installed.home(".claude/settings.json")).expect("settings")).expect("JSON");
    let hook = &settings["hooks"]["UserPromptSubmit"][0]["hooks"][0];
    let program = hook["command"].as_str().expect("a command");
    assert_eq!(Path::new(program), installed.home(".local/state/prompt-manager/bin/prompt-hook"));
    let args: Vec<_> = hook["args"].as_array().expect("args").iter().filter_map(|arg| arg.as_str()).collect();
    let payload = r#"{"session_id":"s","hook_event_name":"UserPromptSubmit","prompt":"hello"}"#;
    // Claude Code may run with any environment; the arguments say where the queue is.
    let hook = installed.world.command(program).args(args).env_remove("HOME").env_remove("PROMPT_MANAGER_HOME");
    let _ = hook.stdin(payload).succeed().silent();
    // There is something of the person's own now, so that is what is shown.
    let again = installed.up();
    assert_eq!(step(again.out()), None, "{again}");
    installed.wait_for(again.out(), "the prompt", |page| page["items"][0]["prompt_text"] == "hello");
}

#[test]
fn all_of_it_goes_and_the_data_stays() {
    let installed = Installed::new();
    let _ = installed.up();
    let defaults = ["PROMPT_MANAGER_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"];
    let set = |words: &[&str]| {
        defaults.iter().fold(installed.command(words), |command, name| command.env_remove(name)).succeed()
    };
    let _ = set(&["setup", "hooks", "--rate"]);
    let _ = set(&["setup", "hooks", "--config-dir", "home/other"]);
    let _ = set(&["setup", "service", "--launchd"]);
    let done = installed.script(&["--uninstall"]).succeed();
    let data = installed.data("");
    let data = data.display().to_string();
    let data = data.trim_end_matches('/');
    assert_eq!(
        done.out().lines().last(),
        Some(format!("your data stays in {data}; to delete it: rm -rf {data}").as_str()),
        "{done}"
    );
    assert_eq!(installed.running(), [""; 0]);
    let tree = installed.world.tree();
    let data = "home/.local/share/prompt-manager/";
    let left: Vec<_> = tree.lines().filter(|line| line.starts_with("home/") && !line.starts_with(data)).collect();
    assert!(left.is_empty() && tree.contains(data), "{left:?}\n{done}");
    let again = installed.script(&["--uninstall"]).run().code(1);
    assert!(again.err().contains("nothing is installed in"), "{again}");
}

/// What another data directory's hooks and services need stays.
#[test]
fn programs_that_another_data_directory_needs_stay() {
    let installed = Installed::new();
    let _ = installed.up();
    let defaults = ["PROMPT_MANAGER_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"];
    let other = installed.home("other");
    let other = other.to_str().expect("a path");
    let set =
        defaults.iter().fold(installed.command(&["setup", "hooks", "--home", other]), |set, name| set.env_remove(name));
    let _ = set.succeed();
    let done = installed.script(&["--uninstall"]).succeed();
    assert!(done.out().contains(&format!("./ops/up --uninstall --home '{other}'")), "{done}");
    assert!(installed.home(".local/bin/prompt-manager").exists(), "{done}");
    assert!(fs::read_to_string(installed.home(".claude/settings.json")).is_ok_and(|text| text.contains(other)));
    let done = installed.script(&["--uninstall", "--home", other]).succeed();
    assert!(!installed.home(".local/bin/prompt-manager").exists(), "{done}");
}

/// Whoever named the place has to name it again: without it these two would stop nothing, and leave it running without programs.
#[test]
fn what_stops_it_is_printed_with_its_place() {
    let installed = Installed::new();
    let place = installed.home("a place");
    let place = place.to_str().expect("a path");
    let done = installed.script(&["--port", "0", "--home", place]).succeed();
    let step = done.out().lines().last().unwrap_or_default();
    let words = step.rsplit_once("take it out with ").map_or("", |(_, words)| words);
    assert!(step.contains(&format!("--stop --home '{place}'")), "{done}");
    assert_eq!(words, format!("./ops/up --uninstall --home '{place}'"));
    let _ = installed.script(&["--uninstall", "--home", place]).succeed();
    assert_eq!(installed.running(), [""; 0]);
}

/// Whoever starts the ingester next has no such variable.
#[test]
fn a_configuration_that_this_shell_names_stays_known() {
    let installed = Installed::new();
    let config = installed.home(".config/claude");
    fs::create_dir_all(&config).expect("a directory");
    copy_projects(&config.join("projects"));
    let done = installed.script(&["--port", "0"]).env("CLAUDE_CONFIG_DIR", &config).succeed();
    let line = done.out().lines().find(|line| line.starts_with("Taking in "));
    assert!(line.is_some_and(|line| line.contains(&config.join("projects").display().to_string())), "{done}");
    let done = installed.script(&["--port", "0"]).succeed();
    let line = done.out().lines().find(|line| line.starts_with("Taking in "));
    assert!(line.is_some_and(|line| line.contains(&config.join("projects").display().to_string())), "{done}");
    installed.wait_for(done.out(), "five conversations", |page| page["items"].as_array().map(Vec::len) == Some(5));
}

/// Where no manager runs, that is said, with the one line that changes it.
#[test]
fn what_no_boot_starts_is_said() {
    let installed = Installed::new();
    let done = installed.up();
    let said = done.out().lines().skip_while(|line| !line.starts_with("Nothing starts it after a reboot")).nth(1);
    assert!(said.is_some_and(|line| line.contains("prompt-manager setup service --")), "{done}");
}

/// A systemd that starts nothing and writes down what it is asked.
fn with_systemd(installed: &Installed) -> impl Fn(&[&str]) -> (Done, String) + '_ {
    let (tools, asked) = (installed.world.root().join("tools"), installed.world.root().join("asked"));
    fs::create_dir(&tools).expect("a directory");
    fs::write(tools.join("systemctl"), format!("#!/bin/sh\necho \"$*\" >> '{}'\n", asked.display())).expect("a tool");
    std::process::Command::new("chmod").arg("755").arg(tools.join("systemctl")).status().expect("chmod runs");
    move |args: &[&str]| {
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", tools.display());
        let done = installed.script(args).env("PATH", path).succeed();
        let heard = fs::read_to_string(&asked).unwrap_or_default();
        let _ = fs::remove_file(&asked);
        (done, heard)
    }
}

/// As where systemd runs for the user: it starts both, no process is ours, and --stop asks it.
#[test]
fn a_systemd_of_the_user_is_used() {
    let installed = Installed::new();
    let script = with_systemd(&installed);
    fs::create_dir_all(installed.home(".claude")).expect("a directory");
    copy_projects(&installed.home(".claude/projects"));
    let (done, heard) = script(&["--port", "8799"]);
    assert!(heard.contains("enable --now prompt-manager.service prompt-manager-api.socket"), "{heard}");
    assert!(
        done.out().contains("Listening on http://127.0.0.1:8799") && !done.out().contains("after a reboot"),
        "{done}"
    );
    assert_eq!(installed.running(), [""; 0]);
    let (done, heard) = script(&["--stop"]);
    assert!(
        done.out().contains("stopped: services") && heard.contains("--user stop prompt-manager.service"),
        "{done}\n{heard}"
    );
    let (_, heard) = script(&["--port", "8799"]);
    assert!(heard.contains("try-restart prompt-manager.service"), "an upgrade restarts what runs: {heard}");
    let (done, heard) = script(&["--uninstall"]);
    assert!(
        heard.contains("daemon-reload")
            && !installed.home(".config/systemd").join("user/prompt-manager.service").exists(),
        "{done}"
    );
}

/// As cron starts them at a boot: no pid file tells of them.
#[test]
fn what_a_boot_has_started_is_known() {
    let installed = Installed::new();
    let _ = installed.up();
    let boot = || {
        for (name, rest) in [("ingest", "run"), ("query-api", "serve --listen 127.0.0.1:0")] {
            let program = installed.home(".local/lib/prompt-manager").join(name);
            let line = format!(
                "setsid '{}' {rest} --home '{}' >/dev/null 2>&1 </dev/null &",
                program.display(),
                installed.data("").display().to_string().trim_end_matches('/')
            );
            let _ = installed.world.command("sh").args(["-c", &line]).succeed();
        }
        let deadline = Instant::now() + Duration::from_secs(60);
        while installed.running() != ["ingest", "query-api"] {
            assert!(Instant::now() < deadline, "{:?}", installed.running());
            thread::sleep(Duration::from_millis(20));
        }
    };
    let _ = installed.script(&["--stop"]).succeed();
    boot();
    let done = installed.script(&["--stop"]).succeed();
    assert_eq!(done.out().trim(), "stopped: query-api ingest");
    assert_eq!(installed.running(), [""; 0]);
    boot();
    let done = installed.up();
    assert!(done.out().contains("ingest was already running"), "{done}");
    assert_eq!(installed.running(), ["ingest", "query-api", "query-api"]);
    let _ = installed.script(&["--stop"]).succeed();
    boot();
    // Another's are not ours to stop, though its name begins alike.
    let other = installed.data("").display().to_string();
    let other = other.trim_end_matches("ger/");
    let done = installed.script(&["--stop", "--home", other]).succeed();
    assert!(done.out().starts_with("nothing was running"), "{done}");
    let done = installed.script(&["--uninstall"]).succeed();
    assert_eq!(installed.running(), [""; 0], "{done}");
}

/// Two at once, one that was killed, and programs of which one is missing.
#[test]
fn an_installation_is_whole_or_as_it_was() {
    let installed = Installed::new();
    let _ = installed.up();
    let lock = installed.home(".prompt-manager-up");
    assert!(!lock.exists());
    let mut other = std::process::Command::new("sh").args(["-c", "sleep 60; :", "ops/up"]).spawn().expect("a process");
    fs::write(&lock, format!("{}\n", other.id())).expect("a lock");
    let done = installed.script(&["--stop"]).run().code(1);
    assert!(done.err().contains("another ops/up runs"), "{done}");
    other.kill().expect("it ends");
    let _ = other.wait();
    let _ = installed.script(&["--stop"]).succeed();
    assert!(!lock.exists());

    fs::remove_file(installed.world.root().join("binaries/prompt-hook")).expect("removed");
    let lib = installed.home(".local/lib/prompt-manager");
    let mark = |name: &str| fs::metadata(lib.join(name)).and_then(|meta| meta.modified()).expect("a program");
    let before = (mark("ingest"), mark("query-api"));
    let done = installed.script(&["--port", "0"]).run().code(1);
    assert!(done.err().contains("nothing was replaced"), "{done}");
    assert_eq!((mark("ingest"), mark("query-api")), before);

    // Ended between two of them, it goes on.
    fs::remove_file(installed.home(".local/bin/prompt-manager")).expect("removed");
    fs::remove_file(lib.join("query-api")).expect("removed");
    let done = installed.script(&["--uninstall"]).succeed();
    assert!(!lib.exists(), "{done}");
}

/// Root has set them up for this user: nothing of ours runs beside them, and no program goes while they need it.
#[test]
fn units_of_the_system_are_left_to_root() {
    let installed = Installed::new();
    fs::create_dir_all(installed.data("")).expect("a directory");
    let account = "no-such-user-here"; // root itself cannot take these out either
    let record = format!(
        "{{\n  \"hooks\": [],\n  \"services\": [\n    {{\n      \"manager\": \"systemd\",\n      \"account\": \"{account}\",\n      \"timer\": false,\n      \"files\": [\"/etc/systemd/system/prompt-manager.service\"]\n    }}\n  ]\n}}\n"
    );
    fs::write(installed.data("setup.json"), record).expect("a record");
    let done = installed.script(&[]).succeed();
    assert!(done.out().contains("sudo systemctl restart prompt-manager"), "{done}");
    assert!(!installed.running().contains(&"ingest".to_owned()), "{done}");
    let done = installed.script(&["--uninstall"]).run().code(1);
    assert!(done.out().contains(account) && done.err().contains("no program was deleted"), "{done}");
    assert!(installed.home(".local/bin/prompt-manager").exists(), "{done}");
}

/// The port that was chosen once is kept, and whatever the path holds, its services are known.
#[test]
fn the_port_of_a_service_stays() {
    let installed = Installed::new();
    let script = with_systemd(&installed);
    let home = installed.home("100% \"it's\" & <mine>");
    let home = home.to_str().expect("a path");
    let (done, _) = script(&["--home", home, "--port", "8799"]);
    assert!(done.out().contains("Listening on http://127.0.0.1:8799\n"), "{done}");
    assert!(!done.out().contains("PROMPT_MANAGER_LISTEN"), "{done}");
    let (done, _) = script(&["--home", home]);
    assert!(done.out().contains("Listening on http://127.0.0.1:8799\n"), "{done}");
    let (done, heard) = script(&["--home", home, "--stop"]);
    assert!(done.out().contains("stopped: services") && heard.contains("--user stop"), "{done}\n{heard}");
    // Another's are not stopped.
    let (done, heard) = script(&["--home", &format!("{home}2"), "--stop"]);
    assert!(done.out().contains("nothing was running") && !heard.contains("stop"), "{done}\n{heard}");
}

/// A socket that is a file, below a path that a shell could stumble over.
#[test]
fn an_api_at_a_socket_is_waited_for_and_asked() {
    let installed = Installed::new();
    fs::create_dir_all(installed.home(".config/prompt-manager")).expect("a directory");
    fs::create_dir_all(installed.home(".claude")).expect("a directory");
    copy_projects(&installed.home(".claude/projects"));
    let home = installed.home("it's");
    let config = format!("listen = \"unix:{}\"\n", home.join("run/api.sock").display());
    fs::write(installed.home(".config/prompt-manager/config.toml"), config).expect("a file");
    let args = ["--home", home.to_str().expect("a path")];
    let done = installed.script(&args).succeed();
    assert!(done.out().contains("--unix-socket"), "{done}");
    installed.wait_for(done.out(), "five conversations", |page| page["items"].as_array().map(Vec::len) == Some(5));
    let done = installed.script(&[&args[..], &["--stop"]].concat()).succeed();
    assert!(done.out().starts_with("stopped: query-api ingest"), "{done}");
}

/// Every subcommand of every program is reachable by the one command, and its help has a line for it.
#[test]
fn the_one_command_knows_all_words() {
    let installed = Installed::new();
    let _ = installed.up();
    let help = installed.command(&["--help"]).succeed();
    assert!(help.out().lines().all(|line| line.chars().count() <= 80), "{help}");
    for name in ["ingest", "query-api"] {
        let words = subcommands(installed.world.bin(name).arg("--help").succeed().out());
        assert!(!words.is_empty(), "{name} --help lists no commands");
        for word in words {
            assert!(
                help.out().lines().any(|line| line.starts_with(&format!("  {word} "))),
                "no line for {word}\n{help}"
            );
            let own = installed.command(&[&word, "--help"]).succeed();
            assert!(own.out().contains(&format!("Usage: prompt-manager {word}")), "{own}");
            let direct = installed.world.bin(name).args([&word, "--help"]).succeed();
            assert_eq!(own.out(), direct.out(), "{word} goes elsewhere");
        }
    }
    let part = installed.command(&["help", "setup", "hooks"]).succeed();
    assert!(part.out().contains("Usage: prompt-manager setup hooks") && part.out().contains("--config-dir"), "{part}");
    let version = installed.command(&["--version"]).succeed();
    let said = version.out().strip_prefix("prompt-manager ").and_then(|said| said.trim_end().strip_suffix(')'));
    let (number, commit) = said.and_then(|said| said.split_once(" (")).expect("a version and a commit");
    assert!(number.split('.').count() == 3 && commit.len() > 10, "{version}");
    let other = installed.world.bin("query-api").arg("--version").succeed();
    assert!(other.out().trim_end().ends_with(&format!(" {number} ({commit})")), "{other}\n{version}");

    let mistaken =
        [("onse", "once"), ("lst", "list"), ("serach", "search"), ("opne", "open"), ("lsit", "list"), ("xyzzy", "")];
    for (typed, meant) in mistaken {
        let unknown = installed.command(&[typed]).run().code(2);
        assert!(unknown.err().contains(&format!("no command '{typed}'")), "{unknown}");
        assert_eq!(
            unknown.err().split("did you mean '").nth(1).and_then(|it| it.split('\'').next()),
            Some(meant).filter(|meant| !meant.is_empty()),
            "{unknown}"
        );
        assert!(unknown.err().lines().count() == 1 && unknown.err().contains("--help"), "{unknown}");
    }
    // Asked for its help, the hook captures nothing.
    for words in [&["hook", "--help"], &["hook", "-h"], &["help", "hook"]] {
        let help = installed.command(words).succeed();
        assert!(help.out().contains("Usage: prompt-manager hook EVENT") && help.out().contains("--queue"), "{help}");
    }
    assert_eq!(installed.world.names(&installed.world.data().incoming()), [""; 0]);
    let _ = installed.command(&[]).run().code(2);

    // Through a link, as when ~/bin has one.
    let link = installed.world.root().join("pm");
    std::os::unix::fs::symlink(installed.home(".local/bin/prompt-manager"), &link).expect("a link");
    let _ = installed.world.command(&link).arg("--version").succeed();
}

/// The words that clap lists under "Commands:", without its own `help`.
fn subcommands(help: &str) -> Vec<String> {
    let list = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let words = list.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    words.filter_map(|line| line.split_whitespace().next()).filter(|word| *word != "help").map(str::to_owned).collect()
}
