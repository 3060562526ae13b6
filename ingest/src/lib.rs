//! Takes the queue and the transcripts into the store.
//!
//! ```text
//! cli ─▶ once ─┐                    scan ─▶ claim ─▶ parse ─▶ batch ──commit──▶ archive
//!      daemon ─┴▶ pass ─▶ intake ────┘        └──────────▶ fail (failed/ + .reason.json)
//!                   │ before: spill, janitor (tmp)
//!                   └ after:  transcripts ─▶ derive ─▶ correlate
//! ```
//!
//! Three rules make it safe to kill at any instruction: a file is moved only under its own lock, it leaves the queue only
//! after its row is durable, and a row's key is the file's name and bytes. [`step`] lists the points between.

pub mod cli;
pub mod daemon;
pub mod error;
pub mod exit;
pub mod home;
pub mod logging;
pub mod once;
pub mod pass;
pub mod report;
pub mod schedule;
pub mod step;

mod batch;
mod claim;
mod clock;
mod fail;
mod files;
mod intake;
mod janitor;
mod lock;
mod parse;
mod places;
mod reject;
mod scan;
mod spill;
mod store_handle;
mod twins;
mod watch;

pub mod derive;
pub mod transcripts;

mod correlate;
mod json;
