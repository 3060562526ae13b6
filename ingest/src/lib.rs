//! Takes the queue and the transcripts into the store.
//!
//! ```text
//! cli ─▶ once ─┐                    scan ─▶ claim ─▶ parse ─▶ batch ──commit──▶ archive
//!      daemon ─┴▶ pass ─▶ intake ────┘        └──────────▶ fail (failed/ + .reason.json)
//!                   │ before: spill, janitor (tmp)
//!                   └ after:  transcripts ─▶ derive ─▶ correlate, places, rate
//! ```
//!
//! Three rules make it safe to kill at any instruction: a file is moved only under its own lock, it leaves the queue only
//! after its row is durable, and a row's key is the file's name and bytes. [`step`] lists the points between.

pub mod account;
pub mod archive;
mod backlog;
pub mod backup;
mod child;
pub mod chores;
mod claude;
pub mod cli;
pub mod daemon;
mod disk;
pub mod dispatch;
pub mod doctor;
#[doc(hidden)]
pub mod doors;
pub mod error;
pub mod examples;
pub mod exit;
pub mod export;
pub mod failed;
pub mod forget;
mod guard;
pub mod home;
pub mod import;
pub mod logging;
pub mod manual;
pub mod notify;
pub mod once;
pub mod pass;
mod presence;
pub mod prune;
pub mod rebuild;
pub mod recover;
pub mod report;
pub mod restore;
pub mod schedule;
pub mod setup;
mod show;
mod signals;
pub mod status;
pub mod step;
mod upgrade;

mod clock;
mod store_handle;

// What a pass does, in its order.
mod intake;
pub mod transcripts;

mod copies;
mod correlate;
pub mod derive;
pub mod places;
mod rate;
