//! The lines as another store reads them.

use serde_json::{Value, json};
use store::human::{Member, SavedView, Stamp, Title};

use super::*;
use crate::sample;

fn lines(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Vec<Value> {
    let mut out = Vec::new();
    write(&mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(text.ends_with('\n') && text.lines().all(|line| line.starts_with("{\"type\":\"")), "{text}");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_first_line() {
    let expected = json!({"type": "prompt-manager-export", "version": 1, "origin": "00ff",
                          "exported_at": "1970-01-01T00:00:01.000Z"});
    assert_eq!(lines(|out| head(out, "00ff", 1000)), [expected]);
}

#[test]
fn a_conversation() {
    let line = lines(|out| conversation(out, &sample::whole())).remove(0);
    let check = |field: &str, expected: Value| assert_eq!(line[field], expected, "{field}");
    check("id", json!(12));
    check("keys", json!([{"kind": "line", "key": "ab000000000000000000000000000000"}]));
    check("timestamp", json!("2026-11-22T12:35:59.735Z"));
    check("user_session_id", json!("mine"));
    check("parent_id", json!(null));
    check("metadata", json!({"n": 1}));
    check("sources", json!({"hook": true, "transcript": true}));
    check("cost", json!({"usd": 0.001330, "unknown_models": ["new-model"]}));
    check(
        "ratings",
        json!([{"id": "r", "origin": "00ff", "rating": 4, "created_ms": 5},
                            {"id": "q", "origin": "00ff", "rating": null, "created_ms": 5}]),
    );
    check("tags", json!([{"id": "t", "origin": "00ff", "tag": "keep", "present": true, "created_ms": 5}]));
    check("notes", json!([{"id": "n", "origin": "00ff", "note": "ok", "created_ms": 5}]));
    check("stars", json!([{"id": "s", "origin": "00ff", "starred": true, "created_ms": 5}]));
    assert_eq!(line["tool_calls"][0]["input"], json!({"description": "x", "command": "echo `ls`\n``"}));
    assert_eq!(line["tool_calls"][0]["output"], "a\nb");
    assert_eq!(line["tool_calls"][1]["output"], json!(null));
    assert_eq!(line["blocks"].as_array().unwrap().len(), 7);
    assert_eq!(line["usage"][0]["cache_creation_1h_tokens"], 8);
}

/// A program that hands Claude Code's hooks on may lay out its JSON; what is in a string stays.
#[test]
fn json_that_was_laid_out_is_a_line_all_the_same() {
    let mut whole = sample::whole();
    whole.conversation.turn.metadata = "{\n  \"n\": 1.50,\r\n  \"text\": \"a\\n b\"\n}".into();
    whole.conversation.tool_calls[0].input = Some(store::read::Value::Json("[\n1,\n2\r]".into()));
    whole.conversation.tool_calls[0].output = Some(store::read::Value::Json("{\n}".into()));
    let mut lines = lines(|out| conversation(out, &whole));
    assert_eq!(lines.len(), 1);
    let line = lines.remove(0);
    assert_eq!(line["metadata"], json!({"n": 1.5, "text": "a\n b"}));
    assert_eq!((&line["tool_calls"][0]["input"], &line["tool_calls"][0]["output"]), (&json!([1, 2]), &json!({})));
}

#[test]
fn what_was_said_of_nothing() {
    let unplaced = Unplaced { id: store::ConversationId(7), keys: Vec::new(), remarks: sample::remarks() };
    let line = lines(|out| super::unplaced(out, &unplaced)).remove(0);
    assert_eq!((&line["id"], line.get("session_id"), line["ratings"].as_array().unwrap().len()), (&json!(7), None, 2));
}

#[test]
fn cuts_titles_and_views() {
    let stamp = |id: &str| Stamp { id: id.into(), origin: "00ff".into(), created_ms: 5 };
    let member = |id: &str, from: Option<Vec<store::Key>>| Member {
        stamp: stamp(id),
        user_session_id: "mine".into(),
        session_id: "s".into(),
        from,
        removed_ms: Some(9),
    };
    let cuts = Cuts {
        user_sessions: vec![UserSession { stamp: stamp("mine") }],
        members: vec![member("m1", Some(vec![store::Key::Event([1; 16])])), member("m2", None)],
        titles: vec![Title { stamp: stamp("t"), user_session_id: "mine".into(), title: None }],
        views: vec![SavedView { stamp: stamp("v"), name: "n".into(), query: "q".into(), removed_ms: None }],
    };
    let key = json!({"kind": "event", "key": "01010101010101010101010101010101"});
    let expected = [
        json!({"type": "user_session", "id": "mine", "origin": "00ff", "created_ms": 5, "members": [
            {"id": "m1", "origin": "00ff", "session_id": "s", "from": {"keys": [key]}, "created_ms": 5, "removed_ms": 9},
            {"id": "m2", "origin": "00ff", "session_id": "s", "from": null, "created_ms": 5, "removed_ms": 9}]}),
        json!({"type": "session_title", "id": "t", "origin": "00ff", "user_session_id": "mine", "title": null, "created_ms": 5}),
        json!({"type": "saved_view", "id": "v", "origin": "00ff", "name": "n", "query": "q", "created_ms": 5, "removed_ms": null}),
    ];
    assert_eq!(lines(|out| super::cuts(out, &cuts)), expected);
    let cuts = Cuts { members: cuts.members, ..Cuts::default() };
    let line = lines(|out| super::cuts(out, &cuts)).remove(0);
    assert_eq!((&line["id"], &line["origin"], &line["created_ms"]), (&json!("mine"), &json!(null), &json!(null)));
}
