//! Whether secrets are hidden, and where.

use std::str::FromStr;

use serde::Deserialize;

/// What becomes of secrets in what was captured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Redact {
    /// They are shown as they were captured.
    #[default]
    Off,
    /// They are kept, and hidden wherever something is shown or leaves.
    Display,
    /// They are overwritten before anything is kept, and what was kept before is hidden.
    Ingest,
}

impl FromStr for Redact {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Self::Off),
            "display" => Ok(Self::Display),
            "ingest" => Ok(Self::Ingest),
            _ => Err(format!("`{text}` is none of off, display, ingest")),
        }
    }
}
