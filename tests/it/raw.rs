//! What a conversation was made from: every payload and line comes back byte for byte, and each with its conversation.

use std::collections::BTreeMap;

use harness::{SCENARIOS, Server, World};
use serde_json::{Value, json};

/// All pieces of a conversation, over as many pages as there are.
fn pieces(server: &Server, id: &Value, limit: u32) -> Vec<Value> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let (status, page) = server.get(&format!("/api/conversations/{id}/raw?limit={limit}{cursor}"));
        assert_eq!(status, 200, "{page}");
        found.extend(page["items"].as_array().expect("items").iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

/// The bytes of a piece.
fn bytes(piece: &Value) -> Vec<u8> {
    match (piece["text"].as_str(), piece["base64"].as_str()) {
        (Some(text), None) => text.as_bytes().to_vec(),
        (None, Some(digits)) => decoded(digits),
        _ => panic!("either a text or bytes: {piece}"),
    }
}

fn decoded(digits: &str) -> Vec<u8> {
    let value = |digit: u8| match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let bits: Vec<u8> = digits.trim_end_matches('=').bytes().map(value).collect();
    let bits = bits.iter().flat_map(|value| (0..6).rev().map(move |bit| value >> bit & 1)).collect::<Vec<_>>();
    bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |byte, bit| byte << 1 | bit)).collect()
}

/// The pieces put together: where each payload and line stood, and its bytes.
fn whole(pieces: &[Value]) -> Vec<(Value, Vec<u8>)> {
    let mut found: Vec<(Value, Vec<u8>)> = Vec::new();
    for piece in pieces {
        let place = json!([piece["source"], piece["file"], piece["offset"]]);
        match found.last_mut().filter(|(last, _)| *last == place) {
            Some((_, so_far)) => {
                assert_eq!(piece["from"], so_far.len(), "the next part");
                so_far.extend(bytes(piece));
            }
            None => {
                assert_eq!(piece["from"], 0, "the first part");
                found.push((place, bytes(piece)));
            }
        }
        assert!(piece["size"].as_u64() >= found.last().map(|(_, bytes)| bytes.len() as u64), "more than all: {piece}");
    }
    found
}

#[test]
fn every_event_and_line_is_told_once() {
    let world = World::captured();
    let server = world.serve();
    let mut captured: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
    for hook in SCENARIOS.iter().flat_map(|scenario| scenario.hooks()) {
        if !matches!(hook.event.as_str(), "SessionStart" | "SessionEnd") {
            *captured.entry(hook.payload).or_default() += 1;
        }
    }
    let mut told: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
    let mut lines = 0;
    for item in server.items(&[("kind", "all")]) {
        let id = &item["id"];
        let all = pieces(&server, id, 200);
        assert_eq!(pieces(&server, id, 1), all, "page by page");
        for (place, bytes) in whole(&all) {
            if place[0] == "event" {
                let payload: Value = serde_json::from_slice(&bytes).expect("a payload");
                if payload["hook_event_name"] == "UserPromptSubmit" {
                    assert_eq!(payload["prompt"], item["prompt_text"], "of another conversation");
                }
                *told.entry(bytes).or_default() += 1;
            } else {
                let file = std::fs::read(place[1].as_str().expect("a path")).expect("the transcript");
                let offset = usize::try_from(place[2].as_u64().expect("an offset")).expect("a place");
                assert!(file[offset..].starts_with(&bytes), "{place}");
                assert_eq!(file.get(offset + bytes.len()).copied().unwrap_or(b'\n'), b'\n', "not to its end: {place}");
                let line: Value = serde_json::from_slice(&bytes).expect("a line");
                assert!(line["type"].is_string(), "{line}");
                lines += 1;
            }
        }
        let is_line = |piece: &Value| piece["source"] == "line";
        assert_eq!(all.iter().any(is_line), item["sources"]["transcript"] == true, "{item}");
        let links = &server.get(&format!("/api/conversations/{id}")).1["links"];
        for (name, path) in links.as_object().expect("links") {
            assert_eq!(server.get(path.as_str().expect("a path")).0, 200, "{name}: {path}");
        }
    }
    let missing: Vec<_> = captured.iter().filter(|(payload, times)| told.get(*payload) != Some(times)).collect();
    let missing: Vec<_> = missing.iter().map(|(payload, _)| String::from_utf8_lossy(payload)).collect();
    assert!(missing.is_empty(), "{} of {}: {missing:#?}", missing.len(), captured.len());
    assert!(lines > 50, "{lines} lines");
}

/// A line of a transcript, with a text that stands in it as it is given, bytes and all.
fn line(n: u32, parent: u32, role: &str, text: &[u8]) -> Vec<u8> {
    let body = match role {
        "user" => r#""TEXT""#,
        _ => r#"[{"type":"text","text":"TEXT"}]"#,
    };
    let message = match role {
        "user" => format!(r#"{{"role":"user","content":{body}}}"#),
        _ => format!(
            r#"{{"id":"msg_{n}","type":"message","role":"assistant","model":"claude-opus-5-5","content":{body},"stop_reason":"end_turn","usage":{{"input_tokens":1,"output_tokens":1}}}}"#
        ),
    };
    let parent = if parent == 0 { "null".to_owned() } else { format!(r#""u{parent}""#) };
    let line = format!(
        r#"{{"parentUuid":{parent},"isSidechain":false,"userType":"external","cwd":"/w","sessionId":"5e551011-0000-4000-8000-000000000001","version":"2.1.330","type":"{role}","message":{message},"uuid":"u{n}","timestamp":"2026-11-20T10:00:{n:02}.000Z"}}"#
    );
    let (before, after) = line.split_once("TEXT").expect("a place for the text");
    [before.as_bytes(), text, after.as_bytes(), b"\n"].concat()
}

#[test]
fn long_lines_and_bytes_that_are_no_text() {
    let world = World::new();
    let long = "日本 0123456789 ".repeat(150_000);
    let lines = [
        line(1, 0, "user", b"broken \xff\xfe bytes"),
        line(2, 1, "assistant", long.as_bytes()),
        line(3, 2, "user", b"next"),
        line(4, 3, "assistant", b"done"),
    ];
    world.transcript("-w/5e551011-0000-4000-8000-000000000001.jsonl", &lines.concat());
    world.ingest_once();
    let server = world.serve();
    let mut items = server.items(&[]);
    items.reverse();
    assert_eq!(items.len(), 2, "{items:?}");
    let expected = |from: usize| {
        let of = lines[from..from + 2].iter().map(|line| line[..line.len() - 1].to_vec());
        of.collect::<Vec<_>>()
    };
    for (n, item) in items.iter().enumerate() {
        for limit in [1, 2, 200] {
            let all = pieces(&server, &item["id"], limit);
            let found: Vec<_> = whole(&all).into_iter().map(|(_, bytes)| bytes).collect();
            assert!(found == expected(2 * n), "conversation {n} by {limit}");
            assert_eq!(all.iter().filter(|piece| piece["base64"].is_string()).count(), usize::from(n == 0));
        }
    }
    for (n, item) in items.iter().enumerate() {
        let id = item["id"].to_string();
        let shown = world.bin("query-api").args(["show", &id, "--raw"]).run().code(0);
        assert!(shown.stdout == lines[2 * n..2 * n + 2].concat(), "conversation {n} on the command line");
        let json = world.bin("query-api").args(["show", &id, "--raw", "--json"]).run().code(0).json();
        assert!(json["items"] == Value::from(pieces(&server, &item["id"], 200)), "conversation {n} as JSON");
    }
    let first = format!("/api/conversations/{}/raw", items[0]["id"]);
    let page = server.get(&first).1;
    let size = page["items"].to_string().len();
    assert!(page["next_cursor"].is_string() && size < 3 << 20, "a page of {size} bytes");

    let other = format!("/api/conversations/{}/raw", items[1]["id"]);
    let cursor = page["next_cursor"].as_str().expect("a cursor");
    let refused = |path: String, status: u16, parameter: &str| {
        let (found, answer) = server.get(&path);
        assert_eq!((found, answer["parameter"].as_str().unwrap_or_default()), (status, parameter), "{path}: {answer}");
    };
    refused(format!("{other}?cursor={cursor}"), 400, "cursor");
    refused(format!("{other}?cursor=AgAA"), 400, "cursor");
    refused(format!("{other}?limit=0"), 400, "limit");
    refused(format!("{other}?q=x"), 400, "q");
    refused("/api/conversations/999999/raw".to_owned(), 404, "");
    assert_eq!(server.get("/api/conversations/last/raw").1["items"], server.get(&other).1["items"]);
}
