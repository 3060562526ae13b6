//! Small sessions for tests: told as one list of lines and hook events in the order in which they happened. An item's
//! place in its list is its second.

#![expect(clippy::needless_pass_by_value, reason = "a session reads better without a & at each item")]

use serde_json::{Value, json};

use super::*;

/// 2026-01-01T00:00:00Z.
pub(super) const START: i64 = 1_767_225_600;

pub(super) enum Item {
    Line(Value),
    Event(Value),
}
pub(super) use Item::{Event as Hook, Line as Row};

pub(super) fn user(prompt_id: &str, text: &str) -> Item {
    Row(json!({"type": "user", "promptId": prompt_id, "message": {"role": "user", "content": text}}))
}

/// A user line with more fields.
pub(super) fn user_with(prompt_id: &str, content: Value, more: &Value) -> Item {
    let mut line = json!({"type": "user", "promptId": prompt_id, "message": {"role": "user", "content": content}});
    line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Row(line)
}

pub(super) fn say(message: &str, text: &str, stop_reason: Value) -> Item {
    assistant(message, &json!([{"type": "text", "text": text}]), stop_reason)
}

pub(super) fn end(text: &str) -> Item {
    say(&format!("msg of {text}"), text, json!("end_turn"))
}

pub(super) fn assistant(message: &str, content: &Value, stop_reason: Value) -> Item {
    Row(
        json!({"type": "assistant", "message": {"id": message, "model": "m", "content": content, "stop_reason": stop_reason}}),
    )
}

pub(super) fn call(id: &str) -> Item {
    assistant(
        &format!("msg of {id}"),
        &json!([{"type": "tool_use", "id": id, "name": id, "input": {}}]),
        json!("tool_use"),
    )
}

pub(super) fn result(id: &str, error: bool) -> Item {
    user_with("-", json!([{"type": "tool_result", "tool_use_id": id, "is_error": error, "content": "out"}]), &json!({}))
}

pub(super) fn queued(prompt_id: &str, text: &str, origin: Value) -> Item {
    Row(json!({"type": "attachment", "promptId": prompt_id,
               "attachment": {"type": "queued_command", "prompt": text, "commandMode": "prompt", "origin": origin}}))
}

pub(super) fn operation(name: &str, content: Value) -> Item {
    Row(json!({"type": "queue-operation", "operation": name, "content": content}))
}

pub(super) fn system(subtype: &str) -> Item {
    Row(json!({"type": "system", "subtype": subtype}))
}

pub(super) fn submit(prompt_id: &str, prompt: &str) -> Item {
    Hook(json!({"hook_event_name": "UserPromptSubmit", "prompt_id": prompt_id, "prompt": prompt}))
}

pub(super) fn stop(prompt_id: &str, text: &str) -> Item {
    Hook(json!({"hook_event_name": "Stop", "prompt_id": prompt_id, "last_assistant_message": text}))
}

pub(super) fn before(prompt_id: &str, id: &str) -> Item {
    Hook(
        json!({"hook_event_name": "PreToolUse", "prompt_id": prompt_id, "tool_name": id, "tool_input": {}, "tool_use_id": id}),
    )
}

pub(super) fn after(prompt_id: &str, id: &str) -> Item {
    Hook(json!({"hook_event_name": "PostToolUse", "prompt_id": prompt_id, "tool_name": id, "tool_input": {},
                "tool_response": "out", "tool_use_id": id, "duration_ms": 12}))
}

pub(super) fn batch(prompt_id: &str, ids: &[&str]) -> Item {
    let calls: Vec<Value> = ids
        .iter()
        .map(|id| json!({"tool_name": id, "tool_input": {}, "tool_use_id": id, "tool_response": "out"}))
        .collect();
    Hook(json!({"hook_event_name": "PostToolBatch", "prompt_id": prompt_id, "tool_calls": calls}))
}

pub(super) fn session_end() -> Item {
    Hook(json!({"hook_event_name": "SessionEnd", "reason": "other"}))
}

/// A session of this name, told by its items.
pub(super) fn session(id: &str, items: Vec<Item>) -> Input {
    let mut input = Input { session_id: id.to_owned(), ..Input::default() };
    let mut file = String::new();
    for (second, item) in (0_i64..).zip(items) {
        let at = START + second;
        match item {
            Row(mut line) => {
                let fields = line.as_object_mut().unwrap();
                let stamp = chrono::DateTime::from_timestamp(at, 0).unwrap().to_rfc3339();
                fields.entry("timestamp").or_insert(json!(stamp));
                if fields["type"] != "queue-operation" {
                    fields.entry("uuid").or_insert(json!(format!("{id}-{second}")));
                }
                file.push_str(&format!("{line}\n"));
            }
            Hook(payload) => {
                let number = second as usize + id.len() * 1000;
                let mut stored = event(number, at * 1_000_000_000, &payload, payload.to_string().into_bytes());
                if payload.get("logged").is_some() {
                    stored.name = stored.name.replace("Event", "Logged");
                }
                input.events.push(event::parse(&stored));
            }
        }
    }
    if !file.is_empty() {
        let mut cutter = Cutter::new(TranscriptId(1), 0);
        cutter.feed(file.as_bytes());
        input.files.push(cutter.finish().lines);
    }
    input
}

pub(super) fn check_lineage(lineage: &[Input], expected: &[&str]) {
    let mut turns = correlate(lineage).turns;
    turns.sort_by_key(|turn| (turn.session_id.clone(), turn.ordinal));
    let shown: Vec<String> = turns.iter().map(show).collect();
    assert_eq!(shown, expected);
    let keys: Vec<_> = turns.iter().flat_map(|turn| turn.keys.clone()).collect();
    let distinct: BTreeSet<_> = keys.iter().copied().collect();
    assert_eq!(keys.len(), distinct.len(), "a key leads to two conversations");
    assert!(turns.iter().all(|turn| !turn.keys.is_empty()), "a conversation without a key");
}

pub(super) fn check(items: Vec<Item>, expected: &[&str]) {
    check_lineage(&[session("s", items)], expected);
}
