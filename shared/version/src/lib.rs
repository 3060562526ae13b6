//! Which version this is: what `--version` says. A package of its own, so that a new commit compiles nothing that does not say it.

/// `0.1.0 (1753ba9d1c2e 2026-11-22)`: version, commit and its day, or whatever `$PROMPT_MANAGER_COMMIT` said when it was built.
pub const LONG: &str = env!("VERSION_LONG");
