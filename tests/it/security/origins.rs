//! What a browser sends on behalf of another site is refused, reading and writing alike; and what changes something must be
//! JSON, which no form can send without asking first.

use super::{METHODS, SAFE, assert_closed, let_in, on_two_connections, operations};
use harness::{World, counted};

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

/// What shows who asks: a program's token, or the cookie of a browser that was let in.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Shown {
    Nothing,
    WrongToken,
    Token,
    WrongCookie,
    Cookie,
    /// The cookie counts only where no token is given.
    WrongTokenAndCookie,
}

const SHOWN: [Shown; 6] =
    [Shown::Nothing, Shown::WrongToken, Shown::Token, Shown::WrongCookie, Shown::Cookie, Shown::WrongTokenAndCookie];

#[derive(Debug)]
struct Case {
    method: &'static str,
    path: &'static str,
    origin: Option<&'static str>,
    site: Option<&'static str>,
    content_type: Option<&'static str>,
    shown: Shown,
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
    let open = ["/healthz", "/readyz"].contains(&case.path);
    match case.shown {
        Shown::Token => {}
        _ if open => {}
        // Whoever makes a browser ask, it adds the cookie: for more than reading it must say that one of our pages asks.
        Shown::Cookie if ["GET", "HEAD"].contains(&case.method) => {}
        Shown::Cookie if case.origin.is_none() && case.site.is_none() => return Verdict::OtherSite,
        Shown::Cookie => {}
        _ => return Verdict::NoToken,
    }
    let json = case.content_type.is_some_and(|value| value.starts_with("application/json"));
    if takes_body && !json { Verdict::NotJson } else { Verdict::Through }
}

#[test]
fn other_sites_neither_read_nor_write() {
    let world = World::captured();
    let server = world.serve();
    let operations = operations(&server);
    let paths = ["/api/conversations/1/rating", "/api/conversations", "/healthz"];
    let paths: Vec<_> = paths.into_iter().filter(|path| operations.iter().any(|(_, known)| known == path)).collect();
    let mut cases = Vec::new();
    for path in &paths {
        for method in METHODS {
            for origin in ORIGINS {
                for site in SITES {
                    // Where nothing takes a body, its type is no question.
                    let types = if path.ends_with("/rating") { &TYPES[..] } else { &TYPES[..2] };
                    for content_type in types.iter().copied() {
                        for shown in SHOWN {
                            cases.push(Case { method, path, origin, site, content_type, shown });
                        }
                    }
                }
            }
        }
    }
    assert!(cases.len() >= 2_000);
    let own = format!("prompt-manager.localhost:{}", server.address().port());
    let (wrong, cookie) = (format!("Bearer {}", "0".repeat(64)), let_in(&world, &server).1);
    let wrong_cookie = format!("{}{}", &cookie[..cookie.len() - 1], if cookie.ends_with('0') { '1' } else { '0' });
    on_two_connections(&server, &cases, |client, case| {
        let origin =
            case.origin.map(|it| it.replace("HOST", &own).replace("PORT", &server.address().port().to_string()));
        let mut headers = vec![("Host", own.as_str())];
        headers.extend(origin.as_deref().map(|value| ("Origin", value)));
        headers.extend(case.site.map(|value| ("Sec-Fetch-Site", value)));
        headers.extend(case.content_type.map(|value| ("Content-Type", value)));
        let (authorization, cookie) = match case.shown {
            Shown::Token => (None, None),
            Shown::Nothing => (Some(""), None),
            Shown::WrongToken => (Some(wrong.as_str()), None),
            Shown::WrongCookie => (Some(""), Some(&wrong_cookie)),
            Shown::Cookie => (Some(""), Some(&cookie)),
            Shown::WrongTokenAndCookie => (Some(wrong.as_str()), Some(&cookie)),
        };
        headers.extend(authorization.map(|value| ("Authorization", value)));
        headers.extend(cookie.map(|value| ("Cookie", value.as_str())));
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
    counted(cases.len(), "requests of every origin, site, type and token");
}

/// The headers by which a browser asks whether another site may: the answer is no, by silence.
#[test]
fn no_preflight_is_granted() {
    let world = World::captured();
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
