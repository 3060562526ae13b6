//! What can be wrong with the configuration; each is one line that says where, what and what would be right.

use std::path::PathBuf;

/// A configuration that cannot be used. A binary prints it and exits with 78.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is a file and it cannot be read.
    #[error("read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// What setup put on record cannot be read.
    #[error("{path}: cannot be read ({problem}); move it away, and set up again what it told of")]
    Recorded {
        /// The file.
        path: PathBuf,
        /// What is wrong, and on which line.
        problem: String,
    },
    /// The file is not what we understand.
    #[error("{path}, line {line}{}: {problem}", key.as_ref().map(|key| format!(", key `{key}`")).unwrap_or_default())]
    File {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// The key on that line, if there is one.
        key: Option<String>,
        /// What is wrong.
        problem: String,
    },
    /// An environment variable has no usable value.
    #[error("environment variable {name}: {problem}")]
    Variable {
        /// Its name.
        name: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// The rules for secrets cannot be used together; one that cannot be used at all is [`Error::File`].
    #[error("redact_rules: {0}")]
    Secrets(#[from] redact::Error),
    /// Two keys of one source exclude each other.
    #[error("`every` and `cron` exclude each other: give one")]
    TwoSchedules,
    /// A value is out of range.
    #[error("`{key}` must be {range}")]
    Range {
        /// The key.
        key: &'static str,
        /// What would be right.
        range: String,
    },
    /// Nothing says where the data lies.
    #[error("there is no home directory: set PROMPT_MANAGER_HOME to an absolute path or give --home")]
    NoHome,
}
