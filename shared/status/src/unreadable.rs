//! What could not be read, as findings.

use std::io;

use queue::DataDir;
use store::Error;

use crate::assess::let_go;
use crate::code::Code;
use crate::finding::{Finding, Severity, finding};
use crate::ingesters;

/// What keeps ingesters from upgrading the database, if that is what `error` waits for and a pass has told; fits behind
/// "failed to".
pub fn hindrance(error: &Error) -> Option<String> {
    let Error::NotMigrated { path, .. } = error else { return None };
    let home = DataDir::new(path.parent()?.parent()?);
    Some(ingesters::trouble(&home)?.text)
}

/// What mends a damaged database.
pub(crate) const RECOVER: &str = "Stop the ingester and run `prompt-manager recover`: it sets the file aside and makes a new one from backups, archive and transcripts.";

/// Why the database does not answer; `None` where the look at the machine tells.
pub(crate) fn database(error: &Error) -> Option<Finding> {
    use Error as E;
    let (code, severity, next_step) = match error {
        E::Missing { path } => {
            return Some(finding(
                Code::NothingYet,
                Severity::Note,
                format!("Nothing was taken in yet: there is no {}.", path.display()),
                "Run `prompt-manager run`, or `prompt-manager once` for a single pass.",
            ));
        }
        E::Unfit { .. } => return None,
        E::Lost { .. } => (
            Code::DatabaseMissing,
            Severity::Error,
            "Stop the ingester and run `prompt-manager recover`, which makes it anew from backup, archive and transcripts; or `prompt-manager restore BACKUP`.",
        ),
        E::NotMigrated { .. } => {
            let (detail, step) = match hindrance(error) {
                None => (
                    format!("Failed to {error}."),
                    "Start or restart the ingester, which upgrades it: `prompt-manager once` does so at once.",
                ),
                Some(why) => (
                    format!("Failed to {error}; the last pass could not, as it failed to {why}."),
                    "Remove the cause; the next pass upgrades it, and `prompt-manager once` tries at once.",
                ),
            };
            return Some(finding(Code::DatabaseOld, Severity::Error, detail, step));
        }
        E::TooNew { .. } | E::Outdated { .. } => (
            Code::DatabaseTooNew,
            Severity::Error,
            "Start this program again: it is older than the database. If that does not help, install the newer version of Prompt Manager.",
        ),
        E::Foreign { .. } => (Code::DatabaseForeign, Severity::Error, "Choose another data directory with --home."),
        E::Corrupt { .. } => (Code::DatabaseDamaged, Severity::Error, RECOVER),
        E::Busy { .. } => {
            let detail = format!("Failed to {error}. Hooks go on, and nothing is lost.");
            let step = format!("{}.", let_go(&detail));
            return Some(finding(Code::DatabaseBusy, Severity::Warning, detail, step));
        }
        E::Interrupted { .. } => (Code::DatabaseSlow, Severity::Warning, "Wait until the machine is less busy."),
        E::NoFile { step, .. } => {
            let step: String = step[..1].to_uppercase() + &step[1..] + ".";
            return Some(finding(Code::DatabaseUnreadable, Severity::Error, format!("Failed to {error}."), step));
        }
        E::Storage { .. } | E::Io { .. } => {
            (Code::DatabaseUnreadable, Severity::Error, "Check the disk and the rights of the database folder.")
        }
        _ => (Code::DatabaseError, Severity::Error, "Run `prompt-manager doctor`, and report what it says."),
    };
    Some(finding(code, severity, format!("Failed to {error}."), next_step))
}

/// Why another part cannot be told.
pub(crate) fn part(part: &'static str, error: &io::Error) -> Finding {
    let code = match part {
        "queue" => Code::QueueUnreadable,
        "ingesters" => Code::IngestersUnreadable,
        "failed" => Code::FailedUnreadable,
        "backups" => Code::BackupsUnreadable,
        "hook_errors" => Code::HookErrorsUnreadable,
        _ => Code::SpaceUnreadable,
    };
    let severity = if part == "queue" { Severity::Error } else { Severity::Warning };
    let next_step = "Give yourself the right to read the data directory, and check its disk.";
    finding(code, severity, format!("Failed to {error}."), next_step)
}
