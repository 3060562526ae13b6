//! A queue file: what a pass makes of its bytes, what is known of it where it is broken, and what the hook saw as it streamed by.

use ingest::doors::{self, Refusal};
use queue::field;
use queue::rate::{Commands, Request};
use queue::scan::JsonScanner;
use queue::{QueueName, Token};
use serde_json::Value;

use super::chosen;
use super::strict::{self, Json};

const NAME: &str = "1795350951598014047-from-name-Stop.json";
/// Deeper is no payload.
const DEEPEST: usize = 128;

pub(super) const WORDS: &[&str] = &[
    "\"session_id\":",
    "\"hook_event_name\":",
    "\"prompt_id\":",
    "\"prompt\":\"/rate 5\"",
    "\"cwd\":\"/a\"",
    "null",
    "\\ud800",
    "\\u0061",
    "{\"a\":",
    "[[[[[[[[",
    "]]]]]]]]",
    "}{",
    "1e999",
    "-0",
    "\u{feff}",
    "\0\0\0\0",
    "UserPromptSubmit",
    "../..",
    "unknown",
];

pub(super) fn check(bytes: &[u8]) {
    let name: QueueName = NAME.parse().unwrap();
    let json = strict::json(bytes).filter(|_| std::str::from_utf8(bytes).is_ok());
    let read = doors::payload(bytes, &name);
    let is_payload = json.is_some_and(|json| json.first == b'{' && json.depth <= DEEPEST);
    assert_eq!(read.is_ok(), is_payload, "{read:?}");
    let (session, folder) = doors::whose(bytes, &name);
    assert!(session.as_deref().is_none_or(is_word), "{session:?}");
    let scanner = scanned(bytes);
    match (read, json) {
        (Ok(facts), Some(json)) => {
            for word in [Some(&facts.session), Some(&facts.event), facts.prompt.as_ref()].into_iter().flatten() {
                assert!(is_word(word), "{word:?}");
            }
            assert_eq!(session.as_deref().unwrap_or("unknown"), facts.session);
            assert_eq!((scanner.is_complete(), scanner.max_depth()), (true, json.depth));
            // The hook picks up no name and no id with an escape in it.
            if !bytes.contains(&b'\\') {
                let of =
                    |token: Option<Token>, instead: &str| token.map_or(instead.to_owned(), |it| it.as_str().to_owned());
                assert_eq!(of(scanner.session_id(), "from-name"), facts.session);
                assert_eq!(of(scanner.hook_event_name(), "Stop"), facts.event);
            }
            // Half a pair of surrogates is what serde_json's own values cannot hold.
            if let Ok(value) = serde_json::from_slice::<Value>(bytes) {
                let text = |name: &str| value[name].as_str().map(str::to_owned);
                let id = |name: &str| text(name).filter(|id| is_word(id));
                assert_eq!(facts.session, id("session_id").unwrap_or_else(|| "from-name".to_owned()));
                assert_eq!(facts.event, id("hook_event_name").unwrap_or_else(|| "Stop".to_owned()));
                assert_eq!(facts.prompt, id("prompt_id"));
                assert_eq!(folder, text("cwd"));
                for name in ["prompt", "session_id", "cwd"] {
                    assert_eq!(field::text(bytes, name), text(name), "{name}");
                }
            }
            cut(bytes, &name, json);
        }
        (Err(refusal), _) => told(&refusal),
        (Ok(facts), None) => panic!("taken in and no JSON: {facts:?}"),
    }
    if let Some(request) = Request::of_payload(bytes, Commands::Both) {
        let answer: Value = serde_json::from_str(&request.answer()).unwrap();
        assert_eq!(answer["decision"], "block");
        if let Request::Rating(rating) = request {
            assert!(rating.stars.is_none_or(|stars| (1..=5).contains(&stars)));
            assert!(rating.tags.iter().all(|tag| !tag.is_empty() && !tag.contains(char::is_whitespace)), "{rating:?}");
        }
    }
}

fn is_word(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

/// However the bytes come, the hook sees the same.
fn scanned(bytes: &[u8]) -> JsonScanner {
    let mut whole = JsonScanner::default();
    let end = whole.push(bytes);
    assert!(end.is_none_or(|end| (1..=bytes.len()).contains(&end)), "{end:?} of {}", bytes.len());
    let (first, second) = bytes.split_at(chosen(bytes, bytes.len() + 1));
    let mut parts = JsonScanner::default();
    let in_parts = parts.push(first).or_else(|| parts.push(second).map(|end| end + first.len()));
    assert_eq!(in_parts, end);
    let seen = |it: &JsonScanner| (it.is_complete(), it.max_depth(), it.session_id(), it.hook_event_name());
    assert_eq!(seen(&parts), seen(&whole));
    if let Some(end) = end {
        let json = strict::json(bytes);
        assert!(json.is_none_or(|json| json.end == end), "{json:?} {end}");
    }
    whole
}

/// Cut off anywhere it is none, and is not taken for a shorter one.
fn cut(bytes: &[u8], name: &QueueName, json: Json) {
    let end = chosen(bytes, json.end);
    let refusal = doors::payload(&bytes[..end], name).expect_err("a payload that was cut off is taken in");
    assert!(["truncated", "empty"].contains(&refusal.class), "{refusal:?}");
}

/// What is said of a fault names its kind and its place, and nothing of what was read.
fn told(refusal: &Refusal) {
    const KNOWN: &[(&str, &[&str])] = &[
        ("empty", &["# bytes, none of them JSON"]),
        ("too_deep", &["nested deeper than #"]),
        ("truncated", &["ends inside a character", "ends at line #, column #"]),
        ("not_utf8", &["at byte #"]),
        ("not_an_object", &["the outermost value is no object"]),
        ("not_json", &["at line #, column #"]),
        ("trailing_bytes", &["at line #, column #"]),
    ];
    let mut detail = String::new();
    for sign in refusal.detail.chars() {
        match sign {
            '0'..='9' if detail.ends_with('#') => {}
            '0'..='9' => detail.push('#'),
            sign => detail.push(sign),
        }
    }
    let known = KNOWN.iter().any(|(class, details)| *class == refusal.class && details.contains(&detail.as_str()));
    assert!(known, "{refusal:?}");
}
