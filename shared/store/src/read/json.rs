//! JSON values of the ground, made ready to be shown.
//!
//! Claude Code cuts long texts by UTF-16 units, so a string may hold half of a pair of surrogates, which no Rust string
//! can hold: it becomes U+FFFD. A forgotten value is blanks, which are no JSON: it is `None`, like a missing one.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::media;

/// What a span held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A text.
    Text(String),
    /// Anything else, as JSON.
    Json(String),
}

impl Value {
    /// A value that is given as it is: a tool's input. Only what is too long to be looked at gives way to its size.
    pub(super) fn json(bytes: &[u8]) -> Option<Self> {
        let mended = mend(bytes);
        let text: &str = std::str::from_utf8(&mended).ok()?;
        if let Some(shorter) = media::without_bytes(text) {
            return Some(Self::Json(shorter));
        }
        // Checked, but not taken apart: it may be large and deep.
        serde_json::from_str::<&RawValue>(text).ok().map(|raw| Self::Json(raw.get().to_owned()))
    }

    /// A value that is a text if it can be one: a JSON string, or content blocks of text and images.
    pub(super) fn readable(bytes: &[u8]) -> Option<Self> {
        let mended = mend(bytes);
        let text = std::str::from_utf8(&mended).ok()?;
        if let Ok(text) = serde_json::from_str::<String>(text) {
            return Some(Self::Text(text));
        }
        match serde_json::from_str::<Vec<serde_json::Value>>(text) {
            Ok(blocks) if !blocks.is_empty() => match blocks.iter().map(content_block).collect::<Option<Vec<_>>>() {
                Some(texts) => Some(Self::Text(texts.join("\n"))),
                None => Self::json(&mended),
            },
            _ => Self::json(&mended),
        }
    }

    /// As a text in any case.
    pub(super) fn into_text(self) -> String {
        match self {
            Self::Text(text) | Self::Json(text) => text,
        }
    }
}

/// The text of a content block, if that is what it is.
fn content_block(block: &serde_json::Value) -> Option<Cow<'_, str>> {
    match block.get("type")?.as_str()? {
        "text" => block.get("text")?.as_str().map(Cow::Borrowed),
        "image" => Some(media::placeholder("Image", block).into()),
        "document" => Some(media::placeholder("Document", block).into()),
        _ => None,
    }
}

/// Bytes that are UTF-8, with every half of a surrogate pair written `\ufffd`.
pub(super) fn mend(bytes: &[u8]) -> Cow<'_, [u8]> {
    let mut bytes = match String::from_utf8_lossy(bytes) {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    };
    let mut at = 0;
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr::memchr(b'\\', rest)) {
        at += found;
        at += match (escaped_unit(&bytes, at), escaped_unit(&bytes, at + 6)) {
            (Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => 12,
            (Some(0xd800..0xe000), _) => {
                bytes.to_mut()[at..at + 6].copy_from_slice(br"\ufffd");
                6
            }
            _ => 2, // the escaped sign too, which may be a backslash
        };
    }
    bytes
}

/// The UTF-16 unit of a `\u` escape at `at`.
fn escaped_unit(bytes: &[u8], at: usize) -> Option<u16> {
    let digits = bytes.get(at..at + 6)?.strip_prefix(br"\u")?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expected: &Option<Value>) {
        assert_eq!(&Value::readable(json.as_bytes()), expected, "{json}");
    }

    fn text(text: &str) -> Option<Value> {
        Some(Value::Text(text.into()))
    }

    fn json(json: &str) -> Option<Value> {
        Some(Value::Json(json.into()))
    }

    #[test]
    fn strings() {
        check(r#""""#, &text(""));
        check(r#""naïve ✅ \n \u0000""#, &text("naïve ✅ \n \0"));
        check(r#""\ud83d\ude00""#, &text("😀"));
        check(r#""\ud83d""#, &text("\u{fffd}"));
        check(r#""\ud83d \ude00""#, &text("\u{fffd} \u{fffd}"));
        check(r#""\ude00\ud83d\ud83d\ude00""#, &text("\u{fffd}\u{fffd}😀"));
        check(r#""\\ud83d""#, &text(r"\ud83d"));
        check(r#""\\\ud83d""#, &text("\\\u{fffd}"));
        assert_eq!(Value::readable(b"\"\xff\""), text("\u{fffd}"));
    }

    #[test]
    fn content_blocks() {
        check(r#"[{"type":"text","text":"a"},{"type":"image","source":{}}]"#, &text("a\n[Image]"));
        check(
            r#"[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"aGVsbG8="}}]"#,
            &text("[Image: image/png, 5 bytes]"),
        );
        check(r#"[{"type":"document","source":{"type":"url","url":"x"}}]"#, &text("[Document]"));
        check(r#"[{"type":"text","text":"\ud800"}]"#, &text("\u{fffd}"));
        check(
            r#"[{"type":"tool_reference","tool_name":"x"}]"#,
            &json(r#"[{"type":"tool_reference","tool_name":"x"}]"#),
        );
        check("[]", &json("[]"));
    }

    #[test]
    fn other_values() {
        check(r#"{"stdout":"x", "n":1}"#, &json(r#"{"stdout":"x", "n":1}"#));
        check("null", &json("null"));
        let deep = "[".repeat(5000) + &"]".repeat(5000);
        check(&deep, &json(&deep));
    }

    #[test]
    fn what_is_no_json_is_nothing() {
        for bad in ["", "     ", "\"cut", "{\"a\":", "\"a\" \"b\""] {
            check(bad, &None);
            assert_eq!(Value::json(bad.as_bytes()), None);
        }
    }

    #[test]
    fn an_input_stays_as_it_is() {
        assert_eq!(Value::json(br#"{"b": 1, "a": 1e5}"#), json(r#"{"b": 1, "a": 1e5}"#));
        assert_eq!(Value::json(br#""text""#), json(r#""text""#));
        assert_eq!(Value::json(br#"{"a":"\udead"}"#), json(r#"{"a":"\ufffd"}"#));
    }
}
