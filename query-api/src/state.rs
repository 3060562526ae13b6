//! What a server holds between two requests, and every handler may ask for: the way to the store, who listens for news of it,
//! and what was counted.

pub(crate) mod db;
pub(crate) mod events;
pub(crate) mod metrics;
