//! What the figures say: each rule is a function from the document to a finding.

use settings::{Schedule, Settings};

use crate::code::{self, Code};
use crate::finding::{Finding, Severity, finding};
use crate::gather::Status;
use crate::ingesters::Ended;
use crate::parts::BackupKind;
use crate::service;
use crate::time::Time;
use crate::unreadable;

/// A file that waits longer than this, in milliseconds, waits for somebody who is not there.
const PATIENCE_MS: u64 = 60_000;
/// When nobody has come for so long, nothing goes on.
pub(crate) const LONG_MS: u64 = 3_600_000;
/// A clock may be so far off.
const SKEW_MS: i64 = 300_000;
/// The log is truncated to a quarter of this at checkpoints.
const LARGE_WAL: u64 = 256 * 1024 * 1024;
/// With so few files left to be made, the next pass may not find the ones it needs.
const FEW_FILES: u64 = 16;
/// Of fewer events in an hour, the slowest says nothing.
const ENOUGH: i64 = 20;

/// All that is wrong.
pub(crate) fn all(status: &Status, settings: &Settings) -> Vec<Finding> {
    let rules = [service::down, waiting, failed, trouble, space, wal, hook_errors, clock, chores, forgetting];
    let mut findings: Vec<_> = rules.into_iter().filter_map(|rule| rule(status)).collect();
    findings.extend(backups(status));
    findings.extend(slow(status, settings));
    findings
}

fn waiting(status: &Status) -> Option<Finding> {
    let waiting = status.queue?;
    let (now, waiting) = (status.checked_at, waiting.waiting());
    let files: u64 = waiting.iter().map(|folder| folder.files).sum();
    let waited = waiting.iter().filter_map(|folder| folder.waited_ms).max()?;
    let told = format!("{} in the queue, for up to {}", count(files, "file waits", "files wait"), span(waited));
    if status.ingesters.is_empty() {
        if service::down(status).is_some() || ended(status).is_some() {
            return None; // which tells of it
        }
        // A timer that starts `once` now and then is as good as a loop.
        let visited = status.last_once_at.is_some_and(|last| last.ago(now) < LONG_MS);
        let patience = if visited { PATIENCE_MS + LONG_MS } else { PATIENCE_MS };
        let severity = if waited > LONG_MS { Severity::Error } else { Severity::Warning };
        return (waited > patience).then(|| {
            finding(
                Code::NoIngester,
                severity,
                format!("{told}, and no ingester runs."),
                "Start it: `prompt-manager run`, or `prompt-manager once` for a single pass.",
            )
        });
    }
    // Nobody is late before he came, nor those who look by the clock before their time has come.
    let late = |ingester: &crate::parts::Ingester| {
        let waited = waited.min(ingester.started_at.ago(now));
        match (ingester.every_ms, ingester.next_wake_at) {
            (Some(every), _) => waited > PATIENCE_MS.max(every.saturating_mul(2)),
            (None, Some(next)) => next.ago(now) > PATIENCE_MS && waited > PATIENCE_MS,
            (None, None) => waited > PATIENCE_MS,
        }
    };
    let is_late = status.ingesters.iter().any(late);
    is_late.then(|| {
        finding(
            Code::QueueWaits,
            Severity::Warning,
            format!("{told}, and an ingester runs."),
            "If the number does not fall, see the other findings and logs/processor.log.",
        )
    })
}

fn failed(status: &Status) -> Option<Finding> {
    let failed = status.failed.as_ref().filter(|failed| failed.files > 0)?;
    let by_reason: Vec<_> = failed.by_reason.iter().map(|(reason, n)| format!("{n} {reason}")).collect();
    Some(finding(
        Code::FilesFailed,
        Severity::Warning,
        format!("{} not be taken in: {}.", count(failed.files, "file could", "files could"), by_reason.join(", ")),
        "List them with `prompt-manager failed`; once the reason is gone, `prompt-manager retry --all` puts them back.",
    ))
}

fn trouble(status: &Status) -> Option<Finding> {
    let trouble = status.trouble.as_ref()?;
    let now = status.checked_at;
    let since = if trouble.count > 1 {
        format!(
            "Since {} ago, {} times, last {} ago",
            span(trouble.since_at.ago(now)),
            trouble.count,
            span(trouble.last_at.ago(now))
        )
    } else {
        format!("{} ago", span(trouble.last_at.ago(now)))
    };
    if let Some(ended) = ended(status) {
        return Some(Finding {
            code: code::known(&ended.code).unwrap_or(Code::Trouble.name()),
            severity: Severity::Error,
            detail: format!(
                "{since}, an ingester ended: it failed to {}. What comes waits in the queue.",
                trouble.text
            ),
            next_step: ended.next_step.clone(),
        });
    }
    Some(finding(
        Code::Trouble,
        Severity::Error,
        format!("{since}, a pass failed to {}. Nothing is lost; what comes waits in the queue.", trouble.text),
        cure(&trouble.text),
    ))
}

/// The fault that ended an ingester, if no pass has been good since.
fn ended(status: &Status) -> Option<&Ended> {
    status.trouble.as_ref()?.ended.as_ref()
}

/// What to do about a fault, by its text.
fn cure(text: &str) -> String {
    let then = "the next pass takes in what waits, and takes this away.";
    if text.contains("the database is busy") {
        return format!("{}; {then}", let_go(text));
    }
    format!("Remove the cause; {then}")
}

/// What to do about somebody who has the database, whom the text may name.
pub(crate) fn let_go(text: &str) -> String {
    match text.split_once("(pid ").and_then(|(_, rest)| rest.split_once(')')) {
        Some((pid, _)) => format!("Look who that is (`ps -fp {pid}`), and end it or wait until it is done"),
        None => "End the program that has the database open, or wait until it is done".to_owned(),
    }
}

fn space(status: &Status) -> Option<Finding> {
    let space = status.space?;
    let free = size(space.free_bytes);
    let home = &status.home;
    if space.read_only {
        let detail = format!("{home} is on a file system that is mounted read-only: nothing can be captured there.");
        return Some(finding(
            Code::ReadOnly,
            Severity::Error,
            detail,
            "Look at the disk (`dmesg`), then mount it for writing again.",
        ));
    }
    if space.free_bytes < space.min_bytes {
        let detail = format!("{free} are free in {home}; below {} nothing is taken in.", size(space.min_bytes));
        return Some(finding(
            Code::SpaceOut,
            Severity::Error,
            detail,
            "Make room; taking in goes on by itself. `prompt-manager prune --dry-run` shows what of ours could go.",
        ));
    }
    if let Some(left) = space.free_files.filter(|left| *left < FEW_FILES) {
        let left = count(left, "more file can", "more files can");
        let detail =
            format!("Only {left} be made in {home}: its file system is out of inodes, whatever bytes are free.");
        return Some(finding(
            Code::InodesOut,
            Severity::Error,
            detail,
            "Remove files that nobody needs from it (`df -i`); taking in goes on by itself.",
        ));
    }
    (space.free_bytes < space.low_bytes).then(|| {
        let detail = format!("{free} are free in {home}; that is little, by `low_space` ({}).", size(space.low_bytes));
        finding(
            Code::SpaceLow,
            Severity::Warning,
            detail,
            "Make room; `prompt-manager prune --dry-run` shows what of ours could go.",
        )
    })
}

fn wal(status: &Status) -> Option<Finding> {
    let bytes = status.database.as_ref()?.wal_bytes;
    (bytes > LARGE_WAL).then(|| {
        finding(
            Code::WalLarge,
            Severity::Warning,
            format!("The write-ahead log of the database has grown to {}.", size(bytes)),
            "Look for a program that keeps the database open and reading, and end it.",
        )
    })
}

fn hook_errors(status: &Status) -> Option<Finding> {
    let errors = status.hook_errors.filter(|errors| errors.last_day > 0)?;
    let lost = match errors.lost_last_day {
        0 => "no event was lost".to_owned(),
        n => count(n, "event was lost", "events were lost"),
    };
    Some(finding(
        Code::HookErrors,
        if errors.lost_last_day > 0 { Severity::Error } else { Severity::Warning },
        format!("The hook noted {} in the last day; {lost}.", count(errors.last_day, "fault", "faults")),
        format!("Read {}/logs/hook-errors.log; it says of each what became of the event.", status.home),
    ))
}

fn clock(status: &Status) -> Option<Finding> {
    let newest = status.queue.iter().flat_map(|queue| queue.folders().map(|folder| folder.newest)).flatten();
    let began = status.last_pass.as_ref().map(|pass| pass.began_at);
    let last = newest.chain(status.last_event_at).chain(began).max()?;
    let ahead = last.0.saturating_sub(status.checked_at.0);
    (ahead > SKEW_MS).then(|| {
        finding(
            Code::Clock,
            Severity::Warning,
            format!(
                "Something was captured or done {} from now: the clock was or is wrong.",
                span(ahead.unsigned_abs())
            ),
            "Check the time of this machine (`date`). Nothing is lost by it, but times and ages are wrong.",
        )
    })
}

fn chores(status: &Status) -> Option<Finding> {
    let failure = status.chores.as_ref()?;
    let ago = span(Time(failure.at_ms).ago(status.checked_at));
    Some(finding(
        Code::ChoresFailed,
        Severity::Warning,
        format!("{ago} ago, the daily chores failed to {}. What does not need it was done.", failure.reason),
        "Remove the cause (`prompt-manager doctor` looks at every packed day); `prompt-manager prune` tries again now.",
    ))
}

fn forgetting(status: &Status) -> Option<Finding> {
    let left = status.forgetting.as_ref()?;
    Some(finding(
        Code::ForgetUnfinished,
        Severity::Error,
        format!("What was forgotten still stands in {}.", left.places.join("; ")),
        "Remove the cause, or delete that file; it is tried again each hour, and at once by the same `prompt-manager forget`.",
    ))
}

fn backups(status: &Status) -> Vec<Finding> {
    let Some(backups) = &status.backups else { return Vec::new() };
    let mut findings = Vec::new();
    for (kind, what) in [(&backups.annotations, "what people said"), (&backups.database, "the database")] {
        if let Some(reason) = &kind.failure {
            findings.push(finding(
                Code::BackupFailed,
                Severity::Warning,
                format!("The last backup of {what} failed: {reason}."),
                if reason.contains("the database is damaged") {
                    unreadable::RECOVER
                } else {
                    "Remove the cause; it is tried again each hour."
                },
            ));
        }
        findings.extend(old(status, kind, what));
    }
    findings
}

/// Older than twice the interval. A store that is younger than that cannot have an older one.
fn old(status: &Status, kind: &BackupKind, what: &str) -> Option<Finding> {
    let limit = kind.every_ms.saturating_mul(2);
    let aged = |time: Time| time.ago(status.checked_at) > limit;
    let is_old = kind.every_ms > 0 && status.first_stored.is_some_and(aged) && kind.last_at.is_none_or(aged);
    is_old.then(|| {
        let age =
            kind.last_age_ms.map_or_else(|| "There is no".to_owned(), |age| format!("{} old is the last", span(age)));
        finding(
            Code::BackupOld,
            Severity::Warning,
            format!("{age} backup of {what}; one is due every {}.", span(kind.every_ms)),
            "`prompt-manager run` and `prompt-manager once` make those that are due; `prompt-manager backup DEST` makes one now.",
        )
    })
}

/// Only where the loop looks at an interval: by the clock, a wait is as long as it was asked to be.
fn slow(status: &Status, settings: &Settings) -> Option<Finding> {
    let Schedule::Every(every) = &settings.schedule else { return None };
    let hour = status.latency.as_ref()?.hour;
    let limit = i64::try_from(every.as_millis()).unwrap_or(i64::MAX).saturating_mul(10).max(60_000);
    let p95 = hour.p95_ms.filter(|p95| *p95 > limit && hour.events >= ENOUGH)?;
    Some(finding(
        Code::Slow,
        Severity::Note,
        format!("In the last hour one in twenty events waited {} or longer.", span(p95.unsigned_abs())),
        "Nothing, if the ingester was off or files were put back; else see its log.",
    ))
}

pub(crate) fn count(n: u64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// As a person says it: `40 s`, `5 min`, `3 h`, `12 d`.
fn span(ms: u64) -> String {
    match ms / 1000 {
        s @ 0..120 => format!("{s} s"),
        s @ 120..7200 => format!("{} min", s / 60),
        s @ 7200..172_800 => format!("{} h", s / 3600),
        s => format!("{} d", s / 86_400),
    }
}

/// `224 KiB`, `300 MiB`, `44 GiB`: from ten of a unit on, that unit.
fn size(bytes: u64) -> String {
    match bytes {
        0..0xa0_0000 => format!("{} KiB", bytes >> 10),
        0xa0_0000..0x2_8000_0000 => format!("{} MiB", bytes >> 20),
        _ => format!("{} GiB", bytes >> 30),
    }
}

#[cfg(test)]
mod tests;
