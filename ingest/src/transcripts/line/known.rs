//! Which types of lines we know: a line of any other is kept raw and counted, never an error.

/// The types of lines that have been seen to hold nothing that correlation needs (claude-code.md C.3).
const KNOWN_TYPES: [&str; 33] = [
    "progress",
    "summary",
    "agent-name",
    "agent-color",
    "agent-setting",
    "tag",
    "last-prompt",
    "permission-mode",
    "mode",
    "file-history-snapshot",
    "file-history-delta",
    "pr-link",
    "worktree-state",
    "relocated",
    "cost-state",
    "content-replacement",
    "attribution-snapshot",
    "isolation-latch",
    "atis-latch",
    "bridge-session",
    "frame-link",
    "ended",
    "conversation_reset",
    "started",
    "result",
    // Of these the part that matters may be missing.
    "user",
    "assistant",
    "system",
    "attachment",
    "queue-operation",
    "custom-title",
    "ai-title",
    "continued-in",
];

/// Whether lines of this type are known.
pub(super) fn is_known(kind: &str) -> bool {
    KNOWN_TYPES.contains(&kind) || kind.starts_with("artifact-")
}
