//! A session's page: cut and joined by forms, each taken back, and a long one in pages with a map of all.

use harness::{Generator, Server, World};
use serde_json::{Value, json};

use super::Tab;

/// A store of three sessions of one project; their ids, and the prompts of the first, the oldest first.
fn three() -> (World, Server, Vec<String>, Vec<i64>) {
    let world = World::new();
    let generator = Generator::new(7);
    generator.write(3, &world.projects_root(), None);
    world.import();
    let server = world.serve();
    let (_, sessions) = server.get("/api/sessions?limit=10");
    let mut items = sessions["items"].as_array().expect("sessions").clone();
    items.sort_by_key(|session| std::cmp::Reverse(session["conversations"].as_u64()));
    let ids: Vec<_> = items.iter().map(|session| session["id"].as_str().expect("an id").to_owned()).collect();
    let prompts = prompts(&server, &ids[0]);
    assert!(prompts.len() >= 3, "a session of {} prompts", prompts.len());
    (world, server, ids, prompts)
}

/// The prompts of a session, the oldest first.
fn prompts(server: &Server, id: &str) -> Vec<i64> {
    let (_, outline) = server.get(&format!("/api/sessions/{id}/outline"));
    let items = outline["items"].as_array().cloned().unwrap_or_default();
    items.iter().filter_map(|point| point["id"].as_i64()).collect()
}

/// The rows of a page, in order.
fn rows(page: &str) -> Vec<i64> {
    page.split("<li class=\"row\" id=\"c").skip(1).filter_map(|rest| rest.split('"').next()?.parse().ok()).collect()
}

#[test]
fn a_session_is_cut_and_joined_by_forms() {
    let (world, server, ids, all) = three();
    let tab = Tab::open(&world, &server);
    let page = format!("/sessions/{}", ids[0]);
    assert_eq!(rows(&tab.page(&page)), all);
    let send = |path: &str, fields: &[(&str, &str)]| {
        let token = tab.token();
        let answer = tab.send(path, &[&[("token", &*token), ("back", &*page)], fields].concat());
        assert_eq!(answer.status, 303, "{path} {fields:?}: {}", answer.text());
        answer.header("location").expect("a place").to_owned()
    };
    assert_eq!(send(&format!("{page}/split"), &[("at", &all[1].to_string())]), page);
    let now = tab.page(&page);
    assert_eq!(rows(&now), all[..1]);
    let (_, detail) = server.get(&format!("/api{page}"));
    let made = detail["others"][0]["id"].as_str().expect("a new session").to_owned();
    assert!(now.contains(&format!("/sessions/{made}/undo")), "{now}");
    assert_eq!(rows(&tab.page(&format!("/sessions/{made}"))), all[1..]);
    assert!(tab.page(&format!("/sessions/{made}")).contains("Undo this split"));

    // From the page of the part itself its undo leads to the session that has its prompts again.
    let token = tab.token();
    let back = format!("/sessions/{made}");
    let undone = tab.send(&format!("{back}/undo"), &[("token", &*token), ("back", &*back)]);
    assert_eq!((undone.status, undone.header("location")), (303, Some(&*page)), "{}", undone.text());
    assert_eq!(rows(&tab.page(&page)), all);

    let others = prompts(&server, &ids[1]).len();
    assert!(others > 0);
    send(&format!("{page}/merge"), &[("session", &ids[1])]);
    let joined = tab.page(&page);
    assert!(joined.contains("Undo the joins") && joined.contains("Undo this join"), "{joined}");
    assert_eq!(prompts(&server, &ids[0]).len(), all.len() + others);
    assert_eq!(send(&format!("{page}/undo"), &[]), page, "the session is still there");
    assert_eq!(rows(&tab.page(&page)), all);

    send(&format!("{page}/title"), &[("title", " The <b>parser</b> ")]);
    assert!(tab.page(&page).contains("<h1>The &lt;b&gt;parser&lt;/b&gt;</h1>"));
    assert!(tab.page("/sessions").contains("The &lt;b&gt;parser&lt;/b&gt;"));
    send(&format!("{page}/title"), &[("title", "The parser"), ("forget", "true")]);
    assert!(!tab.page(&page).contains("parser&lt;/b&gt;"));
    assert_eq!(tab.get("/sessions/nobody").status, 404);
}

/// A session of so many prompts, as a transcript.
fn long(prompts: usize) -> String {
    let line = |n: usize| {
        let (uuid, time) = (
            format!("{n:08x}-0000-4000-8000-000000000000"),
            format!("2026-10-01T{:02}:{:02}:{:02}.000Z", n / 3600, n / 60 % 60, n % 60),
        );
        let parent = if n == 0 { Value::Null } else { json!(format!("{:08x}-0000-4000-8000-000000000000", n - 1)) };
        let line = json!({
            "type": "user", "uuid": uuid, "parentUuid": parent, "isSidechain": false, "timestamp": time, "sessionId": LONG,
            "userType": "external", "cwd": "/home/dev/acme", "version": "2.1.330", "promptId": uuid,
            "message": { "role": "user", "content": format!("Prompt {n} of many") },
        });
        format!("{line}\n")
    };
    (0..prompts).map(line).collect()
}

const LONG: &str = "5c1d4b1e-0000-4000-8000-00000000000a";

#[test]
fn a_long_session_comes_in_pages_and_its_map_leads_to_each() {
    let world = World::new();
    world.transcript(&format!("-home-dev-acme/{LONG}.jsonl"), long(5_000).as_bytes());
    world.import();
    let server = world.serve();
    let all = prompts(&server, LONG);
    assert_eq!(all.len(), 5_000);
    let tab = Tab::open(&world, &server);
    let path = format!("/sessions/{LONG}");
    let page = tab.page(&path);
    assert_eq!(rows(&page), all[..50]);
    let size = page.len();
    assert!(size < 150_000, "a page of a long session has {size} bytes");
    // Where the map leads to there is the prompt.
    let ways: Vec<_> =
        page.split(&format!("href=\"{path}?at=")).skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!((150..300).contains(&ways.len()), "{} ways", ways.len());
    for way in [ways[3], ways[100], ways[ways.len() - 2]] {
        let (_, id) = way.split_once("#c").expect("a prompt");
        let there = rows(&tab.page(&format!("{path}?at={}", way.split('#').next().expect("a place"))));
        assert!(there.contains(&id.parse().expect("an id")), "{way} leads to {there:?}");
    }
    let last = tab.page(&format!("{path}?at={}", all[4_999]));
    assert_eq!(rows(&last), all[4_950..]);
    assert!(!last.contains("rel=\"next\"") && last.contains("rel=\"prev\""));
    // Page by page, everything once.
    let (mut found, mut next) = (Vec::new(), Some(path.clone()));
    while let Some(path) = next {
        let page = tab.page(&path);
        found.extend(rows(&page));
        next = page.split_once("rel=\"next\" href=\"").and_then(|(_, rest)| Some(rest.split('"').next()?.to_owned()));
    }
    assert!(found == all, "{} of {} prompts", found.len(), all.len());
}
