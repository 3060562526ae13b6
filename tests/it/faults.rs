//! A machine that fails us for a while: a full disk, no inodes, a disk that became read-only, a commit that the disk refuses,
//! a database that somebody else holds. Nothing is lost, exit codes and `status` say it, and the first pass after the cure
//! takes in everything.
//!
//! The disks are small ones of our own, in a mount namespace that ends with the test. That needs the right to mount.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests fail like tests; skips are printed")]

mod bad_spot;
mod stays;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use harness::{Cmd, Done, World, bin, example};
use queue::DataDir;
use serde_json::Value;
use store::write::Writer;

use harness::law::{Given, names};

/// A world whose data directory is a small disk, which only commands that go through here can see.
struct Ill {
    world: World,
    keeper: Child,
    given: Given,
}

impl Ill {
    /// A tmpfs with these options, and a store on it; `None`, and a word about it, where nothing can be mounted.
    fn new(options: &str) -> Option<Self> {
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
        let ill = Self { world, keeper, given: Given::default() };
        let _ = ill.ingest(&["once"]).code(0);
        Some(ill)
    }

    /// A program that sees the disk.
    fn inside(&self, program: &Path) -> Cmd {
        let command = self.world.command("nsenter").args(["-t", &self.keeper.id().to_string(), "-m", "--"]);
        command.arg(program).env("PROMPT_MANAGER_MIN_SPACE", "1").env("PROMPT_MANAGER_ARCHIVE", "files")
    }

    fn sh(&self, script: &str) -> Done {
        self.inside(Path::new("/bin/sh")).args(["-c", script]).arg(self.world.data().root()).run()
    }

    fn ingest(&self, args: &[&str]) -> Done {
        self.inside(bin("ingest")).args(args).run()
    }

    /// Claude Code's prompts number `numbers`, each safe somewhere.
    fn prompts(&mut self, numbers: std::ops::Range<u64>) {
        for n in numbers {
            let ns = 1_795_350_951_000_000_000 + n;
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

    fn spilled(&self) -> Vec<String> {
        names(&self.world.root().join("state/prompt-manager/spill/incoming"))
    }

    /// `once` cannot do its work: it says so in its code and its figures, and counts nothing against a file.
    fn check_fault(&self, named: &[&str]) {
        let done = self.ingest(&["once", "--json"]).code(75);
        let said = format!("{}{}", done.out(), done.err()).to_lowercase();
        assert!(named.iter().any(|name| said.contains(name)), "none of {named:?} is named\n{done}");
        let left = self.sh("ls \"$0/queue/processing\"; ls \"$0/queue/failed\"");
        for file in left.out().lines() {
            assert!(file.ends_with(".a0"), "an attempt is counted, or a file failed: {left}");
        }
        // A look is possible all the same, and tells that something is wrong.
        let status = self.ingest(&["status", "--json"]).json();
        assert_ne!(status["status"], "ok", "{status:#}");
    }

    /// After the cure one call does it all.
    fn check_cured(&self, what: &str) {
        let done = self.ingest(&["once", "--json"]).code(0);
        assert_eq!(done.json()["trouble"], Value::Null, "{what}: {done}");
        assert_eq!(self.spilled(), [""; 0], "{what}");
        // To where this process can read it.
        let copy = self.world.root().join("copy");
        let script = format!("cp -a \"$0\" '{}'", copy.display());
        let _ = self.sh(&script).code(0);
        self.given.check(&DataDir::new(copy), what);
    }
}

impl Drop for Ill {
    fn drop(&mut self) {
        // Its stdin ends, and with it the namespace and the disk.
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

#[test]
fn a_full_disk() {
    let Some(mut ill) = Ill::new("size=6m") else { return };
    ill.prompts(0..20);
    let _ = ill.sh("cat /dev/zero > \"$0/filler\"");
    ill.prompts(20..40);
    assert!(!ill.spilled().is_empty(), "the hook's second place is used");
    ill.check_fault(&["full", "no space"]);
    ill.check_fault(&["full", "no space"]);
    let _ = ill.sh("rm \"$0/filler\"").code(0);
    ill.check_cured("a full disk");
}

/// Nothing is changed, the queue keeps what comes, and once there is room one pass does it all.
#[test]
fn too_little_room_for_an_upgrade() {
    let older = crate::upgrade::stored::world(12);
    let Some(ill) = Ill::new("size=6m") else { return };
    let put = "rm -rf \"$0/database/\"* \"$0/backups\" && cp -p \"$1\" \"$0/database/prompts.db\"";
    let put = ill.inside(Path::new("/bin/sh")).args(["-c", put]).arg(ill.world.data().root());
    let _ = put.arg(older.data().database()).succeed();
    let tell = || ill.inside(&example("schemas")).arg("tell").arg(ill.world.data().database()).succeed();
    let before = tell();
    let _ = ill.sh("cat /dev/zero | head -c 4600000 > \"$0/filler\"").code(0);
    let hook = ill.inside(bin("prompt-hook")).arg("Stop").stdin(r#"{"session_id":"s","hook_event_name":"Stop"}"#);
    let _ = hook.run().code(0).silent();
    ill.check_fault(&["upgrade the database from schema 12"]);
    let told = ill.ingest(&["once"]).code(75);
    assert!(told.out().contains("are needed for that in") && told.out().lines().count() == 1, "{told}");
    assert!(ill.ingest(&["status"]).out().contains("upgrade the database from schema 12"));
    let list = ill.inside(bin("query-api")).arg("list").run().code(1);
    assert!(list.err().contains("are needed for that in") && !list.err().contains("start or restart"), "{list}");
    assert_eq!(tell().out(), before.out());
    assert_eq!(ill.sh("ls \"$0/backups\"").out(), "");
    assert_eq!(ill.sh("ls \"$0/queue/incoming\"").out().lines().count(), 1);
    let _ = ill.sh("rm \"$0/filler\"").code(0);
    let done = ill.ingest(&["once", "--json"]).code(0).json();
    assert_eq!((&done["stored"], &done["trouble"]), (&1.into(), &Value::Null));
    assert_eq!(ill.sh("ls \"$0/backups\"").out().matches("prompts-schema-12-").count(), 1);
}

/// Above the limit nothing is touched, and it goes on by itself.
#[test]
fn a_disk_that_is_nearly_full() {
    let Some(mut ill) = Ill::new("size=6m") else { return };
    ill.prompts(0..20);
    let once = |space: &str| ill.inside(bin("ingest")).args(["once", "--json"]).env("PROMPT_MANAGER_MIN_SPACE", space);
    let paused = once("6MiB").run().code(75);
    assert!(paused.json()["trouble"].as_str().unwrap().contains("`min_space`"), "{paused}");
    assert_eq!(ill.sh("ls \"$0/queue/incoming\"").out().lines().count(), 20);
    ill.check_cured("a disk that was nearly full");
}

#[test]
fn no_inodes() {
    let Some(mut ill) = Ill::new("size=6m,nr_inodes=100") else { return };
    ill.prompts(0..20);
    let _ = ill.sh("n=0; while : > \"$0/filler$n\"; do n=$((n+1)); done 2>/dev/null");
    ill.prompts(20..40);
    assert_eq!(ill.spilled().len(), 20);
    ill.check_fault(&["unable to open", "no space", "full"]);
    let _ = ill.sh("rm \"$0\"/filler*").code(0);
    ill.check_cured("no inodes");
}

#[test]
fn a_disk_that_became_read_only() {
    let Some(mut ill) = Ill::new("size=6m") else { return };
    ill.prompts(0..20);
    let _ = ill.sh("mount -o remount,ro \"$0\"").code(0);
    ill.prompts(20..40);
    assert_eq!(ill.spilled().len(), 20);
    ill.check_fault(&["read-only", "readonly"]);
    let _ = ill.sh("mount -o remount,rw \"$0\"").code(0);
    ill.check_cured("a read-only disk");
}

/// The disk refuses to make the commit durable: no file may be moved for it.
#[test]
fn a_commit_that_the_disk_refuses() {
    let tool = Command::new("strace").arg("-V").stdout(Stdio::null()).status();
    if !tool.is_ok_and(|status| status.success()) {
        println!("SKIPPED: strace is not installed");
        return;
    }
    let wal = |world: &World| -> PathBuf { world.data().database().with_extension("db-wal") };
    for (calls, error) in [("fdatasync,fsync", "EIO"), ("pwrite64", "EIO"), ("pwrite64", "ENOSPC")] {
        let world = World::new();
        world.ingest_once();
        let mut given = Given::default();
        queue_files(&world, &mut given, 0..20);
        let strace = world.command("strace").args(["-f", "-qq", "-o", "/dev/null", "-P"]).arg(wal(&world));
        let strace = strace.args(["-e", &format!("trace={calls}"), "-e", &format!("inject={calls}:error={error}")]);
        let done = strace.arg(bin("ingest")).args(["once", "--json"]).run().code(75);
        assert!(done.json()["trouble"].is_string(), "{done}");
        assert_eq!(done.json()["stored"], 0, "{done}");
        let all: Vec<_> =
            [world.data().incoming(), world.data().processing()].iter().flat_map(|dir| names(dir)).collect();
        assert_eq!(all.len(), 20, "{calls} {error}: {}", world.tree());
        assert_eq!(world.ingest_once()["trouble"], Value::Null);
        given.check(world.data(), &format!("{calls} failed with {error}"));
    }
}

fn queue_files(world: &World, given: &mut Given, numbers: std::ops::Range<u64>) {
    for n in numbers {
        let name = format!("{:019}-s-Stop.json", 1_795_350_951_000_000_000 + n);
        let payload = format!(r#"{{"session_id":"s","hook_event_name":"Stop","last_assistant_message":"{n}"}}"#);
        let new = world.root().join("new");
        fs::write(&new, &payload).unwrap();
        fs::rename(&new, world.data().incoming().join(&name)).unwrap();
        given.good.insert((name, payload.into_bytes()));
    }
}

/// Somebody holds the database for a minute, far longer than we wait at a time, while prompts come: `run` goes on trying, and
/// drains.
#[test]
fn a_database_that_is_held() {
    const HELD: Duration = Duration::from_secs(60);
    let world = World::new();
    world.ingest_once();
    let mut given = Given::default();
    let mut other = Writer::open(world.data()).unwrap();
    let held = other.batch().unwrap();
    let mut command = world.bin("ingest").args(["run", "--every", "20ms"]).into_command();
    let mut run = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let log = || fs::read_to_string(world.data().processor_log()).unwrap_or_default();
    let mut next = 0;
    let begin = Instant::now();
    let long = Duration::from_secs(120);
    while begin.elapsed() < HELD || log().matches("the database is busy").count() < 2 {
        queue_files(&world, &mut given, next..next + 1);
        next += 1;
        assert!(begin.elapsed() < long, "it is not noticed: {}", log());
        std::thread::sleep(Duration::from_millis(500));
    }
    let status = world.ingest(&["status", "--json"]).json();
    assert_ne!(status["status"], "ok", "{status:#}");
    drop(held);
    drop(other);
    while !(names(&world.data().incoming()).is_empty() && names(&world.data().processing()).is_empty()) {
        assert!(begin.elapsed() < 2 * long, "it does not drain: {}", log());
        std::thread::sleep(Duration::from_millis(50));
    }
    let _ = Command::new("kill").arg(run.id().to_string()).status();
    assert_eq!(run.wait().unwrap().code(), Some(0));
    given.check(world.data(), "a database that was held");
}
