//! The text of a tool's input or output as the index of words has it: what a person would type to find it.
//!
//! Of a JSON value these are its strings and numbers. Names of fields are left out, as each call of a tool has the same, and
//! so are the bytes of images. Nothing is made of it but the text: an output may be large.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::json::mend;
use super::media::is_bytes;

/// The text of a JSON value; as much of it as can be read.
pub(crate) fn searched(bytes: &[u8]) -> String {
    let mended = mend(bytes);
    let Ok(json) = std::str::from_utf8(&mended) else { return String::new() };
    if json.starts_with('"') {
        return serde_json::from_str(json).unwrap_or_default();
    }
    let mut text = String::new();
    // A value that is cut or too deep has given what stands before that.
    let _ = Strings(&mut text).deserialize(&mut serde_json::Deserializer::from_str(json));
    text
}

/// Gathers the strings of a value, one a line.
struct Strings<'t>(&'t mut String);

impl Strings<'_> {
    fn push(&mut self, text: &str) {
        if !is_bytes(text) {
            self.0.push_str(text);
            self.0.push('\n');
        }
    }
}

impl<'de> DeserializeSeed<'de> for Strings<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strings<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_str<E>(mut self, text: &str) -> Result<(), E> {
        self.push(text);
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(mut self, number: i64) -> Result<(), E> {
        self.push(&number.to_string());
        Ok(())
    }

    fn visit_u64<E>(mut self, number: u64) -> Result<(), E> {
        self.push(&number.to_string());
        Ok(())
    }

    fn visit_f64<E>(mut self, number: f64) -> Result<(), E> {
        self.push(&number.to_string());
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<(), A::Error> {
        while values.next_element_seed(Strings(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        while let Some(name) = fields.next_key::<String>()? {
            // Of content blocks: "text" is not what anybody looks for.
            match name.as_str() {
                "type" => drop(fields.next_value::<IgnoredAny>()?),
                _ => fields.next_value_seed(Strings(self.0))?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_would_type() {
        let check = |json: &str, expected: &str| assert_eq!(searched(json.as_bytes()), expected, "{json}");
        check(r#""a\nb \ud83d\ude00""#, "a\nb 😀");
        check(r#""half \ud83d""#, "half \u{fffd}");
        check(r#"{"command":"cargo test","timeout":120000,"quiet":true,"x":null}"#, "cargo test\n120000\n");
        check(r#"{"edits":[{"old_string":"a","new_string":"b"}],"rate":0.5,"n":-3}"#, "a\nb\n0.5\n-3\n");
        check(
            r#"[{"type":"text","text":"said"},{"type":"image","source":{"media_type":"image/png","data":"QUJD"}}]"#,
            "said\nimage/png\nQUJD\n",
        );
        let long = "QUJD".repeat(1000);
        check(&format!(r#"{{"data":"{long}","name":"x"}}"#), "x\n");
        check(r#"{"stdout":"out","cut":"#, "out\n");
        check(&("[".repeat(500) + "\"deep\""), "");
        check("", "");
        check("   ", "");
        assert_eq!(searched(b"\"\xff\""), "\u{fffd}");
    }
}
