//! Something that is not as it should be, and what a person does about it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::code::Code;

/// How bad it is, mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing has to be done.
    Note,
    /// Something does not work as it could. Nothing is lost.
    Warning,
    /// Something is lost, or will be, or nothing goes on.
    Error,
}

/// One finding. The texts never hold a word of a prompt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Finding {
    /// A name for programs that stays: `queue_waits`.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is so, with figures and paths; a sentence.
    pub detail: String,
    /// What to do about it; a sentence, with the command if there is one.
    pub next_step: String,
}

/// One of our own table.
pub(crate) fn finding(code: Code, severity: Severity, detail: String, next_step: impl Into<String>) -> Finding {
    Finding { code: code.name(), severity, detail, next_step: next_step.into() }
}
