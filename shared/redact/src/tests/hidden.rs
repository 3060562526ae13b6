//! Hiding for good, in JSON and in any bytes: same length, same everything else, and what was JSON still is.

use std::borrow::Cow;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::github;
use crate::Rules;

fn blanked(json: &str) -> String {
    let mut bytes = json.as_bytes().to_vec();
    Rules::ours().blank(&mut bytes);
    String::from_utf8(bytes).unwrap()
}

/// `$` stands for a key, and for as many `*` in what is expected.
fn check(template: &str, expected: &str) {
    let key = github();
    assert_eq!(blanked(&template.replace('$', &key)), expected.replace('$', &"*".repeat(key.len())), "{template}");
}

#[test]
fn in_values_and_names() {
    check(r#"{"a":"$","b":["x $ y",1,null,true,-1.5e3]}"#, r#"{"a":"$","b":["x $ y",1,null,true,-1.5e3]}"#);
    check(r#"{"$":1}"#, r#"{"$":1}"#);
    check("{\"a\":\"$\"}\n{\"b\":\"$\"}\n", "{\"a\":\"$\"}\n{\"b\":\"$\"}\n");
    check(r#""a\n$\n""#, r#""a\n$\n""#);
    check(r#"{"text":"{\"k\":\"a\\n$\\n\"}"}"#, r#"{"text":"{\"k\":\"a\\n$\\n\"}"}"#);
    check(r#"{"a":"é\u00e9😀\ud83d\ude00 $"}"#, r#"{"a":"é\u00e9😀\ud83d\ude00 $"}"#);
}

#[test]
fn a_value_is_known_by_its_name() {
    check(r#"{"password":"hU7-zoR4kq"}"#, r#"{"password":"**********"}"#);
    check(r#"{"password" : "hU7-zo\u00e94kq"}"#, r#"{"password" : "***************"}"#);
    check(
        r#"{"password":"hU7\"zoR4kq"}"#,
        r#"{"password":"hU7\"zoR4kq"}"#.replace(r#"hU7\"zoR4kq"#, "***********").as_str(),
    );
    check(r#"{"in":"{\"password\":\"hU7-zoR4kq\"}"}"#, r#"{"in":"{\"password\":\"**********\"}"}"#);
    check(
        r#"{"in":"{\"in\":\"{\\\"password\\\":\\\"hU7-zoR4kq\\\"}\"}"}"#,
        r#"{"in":"{\"in\":\"{\\\"password\\\":\\\"**********\\\"}\"}"}"#,
    );
    check(r#"{"password":12345678}"#, r#"{"password":12345678}"#);
}

#[test]
fn a_key_over_lines_is_one_whatever_its_line_ends_are() {
    let line = "MIIEpAIBAAKCAQEA7bq98xkZ3mPqLrT5vWnYcDfGhJ2sK4uX6zA8eB1gC0iVtNoQ";
    for (end, hidden) in [("\n", r"\n"), ("\\n", r"\\n"), ("\r\n", r"\r\n"), ("\\\\n", r"\\\\n")] {
        let (first, last) = ("-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----");
        let json = json!({ "k": format!("a {first}{end}{line}{end}{line}{end}{last}{end} b") }).to_string();
        let found = blanked(&json);
        assert_eq!(found.len(), json.len());
        assert!(found.starts_with(&format!("{{\"k\":\"a {first}")), "{found}");
        assert!(found.ends_with(&format!("{last}{hidden} b\"}}")), "{found}");
        assert!(!found.contains("MII") && !found.contains("NoQ"), "{found}");
        serde_json::from_str::<Value>(&found).unwrap();
    }
}

#[test]
fn a_picture_is_left() {
    let data = "iVBORw0KGgo/".repeat(30) + &format!("AKIA{}/", "QWERTYUIOPASDF23");
    assert_eq!(Rules::ours().find(&data).len(), 1);
    let picture = json!({ "type": "base64", "media_type": "image/png", "data": data }).to_string();
    assert_eq!(blanked(&picture), picture);
}

/// Whatever a person's rule takes for a secret, records are told apart and joined as before; and what tools take and give under the
/// same names is hidden as anything else. `~` stands for an id; and for as many `*` in what is expected, where it is hidden.
#[test]
fn what_records_are_known_by_is_left() {
    let check = |pattern: &str, json: &str, expected: &str| {
        let theirs = toml::from_str(&format!("id = 'x'\npattern = '{pattern}'")).unwrap();
        let mut bytes = json.replace('~', "0a1b2c3d-0000-4000-8000").into_bytes();
        Rules::with(&[theirs], &[]).unwrap().blank(&mut bytes);
        let expected = expected.replace("(~)", &"*".repeat(23)).replace('~', "0a1b2c3d-0000-4000-8000");
        assert_eq!(String::from_utf8(bytes).unwrap(), expected);
    };
    let ids = "[0-9a-z-]{8,}";
    for name in ["sessionId", "uuid", "parentUuid", "promptId", "requestId", "tool_use_id", "session_id", "agentId"] {
        check(ids, &format!(r#"{{"{name}" : "~","x":"~"}}"#), &format!(r#"{{"{name}" : "~","x":"(~)"}}"#));
        let inputs = |shown: &str| {
            format!(
                r#"{{"message":{{"content":[{{"id":"~","input":{{"{name}":"{shown}","of":[{{"{name}":"{shown}"}}]}}}}]}},
                     "tool_input":{{"{name}":"{shown}"}},"toolUseResult":{{"message":{{"id":"{shown}"}}}}}}"#
            )
        };
        check(ids, &inputs("~"), &inputs("(~)"));
    }
    check(ids, r#"{"uuid":"~"}{"uuid":"~","a":["~"]}"#, r#"{"uuid":"~"}{"uuid":"~","a":["(~)"]}"#);
    check(ids, r#"{"toolUseResult":{"agentId":"~","uuid":"~"}}"#, r#"{"toolUseResult":{"agentId":"~","uuid":"(~)"}}"#);
    check("a sentence.*", r#"{"reason":"a sentence of ~"}"#, &format!(r#"{{"reason":"{}"}}"#, "*".repeat(37)));
    for kept in [
        r#"{"type":"queue-operation","operation":"enqueue","timestamp":"2026-11-20T10:00:09Z"}"#,
        r#"{"type":"system","subtype":"stop_hook_summary","parentToolUseID":"toolu_1"}"#,
        r#"{"message":{"id":"msg_1","role":"user","model":"<synthetic>","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":[{"type":"text"}]}]}}"#,
        r#"{"attachment":{"type":"queued_command","commandMode":"prompt","origin":{"kind":"human"}}}"#,
        r#"{"hook_event_name":"SessionEnd","reason":"clear","tool_calls":[{"tool_name":"Bash","tool_use_id":"toolu_1"}]}"#,
        r#"{"forkedFrom":{"sessionId":"0a1b","messageUuid":"2c3d"},"continuedInSessionId":"4e5f","origin":{"kind":"human"}}"#,
    ] {
        check(".+", kept, kept);
        check("[a-z]{3,}", kept, kept);
    }
}

/// A field is called by letters; a secret may be of letters alone, too.
#[test]
fn a_secret_in_the_place_of_a_name() {
    let token = format!("hf_{}", "QwErTyUiOpAsDfGhJkLzXcVbNmPoIuYtRe");
    check_all(&format!(r#"{{"{token}":1,"a_field":1}}"#), &token);
    fn check_all(json: &str, secret: &str) {
        assert_eq!(blanked(json), json.replace(secret, &"*".repeat(secret.len())));
    }
}

/// What is cut off, or was never JSON, hides its secrets too.
#[test]
fn what_is_no_json_is_text() {
    check(r#"{"a":"$"#, r#"{"a":"$"#);
    check(r#"{"a":"\q $"}"#, r#"{"a":"\q $"}"#);
    check("TOKEN=$", "TOKEN=$");
    let mut bytes = [b"\xff\xfe ", github().as_bytes(), b" \xff\xc3"].concat();
    let expected = [b"\xff\xfe ", "*".repeat(github().len()).as_bytes(), b" \xff\xc3"].concat();
    assert_eq!(Rules::ours().blank(&mut bytes), 1);
    assert_eq!(bytes, expected);
}

#[test]
fn json_that_is_shown_stays_json() {
    let json = json!({ "a": format!("x\n{}\"", github()), "password": "hU7\"zoR4kq", "n": [1, "$2"] }).to_string();
    let shown: Value = serde_json::from_str(&Rules::ours().masked_json(&json)).unwrap();
    let expected = json!({ "a": "x\n[REDACTED:github-token]\"", "password": "[REDACTED:password]", "n": [1, "$2"] });
    assert_eq!(shown, expected);
}

/// Text that is dense with what rules look for.
fn dense() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        4 => Just(github()),
        2 => Just(format!("AKIA{}", "QWERTYUIOPASDF23")),
        2 => Just("password=".to_owned()),
        2 => prop::sample::select(vec!["--token ", "Cookie: s=", "pass: ", "token\", \"value\": \"", "<apiKey>", "</"])
            .prop_map(str::to_owned),
        1 => Just("zoR4kq.XuhU7-8Tw2".to_owned()),
        2 => Just("\"password\": \"hU7-zoR4kq\"".to_owned()),
        1 => Just("-----BEGIN PRIVATE KEY-----\n".to_owned()),
        1 => Just("MIIEpAIBAAKCAQEA7bq98xkZ3mPqLrT5vWnYcDfGhJ2sK4uX6zA8eB1gC0iVtNoQ\n".to_owned()),
        1 => Just("https://app:zoR4kq.Xu@db/".to_owned()),
        1 => Just("Bearer eyJhbGciOiJIUzI1NiIs.eyJzdWIiOiIxMjM0NTY3.SflKxwRJSMeKKF2QT4".to_owned()),
        4 => "[ \\\\\"n*=:_é😀\u{1b}a-c0-3/]{0,4}",
        2 => any::<String>(),
    ];
    prop::collection::vec(word, 0..8).prop_map(|words| words.concat())
}

/// JSON of it, and JSON in JSON.
fn document() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![dense().prop_map(Value::String), any::<i64>().prop_map(Value::from), Just(Value::Null)];
    let tree = leaf.prop_recursive(4, 24, 4, |inner| {
        let name = prop_oneof![Just("password".to_owned()), Just("api_key".to_owned()), dense()];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::btree_map(name, inner.clone(), 0..4).prop_map(|map| map.into_iter().collect()),
            inner.prop_map(|value| Value::String(value.to_string())),
        ]
    });
    // As others write it: every sign that is not ASCII as an escape, in halves if need be.
    let ascii = |json: String| {
        let units =
            |c: char| c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect::<String>();
        json.chars().map(|c| if c.is_ascii() { c.to_string() } else { units(c) }).collect::<String>()
    };
    (tree, any::<bool>())
        .prop_map(move |(tree, escaped)| if escaped { ascii(tree.to_string()) } else { tree.to_string() })
}

fn same_but_hidden(before: &[u8], after: &[u8]) {
    assert_eq!(before.len(), after.len());
    assert!(before.iter().zip(after).all(|(before, after)| before == after || *after == b'*'));
}

/// The strings of both, names too, in order; where they differ, the second has `*` in place of a part of the first.
fn strings(before: &Value, after: &Value) {
    match (before, after) {
        (Value::String(before), Value::String(after)) => {
            let (mut rest, mut gap) = (before.as_str(), false);
            for piece in after.split('*') {
                let at = if gap { rest.find(piece) } else { rest.starts_with(piece).then_some(0) };
                rest = &rest[at.unwrap_or_else(|| panic!("{before:?} became {after:?}")) + piece.len()..];
                gap = true;
            }
        }
        (Value::Array(before), Value::Array(after)) => {
            assert_eq!(before.len(), after.len());
            before.iter().zip(after).for_each(|(before, after)| strings(before, after));
        }
        (Value::Object(_), Value::Object(_)) => {} // names that are hidden may be the same, so their order is not
        (before, after) => assert_eq!(before, after),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_json_stays_what_it_was(json in document()) {
        let mut hidden = json.clone().into_bytes();
        let count = Rules::ours().blank(&mut hidden);
        same_but_hidden(json.as_bytes(), &hidden);
        prop_assert_eq!(count == 0, hidden == json.as_bytes());
        let after: Value = serde_json::from_slice(&hidden).expect("still JSON");
        strings(&serde_json::from_str(&json).unwrap(), &after);
        let once = hidden.clone();
        prop_assert_eq!(Rules::ours().blank(&mut hidden), 0);
        prop_assert_eq!(hidden, once);
        let shown = Rules::ours().masked_json(&json);
        serde_json::from_str::<Value>(&shown).expect("still JSON");
    }

    #[test]
    fn any_text_keeps_what_is_no_secret(text in dense()) {
        let found = Rules::ours().find(&text);
        let mut hidden = text.clone().into_bytes();
        prop_assert_eq!(Rules::ours().blank_text(&mut hidden), found.len());
        let mut expected = text.clone().into_bytes();
        found.iter().for_each(|it| expected[it.range.clone()].fill(b'*'));
        prop_assert_eq!(&hidden, &expected);
        prop_assert!(found.windows(2).all(|pair| pair[0].range.end <= pair[1].range.start));
        prop_assert_eq!(Rules::ours().blank_text(&mut hidden), 0, "{}", String::from_utf8_lossy(&hidden));
        let shown = Rules::ours().masked(&text).into_owned();
        for it in &found {
            let mark = format!("[REDACTED:{}", it.rule);
            prop_assert!(shown.contains(&mark));
        }
    }

    /// Whatever somebody makes of what he saw masked: it is refused, or shows nothing that it did not show.
    #[test]
    fn any_change_of_a_masked_text_shows_no_secret(text in dense(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8)) {
        let shown = Rules::ours().masked(&text).into_owned();
        prop_assert_eq!(Rules::ours().restored(&shown, &[&text]), Ok(Cow::Borrowed(&*text)));
        let piece = |at: &prop::sample::Index| &shown[shown.floor_char_boundary(at.index(shown.len() + 1))..];
        let said: String = cuts.iter().map(|at| &piece(at)[..piece(at).floor_char_boundary(60)]).collect();
        if let Ok(restored) = Rules::ours().restored(&said, &[&text]) {
            let again = Rules::ours().masked(&restored);
            for secret in Rules::ours().find(&text).iter().map(|it| &text[it.range.clone()]) {
                prop_assert!(said.contains(secret) || !again.contains(secret), "{said:?} became {restored:?}");
            }
        }
    }

    #[test]
    fn any_bytes_are_taken(bytes in prop::collection::vec(any::<u8>(), 0..400), with in dense()) {
        for before in [bytes.clone(), [&bytes[..], with.as_bytes(), &bytes[..]].concat()] {
            let mut hidden = before.clone();
            Rules::ours().blank(&mut hidden);
            same_but_hidden(&before, &hidden);
            let mut hidden = before.clone();
            Rules::ours().blank_text(&mut hidden);
            same_but_hidden(&before, &hidden);
        }
    }
}
