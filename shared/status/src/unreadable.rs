//! What could not be read, as findings.

use std::io;

use store::Error;

use crate::finding::{Finding, Severity};

/// Why the database does not answer.
pub(crate) fn database(error: &Error) -> Finding {
    use Error as E;
    let (code, severity, next_step) = match error {
        E::Missing { path } => {
            return Finding {
                code: "nothing_yet",
                severity: Severity::Note,
                detail: format!("Nothing was taken in yet: there is no {}.", path.display()),
                next_step: "Run `prompt-manager run`, or `prompt-manager once` for a single pass.".to_owned(),
            };
        }
        E::Lost { .. } => (
            "database_missing",
            Severity::Error,
            "Stop the ingester and run `prompt-manager recover`, which makes it anew from backup, archive and transcripts; or `prompt-manager restore BACKUP`.",
        ),
        E::NotMigrated { .. } => (
            "database_old",
            Severity::Error,
            "Start or restart the ingester, which upgrades it: `prompt-manager once` does so at once.",
        ),
        E::TooNew { .. } | E::Outdated { .. } => (
            "database_too_new",
            Severity::Error,
            "Start this program again: it is older than the database. If that does not help, install the newer version of Prompt Manager.",
        ),
        E::Foreign { .. } => ("database_foreign", Severity::Error, "Choose another data directory with --home."),
        E::Corrupt { .. } => (
            "database_damaged",
            Severity::Error,
            "Stop the ingester and run `prompt-manager recover`: it sets the file aside and makes a new one from backups, archive and transcripts.",
        ),
        E::Busy { .. } => ("database_busy", Severity::Warning, "Wait: a restore or another program has it locked."),
        E::Interrupted { .. } => ("database_slow", Severity::Warning, "Wait until the machine is less busy."),
        E::Storage { .. } | E::Io { .. } => {
            ("database_unreadable", Severity::Error, "Check the disk and the rights of the database folder.")
        }
        _ => ("database_error", Severity::Error, "Run `prompt-manager doctor`, and report what it says."),
    };
    Finding { code, severity, detail: format!("Failed to {error}."), next_step: next_step.to_owned() }
}

/// Why another part cannot be told.
pub(crate) fn part(part: &'static str, error: &io::Error) -> Finding {
    let code = match part {
        "queue" => "queue_unreadable",
        "ingesters" => "ingesters_unreadable",
        "failed" => "failed_unreadable",
        "backups" => "backups_unreadable",
        "hook_errors" => "hook_errors_unreadable",
        _ => "space_unreadable",
    };
    Finding {
        code,
        severity: if part == "queue" { Severity::Error } else { Severity::Warning },
        detail: format!("Failed to {error}."),
        next_step: "Give yourself the right to read the data directory, and check its disk.".to_owned(),
    }
}
