//! Puts the document together. Whatever cannot be read is a finding, and the rest is told all the same.

use std::io;
use std::time::SystemTime;

use serde::Serialize;
use settings::Settings;
use store::read::{Health, Reader};
use store::{Error, Figures};
use utoipa::ToSchema;

use crate::backups::{Backups, What};
use crate::failed::Failures;
use crate::finding::{Finding, Severity};
use crate::hook_errors::HookErrors;
use crate::ingesters;
use crate::parts::{
    BackupFiles, BackupKind, Completeness, Database, FailedFiles, Ingester, LastPass, Space, State, Trouble,
    UpgradeBackup, Versions, Waits,
};
use crate::queue::Queue;
use crate::service::Service;
use crate::time::Time;
use crate::{assess, chores, forgetting, machine, outside, unreadable};

/// Of more failed files, not every note is read.
const NOTES: usize = 10_000;

/// How it is going. A part that could not be read is `None`, and a finding says why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Status {
    /// By the worst finding.
    pub status: State,
    /// When this was.
    pub checked_at: Time,
    /// The data directory.
    pub home: String,
    /// What is wrong, the worst first.
    pub findings: Vec<Finding>,
    /// What waits.
    pub queue: Option<Queue>,
    /// Who takes it in.
    pub ingesters: Vec<Ingester>,
    /// When the last `once` ended, if no ingester began since.
    pub last_once_at: Option<Time>,
    /// What hinders them.
    pub trouble: Option<Trouble>,
    /// The last pass that did something or met a fault.
    pub last_pass: Option<LastPass>,
    /// From capture to commit.
    pub latency: Option<Waits>,
    /// What could not be taken in.
    pub failed: Option<FailedFiles>,
    /// The database.
    pub database: Option<Database>,
    /// When the event that was stored last was captured.
    pub last_event_at: Option<Time>,
    /// Which sources saw the conversations.
    pub completeness: Option<Completeness>,
    /// What all passes did, by name.
    pub totals: Option<std::collections::BTreeMap<String, i64>>,
    /// The file system.
    pub space: Option<Space>,
    /// The backups.
    pub backups: Option<BackupFiles>,
    /// What the hook noted.
    pub hook_errors: Option<HookErrors>,
    /// The programs.
    pub versions: Versions,
    /// When the first event was stored.
    #[serde(skip)]
    pub(crate) first_stored: Option<Time>,
    /// What the daily chores could not do.
    #[serde(skip)]
    pub(crate) chores: Option<chores::Failure>,
    /// What was forgotten and still stands somewhere.
    #[serde(skip)]
    pub(crate) forgetting: Option<forgetting::Left>,
    /// What is to start the ingesters.
    #[serde(skip)]
    pub(crate) service: Option<Service>,
}

impl Status {
    /// Looks at everything. Nothing is written, but what every reader of the database writes (its lock, and the `-shm`).
    /// What lies outside of the data directory, an ingester that can see it has told.
    pub fn gather(settings: &Settings, now: SystemTime) -> Self {
        Self::gather_seeing(settings, now, outside::told(&settings.home))
    }

    /// As [`gather`](Self::gather), of one who sees for himself what lies outside.
    pub fn gather_seeing(settings: &Settings, now: SystemTime, outside: Vec<Finding>) -> Self {
        let now = Time::from(now);
        let home = &settings.home;
        let mut findings = outside;
        let queue = read(&mut findings, "queue", Queue::count(settings, now));
        let notes = read(&mut findings, "ingesters", ingesters::read(home)).unwrap_or_default();
        let failed_files = queue.map_or(0, |queue| queue.failed.files);
        let failed = read(&mut findings, "failed", Failures::read(&home.failed(), NOTES));
        let backups = read(&mut findings, "backups", Backups::read(home));
        let hook_errors = read(&mut findings, "hook_errors", HookErrors::read(&home.hook_errors(), now));
        let space = read(&mut findings, "space", space(settings));
        findings.extend(machine::look(settings, queue.as_ref(), space.is_some_and(|space| space.read_only)));
        let (health, figures) = match ask(settings, now) {
            Ok((health, figures)) => (Some(health), Some(figures)),
            Err(error) => {
                findings.extend(unreadable::database(&error));
                (None, None)
            }
        };
        let trouble = ingesters::trouble(home);
        let last_pass = figures.as_ref().and_then(|figures| figures.last_pass.as_ref());
        let stored_good = last_pass.filter(|pass| pass.trouble.is_none()).map(|pass| pass.began_ms + pass.took_ms);
        let kind = |found: &Backups, what, every| BackupKind::of(found, what, every, now);
        let mut status = Self {
            status: State::Ok,
            checked_at: now,
            home: home.root().display().to_string(),
            queue,
            ingesters: notes.iter().filter(|found| found.alive).map(|found| living(found, now)).collect(),
            last_once_at: last_once(&notes),
            trouble: trouble.or_else(|| ingesters::told(&notes, stored_good)).map(Trouble::of),
            failed: failed.map(|found| FailedFiles::of(failed_files.max(found.files.len() as u64), &found)),
            database: health.as_ref().map(Database::of),
            last_event_at: health.as_ref().and_then(|health| health.last_event_ns).map(|ns| Time(ns / 1_000_000)),
            latency: figures.as_ref().map(Waits::of),
            completeness: figures.as_ref().map(|figures| Completeness::of(figures.seen)),
            totals: figures.as_ref().map(|figures| figures.totals.iter().cloned().collect()),
            first_stored: figures.as_ref().and_then(|figures| figures.first_stored_ms).map(Time),
            last_pass: figures.and_then(|figures| figures.last_pass).map(LastPass::of),
            space,
            backups: backups.map(|found| BackupFiles {
                annotations: kind(&found, What::Annotations, settings.annotations_every),
                database: kind(&found, What::Database, settings.backup_every),
                upgrade: UpgradeBackup::of(&found),
            }),
            hook_errors,
            chores: chores::failure(home),
            forgetting: forgetting::left(home),
            service: Service::read(home),
            versions: Versions { prompt_manager: env!("CARGO_PKG_VERSION"), sqlite: store::engine_version().0 },
            findings: Vec::new(),
        };
        // What ended an ingester may be seen now too.
        let seen: Vec<_> = findings.iter().map(|finding| finding.code).collect();
        findings.extend(assess::all(&status, settings).into_iter().filter(|found| !seen.contains(&found.code)));
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        status.status = match findings.first().map(|finding| finding.severity) {
            Some(Severity::Error) => State::Failing,
            Some(Severity::Warning) => State::Degraded,
            Some(Severity::Note) | None => State::Ok,
        };
        status.findings = findings;
        status
    }
}

fn read<T>(findings: &mut Vec<Finding>, part: &'static str, found: io::Result<T>) -> Option<T> {
    found.map_err(|error| findings.push(unreadable::part(part, &error))).ok()
}

fn ask(settings: &Settings, now: Time) -> Result<(Health, Figures), Error> {
    let mut reader = Reader::open_anywhere(&settings.home)?;
    Ok((reader.health()?, reader.figures(now.0)?))
}

fn living(found: &ingesters::Found, now: Time) -> Ingester {
    let unknown = ingesters::Note { command: "unknown".to_owned(), ..ingesters::Note::default() };
    Ingester::of(found.note.as_ref().unwrap_or(&unknown), now)
}

/// `once` leaves its note behind.
fn last_once(notes: &[ingesters::Found]) -> Option<Time> {
    let dead = notes.iter().filter(|found| !found.alive).filter_map(|found| found.note.as_ref());
    dead.filter(|note| note.command == "once").filter_map(|note| note.last_pass_ms).max().map(Time)
}

/// Of the file system that the data directory is on, or will be.
fn space(settings: &Settings) -> io::Result<Space> {
    let root = settings.home.root();
    let there = root.ancestors().find(|path| path.exists()).unwrap_or(root);
    let found = rustix::fs::statvfs(there).map_err(|error| {
        let error = io::Error::from(error);
        io::Error::new(error.kind(), format!("look at the free space of {}: {error}", there.display()))
    })?;
    Ok(Space {
        free_bytes: found.f_bavail.saturating_mul(found.f_frsize),
        low_bytes: settings.low_space,
        min_bytes: settings.min_space,
        free_files: (found.f_files > 0).then_some(found.f_favail),
        read_only: found.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY),
    })
}
