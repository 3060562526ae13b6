//! What was forgotten and still stands somewhere: `run/forgetting.json` says where, until it is out of there too.

use queue::DataDir;
use serde::{Deserialize, Serialize};

/// How the last try to take it out ended, if not everywhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// Each place and why it is still there; no word of a prompt.
    pub places: Vec<String>,
}

/// `None` if it is nowhere any more. A note that cannot be read says nothing.
pub fn left(home: &DataDir) -> Option<Left> {
    queue::plain::read(&home.forgetting_note()).ok().and_then(|text| serde_json::from_slice(&text).ok())
}
