//! What the daily chores could not do: `run/chores.json` says it until they could do all of it.

use queue::DataDir;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The last round, if it was not a good one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Failure {
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// What failed first; fits behind "failed to", and holds no word of a prompt.
    pub reason: String,
}

/// `None` if it was a good one. A note that cannot be read says nothing.
pub fn failure(home: &DataDir) -> Option<Failure> {
    queue::plain::read(&home.chores_note()).ok().and_then(|text| serde_json::from_slice(&text).ok())
}
