//! Claude Code's settings: with our entries they are what they were beside them, and without them again what they were.

use std::collections::BTreeMap;

use ingest::doors::settings::{calls, put, take_out};
use ingest::setup::events;
use ingest::setup::version::Version;
use serde_json::Value;
use store::json::{Object, array};

use super::strict;

pub(super) const WORDS: &[&str] = &[
    "\"hooks\": {",
    "\"Stop\": [",
    "\"SessionEnd\": [",
    "{\"hooks\": [",
    "{\"matcher\": \"*\", \"hooks\": [",
    "{\"type\": \"command\", \"command\": \"prompt-hook Stop\"}",
    "{\"command\": \"/l/prompt-hook\", \"args\": [\"Stop\"]}",
    "{\"command\": \"prompt-hook Stop; x\"}",
    "{\"command\": \"x\"}",
    "\n  ",
    "\r\n\t",
    "\\u0068ooks",
    "{ }",
    "[ ]",
    "null",
    "// x",
    "\u{feff}",
    ", ",
    "\"WorktreeCreate\": [",
    "prompt-manager hook Stop",
];

/// The client's version by the first byte, and the file.
pub(super) fn check(bytes: &[u8]) {
    let Some((choice, bytes)) = bytes.split_first() else { return };
    let version = match choice % 4 {
        0 => None,
        1 => Some(Version::new(2, 1, 330)),
        2 => Some(Version::new(2, 1, 75)),
        _ => Some(Version::new(1, 0, 50)),
    };
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let with = match put(text, version) {
        Ok(with) => with,
        Err(fault) => {
            refused(text, &fault);
            assert!(text.trim().is_empty() || take_out(text, None).is_err(), "refused on one way only: {fault}");
            return;
        }
    };
    assert!(strict::json(with.as_bytes()).is_some_and(|json| json.first == b'{'), "no JSON: {with}");
    assert_eq!(put(&with, version).as_deref(), Ok(with.as_str()), "a second time");
    let mut wanted: BTreeMap<String, usize> = BTreeMap::new();
    calls(&with).unwrap().into_iter().for_each(|event| *wanted.entry(event).or_default() += 1);
    for event in events::of(version) {
        assert_eq!(wanted.get(event.name), Some(&1), "{}", event.name);
    }
    assert!(wanted.iter().all(|(name, n)| *n == 1 && !events::is_harmful(name, version)), "{wanted:?}");

    let without = take_out(&with, Some(text)).unwrap();
    assert_eq!(calls(&without).unwrap(), Vec::<String>::new());
    for other in [&with, &without] {
        assert_eq!(foreign(other), foreign(text), "what is not ours");
    }
    if !text.trim().is_empty() && calls(text).unwrap().is_empty() {
        // Blanks alone between two brackets make room for what comes between.
        assert_eq!(closed(&without), closed(text));
    }
    // Nobody knows any more what was there before.
    let alone = take_out(&with, None).unwrap();
    assert_eq!((calls(&alone).unwrap(), foreign(&alone)), (Vec::new(), foreign(text)));
}

/// A fault is told with a place that is there.
fn refused(text: &str, fault: &str) {
    let numbers: Vec<usize> = fault.split([' ', ',', ':']).filter_map(|word| word.parse().ok()).take(2).collect();
    let &[line, column] = &numbers[..] else { panic!("a fault without a place: {fault}") };
    let lines: Vec<&str> = text.split('\n').collect();
    assert!((1..=lines.len()).contains(&line), "{fault}");
    assert!((1..=lines[line - 1].chars().count() + 1).contains(&column), "{fault}: {:?}", lines[line - 1]);
}

/// The bytes of everything that names nothing of ours: the members beside `hooks`, and of these by event the groups and the
/// handlers, in their order.
fn foreign(text: &str) -> Vec<String> {
    let text = if text.trim().is_empty() { "{}" } else { text };
    let (mut found, mut of_events) = (Vec::new(), BTreeMap::<String, Vec<String>>::new());
    // A field whose name is half a pair of surrogates is one that nobody here can look at.
    let Some(root) = Object::parse(text) else { return found };
    for (name, value) in root.fields() {
        if name != "hooks" {
            found.push(format!("{name}: {}", value.get()));
            continue;
        }
        let Some(hooks) = Object::parse(value.get()) else { continue };
        for (event, list) in hooks.fields() {
            for group in array(list).unwrap_or_default() {
                let handlers = Object::parse(group.get()).and_then(|it| array(it.get("hooks")?));
                let kept = of_events.entry(event.to_owned()).or_default();
                match handlers {
                    Some(handlers) => {
                        kept.extend(handlers.iter().filter(|it| !names_us(it.get())).map(|it| it.get().to_owned()));
                    }
                    None => kept.push(group.get().to_owned()),
                }
            }
        }
    }
    found.extend(
        of_events.into_iter().filter(|(_, kept)| !kept.is_empty()).map(|(event, kept)| format!("{event}: {kept:?}")),
    );
    found
}

/// Whether a value may be a call of ours, however it is escaped, quoted and broken into lines.
fn names_us(value: &str) -> bool {
    let value = serde_json::from_str::<Value>(value).map_or_else(|_| value.to_owned(), |value| strings(&value));
    let value = value.replace("\\\n", "").replace(['\'', '"', '\\'], "");
    ["prompt-hook", "prompt-manager"].iter().any(|name| value.contains(name))
}

/// All strings of a value, one behind another.
fn strings(value: &Value) -> String {
    let all = |values: &mut dyn Iterator<Item = &Value>| values.map(strings).collect::<Vec<_>>().join("\0");
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => all(&mut values.iter()),
        Value::Object(values) => all(&mut values.values()),
        _ => String::new(),
    }
}

/// The text without blanks between two brackets that hold nothing else.
fn closed(text: &str) -> String {
    let (mut closed, mut in_string, mut escaped) = (String::new(), false, false);
    for sign in text.chars() {
        if !in_string && (sign == '}' || sign == ']') {
            let kept = closed.trim_end_matches([' ', '\t', '\n', '\r']).len();
            if closed[..kept].ends_with(['{', '[']) {
                closed.truncate(kept);
            }
        }
        in_string ^= sign == '"' && !escaped;
        escaped = in_string && sign == '\\' && !escaped;
        closed.push(sign);
    }
    closed
}
