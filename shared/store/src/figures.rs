//! What the ingester tells of itself, as it is written and read.

use crate::latency::Latency;

/// What a pass did. Counts are of that pass; times are milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pass {
    /// `run` or `once`; of `once`, all its passes are one.
    pub command: String,
    /// When it began, since 1970, UTC.
    pub began_ms: i64,
    /// How long it took.
    pub took_ms: i64,
    /// Of these: from the queue to the archive.
    pub queue_ms: i64,
    /// Following transcripts.
    pub transcripts_ms: i64,
    /// Deriving conversations.
    pub derive_ms: i64,
    /// Queue files stored as new events.
    pub stored: i64,
    /// Queue files whose event was there already.
    pub replayed: i64,
    /// Queue files moved to failed.
    pub failed: i64,
    /// Queue files of ignored projects and sessions; they count in the totals alone.
    pub ignored: i64,
    /// Queue files left for the next pass.
    pub put_back: i64,
    /// Files of dead hooks taken over from tmp.
    pub adopted: i64,
    /// Files taken over from the spill place.
    pub drained: i64,
    /// Payload bytes stored.
    pub bytes: i64,
    /// Transcript files that had something new.
    pub transcript_files: i64,
    /// Transcript bytes taken in.
    pub transcript_bytes: i64,
    /// Sessions derived anew.
    pub sessions: i64,
    /// Conversations that this changed.
    pub conversations: i64,
    /// The fault that ended it, if one did.
    pub trouble: Option<String>,
}

/// By which sources the conversations of the default list were seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// By hooks alone.
    pub hook_only: i64,
    /// By transcripts alone.
    pub transcript_only: i64,
    /// By both.
    pub both: i64,
}

/// What is kept of how the ingester does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// The last pass that did something or met a fault.
    pub last_pass: Option<Pass>,
    /// From capture to commit, of what was committed in the last hour.
    pub hour: Latency,
    /// In the last day.
    pub day: Latency,
    /// What all passes did since the store was made, by name.
    pub totals: Vec<(String, i64)>,
    /// Which sources saw the conversations.
    pub seen: Seen,
    /// When the first event was stored, in milliseconds since 1970: how old the store is at least.
    pub first_stored_ms: Option<i64>,
}
