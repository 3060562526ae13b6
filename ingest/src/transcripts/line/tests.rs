//! What is taken from a line, and that no shape of one is an error.

use super::*;

fn line(json: &str) -> Line {
    parse(json, TranscriptId(1), 100).unwrap()
}

#[test]
fn a_copy_in_a_fork_is_the_same_line() {
    let original = line(
        r#"{"type":"user","uuid":"u","timestamp":"2026-11-22T12:35:48.368Z","sessionId":"a","promptId":"p","message":{"role":"user","content":"x"}}"#,
    );
    let copy = line(
        r#"{"type":"user","uuid":"u","timestamp":"2026-11-22T12:35:48.368Z","sessionId":"b","promptId":"q","message":{"role":"user","content":"x"}}"#,
    );
    let other = line(
        r#"{"type":"user","uuid":"u","timestamp":"2026-11-22T12:35:48.368Z","sessionId":"a","promptId":"p","message":{"role":"user","content":"y"}}"#,
    );
    assert_eq!(original.key, copy.key);
    assert_ne!(original.key, other.key);
    assert_eq!(original.at_ms, Some(1_795_350_948_368));
}

#[test]
fn a_result_points_at_its_output() {
    let json = r#"{"type":"user","toolDenialKind":"user-rejected","message":{"content":[{"type":"tool_result","tool_use_id":"t","is_error":true,"content":"no"}]}}"#;
    let Body::User(user) = line(json).body else { panic!() };
    let result = &user.results[0];
    let at = (result.output.unwrap().offset - 100) as usize;
    assert_eq!(&json[at..at + 4], r#""no""#);
    assert!(result.is_error && result.refused && user.text.is_none());
}

#[test]
fn unknown_shapes_are_not_errors() {
    assert!(matches!(line(r#"{"type":"brand-new","uuid":7}"#).body, Body::Unknown(name) if name == "brand-new"));
    assert!(matches!(line(r#"{"type":"artifact-seen"}"#).body, Body::Other));
    assert!(matches!(line(r#"{"type":"assistant"}"#).body, Body::Other));
    assert!(matches!(line("{}").body, Body::Unknown(name) if name.is_empty()));
    assert!(parse("[1]", TranscriptId(1), 0).is_none());
}

#[test]
fn typed_while_claude_worked() {
    let json = r#"{"type":"attachment","attachment":{"type":"queued_command","prompt":"more","commandMode":"prompt","origin":{"kind":"human"}}}"#;
    let Body::Queued(user) = line(json).body else { panic!() };
    assert_eq!((user.text.as_deref(), user.origin.as_deref()), (Some("more"), Some("human")));
    let json = r#"{"type":"attachment","attachment":{"type":"queued_command","prompt":"<task-notification>","commandMode":"task-notification"}}"#;
    let Body::Queued(user) = line(json).body else { panic!() };
    assert_eq!(user.origin.as_deref(), Some("task-notification"));
}
