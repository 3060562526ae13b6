//! The document that `status --json` gives: a page explains every name in it, and the API says the same.

use std::collections::BTreeSet;
use std::fs;

use harness::{SCENARIOS, World};
use serde_json::Value;

use super::{Run, SECRET, codes, payload, status, waits};

/// Every name in a document, with the place where it stands.
fn shape(value: &Value, place: &str, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(name, value)| {
            names.insert(format!("{place}{name}"));
            shape(value, &format!("{place}{name}."), names);
        }),
        Value::Array(list) => list.iter().for_each(|value| shape(value, place, names)),
        _ => {}
    }
}

/// What `docs/operating-status.md` explains is what there is.
#[test]
fn the_page_explains_every_name() {
    let world = World::new();
    world.hook("Stop", payload("Stop"));
    waits(&world, 1, "[]");
    world.ingest_once();
    let _run = Run::start(&world, &[]);
    let trouble = r#"{"since_ms":1,"last_ms":2,"count":3,"text":"wait"}"#;
    fs::write(world.data().trouble(), trouble).unwrap();
    let document = status(&world, &[], &["--json"]).json();
    let mut names = BTreeSet::new();
    shape(&document, "", &mut names);
    assert!(names.len() > 80 && names.contains("trouble.text") && names.contains("ingesters.pid"), "{names:#?}");
    let page = fs::read_to_string(harness::repository().join("docs/operating-status.md")).unwrap();
    let explained = |name: &String| page.contains(&format!("`{}`", name.rsplit('.').next().unwrap_or(name)));
    let ours = |name: &&String| !name.starts_with("totals.") && !name.starts_with("failed.by_reason.");
    let missing: Vec<_> = names.iter().filter(ours).filter(|name| !explained(name)).collect();
    assert!(missing.is_empty(), "docs/operating-status.md does not explain {missing:#?}");
}

/// Without what differs from one moment to the next.
fn lasting(mut document: Value) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(map) => {
                let moving = [
                    "checked_at",
                    "oldest_age_ms",
                    "waited_ms",
                    "last_age_ms",
                    "free_bytes",
                    "free_files",
                    "detail",
                    "next_wake_at",
                ];
                map.retain(|name, _| !moving.contains(&name.as_str()));
                map.values_mut().for_each(strip);
            }
            Value::Array(list) => list.iter_mut().for_each(strip),
            _ => {}
        }
    }
    strip(&mut document);
    document
}

#[test]
fn the_api_says_the_same() {
    let world = World::new();
    world.feed(SCENARIOS[0]);
    waits(&world, 1, SECRET);
    world.ingest_once();
    waits(&world, 120, &payload("Stop"));
    let server = world.serve();
    let (code, told) = server.get("/api/health");
    assert_eq!(code, 200);
    assert!(!told.to_string().contains(SECRET));
    // The machine may have less room than the server thinks good.
    let found = world.ingest(&["status", "--json"]).json();
    assert_eq!(lasting(told), lasting(found.clone()));
    assert!(codes(&found).contains(&"files_failed"), "{found:#}");
    let without = server.request("GET", "/api/health", &[("Authorization", "Bearer wrong")]);
    assert_eq!(without.status, 401, "only for those who may");
}
