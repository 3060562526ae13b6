//! What a line of an exported jsonl says: plain values of the store, checked.
//!
//! An error says what was expected and never what was found: that may be a prompt.

use serde_json::{Map, Value};
use store::Key;
use store::human::{Member, Rating, Remark, Said, SavedView, Stamp, Title, UserSession};

use super::line::Line;

/// Longer ids are nobody's.
const MAX_ID: usize = 256;

/// A line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// What the file is.
    Header {
        /// Of the format.
        version: i64,
    },
    /// What was said of a conversation.
    Conversation {
        /// What it is known by.
        keys: Vec<Key>,
        /// Claude Code's session.
        session_id: Option<String>,
        /// The history.
        remarks: Vec<Remark>,
    },
    /// A user session; of one that has members only, those.
    UserSession {
        /// Its own row.
        session: Option<UserSession>,
        /// Its parts.
        members: Vec<Member>,
    },
    /// A title of a user session.
    Title(Title),
    /// A search that was kept.
    SavedView(SavedView),
    /// A kind of line that a later version writes.
    Unknown,
}

impl Entry {
    /// Reads it; an error tells what was expected.
    pub(super) fn parse(line: &Line) -> Result<Self, String> {
        let fields = Fields(&line.0);
        match fields.text("type")?.as_str() {
            "prompt-manager-export" => Ok(Self::Header { version: fields.integer("version")? }),
            "conversation" => Ok(Self::Conversation {
                keys: fields.keys("keys")?,
                session_id: fields.text_or_null("session_id")?,
                remarks: remarks(fields)?,
            }),
            "user_session" => user_session(fields),
            "session_title" => Ok(Self::Title(Title {
                stamp: fields.stamp()?,
                user_session_id: fields.id("user_session_id")?,
                title: fields.text_or_null("title")?,
            })),
            "saved_view" => Ok(Self::SavedView(SavedView {
                stamp: fields.stamp()?,
                name: fields.text("name")?,
                query: fields.text("query")?,
                removed_ms: fields.integer_or_null("removed_ms")?,
            })),
            _ => Ok(Self::Unknown),
        }
    }
}

fn remarks(line: Fields<'_>) -> Result<Vec<Remark>, String> {
    let mut found = Vec::new();
    let mut read = |list: &'static str, said: fn(Fields<'_>) -> Result<Said, String>| -> Result<(), String> {
        for entry in line.list(list)? {
            let read = || Ok(Remark { stamp: entry.stamp()?, said: said(entry)? });
            found.push(read().map_err(|problem: String| format!("{problem} in {list:?}"))?);
        }
        Ok(())
    };
    read("ratings", |entry| {
        let rating = entry.integer_or_null("rating")?;
        match rating.map(Rating::new) {
            Some(None) => Err("expected 1 to 5 or null as \"rating\"".to_owned()),
            rating => Ok(Said::Rating(rating.flatten())),
        }
    })?;
    read("tags", |entry| Ok(Said::Tag { tag: entry.id("tag")?, present: entry.truth("present")? }))?;
    read("notes", |entry| Ok(Said::Note(entry.text_or_null("note")?)))?;
    read("stars", |entry| Ok(Said::Star(entry.truth("starred")?)))?;
    Ok(found)
}

fn user_session(line: Fields<'_>) -> Result<Entry, String> {
    let id = line.id("id")?;
    let session = match line.value("created_ms") {
        Some(_) => Some(UserSession { stamp: line.stamp()? }),
        None => None,
    };
    let member = |entry: Fields<'_>| -> Result<Member, String> {
        Ok(Member {
            stamp: entry.stamp()?,
            user_session_id: id.clone(),
            session_id: entry.id("session_id")?,
            from: match entry.value("from") {
                Some(Value::Object(from)) => Some(Fields(from).keys("keys")?),
                Some(_) => return Err("expected {\"keys\":[…]} or null as \"from\"".to_owned()),
                None => None,
            },
            removed_ms: entry.integer_or_null("removed_ms")?,
        })
    };
    let member = |entry| member(entry).map_err(|problem| format!("{problem} in \"members\""));
    let members = line.list("members")?.into_iter().map(member).collect::<Result<_, _>>()?;
    Ok(Entry::UserSession { session, members })
}

/// An object's fields by name; null is as good as absent.
#[derive(Clone, Copy)]
struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    fn value(self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    fn text(self, name: &str) -> Result<String, String> {
        self.text_or_null(name)?.ok_or_else(|| format!("expected a text as {name:?}"))
    }

    fn text_or_null(self, name: &str) -> Result<Option<String>, String> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(format!("expected a text as {name:?}")),
        }
    }

    fn integer(self, name: &str) -> Result<i64, String> {
        self.integer_or_null(name)?.ok_or_else(|| format!("expected a whole number as {name:?}"))
    }

    fn integer_or_null(self, name: &str) -> Result<Option<i64>, String> {
        let integer = |value: &Value| value.as_i64().ok_or_else(|| format!("expected a whole number as {name:?}"));
        self.value(name).map(integer).transpose()
    }

    fn truth(self, name: &str) -> Result<bool, String> {
        self.value(name).and_then(Value::as_bool).ok_or_else(|| format!("expected true or false as {name:?}"))
    }

    /// A short text that is not empty.
    fn id(self, name: &str) -> Result<String, String> {
        let text = self.text(name)?;
        if text.is_empty() || text.len() > MAX_ID {
            return Err(format!("expected 1 to {MAX_ID} bytes as {name:?}"));
        }
        Ok(text)
    }

    /// Objects; none if there is no such field.
    fn list(self, name: &str) -> Result<Vec<Self>, String> {
        let Some(value) = self.value(name) else { return Ok(Vec::new()) };
        let objects = value.as_array().map(|list| list.iter().map(|entry| entry.as_object().map(Fields)).collect());
        objects.flatten().ok_or_else(|| format!("expected a list of objects as {name:?}"))
    }

    fn stamp(self) -> Result<Stamp, String> {
        let origin = self.text("origin")?;
        if origin.len() != 32 || hex(&origin).is_none() {
            return Err("expected 32 hex digits as \"origin\"".to_owned());
        }
        Ok(Stamp { id: self.id("id")?, origin, created_ms: self.integer("created_ms")? })
    }

    fn keys(self, name: &str) -> Result<Vec<Key>, String> {
        let key = |entry: Self| {
            let key = hex(&entry.text("key")?).ok_or("expected 32 hex digits as \"key\"")?;
            match entry.text("kind")?.as_str() {
                "line" => Ok(Some(Key::Line(key))),
                "event" => Ok(Some(Key::Event(key))),
                _ => Ok(None), // of a later version
            }
        };
        self.list(name)?.into_iter().filter_map(|entry| key(entry).transpose()).collect()
    }
}

/// 32 small hex digits.
fn hex(text: &str) -> Option<[u8; 16]> {
    let mut bytes = [0; 16];
    let digits = text.as_bytes();
    if digits.len() != 32 || digits.iter().any(|digit| !matches!(digit, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
        *byte = std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok())?;
    }
    Some(bytes)
}
