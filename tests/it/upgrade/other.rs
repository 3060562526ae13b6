//! A database of another schema, under programs that run: who is older is said, nothing is written, and it passes.

use std::process::{Child, Stdio};

use harness::{Server, World};
use serde_json::Value;

use super::stored::{by_sql, database, schemas, settle, told, world};

/// What needs the database.
const NEED: [&str; 9] = [
    "/api/conversations",
    "/api/conversations/1",
    "/api/conversations/1/rating",
    "/api/sessions",
    "/api/tags",
    "/api/views",
    "/api/stats",
    "/api/export",
    "/readyz",
];

/// Everything answers 503 of this type, says `advice`, and to a browser as a page; or, with `None`, as always.
fn check(server: &Server, what: &str, expected: Option<(&str, &str)>) {
    assert_eq!(server.request("GET", "/healthz", &[]).status, 200, "{what}");
    let mut client = server.client();
    let mut answers: Vec<_> = NEED.iter().map(|path| (*path, client.get(path))).collect();
    answers.push(("a change", client.json("PUT", "/api/conversations/1/rating", r#"{"star": true}"#)));
    for (path, answer) in answers {
        let Some((kind, advice)) = expected else {
            assert_eq!(answer.status, 200, "{what}: {path}: {}", answer.text());
            continue;
        };
        assert_eq!(answer.status, 503, "{what}: {path}: {}", answer.text());
        assert!(answer.header("retry-after").is_some(), "{what}: {path}");
        let problem = answer.json();
        assert_eq!(problem["type"], format!("urn:prompt-manager:problem:{kind}"), "{what}: {path}");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(advice)), "{what}: {problem}");
    }
    for path in ["/", "/conversations/1", "/library", "/sessions", "/insights"] {
        let page = client.send("GET", path, &[("Accept", "text/html")], b"");
        match expected {
            None => assert_eq!(page.status, 200, "{what}: {path}"),
            Some((_, advice)) => {
                let is_told = page.status == 503 && page.text().contains(advice) && page.text().contains("<h1>");
                assert!(is_told, "{what}: {path}: {} {}", page.status, page.text());
            }
        }
    }
    let (status, health) = server.get("/api/health");
    let found = |code: &str| health["findings"].as_array().is_some_and(|all| all.iter().any(|it| it["code"] == code));
    let named = match expected {
        None => !found("database_old") && !found("database_too_new"),
        Some(("server-older", _)) => found("database_too_new"),
        Some(_) => found("database_old"),
    };
    assert!(status == 200 && named, "{what}: {health:#}");
}

fn set(world: &World, schema: i64) {
    by_sql(world, &["version", &schema.to_string(), &database(world)]);
}

const RESTART_US: Option<(&str, &str)> = Some(("server-older", "restart query-api"));
const START_INGEST: Option<(&str, &str)> = Some(("database-older", "start or restart ingest"));

#[test]
fn a_server_says_which_side_is_older() {
    let newest = *schemas().end();
    let world = world(newest - 1);
    let server = world.serve();
    check(&server, "older at the start", START_INGEST);
    settle(&world);
    check(&server, "upgraded meanwhile", None);
    set(&world, newest + 1);
    check(&server, "raised under it", RESTART_US);
    let late = world.serve();
    check(&late, "newer at the start", RESTART_US);
    set(&world, newest);
    check(&server, "put back", None);
    check(&late, "put back", None);
}

/// Starts `run` and waits until it watches.
fn run(world: &World) -> Child {
    let mut command = world.bin("ingest").args(["run", "--every", "100ms"]).into_command();
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("a process");
    let mut said = String::new();
    let out = child.stdout.as_mut().expect("piped");
    let _ = std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut said);
    assert!(said.starts_with("watching"), "{said}");
    child
}

/// It writes nothing into what it does not know, and ends so that it is started again: the one that is installed by then may know it.
#[test]
fn an_ingester_that_is_overtaken_ends() {
    let newest = *schemas().end();
    let world = world(newest);
    settle(&world);
    let mut running = run(&world);
    set(&world, newest + 1);
    let before = told(&world, &world.data().database());
    world.hook("Stop", r#"{"session_id":"s","hook_event_name":"Stop","last_assistant_message":"later"}"#);
    assert_eq!(running.wait().expect("an end").code(), Some(75));
    assert_eq!(told(&world, &world.data().database()), before);
    let waits = world.names(&world.data().incoming()).len() + world.names(&world.data().processing()).len();
    assert_eq!(waits, 1, "{}", world.tree());
    // The same version, started again, knows no more.
    let again = world.ingest(&["once"]).code(78);
    assert!(again.err().contains("install the newer version"), "{again}");
    set(&world, newest);
    let taken: Value = world.ingest_once();
    assert_eq!(taken["stored"], 1);
    world.assert_drained();
}
