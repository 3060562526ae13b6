//! The shape of `/api/health`, and what makes its status.

use serde::Serialize;
use store::read;

use crate::backlog::{Backlog, Folder};
use crate::handlers::health::Failure;

/// A file that waits longer than this in `incoming` waits for somebody who is not there.
const PATIENCE_S: u64 = 60;

/// How bad it is, mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    Ok,
    Degraded,
    Failing,
}

/// What is wrong, and what a person does about it.
#[derive(Debug, Serialize)]
pub(crate) struct Reason {
    code: &'static str,
    level: Level,
    detail: String,
    next_step: &'static str,
}

/// The report.
#[derive(Serialize)]
pub(crate) struct Health<'a> {
    status: Level,
    reasons: &'a [Reason],
    queue: Option<Queue>,
    database: Option<Database>,
    last_event_at: Option<String>,
    versions: Versions,
}

#[derive(Serialize)]
struct Queue {
    incoming: FolderView,
    processing: FolderView,
    failed: FolderView,
    tmp: FolderView,
}

#[derive(Serialize)]
struct FolderView {
    files: u64,
    oldest_age_ms: Option<u64>,
}

#[derive(Serialize)]
struct Database {
    schema: i64,
    bytes: u64,
    wal_bytes: u64,
    events: i64,
    conversations: i64,
    sessions_to_derive: i64,
}

#[derive(Serialize)]
struct Versions {
    query_api: &'static str,
    sqlite: &'static str,
}

impl<'a> Health<'a> {
    pub(crate) fn of(
        queue: Option<&Backlog>,
        store: Option<&read::Health>,
        reasons: &'a [Reason],
        now_ns: u64,
    ) -> Self {
        let folder = |folder: Folder| FolderView {
            files: folder.files,
            oldest_age_ms: folder.oldest_ns.map(|oldest| now_ns.saturating_sub(oldest) / 1_000_000),
        };
        Self {
            status: reasons.iter().map(|reason| reason.level).max().unwrap_or(Level::Ok),
            reasons,
            queue: queue.map(|queue| Queue {
                incoming: folder(queue.incoming),
                processing: folder(queue.processing),
                failed: folder(queue.failed),
                tmp: folder(queue.tmp),
            }),
            database: store.map(|store| Database {
                schema: store.schema,
                bytes: store.bytes,
                wal_bytes: store.wal_bytes,
                events: store.events,
                conversations: store.conversations,
                sessions_to_derive: store.dirty_sessions,
            }),
            last_event_at: store.and_then(|store| store.last_event_ns).and_then(|ns| super::time(ns / 1_000_000)),
            versions: Versions { query_api: env!("CARGO_PKG_VERSION"), sqlite: store::engine_version().0 },
        }
    }
}

/// What the figures say.
pub(crate) fn assess(queue: Option<&Backlog>, store: Option<&read::Health>, now_ns: u64) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if let Some(queue) = queue {
        let waited_s = queue.incoming.oldest_ns.map_or(0, |oldest| now_ns.saturating_sub(oldest) / 1_000_000_000);
        if waited_s > PATIENCE_S {
            reasons.push(Reason {
                code: "queue_waits",
                level: Level::Degraded,
                detail: format!("{} files wait in the queue, the oldest for {waited_s} s.", queue.incoming.files),
                next_step: "Start the ingester: `prompt-manager run`, or `prompt-manager once` for a single pass.",
            });
        }
        if queue.failed.files > 0 {
            reasons.push(Reason {
                code: "files_failed",
                level: Level::Degraded,
                detail: format!("{} files could not be taken in.", queue.failed.files),
                next_step: "Read the .reason.json beside each file in queue/failed; the files themselves are kept.",
            });
        }
    }
    if let Some(store) = store
        && store.wal_bytes > 256 * 1024 * 1024
    {
        reasons.push(Reason {
            code: "wal_large",
            level: Level::Degraded,
            detail: format!("The write-ahead log has grown to {} MiB.", store.wal_bytes >> 20),
            next_step: "Look for a program that keeps the database open and reading, and end it.",
        });
    }
    reasons
}

impl Reason {
    /// The folders of the queue cannot be listed.
    pub(crate) fn unreadable_queue(error: &std::io::Error) -> Self {
        Self {
            code: "queue_unreadable",
            level: Level::Failing,
            detail: format!("The queue cannot be counted: {error}."),
            next_step: "Give yourself the right to read the data directory.",
        }
    }
}

impl From<Failure> for Reason {
    fn from(failure: Failure) -> Self {
        use store::Error as E;
        let error = match failure {
            Failure::Store(error) => error,
            Failure::Problem(problem) => {
                return Self {
                    code: "server_busy",
                    level: Level::Degraded,
                    detail: problem.detail,
                    next_step: "Try again; if it stays so, restart the server.",
                };
            }
        };
        let (code, level, next_step) = match &error {
            E::Missing { .. } => ("database_missing", Level::Failing, "Run `prompt-manager once`, which makes it."),
            E::NotMigrated { .. } => {
                ("database_old", Level::Failing, "Run `prompt-manager once`, which brings it up to date.")
            }
            E::TooNew { .. } => {
                ("database_new", Level::Failing, "Install the newer version of Prompt Manager and restart the server.")
            }
            E::Foreign { .. } => ("database_foreign", Level::Failing, "Choose another data directory with --home."),
            E::Corrupt { .. } => {
                ("database_damaged", Level::Failing, "Keep a copy of the database folder, then restore a backup.")
            }
            E::Busy { .. } => ("database_busy", Level::Degraded, "Wait: a restore or another program has it locked."),
            E::Interrupted { .. } => ("database_slow", Level::Degraded, "Wait until the machine is less busy."),
            E::Storage { .. } | E::Io { .. } => {
                ("database_unreadable", Level::Failing, "Check the disk and the rights of the database folder.")
            }
            E::Sql { .. } | E::Refused { .. } => {
                ("database_error", Level::Failing, "Read the server's log and report it.")
            }
        };
        Self { code, level, detail: format!("Failed to {error}."), next_step }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 2_000_000_000_000_000_000;

    fn check(incoming: Folder, failed: Folder, expected: &[&str]) {
        let queue = Backlog { tmp: Folder::default(), incoming, processing: Folder::default(), failed };
        let reasons = assess(Some(&queue), None, NOW);
        assert_eq!(reasons.iter().map(|reason| reason.code).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_degrades() {
        let none = Folder::default();
        let since = |s: u64| Folder { files: 1, oldest_ns: Some(NOW - s * 1_000_000_000) };
        check(none, none, &[]);
        check(since(59), none, &[]);
        check(since(61), none, &["queue_waits"]);
        check(Folder { files: 1, oldest_ns: Some(NOW + 5) }, none, &[]);
        check(none, since(1), &["files_failed"]);
        check(since(61), since(1), &["queue_waits", "files_failed"]);
    }
}
