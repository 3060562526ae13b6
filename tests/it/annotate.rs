//! What a person says, through the API, on captured runs: it is there at once, for good, and after everything was derived and
//! imported again.

use std::collections::BTreeMap;

use harness::{Response, Server, World};
use serde_json::{Value, json};

/// A world whose store holds every captured run, and its server.
fn filled() -> (World, Server) {
    let world = World::captured();
    let server = world.serve();
    (world, server)
}

/// A request with a JSON body and these headers.
fn sent(server: &Server, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Response {
    let headers: Vec<_> = headers.iter().copied().chain([("content-type", "application/json")]).collect();
    server.client().send(method, path, &headers, body.to_string().as_bytes())
}

/// The status and the answer.
fn send(server: &Server, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let response = sent(server, method, path, &[], body);
    (response.status, response.json())
}

fn done(server: &Server, method: &str, path: &str, body: &Value) -> Value {
    let (status, answer) = send(server, method, path, body);
    assert!((200..300).contains(&status), "{method} {path} {body}: {status} {answer}");
    answer
}

/// All conversations of lists, the oldest first.
fn conversations(server: &Server) -> Vec<Value> {
    let mut items = server.items(&[("limit", "200")]);
    items.reverse();
    items
}

fn id(conversation: &Value) -> i64 {
    conversation["id"].as_i64().expect("an id")
}

/// A session of several conversations: its id and theirs, the oldest first.
fn sessions(server: &Server) -> Vec<(String, Vec<i64>)> {
    let mut found: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for conversation in conversations(server) {
        let session = conversation["user_session_id"].as_str().expect("a session").to_owned();
        found.entry(session).or_default().push(id(&conversation));
    }
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort_by_key(|(_, ids)| std::cmp::Reverse(ids.len()));
    found
}

#[test]
fn ratings_come_back_and_go() {
    let (_world, server) = filled();
    let first = id(&conversations(&server)[0]);
    let path = format!("/api/conversations/{first}/rating");
    let (status, nothing) = server.get(&path);
    let marks = |rating: Option<u8>, tags: &[&str], notes: Option<&str>, star: bool| json!({"rating": rating, "tags": tags, "notes": notes, "star": star});
    // What is said, of which conversation; after a change with what was said before.
    let answer = |now: &Value, former: Option<&Value>| {
        let mut answer = now.clone();
        answer["id"] = first.into();
        if let Some(former) = former {
            answer["former"] = former.clone();
        }
        answer
    };
    let empty = marks(None, &[], None, false);
    assert_eq!((status, nothing), (200, answer(&empty, None)));
    let said = json!({"rating": 5, "tags": ["Rust", " parser "], "notes": "as it should be", "star": true});
    let good = marks(Some(5), &["Rust", "parser"], Some("as it should be"), true);
    assert_eq!(done(&server, "PUT", &path, &said), answer(&good, Some(&empty)));
    assert_eq!(server.get(&path), (200, answer(&good, None)));
    let later = marks(Some(2), &["Rust", "x"], Some("as it should be"), true);
    let told = done(&server, "POST", &path, &json!({"rating": 2, "tags": ["rust", "x"]}));
    assert_eq!(told, answer(&later, Some(&good)));
    let tags = server.get("/api/tags").1;
    assert_eq!(tags["items"], json!([{"tag": "Rust", "conversations": 1}, {"tag": "x", "conversations": 1}]));
    let gone = server.request("DELETE", &path, &[]);
    assert_eq!((gone.status, gone.json()), (200, answer(&empty, Some(&later))));
    assert_eq!(server.get("/api/tags").1["items"], json!([]));
}

#[test]
fn two_tabs_cannot_overwrite_each_other() {
    let (_world, server) = filled();
    let path = format!("/api/conversations/{}/rating", id(&conversations(&server)[0]));
    let etag = |response: &Response| response.header("etag").expect("an ETag").to_owned();
    let read = etag(&server.request("GET", &path, &[]));
    let put = |value: u8, known: (&str, &str)| sent(&server, "PUT", &path, &[known], &json!({"rating": value}));
    let first = put(1, ("if-match", &read));
    assert_eq!(first.status, 200, "{}", first.text());
    let second = put(2, ("if-match", &read));
    assert_eq!((second.status, etag(&second)), (412, etag(&first)), "{}", second.text());
    assert_eq!(put(3, ("if-none-match", "*")).status, 412);
    assert_eq!(server.get(&path).1["rating"], 1);
    assert_eq!(put(4, ("if-match", &etag(&first))).status, 200);
    assert_eq!(put(5, ("if-match", "nonsense")).status, 400);
    let stale = server.request("DELETE", &path, &[("if-match", &read)]);
    assert_eq!(stale.status, 412);
    assert!(stale.text().contains("changed since you read it"), "{}", stale.text());
    let said = server.request("DELETE", &path, &[("if-none-match", "*")]);
    assert_eq!(said.status, 412);
    assert!(
        said.text().contains("Something is said of it already") && said.header("etag").is_some(),
        "{}",
        said.text()
    );
    assert_eq!(server.get(&path).1["rating"], 4);
    // `last` is another one a moment later: what was read of one is no leave to change another.
    let other = format!("/api/conversations/{}/rating", id(&conversations(&server)[1]));
    let stale = sent(&server, "PUT", &other, &[("if-match", &read)], &json!({"rating": 1}));
    assert_eq!((stale.status, &server.get(&other).1["rating"]), (412, &Value::Null), "{}", stale.text());
}

/// What is wrong is said, by its field, and nothing is written.
#[test]
fn what_cannot_be_is_refused() {
    let (_world, server) = filled();
    let first = id(&conversations(&server)[0]);
    let path = format!("/api/conversations/{first}/rating");
    let check = |method: &str, path: &str, body: Value, status: u16, field: Option<&str>, says: &str| {
        let (found, answer) = send(&server, method, path, &body);
        assert_eq!((found, answer["field"].as_str()), (status, field), "{method} {path} {body}: {answer}");
        assert!(answer["detail"].as_str().expect("a detail").contains(says), "{method} {path} {body}: {answer}");
    };
    let long = "x".repeat(64 * 1024 + 1);
    let many: Vec<_> = (0..101).map(|n| n.to_string()).collect();
    for (body, field, says) in [
        (json!({"rating": 6}), "rating", "must be a whole number from 1 to 5"),
        (json!({"rating": 0}), "rating", "must be a whole number from 1 to 5"),
        (json!({"rating": "5"}), "rating", "invalid type"),
        (json!({"rating": 4.5}), "rating", "must be a whole number"),
        (json!({"tags": "rust"}), "tags", "invalid type"),
        (json!({"tags": null}), "tags", "invalid type"),
        (json!({"tags": ["a,b"]}), "tags[0]", "must not hold a comma"),
        (json!({"tags": ["a", " "]}), "tags[1]", "must have 1 to 100 characters"),
        (json!({"tags": many}), "tags", "must not have more than 100"),
        (json!({"notes": long}), "notes", "must not be longer than 64 KiB"),
        (json!({"notes": 5}), "notes", "invalid type"),
        (json!({"star": "yes"}), "star", "invalid type"),
        (json!({"star": null}), "star", "invalid type"),
        (json!({"stars": true}), "stars", "unknown field"),
    ] {
        check("PUT", &path, body.clone(), 422, Some(field), says);
        check("POST", &path, body, 422, Some(field), says);
    }
    check(
        "PUT",
        "/api/conversations/999999/rating",
        json!({"rating": 5}),
        404,
        None,
        "There is no conversation 999999.",
    );
    check("PUT", "/api/conversations/none/rating", json!({"rating": 5}), 404, None, "There is no conversation none.");
    check("PUT", &format!("{path}?x=1"), json!({"rating": 5}), 400, None, "There is no parameter `x`");
    let bulk = "/api/conversations/bulk";
    check("POST", bulk, json!({"ids": [first, 999_999], "set": {"rating": 1}}), 404, None, "conversation 999999");
    check("POST", bulk, json!({"ids": [0], "set": {}}), 422, Some("ids[0]"), "must be the id of a conversation");
    check("POST", bulk, json!({"ids": vec![1; 10_001], "set": {}}), 422, None, "At most 10000");
    check("POST", bulk, json!({"ids": [first]}), 422, None, "missing field `set`");
    let both = json!({"ids": [first], "set": {"add_tags": ["new", "Rust"], "remove_tags": ["rUST"]}});
    check("POST", bulk, both, 422, None, "The tag Rust cannot be both added and taken off.");
    check("POST", bulk, json!({"set": {}}), 422, Some("ids"), "either `ids` or `filter`");
    check("POST", bulk, json!({"ids": [first], "filter": "", "set": {}}), 422, Some("ids"), "either `ids` or `filter`");
    check("POST", bulk, json!({"filter": "limit=5", "set": {}}), 422, Some("filter"), "There is no parameter `limit`");
    check("POST", bulk, json!({"filter": "rating=6", "set": {}}), 422, Some("filter"), "`rating` must be");
    check("PATCH", "/api/tags/none", json!({"name": "x"}), 404, None, "No conversation has the tag none.");
    for (query, says) in [
        ("limit=0", "`query` is wrong: `limit` must be a whole number from 1 to 200"),
        ("colour=red", "`query` is wrong: There is no parameter `colour`"),
        ("sort=relevance", "`query` is wrong: `sort` can be relevance only with `q`"),
    ] {
        check("POST", "/api/views", json!({"name": "x", "query": query}), 422, Some("query"), says);
        check("PUT", "/api/views/none", json!({"query": query}), 422, Some("query"), says);
    }
    check("PUT", "/api/views/none", json!({"query": "q=x"}), 404, None, "There is no saved view none.");
    check("PATCH", "/api/sessions/none", json!({"title": "x"}), 404, None, "There is no session none.");
    // What nobody sees is told by its number.
    check("PUT", &path, json!({"tags": ["ru\u{200b}st"]}), 422, None, "must not hold U+200B");
    let bidi = "a\u{202e}b";
    check("PATCH", "/api/sessions/none", json!({"title": bidi}), 422, Some("title"), "must not hold U+202E");
    check("POST", "/api/views", json!({"name": bidi, "query": ""}), 422, Some("name"), "must not hold U+202E");
    let tags: Vec<_> = (0..100).map(|n| format!("t{n}")).collect();
    let much = json!({"ids": vec![first; 1_001], "set": {"add_tags": tags}});
    check("POST", bulk, much, 422, None, "At most 100000 things can be said at once");
    check("PATCH", "/api/sessions/none", json!({"title": ""}), 422, Some("title"), "must have 1 to 200 characters");
    check("PATCH", "/api/sessions/none", json!({}), 422, None, "missing field `title`");
    check(
        "POST",
        "/api/sessions/split",
        json!({"session_id": "none", "at": [first]}),
        404,
        None,
        "There is no session",
    );
    check("POST", "/api/sessions/split", json!({"session_id": "none", "at": []}), 422, None, "1 to 100 conversations");
    check("POST", "/api/sessions/merge", json!({"into": "a", "sessions": []}), 422, None, "1 to 100 sessions");
    let text = server.client().send("PUT", &path, &[("content-type", "text/plain")], b"{\"rating\": 5}");
    assert_eq!(text.status, 415);
    let encoded = |encoding| {
        let headers = [("content-type", "application/json"), ("content-encoding", encoding)];
        server.client().send("PUT", &path, &headers, b"{}").status
    };
    assert_eq!((encoded("gzip"), encoded("identity")), (415, 200));
    assert_eq!(server.get(&path).1["rating"], Value::Null);
}

#[test]
fn tags_are_offered_and_none_is_set() {
    let (_world, server) = filled();
    let (_, ids) = sessions(&server).swap_remove(0);
    let path = format!("/api/conversations/{}", ids[1]);
    done(&server, "PUT", &format!("/api/conversations/{}/rating", ids[0]), &json!({"tags": ["beside"]}));
    let offered = || server.get(&format!("{path}/tag-suggestions"));
    let expected = json!({"tag": "beside", "reason": "1 conversation in this session has it"});
    let (status, answer) = offered();
    let items = answer["items"].as_array().expect("a list");
    assert!(status == 200 && items.contains(&expected), "{answer}");
    assert_eq!(server.get(&path).1["tags"], json!([]));
    done(&server, "PUT", &format!("{path}/rating"), &json!({"tags": ["Beside"]}));
    done(&server, "PUT", &format!("{path}/rating"), &json!({"tags": []}));
    let items = offered().1["items"].as_array().expect("a list").clone();
    assert!(!items.contains(&expected), "it was taken off: {items:?}");
    assert_eq!(server.get("/api/conversations/999999/tag-suggestions").0, 404);
}

#[test]
fn many_at_once_tags_as_a_whole_and_saved_views() {
    let (_world, server) = filled();
    let ids: Vec<_> = conversations(&server).iter().map(id).collect();
    let set = json!({"ids": ids, "set": {"add_tags": ["one", "two"], "star": true}});
    let all = ids.len();
    assert_eq!(done(&server, "POST", "/api/conversations/bulk", &set), json!({"matched": all, "changed": all}));
    assert_eq!(done(&server, "POST", "/api/conversations/bulk", &set), json!({"matched": all, "changed": 0}));
    let few = json!({"ids": ids[..2], "set": {"remove_tags": ["ONE"], "rating": 3, "notes": "n"}});
    assert_eq!(done(&server, "POST", "/api/conversations/bulk", &few)["changed"], 2);
    let rated = json!({"filter": "rating=3&tag=TWO", "set": {"rating": 5}});
    assert_eq!(done(&server, "POST", "/api/conversations/bulk", &rated), json!({"matched": 2, "changed": 2}));
    assert_eq!(done(&server, "POST", "/api/conversations/bulk", &rated), json!({"matched": 0, "changed": 0}));
    assert_eq!(server.items(&[("tag", "tWO"), ("rating", "5")]).len(), 2);
    let (status, _) = send(&server, "PATCH", "/api/tags/one", &json!({"name": "two"}));
    assert_eq!(status, 409);
    let renamed = done(&server, "PATCH", "/api/tags/one", &json!({"name": "first tag/1"}));
    assert_eq!(renamed, json!({"tag": "first tag/1", "conversations": all - 2, "merged": false}));
    let joined = done(&server, "PATCH", "/api/tags/first%20tag%2F1", &json!({"name": "two", "merge": true}));
    assert_eq!((joined["merged"].as_bool(), joined["conversations"].as_u64()), (Some(true), Some(all as u64 - 2)));
    assert_eq!(server.get("/api/tags").1["items"], json!([{"tag": "two", "conversations": all}]));
    let same = done(&server, "PATCH", "/api/tags/two", &json!({"name": "two"}));
    assert_eq!(same, json!({"tag": "two", "conversations": 0, "merged": false}), "it is called so already");
    let deleted = server.request("DELETE", "/api/tags/two", &[]);
    assert_eq!((deleted.status, deleted.json()), (200, json!({"tag": null, "conversations": all, "merged": false})));
    assert_eq!(server.get("/api/tags").1["items"], json!([]));

    let view = json!({"name": "good ones", "query": "kind=human&q=x"});
    assert_eq!(send(&server, "POST", "/api/views", &view).0, 201);
    assert_eq!(send(&server, "POST", "/api/views", &view).0, 409);
    let changed = done(&server, "PUT", "/api/views/good%20ones", &json!({"name": "best", "query": "kind=all"}));
    assert_eq!((changed["name"].as_str(), changed["query"].as_str()), (Some("best"), Some("kind=all")));
    let views = server.get("/api/views").1;
    assert_eq!(views["items"].as_array().map(Vec::len), Some(1), "{views}");
    // A name is the same however its signs are composed: `ü`, or `u` and the dots over it.
    done(&server, "PUT", "/api/views/best", &json!({"name": "f\u{fc}r", "query": "kind=all"}));
    let composed = done(&server, "PUT", "/api/views/fu%CC%88r", &json!({"query": "star=true"}));
    assert_eq!((composed["name"].as_str(), composed["query"].as_str()), (Some("f\u{fc}r"), Some("star=true")));
    assert_eq!(server.request("DELETE", "/api/views/fu%CC%88r", &[]).status, 204);
    done(&server, "POST", "/api/views", &view);
    done(&server, "PUT", "/api/views/good%20ones", &json!({"name": "best", "query": "kind=all"}));
    assert_eq!(server.request("DELETE", "/api/views/best", &[]).status, 204);
    assert_eq!(server.request("DELETE", "/api/views/best", &[]).status, 404);
}

/// Everything that the API says of what people did.
fn told(server: &Server) -> Value {
    let mut marks = Vec::new();
    let mut items = server.items(&[("limit", "200"), ("kind", "all")]);
    items.sort_by_key(id);
    for item in &items {
        // Ids are local to a store; what is told of a conversation is the same in each.
        let mut said = server.get(&format!("/api/conversations/{}/rating", id(item))).1;
        said.as_object_mut().expect("an object").remove("id");
        marks.push(json!([item["timestamp"], item["prompt_text"], item["session_id"], item["user_session_id"], said]));
    }
    marks.sort_by_key(Value::to_string);
    let mut sessions = server.get("/api/sessions?limit=200").1;
    for session in sessions["items"].as_array_mut().expect("sessions") {
        let detail = server.get(&format!("/api/sessions/{}", session["id"].as_str().expect("an id"))).1;
        session["parts"] = detail["parts"].clone();
        session["others"] = detail["others"].clone();
        for part in session["parts"].as_array_mut().expect("parts") {
            part["from"] = json!(!part["from"].is_null());
        }
    }
    json!({"marks": marks, "sessions": sessions, "tags": server.get("/api/tags").1, "views": server.get("/api/views").1})
}

#[test]
fn what_people_did_outlives_everything_that_is_derived() {
    let (world, server) = filled();
    let all = conversations(&server);
    for (n, conversation) in all.iter().enumerate() {
        let path = format!("/api/conversations/{}/rating", id(conversation));
        let said = json!({"rating": n % 5 + 1, "tags": [format!("tag {}", n % 3), "all"], "star": n % 2 == 0,
                          "notes": format!("note {n}")});
        done(&server, "PUT", &path, &said);
    }
    done(&server, "PATCH", "/api/tags/all", &json!({"name": "every one"}));
    done(&server, "POST", "/api/views", &json!({"name": "v", "query": "q=x"}));
    let sessions = sessions(&server);
    let (long, ids) = &sessions[0];
    assert!(ids.len() >= 3 && sessions.len() >= 4, "{sessions:?}");
    let split = json!({"session_id": long, "at": [ids[1], ids[2]], "titles": [null, "the end"]});
    let made = done(&server, "POST", "/api/sessions/split", &split)["made"].clone();
    let made: Vec<&str> = made.as_array().expect("ids").iter().map(|id| id.as_str().expect("an id")).collect();
    let merge = json!({"into": sessions[1].0, "sessions": [sessions[2].0, made[1]], "title": "together"});
    done(&server, "POST", "/api/sessions/merge", &merge);
    let merge = json!({"into": sessions[3].0, "sessions": [made[0]]});
    done(&server, "POST", "/api/sessions/merge", &merge);
    let undone = server.request("DELETE", &format!("/api/sessions/{}", sessions[3].0), &[]);
    assert_eq!((undone.status, undone.json()), (200, json!({"into": [made[0]]})));
    let before = told(&server);
    assert!(before["sessions"].to_string().contains("the end") || before["sessions"].to_string().contains("together"));

    drop(world.ingest(&["rebuild"]).code(0));
    assert_eq!(told(&server), before, "after a rebuild");
    world.import();
    assert_eq!(told(&server), before, "after an import of the same");

    // Into an empty store, from the other's database: ids may be others, what was said is the same.
    let other = World::new();
    other.data().create().expect("a data directory");
    drop(other.ingest(&["import", &world.data().database().display().to_string()]).code(0));
    let served = other.serve();
    assert_eq!(told(&served), before, "in another store");
}
