//! The API as a program on the same machine meets it: over a real socket, with right and wrong requests.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Stdio;

use harness::World;

/// A world with a data directory and nothing in it.
fn empty() -> World {
    let world = World::new();
    world.data().create().expect("a data directory");
    world
}

#[test]
fn each_item_of_the_list_is_there_whole() {
    let world = World::captured();
    let server = world.serve();
    let items = server.items(&[("limit", "3"), ("kind", "all")]);
    assert!(items.len() > 10, "{} items", items.len());
    for pair in items.windows(2) {
        let place = |item: &serde_json::Value| (item["timestamp"].to_string(), item["id"].as_i64());
        assert!(place(&pair[0]) > place(&pair[1]), "not newest first: {pair:?}");
    }
    let mut with_input = 0;
    for item in &items {
        let (status, whole) = server.get(&format!("/api/conversations/{}", item["id"]));
        assert_eq!(status, 200, "{whole}");
        for name in
            ["id", "session_id", "user_session_id", "timestamp", "kind", "status", "prompt_text", "response_text"]
        {
            assert_eq!(whole[name], item[name], "{name} of {}", item["id"]);
        }
        let names = |value: &serde_json::Value| {
            let calls = value["tool_calls"].as_array().unwrap().iter();
            calls.map(|call| (call["id"].clone(), call["name"].clone(), call["error"].clone())).collect::<Vec<_>>()
        };
        assert_eq!(names(&whole), names(item));
        for call in whole["tool_calls"].as_array().unwrap() {
            assert!(call["input"].is_object(), "a tool call without its input: {call}");
            with_input += 1;
        }
        for block in whole["blocks"].as_array().unwrap() {
            match block["kind"].as_str() {
                Some("tool") => assert!(!block["tool_call_id"].is_null(), "{block}"),
                _ => assert!(block["text"].is_string(), "a block without its text: {block}"),
            }
        }
        // The answer is the last of what Claude said.
        if let (Some(answer), Some(said)) = (
            whole["response_text"].as_str(),
            whole["blocks"].as_array().unwrap().iter().rfind(|block| block["kind"] == "text"),
        ) {
            assert!(answer.ends_with(said["text"].as_str().unwrap()), "{answer:?} and {said}");
        }
    }
    assert!(with_input > 0, "the captured runs hold tool calls");
    let newest = server.items(&[("limit", "1")]);
    assert_eq!(server.get("/api/conversations/last").1["id"], newest[0]["id"]);
}

#[test]
fn words_find_prompts_and_answers() {
    let world = World::captured();
    let server = world.serve();
    let prompts = |q: &str| -> Vec<String> {
        let items = server.items(&[("q", q)]);
        let mut prompts: Vec<_> =
            items.iter().map(|item| item["prompt_text"].as_str().unwrap_or_default().to_owned()).collect();
        prompts.dedup(); // the captured runs ask some things twice
        prompts
    };
    assert_eq!(prompts("\"hello interactive\""), ["hello interactive"]);
    assert_eq!(prompts("HELLO interact*"), ["hello interactive"]);
    assert_eq!(prompts("use-error"), ["now use-error"]);
    assert!(prompts("naive cafe").contains(&"after clear".to_owned()), "an answer's words, without their accents");
    for nothing in ["zzzzzz", "!!!", "\"", "hello zzzzzz"] {
        assert_eq!(prompts(nothing), [] as [&str; 0], "{nothing}");
    }
    for odd in ["a' or 1=1 --", "NEAR(", "text:x", "^*", "(((", "\u{0}", "AND OR NOT"] {
        let _ = prompts(odd); // `items` demands 200
    }
}

#[test]
fn only_who_may_ask_is_answered() {
    let world = empty();
    let server = world.serve();
    let own = server.address().to_string();
    let port = server.address().port();
    let check = |headers: &[(&str, &str)], expected: u16| {
        for path in ["/api/conversations", "/api/health", "/nowhere"] {
            let response = server.request("GET", path, headers);
            let found = response.status;
            assert!(
                found == expected || (expected == 0 && ![401, 403, 421].contains(&found)),
                "{path} {headers:?}: {found}"
            );
            assert_eq!(response.header("x-content-type-options"), Some("nosniff"));
            assert_eq!(response.header("access-control-allow-origin"), None);
        }
    };
    check(&[], 0);
    check(&[("Host", &format!("localhost:{port}"))], 0);
    check(&[("Host", "evil.example")], 421);
    check(&[("Host", "")], 421);
    check(&[("Host", &format!("localhost.evil.example:{port}"))], 421);
    check(&[("Origin", "http://evil.example")], 403);
    check(&[("Origin", "null")], 403);
    check(&[("Sec-Fetch-Site", "cross-site")], 403);
    check(&[("Origin", &format!("http://{own}")), ("Sec-Fetch-Site", "same-origin")], 0);
    check(&[("Authorization", "")], 401);
    check(&[("Authorization", "Bearer 0")], 401);
    // Host comes before everything else.
    check(&[("Host", "evil.example"), ("Authorization", ""), ("Origin", "null")], 421);
    let absolute =
        server.raw(&format!("GET http://evil.example/healthz HTTP/1.1\r\nHost: {own}\r\nConnection: close\r\n"));
    assert_eq!(absolute.status, 421);
    for path in ["/healthz", "/readyz"] {
        assert_ne!(server.request("GET", path, &[("Authorization", "")]).status, 401);
    }
}

#[test]
fn a_server_outlives_what_is_sent_to_it() {
    let world = empty();
    let server = world.serve();
    let own = server.address();
    for bytes in [
        &b"\0\0\0\0"[..],
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost:80\r\n\r\n",
        b"POST /api/conversations HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
    ] {
        let mut stream = TcpStream::connect(own).unwrap();
        stream.write_all(bytes).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let _ = stream.read_to_end(&mut Vec::new()); // whatever it says, it goes on
    }
    let many: String = (0..100).map(|n| format!("X-{n}: 1\r\n")).collect();
    let head = |more: &str| format!("GET /healthz HTTP/1.1\r\nHost: {own}\r\nConnection: close\r\n{more}");
    assert_eq!(server.raw(&head(&many)).status, 431);
    assert_eq!(server.raw(&head(&format!("X: {}\r\n", "x".repeat(40_000)))).status, 431);
    assert_eq!(server.raw(&head("")).status, 200);
}

#[test]
fn it_ends_in_good_order() {
    let world = empty();
    let mut child = world
        .bin("query-api")
        .args(["serve", "--listen", "127.0.0.1:0"])
        .into_command()
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut ready = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    let address = ready.trim().strip_prefix("listening on http://").unwrap();
    // One that was never accepted would be reset.
    let mut idle = TcpStream::connect(address).unwrap();
    idle.write_all(format!("GET /healthz HTTP/1.1\r\nHost: {address}\r\n\r\n").as_bytes()).unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"ok") && !answer.ends_with(b"ok\n") {
        let mut part = [0; 1024];
        let count = idle.read(&mut part).unwrap();
        assert_ne!(count, 0, "{}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&part[..count]);
    }
    let _ = world.command("kill").args(["-TERM", &child.id().to_string()]).succeed();
    assert_eq!(idle.read_to_end(&mut Vec::new()).unwrap(), 0, "an idle connection is closed at once");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn what_cannot_be_served_is_refused_in_one_line() {
    let world = empty();
    let check = |world: &World, args: &[&str], code: i32, expected: &str| {
        let done = world.bin("query-api").arg("serve").args(args).run();
        let done = done.code(code);
        let line = done.err();
        assert!(line.contains(expected), "{args:?}: {line}");
        assert_eq!(line.trim_end().lines().count(), 1, "{line}");
    };
    let missing = world.root().join("missing").display().to_string();
    check(&world, &["--bogus"], 2, "unexpected argument '--bogus'");
    check(&world, &["--listen", "nowhere"], 2, "invalid value 'nowhere'");
    check(&world, &["--home", &missing], 78, "there is no such directory");
    check(&world, &["--listen", "192.0.2.1:8765"], 78, "--allow-remote");
    check(&world, &["--listen", "192.0.2.1:8765", "--no-token"], 78, "leave out --no-token");
    fs::write(world.data().api_token(), "known to all").unwrap();
    check(&world, &["--listen", "127.0.0.1:0"], 78, "others can read it");

    let other = World::captured();
    let server = other.serve();
    check(&other, &["--listen", &server.address().to_string()], 1, "it is taken");
}

#[test]
fn without_a_token_everybody_here_may_ask() {
    let world = World::captured();
    let server = world.serve_with(&["--no-token"]);
    assert_eq!(server.request("GET", "/api/conversations", &[("Authorization", "")]).status, 200);
    assert!(!world.data().api_token().exists());
    assert_eq!(server.request("GET", "/api/conversations", &[("Host", "evil.example")]).status, 421);
}

/// Neither prompts nor the token are in what the server writes, even when it writes all it can.
#[test]
fn the_log_tells_no_secrets() {
    let world = World::captured();
    let server = world.serve();
    server.items(&[("q", "interactive")]);
    server.get("/api/conversations?q=secretword&limit=x");
    server.get("/api/conversations/last");
    let log = server.log();
    for secret in ["secretword", "hello interactive", server.token().unwrap()] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}
