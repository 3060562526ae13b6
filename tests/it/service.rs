//! `ingest run` as a service: what the supervisor is told, and what signals do.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use harness::World;
use store::write::Writer;

use harness::law::Given;

/// No machine that runs tests needs this long.
const LONG: Duration = Duration::from_secs(60);

/// A `run` and the supervisor's end of the line.
struct Service {
    child: Child,
    socket: UnixDatagram,
    /// What was said so far, and when.
    heard: Vec<(Instant, String)>,
}

impl Service {
    fn start(world: &World, args: &[&str], env: &[(&str, &str)]) -> Self {
        Self::start_as(world, world.bin("ingest").arg("run").args(args).into_command(), env)
    }

    fn start_as(world: &World, mut command: Command, env: &[(&str, &str)]) -> Self {
        let path = world.root().join("notify");
        let _ = fs::remove_file(&path);
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        command.env("NOTIFY_SOCKET", &path).envs(env.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        Self { child: command.spawn().unwrap(), socket, heard: Vec::new() }
    }

    /// Listens for a moment.
    fn hear(&mut self) -> bool {
        let mut bytes = [0; 4096];
        let Ok(n) = self.socket.recv(&mut bytes) else { return false };
        self.heard.push((Instant::now(), String::from_utf8_lossy(&bytes[..n]).into_owned()));
        true
    }

    /// Listens until something new fits; where in `heard` it stands.
    fn wait_for(&mut self, what: &str, fits: impl Fn(&str) -> bool) -> usize {
        let begin = Instant::now();
        loop {
            if self.hear() && self.heard.last().is_some_and(|(_, said)| fits(said)) {
                return self.heard.len() - 1;
            }
            assert!(begin.elapsed() < LONG, "{what} did not come, only {:?}", self.heard);
        }
    }

    fn count(&self, what: &str) -> usize {
        self.heard.iter().filter(|(_, said)| said == what).count()
    }

    fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap().success());
    }

    /// How it ended, once it did.
    fn ended(&mut self) -> ExitStatus {
        let begin = Instant::now();
        loop {
            self.hear();
            if let Some(status) = self.child.try_wait().unwrap() {
                while self.hear() {}
                return status;
            }
            assert!(begin.elapsed() < LONG, "it does not end: {:?}", self.heard);
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // With what it started: strace that is killed leaves its program behind.
            let _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", self.child.id())]).status();
        }
        let _ = self.child.wait();
    }
}

fn name(n: u64) -> String {
    format!("{:019}-s-Stop.json", 1_795_350_951_000_000_000 + n)
}

/// Files `from..to` come into the queue.
fn queue(world: &World, given: &mut Given, numbers: std::ops::Range<u64>) {
    world.data().create().unwrap();
    for n in numbers {
        let payload = format!(r#"{{"session_id":"s","hook_event_name":"Stop","last_assistant_message":"{n}"}}"#);
        let tmp = world.root().join("new");
        fs::write(&tmp, &payload).unwrap();
        fs::rename(&tmp, world.data().incoming().join(name(n))).unwrap();
        given.good.insert((name(n), payload.into_bytes()));
    }
}

fn config(world: &World, text: &str) {
    let dir = world.root().join("config/prompt-manager");
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("config.toml"), text).unwrap();
}

fn log(world: &World) -> String {
    fs::read_to_string(world.data().processor_log()).unwrap_or_default()
}

#[test]
fn a_supervisor_is_told() {
    let (world, mut given) = (World::new(), Given::default());
    queue(&world, &mut given, 0..3);
    let mut service = Service::start(&world, &["--every", "20ms"], &[]);
    assert_eq!(service.wait_for("readiness", |said| said == "READY=1"), 1);
    assert!(service.heard[0].1.starts_with("EXTEND_TIMEOUT_USEC="), "{:?}", service.heard);
    service.wait_for("the first look", |said| said.starts_with("STATUS=last: 3 events stored"));
    service.signal("-TERM");
    assert_eq!(service.ended().code(), Some(0));
    assert_eq!(service.heard.last().unwrap().1, "STOPPING=1");
    assert_eq!(service.count("WATCHDOG=1"), 0, "nobody asked for it");
    given.check(world.data(), "a service that was stopped");
}

/// A start that cannot succeed is not ready, and says why.
#[test]
fn what_cannot_run_is_not_ready() {
    let world = World::new();
    world.data().create().unwrap();
    fs::write(world.data().database(), "no database at all, and long enough to be one").unwrap();
    let mut service = Service::start(&world, &[], &[]);
    assert_eq!(service.ended().code(), Some(1));
    assert_eq!(service.count("READY=1"), 0);
}

#[test]
fn signs_of_life() {
    let world = World::new();
    let mut service = Service::start(&world, &["--every", "1h"], &[("WATCHDOG_USEC", "60000")]);
    for _ in 0..5 {
        service.wait_for("a sign of life", |said| said == "WATCHDOG=1");
    }
    drop(service);
    // While a pass has a lot to do.
    let mut given = Given::default();
    queue(&world, &mut given, 0..2000);
    let mut service = Service::start(&world, &["--every", "20ms"], &[("WATCHDOG_USEC", "15000")]);
    let end = service.wait_for("the end of the pass", |said| said.starts_with("STATUS=last:"));
    let signs = service.heard[..end].iter().filter(|(_, said)| said == "WATCHDOG=1").count();
    assert!(signs > 5, "only {signs} while it read 2000 files");
    drop(service);
    // For another process.
    let mut service =
        Service::start(&world, &["--every", "20ms"], &[("WATCHDOG_USEC", "15000"), ("WATCHDOG_PID", "1")]);
    service.wait_for("readiness", |said| said == "READY=1");
    for _ in 0..10 {
        service.hear();
    }
    assert_eq!(service.count("WATCHDOG=1"), 0);
}

/// A pass that hangs gives no sign of life, although its process has other threads.
#[test]
fn a_pass_that_hangs_is_found_out() {
    let tool = Command::new("strace").arg("-V").stdout(Stdio::null()).status();
    if !tool.is_ok_and(|status| status.success()) {
        println!("SKIPPED: strace is not installed");
        return;
    }
    let (world, mut given) = (World::new(), Given::default());
    world.ingest_once();
    let mut command = world.command("strace");
    command = command.args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync,fsync"]);
    command = command.args(["-e", "inject=fdatasync,fsync:delay_enter=2000000:when=1"]);
    let command = command.arg(harness::bin("ingest")).args(["run", "--every", "20ms"]).into_command();
    let mut service = Service::start_as(&world, command, &[("WATCHDOG_USEC", "300000")]);
    service.wait_for("a sign of life", |said| said == "WATCHDOG=1");
    queue(&world, &mut given, 0..1);
    let end = service.wait_for("the end of the pass", |said| said.contains("1 event stored"));
    let signs: Vec<_> = service.heard[..end].iter().filter(|(_, said)| said == "WATCHDOG=1").collect();
    let longest =
        signs.windows(2).map(|two| two[1].0 - two[0].0).chain([service.heard[end].0 - signs.last().unwrap().0]).max();
    assert!(longest > Some(Duration::from_secs(1)), "{longest:?}");
}

#[test]
fn the_settings_are_read_again() {
    let (world, mut given) = (World::new(), Given::default());
    config(&world, "every = '1h'\nmax_event = '64KiB'\n");
    let mut service = Service::start(&world, &[], &[]);
    service.wait_for("the first look", |said| said.starts_with("STATUS=last: 0 events stored"));
    queue(&world, &mut given, 0..2);
    // A wrong file changes nothing.
    config(&world, "evry = '20ms'\n");
    service.signal("-HUP");
    let at = service.wait_for("the reading", |said| said.starts_with("RELOADING=1\nMONOTONIC_USEC="));
    assert_eq!(service.wait_for("readiness again", |_| true), at + 1);
    assert_eq!(service.heard[at + 1].1, "READY=1");
    assert!(log(&world).contains("unknown field `evry`"), "{}", log(&world));
    assert_eq!(harness::law::names(&world.data().incoming()).len(), 2, "every hour, as before");
    // A right one does, but the data directory stays the one it is.
    config(&world, &format!("every = '20ms'\nhome = '{}'\n", world.root().join("other").display()));
    service.signal("-HUP");
    service.wait_for("a pass", |said| said.starts_with("STATUS=last: 2 events stored"));
    assert!(log(&world).contains("read the settings again: every 20ms"), "{}", log(&world));
    service.signal("-INT");
    assert_eq!(service.ended().code(), Some(0));
    given.check(world.data(), "after other settings");
}

#[test]
fn what_is_ignored_from_now_on() {
    let (world, mut given) = (World::new(), Given::default());
    let prompt = |word: &str| {
        let payload = format!(r#"{{"session_id":"s","cwd":"/work/secret","prompt":"{word}"}}"#);
        world.hook("UserPromptSubmit", payload);
    };
    config(&world, "every = '20ms'\n");
    let mut service = Service::start(&world, &[], &[]);
    prompt("before");
    service.wait_for("the first", |said| said.starts_with("STATUS=last: 1 event stored"));
    config(&world, "every = '20ms'\nignore = ['/work/secret']\n");
    service.signal("-HUP");
    service.wait_for("readiness again", |said| said == "READY=1");
    prompt("canary");
    service.wait_for("the second", |said| said.starts_with("STATUS=last: 0 events stored, 1 ignored"));
    config(&world, "every = '20ms'\n");
    service.signal("-HUP");
    service.wait_for("readiness again", |said| said == "READY=1");
    queue(&world, &mut given, 0..1);
    service.wait_for("the third", |said| said.starts_with("STATUS=last: 1 event stored"));
    service.signal("-INT");
    assert_eq!(service.ended().code(), Some(0));
    world.assert_drained();
    let archive = world.command("grep").args(["-rl", "-e", "before", "-e", "canary"]).arg(world.data().archive()).run();
    assert_eq!(archive.out().lines().count(), 1, "{archive}");
}

/// As that of a volume that was mounted since.
#[test]
fn what_is_ignored_by_a_link_that_came_later() {
    let world = World::new();
    let root = world.root().canonicalize().unwrap();
    config(&world, &format!("every = '20ms'\nignore = ['{}/private']\n", root.display()));
    let mut service = Service::start(&world, &[], &[]);
    let prompt = |session: &str| {
        let cwd = root.join("mnt/project");
        world.hook(
            "UserPromptSubmit",
            format!(r#"{{"session_id":"{session}","cwd":"{}","prompt":"x"}}"#, cwd.display()),
        );
    };
    prompt("before");
    service.wait_for("the first", |said| said.starts_with("STATUS=last: 1 event stored"));
    std::os::unix::fs::symlink("mnt", root.join("private")).unwrap();
    prompt("after");
    service.wait_for("the second", |said| said.starts_with("STATUS=last: 0 events stored, 1 ignored"));
    service.signal("-INT");
    assert_eq!(service.ended().code(), Some(0));
}

/// The second signal ends a process that is in the middle of something, and the next pass goes on from there.
#[test]
fn a_second_signal_ends_it_at_once() {
    let (world, mut given) = (World::new(), Given::default());
    world.ingest_once();
    queue(&world, &mut given, 0..3);
    // Somebody else writes for longer than this test waits.
    let mut other = Writer::open(world.data()).unwrap();
    let held = other.batch().unwrap();
    let mut service = Service::start(&world, &["--every", "20ms"], &[]);
    service.wait_for("readiness", |said| said == "READY=1");
    service.wait_for("the first look", |said| said.ends_with("first look"));
    service.signal("-TERM");
    thread::sleep(Duration::from_millis(50));
    service.signal("-TERM");
    let status = service.ended();
    assert!(status.signal() == Some(15) || status.code() == Some(0), "{status}");
    drop(held);
    drop(other);
    let report = world.ingest_once();
    assert_eq!(report["trouble"], serde_json::Value::Null, "{report}");
    given.check(world.data(), "after a second signal");
}

/// Whoever holds the database is named, so that a person knows whom to ask.
#[test]
fn a_busy_database_names_its_holder() {
    let (world, mut given) = (World::new(), Given::default());
    world.ingest_once();
    queue(&world, &mut given, 0..3);
    let mut other = Writer::open(world.data()).unwrap();
    let held = other.batch().unwrap();
    let report = world.ingest(&["once", "--json"]).code(75).json();
    let named = format!("(pid {})", std::process::id());
    let trouble = report["trouble"].as_str().unwrap();
    assert!(trouble.contains("the database is busy, held by ") && trouble.contains(&named), "{trouble}");
    assert_eq!(harness::law::names(&world.data().processing()).len(), 3, "nothing is counted against them: {report}");
    drop(held);
    assert_eq!(world.ingest_once()["stored"], 3);
    given.check(world.data(), "a busy database");
}

/// The log becomes empty when nothing more comes, although a reader has the database open all the time.
#[test]
fn an_idle_service_leaves_no_log() {
    let (world, mut given) = (World::new(), Given::default());
    world.ingest_once();
    let server = world.serve();
    queue(&world, &mut given, 0..3);
    let mut service = Service::start(&world, &["--every", "20ms"], &[]);
    service.wait_for("the first look", |said| said.starts_with("STATUS=last: 3 events stored"));
    let log = world.data().database().with_extension("db-wal");
    let begin = Instant::now();
    while fs::metadata(&log).unwrap().len() > 0 {
        assert!(begin.elapsed() < LONG, "{}", world.tree());
        thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(server.get("/api/conversations?kind=all").0, 200);
    given.check(world.data(), "an emptied log");
}
