//! A queue file's bytes become facts, or a reject. Pure: no I/O, and bad input is an answer and never an error.
//!
//! Only what the row needs is looked at; the payload itself is stored as it is. Nothing here recurses, so no payload can
//! exhaust the stack: depth is measured by the queue's scanner, and values that do not matter are skipped unparsed.

use std::borrow::Cow;
use std::fmt;

use queue::scan::JsonScanner;
use queue::{QueueName, Token};
use serde::de::{self, Deserializer as _, IgnoredAny, MapAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;

use crate::intake::reject::{Class, Reject};

/// Deeper nesting is no payload of Claude Code. It is also what serde_json allows, so that every later reader can cope.
const MAX_DEPTH: usize = 128;

/// What a payload says about itself, filled up from its file's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    /// The session, or `unknown`.
    pub(crate) session_id: String,
    /// The hook event, or `unknown`.
    pub(crate) event: String,
    /// The turn, where Claude Code tells it.
    pub(crate) prompt_id: Option<String>,
}

/// Reads the facts.
///
/// # Errors
/// What is wrong with the payload.
pub(crate) fn parse(payload: &[u8], name: &QueueName) -> Result<Facts, Reject> {
    if payload.trim_ascii().is_empty() {
        return Err(Reject::new(Class::Empty, format!("{} bytes, none of them JSON", payload.len())));
    }
    let mut scanner = JsonScanner::default();
    scanner.push(payload);
    if scanner.max_depth() > MAX_DEPTH {
        return Err(Reject::new(Class::TooDeep, format!("nested deeper than {MAX_DEPTH}")));
    }
    let text = std::str::from_utf8(payload).map_err(|error| match error.error_len() {
        None => Reject::new(Class::Truncated, "ends inside a character"),
        Some(_) => Reject::new(Class::NotUtf8, format!("at byte {}", error.valid_up_to())),
    })?;
    let said = read(text)?;
    Ok(Facts {
        session_id: said.session.unwrap_or(name.session).as_str().to_owned(),
        event: said.event.unwrap_or(name.event).as_str().to_owned(),
        prompt_id: said.prompt.map(|token| token.as_str().to_owned()),
    })
}

/// The three fields, as far as they are there and fit to be ids. Of several with one name the last counts.
#[derive(Default)]
struct Said {
    session: Option<Token>,
    event: Option<Token>,
    prompt: Option<Token>,
}

fn read(text: &str) -> Result<Said, Reject> {
    let mut json = serde_json::Deserializer::from_str(text);
    if !text.trim_ascii_start().starts_with('{') {
        return Err(match json.deserialize_ignored_any(IgnoredAny).and_then(|_| json.end()) {
            Ok(()) => Reject::new(Class::NotAnObject, "the outermost value is no object"),
            Err(error) => fault(&error, text),
        });
    }
    let said = json.deserialize_map(Fields).map_err(|error| fault(&error, text))?;
    json.end().map_err(|error| Reject::new(Class::TrailingBytes, place(&error)))?;
    // A key that is read as bytes may hold any sign. One that JSON forbids there can only stand where such signs are at all.
    if text.bytes().any(|byte| byte < b' ') {
        serde_json::from_str::<IgnoredAny>(text).map_err(|error| fault(&error, text))?;
    }
    Ok(said)
}

fn fault(error: &serde_json::Error, text: &str) -> Reject {
    match error.classify() {
        Category::Eof => Reject::new(Class::Truncated, format!("ends {}", place(error))),
        _ if ends_in_a_number(text) => Reject::new(Class::Truncated, format!("ends {}", place(error))),
        _ => Reject::new(Class::NotJson, place(error)),
    }
}

/// To serde_json a number without its last digits is a wrong one, even where the text ends. With a digit more it goes on.
fn ends_in_a_number(text: &str) -> bool {
    text.ends_with(['-', '+', '.', 'e', 'E'])
        && serde_json::from_str::<IgnoredAny>(&format!("{text}0")).is_err_and(|error| error.is_eof())
}

/// The error's own text may quote the payload, its place does not.
fn place(error: &serde_json::Error) -> String {
    format!("at line {}, column {}", error.line(), error.column())
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Said;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Said, A::Error> {
        let mut said = Said::default();
        while let Some(Key(key)) = map.next_key()? {
            let slot = match key.as_ref() {
                b"session_id" => &mut said.session,
                b"hook_event_name" => &mut said.event,
                b"prompt_id" => &mut said.prompt,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            let raw: &RawValue = map.next_value()?;
            *slot = serde_json::from_str::<Cow<'_, str>>(raw.get()).ok().and_then(|id| Token::new(id.as_bytes()));
        }
        Ok(said)
    }
}

/// A key as bytes: JavaScript writes half a surrogate pair as an escape, which is no text to Rust and no fault to us.
pub(super) struct Key<'de>(pub(super) Cow<'de, [u8]>);

impl<'de> de::Deserialize<'de> for Key<'de> {
    fn deserialize<D: de::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl<'de> Visitor<'de> for Bytes {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_bytes<E>(self, bytes: &'de [u8]) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(bytes)))
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(bytes.to_owned())))
            }
        }
        from.deserialize_bytes(Bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "1795350951598014047-from-name-Stop.json";

    fn facts(payload: &[u8]) -> Result<Facts, Reject> {
        parse(payload, &NAME.parse().unwrap())
    }

    fn check(payload: &str, session: &str, event: &str, prompt: Option<&str>) {
        let expected = Facts { session_id: session.into(), event: event.into(), prompt_id: prompt.map(str::to_owned) };
        assert_eq!(facts(payload.as_bytes()), Ok(expected), "{payload}");
    }

    fn check_rejected(payload: impl AsRef<[u8]>, class: Class) {
        let payload = payload.as_ref();
        let reject = facts(payload).expect_err("accepted");
        let shown = String::from_utf8_lossy(&payload[..payload.len().min(40)]).into_owned();
        assert_eq!(reject.class, class, "{shown}: {}", reject.detail);
        assert!(!reject.detail.contains("SECRET"), "{}", reject.detail);
    }

    #[test]
    fn the_payload_counts_then_the_name() {
        check(r#"{"session_id":"s","hook_event_name":"E","prompt_id":"p"}"#, "s", "E", Some("p"));
        check("{}", "from-name", "Stop", None);
        check(r#" {"session_id":7,"hook_event_name":null,"prompt_id":{}} "#, "from-name", "Stop", None);
        check(r#"{"session_id":"../../etc","prompt_id":"a b"}"#, "from-name", "Stop", None);
        check(r#"{"a":{"session_id":"inner"}}"#, "from-name", "Stop", None);
    }

    #[test]
    fn odd_but_sound() {
        check(r#"{"session_id":"a","session_id":"b"}"#, "b", "Stop", None);
        check(r#"{"\u0073ession_id":"\u0061"}"#, "a", "Stop", None);
        check(r#"{"\ud800":"\udfff","n":123456789012345678901234567890e999,"z":"\u0000"}"#, "from-name", "Stop", None);
        check(r#"{"session_id":"\ud800"}"#, "from-name", "Stop", None);
    }

    #[test]
    fn faults() {
        check_rejected("", Class::Empty);
        check_rejected(" \n", Class::Empty);
        check_rejected(r#"{"prompt":"SECRET"#, Class::Truncated);
        check_rejected(r#"{"prompt":"SECRET","#, Class::Truncated);
        check_rejected(b"{\"prompt\":\"SECRET\xe2\x82", Class::Truncated);
        check_rejected(b"{\"prompt\":\"SECRET\xff\"}", Class::NotUtf8);
        check_rejected("SECRET", Class::NotJson);
        check_rejected(r#"{"prompt" SECRET}"#, Class::NotJson);
        check_rejected("\0\0\0\0", Class::NotJson);
        check_rejected(r#"["SECRET"]"#, Class::NotAnObject);
        check_rejected("12", Class::NotAnObject);
        check_rejected(r#"{"a":1}{"b":"SECRET"}"#, Class::TrailingBytes);
        check_rejected(r#"{"a":1} SECRET"#, Class::TrailingBytes);
    }

    /// A payload with a flipped bit in a name was taken for JSON, and no later reader could read it.
    #[test]
    fn a_control_sign_in_a_name() {
        check_rejected("{\"a\nb\":1}", Class::NotJson);
        check_rejected("{\"a\\u0061\u{1}b\":1}", Class::NotJson);
        check("{\n\t\"a\\nb\": 1\r\n}", "from-name", "Stop", None);
    }

    #[test]
    fn depth() {
        let nested = |n: usize| format!("{{\"a\":{}{}}}", "[".repeat(n - 1), "]".repeat(n - 1));
        check(&nested(MAX_DEPTH), "from-name", "Stop", None);
        check_rejected(nested(MAX_DEPTH + 1), Class::TooDeep);
        check_rejected(nested(1_000_000), Class::TooDeep);
        check_rejected("[".repeat(1_000_000), Class::TooDeep);
    }

    /// A payload cut behind the sign, the point or the `e` of a number was taken for no JSON.
    #[test]
    fn a_number_that_is_cut_off() {
        let whole = r#"{"n":[-0.5e-7,1E+9]}"#;
        for end in 1..whole.len() {
            check_rejected(&whole[..end], Class::Truncated);
        }
        check_rejected(r#"{"n":--"#, Class::NotJson);
        check_rejected(r#"{"n" -"#, Class::NotJson);
    }

    /// Cut anywhere, a payload is rejected and never taken for a shorter one.
    #[test]
    fn every_cut_is_noticed() {
        let whole = r#"{"session_id":"s","prompt":"é \" \\ {","n":[1,{"a":null}]}"#.as_bytes();
        assert!(facts(whole).is_ok());
        for end in 1..whole.len() {
            check_rejected(&whole[..end], Class::Truncated);
        }
    }
}
