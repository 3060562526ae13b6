//! What a hostile page, program or text can do to the API: nothing. Each rule is held against every case of a matrix, the
//! expected answer worked out here from the rule's words and not from the code.

mod attacks; // bodies, headers, connections and JSON that are too much
mod hosts; // only our own names are answered, on every path and method
mod listener; // only this machine can connect
mod origins; // other sites neither read nor write
mod searches; // whatever is typed into a search
mod token; // who has no token learns nothing, and no log tells it

use std::collections::BTreeSet;

use harness::{Client, Response, SCENARIOS, Server, World};

const METHODS: [&str; 8] = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE"];

/// Those that change nothing, by their definition.
const SAFE: [&str; 4] = ["GET", "HEAD", "OPTIONS", "TRACE"];

/// Paths where nothing is, and other spellings of those where something is.
const NOWHERE: [&str; 7] = ["/", "/nowhere", "/api", "/api/", "/api/conversations/", "//healthz", "/static/app.js"];

/// A world whose store holds every captured run.
fn filled() -> World {
    let world = World::new();
    for scenario in SCENARIOS {
        world.feed(scenario);
        world.projects(scenario);
    }
    world.ingest_once();
    world
}

/// Every operation that the server's own description names: method and path, 1 for each id.
fn operations(server: &Server) -> BTreeSet<(String, String)> {
    let (status, document) = server.get("/openapi.json");
    let Some(paths) = document["paths"].as_object().filter(|_| status == 200) else {
        let known = ["/api/conversations", "/api/conversations/1", "/api/health", "/healthz", "/readyz"];
        return known.map(|path| ("GET".to_owned(), path.to_owned())).into();
    };
    let mut operations = BTreeSet::new();
    for (path, methods) in paths {
        let pieces = path.split('/').map(|piece| if piece.starts_with('{') { "1" } else { piece });
        let path = pieces.collect::<Vec<_>>().join("/");
        let verbs = methods.as_object().into_iter().flatten().map(|(verb, _)| verb.to_uppercase());
        operations.extend(verbs.filter(|verb| METHODS.contains(&verb.as_str())).map(|verb| (verb, path.clone())));
    }
    assert!(operations.len() > 4, "the description names {operations:?}");
    operations
}

/// Every path of the server, and some where nothing is.
fn paths(server: &Server) -> BTreeSet<String> {
    operations(server).into_iter().map(|(_, path)| path).chain(NOWHERE.map(str::to_owned)).collect()
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
