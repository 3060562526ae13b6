//! What goes in, and out again.

use super::*;
use crate::setup::call::{Form, Program, Rate};
use serde_json::json;

fn wanted(version: Option<&str>) -> Wanted<'static> {
    let version = version.map(|text| Version::parse(text).unwrap());
    Wanted {
        call: Call {
            program: Program::At("/s/prompt-hook"),
            queue: "/d/queue",
            spill: None,
            form: Form::of(version),
            rate: Rate::Plain,
        },
        // Two are enough to see everything, and are read more easily than fifteen.
        events: events::of(version).into_iter().filter(|event| ["Stop", "SessionEnd"].contains(&event.name)).collect(),
        version,
    }
}

fn var(_: &str) -> Option<std::ffi::OsString> {
    None
}

const STOP: &str = r#"{"hooks": [{"type": "command", "command": "/s/prompt-hook", "args": ["Stop", "--queue", "/d/queue"], "timeout": 5}]}"#;
const END: &str = r#"{"matcher": "*", "hooks": [{"type": "command", "command": "/s/prompt-hook", "args": ["SessionEnd", "--queue", "/d/queue"], "timeout": 5}]}"#;

/// On one line, so that it can be read here; `STOP` and `END` stand for our groups.
fn check(text: &str, expected: &str) {
    let fill = |text: &str| text.replace("STOP", STOP).replace("END", END);
    let (text, expected) = (fill(text), fill(expected));
    let found = put(&text, &wanted(None), &var).unwrap();
    assert_eq!(found, expected, "{text}");
    assert_eq!(put(&found, &wanted(None), &var).unwrap(), found, "a second time");
}

#[test]
fn what_is_not_called_yet_is_added_behind_the_rest() {
    check(r#"{"a": 1}"#, r#"{"a": 1, "hooks": {"Stop": [STOP], "SessionEnd": [END]}}"#);
    check(r#"{"hooks": {}, "a": 1}"#, r#"{"hooks": {"Stop": [STOP], "SessionEnd": [END]}, "a": 1}"#);
    check(r#"{"hooks": {"Stop": []}}"#, r#"{"hooks": {"Stop": [STOP], "SessionEnd": [END]}}"#);
    check(
        r#"{"hooks": {"SessionEnd": [{"hooks": [{"command": "x"}]}, 7], "Other": []}}"#,
        r#"{"hooks": {"SessionEnd": [{"hooks": [{"command": "x"}]}, 7, END], "Other": [], "Stop": [STOP]}}"#,
    );
}

#[test]
fn what_is_called_already_is_renewed_in_its_place() {
    let rest = r#""SessionEnd": [END]"#;
    let ours = STOP.trim_start_matches(r#"{"hooks": ["#).trim_end_matches("]}").to_owned();
    let check = |stop: &str, expected: &str| {
        let expected = expected.replace("OURS", &ours);
        check(
            &format!(r#"{{"hooks": {{"Stop": [{stop}], {rest}}}}}"#),
            &format!(r#"{{"hooks": {{"Stop": [{expected}], {rest}}}}}"#),
        );
    };
    check("STOP", "STOP");
    check(r#"{"hooks": [{"command": "/l/prompt-hook Stop"}]}"#, "STOP");
    check(r#"{"hooks": [{"command": "prompt-manager hook Stop"}]}"#, "STOP");
    check(
        r#"{"matcher": "", "hooks": [{"command": "x"}, {"command": "/l/prompt-hook", "args": ["Stop"]}]}"#,
        r#"{"matcher": "", "hooks": [{"command": "x"}, OURS]}"#,
    );
    // Doubled, in one group and in two.
    check(r#"{"hooks": [{"command": "prompt-hook"}, {"command": "prompt-hook Stop"}]}, STOP"#, "STOP");
    check(
        r#"{"hooks": [{"command": "prompt-hook"}, {"command": "x"}, {"command": "prompt-hook"}]}"#,
        r#"{"hooks": [OURS, {"command": "x"}]}"#,
    );
    // Only for some tools.
    check(r#"{"matcher": "Bash", "hooks": [{"command": "prompt-hook"}]}"#, "STOP");
    check(
        r#"{"matcher": "Bash", "hooks": [{"command": "prompt-hook"}, {"command": "x"}]}"#,
        r#"{"matcher": "Bash", "hooks": [{"command": "x"}]}, STOP"#,
    );
    // It does something else too.
    check(
        r#"{"hooks": [{"command": "prompt-hook Stop; x"}]}"#,
        r#"{"hooks": [{"command": "prompt-hook Stop; x"}]}, STOP"#,
    );
}

#[test]
fn other_events_are_renewed_too_unless_they_do_harm() {
    check(
        r#"{"hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [{"command": "prompt-hook PreToolUse"}]}], "Stop": [STOP], "SessionEnd": [END]}}"#,
        r#"{"hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [{"type": "command", "command": "/s/prompt-hook", "args": ["PreToolUse", "--queue", "/d/queue"], "timeout": 5}]}], "Stop": [STOP], "SessionEnd": [END]}}"#,
    );
    check(
        r#"{"hooks": {"WorktreeCreate": [{"hooks": [{"command": "prompt-hook"}]}], "Stop": [STOP], "SessionEnd": [END]}}"#,
        r#"{"hooks": {"Stop": [STOP], "SessionEnd": [END]}}"#,
    );
    // The client became an older one: what it does not know goes.
    let old = wanted(Some("2.1.75"));
    let text = r#"{"hooks": {"PostCompact": [{"hooks": [{"command": "prompt-hook"}]}]}}"#;
    let found: Value = serde_json::from_str(&put(text, &old, &var).unwrap()).unwrap();
    assert_eq!(found["hooks"].as_object().unwrap().keys().collect::<Vec<_>>(), ["SessionEnd", "Stop"]);
    assert_eq!(found["hooks"]["Stop"][0]["hooks"][0]["command"], "/s/prompt-hook Stop --queue /d/queue");
}

#[test]
fn what_is_taken_out_leaves_the_rest() {
    let check = |text: &str, before: Option<&str>, expected: &str| {
        let text = text.replace("STOP", STOP).replace("END", END);
        assert_eq!(take_out(&text, before, &var, &|_| true).unwrap(), expected, "{text}");
    };
    check(r#"{"a": 1, "hooks": {"Stop": [STOP], "SessionEnd": [END]}}"#, None, r#"{"a": 1}"#);
    check(r#"{"hooks": {"Stop": [STOP]}}"#, Some(r#"{"hooks": {}}"#), r#"{"hooks": {}}"#);
    check(r#"{"hooks": {"Stop": [STOP]}}"#, Some(r#"{"hooks": {"Stop": []}}"#), r#"{"hooks": {"Stop": []}}"#);
    check(r#"{"hooks": {"Stop": [STOP], "X": []}}"#, Some("{}"), r#"{"hooks": {"X": []}}"#);
    check(
        r#"{"hooks": {"Stop": [{"hooks": [{"command": "x"}, {"command": "prompt-hook"}]}, STOP]}}"#,
        None,
        r#"{"hooks": {"Stop": [{"hooks": [{"command": "x"}]}]}}"#,
    );
    check(r#"{"hooks": {"Stop": [{"hooks": []}]}}"#, None, r#"{"hooks": {"Stop": [{"hooks": []}]}}"#);
    check(" ", None, " ");
}

mod any {
    use super::*;
    use proptest::prelude::*;

    /// A name that Claude Code may have, and one that JSON must escape.
    fn name() -> impl Strategy<Value = String> {
        prop_oneof!["[a-c]", "Stop", "SessionEnd", "PreToolUse", "\\PC{0,3}", Just("\"\\\n".to_owned())]
    }

    fn leaf() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(json!(null)),
            any::<bool>().prop_map(|on| json!(on)),
            any::<i64>().prop_map(|n| json!(n)),
            "\\PC{0,8}".prop_map(|text| json!(text)),
        ]
    }

    fn value() -> impl Strategy<Value = Value> {
        leaf().prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(name(), inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    fn handler() -> impl Strategy<Value = Value> {
        prop_oneof![
            value(),
            Just(json!({"type": "command", "command": "other", "args": []})),
            Just(json!({"type": "command", "command": "/l/prompt-hook Stop"})),
            Just(json!({"type": "command", "command": "prompt-hook Stop && other"})),
        ]
    }

    fn group() -> impl Strategy<Value = Value> {
        let handlers = || prop::collection::vec(handler(), 0..3);
        prop_oneof![
            value(),
            handlers().prop_map(|hooks| json!({ "hooks": hooks })),
            (prop_oneof![Just("*"), Just(""), Just("Bash")], handlers())
                .prop_map(|(matcher, hooks)| json!({"matcher": matcher, "hooks": hooks})),
        ]
    }

    /// A file of the right types, in one of four layouts.
    fn file() -> impl Strategy<Value = String> {
        let hooks = prop::collection::btree_map(name(), prop::collection::vec(group(), 0..3), 0..4);
        let rest = prop::collection::btree_map(name(), value(), 0..4);
        (prop::option::of(hooks), rest, 0..4).prop_map(|(hooks, rest, layout)| {
            let mut all: serde_json::Map<String, Value> = rest.into_iter().collect();
            all.extend(hooks.map(|hooks| ("hooks".to_owned(), json!(hooks))));
            let pretty = serde_json::to_string_pretty(&all).unwrap();
            match layout {
                0 => serde_json::to_string(&all).unwrap(),
                1 => pretty,
                2 => pretty.replace('\n', "\r\n") + "\r\n",
                _ => Layout::Lines { newline: "\n", unit: "\t".to_owned() }.write(&all, "") + "\n",
            }
        })
    }

    /// What is not ours, in its order: of each handler the text, of everything else the value.
    fn foreign(text: &str) -> (Value, Vec<String>) {
        let mut all: Value = serde_json::from_str(text).unwrap();
        let mut handlers = Vec::new();
        for (event, groups) in all["hooks"].as_object().into_iter().flatten() {
            for group in groups.as_array().into_iter().flatten() {
                for handler in group["hooks"].as_array().into_iter().flatten() {
                    if crate::claude::call(event, handler, &var).is_none_or(|call| call.shared) {
                        handlers.push(format!("{event} {} {handler}", group["matcher"]));
                    }
                }
            }
        }
        all.as_object_mut().unwrap().remove("hooks");
        (all, handlers)
    }

    fn ours(text: &str) -> usize {
        Document::parse(text, &var).unwrap().calls().count()
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn nothing_else_is_touched(text in file()) {
            let wanted = wanted(None);
            let with = put(&text, &wanted, &var).unwrap();
            prop_assert_eq!(foreign(&with), foreign(&text));
            prop_assert_eq!(&put(&with, &wanted, &var).unwrap(), &with, "a second time");
            let document = Document::parse(&with, &var).unwrap();
            for event in &document.hooks.as_ref().unwrap().events {
                let calls: usize = event.groups.iter().map(Group::calls).sum();
                prop_assert!(calls <= 1 && (calls == 1 || !["Stop", "SessionEnd"].contains(&event.name.as_str())));
            }
            let without = take_out(&with, Some(&text), &var, &|_| true).unwrap();
            prop_assert_eq!((foreign(&without), ours(&without)), (foreign(&text), 0));
            if ours(&text) == 0 {
                prop_assert_eq!(without, text);
            }
        }

        #[test]
        fn an_edit_between_is_kept(text in file(), name in "[x-z]", added in value()) {
            let with = put(&text, &wanted(None), &var).unwrap();
            let document = Document::parse(&with, &var).unwrap();
            let edit = Layout::of(&document).append(&with, &document.root, &[Entry { name: Some(&name), value: &added }]);
            let edited = edited(&with, vec![edit]);
            let without = take_out(&edited, Some(&text), &var, &|_| true).unwrap();
            let mut expected = foreign(&text);
            expected.0[&name] = added;
            prop_assert_eq!((foreign(&without), ours(&without)), (expected, 0));
        }
    }
}
