//! What sort of line it is, where something of its session is forgotten.

use store::TranscriptId;
use store::json::Object;

use crate::transcripts::line::{self, Body, Operation};

/// Sorts of lines, by what decides about them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    /// It belongs to a conversation, or to a fork's copy of one.
    Of,
    /// Nothing but the results of these calls, which may stand in a later conversation.
    Results(Vec<String>),
    /// What was said until this time, for Claude to go on with.
    Summary(i64),
    /// A title or the last prompt: it says again what is said elsewhere.
    Text,
    /// Of a type that we do not know: these are its texts.
    Unknown(Vec<String>),
    /// Something was queued, by its key, or taken from the queue, with the text if there is one.
    Queued([u8; 16], Option<String>),
    /// A state of the session, or a message of a client that gave it no uuid: its place tells whose it is.
    Other,
}

/// Types of lines without uuid that say nothing of what was said.
const STATES: [&str; 9] = [
    "mode",
    "permission-mode",
    "worktree-state",
    "continued-in",
    "pr-link",
    "cost-state",
    "file-history-snapshot",
    "file-history-delta",
    "bridge-session",
];

pub(super) fn sort(object: &Object<'_>, at: (TranscriptId, u64), json: &str) -> Sort {
    let Some(line) = line::parse(json, at.0, at.1) else { return Sort::Other };
    if object.is("isCompactSummary") {
        return Sort::Summary(line.at_ms.unwrap_or(i64::MAX));
    }
    match line.body {
        Body::User(user) if user.text.is_none() && !user.results.is_empty() => {
            Sort::Results(user.results.into_iter().map(|result| result.tool_use_id).collect())
        }
        Body::Operation(Operation::Enqueue(text) | Operation::Remove(Some(text))) => Sort::Queued(line.key, Some(text)),
        Body::Operation(_) => Sort::Queued(line.key, None),
        _ if line.uuid.is_some() => Sort::Of,
        Body::User(_) | Body::Assistant(_) | Body::System(_) | Body::Queued(_) => Sort::Other,
        Body::Unknown(_) => Sort::Unknown(object.fields().filter_map(|(_, value)| store::json::text(value)).collect()),
        _ if object.text("type").is_some_and(|kind| STATES.contains(&kind.as_str())) => Sort::Other,
        _ => Sort::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expected: &Sort) {
        let found = sort(&Object::parse(json).unwrap(), (TranscriptId(1), 0), json);
        let same = match (&found, expected) {
            (Sort::Queued(_, found), Sort::Queued(_, expected)) => found == expected,
            (found, expected) => found == expected,
        };
        assert!(same, "{json}: {found:?}");
    }

    #[test]
    fn sorts_of_lines() {
        check(r#"{"type":"user","uuid":"u","message":{"content":"x"}}"#, &Sort::Of);
        check(
            r#"{"type":"user","uuid":"u","message":{"content":[{"type":"tool_result","tool_use_id":"t"}]}}"#,
            &Sort::Results(vec!["t".into()]),
        );
        check(
            r#"{"type":"user","uuid":"u","isCompactSummary":true,"timestamp":"1970-01-01T00:00:01Z","message":{"content":"x"}}"#,
            &Sort::Summary(1000),
        );
        check(r#"{"type":"ai-title","aiTitle":"x"}"#, &Sort::Text);
        check(r#"{"type":"last-prompt","lastPrompt":"x"}"#, &Sort::Text);
        check(r#"{"type":"made-later","text":"x"}"#, &Sort::Unknown(vec!["made-later".into(), "x".into()]));
        check(r#"{"type":"user","message":{"content":"of an old client"}}"#, &Sort::Other);
        check(
            r#"{"type":"queue-operation","operation":"enqueue","content":"x"}"#,
            &Sort::Queued([0; 16], Some("x".into())),
        );
        check(r#"{"type":"queue-operation","operation":"popAll"}"#, &Sort::Queued([0; 16], None));
        check(r#"{"type":"permission-mode","permissionMode":"plan"}"#, &Sort::Other);
    }
}
