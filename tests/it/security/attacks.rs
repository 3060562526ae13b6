//! Too much of everything: bodies, headers, depth, and a thousand connections that say nothing. Each is refused or ended, and
//! whoever asks properly is answered meanwhile.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use harness::{Server, World};

use super::{assert_closed, operations};

/// A connection that says nothing is given 5 s; the machine may be building meanwhile.
const ENDED_WITHIN: Duration = Duration::from_secs(30);
const SLOW: usize = 1_000;
const RESIDENT_GROWTH_KIB: u64 = 32 * 1024;

fn resident(server: &Server) -> u64 {
    let text = fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("it runs");
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a resident set");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// The operations that take a body.
fn with_body(server: &Server) -> Vec<(String, String)> {
    let takes = |method: &str| ["POST", "PUT", "PATCH"].contains(&method);
    operations(server).into_iter().filter(|(method, _)| takes(method)).collect()
}

#[test]
fn bodies_have_an_end() {
    let world = World::captured();
    let server = world.serve();
    let before = resident(&server);
    let mut client = server.client();
    for (method, path) in with_body(&server) {
        let limit = match path.rsplit('/').next() {
            Some("bulk") => 1 << 20,     // lists of ids
            Some("rating") => 512 << 10, // a note of 64 KiB, escaped
            _ => 16 << 10,
        };
        let text = |bytes: usize| format!(r#"{{"notes":"{}"}}"#, "x".repeat(bytes));
        assert_eq!(client.json(&method, &path, &text(limit)).status, 413, "{method} {path}");
        // A length alone is enough to be refused; so is a body that never tells its length.
        let head = |more: &str| {
            format!(
                "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n{more}",
                server.address(),
                server.token().expect("a token")
            )
        };
        let response = client.exchange(head("Content-Length: 1000000000000\r\n").as_bytes(), b"");
        assert_eq!(response.status, 413, "{method} {path}");
        let chunk = format!("{limit:x}\r\n{}\r\n", "y".repeat(limit));
        let response = client.exchange(head("Transfer-Encoding: chunked\r\n").as_bytes(), chunk.repeat(2).as_bytes());
        assert_eq!(response.status, 413, "{method} {path}, in chunks");
        // Deep, broken, doubled, of another shape: a clear no.
        let deep = |open: &str, close: &str| format!("{}{}", open.repeat(2_000), close.repeat(2_000));
        let broken = [
            r#"{ ¦ nul ¦ [] ¦ "x" ¦ 1e999 ¦ {"rating":1,"rating":2} ¦ {"rating":"\ud800"} ¦ {}{} ¦ "#,
            r#"{"rating":99999999999999999999} ¦ {"rating":1.5} ¦ {"__proto__":{}} ¦ {"rating":"5"}"#,
        ]
        .concat();
        let deep = ["[".repeat(16_000), deep("[", "]"), deep(r#"{"a":"#, "}")];
        for body in broken.split(" ¦ ").chain(deep.iter().map(String::as_str)).chain(["\0"]) {
            let response = client.json(&method, &path, body);
            let shown = body.chars().take(40).collect::<String>();
            assert!([400, 404, 422].contains(&response.status), "{method} {path} {shown}: {}", response.status);
            assert_closed(&response, &(&method, &path, shown));
        }
        let response = client.send(&method, &path, &[("Content-Type", "application/json")], b"{\"notes\":\"\xff\"}");
        assert!([400, 422].contains(&response.status), "{method} {path}: no UTF-8: {}", response.status);
    }
    let grown = resident(&server).saturating_sub(before);
    assert!(grown <= RESIDENT_GROWTH_KIB, "the server grew by {grown} KiB");
}

#[test]
fn heads_have_an_end() {
    let world = World::captured();
    let server = world.serve();
    let own = server.address();
    let get = |path: &str, more: &str| {
        server.raw(&format!("GET {path} HTTP/1.1\r\nHost: {own}\r\nConnection: close\r\n{more}")).status
    };
    assert_eq!(get("/healthz", &format!("X: {}\r\n", "x".repeat(12_000))), 200);
    assert_eq!(get("/healthz", &format!("X: {}\r\n", "x".repeat(17_000))), 431);
    assert_eq!(get("/healthz", &"X: y\r\n".repeat(65)), 431);
    assert!([414, 431].contains(&get(&format!("/healthz?{}", "x".repeat(70_000)), "")));
    // Two lengths, or a length and chunks: which of them a proxy believes is no question here.
    for both in [
        "Content-Length: 1\r\nContent-Length: 2\r\n",
        "Content-Length: +1\r\n",
        "Content-Length: 1, 2\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: gzip\r\n",
    ] {
        assert_eq!(get("/healthz", both), 400, "{both:?}");
    }
}

/// Half of a thousand connections say nothing, half begin a request and never end it. All are closed, and whoever asks
/// properly is answered meanwhile.
#[test]
fn a_thousand_slow_connections_shut_nobody_out() {
    let (_, limit) = raise_descriptors();
    assert!(limit > SLOW as u64 + 200, "the test needs {SLOW} descriptors, and has {limit}");
    let world = World::new();
    world.data().create().expect("a data directory");
    let server = world.serve();
    assert_eq!(server.get("/healthz").0, 200);
    let before = resident(&server);
    let began = Instant::now();
    let mut slow = Vec::new();
    for nth in 0..SLOW {
        let mut stream = TcpStream::connect(server.address()).expect("the system's queue takes it");
        if nth % 2 == 0 {
            let begun = ["G", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: ", "\r\n"][nth / 2 % 4];
            let _ = stream.write_all(begun.as_bytes());
        }
        slow.push(stream);
    }
    let opened = began.elapsed();
    let (mut took, mut grown) = (Vec::new(), 0);
    while began.elapsed() < opened + Duration::from_secs(4) {
        let asked = Instant::now();
        assert_eq!(server.request("GET", "/healthz", &[]).status, 200);
        took.push(asked.elapsed());
        grown = grown.max(resident(&server).saturating_sub(before));
    }
    took.sort();
    for stream in &mut slow {
        stream.set_read_timeout(Some(ENDED_WITHIN)).unwrap();
        // Closed, with an answer or without one, or reset.
        let end = stream.read_to_end(&mut Vec::new());
        assert!(!matches!(&end, Err(error) if error.kind() == std::io::ErrorKind::WouldBlock), "{end:?}");
    }
    let all = began.elapsed();
    println!(
        "{SLOW} slow connections: opened in {opened:.1?}, all closed after {all:.1?}; {} requests meanwhile, p99 {:.1?}, longest {:.1?}; {grown} KiB more",
        took.len(),
        took[(took.len() - 1) * 99 / 100],
        took[took.len() - 1],
    );
    assert!(all < opened + ENDED_WITHIN, "closed after {all:?}");
    assert!(grown <= RESIDENT_GROWTH_KIB, "the server grew by {grown} KiB");
}

/// The limit of open files of this process, raised as far as it may be.
fn raise_descriptors() -> (u64, u64) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let old = getrlimit(Resource::Nofile);
    let wanted = old.maximum.unwrap_or(8192).min(8192).max(old.current.unwrap_or(8192));
    let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: old.maximum });
    (old.current.unwrap_or(u64::MAX), getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX))
}
