//! Who has no token learns nothing but that a server is there, and the token stands in no log, no answer and no other place.

use harness::{World, counted};
use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::{METHODS, assert_closed, let_in, operations, paths};

/// Those that watch over us ask without one.
const OPEN: [&str; 2] = ["/healthz", "/readyz"];

/// What a browser needs before it is let in.
const BEFORE: [&str; 3] = ["/assets/style.css", "/assets/icon.svg", "/open?once=0"];

/// No prompt is in a request that the server would log, but this may be.
const CANARY: &str = "canaryquartz";

#[test]
fn nothing_is_told_without_the_token() {
    let world = World::captured();
    let server = world.serve();
    let token = server.token().expect("a token").to_owned();
    let mut client = server.client();
    // Where the token must not be, and values that are not it.
    let longer = format!("Bearer {token}0");
    let shorter = format!("Bearer {}", &token[1..]);
    let other_case = format!("Bearer {}", token.to_uppercase());
    let basic = format!("Basic {token}");
    let cookie = format!("token={token}");
    let tries: [&[(&str, &str)]; 12] = [
        &[("Authorization", "")],
        &[("Authorization", "Bearer")],
        &[("Authorization", "Bearer 0")],
        &[("Authorization", "Bearer null")],
        &[("Authorization", &token)],
        &[("Authorization", &basic)],
        &[("Authorization", &longer)],
        &[("Authorization", &shorter)],
        &[("Authorization", &other_case)],
        &[("Authorization", ""), ("Cookie", &cookie)],
        &[("Authorization", ""), ("X-Api-Key", &token)],
        &[("Authorization", ""), ("Proxy-Authorization", &longer[..longer.len() - 1])],
    ];
    let mut asked = 0;
    for path in paths(&server).into_iter().filter(|path| !OPEN.iter().chain(&BEFORE).any(|open| open == path)) {
        for method in METHODS {
            for headers in tries {
                let response = client.send(method, &path, headers, b"");
                assert_eq!(response.status, 401, "{method} {path} {headers:?}");
                assert_closed(&response, &(method, &path));
                assert!(!response.text().contains(&token), "{method} {path}");
                asked += 1;
            }
        }
        for name in ["token", "access_token", "key"] {
            let uri = format!("{path}?{name}={token}");
            assert_eq!(client.send("GET", &uri, &[("Authorization", "")], b"").status, 401, "{path}?{name}=");
        }
    }
    for path in OPEN {
        let response = client.send("GET", path, &[("Authorization", "")], b"");
        assert_eq!(response.status, 200, "{path}");
        assert_eq!(response.text().split_whitespace().count(), 1, "{path} says one word");
    }
    counted(asked, "requests without the token");
}

#[test]
fn the_token_is_long_and_for_its_owner_alone() {
    let world = World::captured();
    let server = world.serve();
    let token = server.token().expect("a token");
    assert!(token.len() >= 64 && token.chars().all(|c| c.is_ascii_hexdigit()), "256 bits: {} signs", token.len());
    let mode = fs::metadata(world.data().api_token()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let other = World::captured();
    assert_ne!(other.serve().token().unwrap(), token, "every data directory has one of its own");
}

/// Whatever goes wrong, what the server writes names neither the token nor what was searched for nor what a prompt says.
#[test]
fn no_log_tells_a_secret() {
    let world = World::captured();
    let command = world.bin("query-api").args(["serve", "--listen", "127.0.0.1:0"]).env("PROMPT_MANAGER_LOG", "debug");
    let server = world.serve_by(command);
    let token = server.token().expect("a token").to_owned();
    let mut client = server.client();
    for (method, path) in operations(&server) {
        // One of these streams for as long as somebody listens.
        if path == "/api/events" {
            continue;
        }
        let marked = format!("{path}?q={CANARY}&tag={CANARY}&{CANARY}=1");
        for (uri, body) in [(path.as_str(), ""), (&marked, ""), (&path, CANARY), (&path, r#"{"notes":"canaryquartz"}"#)]
        {
            let _ = client.json(&method, uri, body);
            let _ =
                client.send(&method, uri, &[("Authorization", &format!("Bearer {token}x")), ("Cookie", CANARY)], b"");
            let _ = client.send(&method, uri, &[("Host", "evil.example"), ("Origin", CANARY)], body.as_bytes());
        }
    }
    let _ = client.get(&format!("/nowhere?{token}"));
    let (once, cookie) = let_in(&world, &server);
    let secret = cookie.split_once('=').expect("a name and a value").1;
    let own = format!("prompt-manager.localhost:{}", server.address().port());
    for headers in [
        [("Host", own.as_str()), ("Authorization", ""), ("Cookie", &cookie)],
        [("Host", "localhost"), ("Cookie", &cookie), ("Referer", &once)],
    ] {
        let _ = client.send("GET", "/api/conversations", &headers, b"");
    }
    let log = server.log();
    assert!(log.lines().count() > 10, "at debug every request is logged: {log}");
    for secret in [CANARY, &token, &once, secret, "hello interactive"] {
        assert_eq!(log.lines().find(|line| line.contains(secret)), None);
    }
    drop(server);
    // Nor does any file of the data directory hold one of them, but the token's own.
    let own = format!("{}\n", world.data().api_token().display());
    for (secret, holders) in [(token.as_str(), own.as_str()), (&once, ""), (secret, "")] {
        assert_eq!(world.command("grep").args(["-rlF", secret]).arg(world.data().root()).run().out(), holders);
    }
}

/// A browser is let in by a link that works once, for one name, until somebody ends it.
#[test]
fn a_cookie_is_for_one_name_and_can_be_ended() {
    let world = World::captured();
    let server = world.serve();
    let token = server.token().expect("a token").to_owned();
    let port = server.address().port();
    let named = format!("prompt-manager.localhost:{port}");
    let (once, cookie) = let_in(&world, &server);
    assert!(!cookie.contains(&token) && !cookie.contains(&once), "a secret of its own");
    let ask = |host: &str, cookie: &str| {
        let headers = [("Host", host), ("Authorization", ""), ("Cookie", cookie)];
        server.request("GET", "/api/conversations", &headers).status
    };
    assert_eq!(ask(&named, &cookie), 200);
    assert_eq!(ask(&named, &format!("a=b; {cookie}")), 200);
    // A cookie of these names would go to every port of the machine.
    for other in [format!("127.0.0.1:{port}"), format!("localhost:{port}")] {
        assert_eq!(ask(&other, &cookie), 401, "{other}");
    }
    let again = server.request("GET", &format!("/open?once={once}"), &[("Host", &named), ("Authorization", "")]);
    assert_eq!((again.status, again.header("set-cookie")), (410, None), "a link works once");
    let second = let_in(&world, &server).1;
    assert_ne!(second, cookie);
    let _ = world.bin("query-api").args(["open", "--revoke"]).succeed();
    for cookie in [&cookie, &second] {
        assert_eq!(ask(&named, cookie), 401, "ended");
    }
}
