//! Something that is not as it should be, and what a person does about it.

use serde::Serialize;
use utoipa::ToSchema;

/// How bad it is, mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
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
