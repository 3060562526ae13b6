//! The shape of what a conversation was made from.

use export::time::rfc3339;
use serde::Serialize;
use store::ConversationId;
use store::read::{RawPage, RawPiece, RawSource};
use utoipa::ToSchema;

use crate::http::base64;

/// A page of payloads and lines.
#[derive(Serialize, ToSchema)]
pub(crate) struct Raw<'a> {
    pub(crate) id: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) requested_id: Option<i64>,
    pub(crate) items: Vec<Piece<'a>>,
    pub(crate) next_cursor: Option<String>,
}

/// A payload or a line; of a long one a part.
#[derive(Serialize, ToSchema)]
#[schema(as = RawPiece)]
pub(crate) struct Piece<'a> {
    #[serde(flatten)]
    pub(crate) source: Source<'a>,
    /// Bytes of the whole.
    pub(crate) size: u64,
    /// Which of them is the first one here.
    pub(crate) from: u64,
    /// As it was captured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<&'a str>,
    /// In place of `text`, where that would be no UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(tag = "source", rename_all = "lowercase")]
#[schema(as = RawSource)]
pub(crate) enum Source<'a> {
    /// What Claude Code gave to a hook.
    Event {
        event: &'a str,
        /// The name of the queue file.
        file: &'a str,
        captured_at: Option<String>,
    },
    /// A line of a transcript.
    Line {
        /// The path, where it was read.
        file: &'a str,
        /// At which byte of the file it begins.
        offset: u64,
    },
}

impl<'a> Raw<'a> {
    /// `alias` is the id that was asked for, where that is another.
    pub(crate) fn of(page: &'a RawPage, alias: Option<ConversationId>, next_cursor: Option<String>) -> Self {
        Self {
            id: page.id.0,
            requested_id: alias.map(|id| id.0),
            items: page.items.iter().map(Piece::of).collect(),
            next_cursor,
        }
    }
}

impl<'a> Piece<'a> {
    fn of(piece: &'a RawPiece) -> Self {
        let source = match &piece.source {
            RawSource::Event { event, name, captured_ns } => {
                Source::Event { event, file: name, captured_at: rfc3339(captured_ns / 1_000_000) }
            }
            RawSource::Line { path, offset } => Source::Line { file: path, offset: *offset },
        };
        let text = std::str::from_utf8(&piece.bytes).ok();
        let base64 = text.is_none().then(|| base64::padded(&piece.bytes));
        Self { source, size: piece.size, from: piece.from, text, base64 }
    }
}
