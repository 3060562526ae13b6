//! Ids and places, each a type of its own, so that one cannot be taken for another.

/// A conversation's lasting id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConversationId(pub i64);

/// A row of `events`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(pub i64);

/// A row of `transcripts`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TranscriptId(pub i64);

/// What a conversation is recognised by (correlation.md 1 and 16), hashed to 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// A transcript line: its uuid, type, timestamp and message.
    Line([u8; 16]),
    /// A queue file: its name and bytes, with the origin that captured it or without any.
    Event([u8; 16]),
}

impl Key {
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Line(_) => "line",
            Self::Event(_) => "event",
        }
    }

    pub(crate) fn bytes(&self) -> &[u8; 16] {
        match self {
            Self::Line(bytes) | Self::Event(bytes) => bytes,
        }
    }
}

/// The ground row that a span points into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SpanSource {
    /// The bytes of a transcript.
    Transcript(TranscriptId),
    /// The payload of an event.
    Event(EventId),
}

/// Where a JSON value stands in the ground, so that long texts are stored once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    /// The file or payload.
    pub source: SpanSource,
    /// The value's first byte.
    pub offset: u64,
    /// Its length in bytes.
    pub length: u32,
}

impl Span {
    /// As the four columns of a table: source, id, offset, length.
    pub(crate) fn columns(self) -> (i64, i64, i64, i64) {
        let (source, id) = match self.source {
            SpanSource::Transcript(TranscriptId(id)) => (0, id),
            SpanSource::Event(EventId(id)) => (1, id),
        };
        (source, id, self.offset as i64, i64::from(self.length))
    }

    /// The reverse of [`Span::columns`].
    pub(crate) fn from_columns(source: i64, id: i64, offset: i64, length: i64) -> Self {
        let source =
            if source == 0 { SpanSource::Transcript(TranscriptId(id)) } else { SpanSource::Event(EventId(id)) };
        Self { source, offset: offset as u64, length: u32::try_from(length).unwrap_or(0) }
    }
}
