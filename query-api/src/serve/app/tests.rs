//! Every route in process, on a store that the real writer filled.

use super::*;
use crate::access::Place;
use crate::access::login::Logins;
use std::path::Path;

use axum::body::to_bytes;
use axum::routing::get;
use queue::DataDir;
use serde_json::{Value, json};
use store::write::{Lineage, Look, Parent, Part, Session, Title, TitleFrom, Turn, Writer};
use store::{BlockKind, Key, Kind, Status, Via};

pub(super) struct Served {
    pub(super) app: App,
    pub(super) dir: DataDir,
    _home: tempfile::TempDir,
}

pub(super) fn served() -> Served {
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    let home = tempfile::Builder::new().permissions(private).tempdir().unwrap();
    let dir = DataDir::new(home.path());
    let place = Place::Tcp("127.0.0.1:8765".parse().unwrap());
    let access = Access::new(place, &[], None, Logins::of(&dir));
    let flags =
        settings::Layer { home: Some(home.path().to_owned()), low_space: Some(0), ..settings::Layer::default() };
    let settings = settings::Settings::resolve(flags, &|_| None).unwrap();
    Served { app: App::new(access, Database::new(settings).unwrap()), dir, _home: home }
}

impl Served {
    pub(super) async fn send(&self, method: &str, uri: &str) -> (u16, hyper::HeaderMap, String) {
        let request = Request::builder().method(method).uri(uri).header("host", "localhost:8765");
        let response = self.app.answer(request.body(Body::empty()).unwrap()).await;
        let (parts, body) = response.into_parts();
        for (name, value) in HEADERS {
            assert_eq!(parts.headers.get(&name).map(HeaderValue::as_bytes), Some(value.as_bytes()), "{uri} {name}");
        }
        assert!(!parts.headers.keys().any(|name| name.as_str().starts_with("access-control-")));
        let body = String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap();
        (parts.status.as_u16(), parts.headers, body)
    }

    async fn get(&self, uri: &str) -> (u16, Value) {
        let (status, headers, body) = self.send("GET", uri).await;
        let body: Value = serde_json::from_str(&body).unwrap_or_else(|error| panic!("{uri}: {error} in {body}"));
        let expected = if status < 400 { "application/json" } else { "application/problem+json" };
        assert_eq!(headers[header::CONTENT_TYPE], expected, "{uri}");
        if status >= 400 {
            assert_eq!(body["status"], status);
            assert_eq!(body["instance"], uri.split('?').next().unwrap());
            assert!(body["title"].is_string() && body["detail"].is_string() && body["type"].is_string(), "{body}");
        }
        (status, body)
    }

    async fn ids(&self, uri: &str) -> Vec<i64> {
        let (status, body) = self.get(uri).await;
        assert_eq!(status, 200, "{body}");
        body["items"].as_array().unwrap().iter().map(|item| item["id"].as_i64().unwrap()).collect()
    }
}

pub(crate) fn turn(ordinal: u8, prompt: &str) -> Turn {
    Turn {
        keys: vec![Key::Line([ordinal; 16])],
        former_keys: Vec::new(),
        session_id: "s".into(),
        parent: None,
        agent_id: None,
        ordinal: i64::from(ordinal),
        timestamp_ms: 1_795_350_951_598 + i64::from(ordinal),
        ended_ms: None,
        kind: Kind::Human,
        via: Via::Interactive,
        status: Status::Complete,
        prompt_text: Some(prompt.into()),
        response_text: Some(format!("answer {ordinal}")),
        prompt_id: None,
        model: None,
        cwd: None,
        from_hook: true,
        from_transcript: false,
        metadata: r#"{"n":1}"#.into(),
        blocks: vec![store::write::Block {
            kind: BlockKind::Prompt,
            at_ms: None,
            tool_use_id: None,
            span: None,
            search: Some(prompt.into()),
        }],
        tool_calls: Vec::new(),
        usage: Vec::new(),
    }
}

pub(crate) fn fill(dir: &DataDir, turns: Vec<Turn>) {
    let mut writer = Writer::open(dir).unwrap();
    let batch = writer.batch().unwrap();
    let facts = Session {
        session_id: "s".into(),
        title: Some(Title { text: "Title".into(), from: TitleFrom::Custom }),
        ..Session::default()
    };
    let parts = [("s".to_owned(), Part { facts, parser: store::PARSER, ..Part::default() })].into();
    batch.replace(&Lineage { parts, turns }, Look::Digests, 0).unwrap();
    batch.commit().unwrap();
}

#[tokio::test]
async fn pages() {
    let served = served();
    fill(&served.dir, (1..=5).map(|n| turn(n, "say load-config")).collect());
    assert_eq!(served.ids("/api/conversations").await, [5, 4, 3, 2, 1]);
    assert_eq!(served.ids("/api/conversations?q=load-config&kind=all&session_id=s").await, [5, 4, 3, 2, 1]);
    assert_eq!(served.ids("/api/conversations?session_id=other").await, [] as [i64; 0]);
    let mut uri = "/api/conversations?limit=2&q=load*".to_owned();
    let mut seen = Vec::new();
    loop {
        let (_, page) = served.get(&uri).await;
        seen.push(page["items"].as_array().unwrap().len());
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        uri = format!("/api/conversations?limit=2&q=load*&cursor={cursor}");
    }
    assert_eq!(seen, [2, 2, 1]);
}

#[tokio::test]
async fn a_search_shows_where_it_found_what() {
    let served = served();
    fill(&served.dir, vec![turn(1, "please load-config again"), turn(2, "nothing")]);
    let (_, found) = served.get("/api/conversations?q=load-config+OR+absent&count=true&sort=relevance").await;
    assert_eq!((&found["count"], &found["ranked"]), (&json!({"value": 1, "exact": true}), &json!(1)));
    let snippet = json!([
        {"text": "please ", "match": false}, {"text": "load-config", "match": true}, {"text": " again", "match": false},
    ]);
    assert_eq!(found["items"][0]["matches"], json!([{"in": "prompt", "snippet": snippet}]));
    assert_eq!(served.ids("/api/conversations?q=load-config&in=answer").await, [] as [i64; 0]);
    assert_eq!(served.ids("/api/conversations?q=-load&kind=all").await, [2]);
    let (_, all) = served.get("/api/conversations").await;
    assert_eq!((all["items"][0].get("matches"), all.get("count"), all.get("ranked")), (None, None, None));
}

#[tokio::test]
async fn the_shape_of_an_item_and_of_the_whole() {
    let served = served();
    let mut parent = turn(1, "ask");
    parent.cwd = Some("/home/dev/acme".into());
    parent.tool_calls = vec![store::write::ToolCall {
        tool_use_id: Some("t".into()),
        name: "Bash".into(),
        is_error: true,
        refused: true,
        finished: true,
        started_ms: Some(0),
        duration_ms: None,
        input: None,
        output: None,
    }];
    parent.usage = [1, 2]
        .map(|n| store::write::Usage {
            message_id: format!("m{n}"),
            request_id: None,
            model: Some(["claude-opus-4-5-20251101", "new-model"][n as usize - 1].into()),
            input_tokens: n,
            output_tokens: 10 * n,
            cache_creation_tokens: 0,
            cache_creation_1h_tokens: 0,
            cache_read_tokens: if n == 1 { 0 } else { i64::MAX },
            cost: None,
        })
        .into();
    let child =
        Turn { parent: Some(Parent::Here(0)), kind: Kind::Subagent, agent_id: Some("a".into()), ..turn(2, "sub") };
    fill(&served.dir, vec![parent, child]);

    let (_, list) = served.get("/api/conversations").await;
    let head = json!({
        "id": 1, "session_id": "s", "user_session_id": "s", "timestamp": "2026-11-22T12:35:51.599Z", "kind": "human",
        "via": "interactive", "status": "complete", "prompt_text": "ask", "response_text": "answer 1",
        "project": "/home/dev/acme", "project_name": "acme", "model": null, "rating": null, "tags": [], "notes": null,
        "star": false, "has_error": true, "prompt_length": 3, "tokens": i64::MAX, "cost_usd": null,
        "metadata": {"n": 1}, "sources": {"hook": true, "transcript": false},
    });
    let mut item = head.clone();
    item["tool_calls"] = json!([{"id": "t", "name": "Bash", "error": true, "duration_ms": null}]);
    item["session_title"] = json!("Title");
    assert_eq!(list, json!({"items": [item], "next_cursor": null}));

    let (_, whole) = served.get("/api/conversations/1").await;
    for (name, value) in head.as_object().unwrap() {
        assert_eq!(&whole[name], value, "{name}");
    }
    assert_eq!(whole["blocks"], json!([{"kind": "prompt", "at": null, "text": "ask"}]));
    assert_eq!(
        whole["tool_calls"],
        json!([{"id": "t", "name": "Bash", "input": null, "output": null, "error": true, "refused": true,
                "finished": true, "started_at": "1970-01-01T00:00:00.000Z", "duration_ms": null}])
    );
    assert_eq!(
        whole["usage"]["total"],
        json!({"input_tokens": 3, "output_tokens": 30, "cache_creation_tokens": 0, "cache_read_tokens": i64::MAX})
    );
    assert_eq!(whole["cost"], json!({"usd": 0.000255, "unknown_models": ["new-model"]}));
    assert_eq!(
        whole["session"],
        json!({"id": "s", "title": "Title", "title_from": "custom", "cwd": null, "project": null, "project_name": null,
               "git_branch": null, "version": null, "model": null, "started_at": null, "ended_at": null,
               "counts": {"lines": 0, "unreadable": 0, "unknown": {}}, "follows": [], "followed_by": []})
    );
    assert_eq!(whole["subagents"][0]["parent_id"], 1);
    assert_eq!(whole["subagents"][0]["agent_id"], "a");
    assert_eq!(whole["subagents"][0].get("session"), None);
    assert_eq!(whole.get("requested_id"), None);
    assert_eq!(served.get("/api/conversations/last").await.1, whole);
}

#[tokio::test]
async fn an_alias_answers_with_its_survivor() {
    let served = served();
    fill(&served.dir, vec![turn(1, "a"), turn(2, "b")]);
    let both = Turn { keys: vec![Key::Line([1; 16]), Key::Line([2; 16])], ..turn(1, "a") };
    fill(&served.dir, vec![both]);
    let (status, body) = served.get("/api/conversations/2").await;
    assert_eq!((status, &body["id"], &body["requested_id"]), (200, &json!(1), &json!(2)));
}

#[tokio::test]
async fn what_is_wrong_is_a_problem() {
    let served = served();
    drop(Writer::open(&served.dir).unwrap());
    for (uri, status, parameter) in [
        ("/api/conversations?limit=0", 400, Some("limit")),
        ("/api/conversations?offset=1", 400, Some("offset")),
        ("/api/conversations/1?q=a", 400, Some("q")),
        ("/api/conversations/abc", 404, None),
        ("/api/conversations/-1", 404, None),
        ("/api/conversations/%ff", 404, None),
        ("/api/conversations/1", 404, None),
        ("/api/conversations/last", 404, None),
        ("/api/conversations/99999999999999999999", 404, None),
        ("/api/conversations/", 404, None),
        ("/api", 404, None),
        ("/healthz?a", 400, Some("a")),
    ] {
        let (found, body) = served.get(uri).await;
        assert_eq!((found, body["parameter"].as_str()), (status, parameter), "{uri}: {body}");
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW"] {
        let (status, headers, body) = served.send(method, "/api/conversations").await;
        assert_eq!((status, headers[header::ALLOW].as_bytes()), (405, &b"GET,HEAD"[..]), "{method}");
        assert!(body.contains("\"title\":\"Method Not Allowed\""), "{body}");
    }
    let (status, _, body) = served.send("HEAD", "/api/conversations").await;
    assert_eq!((status, body.as_str()), (200, ""));
}

/// Every operation of the document is there, and refuses what it does not know.
#[tokio::test]
async fn the_document_is_what_is_served() {
    let served = served();
    fill(&served.dir, vec![turn(1, "a")]);
    let (_, document) = served.get("/openapi.json").await;
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document, serde_json::to_value(routes::document()).unwrap());
    let mut operations = std::collections::BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(operations.insert(id), "{id} is the name of two operations: give them an operation_id");
            let uri = format!("{}?nonsense=1", path.replace("{id}", "1").replace("{name}", "a"));
            let (status, _, body) = served.send(&method.to_uppercase(), &uri).await;
            let body: Value = serde_json::from_str(&body).unwrap_or_else(|error| panic!("{uri}: {error} in {body}"));
            assert_eq!((status, body["parameter"].as_str()), (400, Some("nonsense")), "{method} {uri}: {body}");
            let known = body["detail"].as_str().unwrap();
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let name = parameter["name"].as_str().unwrap();
                assert!(parameter["description"].is_string(), "{method} {path}: {name} is not explained");
                assert!(parameter["in"] != "query" || known.contains(name), "{method} {path}: {name} in {known}");
            }
            for status in ["400", "500", "503"] {
                let problem = &operation["responses"][status]["content"]["application/problem+json"];
                assert_eq!(problem["schema"]["$ref"], "#/components/schemas/Problem", "{method} {path} {status}");
            }
            for (status, response) in operation["responses"].as_object().unwrap() {
                assert!(!response["description"].as_str().unwrap().is_empty(), "{method} {path} {status}");
            }
            let open = crate::access::WITHOUT_TOKEN.contains(&path.as_str());
            let ways = (!open).then(|| json!([{"token": []}, {"login": []}]));
            assert_eq!(operation.get("security"), ways.as_ref(), "{method} {path}");
            assert!(operation["summary"].is_string() && operation["tags"][0].is_string(), "{method} {path}");
        }
    }
    let login = &document["components"]["securitySchemes"]["login"];
    assert_eq!(
        (&login["type"], &login["in"], &login["name"]),
        (&json!("apiKey"), &json!("cookie"), &json!("prompt_manager"))
    );
    assert!(operations.len() >= 6, "only {operations:?}");
}

#[tokio::test]
async fn a_database_may_come_later_and_go() {
    let served = served();
    let check = |status: u16, health: &'static str, code: Option<&'static str>| {
        let served = &served;
        async move {
            for uri in ["/api/conversations", "/readyz"] {
                let (found, headers, _) = served.send("GET", uri).await;
                assert_eq!((found, headers.contains_key(header::RETRY_AFTER)), (status, status == 503), "{uri}");
            }
            let (found, body) = served.get("/api/health").await;
            let reason = &body["findings"][0];
            assert_eq!((found, &body["status"], reason["code"].as_str()), (200, &json!(health), code));
            assert_eq!(served.send("GET", "/healthz").await.2, "ok");
        }
    };
    check(503, "ok", Some("nothing_yet")).await;
    drop(Writer::open(&served.dir).unwrap());
    check(200, "ok", None).await;
    let away = |name: &Path| std::fs::rename(served.dir.root().join("database"), name).unwrap();
    away(&served.dir.root().join("away"));
    check(503, "ok", Some("nothing_yet")).await;
    queue::layout::create_private_dir(&served.dir.archive().join("2026-11-25")).unwrap();
    check(503, "failing", Some("database_missing")).await;
    std::fs::rename(served.dir.root().join("away"), served.dir.root().join("database")).unwrap();
    check(200, "ok", None).await;
}

#[tokio::test]
async fn health_tells_figures() {
    let served = served();
    fill(&served.dir, vec![turn(1, "a")]);
    served.dir.create().unwrap();
    for place in [served.dir.incoming(), served.dir.failed()] {
        std::fs::write(place.join("0000000000000000001-s-Stop.json"), "{}").unwrap();
    }
    let (_, body) = served.get("/api/health").await;
    assert_eq!(body["status"], "degraded");
    assert_eq!(body["findings"][0]["code"], "files_failed");
    assert!(body["findings"][0]["next_step"].as_str().unwrap().contains("prompt-manager retry"));
    assert_eq!((&body["queue"]["incoming"]["files"], &body["database"]["conversations"]), (&json!(1), &json!(1)));
    assert!(body["database"]["schema"].as_i64().unwrap() >= 4);
    assert_eq!(body["versions"]["sqlite"], store::engine_version().0);
}

#[tokio::test]
async fn a_panic_is_an_answer() {
    let served = served();
    let routes = Router::new().route("/", get(async || -> StatusCode { panic!("on purpose") }));
    let app = App { routes, ..served.app };
    let served = Served { app, ..served };
    let (status, body) = served.get("/").await;
    assert_eq!(status, 500);
    assert!(!body.to_string().contains("on purpose"));
}

/// Each state a database can be in: 503 with what to do and when to come again, and 200 once it is whole again, for questions
/// and for what people say alike.
#[tokio::test]
async fn every_bad_database_is_told_and_survived() {
    let served = served();
    fill(&served.dir, vec![turn(1, "a")]);
    let path = served.dir.database();
    let whole = std::fs::read(&path).unwrap();
    let rate = async || {
        let request = Request::put("/api/conversations/1/rating").header("host", "localhost:8765");
        let request = request.header("content-type", "application/json").body(Body::from(r#"{"rating": 5}"#)).unwrap();
        let response = served.app.answer(request).await;
        let retry = response.headers().contains_key(header::RETRY_AFTER);
        let status = response.status().as_u16();
        (status, retry, String::from_utf8(to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()).unwrap())
    };
    assert_eq!(rate().await.0, 200);
    let replace = |bytes: &[u8]| {
        // Another file at the same place, as a restore makes it.
        for suffix in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{suffix}", path.display()));
        }
        let new = path.with_extension("new");
        std::fs::write(&new, bytes).unwrap();
        std::fs::rename(&new, &path).unwrap();
    };
    let version = |n: u32| {
        let mut bytes = whole.clone();
        bytes[60..64].copy_from_slice(&n.to_be_bytes()); // user_version
        bytes
    };
    let foreign = {
        let mut bytes = whole.clone();
        bytes[68..72].copy_from_slice(&7_u32.to_be_bytes()); // application_id
        bytes
    };
    for (what, bytes, expected) in [
        ("older", version(1), "restart ingest"),
        ("newer", version(9_999), "restart query-api"),
        ("foreign", foreign, "another program"),
        (
            "no database",
            b"not a database, but long enough to be taken for one by its size alone".repeat(64),
            "database",
        ),
    ] {
        replace(&bytes);
        for uri in ["/api/conversations", "/api/conversations/1", "/readyz"] {
            let (status, headers, body) = served.send("GET", uri).await;
            assert_eq!((status, headers.contains_key(header::RETRY_AFTER)), (503, true), "{what}: {uri}: {body}");
            assert!(body.contains(expected), "{what}: {uri}: {body}");
        }
        let (status, retry, body) = rate().await;
        assert_eq!((status, retry), (503, true), "{what}: {body}");
        assert!(body.contains(expected), "{what}: {body}");
        let (status, health) = served.get("/api/health").await;
        assert_eq!((status, &health["status"]), (200, &json!("failing")), "{what}");
        replace(&whole);
        assert_eq!(served.ids("/api/conversations").await, [1], "{what} is over");
        assert_eq!(rate().await.0, 200, "{what} is over");
    }
}

/// An index of words of another version, as damage to its table of settings leaves one: FTS5 has no code of its own for that, and a
/// search was answered by 500.
#[tokio::test]
async fn a_search_in_a_broken_index_is_told() {
    let served = served();
    fill(&served.dir, vec![turn(1, "a word")]);
    assert_eq!(served.ids("/api/conversations?q=word").await, [1]);
    let path = served.dir.database();
    let mut bytes = std::fs::read(&path).unwrap();
    let settings: Vec<_> =
        bytes.windows(8).enumerate().filter(|it| it.1 == b"version\x04").map(|it| it.0 + 7).collect();
    assert!(!settings.is_empty(), "no index of words in the file");
    settings.into_iter().for_each(|at| bytes[at] = 99);
    let new = path.with_extension("new");
    std::fs::write(&new, bytes).unwrap();
    std::fs::rename(&new, &path).unwrap();
    let (status, headers, body) = served.send("GET", "/api/conversations?q=word").await;
    assert_eq!((status, headers.contains_key(header::RETRY_AFTER)), (503, true), "{body}");
    assert!(body.contains("damaged"), "{body}");
    assert_eq!(served.ids("/api/conversations").await, [1]);
}

/// A database that another holds: who asks is told to come again, and nothing is lost or half done.
#[tokio::test]
async fn a_held_database_is_told_and_waited_for() {
    let served = served();
    fill(&served.dir, vec![turn(1, "a")]);
    let rate = async |rating: u8| {
        let request = Request::put("/api/conversations/1/rating").header("host", "localhost:8765");
        let body = Body::from(format!("{{\"rating\": {rating}}}"));
        let response = served.app.answer(request.header("content-type", "application/json").body(body).unwrap()).await;
        (response.status().as_u16(), response.headers().contains_key(header::RETRY_AFTER))
    };
    // Somebody puts another in its place.
    let lock = std::fs::File::options().write(true).open(served.dir.db_lock()).unwrap();
    lock.try_lock().unwrap();
    for uri in ["/api/conversations", "/api/conversations/1", "/api/stats", "/api/export", "/readyz"] {
        let (status, headers, body) = served.send("GET", uri).await;
        assert_eq!((status, headers.contains_key(header::RETRY_AFTER)), (503, true), "{uri}: {body}");
        assert!(body.contains("The database is busy"), "{uri}: {body}");
    }
    assert_eq!(rate(1).await, (503, true));
    lock.unlock().unwrap();
    assert_eq!(served.ids("/api/conversations").await, [1]);

    // Somebody writes for longer than a change is ready to wait; questions are answered meanwhile.
    let mut writer = Writer::open(&served.dir).unwrap();
    let batch = writer.batch().unwrap();
    assert_eq!(rate(2).await, (503, true));
    assert_eq!(served.ids("/api/conversations").await, [1]);
    drop(batch);
    assert_eq!(rate(3).await, (200, false));
    let (_, state) = served.get("/api/conversations/1/rating").await;
    assert_eq!(state["rating"], 3);
}
