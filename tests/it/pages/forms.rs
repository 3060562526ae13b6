//! Forms are taken from a page of ours alone, and say what is wrong with them as a page.

use harness::{SCENARIOS, World};
use serde_json::json;

use super::Tab;

fn rated(world: &World) -> (harness::Server, i64) {
    world.projects(SCENARIOS[1]);
    world.import();
    let server = world.serve();
    let id = server.items(&[])[0]["id"].as_i64().expect("an id");
    (server, id)
}

#[test]
fn what_a_form_says_is_stored() {
    let world = World::new();
    let (server, id) = rated(&world);
    let tab = Tab::open(&world, &server);
    let check = |fields: &[(&str, &str)], expected: serde_json::Value| {
        let answer = tab.post(&format!("/conversations/{id}/marks"), fields);
        assert_eq!((answer.status, answer.header("location")), (303, Some("/")), "{fields:?}: {}", answer.text());
        let (_, marks) = server.get(&format!("/api/conversations/{id}/rating"));
        for (name, value) in expected.as_object().expect("an object") {
            assert_eq!(marks[name], *value, "{fields:?}: {marks}");
        }
    };
    check(&[("rating", "4")], json!({ "rating": 4 }));
    check(&[("star", "true")], json!({ "rating": 4, "star": true }));
    check(&[("tags", "parser, rust,,")], json!({ "tags": ["parser", "rust"], "star": true }));
    check(&[("notes", "one\r\ntwo <b>")], json!({ "notes": "one\ntwo <b>" }));
    let page = tab.page(&format!("/conversations/{id}"));
    assert!(page.contains("one\ntwo &lt;b&gt;") && page.contains("value=\"parser, rust\""), "{page}");
    check(
        &[("rating", ""), ("notes", ""), ("tags", " "), ("star", "false")],
        json!({ "rating": null, "notes": null, "tags": [], "star": false }),
    );
}

#[test]
fn a_form_without_the_token_changes_nothing() {
    let world = World::new();
    let (server, id) = rated(&world);
    let (tab, other) = (Tab::open(&world, &server), Tab::open(&world, &server));
    let path = format!("/conversations/{id}/marks");
    let (token, others) = (tab.token(), other.token());
    assert_ne!(token, others);
    let cookie = tab.cookie.split_once('=').expect("a value").1.to_owned();
    for wrong in ["", "0", &others, &cookie, &token[1..], &token.to_uppercase().replace(char::is_numeric, "A")] {
        let answer = tab.send(&path, &[("token", wrong), ("back", "/"), ("rating", "5")]);
        assert_eq!(answer.status, 403, "{wrong}: {}", answer.text());
        assert!(answer.text().contains("go back, reload the page"), "{}", answer.text());
        assert!(answer.header("content-type").is_some_and(|kind| kind.starts_with("text/html")));
    }
    assert_eq!(tab.send(&path, &[("back", "/"), ("rating", "5")]).status, 403);
    // In an address it would be in a history.
    assert_eq!(tab.send(&format!("{path}?token={token}"), &[("back", "/"), ("rating", "5")]).status, 400);
    for (fields, expected) in [
        (&[("rating", "6"), ("back", "/")][..], "`rating` must be a whole number from 1 to 5."),
        (&[("rating", "5"), ("back", "//evil.example/")], "`back` must be a path of this server."),
        (&[("rating", "5"), ("back", "/"), ("stars", "5")], "There is no parameter `stars`"),
        (&[("rating", "5")], "`back`"),
        (&[("rating", "5"), ("back", "é/")], "`back`"),
    ] {
        let answer = tab.send(&path, &[&[("token", &*token)], fields].concat());
        assert!(matches!(answer.status, 400 | 422), "{fields:?}: {}", answer.text());
        let text = answer.text().replace("<code>", "`").replace("</code>", "`");
        assert!(text.contains(expected), "{fields:?}: {text}");
    }
    assert_eq!(server.get(&format!("/api/conversations/{id}/rating")).1["rating"], json!(null));
}

#[test]
fn preferences_are_remembered_by_the_browser() {
    let world = World::new();
    let (server, _) = rated(&world);
    let mut tab = Tab::open(&world, &server);
    assert!(!tab.page("/").contains("data-theme"));
    let answer = tab.post("/preferences", &[("theme", "dark")]);
    let set: Vec<_> = answer.headers.iter().filter(|(name, _)| name == "set-cookie").map(|(_, value)| value).collect();
    assert!(set.iter().all(|cookie| cookie.contains("HttpOnly; SameSite=Strict; Path=/")), "{set:?}");
    for cookie in set {
        tab.cookie = format!("{}; {}", tab.cookie, cookie.split(';').next().expect("a value"));
    }
    assert!(tab.page("/").contains("data-theme=\"dark\""));
    assert!(tab.get("/nowhere").text().contains("data-theme=\"dark\""), "an error is a page too");
    assert_eq!(tab.post("/preferences", &[("theme", "red")]).status, 400);
}

#[test]
fn the_style_and_the_script_are_kept_until_they_change() {
    let world = World::new();
    let (server, _) = rated(&world);
    let tab = Tab::open(&world, &server);
    for name in ["style.css", "main.js", "icon.svg"] {
        let path = format!("/assets/{name}");
        let first = tab.get(&path);
        let mark = first.header("etag").expect("an ETag").to_owned();
        assert_eq!((first.status, first.header("cache-control")), (200, Some("private, no-cache")), "{name}");
        let headers = [("Host", &*tab.host), ("Authorization", ""), ("Cookie", &tab.cookie), ("If-None-Match", &mark)];
        let again = server.request("GET", &path, &headers);
        assert_eq!((again.status, again.body.len()), (304, 0), "{name}");
    }
    assert_eq!(tab.get("/assets/none.js").status, 404);
}
