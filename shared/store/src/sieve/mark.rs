//! What a record of a file is known by, so that it is known again wherever it turns up.
//!
//! A line with a uuid is known by it, in a fork too. Where another line has the same uuid, and where there is none (a title, the
//! last prompt, what was queued or typed), it is known by all that it says, and never by a part: two lines may share any part. Of
//! titles and the last prompt, which Claude Code writes again at each resume with other fields around them, the text is all. A
//! hash of a text would let anybody try texts, so it is keyed with a secret of the store.

use std::borrow::Cow;

use super::Of;
use super::time::milliseconds;
use crate::json::pieces::Piece;
use crate::json::{self, Object};
use crate::write::Role;

/// A hash that stands for something forgotten.
pub(crate) type Mark = [u8; 16];

/// What something is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Known {
    /// A random id is in it, so that nobody can guess it.
    Id([u8; 16]),
    /// A text alone: stands nowhere before it is hashed with a secret.
    Text([u8; 16]),
}

impl Known {
    /// Of a line by its uuid; of a copy by the original's.
    pub fn uuid(uuid: &str) -> Self {
        Self::Id(hash(uuid.as_bytes()))
    }

    /// Of a call of a tool, whichever event tells of it.
    pub fn call(tool_use_id: &str) -> Self {
        Self::Id(digest(&[b"call", tool_use_id.as_bytes()]))
    }

    /// What was asked or answered in a session; told by a line or an event that names no id.
    pub fn said(session_id: &str, text: &str) -> Self {
        Self::Text(digest(&[b"said", session_id.as_bytes(), text.trim().as_bytes()]))
    }

    /// A prompt as Claude Code notes the last one of a session.
    pub fn last_prompt(session_id: &str, text: &str) -> Self {
        Self::Text(digest(&[b"last prompt", session_id.as_bytes(), last_prompt(text).as_bytes()]))
    }

    /// The bytes of an event, whatever its queue file is called.
    pub(crate) fn payload(hash: &[u8]) -> Self {
        Self::Text(digest(&[b"payload", hash]))
    }

    /// As it stands among what was forgotten, hashed with this secret.
    pub(crate) fn mark(self, secret: &[u8; 32]) -> Mark {
        match self {
            Self::Id(mark) => mark,
            Self::Text(mark) => keyed(secret, &[&mark]),
        }
    }
}

/// The two ways in which a piece of a file may be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Signs {
    /// By its uuid.
    pub uuid: Option<Known>,
    /// By all that it says.
    pub content: Known,
}

impl Signs {
    /// Of a piece of a file.
    pub fn of(of: &Of, piece: Piece<'_>) -> Self {
        let (Piece::Value(_, text) | Piece::Unreadable(_, text)) = piece;
        let record = if matches!(piece, Piece::Value(..)) { Record::read(of, text) } else { None };
        match record {
            Some(record) => {
                let [own, original] = &record.uuids;
                Self {
                    uuid: original.as_ref().or(own.as_ref()).map(|uuid| Known::uuid(uuid)),
                    content: record.content(),
                }
            }
            None => Self { uuid: None, content: unreadable(of, text) },
        }
    }
}

/// What a last prompt is cut down to: the client's own rule, seen in 2.1.330.
fn last_prompt(text: &str) -> String {
    const UNITS: usize = 200;
    let line = text.replace('\n', " ");
    let line = line.trim().trim_end_matches('…');
    let mut units = 0;
    let cut = line.char_indices().find(|(_, c)| {
        units += c.len_utf16();
        units > UNITS
    });
    cut.map_or(line, |(at, _)| &line[..at]).trim().to_owned()
}

/// The hash of an id.
pub(crate) fn hash(id: &[u8]) -> Mark {
    let mut mark = [0; 16];
    blake3::Hasher::new().update(id).finalize_xof().fill(&mut mark);
    mark
}

fn digest(parts: &[&[u8]]) -> Mark {
    finish(blake3::Hasher::new(), parts)
}

fn keyed(secret: &[u8; 32], parts: &[&[u8]]) -> Mark {
    finish(blake3::Hasher::new_keyed(secret), parts)
}

fn finish(mut hasher: blake3::Hasher, parts: &[&[u8]]) -> Mark {
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let mut mark = [0; 16];
    hasher.finalize_xof().fill(&mut mark);
    mark
}

/// Of a file as a whole, by its name in its session.
pub(crate) fn file_mark(secret: &[u8; 32], of: &Of) -> Mark {
    keyed(secret, &[b"file", of.session_id.as_bytes(), of.name.as_bytes()])
}

/// Of what a person called a session.
pub(crate) fn title_mark(secret: &[u8; 32], user_session_id: &str, title: &str) -> Mark {
    keyed(secret, &[b"title", user_session_id.as_bytes(), title.as_bytes()])
}

/// Of a piece that is no JSON object.
pub(super) fn unreadable(of: &Of, text: &str) -> Known {
    Known::Text(digest(&[b"bytes", of.session_id.as_bytes(), text.trim_end().as_bytes()]))
}

/// A JSON object of a file, with what it is known by.
#[derive(Debug)]
pub(super) struct Record<'a> {
    json: &'a str,
    object: Object<'a>,
    kind: String,
    typed: bool,
    session_id: String,
    /// Its own, and the original's of a copy.
    uuids: [Option<String>; 2],
}

impl<'a> Record<'a> {
    /// `None` if it is no object.
    pub(super) fn read(of: &Of, json: &'a str) -> Option<Self> {
        let object = Object::parse(json)?;
        let uuids = [object.text("uuid"), object.object("forkedFrom").and_then(|from| from.text("messageUuid"))];
        let typed = of.role == Role::History;
        let session_id = if typed { object.text("sessionId").unwrap_or_default() } else { of.session_id.clone() };
        let kind = object.text("type").unwrap_or_default();
        Some(Self { json, object, kind, typed, session_id, uuids })
    }

    /// The uuids by which it may be known: its own, the original's, and that of the line which it is about.
    pub(super) fn uuids(&self) -> impl Iterator<Item = Known> {
        let about = ["messageId", "leafUuid"].into_iter().filter(|_| self.has_no_uuid());
        let about = about.filter_map(|name| self.object.text(name));
        self.uuids.iter().flatten().cloned().chain(about).map(|uuid| Known::uuid(&uuid))
    }

    fn has_no_uuid(&self) -> bool {
        self.uuids.iter().all(Option::is_none)
    }

    /// Of something typed: the folder and the session.
    pub(super) fn typed_in(&self) -> Option<(String, String)> {
        self.typed.then(|| (self.object.text("project").unwrap_or_default(), self.session_id.clone()))
    }

    /// What it says. With a uuid it is the same in every session (correlation.md 1), without one only in its own.
    pub(super) fn content(&self) -> Known {
        let uuid = self.uuids.iter().rev().flatten().next();
        let label: &[u8] = if self.typed { b"typed" } else { b"line" };
        let session = if uuid.is_some() { "" } else { &self.session_id };
        let uuid = uuid.map_or("", String::as_str);
        let timestamp = self.object.get("timestamp").map(|value| value.get()).unwrap_or_default();
        let field = if self.typed { "display" } else { told_by(&self.kind) };
        let said = self.object.get(field).map_or_else(
            || json::compact(self.json),
            |value| {
                json::text(value).map_or_else(|| json::compact(value.get()), |text| Cow::Owned(text.trim().to_owned()))
            },
        );
        let digest = digest(&[
            label,
            session.as_bytes(),
            uuid.as_bytes(),
            self.kind.as_bytes(),
            timestamp.as_bytes(),
            said.as_bytes(),
        ]);
        if uuid.is_empty() { Known::Text(digest) } else { Known::Id(digest) }
    }

    /// A text of the session that it repeats, and when. A last prompt may be noted at any time.
    pub(super) fn repeats(&self) -> Option<(Known, When)> {
        match self.kind.as_str() {
            "last-prompt" => {
                let text = self.object.text("lastPrompt")?;
                Some((Known::last_prompt(&self.session_id, &text), When::Any))
            }
            "queue-operation" => {
                let value = self.object.get("content")?;
                let text = json::text(value).unwrap_or_else(|| blocks(json::array(value).unwrap_or_default()));
                let at_ms = milliseconds(&self.object.text("timestamp")?)?;
                (!is_short(&text)).then(|| (Known::said(&self.session_id, &text), When::At(at_ms)))
            }
            _ => None,
        }
    }
}

/// When it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// Not known.
    Any,
    /// In milliseconds since 1970.
    At(i64),
}

/// The field of a line that is all it says, beside its type and time.
fn told_by(kind: &str) -> &'static str {
    match kind {
        "last-prompt" => "lastPrompt",
        "ai-title" => "aiTitle",
        "custom-title" => "customTitle",
        "agent-name" => "agentName",
        "summary" => "summary",
        "queue-operation" => "content",
        _ => "message",
    }
}

fn blocks(blocks: Vec<&serde_json::value::RawValue>) -> String {
    let texts = blocks.into_iter().filter_map(|block| Object::parse(block.get())?.text("text"));
    texts.collect::<Vec<_>>().join("\n")
}

/// Whether others say the same by chance: such a text is never enough to keep something out.
pub(super) fn is_short(text: &str) -> bool {
    const TELLING: usize = 8;
    text.trim().len() < TELLING
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_prompts() {
        let check = |full: &str, noted: &str, expected: bool| {
            let same = Known::last_prompt("s", full) == Known::last_prompt("s", noted);
            assert_eq!(same, expected, "{full:?} as {noted:?}");
        };
        check("short", "short", true);
        check("two\nlines ", "two lines", true);
        check("short", "other", false);
        let long = "word ".repeat(60);
        check(&long, &format!("{}…", "word ".repeat(40).trim()), true);
        check(&long, &format!("{}…", "word ".repeat(39).trim()), false);
        let faces = "😀".repeat(150);
        check(&faces, &format!("{}…", "😀".repeat(100)), true);
    }
}
