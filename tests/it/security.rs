//! What a hostile page, program or text can do to the API and to what is kept: nothing. Each rule is held against every case of a matrix, the
//! expected answer worked out here from the rule's words and not from the code.

mod attacks; // bodies, headers, connections and JSON that are too much
mod hosts; // only our own names are answered, on every path and method
mod listener; // only this machine can connect
mod modes; // what is made is for its owner alone
mod origins; // other sites neither read nor write
mod paths; // no text becomes a path
mod searches; // whatever is typed into a search
mod token; // who has no token learns nothing, and no log tells it

use std::collections::BTreeSet;

use harness::{Client, Response, Server, World};

const METHODS: [&str; 8] = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE"];

/// Those that change nothing, by their definition.
const SAFE: [&str; 4] = ["GET", "HEAD", "OPTIONS", "TRACE"];

/// Pages for people, which no description of an API names.
const PAGES: [&str; 4] = ["/", "/docs", "/assets/style.css", "/open?once=0"];

/// Paths where nothing is, and other spellings of those where something is.
const NOWHERE: [&str; 6] = ["/nowhere", "/api", "/api/", "/api/conversations/", "//healthz", "/static/app.js"];

/// Every operation that the server's own description names: method and path, 1 for each id.
fn operations(server: &Server) -> BTreeSet<(String, String)> {
    let (status, document) = server.get("/openapi.json");
    let paths = document["paths"].as_object().unwrap_or_else(|| panic!("/openapi.json: {status}"));
    let mut operations = BTreeSet::new();
    // One that is listened to has no end; server.rs is about it.
    for (path, methods) in paths.iter().filter(|(path, _)| *path != "/api/events") {
        let pieces = path.split('/').map(|piece| if piece.starts_with('{') { "1" } else { piece });
        let path = pieces.collect::<Vec<_>>().join("/");
        let verbs = methods.as_object().into_iter().flatten().map(|(verb, _)| verb.to_uppercase());
        operations.extend(verbs.filter(|verb| METHODS.contains(&verb.as_str())).map(|verb| (verb, path.clone())));
    }
    assert!(operations.len() > 5, "the description names {operations:?}");
    operations
}

/// Every path of the server, and some where nothing is.
fn paths(server: &Server) -> BTreeSet<String> {
    let more = PAGES.into_iter().chain(NOWHERE).map(str::to_owned);
    operations(server).into_iter().map(|(_, path)| path).chain(more).collect()
}

/// Lets a browser in, as `query-api open` does; gives the link's secret and what the browser sends as Cookie from then on.
pub(crate) fn let_in(world: &World, server: &Server) -> (String, String) {
    let (address, port) = (server.address().to_string(), server.address().port());
    let done = world.bin("query-api").args(["open", "--print", "--listen", &address]).succeed();
    let link = done.out().trim().to_owned();
    let path = link.strip_prefix(&format!("http://prompt-manager.localhost:{port}")).expect("a link to our own name");
    let own = format!("prompt-manager.localhost:{port}");
    let response = server.request("GET", path, &[("Host", &own), ("Authorization", "")]);
    assert_eq!(response.status, 303, "{}", response.text());
    let set = response.header("set-cookie").expect("a cookie");
    for word in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(set.split("; ").any(|part| part == word), "{word} in {set}");
    }
    let cookie = set.split(';').next().expect("a name and a value").to_owned();
    (path.split_once('=').expect("a secret").1.to_owned(), cookie)
}

/// What every answer must keep to, whatever was asked.
fn assert_closed(response: &Response, what: &dyn std::fmt::Debug) {
    let cors = response.headers.iter().find(|(name, _)| name.starts_with("access-control-"));
    assert_eq!(cors, None, "{what:?}");
    // An answer that hyper itself gives has no headers of ours, and no body.
    if !response.body.is_empty() {
        assert_eq!(response.header("x-content-type-options"), Some("nosniff"), "{what:?}");
        assert_eq!(response.header("cross-origin-resource-policy"), Some("same-origin"), "{what:?}");
        assert!(response.header("content-security-policy").is_some(), "{what:?}");
    }
}

/// Runs `check` over `cases`, on two connections at once.
fn on_two_connections<C: Sync>(server: &Server, cases: &[C], check: impl Fn(&mut Client, &C) + Sync) {
    std::thread::scope(|scope| {
        for half in cases.chunks(cases.len().div_ceil(2).max(1)) {
            let (mut client, check) = (server.client(), &check);
            scope.spawn(move || half.iter().for_each(|case| check(&mut client, case)));
        }
    });
}
