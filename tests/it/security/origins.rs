//! What a browser sends on behalf of another site is refused, reading and writing alike; and what changes something must be
//! JSON, which no form can send without asking first.

use super::{METHODS, SAFE, assert_closed, filled, on_two_connections, operations};

const ORIGINS: [Option<&str>; 8] = [
    None,
    Some("http://HOST"),
    Some("https://HOST"),
    Some("http://127.0.0.1:PORT"), // ours, but not the one that was asked
    Some("http://HOST.evil.example"),
    Some("http://evil.example"),
    Some("http://localhost"),
    Some("null"),
];
const SITES: [Option<&str>; 5] = [None, Some("same-origin"), Some("none"), Some("same-site"), Some("cross-site")];
const TYPES: [Option<&str>; 6] = [
    None,
    Some("application/json"),
    Some("application/json; charset=utf-8"),
    Some("text/plain"),
    Some("application/x-www-form-urlencoded"),
    Some("multipart/form-data; boundary=x"),
];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Token {
    Missing,
    Wrong,
    Right,
}

#[derive(Debug)]
struct Case {
    method: &'static str,
    path: &'static str,
    origin: Option<&'static str>,
    site: Option<&'static str>,
    content_type: Option<&'static str>,
    token: Token,
}

/// What the rules say of a request.
#[derive(Debug, PartialEq)]
enum Verdict {
    OtherSite,
    NoToken,
    /// It is for the route to answer: not 401, 403 or 421.
    Through,
    /// It is for the route, which takes nothing but JSON here.
    NotJson,
}

fn verdict(case: &Case, takes_body: bool) -> Verdict {
    let same_site = match case.site {
        None | Some("same-origin") => true,
        // A person typed the address, or followed a bookmark: good for reading.
        Some("none") => ["GET", "HEAD"].contains(&case.method),
        Some(_) => false,
    };
    if !same_site || !matches!(case.origin, None | Some("http://HOST")) {
        return Verdict::OtherSite;
    }
    if case.token != Token::Right && !["/healthz", "/readyz"].contains(&case.path) {
        return Verdict::NoToken;
    }
    let json = case.content_type.is_some_and(|value| value.starts_with("application/json"));
    if takes_body && !json { Verdict::NotJson } else { Verdict::Through }
}

#[test]
fn other_sites_neither_read_nor_write() {
    let world = filled();
    let server = world.serve();
    let operations = operations(&server);
    let paths = ["/api/conversations/1/rating", "/api/conversations", "/healthz"];
    let paths: Vec<_> = paths.into_iter().filter(|path| operations.iter().any(|(_, known)| known == path)).collect();
    let mut cases = Vec::new();
    for path in &paths {
        for method in METHODS {
            for origin in ORIGINS {
                for site in SITES {
                    for content_type in TYPES {
                        for token in [Token::Missing, Token::Wrong, Token::Right] {
                            cases.push(Case { method, path, origin, site, content_type, token });
                        }
                    }
                }
            }
        }
    }
    assert!(cases.len() >= 2_000);
    let own = format!("localhost:{}", server.address().port());
    let wrong = format!("Bearer {}", "0".repeat(64));
    on_two_connections(&server, &cases, |client, case| {
        let origin =
            case.origin.map(|it| it.replace("HOST", &own).replace("PORT", &server.address().port().to_string()));
        let mut headers = vec![("Host", own.as_str())];
        headers.extend(origin.as_deref().map(|value| ("Origin", value)));
        headers.extend(case.site.map(|value| ("Sec-Fetch-Site", value)));
        headers.extend(case.content_type.map(|value| ("Content-Type", value)));
        headers.extend(match case.token {
            Token::Missing => Some(("Authorization", "")),
            Token::Wrong => Some(("Authorization", wrong.as_str())),
            Token::Right => None,
        });
        let known = |method: &str| operations.contains(&(method.to_owned(), case.path.to_owned()));
        let body = if SAFE.contains(&case.method) { &b""[..] } else { br#"{"rating": 3}"# };
        let response = client.send(case.method, case.path, &headers, body);
        assert_closed(&response, case);
        let takes_body = known(case.method) && ["POST", "PUT", "PATCH"].contains(&case.method);
        let expected = verdict(case, takes_body);
        let right = match expected {
            Verdict::OtherSite => response.status == 403,
            Verdict::NoToken => response.status == 401,
            Verdict::NotJson => response.status == 415,
            // What is not there for a path is told only to those who may ask.
            Verdict::Through if !known(case.method) && case.method != "HEAD" => response.status == 405,
            // A DELETE needs no body; one that is no JSON may be refused.
            Verdict::Through => {
                (200..300).contains(&response.status) || (case.method, response.status) == ("DELETE", 415)
            }
        };
        assert!(right, "{case:?}: {expected:?}, and it was {}: {}", response.status, response.text());
    });
    println!("{} requests to {paths:?}", cases.len());
}

/// The headers by which a browser asks whether another site may: the answer is no, by silence.
#[test]
fn no_preflight_is_granted() {
    let world = filled();
    let server = world.serve();
    let mut client = server.client();
    for (_, path) in operations(&server) {
        for origin in ["http://evil.example", "null", &format!("http://{}", server.address())] {
            let headers = [
                ("Origin", origin),
                ("Access-Control-Request-Method", "PUT"),
                ("Access-Control-Request-Headers", "content-type, authorization"),
                ("Access-Control-Request-Private-Network", "true"),
            ];
            let response = client.send("OPTIONS", &path, &headers, b"");
            assert!(response.status >= 400, "{path} {origin}: {}", response.status);
            assert_closed(&response, &(&path, origin));
        }
    }
}
