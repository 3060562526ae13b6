//! The contract between the hook and the ingester: where files lie, what they are called, and how one comes into the queue.
//!
//! Everything here is std only, because the hook links it and pays for it at each prompt. Reading order: `layout`
//! (places), `name` (file names), then what the hook does with them.

pub mod layout;
pub mod name;

pub use layout::DataDir;
pub use name::{QueueName, Token};
