//! Where only the beginning of a text is read, the cut may go through a secret, and no half of it is shown.

use std::sync::Arc;

use redact::Rules;

use super::Veil;
use crate::read::seed::{Store, turn};
use crate::read::{Filter, ListRequest, Reader, Texts, Value};

fn veil() -> Veil {
    Veil::of(Some(Arc::new(Rules::with(&[], &[]).unwrap())))
}

fn key() -> String {
    format!("ghp_{}", "6Jh3Fe0Cb7Zy4Wv1Ts8Qp5Nm2Kj9Hg6Ed3Ba")
}

/// Nothing of a text but whole words of it, marks, and `*`.
fn check(shown: &str, whole: &str) {
    assert!(!shown.contains("ghp_"), "…{}", &shown[shown.len() - 60..]);
    assert!(shown.contains("[REDACTED:github-token]") || shown.contains(&"*".repeat(40)), "nothing is hidden");
    assert!(shown.len() < whole.len(), "it is not cut");
}

/// Keys behind each other, so that wherever the cut is it goes through one or stands before it.
fn keys(before: usize) -> String {
    "x".repeat(before) + &format!(" {}", key()).repeat(1_000)
}

#[test]
fn prompts_of_a_page() {
    for before in (0..41).step_by(8) {
        let (store, prompt) = (Store::new(), keys(before));
        store.turn(&turn("s", 1, &prompt));
        let mut reader: Reader = store.reader().veiled(veil());
        let request = ListRequest { texts: Texts::Begun, ..ListRequest::default() };
        let listed = reader.list(&request).unwrap().items.remove(0).turn;
        check(listed.prompt_text.as_deref().unwrap(), &prompt);
        let session = reader.session("s", None, 10, Texts::Begun).unwrap().unwrap().conversations.remove(0).turn;
        assert_eq!(session, listed);
    }
}

/// A link to a tag has its mark, and finds what has the tag.
#[test]
fn a_tag_by_its_mark() {
    let store = Store::new();
    let ids = [store.turn(&turn("s", 1, "a")), store.turn(&turn("s", 2, "b"))];
    store.say(&format!(
        "insert into tag_history (id, origin_id, created_ms, conversation_id, tag, present) values ('x', 1, 1, {}, '{}', 1)",
        ids[0].0,
        key()
    ));
    let mut reader = store.reader().veiled(veil());
    let mut found = |tag: &str| {
        let filter = Filter { tags: vec![tag.to_owned()], ..Filter::default() };
        let page = reader.list(&ListRequest { filter, ..ListRequest::default() }).unwrap();
        page.items.iter().map(|item| item.turn.id).collect::<Vec<_>>()
    };
    assert_eq!(found("[REDACTED:github-token]"), [ids[0]]);
    assert_eq!(found("[REDACTED:password]"), []);
}

#[test]
fn sides_of_a_call() {
    for before in (0..41).step_by(8) {
        let store = Store::new();
        let long = keys(before) + &" and a word".repeat(200_000);
        let (input, output) = (format!(r#"{{"command":"{long}"}}"#), format!("\"{long}\""));
        let text = format!("{input}{output}");
        let file = store.transcript(text.as_bytes());
        let id = store.turn(&turn("s", 1000, "ask"));
        let (first, second, from) = (input.len(), output.len(), file.0);
        store.say(&format!(
            "insert into tool_calls (conversation_id, seq, tool_use_id, name, is_error, refused, finished, started_ms, duration_ms,
                                     input_source, input_source_id, input_offset, input_length,
                                     output_source, output_source_id, output_offset, output_length)
             values ({}, 0, 'a', 'Bash', 0, 0, 1, 0, 0, 0, {from}, 0, {first}, 0, {from}, {first}, {second})",
            id.0
        ));
        let call = store.reader().veiled(veil()).conversation_begun(id).unwrap().unwrap().tool_calls.remove(0);
        let (Some(Value::Json(input)), Some(Value::Text(output))) = (call.input, call.output) else { panic!() };
        check(&input, &text);
        check(&output, &text);
    }
}
