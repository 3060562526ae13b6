//! `GET /api/export`: the files of `prompt-manager export`, byte for byte, whole or not at all, with other work going on.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use harness::{Server, World};
use serde_json::Value;

/// A file without the time at which it was made.
fn timeless(file: &[u8]) -> String {
    let text = String::from_utf8(file.to_vec()).expect("an export is UTF-8");
    let (head, rest) = text.split_once('\n').unwrap_or((&text, ""));
    match head.split_once("\"exported_at\":\"") {
        Some((before, after)) => format!("{before}{}\n{rest}", &after[after.find('"').unwrap_or(0)..]),
        None => text,
    }
}

fn check(world: &World, server: &Server, query: &str, args: &[&str], named: (&str, &str)) {
    let response = server.request("GET", &format!("/api/export?{query}"), &[]);
    assert_eq!(response.status, 200, "{query}: {}", response.text());
    let file = world.ingest(&[&["export"], args].concat()).code(0);
    let (found, expected) = (timeless(&response.body), timeless(&file.stdout));
    assert!(!expected.is_empty() && found == expected, "{query} is not {args:?}:\n{found}\n---\n{expected}");
    let header = |name: &str| response.header(name).unwrap_or_default().to_owned();
    assert!(header("content-type").starts_with(named.1), "{query}: {}", header("content-type"));
    let name = header("content-disposition");
    assert!(name.starts_with("attachment; filename=\"prompt-manager-2") && name.ends_with(named.0), "{name}");
}

#[test]
fn the_files_of_the_command_line() {
    let world = World::captured();
    let server = world.serve();
    let jsonl = (".jsonl\"", "application/jsonl");
    check(&world, &server, "", &[], jsonl);
    check(&world, &server, "kind=human&limit=3", &["--kind", "human", "--limit", "3"], jsonl);
    check(&world, &server, "status=failed,interrupted", &["--status", "failed,interrupted"], jsonl);
    check(&world, &server, "format=csv", &["--format", "csv"], (".csv\"", "text/csv"));
    check(&world, &server, "format=csv&kind=all", &["--format", "csv", "--kind", "all"], (".csv\"", "text/csv"));
    check(&world, &server, "format=markdown", &["--format", "markdown"], (".md\"", "text/markdown"));
    check(&world, &server, "format=messages", &["--format", "messages"], jsonl);
    let args = ["--format", "messages", "--tools", "--per", "session", "--status", "complete,interrupted"];
    check(&world, &server, "format=messages&tools=true&per=session&status=complete,interrupted", &args, jsonl);
    check(&world, &server, "format=csv&q=use-bash", &["-f", "csv", "--search", "use-bash"], (".csv\"", "text/csv"));
}

#[test]
fn what_cannot_be_is_named() {
    let world = World::captured();
    let server = world.serve();
    for (query, parameter) in [
        ("format=pdf", "format"),
        ("tools=true", "tools"),
        ("format=csv&per=session", "per"),
        ("limit=0", "limit"),
        ("id=x", "id"),
        ("cursor=x", "cursor"),
        ("kind=x", "kind"),
    ] {
        let (status, problem) = server.get(&format!("/api/export?{query}"));
        assert_eq!((status, &problem["parameter"]), (400, &Value::from(parameter)), "{query}: {problem}");
    }
    let empty = World::new();
    let server = empty.serve();
    assert_eq!(server.get("/api/export").0, 503);
}

/// More than a socket holds: the client must take it.
fn large() -> World {
    let world = World::new();
    let text = "x".repeat(100_000);
    for at in 0..200 {
        let payload =
            serde_json::json!({"session_id": format!("s{at}"), "hook_event_name": "UserPromptSubmit", "prompt": text});
        let name = format!("{}-s{at}-UserPromptSubmit.json", 1_795_350_934_959_613_729_u64 + at);
        let queued = world.data().incoming().join(name);
        std::fs::create_dir_all(world.data().incoming()).expect("the queue");
        std::fs::write(queued, payload.to_string()).expect("an event");
    }
    world.ingest_once();
    world
}

/// Asks for everything, and takes nothing of it.
fn asking(server: &Server) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).expect("connect");
    let token = server.token().expect("a token");
    let head = format!(
        "GET /api/export HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n",
        server.address()
    );
    stream.write_all(head.as_bytes()).expect("ask");
    let mut first = [0; 12];
    stream.read_exact(&mut first).expect("the answer begins");
    assert_eq!(&first, b"HTTP/1.1 200");
    stream
}

fn resident_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("its status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
    line.trim().trim_end_matches(" kB").trim().parse().expect("a number")
}

/// Waits until a process does nothing: the exports have filled their buffers and wait for who reads them.
fn until_idle(pid: u32) {
    let ticks = || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("its figures");
        let rest = stat.rsplit_once(") ").expect("a name in brackets").1;
        rest.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u64>().expect("a number")).sum::<u64>()
    };
    let end = Instant::now() + Duration::from_secs(60);
    let mut before = ticks();
    loop {
        std::thread::sleep(Duration::from_millis(500));
        match ticks() {
            now if now == before => return,
            now => before = now,
        }
        assert!(Instant::now() < end, "exports that nobody reads go on");
    }
}

/// A slow reader costs a bounded piece of memory and no lock; one that has gone makes room for the next.
#[test]
fn slow_readers_hold_nobody_up() {
    let world = large();
    let server = world.serve();
    let _ = server.get("/api/conversations");
    let before = resident_kib(server.pid());
    let slow = [asking(&server), asking(&server)];
    let third = server.request("GET", "/api/export", &[]);
    assert_eq!(third.status, 503, "{}", third.text());
    assert!(
        third.header("retry-after").is_some() && third.text().contains("exports are under way"),
        "{}",
        third.text()
    );
    until_idle(server.pid());
    // The writer goes on, its log is written back and emptied: no reader holds it.
    world.hook("UserPromptSubmit", r#"{"session_id":"new","hook_event_name":"UserPromptSubmit","prompt":"meanwhile"}"#);
    world.ingest_once();
    let wal = world.data().database().with_extension("db-wal");
    assert_eq!(std::fs::metadata(&wal).map_or(0, |meta| meta.len()), 0, "a reader holds the log");
    assert_eq!(server.get("/api/conversations/last").1["prompt_text"], "meanwhile");
    let after = resident_kib(server.pid());
    println!("resident while two exports of 20 MB wait: {before} KiB, then {after} KiB");
    assert!(after < before + 12 * 1024, "{before} KiB, then {after} KiB");
    drop(slow);
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let response = server.request("GET", "/api/export", &[]);
        if response.status == 200 {
            assert_eq!(response.text().lines().count(), 202); // the head, 200 and one
            break;
        }
        assert!(Instant::now() < end, "exports of clients that have gone go on");
        std::thread::sleep(Duration::from_millis(50));
    }
}
