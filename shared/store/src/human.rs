//! What a person says about a conversation, and how a person cuts sessions: the rows of the human tables as plain values,
//! in the form in which they travel between stores.
//!
//! Every row has a random id of its own, so that taking it in again changes nothing. Conversation ids are local to a
//! store: a row that leaves it names the keys of its conversation instead.

use std::collections::BTreeMap;

use crate::ids::{ConversationId, Key};

pub(crate) mod anchor;
mod fold;
pub(crate) mod get;
pub(crate) mod parts;
pub(crate) mod put;
mod typed;
mod unseen;
pub(crate) mod views;

pub(crate) use fold::folded;
pub use fold::same_tag;
pub use typed::{Name, Note, Tag, Unfit};

/// A rating: 1 to 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rating(u8);

impl Rating {
    /// `None` if `value` is none of 1 to 5.
    pub fn new(value: i64) -> Option<Self> {
        u8::try_from(value).ok().filter(|value| (1..=5).contains(value)).map(Self)
    }

    /// 1 to 5.
    pub fn get(self) -> u8 {
        self.0
    }
}

/// What is said of a conversation now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// The newest rating, unless it was taken back.
    pub rating: Option<Rating>,
    /// Its tags, in order of the alphabet.
    pub tags: Vec<String>,
    /// The newest note of each of its ids, the oldest first.
    pub notes: Vec<String>,
    /// Whether it is starred.
    pub starred: bool,
}

impl Marks {
    /// Names this state of this conversation: two have the same version exactly if the states are equal and of the same one.
    /// Another spelling of a tag is no other state.
    pub fn version(&self, of: ConversationId) -> String {
        let mut hash = blake3::Hasher::new();
        let mut field = |bytes: &[u8]| {
            hash.update(&(bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        field(&of.0.to_le_bytes());
        field(&[self.rating.map_or(0, Rating::get), u8::from(self.starred)]);
        field(&(self.tags.len() as u64).to_le_bytes());
        let mut tags: Vec<_> = self.tags.iter().map(|tag| folded(tag)).collect();
        tags.sort();
        tags.iter().chain(&self.notes).for_each(|text| field(text.as_bytes()));
        hash.finalize().to_hex()[..24].to_owned()
    }

    /// The notes as one text, an empty line between them.
    pub fn note(&self) -> Option<String> {
        (!self.notes.is_empty()).then(|| self.notes.join("\n\n"))
    }

    /// From whole histories, the oldest of each kind first, each row with the id it was written to: the newest rating and the
    /// newest word on each tag counts, whichever id it was written to and however the tag is spelled; the notes of the ids
    /// stand one under the other.
    pub(crate) fn of(history: &[(ConversationId, Remark)]) -> Self {
        let (mut marks, mut tags, mut notes) = (Self::default(), BTreeMap::new(), BTreeMap::new());
        for (at, (id, remark)) in history.iter().enumerate() {
            match &remark.said {
                Said::Rating(rating) => marks.rating = *rating,
                Said::Star(starred) => marks.starred = *starred,
                Said::Tag { tag, present } => drop(tags.insert(folded(tag), (tag, *present))),
                Said::Note(note) => drop(notes.insert(id, (at, note))),
            }
        }
        marks.tags = tags.into_values().filter(|(_, present)| *present).map(|(tag, _)| tag.clone()).collect();
        marks.tags.sort();
        let mut notes: Vec<_> = notes.into_values().collect();
        notes.sort();
        marks.notes = notes.into_iter().filter_map(|(_, note)| note.clone()).collect();
        marks
    }
}

/// What every human row carries.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    /// The row's random id. Of a user session that is a session as Claude Code cut it: the session's id.
    pub id: String,
    /// The data directory in which it was written, 32 hex digits.
    pub origin: String,
    /// When, in milliseconds since 1970, UTC.
    pub created_ms: i64,
}

/// One thing that was said about one conversation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Said {
    /// A rating; `None` takes it back.
    Rating(Option<Rating>),
    /// A tag was set or taken off.
    Tag {
        /// The tag.
        tag: String,
        /// Set, or taken off.
        present: bool,
    },
    /// A note; `None` takes it back.
    Note(Option<String>),
    /// Starred, or no longer.
    Star(bool),
}

/// A row of a conversation's human history. The newest of its kind counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Remark {
    /// Its id, origin and time.
    pub stamp: Stamp,
    /// What was said.
    pub said: Said,
}

/// A session, or a part of one, that belongs to a user session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its id, origin and time.
    pub stamp: Stamp,
    /// What it belongs to.
    pub user_session_id: String,
    /// Claude Code's session.
    pub session_id: String,
    /// From which conversation on, by its keys; `None`: from the session's beginning.
    pub from: Option<Vec<Key>>,
    /// When it was undone.
    pub removed_ms: Option<i64>,
}

/// A title that a person gave to a user session. The newest counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Title {
    /// Its id, origin and time.
    pub stamp: Stamp,
    /// What is called so.
    pub user_session_id: String,
    /// `None` takes it back.
    pub title: Option<String>,
}

/// A search that a person kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SavedView {
    /// Its id, origin and time.
    pub stamp: Stamp,
    /// What it is called.
    pub name: String,
    /// The query, as the address of the page has it.
    pub query: String,
    /// When it was thrown away.
    pub removed_ms: Option<i64>,
}

/// A user session. While nothing was changed a session is its own user session and has no such row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UserSession {
    /// Its id, origin and time.
    pub stamp: Stamp,
}

#[cfg(test)]
mod tests;
