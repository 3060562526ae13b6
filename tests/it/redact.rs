//! Secrets are hidden wherever something is shown or leaves: canaries in every kind of text, and every route, page, word and
//! export looked at for them, with the setting off, where each must be there, and with it on, where none may be.

mod canaries;
mod kept;
mod once;
mod pieces;
mod surfaces;

use std::collections::BTreeSet;

use canaries::Canaries;
use harness::{Server, World};
use serde_json::{Value, json};
use surfaces::Surfaces;

const DISPLAY: (&str, &str) = ("PROMPT_MANAGER_REDACT", "display");

fn serve(world: &World, redact: &str) -> Server {
    let command = world.bin("query-api").args(["serve", "--listen", "127.0.0.1:0"]).env(DISPLAY.0, redact);
    world.serve_by(command)
}

/// Off, every canary is somewhere, and every surface that can has one; on, no surface has a part of one.
#[test]
fn no_surface_shows_a_secret() {
    let canaries = Canaries::new();
    let world = canaries.world();
    let shown = Surfaces::of(&world, "off");
    let mut seen = BTreeSet::new();
    for (surface, bytes) in &shown.0 {
        seen.extend(canaries.whole_in(bytes).map(|canary| (canary.place, surface.kind())));
    }
    let all: BTreeSet<_> = canaries.0.iter().map(|canary| canary.place).collect();
    for kind in ["route", "page", "word", "export", "file"] {
        let of_kind: BTreeSet<_> = seen.iter().filter(|(_, of)| *of == kind).map(|(place, _)| *place).collect();
        // Files are what was captured; what people said of it is not among that.
        let missing: Vec<_> =
            all.difference(&of_kind).filter(|place| kind != "file" || !place.starts_with("said")).collect();
        assert!(missing.is_empty(), "with the setting off, no {kind} shows the canary in {missing:?}");
    }
    let hidden = Surfaces::of(&world, "display");
    assert_eq!(hidden.0.keys().collect::<Vec<_>>(), shown.0.keys().collect::<Vec<_>>());
    let mut marks = 0;
    for (surface, bytes) in &hidden.0 {
        canaries.assert_none_in(surface.name(), bytes);
        marks += String::from_utf8_lossy(bytes).matches("[REDACTED:").count();
        if surface.kind() == "file" {
            let whole = &shown.0[surface];
            assert_eq!(bytes.len(), whole.len(), "{surface:?}");
            assert!(whole.iter().zip(bytes).all(|(was, is)| was == is || *is == b'*'), "{surface:?}");
            for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                serde_json::from_slice::<Value>(line).unwrap_or_else(|error| panic!("{surface:?}: {error}"));
            }
        }
    }
    assert!(marks > 100, "only {marks} marks");
    // What is kept did not change.
    let again = Surfaces::files(&world, "off");
    assert!(again.0.iter().all(|(surface, bytes)| shown.0[surface] == *bytes));
}

/// Who looks for a secret finds where it is, without being shown it.
#[test]
fn a_secret_is_found_and_not_shown() {
    let canaries = Canaries::new();
    let world = canaries.world();
    let (off, on) = (serve(&world, "off"), serve(&world, "display"));
    // Nobody searches in what Claude thought.
    for canary in canaries.0.iter().filter(|canary| canary.place != "thought") {
        let ids = |server: &Server| {
            let found = server.items(&[("q", &*format!("\"{}\"", canary.secret)), ("kind", "all")]);
            found.iter().map(|item| item["id"].clone()).collect::<Vec<_>>()
        };
        assert!(!ids(&on).is_empty() || canary.place.contains("title"), "{}", canary.place);
        assert_eq!(ids(&on), ids(&off), "{}", canary.place);
    }
}

/// Who changes a word of what he is shown changes that word, and not the secret that he is not shown.
#[test]
fn what_is_sent_back_keeps_its_secrets() {
    let canaries = Canaries::new();
    let world = canaries.world();
    let (off, on) = (serve(&world, "off"), serve(&world, "display"));
    let mut client = on.client();
    let id = on.items(&[("star", "true")])[0]["id"].clone();
    let path = format!("/api/conversations/{id}/rating");
    let state = |server: &Server| server.get(&path).1;
    let (before, shown) = (state(&off), state(&on));
    let (was, note) = (before["notes"].as_str().expect("a note"), shown["notes"].as_str().expect("a note"));
    assert!(note.contains("[REDACTED:github-token]"), "{note}");
    let put = |client: &mut harness::Client, body: Value| {
        let answer = client.json("PUT", &path, &body.to_string());
        assert_eq!(answer.status, 200, "{}", answer.text());
        canaries.assert_none_in("the answer to a change", &answer.body);
        answer.json()
    };
    put(&mut client, json!({"notes": note.replace("rotate", "revoke"), "tags": shown["tags"]}));
    assert_eq!(state(&off)["notes"], was.replace("rotate", "revoke"));
    assert_eq!(state(&off)["tags"], before["tags"]);
    // Out of the words that tell what it is, a secret would be shown.
    let answer = client.json("PUT", &path, &json!({"notes": note.replace("needle ", "needle-x")}).to_string());
    let problem = answer.json();
    assert_eq!((answer.status, &problem["field"]), (422, &json!("notes")), "{problem}");
    assert!(
        problem["detail"].as_str().is_some_and(|it| it.contains("needs the words that stood around it")),
        "{problem}"
    );
    // Taken off and put back, as an undo does it.
    put(&mut client, json!({"notes": null}));
    put(&mut client, json!({"notes": note}));
    assert_eq!(state(&off)["notes"], was);
    // The version of what is shown is good for a change, and is another than that of what is not hidden.
    let etag = |server: &Server| server.request("GET", &path, &[]).header("etag").map(str::to_owned).expect("an ETag");
    assert_ne!(etag(&on), etag(&off));
    let given = [("If-Match", &*etag(&on)), ("Content-Type", "application/json")];
    assert_eq!(client.send("PUT", &path, &given, b"{\"rating\":4}").status, 200);

    let session = canaries.session();
    let path = format!("/api/sessions/{session}");
    let title = on.get(&path).1["title"].as_str().expect("a title").to_owned();
    let answer = client.json("PATCH", &path, &json!({"title": title.replace("Keys", "All keys")}).to_string());
    assert!(answer.status < 300, "{}", answer.text());
    let titled = off.get(&path).1["title"].as_str().expect("a title").to_owned();
    assert!(titled.starts_with("All keys") && canaries.whole_in(titled.as_bytes()).count() == 1, "{titled}");
}

/// A rule of a person's own works as ours do, and one that is none is told before anything is done.
#[test]
fn rules_of_the_settings() {
    let world = World::new();
    let settings = |text: &str| {
        let path = world.root().join("config/prompt-manager/config.toml");
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("settings");
    };
    world.hook(
        "UserPromptSubmit",
        r#"{"session_id":"s1","hook_event_name":"UserPromptSubmit","prompt":"see ACME-1234 and ACME-7777"}"#,
    );
    let _ = world.ingest_once();
    settings(
        "redact = 'display'\nredact_allow = ['7777']\n\n[[redact_rules]]\nid = 'ticket'\npattern = 'ACME-[0-9]{4}'\n",
    );
    let done = world.bin("query-api").args(["list", "--json"]).succeed();
    assert_eq!(done.json()["items"][0]["prompt_text"], "see [REDACTED:ticket] and ACME-7777");
    settings("redact = 'display'\n\n[[redact_rules]]\nid = 'ticket'\npattern = '['\n");
    for (program, word) in [("query-api", "list"), ("query-api", "serve"), ("ingest", "export"), ("ingest", "once")] {
        let done = world.bin(program).arg(word).run().code(78);
        assert!(
            done.err().contains("config.toml, line 5, key `pattern`") && done.err().contains("rule `ticket`: unclosed"),
            "{done}"
        );
    }
}
