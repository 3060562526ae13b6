//! Everybody at once: readers, raters and an ingester that has no pause. Nobody is told that something is locked or busy, and
//! an answer that is never read holds up nothing.
//!
//! `PROMPT_MANAGER_TEST_LOAD_SECONDS` says how long (3; a minute shows more). Times are printed and not asserted.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use harness::{Client, SCENARIOS, Seed, Server, World};
use serde_json::Value;

const READERS: u64 = 16;
const RATERS: u64 = 4;
/// Of every run.
const SEED: u64 = 15;
/// Conversations that are there before, and rated; each rater has its own.
const RATED: u64 = 24;

/// An `ingest run` that looks without pause, until this goes out of scope.
struct Ingester(Child);

impl Ingester {
    fn start(world: &World, every: &str) -> Self {
        let mut command =
            world.bin("ingest").args(["run", "--every", every, "--projects"]).arg(world.projects_root()).into_command();
        let log = fs::File::create(world.root().join("ingester.log")).unwrap();
        Self(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap())
    }
}

impl Drop for Ingester {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What hooks put into the queue for the n-th prompt: its submission and its answer.
fn feed(world: &World, n: u64, text: &str) {
    for (at, event, field) in [(0, "UserPromptSubmit", "prompt"), (1, "Stop", "last_assistant_message")] {
        let session = format!("00000000-0000-4000-8000-{:012}", n / 8);
        let payload = format!(
            r#"{{"session_id":"{session}","transcript_path":"/none","cwd":"/src","prompt_id":"p{n}","hook_event_name":"{event}","{field}":"prompt {n} {text}"}}"#
        );
        let name = format!("{:019}-{session}-{event}.json", 1_795_350_951_000_000_000 + (2 * n + at) * 1_000_000);
        let tmp = world.root().join("next");
        fs::write(&tmp, payload).unwrap();
        fs::rename(&tmp, world.data().incoming().join(name)).unwrap();
    }
}

/// Feeds prompts for as long as `go_on` says, never more than the ingester keeps up with; gives how many.
fn feed_while(world: &World, first: u64, text: &str, go_on: &dyn Fn() -> bool) -> u64 {
    let mut n = first;
    while go_on() {
        if fs::read_dir(world.data().incoming()).unwrap().count() > 400 {
            thread::sleep(Duration::from_millis(2));
            continue;
        }
        feed(world, n, text);
        n += 1;
    }
    n - first
}

/// A world with the captured runs and enough prompts to rate.
fn lived_in() -> World {
    let world = World::new();
    for scenario in SCENARIOS {
        world.projects(scenario);
        world.feed(scenario);
    }
    (0..RATED).for_each(|n| feed(&world, n, "before"));
    world.ingest_once();
    world
}

/// What one client saw.
#[derive(Default)]
struct Seen {
    took: Vec<Duration>,
    wrong: Vec<String>,
}

impl Seen {
    fn note(&mut self, client: &mut Client, method: &str, path: &str, body: &str) -> Value {
        let begin = Instant::now();
        let response = if body.is_empty() { client.get(path) } else { client.json(method, path, body) };
        self.took.push(begin.elapsed());
        if !(200..300).contains(&response.status) {
            self.wrong.push(format!("{method} {path}: {} {}", response.status, response.text()));
        }
        response.json()
    }

    fn all(seen: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Self::default();
        for one in seen {
            all.took.extend(one.took);
            all.wrong.extend(one.wrong);
        }
        all.took.sort();
        all
    }

    fn at(&self, share: f64) -> f64 {
        self.took[((self.took.len() - 1) as f64 * share).round() as usize].as_secs_f64() * 1e3
    }

    fn told(&self, who: &str) -> String {
        format!(
            "{} {who}, p50 {:.1} ms, p99 {:.1} ms, longest {:.1} ms",
            self.took.len(),
            self.at(0.5),
            self.at(0.99),
            self.at(1.0)
        )
    }
}

#[test]
fn nobody_is_told_that_something_is_locked() {
    let seconds = std::env::var("PROMPT_MANAGER_TEST_LOAD_SECONDS").ok().and_then(|n| n.parse().ok()).unwrap_or(3.0);
    let time = Duration::from_secs_f64(seconds);
    let world = lived_in();
    let server = world.serve();
    let ids = ids(&server);
    let mut ingester = Ingester::start(&world, "10ms");
    let (begin, fed) = (Instant::now(), AtomicU64::new(0));
    let on = || begin.elapsed() < time;
    let (readers, raters) = thread::scope(|scope| {
        let readers: Vec<_> = (0..READERS)
            .map(|n| {
                scope.spawn({
                    let (server, ids) = (&server, &ids);
                    move || read(server, ids, n, &on)
                })
            })
            .collect();
        let raters: Vec<_> = (0..RATERS)
            .map(|n| {
                scope.spawn({
                    let (server, ids) = (&server, &ids);
                    move || rate(server, ids, n, &on)
                })
            })
            .collect();
        fed.store(feed_while(&world, RATED, "under load", &on), Ordering::Relaxed);
        (
            Seen::all(readers.into_iter().map(|it| it.join().expect("a reader"))),
            Seen::all(raters.into_iter().map(|it| it.join().expect("a rater"))),
        )
    });
    println!(
        "{seconds} s: {}; {}; {} prompts taken in meanwhile",
        readers.told("reads"),
        raters.told("ratings"),
        fed.load(Ordering::Relaxed)
    );
    for seen in [&readers, &raters] {
        assert!(
            seen.wrong.is_empty(),
            "{} of {} went wrong, such as {}",
            seen.wrong.len(),
            seen.took.len(),
            seen.wrong[0]
        );
    }
    assert_eq!(ingester.0.try_wait().unwrap(), None, "it runs on");
    // All that was fed is there, and each conversation has the last rating that its rater gave.
    wait_until(|| fs::read_dir(world.data().incoming()).unwrap().next().is_none(), "the queue is drained");
    let (fed, found) = (fed.into_inner(), || server.items(&[("q", "load"), ("limit", "200")]).len() as u64);
    wait_until(|| found() == fed, "every prompt that was fed is found");
}

fn ids(server: &Server) -> Vec<u64> {
    let found = server.items(&[("q", "before")]);
    assert_eq!(found.len() as u64, RATED);
    found.iter().map(|item| item["id"].as_u64().unwrap()).collect()
}

/// Lists, searches, sessions and figures.
const QUESTIONS: [&str; 8] = [
    "/api/conversations",
    "/api/conversations?rating=any&sort=rating",
    "/api/conversations?q=prompt+before",
    "/api/conversations?q=load&kind=all",
    "/api/conversations?q=load&count=true",
    "/api/sessions",
    "/api/stats",
    "/api/health",
];

/// Asks all kinds of things, and for single conversations.
fn read(server: &Server, ids: &[u64], nth: u64, on: &dyn Fn() -> bool) -> Seen {
    let (mut client, mut seed, mut seen) = (server.client(), Seed::new(SEED + nth), Seen::default());
    while on() {
        let path = match seed.below(QUESTIONS.len() + 2) {
            at if at < QUESTIONS.len() => QUESTIONS[at].to_owned(),
            _ => format!("/api/conversations/{}", ids[seed.below(ids.len())]),
        };
        seen.note(&mut client, "GET", &path, "");
    }
    seen
}

/// Rates its own conversations, and looks whether the rating is there.
fn rate(server: &Server, ids: &[u64], nth: u64, on: &dyn Fn() -> bool) -> Seen {
    let (mut client, mut seed, mut seen) = (server.client(), Seed::new(!SEED + nth), Seen::default());
    let own: Vec<u64> = ids.iter().copied().skip(nth as usize).step_by(RATERS as usize).collect();
    while on() {
        let (id, rating) = (own[seed.below(own.len())], 1 + seed.below(5));
        let path = format!("/api/conversations/{id}/rating");
        seen.note(&mut client, "PUT", &path, &format!(r#"{{"rating":{rating},"tags":["mark-{nth}"]}}"#));
        let found = client.get(&format!("/api/conversations/{id}")).json();
        if found["rating"] != rating || found["tags"] != serde_json::json!([format!("mark-{nth}")]) {
            seen.wrong.push(format!("{id} was rated {rating} and has {} {}", found["rating"], found["tags"]));
        }
    }
    seen
}

fn wait_until(mut holds: impl FnMut() -> bool, what: &str) -> Duration {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < Duration::from_secs(60), "not after a minute: {what}");
        thread::sleep(Duration::from_millis(20));
    }
    begin.elapsed()
}

/// More than the buffers of a connection hold.
const LARGE: usize = 16 << 20;

/// A large answer, asked for and not read: the socket's buffers are full and the server waits.
struct Hanging {
    stream: TcpStream,
    path: &'static str,
}

impl Hanging {
    fn ask(server: &Server, path: &'static str) -> Self {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        let (host, token) = (server.address(), server.token().unwrap());
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        Self { stream, path }
    }

    /// Reads all there is, or what tells that there is more than fits into buffers; gives how much.
    fn end(mut self) -> usize {
        let (mut all, mut some) = (Vec::new(), vec![0; 1 << 16]);
        self.stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap(); // events are few
        while all.len() <= LARGE {
            match self.stream.read(&mut some) {
                Ok(0) | Err(_) => break,
                Ok(read) => all.extend(&some[..read]),
            }
        }
        let shown = String::from_utf8_lossy(&all[..all.len().min(200)]).into_owned();
        assert!(shown.starts_with("HTTP/1.1 200"), "{}: {shown}", self.path);
        all.len()
    }
}

/// Clients that never read their answers do not keep the database's log from being written back and emptied.
#[test]
fn an_answer_that_is_never_read_holds_no_log() {
    let world = lived_in();
    // Long prompts, so that one page is larger than all buffers of a connection.
    let long = "word ".repeat(20_000);
    let wal = world.data().database().with_file_name("prompts.db-wal");
    let size = || fs::metadata(&wal).map_or(0, |meta| meta.len());
    let server = world.serve();
    (100..300).for_each(|n| feed(&world, n, &long));
    world.ingest_once();
    let _ingester = Ingester::start(&world, "100ms");
    let page = server.client().get("/api/conversations?limit=200").body.len();
    assert!(page > LARGE, "a page of {page} bytes may fit into a socket");
    let hanging = [
        "/api/conversations?limit=200",
        "/api/conversations?limit=200&kind=all&sort=length",
        "/api/conversations?limit=200&q=word",
        "/api/export?format=jsonl",
        "/api/events",
    ]
    .map(|path| {
        assert_eq!(server.request("HEAD", path, &[]).status, 200, "{path}");
        Hanging::ask(&server, path)
    });
    // They hang while much is taken in.
    let (stop, begin) = (AtomicBool::new(false), Instant::now());
    let mut largest = 0;
    thread::scope(|scope| {
        scope.spawn(|| {
            feed_while(&world, 1_000, "meanwhile", &|| begin.elapsed() < Duration::from_secs(2));
            stop.store(true, Ordering::Relaxed);
        });
        while !stop.load(Ordering::Relaxed) {
            largest = largest.max(size());
            thread::sleep(Duration::from_millis(5));
        }
    });
    let empty = wait_until(|| size() == 0, "the log is emptied");
    println!(
        "{} answers hang, the log had up to {largest} bytes, and was empty {empty:.1?} after the last event",
        hanging.len()
    );
    assert!(largest > 0, "nothing was written meanwhile");
    for hanging in hanging {
        let path = hanging.path;
        let read = hanging.end();
        assert!(path == "/api/events" || read > LARGE, "{path}: {read} bytes, so it did not hang");
    }
}
