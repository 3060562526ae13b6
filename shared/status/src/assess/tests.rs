//! Each rule of the findings, on documents that differ from a healthy one in one thing.

use std::collections::BTreeMap;

use super::*;
use crate::gather::Status;
use crate::hook_errors::HookErrors;
use crate::parts::{
    BackupFiles, Completeness, Database, FailedFiles, Ingester, Percentiles, Space, State, Trouble, UpgradeBackup,
    Versions, Waits,
};
use crate::queue::{Folder, Queue};
use crate::service::Service;

const NOW: i64 = 2_000_000_000_000;
const DAY: u64 = 86_400_000;

fn settings() -> Settings {
    let flags = settings::Layer { home: Some("/h".into()), ..settings::Layer::default() };
    Settings::resolve(flags, &|_| None).unwrap()
}

fn backup(every: u64, age: Option<u64>) -> BackupKind {
    BackupKind {
        files: u64::from(age.is_some()),
        last_at: age.map(|age| Time(NOW - age as i64)),
        last_age_ms: age,
        last_bytes: age,
        every_ms: every,
        failure: None,
    }
}

/// Years old, and well.
fn healthy() -> Status {
    let none = Percentiles { events: 0, p50_ms: None, p95_ms: None, p99_ms: None };
    Status {
        status: State::Ok,
        checked_at: Time(NOW),
        home: "/h".into(),
        findings: Vec::new(),
        queue: Some(Queue::default()),
        ingesters: vec![run(Some(1000), None)],
        last_once_at: None,
        trouble: None,
        last_pass: None,
        latency: Some(Waits { hour: none, day: none }),
        failed: Some(FailedFiles::default()),
        database: Some(Database {
            schema: 6,
            bytes: 1,
            wal_bytes: 1,
            events: 1,
            conversations: 1,
            sessions_to_derive: 0,
            sessions_to_derive_again: 0,
        }),
        last_event_at: Some(Time(NOW - 1)),
        completeness: Some(Completeness { hook_only: 0, transcript_only: 0, both: 1 }),
        totals: Some(BTreeMap::new()),
        space: Some(Space {
            free_bytes: 10 << 30,
            low_bytes: 1 << 30,
            min_bytes: 1 << 20,
            free_files: None,
            read_only: false,
        }),
        backups: Some(BackupFiles {
            annotations: backup(DAY, Some(DAY)),
            database: backup(7 * DAY, Some(8 * DAY)),
            upgrade: UpgradeBackup::default(),
        }),
        hook_errors: Some(HookErrors::default()),
        versions: Versions { prompt_manager: "1", sqlite: "1" },
        first_stored: Some(Time(0)),
        chores: None,
        forgetting: None,
        service: None,
    }
}

fn run(every_ms: Option<u64>, next_s: Option<i64>) -> Ingester {
    Ingester {
        pid: 1,
        command: "run".into(),
        schedule: None,
        version: "1".into(),
        started_at: Time(NOW - DAY as i64),
        last_pass_at: None,
        next_wake_at: next_s.map(|s| Time(NOW + s * 1000)),
        every_ms,
    }
}

fn check(change: impl FnOnce(&mut Status), expected: &[(&str, Severity)]) {
    let mut status = healthy();
    change(&mut status);
    let found = all(&status, &settings());
    let codes: Vec<_> = found.iter().map(|finding| (finding.code, finding.severity)).collect();
    assert_eq!(codes, expected, "{found:?}");
    for finding in found {
        assert!(finding.detail.ends_with('.') && finding.next_step.ends_with('.'), "{finding:?}");
    }
}

#[test]
fn a_healthy_store_has_none() {
    check(|_| {}, &[]);
    // Nor has one in which nothing could be read: that is told elsewhere.
    check(
        |status| {
            status.queue = None;
            status.failed = None;
            status.database = None;
            status.space = None;
            status.backups = None;
            status.hook_errors = None;
            status.latency = None;
        },
        &[],
    );
}

#[test]
fn what_waits() {
    let waits = |seconds: u64, ingesters: Vec<Ingester>, once_s: Option<i64>| {
        move |status: &mut Status| {
            let folder = Folder { files: 2, waited_ms: Some(seconds * 1000), ..Folder::default() };
            status.queue = Some(Queue { incoming: folder, ..Queue::default() });
            status.ingesters = ingesters;
            status.last_once_at = once_s.map(|s| Time(NOW - s * 1000));
        }
    };
    let none = [("no_ingester", Severity::Warning)];
    check(waits(59, vec![], None), &[]);
    check(waits(61, vec![], None), &none);
    check(waits(3601, vec![], None), &[("no_ingester", Severity::Error)]);
    check(waits(61, vec![], Some(600)), &[]);
    check(waits(3601, vec![], Some(600)), &[]);
    check(waits(61, vec![], Some(4000)), &none);
    let late = [("queue_waits", Severity::Warning)];
    check(waits(59, vec![run(Some(1000), None)], None), &[]);
    check(waits(61, vec![run(Some(1000), None)], None), &late);
    check(waits(61, vec![run(Some(300_000), None)], None), &[]);
    check(waits(601, vec![run(Some(300_000), None)], None), &late);
    check(waits(70_000, vec![run(None, Some(10))], None), &[]);
    check(waits(70_000, vec![run(None, Some(-61))], None), &late);
    check(waits(61, vec![run(None, None)], None), &late);
    let began = |seconds: i64| Ingester { started_at: Time(NOW - seconds * 1000), ..run(Some(1000), None) };
    check(waits(70_000, vec![began(59)], None), &[]);
    check(waits(70_000, vec![began(61)], None), &late);
    // What was captured long ago and came back just now does not wait yet.
    let back = Folder { files: 2, oldest_age_ms: Some(DAY), waited_ms: Some(10), ..Folder::default() };
    check(|status| status.queue = Some(Queue { incoming: back, ..Queue::default() }), &[]);
    check(
        |status| {
            status.ingesters.clear();
            status.queue = Some(Queue { incoming: back, ..Queue::default() });
        },
        &[],
    );
    check(
        |status| {
            status.ingesters.clear();
            status.queue = Some(Queue {
                spill: Folder { files: 1, waited_ms: Some(61_000), ..Folder::default() },
                ..Queue::default()
            });
        },
        &none,
    );
}

#[test]
fn what_failed_or_hinders() {
    check(
        |status| status.failed = Some(FailedFiles { files: 2, by_reason: [("empty".into(), 2)].into() }),
        &[("files_failed", Severity::Warning)],
    );
    let trouble =
        Trouble { since_at: Time(NOW - 5000), last_at: Time(NOW), count: 3, text: "write: full".into(), ended: None };
    check(|status| status.trouble = Some(trouble.clone()), &[("trouble", Severity::Error)]);
    let corrupt = store::Error::Corrupt { op: "read", detail: String::new() };
    let unknown = Ended { code: "of_a_later_version".into(), next_step: "Look.".into() };
    for (ended, code) in
        [(Ended::by(None), "trouble"), (Ended::by(Some(&corrupt)), "database_damaged"), (unknown, "trouble")]
    {
        let trouble = Trouble { ended: Some(ended.clone()), ..trouble.clone() };
        let told = |status: &mut Status| {
            status.ingesters.clear();
            status.queue.as_mut().unwrap().incoming =
                Folder { files: 1, waited_ms: Some(100_000), ..Folder::default() };
            status.trouble = Some(trouble);
        };
        check(told, &[(code, Severity::Error)]);
    }
    let errors = |last_day, lost_last_day| HookErrors { lines: 9, last_day, lost_last_day, last_at: None };
    check(|status| status.hook_errors = Some(errors(0, 0)), &[]);
    check(|status| status.hook_errors = Some(errors(1, 0)), &[("hook_errors", Severity::Warning)]);
    check(|status| status.hook_errors = Some(errors(2, 1)), &[("hook_errors", Severity::Error)]);
}

#[test]
fn disks_and_logs() {
    let space =
        |free_bytes, read_only| Space { free_bytes, low_bytes: 100, min_bytes: 10, free_files: Some(16), read_only };
    check(|status| status.space = Some(space(100, false)), &[]);
    check(|status| status.space = Some(space(99, false)), &[("space_low", Severity::Warning)]);
    check(|status| status.space = Some(space(9, false)), &[("space_out", Severity::Error)]);
    let files = |left| Space { free_files: Some(left), ..space(1000, false) };
    check(|status| status.space = Some(files(16)), &[]);
    check(|status| status.space = Some(files(15)), &[("inodes_out", Severity::Error)]);
    check(|status| status.space = Some(Space { free_files: None, ..files(0) }), &[]);
    check(|status| status.space = Some(space(1000, true)), &[("read_only", Severity::Error)]);
    check(|status| status.database.as_mut().unwrap().wal_bytes = 300 << 20, &[("wal_large", Severity::Warning)]);
}

#[test]
fn clocks() {
    check(|status| status.last_event_at = Some(Time(NOW + SKEW_MS)), &[]);
    check(|status| status.last_event_at = Some(Time(NOW + SKEW_MS + 1)), &[("clock", Severity::Warning)]);
    check(
        |status| {
            let folder = Folder { files: 1, newest: Some(Time(NOW + SKEW_MS + 1)), ..Folder::default() };
            status.queue = Some(Queue { incoming: folder, ..Queue::default() });
        },
        &[("clock", Severity::Warning)],
    );
}

#[test]
fn old_and_failed_backups() {
    let old = [("backup_old", Severity::Warning)];
    let annotations = |kind: BackupKind| move |status: &mut Status| status.backups.as_mut().unwrap().annotations = kind;
    check(annotations(backup(DAY, Some(2 * DAY))), &[]);
    check(annotations(backup(DAY, Some(2 * DAY + 1))), &old);
    check(annotations(backup(DAY, None)), &old);
    check(annotations(backup(0, None)), &[]);
    check(
        annotations(BackupKind { failure: Some("write: full".into()), ..backup(DAY, Some(1)) }),
        &[("backup_failed", Severity::Warning)],
    );
    let mut damaged = healthy();
    annotations(BackupKind { failure: Some("read: the database is damaged: x".into()), ..backup(DAY, Some(1)) })(
        &mut damaged,
    );
    assert!(all(&damaged, &settings())[0].next_step.contains("`prompt-manager recover`"));
    let young = |first: Option<i64>| {
        move |status: &mut Status| {
            annotations(backup(DAY, None))(status);
            status.first_stored = first.map(Time);
        }
    };
    check(young(Some(NOW - DAY as i64)), &[]);
    check(young(None), &[]);
}

#[test]
fn chores_that_failed() {
    check(
        |status| status.chores = Some(crate::chores::Failure { at_ms: NOW - 1, reason: "unpack /a: no".into() }),
        &[("chores_failed", Severity::Warning)],
    );
}

#[test]
fn what_was_forgotten_and_still_stands() {
    check(
        |status| status.forgetting = Some(crate::forgetting::Left { at_ms: NOW - 1, places: vec!["/a: no".into()] }),
        &[("forget_unfinished", Severity::Error)],
    );
}

#[test]
fn slow_hours() {
    let slow = |events, p95| {
        let hour = Percentiles { events, p50_ms: None, p95_ms: Some(p95), p99_ms: None };
        move |status: &mut Status| status.latency = Some(Waits { hour, day: hour })
    };
    check(slow(20, 60_000), &[]);
    check(slow(20, 60_001), &[("slow", Severity::Note)]);
    check(slow(19, 60_001), &[]);
}

#[test]
fn sizes_and_spans_for_people() {
    let check = |bytes, expected: &str| assert_eq!(size(bytes), expected);
    check(0, "0 KiB");
    check(224 << 10, "224 KiB");
    check((10 << 20) - 1, "10239 KiB");
    check(10 << 20, "10 MiB");
    check((10 << 30) - 1, "10239 MiB");
    check(10 << 30, "10 GiB");
    let check = |seconds: u64, expected: &str| assert_eq!(span(seconds * 1000), expected);
    check(0, "0 s");
    check(119, "119 s");
    check(120, "2 min");
    check(7200, "2 h");
    check(172_800, "2 d");
}

/// Of each way to start an ingester; at the end how old the last setup is.
#[test]
fn services_that_do_not_run() {
    let set_up = |manager: &str, timer: bool, once_s: Option<i64>, since_s: i64| {
        let service = Service::of(manager, timer, Time(NOW - since_s * 1000));
        move |status: &mut Status| {
            status.ingesters.clear();
            status.service = Some(service);
            status.last_once_at = once_s.map(|s| Time(NOW - s * 1000));
        }
    };
    let down = [("service_down", Severity::Warning)];
    check(set_up("systemd", false, None, 4000), &down);
    check(set_up("systemd", false, Some(60), 4000), &down);
    check(set_up("launchd", false, None, 4000), &down);
    for (manager, timer) in [("systemd", true), ("cron", false), ("cron", true)] {
        check(set_up(manager, timer, Some(600), 4000), &[]);
        check(set_up(manager, timer, None, 600), &[]);
        check(set_up(manager, timer, Some(3601), 4000), &down);
        check(set_up(manager, timer, None, 4000), &down);
    }
    // Somebody else takes in what comes.
    check(|status| status.service = Some(Service::of("systemd", false, Time(0))), &[]);
    // One finding for both, the worse after an hour.
    let waits = |seconds: u64| {
        move |status: &mut Status| {
            set_up("systemd", false, None, 4000)(status);
            let folder = Folder { files: 2, waited_ms: Some(seconds * 1000), ..Folder::default() };
            status.queue = Some(Queue { incoming: folder, ..Queue::default() });
        }
    };
    check(waits(70), &down);
    check(waits(3601), &[("service_down", Severity::Error)]);
}
