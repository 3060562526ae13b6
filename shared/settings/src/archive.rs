//! What becomes of a queue file once its row is committed.

use std::str::FromStr;

use serde::Deserialize;

/// The ways; the bytes are in the database in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Archive {
    /// It stays a file, in a folder for each UTC day.
    Files,
    /// It stays a file for some days; then its day becomes one compressed file.
    #[default]
    Pack,
    /// It is removed.
    Off,
}

impl FromStr for Archive {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "files" => Ok(Self::Files),
            "pack" => Ok(Self::Pack),
            "off" => Ok(Self::Off),
            _ => Err(format!("`{text}` is none of files, pack, off")),
        }
    }
}
