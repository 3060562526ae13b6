//! How it is going: the queue, the ingesters, the passes, the disk and the backups, and what is wrong with them. One view
//! for `prompt-manager status`, for `doctor` and for the API.

pub mod backups;
pub mod failed;
mod finding;
pub mod ingesters;

pub use finding::{Finding, Severity};
