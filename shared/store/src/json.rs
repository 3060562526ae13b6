//! A JSON object whose values stay where they are: fields are found by name, and each value knows its place in the bytes.
//!
//! Claude Code's formats grow with every release, so nothing here insists: a field of another type is as good as absent,
//! a repeated one counts as its last, unknown ones cost nothing (claude-code.md A.2 and C).

pub mod pieces;

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// An object's fields in order.
#[derive(Debug)]
pub struct Object<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Object<'a> {
    /// `None` if `json` is not an object.
    pub fn parse(json: &'a str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    /// The value of a field, unless it is null.
    pub fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| *value).filter(|value| value.get() != "null")
    }

    /// All fields in order, also those that are repeated.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.iter().map(|(name, value)| (&**name, *value))
    }

    /// A field that is a string.
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name).and_then(text)
    }

    /// A field that is a whole number.
    pub fn integer(&self, name: &str) -> Option<i64> {
        self.get(name).and_then(|value| value.get().parse().ok())
    }

    /// A field that is true; anything else is not.
    pub fn is(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.get() == "true")
    }

    /// A field that is an object.
    pub fn object(&self, name: &str) -> Option<Self> {
        self.get(name).and_then(|value| Self::parse(value.get()))
    }
}

/// The values of an array, `None` if it is none.
pub fn array(value: &RawValue) -> Option<Vec<&RawValue>> {
    serde_json::from_str(value.get()).ok()
}

/// The text of a JSON string; a lone surrogate in it becomes U+FFFD.
pub fn text(value: &RawValue) -> Option<String> {
    struct Lossy;
    impl Visitor<'_> for Lossy {
        type Value = String;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }
        fn visit_str<E>(self, text: &str) -> Result<String, E> {
            Ok(text.to_owned())
        }
        fn visit_bytes<E>(self, bytes: &[u8]) -> Result<String, E> {
            Ok(String::from_utf8_lossy(bytes).into_owned())
        }
    }
    if !value.get().starts_with('"') {
        return None;
    }
    // As bytes, because serde_json lets a lone surrogate through there and nowhere else.
    serde_json::Deserializer::from_str(value.get()).deserialize_bytes(Lossy).ok()
}

/// `json` as Claude Code writes it, without spaces between its parts and with no more escapes than needed: a transcript that
/// another program has read and written again says the same. What looks as Claude Code's is given back as it is.
pub fn compact(json: &str) -> Cow<'_, str> {
    let spaced = json.split_once(':').is_some_and(|(name, rest)| {
        let beginning = name.chars().nth(1).is_some_and(char::is_whitespace);
        beginning || rest.starts_with(char::is_whitespace)
    });
    if !spaced {
        return Cow::Borrowed(json);
    }
    let (mut compact, mut rest) = (String::with_capacity(json.len()), json);
    while let Some(at) = rest.find('"') {
        let string = &rest[at..at + string_length(&rest[at..])];
        compact.extend(rest[..at].chars().filter(|c| !c.is_whitespace()));
        match serde_json::from_str::<String>(string).and_then(|text| serde_json::to_string(&text)) {
            Ok(written) => compact.push_str(&written),
            Err(_) => compact.push_str(string),
        }
        rest = &rest[at + string.len()..];
    }
    compact.extend(rest.chars().filter(|c| !c.is_whitespace()));
    Cow::Owned(compact)
}

/// The length in bytes of the JSON string with which `json` begins, quotes included.
fn string_length(json: &str) -> usize {
    let mut escaped = false;
    let end = json.bytes().skip(1).position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    end.map_or(json.len(), |end| end + 2)
}

/// Where `part` begins inside `whole`; `part` must be a slice of it.
pub fn offset_in(whole: &str, part: &str) -> u64 {
    (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize) as u64
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Vec<(Cow<'de, str>, &'de RawValue)>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut fields = Vec::with_capacity(24);
                while let Some((Name(name), value)) = map.next_entry()? {
                    fields.push((name, value));
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(Fields).map(Object)
    }
}

/// A field's name, borrowed unless it holds an escape.
struct Name<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Name<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrow;
        impl<'de> Visitor<'de> for Borrow {
            type Value = Cow<'de, str>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }
            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
                Ok(Cow::Borrowed(name))
            }
            fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
                Ok(Cow::Owned(name.to_owned()))
            }
        }
        deserializer.deserialize_str(Borrow).map(Name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_and_keep_their_place() {
        let json = r#"{"a":"x","n":12,"yes":true,"null":null,"o":{"k":[1,"two"]},"a":"last"}"#;
        let object = Object::parse(json).unwrap();
        assert_eq!(object.text("a").as_deref(), Some("last"));
        assert_eq!((object.integer("n"), object.integer("a")), (Some(12), None));
        assert!(object.is("yes") && !object.is("n") && !object.is("absent"));
        assert!(object.get("null").is_none());
        let inner = object.object("o").unwrap();
        let values = array(inner.get("k").unwrap()).unwrap();
        let at = offset_in(json, values[1].get()) as usize;
        assert_eq!(&json[at..at + 5], r#""two""#);
    }

    fn check_compact(json: &str, expected: &str) {
        assert_eq!(compact(json), expected, "{json}");
    }

    #[test]
    fn another_programs_spaces_and_escapes() {
        check_compact(r#"{"a":"b: c","d":[1, 2]}"#, r#"{"a":"b: c","d":[1, 2]}"#);
        check_compact(r#"{"a": "b: \"c\"", "d": [1, {"e": null}]}"#, r#"{"a":"b: \"c\"","d":[1,{"e":null}]}"#);
        check_compact("{\n  \"a\":\t1.50\n}", r#"{"a":1.50}"#);
        check_compact(r#"{"a": "na\u00efve \ud83d\ude00 \\"}"#, r#"{"a":"naïve 😀 \\"}"#);
        check_compact(r#"{"a": "lone \ud83d"}"#, r#"{"a":"lone \ud83d"}"#);
        check_compact(r#"{"a": "cut"#, r#"{"a":"cut"#);
        check_compact(r#""x: y""#, r#""x: y""#);
    }

    fn check_text(json: &str, expected: Option<&str>) {
        let raw: &RawValue = serde_json::from_str(json).unwrap();
        assert_eq!(text(raw).as_deref(), expected, "{json}");
    }

    #[test]
    fn texts() {
        check_text(r#""plain""#, Some("plain"));
        check_text(r#""na\u00efve \ud83d\ude00 \n""#, Some("naïve 😀 \n"));
        check_text(r#""lone \ud83d half""#, Some("lone \u{fffd}\u{fffd}\u{fffd} half"));
        check_text("7", None);
        check_text("null", None);
    }
}
