//! How it is going: the queue, the ingesters, the passes, the disk and the backups, and what is wrong with them. One view
//! for `prompt-manager status`, for `doctor` and for the API.
//!
//! Reading order: `gather` (the document as a whole), `parts` (what is in it), `assess` (what the figures say); then what
//! it is made from: `queue`, `ingesters`, `service`, `failed`, `backups`, `chores`, `hook_errors`, `machine`, `outside`.

mod assess;
pub mod backups;
pub mod chores;
mod code;
pub mod failed;
mod finding;
pub mod forgetting;
mod gather;
mod hook_errors;
pub mod ingesters;
mod machine;
mod outside;
pub mod parts;
mod queue;
mod service;
mod time;
mod unreadable;

pub use code::CODES;
pub use finding::{Finding, Severity};
pub use gather::Status;
pub use hook_errors::HookErrors;
pub use machine::OTHERS;
pub use parts::State;
pub use queue::{Folder, Queue};
pub use time::Time;
pub use unreadable::hindrance;
