//! The contract between ingest and query-api: the database, and the only user of rusqlite.
//!
//! Modules are named for who may call them: [`mod@write`] is ingest's, [`read`] is everybody's, [`annotate`] is a
//! person's. Callers see plain Rust types, so that another database could stand behind the same functions. Who writes which
//! table:
//!
//! | tables | written by |
//! |---|---|
//! | events, transcripts, transcript_chunks, places, origins, meta | `write`, append-only |
//! | conversation_ids, conversation_keys | `write`, append-only |
//! | *_history, user_sessions, user_session_members, session_titles, saved_views | [`annotate`], append-only; `write` from other stores |
//! | marks, tagged, spellings, human_texts, search_human, search_human_parts, untold | triggers on the tables before, and on aliases |
//! | dirty_sessions, prompt_lines, places_wanted, session_links, sessions, turns, blocks, tool_calls, usage, search, search_tools, search_parts, search_titles, search_title_parts, titles, aliases, facets, tool_uses, models, tools, folders, quarter_* | `write`, rebuildable |
//! | passes, latencies, totals, turns_seen | `write`, figures of how it goes; turns_seen follows turns by triggers |

/// The version of the rules by which sessions are derived. Raised when the same ground gives other rows than before: sessions
/// that were derived by older rules are derived again, a few in each pass.
pub const PARSER: i64 = 6;

pub mod annotate;
pub mod backup;
pub mod check;
mod codec;
mod courtesy;
mod disk;
pub mod error;
mod figures;
mod functions;
mod held;
pub mod human;
pub mod ids;
pub mod json;
mod latency;
pub mod lost;
mod migrate;
mod open;
mod quarter;
pub mod read;
pub mod sieve;
mod sign;
pub mod swap;
pub mod upgrade;
mod usage;
pub mod veil;
pub mod watch;
pub mod words;
mod words_cjk;
pub mod write;

pub use disk::unfit_file_system;
pub use error::Error;
pub use figures::{Figures, Pass, Seen};
pub use held::Holder;
pub use ids::{ConversationId, EventId, Key, Span, SpanSource, TranscriptId};
pub use latency::Latency;
pub use migrate::SCHEMA;
pub use open::{DbLock, engine_version};
pub use veil::Veil;
pub use words::{BlockKind, Kind, SeenBy, Status, Via};
