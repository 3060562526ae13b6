//! What a record of a file is known by, so that it is known again wherever it turns up.
//!
//! A line with a uuid is known by it, in a fork too. A line without one (a title, the last prompt, what was queued or typed)
//! is known by its texts: Claude Code writes titles and the last prompt again at each resume, with other fields around them. A
//! hash of a text would let anybody try texts, so it is keyed with a secret of the store.

use serde_json::value::RawValue;

use super::Of;
use crate::json::{self, Object};
use crate::write::Role;

/// A hash that stands for something forgotten.
pub(crate) type Mark = [u8; 16];

/// Fields of a line without uuid that are no text of anybody.
const NO_TEXT: [&str; 14] = [
    "type",
    "sessionId",
    "timestamp",
    "operation",
    "uuid",
    "leafUuid",
    "messageId",
    "parentUuid",
    "mode",
    "permissionMode",
    "reason",
    "cwd",
    "gitBranch",
    "version",
];

/// The hash of an id.
pub(crate) fn hash(id: &[u8]) -> Mark {
    let mut mark = [0; 16];
    blake3::Hasher::new().update(id).finalize_xof().fill(&mut mark);
    mark
}

fn keyed(secret: &[u8; 32], parts: &[&[u8]]) -> Mark {
    let mut hasher = blake3::Hasher::new_keyed(secret);
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
pub(crate) fn unreadable_mark(secret: &[u8; 32], of: &Of, text: &str) -> Mark {
    keyed(secret, &[b"bytes", of.session_id.as_bytes(), text.trim_end().as_bytes()])
}

/// A JSON object of a file, with what it is known by.
#[derive(Debug)]
pub(crate) struct Record<'a> {
    object: Object<'a>,
    typed: bool,
    session_id: String,
    /// Its own, and the original's of a copy.
    uuids: [Option<String>; 2],
}

impl<'a> Record<'a> {
    /// `None` if it is no object.
    pub(crate) fn read(of: &Of, json: &'a str) -> Option<Self> {
        let object = Object::parse(json)?;
        let uuids = [object.text("uuid"), object.object("forkedFrom").and_then(|from| from.text("messageUuid"))];
        let typed = of.role == Role::History;
        let session_id = if typed { object.text("sessionId").unwrap_or_default() } else { of.session_id.clone() };
        Some(Self { object, typed, session_id, uuids })
    }

    /// What it is to be known by from now on: of a copy the original's uuid.
    pub(crate) fn own_uuid(&self) -> Option<Mark> {
        let [own, original] = &self.uuids;
        original.as_ref().or(own.as_ref()).map(|uuid| hash(uuid.as_bytes()))
    }

    /// The uuids by which it may be known: its own, the original's, and that of the line which it is about.
    pub(super) fn uuids(&self) -> impl Iterator<Item = Mark> {
        let about = ["messageId", "leafUuid"].into_iter().filter(|_| self.has_no_uuid());
        let about = about.filter_map(|name| self.object.text(name));
        self.uuids.iter().flatten().cloned().chain(about).map(|uuid| hash(uuid.as_bytes()))
    }

    pub(crate) fn has_no_uuid(&self) -> bool {
        self.uuids.iter().all(Option::is_none)
    }

    /// Of something typed: the folder and the session.
    pub(super) fn typed_in(&self) -> Option<(String, String)> {
        self.typed.then(|| (self.object.text("project").unwrap_or_default(), self.session_id.clone()))
    }

    /// Its texts, as they are hashed with `secret`; none of a line with a uuid.
    pub(crate) fn marks<'r>(&'r self, secret: &'r [u8; 32]) -> impl Iterator<Item = Mark> + 'r {
        let timestamp = self.object.get("timestamp").map(RawValue::get).unwrap_or_default();
        let label: &[u8] = if self.typed { b"typed" } else { b"text" };
        let texts = self.object.fields().filter(|(name, _)| self.has_no_uuid() && self.is_text(name));
        texts.filter_map(move |(_, value)| {
            let text =
                json::text(value).or_else(|| value.get().starts_with(['[', '{']).then(|| value.get().to_owned()))?;
            let parts = [label, self.session_id.as_bytes(), text.trim().as_bytes(), timestamp.as_bytes()];
            (!text.trim().is_empty()).then(|| keyed(secret, &parts))
        })
    }

    fn is_text(&self, name: &str) -> bool {
        if self.typed { name == "display" } else { !NO_TEXT.contains(&name) }
    }
}
