//! Why a queue file cannot be taken in, and the note that is put beside it.

use std::fmt;

use serde::Serialize;

/// The kind of fault. The names are in `.reason.json` files and stay as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Class {
    /// No byte but white space.
    Empty,
    /// It ends before its JSON does.
    Truncated,
    /// It is not UTF-8.
    NotUtf8,
    /// It is not JSON.
    NotJson,
    /// It is JSON, but no object.
    NotAnObject,
    /// More follows its JSON.
    TrailingBytes,
    /// Its brackets are nested too deep.
    TooDeep,
    /// It is larger than `max_event`.
    TooLarge,
    /// The process died each time it was read.
    Crashes,
    /// A symlink, FIFO, socket, device or directory with a queue file's name.
    NotAFile,
    /// The store refuses it, and it alone.
    Refused,
}

impl Class {
    /// All of them.
    pub(crate) const ALL: [Self; 11] = [
        Self::Empty,
        Self::Truncated,
        Self::NotUtf8,
        Self::NotJson,
        Self::NotAnObject,
        Self::TrailingBytes,
        Self::TooDeep,
        Self::TooLarge,
        Self::Crashes,
        Self::NotAFile,
        Self::Refused,
    ];

    /// As it stands in a note.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Truncated => "truncated",
            Self::NotUtf8 => "not_utf8",
            Self::NotJson => "not_json",
            Self::NotAnObject => "not_an_object",
            Self::TrailingBytes => "trailing_bytes",
            Self::TooDeep => "too_deep",
            Self::TooLarge => "too_large",
            Self::Crashes => "crashes",
            Self::NotAFile => "not_a_file",
            Self::Refused => "refused",
        }
    }
}

/// What is wrong with one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reject {
    /// The kind.
    pub(crate) class: Class,
    /// More about it; never a word of the payload.
    pub(crate) detail: String,
}

impl Reject {
    /// A fault of this kind.
    pub(crate) fn new(class: Class, detail: impl Into<String>) -> Self {
        Self { class, detail: detail.into() }
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let class = match self.class {
            Class::Empty => "is empty",
            Class::Truncated => "is cut off",
            Class::NotUtf8 => "is not UTF-8",
            Class::NotJson => "is not JSON",
            Class::NotAnObject => "is no JSON object",
            Class::TrailingBytes => "has more behind its JSON",
            Class::TooDeep => "is nested too deep",
            Class::TooLarge => "is too large",
            Class::Crashes => "ends the process",
            Class::NotAFile => "is no regular file",
            Class::Refused => "is refused by the store",
        };
        write!(f, "{class} ({})", self.detail)
    }
}

/// The content of `NAME.reason.json`.
#[derive(Debug, Serialize)]
pub(crate) struct Note<'a> {
    /// The queue file's name.
    pub(crate) name: &'a str,
    pub(crate) class: Class,
    pub(crate) detail: &'a str,
    /// Of the file, in bytes.
    pub(crate) size: u64,
    /// How often it was begun.
    pub(crate) attempts: u32,
    /// RFC 3339, UTC.
    pub(crate) failed_at: String,
}

/// Ends the name of a note.
pub(crate) use status::failed::NOTE;
