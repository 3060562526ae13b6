//! What sort of line it is, where something of its session is forgotten.

use store::TranscriptId;
use store::json::Object;

use crate::transcripts::line::{self, Body, Line, Operation};

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
    /// Of a type that we do not know.
    Unknown,
    /// Something was queued, by its key, or taken from the queue, with the text if there is one.
    Queued([u8; 16], Option<String>),
    /// A message of a client that gave it no uuid, or what came of one: its place tells whose it is.
    Other,
    /// How the session stands: of nobody.
    State,
}

/// Types of lines without uuid that say again what is said elsewhere.
const TEXTS: [&str; 6] = ["summary", "last-prompt", "ai-title", "custom-title", "agent-name", "tag"];

/// Types of lines without uuid that say nothing of what was said.
const STATES: [&str; 16] = [
    "mode",
    "permission-mode",
    "worktree-state",
    "continued-in",
    "pr-link",
    "cost-state",
    "file-history-snapshot",
    "file-history-delta",
    "bridge-session",
    "relocated",
    "isolation-latch",
    "atis-latch",
    "agent-color",
    "agent-setting",
    "ended",
    "conversation_reset",
];

/// The sort of a line, and the line; `None` if it is none.
pub(super) fn sort(object: &Object<'_>, at: (TranscriptId, u64), json: &str) -> Option<(Sort, Line)> {
    let line = line::parse(json, at.0, at.1)?;
    let kind = object.text("type").unwrap_or_default();
    let sort = match &line.body {
        _ if object.is("isCompactSummary") => Sort::Summary(line.at_ms.unwrap_or(i64::MAX)),
        Body::User(user) if user.text.is_none() && !user.results.is_empty() => {
            Sort::Results(user.results.iter().map(|result| result.tool_use_id.clone()).collect())
        }
        Body::Operation(Operation::Enqueue(text) | Operation::Remove(Some(text))) => {
            Sort::Queued(line.key, Some(text.clone()))
        }
        Body::Operation(_) => Sort::Queued(line.key, None),
        _ if line.uuid.is_some() => Sort::Of,
        Body::Unknown(_) => Sort::Unknown,
        _ if TEXTS.contains(&kind.as_str()) => Sort::Text,
        _ if STATES.contains(&kind.as_str()) => Sort::State,
        _ => Sort::Other,
    };
    Some((sort, line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expected: &Sort) {
        let (found, _) = sort(&Object::parse(json).unwrap(), (TranscriptId(1), 0), json).unwrap();
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
        check(r#"{"type":"made-later","text":"x"}"#, &Sort::Unknown);
        check(r#"{"type":"user","message":{"content":"of an old client"}}"#, &Sort::Other);
        check(
            r#"{"type":"queue-operation","operation":"enqueue","content":"x"}"#,
            &Sort::Queued([0; 16], Some("x".into())),
        );
        check(r#"{"type":"queue-operation","operation":"popAll"}"#, &Sort::Queued([0; 16], None));
        for kind in STATES {
            check(&format!(r#"{{"type":"{kind}"}}"#), &Sort::State);
        }
        for kind in ["frame-link", "started", "result", "progress", "assistant", "system"] {
            check(&format!(r#"{{"type":"{kind}","title":"x"}}"#), &Sort::Other);
        }
    }
}
