//! The contract between the hook and the ingester: where files lie, what they are called, and how one comes into the queue.
//!
//! Everything here is std only, because the hook links it and pays for it at each prompt. Reading order: `layout`
//! (places), `name` (file names), `scan` (where a payload ends), `rate` (a prompt that is for us) with `field` (one text of a
//! payload), `place` (how a file moves), `plain` (files that others put there), `sys` (the system calls below), `broken`
//! (rules that a test can break).

pub mod broken;
pub mod field;
pub mod layout;
pub mod name;
pub mod place;
pub mod plain;
pub mod rate;
pub mod scan;
pub mod sys;

pub use layout::DataDir;
pub use name::{QueueName, Token};

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
compile_error!("Prompt Manager runs on Linux and macOS; on Windows use it inside WSL");
