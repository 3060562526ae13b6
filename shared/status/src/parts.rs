//! The parts of the document, with the names that programs know. They stay; new ones may come.

use std::collections::BTreeMap;

use serde::Serialize;
use store::{Figures, Latency, Pass, Seen, read};
use utoipa::ToSchema;

use crate::backups::{Backup, Backups, What};
use crate::failed::Failures;
use crate::ingesters;
use crate::time::Time;

/// How it is on the whole, the best first: by the worst finding, of which notes do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// All is well.
    Ok,
    /// Something does not work as it could.
    Degraded,
    /// Something is or will be lost, or nothing goes on.
    Failing,
}

/// An ingester that lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Ingester {
    /// Its process; 0 if its note cannot be read.
    pub pid: u32,
    /// `run` or `once`.
    pub command: String,
    /// `every 1s`, `cron @hourly`.
    pub schedule: Option<String>,
    /// Of the program.
    pub version: String,
    /// When it began.
    pub started_at: Time,
    /// When its last pass ended; up to a minute old.
    pub last_pass_at: Option<Time>,
    /// When it looks next, at the latest.
    pub next_wake_at: Option<Time>,
    /// Between two looks, in milliseconds; `None` for cron and `once`.
    pub every_ms: Option<u64>,
}

/// What hinders them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Trouble {
    /// First met.
    pub since_at: Time,
    /// Last met.
    pub last_at: Time,
    /// How often.
    pub count: u64,
    /// What it is.
    pub text: String,
    /// How it is told, if an ingester ended with it.
    #[serde(skip)]
    pub(crate) ended: Option<ingesters::Ended>,
}

/// The last pass that did something or met a fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LastPass {
    /// `run` or `once`.
    pub command: String,
    /// When it began.
    pub began_at: Time,
    /// In milliseconds.
    pub took_ms: i64,
    /// Where that time went.
    pub parts_ms: PassParts,
    /// Queue files stored as new events.
    pub stored: i64,
    /// Whose event was there already.
    pub replayed: i64,
    /// Moved to failed.
    pub failed: i64,
    /// Left for the next pass.
    pub put_back: i64,
    /// Taken over from dead hooks.
    pub adopted: i64,
    /// Taken over from the spill place.
    pub drained: i64,
    /// Payload bytes stored.
    pub bytes: i64,
    /// Transcript files that had something new.
    pub transcript_files: i64,
    /// Transcript bytes taken in.
    pub transcript_bytes: i64,
    /// Sessions derived anew.
    pub sessions: i64,
    /// Conversations that this changed.
    pub conversations: i64,
    /// The fault that ended it.
    pub trouble: Option<String>,
}

/// In milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PassParts {
    /// From the queue to the archive.
    pub queue: i64,
    /// Following transcripts.
    pub transcripts: i64,
    /// Deriving conversations.
    pub derive: i64,
}

/// From capture to commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Waits {
    /// Of what was committed in the last hour.
    pub hour: Percentiles,
    /// In the last day.
    pub day: Percentiles,
}

/// In milliseconds, at most 1/16 off; `None` without events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Percentiles {
    /// How many events there were.
    pub events: i64,
    /// Half waited longer.
    pub p50_ms: Option<i64>,
    /// One in twenty.
    pub p95_ms: Option<i64>,
    /// One in a hundred.
    pub p99_ms: Option<i64>,
}

/// What could not be taken in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct FailedFiles {
    /// Files; more than are counted by reason if there are very many.
    pub files: u64,
    /// By the kind of fault.
    pub by_reason: BTreeMap<String, u64>,
}

/// The database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Database {
    /// Its schema.
    pub schema: i64,
    /// Bytes of the file.
    pub bytes: u64,
    /// Bytes of the write-ahead log.
    pub wal_bytes: u64,
    /// Events ever stored.
    pub events: i64,
    /// Conversation ids ever given, to subagents too.
    pub conversations: i64,
    /// Sessions that wait to be derived, counted up to 10,000.
    pub sessions_to_derive: i64,
    /// Sessions that were derived by older rules: until they are derived again, search and figures lack what newer rules add.
    pub sessions_to_derive_again: i64,
}

/// By which sources the conversations of the default list were seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Completeness {
    /// By hooks alone.
    pub hook_only: i64,
    /// By transcripts alone.
    pub transcript_only: i64,
    /// By both.
    pub both: i64,
}

/// The file system of the data directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Space {
    /// Bytes that may still be written.
    pub free_bytes: u64,
    /// Below this it is worth a warning.
    pub low_bytes: u64,
    /// Below this nothing is taken in.
    pub min_bytes: u64,
    /// Files that may still be made (inodes); `None` where the file system does not count them.
    pub free_files: Option<u64>,
    /// Whether nothing can be written at all.
    pub read_only: bool,
}

/// The backups in the data directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct BackupFiles {
    /// What people said.
    pub annotations: BackupKind,
    /// The whole database.
    pub database: BackupKind,
    /// The database before an upgrade.
    pub upgrade: UpgradeBackup,
}

/// The copies that were made before the database was brought to a newer schema.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct UpgradeBackup {
    /// How many there are.
    pub files: u64,
    /// When the newest was made.
    pub last_at: Option<Time>,
    /// Its bytes.
    pub last_bytes: Option<u64>,
    /// Its path.
    pub last_path: Option<String>,
}

/// Of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct BackupKind {
    /// How many there are.
    pub files: u64,
    /// When the newest was made.
    pub last_at: Option<Time>,
    /// How long ago, in milliseconds.
    pub last_age_ms: Option<u64>,
    /// Its bytes.
    pub last_bytes: Option<u64>,
    /// Between two, as the settings say, in milliseconds; 0: none are made.
    pub every_ms: u64,
    /// Why the last try failed, if it did.
    pub failure: Option<String>,
}

/// Which programs these are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Versions {
    /// Prompt Manager.
    pub prompt_manager: &'static str,
    /// The database engine.
    pub sqlite: &'static str,
}

impl Ingester {
    pub(crate) fn of(note: &ingesters::Note, now: Time) -> Self {
        let every = note.every_ms.and_then(|every| i64::try_from(every).ok());
        Self {
            pid: note.pid,
            command: note.command.clone(),
            schedule: note.schedule.clone(),
            version: note.version.clone(),
            started_at: Time(note.started_ms),
            last_pass_at: note.last_pass_ms.map(Time),
            // One who looks every second does not write that down each second.
            next_wake_at: note.next_wake_ms.or_else(|| every.map(|every| now.0.saturating_add(every))).map(Time),
            every_ms: note.every_ms,
        }
    }
}

impl Trouble {
    pub(crate) fn of(trouble: ingesters::Trouble) -> Self {
        Self {
            since_at: Time(trouble.since_ms),
            last_at: Time(trouble.last_ms),
            count: trouble.count,
            text: trouble.text,
            ended: trouble.ended,
        }
    }
}

impl LastPass {
    pub(crate) fn of(pass: Pass) -> Self {
        Self {
            command: pass.command,
            began_at: Time(pass.began_ms),
            took_ms: pass.took_ms,
            parts_ms: PassParts { queue: pass.queue_ms, transcripts: pass.transcripts_ms, derive: pass.derive_ms },
            stored: pass.stored,
            replayed: pass.replayed,
            failed: pass.failed,
            put_back: pass.put_back,
            adopted: pass.adopted,
            drained: pass.drained,
            bytes: pass.bytes,
            transcript_files: pass.transcript_files,
            transcript_bytes: pass.transcript_bytes,
            sessions: pass.sessions,
            conversations: pass.conversations,
            trouble: pass.trouble,
        }
    }
}

impl Waits {
    pub(crate) fn of(figures: &Figures) -> Self {
        let of = |found: &Latency| Percentiles {
            events: found.events,
            p50_ms: found.p50_ms,
            p95_ms: found.p95_ms,
            p99_ms: found.p99_ms,
        };
        Self { hour: of(&figures.hour), day: of(&figures.day) }
    }
}

impl FailedFiles {
    pub(crate) fn of(files: u64, found: &Failures) -> Self {
        Self { files, by_reason: found.by_reason() }
    }
}

impl Database {
    pub(crate) fn of(health: &read::Health) -> Self {
        Self {
            schema: health.schema,
            bytes: health.bytes,
            wal_bytes: health.wal_bytes,
            events: health.events,
            conversations: health.conversations,
            sessions_to_derive: health.dirty_sessions,
            sessions_to_derive_again: health.older_sessions,
        }
    }
}

impl Completeness {
    pub(crate) fn of(seen: Seen) -> Self {
        Self { hook_only: seen.hook_only, transcript_only: seen.transcript_only, both: seen.both }
    }
}

impl UpgradeBackup {
    pub(crate) fn of(found: &Backups) -> Self {
        let last = found.of(What::Upgrade).last();
        Self {
            files: found.of(What::Upgrade).len() as u64,
            last_at: last.map(|backup| Time(backup.made_ms)),
            last_bytes: last.map(|backup| backup.bytes),
            last_path: last.map(|backup| backup.path.display().to_string()),
        }
    }
}

impl BackupKind {
    pub(crate) fn of(found: &Backups, what: What, every: std::time::Duration, now: Time) -> Self {
        // One from the future was made before the clock was set back.
        let last: Option<&Backup> = found.of(what).iter().rfind(|backup| backup.made_ms <= now.0);
        let failure = found.failures.iter().find(|failure| failure.what == what);
        Self {
            files: found.of(what).len() as u64,
            last_at: last.map(|backup| Time(backup.made_ms)),
            last_age_ms: last.map(|backup| Time(backup.made_ms).ago(now)),
            last_bytes: last.map(|backup| backup.bytes),
            every_ms: u64::try_from(every.as_millis()).unwrap_or(u64::MAX),
            failure: failure.map(|failure| failure.reason.clone()),
        }
    }
}
