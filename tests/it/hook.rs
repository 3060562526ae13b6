//! prompt-hook as Claude Code meets it: what it stores and under which name, whatever its stdin does.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of tests fail like tests; figures and skips are printed"
)]

mod answer; // the one thing it ever prints
mod places; // where the event goes when something is in the way
mod trace; // which system calls it makes, and what happens when one fails

use std::fs::{self, File};
use std::io::{PipeWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};
use std::{io, thread};

use harness::{Cmd, World};

const SESSION: &str = "0914908d-acc8-48aa-98d6-77d558fb9590";
const CLOCK: u64 = 1_795_350_951_598_014_047;

/// A payload of about `size` bytes.
fn payload(size: usize) -> String {
    let head = format!(r#"{{"session_id":"{SESSION}","hook_event_name":"UserPromptSubmit","prompt":""#);
    let text = "a \\\"word\\\" é\\n".chars().cycle().take(size.saturating_sub(head.len() + 2)).collect::<String>();
    // A cut escape would swallow the quote that ends the string.
    format!("{head}{}\"}}", text.trim_end_matches('\\'))
}

/// The name and bytes of each file in a directory, as far as they are still there.
fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let mut files: Vec<_> = entries
        .flatten()
        .filter_map(|entry| Some((entry.file_name().into_string().ok()?, fs::read(entry.path()).ok()?)))
        .collect();
    files.sort();
    files
}

/// Exit 0, no output, and this payload alone in `incoming`, byte for byte; gives its name.
fn stored(world: &World, hook: Cmd, payload: &[u8]) -> String {
    let done = hook.run().code(0).silent();
    let mut files = files(&world.data().incoming());
    assert_eq!(files.len(), 1, "one file is stored\n{done}");
    let (name, bytes) = files.remove(0);
    assert!(bytes == payload, "{} bytes are stored, {} were sent\n{done}", bytes.len(), payload.len());
    assert!(world.names(&world.data().tmp()).is_empty(), "nothing is left in tmp\n{done}");
    name
}

fn check_name(payload: &str, event: &[&str], session: Option<&str>, expected: &str) {
    let world = World::new();
    let hook = world.bin("prompt-hook").args(event).stdin(payload).env("PROMPT_MANAGER_CLOCK_NS", CLOCK.to_string());
    let hook = session.into_iter().fold(hook, |hook, id| hook.env("CLAUDE_CODE_SESSION_ID", id));
    assert_eq!(stored(&world, hook, payload.as_bytes()), format!("{CLOCK}-{expected}.json"), "{payload}");
}

#[test]
fn names_and_bytes() {
    let full = payload(300);
    for sent in [full.clone(), format!("{full}\n"), format!(" \r\n{full} \n\n"), format!("{full}{full}")] {
        check_name(&sent, &["Stop"], Some("other"), &format!("{SESSION}-UserPromptSubmit"));
    }
    check_name(r#"{"prompt":"x"}"#, &["Stop"], Some("s-1"), "s-1-Stop");
    check_name(r#"{"session_id":"../../x","hook_event_name":"a/b"}"#, &["Stop"], None, "unknown-Stop");
    check_name("{}", &["../../etc/passwd"], Some("a/b"), "unknown-unknown");
    check_name("{}", &[], None, "unknown-unknown");
    check_name("{}", &["--newer-flag", "Stop", "--and", "more"], None, "unknown-Stop");
    check_name("no JSON at all {", &["Stop"], Some("s-1"), "s-1-Stop");
    check_name("", &["SessionEnd"], Some("s-1"), "s-1-SessionEnd");
}

#[test]
fn every_size_around_the_buffer() {
    for size in [4_096, 65_535, 65_536, 65_537, 131_072, 2 << 20] {
        let world = World::new();
        // The size of the payload is near enough; a tail of spaces makes it exact.
        let mut sent = payload(size - 8).into_bytes();
        sent.resize(size, b' ');
        stored(&world, world.bin("prompt-hook").arg("UserPromptSubmit").stdin(sent.clone()), &sent);
    }
}

#[test]
fn files_and_directories_are_private_whatever_the_umask() {
    for umask in ["000", "777"] {
        let world = World::new();
        let script = format!("umask {umask}; exec \"$0\" Stop");
        let hook = world.command("sh").args(["-c", &script]).arg(harness::bin("prompt-hook")).stdin("{}");
        let name = stored(&world, hook, b"{}");
        let data = world.data();
        for (path, expected) in [(data.queue(), 0o700), (data.incoming(), 0o700), (data.incoming().join(name), 0o600)] {
            let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o7777;
            assert_eq!(mode, expected, "{} under umask {umask}", path.display());
        }
    }
}

#[test]
fn a_clock_that_stands_still() {
    let world = World::new();
    let (writers, each) = (64, 16);
    thread::scope(|scope| {
        for writer in 0..writers {
            let world = &world;
            scope.spawn(move || {
                for i in 0..each {
                    let payload = format!(r#"{{"session_id":"s","n":"{writer}-{i}"}}"#);
                    let hook = world.bin("prompt-hook").arg("Stop").env("PROMPT_MANAGER_CLOCK_NS", CLOCK.to_string());
                    let _ = hook.stdin(payload).run().code(0).silent();
                }
            });
        }
    });
    let files = files(&world.data().incoming());
    let mut payloads: Vec<_> = files.iter().map(|(_, bytes)| bytes).collect();
    payloads.sort();
    payloads.dedup();
    assert_eq!(payloads.len(), writers * each, "every payload is stored, under a name of its own");
}

/// A process that ends with the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn one_frozen_time_stamp_drained_between_any_two() {
    let world = World::new();
    let count = 1_000;
    let ingest = world.bin("ingest").args(["run", "--every", "10ms", "--projects"]).arg(world.projects_root());
    let _ingest = Ended(ingest.into_command().stderr(Stdio::null()).spawn().unwrap());
    for n in 0..count {
        let payload =
            format!(r#"{{"session_id":"{SESSION}","hook_event_name":"UserPromptSubmit","prompt":"number {n}"}}"#);
        let hook = world.bin("prompt-hook").env("PROMPT_MANAGER_CLOCK_NS", CLOCK.to_string()).stdin(payload);
        let _ = hook.run().code(0).silent();
        let begin = Instant::now();
        while !files(&world.data().incoming()).is_empty() {
            assert!(begin.elapsed() < Duration::from_secs(60), "event {n} is not taken in\n{}", world.tree());
            thread::sleep(Duration::from_millis(1));
        }
    }
    let server = world.serve();
    let begin = Instant::now();
    while server.session(SESSION, "all").len() < count && begin.elapsed() < Duration::from_secs(60) {
        thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(server.session(SESSION, "all").len(), count, "prompts that the API gives back");
}

/// A hook whose stdin we hold.
struct Held {
    child: Child,
    stdin: PipeWriter,
}

impl Held {
    fn start(world: &World, sent: &[u8]) -> Self {
        Self::of(world.bin("prompt-hook"), world, sent)
    }

    fn of(hook: Cmd, world: &World, sent: &[u8]) -> Self {
        let (reader, mut stdin) = io::pipe().unwrap();
        let mut command = hook.arg("UserPromptSubmit").into_command();
        let output = File::create(world.root().join("output")).unwrap();
        command.stdin(reader).stdout(output.try_clone().unwrap()).stderr(output);
        let child = command.spawn().unwrap();
        drop(command); // and our copy of the reader with it
        stdin.write_all(sent).unwrap();
        Self { child, stdin }
    }

    /// Waits for the end while stdin stays open; gives the time that it took.
    fn finish(mut self, world: &World) -> Duration {
        let begin = Instant::now();
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}");
        assert_eq!(fs::read(world.root().join("output")).unwrap(), b"", "no output");
        drop(self.stdin);
        begin.elapsed()
    }
}

#[test]
fn stdin_that_never_ends() {
    let complete = |sent: &[u8]| {
        let world = World::new();
        let time = Held::start(&world, sent).finish(&world);
        let files = files(&world.data().incoming());
        assert_eq!(files.len(), 1, "{}", world.tree());
        assert!(files[0].1 == sent, "{} of {} bytes are kept", files[0].1.len(), sent.len());
        time
    };
    let whole = payload(200_000);
    let waited = complete(&whole.as_bytes()[..150_000]);
    for sent in [whole.as_str(), &format!("{whole}\n"), "{}", "[]"] {
        let time = complete(sent.as_bytes());
        println!("open stdin: exit after {time:?} when complete, after {waited:?} when not");
        assert!(time < waited / 2, "a complete payload is not waited for: {time:?}, incomplete {waited:?}");
    }
    complete(b"");
    complete(b"garbage");
}

#[test]
fn stdin_that_comes_in_drops() {
    let world = World::new();
    let sent = payload(3_000);
    let (head, tail) = sent.as_bytes().split_at(1_500);
    let mut held = Held::start(&world, head);
    for part in tail.chunks(500) {
        thread::sleep(Duration::from_millis(100));
        held.stdin.write_all(part).unwrap();
    }
    held.finish(&world);
    assert_eq!(files(&world.data().incoming())[0].1, sent.as_bytes());
}

/// The field of a process's status, in KiB.
fn status_kib(child: &Child, field: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn sixty_four_mebibytes_in_little_memory() {
    let world = World::new();
    let sent = payload(64 << 20);
    let (head, last) = sent.as_bytes().split_at(sent.len() - 1);
    let mut held = Held::of(world.command(harness::release_hook()), &world, head);
    // All but a pipe's worth is read by now, and it waits for the last byte.
    let peak = status_kib(&held.child, "VmHWM:");
    held.stdin.write_all(last).unwrap();
    held.finish(&world);
    println!("64 MiB payload: {peak} KiB resident");
    assert!(peak <= 8 * 1024, "{peak} KiB resident");
    assert!(files(&world.data().incoming())[0].1 == sent.as_bytes(), "every byte is stored");
}

#[test]
fn a_killed_hook_leaves_what_came() {
    for size in [100, 200_000] {
        let world = World::new();
        let sent = payload(size);
        let sent = &sent.as_bytes()[..sent.len() - 1];
        let mut held = Held::start(&world, sent);
        let tmp = world.data().tmp();
        while files(&tmp).first().is_none_or(|(_, bytes)| bytes.len() < sent.len()) {
            assert!(held.child.try_wait().unwrap().is_none(), "it ended too early\n{}", world.tree());
            thread::sleep(Duration::from_millis(1));
        }
        let (name, bytes) = files(&tmp).remove(0);
        assert!(bytes == sent, "what came is in tmp");
        let name: queue::QueueName = name.parse().expect("its name is one for the queue");
        assert_eq!((name.session.as_str(), name.event.as_str()), (SESSION, "UserPromptSubmit"));

        let file = File::open(tmp.join(name.to_string())).unwrap();
        assert!(file.try_lock().is_err(), "an ingester sees that it is being written");
        // SIGTERM, not SIGKILL: it must make no difference.
        let kill = world.command("sh").args(["-c", &format!("kill -TERM {}", held.child.id())]);
        let _ = kill.succeed();
        assert!(!held.child.wait().unwrap().success());
        assert!(file.try_lock().is_ok(), "an ingester sees that nobody writes to it");
    }
}

#[test]
fn disabled_it_reads_and_keeps_nothing() {
    let world = World::new();
    let (reader, mut stdin) = io::pipe().unwrap();
    let mut command = world.bin("prompt-hook").arg("Stop").env("PROMPT_MANAGER_DISABLE", "1").into_command();
    let mut child = command.stdin(reader).spawn().unwrap();
    drop(command);
    stdin.write_all(payload(2 << 20).as_bytes()).expect("the writer meets no closed pipe");
    assert!(child.wait().unwrap().success());
    assert!(!world.data().queue().exists(), "{}", world.tree());
}
