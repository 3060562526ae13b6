//! Of which session a payload is and in which folder it happened, also where the payload is cut, broken or not read whole.
//!
//! Only asked where something is ignored. What cannot be taken in goes to failed, bytes and all, and of an ignored project it
//! must not; so this takes what stands before the fault.

use std::fmt;

use queue::{QueueName, Token};
use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::parse::Key;

/// What is known of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Whose {
    pub(crate) session: Option<String>,
    pub(crate) cwd: Option<String>,
}

/// Reads it; the session may stand in the file's name alone.
pub(crate) fn read(payload: &[u8], name: &QueueName) -> Whose {
    let mut whose = of(payload);
    let named = Some(name.session.as_str()).filter(|session| *session != Token::UNKNOWN.as_str());
    whose.session = whose.session.or_else(|| named.map(str::to_owned));
    whose
}

/// What the payload itself says.
pub(crate) fn of(payload: &[u8]) -> Whose {
    let mut whose = Whose::default();
    // A fault ends the reading, and is told when the payload is parsed.
    let _ = serde_json::Deserializer::from_slice(payload).deserialize_map(Fields(&mut whose));
    whose
}

struct Fields<'w>(&'w mut Whose);

impl<'de> Visitor<'de> for Fields<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Key(key)) = map.next_key()? {
            match key.as_ref() {
                b"cwd" => self.0.cwd = store::json::text(map.next_value::<&RawValue>()?),
                b"session_id" => {
                    let id = store::json::text(map.next_value::<&RawValue>()?);
                    self.0.session = id.filter(|id| Token::new(id.as_bytes()).is_some());
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(payload: impl AsRef<[u8]>, session: Option<&str>, cwd: Option<&str>) {
        let payload = payload.as_ref();
        let name = "1795350951598014047-from-name-Stop.json".parse().unwrap();
        let expected = Whose { session: session.map(str::to_owned), cwd: cwd.map(str::to_owned) };
        assert_eq!(read(payload, &name), expected, "{}", String::from_utf8_lossy(payload));
    }

    #[test]
    fn what_stands_before_a_fault_counts() {
        check(r#"{"session_id":"s","cwd":"/a","prompt":"x"}"#, Some("s"), Some("/a"));
        check(r#"{"prompt":"x","cwd":"/\u0061 b"}"#, Some("from-name"), Some("/a b"));
        check(r#"{"session_id":"s","cwd":"/a","prompt":"cu"#, Some("s"), Some("/a"));
        check(r#"{"session_id":"s","cwd":"/a"} and more"#, Some("s"), Some("/a"));
        check(b"{\"cwd\":\"/a\",\"prompt\":\"\xff\"}", Some("from-name"), Some("/a"));
        check(r#"{"cwd":"/a"#, Some("from-name"), None);
        check(r#"{"cwd":7,"session_id":"../x"}"#, Some("from-name"), None);
        check(r#"{"tool_input":{"cwd":"/inner"}}"#, Some("from-name"), None);
        check(r#"["/a"]"#, Some("from-name"), None);
        check("", Some("from-name"), None);
        check(format!("{{\"cwd\":\"/a\",\"x\":{}", "[".repeat(1_000_000)), Some("from-name"), Some("/a"));
    }

    #[test]
    fn a_name_may_tell_nothing() {
        let name = "1795350951598014047-unknown-Stop.json".parse().unwrap();
        assert_eq!(read(b"", &name), Whose::default());
    }
}
