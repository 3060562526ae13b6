//! What is run when things begin to go wrong: the words of a program, or a line for a shell.

use serde::Deserialize;

/// A command. One line that says what is so comes as its last word.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Raw")]
pub enum Notify {
    /// A program and its words, as they are.
    Words(Vec<String>),
    /// A line for `sh -c`, in which `$1` is the line that says what is so.
    Shell(String),
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a command is wanted: a list of words, or a line for a shell")]
enum Raw {
    Words(Vec<String>),
    Shell(String),
}

impl Notify {
    /// A line for a shell.
    ///
    /// # Errors
    /// It is blank.
    pub fn shell(line: &str) -> Result<Self, String> {
        if line.trim().is_empty() { Err(nothing()) } else { Ok(Self::Shell(line.to_owned())) }
    }
}

impl TryFrom<Raw> for Notify {
    type Error = String;

    fn try_from(raw: Raw) -> Result<Self, String> {
        match raw {
            Raw::Shell(line) => Self::shell(&line),
            Raw::Words(words) if words.first().is_none_or(|program| program.trim().is_empty()) => Err(nothing()),
            Raw::Words(words) => Ok(Self::Words(words)),
        }
    }
}

fn nothing() -> String {
    "name a program, such as [\"notify-send\", \"Prompt Manager\"], or leave the key out".to_owned()
}
