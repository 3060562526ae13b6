//! What `setup service` writes for systemd, launchd and cron: the managers' own tools find nothing wrong with it, paths with every odd
//! character are what they were, and taken out again nothing of it is left.

mod kept; // what a setup leaves alone, and what it remembers
mod packaged; // units of a package, and a port that is taken
mod which; // where nobody named a manager

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use harness::{Cmd, World, bin};

/// A home that no file of a manager may stumble over.
const ODD: &str = "ho me/100% \"it's\" <ä>&$HOME";

/// A machine on which services are set up.
struct Machine {
    world: World,
    home: PathBuf,
}

impl Machine {
    /// With this home below the world's root, and programs of its own.
    fn new(home: &str) -> Self {
        let world = World::new();
        let home = world.root().join(home);
        let lib = home.join("lib");
        fs::create_dir_all(&lib).expect("a directory");
        fs::create_dir(world.root().join("runtime")).expect("a directory");
        for name in ["ingest", "query-api"] {
            fs::copy(bin(name), lib.join(name)).expect("a program");
        }
        Self { world, home }
    }

    fn ingest(&self, args: &[&str]) -> Cmd {
        let command = self.world.command(self.home.join("lib/ingest")).args(args).env("HOME", &self.home);
        let command = ["PROMPT_MANAGER_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"]
            .iter()
            .fold(command, |command, name| command.env_remove(name));
        // No systemd of the machine that runs the tests is ever asked.
        command.env("PATH", self.tools()).env("USER", "nobody-in-particular")
    }

    /// A folder with tools that write down what they are asked, in the place of those that a machine has.
    fn tools(&self) -> PathBuf {
        let tools = self.world.root().join("tools");
        if !tools.exists() {
            fs::create_dir(&tools).expect("a directory");
            for name in ["sh", "getent", "env"] {
                let real = ["/usr/bin", "/bin"].iter().map(|dir| Path::new(dir).join(name)).find(|path| path.exists());
                std::os::unix::fs::symlink(real.expect("a tool"), tools.join(name)).expect("a link");
            }
        }
        tools
    }

    /// A tool that writes down its words, and does then as `script` says.
    fn tool(&self, name: &str, script: &str) {
        let path = self.tools().join(name);
        let asked = self.world.root().join("asked");
        fs::write(&path, format!("#!/bin/sh\necho \"{name} $*\" >> '{}'\n{script}\n", asked.display()))
            .expect("a tool");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a mode");
    }

    fn asked(&self) -> Vec<String> {
        let path = self.world.root().join("asked");
        let asked = fs::read_to_string(&path).unwrap_or_default().lines().map(str::to_owned).collect();
        let _ = fs::remove_file(path);
        asked
    }

    fn units(&self) -> PathBuf {
        self.home.join(".config/systemd/user")
    }

    /// Every file below the home that is neither data nor a program.
    fn left(&self) -> Vec<PathBuf> {
        let mut left = Vec::new();
        let mut folders = vec![self.home.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("a folder").flatten() {
                let path = entry.path();
                let is_data = [".local/share/prompt-manager", ".local/state/prompt-manager", "lib"];
                if is_data.iter().any(|data| path == self.home.join(data)) {
                    continue;
                }
                if path.is_dir() && !path.is_symlink() { folders.push(path) } else { left.push(path) }
            }
        }
        left
    }
}

/// A tool of this machine. `ops/test` installs them; without one there is no proof.
fn need(name: &str) {
    let found = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"].iter().any(|dir| Path::new(dir).join(name).exists());
    assert!(found, "{name} is missing: ./ops/test installs what the tests need");
}

fn paths(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(folder).expect("units").flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.is_file());
    paths.sort();
    paths
}

/// It ends well and says nothing, on stderr above all.
fn verify(world: &World, scope: &str, folder: &Path) {
    need("systemd-analyze");
    let done = world
        .command("systemd-analyze")
        .args(["verify", scope, "--man=no"])
        .args(paths(folder))
        .env("SYSTEMD_LOG_LEVEL", "notice")
        .succeed();
    let _ = done.silent();
}

#[test]
fn systemd_finds_nothing_wrong_with_the_units_of_a_user() {
    for home in ["home", ODD] {
        let machine = Machine::new(home);
        for look in [&[][..], &["--timer"]] {
            let said = machine.ingest(&["setup", "service", "--systemd"]).args(look).succeed();
            assert!(said.out().contains("systemctl --user enable --now prompt-manager"), "{said}");
            assert!(said.out().contains("loginctl enable-linger"), "{said}");
            let units = paths(&machine.units());
            assert_eq!(units.len(), if look.is_empty() { 6 } else { 7 }, "{units:?}");
            verify(&machine.world, "--user", &machine.units());
        }
        let _ = machine.ingest(&["setup", "service", "--remove"]).succeed();
        assert_eq!(machine.left(), Vec::<PathBuf>::new());
    }
}

/// What is set for the API and for all who take in, by the figure of systemd itself.
#[test]
fn units_of_the_system_are_confined() {
    need("systemd-analyze");
    let world = World::new();
    let folder = world.root().join("units");
    fs::create_dir(&folder).expect("a directory");
    for look in [&[][..], &["--timer"]] {
        let setup =
            world.bin("ingest").args(["setup", "service", "--systemd", "--system", "--user", "daemon", "--into"]);
        let _ = setup.arg(&folder).args(look).succeed();
    }
    verify(&world, "--system", &folder);
    for (name, most) in
        [("prompt-manager.service", 0.5), ("prompt-manager-once.service", 0.5), ("prompt-manager-api.service", 1.3)]
    {
        let done = world
            .command("systemd-analyze")
            .args(["security", "--offline=true", "--no-pager"])
            .arg(folder.join(name))
            .succeed();
        let figure = done.out().lines().find_map(|line| line.split_once(&format!("level for {name}: ")));
        let figure = figure.and_then(|(_, rest)| rest.split(' ').next()?.parse::<f64>().ok());
        let figure = figure.unwrap_or_else(|| panic!("no figure\n{done}"));
        println!("{name}: exposure {figure}, at most {most}");
        assert!(figure <= most, "{name}: {figure}\n{done}");
    }
}

/// What is asked of a systemd that runs, in its order.
#[test]
fn a_systemd_that_runs_is_told() {
    let machine = Machine::new("home");
    machine.tool("systemctl", "case \"$*\" in *ActiveState*) echo ActiveState=inactive;; esac");
    let _ = machine.ingest(&["setup", "service", "--systemd"]).succeed();
    let words = |asked: Vec<String>| -> Vec<String> {
        let asked = asked.into_iter().filter(|line| !line.contains(" show "));
        asked.map(|line| line.replace("systemctl --user --no-ask-password ", "")).collect()
    };
    let enable = "enable --now prompt-manager.service prompt-manager-api.socket prompt-manager-notify.path";
    let api = "start prompt-manager-api.service";
    assert_eq!(words(machine.asked()), ["daemon-reload", enable, api]);
    // Again nothing is stopped.
    let _ = machine.ingest(&["setup", "service", "--systemd"]).succeed();
    assert_eq!(words(machine.asked()), ["daemon-reload", enable, api]);
    // After an upgrade of the programs; and a socket is never opened anew below its service.
    let _ = machine.ingest(&["setup", "refresh"]).succeed();
    assert_eq!(
        words(machine.asked()),
        ["daemon-reload", "try-restart prompt-manager.service", "try-restart prompt-manager-api.service"]
    );
    machine.tool("systemctl", "case \"$*\" in *ActiveState*) echo ActiveState=active;; esac");
    let _ = machine.ingest(&["setup", "service", "--systemd", "--timer"]).succeed();
    let asked = words(machine.asked());
    assert!(asked[0].starts_with("stop prompt-manager.service "), "{asked:?}");
    assert!(asked.contains(&"disable prompt-manager.service".to_owned()), "{asked:?}");
    assert!(asked[asked.len() - 2].starts_with("enable --now prompt-manager-once.timer "), "{asked:?}");
    let _ = machine.ingest(&["setup", "service", "--remove"]).succeed();
    let asked = words(machine.asked());
    assert!(
        asked.iter().any(|line| line.starts_with("stop ")) && asked.contains(&"daemon-reload".to_owned()),
        "{asked:?}"
    );
    assert_eq!(machine.left(), Vec::<PathBuf>::new());

    // What it refuses is said.
    machine.tool("systemctl", "case \"$*\" in *enable*) echo 'Failed to listen' >&2; exit 1;; esac");
    let done = machine.ingest(&["setup", "service", "--systemd"]).run().code(1);
    assert!(
        done.err().contains("run systemctl --user enable --now") && done.err().contains("Failed to listen"),
        "{done}"
    );
    let _ = machine.ingest(&["setup", "service", "--remove"]).succeed();
    assert_eq!(machine.left(), Vec::<PathBuf>::new());
}

#[test]
fn what_is_not_ours_is_neither_replaced_nor_removed() {
    let machine = Machine::new("home");
    let theirs = machine.units().join("prompt-manager.service");
    fs::create_dir_all(machine.units()).expect("a directory");
    fs::write(&theirs, "[Service]\nExecStart=/bin/true\n").expect("a unit");
    let done = machine.ingest(&["setup", "service", "--systemd"]).run().code(1);
    assert!(done.err().contains("we have not made it") && done.err().contains("prompt-manager.service"), "{done}");
    let done = machine.ingest(&["setup", "service", "--systemd", "--remove"]).succeed();
    assert_eq!(done.out(), "nothing to do\n");
    assert_eq!(machine.left(), [theirs]);
}

#[test]
fn a_dry_run_changes_nothing() {
    let machine = Machine::new("home");
    for manager in ["--systemd", "--launchd"] {
        let done = machine.ingest(&["setup", "service", "--dry-run", manager]).succeed();
        assert!(done.out().contains("would write "), "{done}");
        assert_eq!(machine.left(), Vec::<PathBuf>::new());
    }
    let _ = machine.ingest(&["setup", "service", "--systemd"]).succeed();
    let before = machine.left();
    let done = machine.ingest(&["setup", "service", "--remove", "-n"]).succeed();
    assert!(done.out().contains("would remove "), "{done}");
    assert_eq!(machine.left(), before);
}

/// What is taken out by hand stays out, and what an older version wrote is made anew.
#[test]
fn an_upgrade_renews_what_is_there() {
    let machine = Machine::new("home");
    let _ = machine.ingest(&["setup", "service", "--systemd"]).succeed();
    let unit = machine.units().join("prompt-manager.service");
    let whole = fs::read_to_string(&unit).expect("a unit");
    fs::write(&unit, whole.replace("WatchdogSec=5min", "WatchdogSec=1min")).expect("a unit");
    let _ = machine.ingest(&["setup", "refresh"]).succeed();
    assert_eq!(fs::read_to_string(&unit).expect("a unit"), whole);
    paths(&machine.units()).iter().for_each(|path| fs::remove_file(path).expect("removed"));
    let _ = machine.ingest(&["setup", "refresh"]).succeed();
    assert_eq!(machine.left(), Vec::<PathBuf>::new());
}

#[test]
fn agents_of_macos_are_property_lists() {
    need("python3");
    let machine = Machine::new(ODD);
    let _ = machine.ingest(&["setup", "service", "--launchd"]).succeed();
    let agents = machine.home.join("Library/LaunchAgents");
    let read =
        "import json, plistlib, sys\nprint(json.dumps([plistlib.load(open(path, 'rb')) for path in sys.argv[1:]]))";
    let files = paths(&agents);
    let shown = machine.world.command("/usr/bin/python3").args(["-c", read]).args(&files).succeed().json();
    assert_eq!(files.len(), 2);
    for (agent, path) in shown.as_array().expect("agents").iter().zip(&files) {
        let label = agent["Label"].as_str().expect("a label");
        assert!(path.ends_with(format!("{label}.plist")), "{path:?}");
        let program = agent["ProgramArguments"][0].as_str().expect("a program");
        assert!(Path::new(program).starts_with(&machine.home) && Path::new(program).is_file(), "{program}");
        let data = agent["ProgramArguments"].as_array().expect("words").last().and_then(|word| word.as_str());
        assert_eq!(data.map(Path::new), Some(machine.home.join(".local/share/prompt-manager").as_path()));
        assert_eq!(agent["ThrottleInterval"], 30);
        assert!(agent["RunAtLoad"] == true && agent["KeepAlive"]["SuccessfulExit"] == false, "{agent}");
    }
    let _ = machine.ingest(&["setup", "service", "--launchd", "--timer"]).succeed();
    let _ = machine.ingest(&["setup", "service", "--launchd", "--remove"]).succeed();
    assert_eq!(machine.left(), Vec::<PathBuf>::new());
}

/// As macOS has it, of which this machine has none.
#[test]
fn launchd_is_told_where_it_runs() {
    let machine = Machine::new("home");
    machine.tool("launchctl", "");
    let _ = machine.ingest(&["setup", "service", "--launchd"]).succeed();
    let asked = machine.asked();
    let verbs: Vec<_> = asked.iter().filter_map(|line| line.split(' ').nth(1)).collect();
    assert_eq!(verbs, ["bootout", "bootstrap", "bootout", "bootstrap"], "{asked:?}");
    let _ = machine.ingest(&["setup", "service", "--remove"]).succeed();
    assert_eq!(machine.asked().len(), 2);
}

#[test]
fn words_that_make_no_sense_are_refused() {
    let machine = Machine::new("home");
    let refused = |args: &[&str], code: i32, expected: &str| {
        let done = machine.ingest(&[&["setup", "service"], args].concat()).run().code(code);
        assert!(done.err().contains(expected), "{args:?}\n{done}");
        assert_eq!(machine.left(), Vec::<PathBuf>::new());
    };
    refused(&["--systemd", "--cron"], 2, "cannot be used with");
    refused(&["--systemd", "--system"], 2, "--user <NAME>");
    refused(&["--systemd", "--system", "--user", "no-such-user"], 2, "there is no user 'no-such-user'");
    fs::create_dir_all(machine.home.join(".config/prompt-manager")).expect("a directory");
    let config = machine.home.join(".config/prompt-manager/config.toml");
    fs::write(&config, "listen = '0.0.0.0:80'\n").expect("config.toml");
    let done = machine.ingest(&["setup", "service", "--systemd"]).run().code(2);
    assert!(done.err().contains("`listen` is 0.0.0.0:80"), "{done}");
    fs::remove_file(&config).expect("removed");
    let odd = machine.home.join("line\nbreak");
    fs::create_dir(&odd).expect("a directory");
    let done = machine.ingest(&["setup", "service", "--systemd"]).env("PROMPT_MANAGER_HOME", &odd).run().code(1);
    assert!(done.err().contains("line break"), "{done}");
    // What this shell alone knows is said.
    let done = machine.ingest(&["setup", "service", "--systemd", "-n"]).env("PROMPT_MANAGER_EVERY", "5s").succeed();
    assert!(done.out().contains("write `every` into config.toml"), "{done}");
}

/// Every system call of a run, of a pass and of the API is one that their units allow.
#[test]
fn no_system_call_is_one_that_units_forbid() {
    need("strace");
    need("systemd-analyze");
    let allowed = allowed();
    let world = World::captured();
    let trace = world.root().join("trace");
    // The one that ends what stays is traced too.
    let traced = |words: &[&str], program: &str, args: &[&str]| -> Cmd {
        let strace = world.command("strace").args(["-f", "-qq", "-e", "signal=none", "-o"]).arg(&trace);
        strace.args(words).arg(bin(program)).args(args)
    };
    let check = |what: &str| {
        let text = fs::read_to_string(&trace).expect("a trace");
        let calls: std::collections::BTreeSet<_> = text.lines().filter_map(call).collect();
        assert!(calls.len() > 10, "{what}: only {calls:?}");
        let forbidden: Vec<_> = calls.iter().filter(|call| !allowed.contains(**call)).collect();
        assert!(forbidden.is_empty(), "{what}: {forbidden:?}");
        println!("{what}: {} system calls, all allowed", calls.len());
    };
    world.hook("UserPromptSubmit", r#"{"session_id":"s","prompt":"hello"}"#);
    let _ = traced(&[], "ingest", &["once", "--leave-notify"]).succeed();
    check("once, with a backup");
    // In the foreground: else it asks the whole group as well, and the second time means at once.
    let stays = ["timeout", "--foreground", "--preserve-status", "3"];
    let _ = traced(&stays, "ingest", &["run", "--every", "50ms", "--leave-notify"]).succeed();
    check("run");

    // Detached, so that the server itself is what is started and ended.
    let strace = world.command("strace").args(["-D", "-f", "-qq", "-e", "signal=none", "-o"]).arg(&trace);
    let mut server = world.serve_by(strace.arg(bin("query-api")).args(["serve", "--listen", "127.0.0.1:0"]));
    let id = server.items(&[("q", "use-bash")])[0]["id"].clone();
    for path in ["/api/stats", "/api/sessions", "/api/health", "/api/export", "/metrics", "/docs", "/readyz"] {
        assert_eq!(server.request("GET", path, &[]).status, 200, "{path}");
    }
    let said = server.client().json("PUT", &format!("/api/conversations/{id}/rating"), r#"{"rating":5}"#);
    assert_eq!(said.status, 200, "{}", said.text());
    assert_eq!(server.end(), Some(0));
    while !fs::read_to_string(&trace).expect("a trace").contains("exit_group(0)") {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    check("the API, from its start over what people ask to its end");
}

/// `12 openat(...` and `12 <... openat resumed>`.
fn call(line: &str) -> Option<&str> {
    let rest = line.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ');
    let name = rest.split('(').next()?;
    (!name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')).then_some(name)
}

/// As `SystemCallFilter=` of the units says it, by systemd's own lists.
fn allowed() -> std::collections::BTreeSet<String> {
    let with = group("@system-service");
    let without: std::collections::BTreeSet<_> = group("@privileged").union(&group("@resources")).cloned().collect();
    // What starts the program comes before the filter. SQLite gives its files away only as root, whom no unit of ours runs as
    // but root's own, and does not mind if it may not.
    with.difference(&without).cloned().chain(["execve".to_owned(), "fchown".to_owned()]).collect()
}

fn group(name: &str) -> std::collections::BTreeSet<String> {
    let output = Command::new("systemd-analyze").args(["syscall-filter", name]).output().expect("systemd-analyze runs");
    let text = String::from_utf8(output.stdout).expect("text");
    let members = text.lines().skip(1).map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    members
        .flat_map(|member| if member.starts_with('@') { group(member) } else { [member.to_owned()].into() })
        .collect()
}

/// What root sets up for another user is theirs, and taken out again nothing is left; on an `/etc` and with a user that only this test sees.
#[test]
fn root_sets_units_of_the_system_up_for_a_user() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root has an /etc to itself");
        return;
    }
    let machine = Machine::new("home");
    machine.tool("systemctl", "case \"$*\" in *ActiveState*) echo ActiveState=inactive;; esac");
    let theirs = machine.home.join("theirs");
    fs::create_dir(&theirs).expect("a directory");
    std::os::unix::fs::chown(&theirs, Some(4321), Some(4321)).expect("a gift");
    for open in [machine.world.root(), &machine.home] {
        fs::set_permissions(open, fs::Permissions::from_mode(0o755)).expect("a mode");
    }
    let stage = r#"
set -eu
mount --make-rprivate /
mount -t tmpfs tmpfs /etc/systemd/system
mount -t tmpfs tmpfs /run
(cat /etc/passwd; echo "pm:x:4321:4321::$1:/bin/sh") > /run/passwd
mount --bind /run/passwd /etc/passwd
export PATH="$3:$PATH" HOME=/nonexistent/root
as_pm="setpriv --reuid 4321 --regid 4321 --clear-groups env HOME=$1"
data=$1/.local/share/prompt-manager
# Without root nothing is done, and nothing is put on record.
! $as_pm "$2" setup service --systemd --system --user pm 2>&1 || exit 1
[ ! -e "$data/setup.json" ]
"$2" setup service --systemd --system --user pm
# Root's lock is theirs: they can go on.
$as_pm mkdir "$data/run"
"$2" setup service --systemd --system --user pm >/dev/null
stat -c '%u %n' "$data/run/setup.lock"
$as_pm "$2" setup refresh >/dev/null
stat -c '%u %n' "$1/.local/share/prompt-manager" "$1/.local/state/prompt-manager/spill" "$1/.local/share/prompt-manager/setup.json" "$1/.local"
! $as_pm "$2" setup remove || exit 1
[ -e /etc/systemd/system/prompt-manager.service ]
ls /etc/systemd/system
grep -c '^User=pm$' /etc/systemd/system/prompt-manager.service
"$2" setup service --systemd --system --user pm --remove
ls /etc/systemd/system | wc -l
cat "$1/.local/share/prompt-manager/setup.json"
# No link of theirs leads root anywhere.
mkdir -m 700 /run/roots
rm -rf "$1/.local"
$as_pm mkdir "$1/.local"
$as_pm ln -s /run/roots "$1/.local/share"
! "$2" setup service --systemd --system --user pm 2>&1 || exit 1
[ -z "$(ls -A /run/roots)" ]
"#;
    let program = machine.home.join("lib/ingest");
    let mut command = machine.world.command("unshare").args(["--mount", "sh", "-c", stage, "sh"]).arg(&theirs);
    command = command.arg(program).arg(machine.tools());
    for name in ["PROMPT_MANAGER_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"] {
        command = command.env_remove(name);
    }
    let done = command.succeed();
    let data = theirs.join(".local/share/prompt-manager");
    for owned in
        [&data, &theirs.join(".local/state/prompt-manager/spill"), &data.join("setup.json"), &theirs.join(".local")]
    {
        assert!(done.out().contains(&format!("4321 {}\n", owned.display())), "{}\n{done}", owned.display());
    }
    assert!(done.out().contains(&format!("4321 {}\n", data.join("run/setup.lock").display())), "{done}");
    assert!(done.out().contains("lib/ingest setup service --systemd --system --user pm"), "{done}");
    assert!(done.out().contains("only root can change them: sudo /"), "{done}");
    assert!(done.out().contains("prompt-manager-api.socket\n") && done.out().contains("\n1\n"), "{done}");
    assert!(done.out().contains("\n0\n") && done.out().contains("\"services\": []"), "{done}");
    let asked = machine.asked();
    assert!(asked.iter().any(|line| line.contains("enable --now prompt-manager.service")), "{asked:?}");
    assert!(asked.iter().all(|line| !line.contains("--user")), "{asked:?}");
}

/// Our units of the system give the API no network but the socket that systemd opened: it is reached all the same.
#[test]
fn the_api_answers_at_a_socket_from_outside_of_its_network() {
    need("systemd-socket-activate");
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root can make a network of its own");
        return;
    }
    let world = World::captured();
    let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = socket.local_addr().expect("an address").to_string();
    drop(socket);
    let mut command =
        world.command("systemd-socket-activate").args(["-l", &address, "unshare", "--net"]).into_command();
    let mut server =
        command.arg(bin("query-api")).args(["serve", "--home"]).arg(world.data().root()).spawn().expect("it starts");
    let url = format!("http://{address}/readyz");
    let asked =
        world.command("curl").args(["-s", "--retry", "20", "--retry-connrefused", "--retry-delay", "1", &url]).run();
    let pid = rustix::process::Pid::from_child(&server);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("a signal");
    server.wait().expect("it ends");
    assert_eq!(asked.out().trim(), "ready", "{asked}");
}
