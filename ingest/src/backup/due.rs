//! The backups that nobody asks for: what people said each day, the database each week, or as the settings say.
//!
//! An old one goes only after a new one is there, checked and synced. When a try fails, that stands in run/backup.json until
//! one succeeds, and the next try comes after an hour. Backups are told apart by the time in their name; one from the future
//! was made before the clock was set back, tells nothing about when the next is due, and is the first to go.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime};

use export::out::Existing;
use queue::DataDir;
use settings::Settings;
use status::backups::{Backup, Backups, Failure, What};

use super::{annotations, copy};
use crate::clock::millis;
use crate::disk;
use crate::error::{At, Error};
use terminal::size;

/// So many times as many as are to be kept stay at most while the clock is in doubt: each jump may have one made, and none that is
/// good goes for it; nor does a clock that jumps each day fill the disk.
const IN_DOUBT: usize = 2;
/// After a try that failed.
const RETRY: Duration = Duration::from_secs(3600);
/// How long a copy from before an upgrade is kept at least: long enough to notice what the upgrade did.
const UPGRADE_KEEP_MS: i64 = 30 * 24 * 3_600_000;

/// Makes the backups that are due; nothing while there is no database. What fails is logged and noted. Fewer old ones go while
/// the clock is in doubt: those made after what is `sure` of it count for nothing.
///
/// # Errors
/// If it cannot be told what is due, or noted what failed.
pub(crate) fn due(
    settings: &Settings,
    sure: Option<SystemTime>,
    now: SystemTime,
    stop: &AtomicBool,
) -> Result<(), Error> {
    let home = &settings.home;
    if !fs::metadata(home.database()).is_ok_and(|meta| meta.len() > 0) {
        return Ok(());
    }
    let dir = home.backups();
    for (what, every, keep) in [
        (What::Annotations, settings.annotations_every, settings.annotations_keep),
        (What::Database, settings.backup_every, settings.backup_keep),
    ] {
        let there = Backups::read(home).at("look at the backups in", &dir)?;
        let failed = there.failures.iter().find(|failure| failure.what == what).map(|failure| failure.at_ms);
        if !is_due(there.of(what), failed, every, millis(now)) {
            continue;
        }
        match make(settings, what, now, stop) {
            Ok(()) => {
                note(home, there.failures, what, None)?;
                let there = Backups::read(home).at("look at the backups in", &dir)?;
                let keep = kept(there.of(what), keep, sure.map(millis), millis(now));
                thin_out(home, what, keep, millis(now))?;
                if what == What::Database {
                    remove_old_upgrades(home, millis(now))?;
                }
            }
            Err(Error::Ended(_)) => return Ok(()),
            // Its upgrade begins with a copy of it, and why that waits is told.
            Err(error) if error.of_older().is_some() => return Ok(()),
            Err(error) => {
                let reason = error.to_string();
                tracing::warn!("backup of {} failed: {reason}", named(what));
                note(home, there.failures, what, Some(Failure { what, at_ms: millis(now), reason }))?;
            }
        }
    }
    Ok(())
}

fn is_due(there: &[Backup], failed_ms: Option<i64>, every: Duration, now_ms: i64) -> bool {
    let ms = |span: Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
    let last = there.iter().map(|backup| backup.made_ms).filter(|made| *made <= now_ms).max();
    let waited = last.is_none_or(|made| now_ms.saturating_sub(made) >= ms(every));
    let failed = failed_ms.is_some_and(|at| (0..ms(RETRY)).contains(&now_ms.saturating_sub(at)));
    !every.is_zero() && waited && !failed
}

fn make(settings: &Settings, what: What, now: SystemTime, stop: &AtomicBool) -> Result<(), Error> {
    let home = &settings.home;
    let dir = folder(home)?;
    let dest = dir.join(what.file_name(millis(now)));
    match what {
        What::Annotations => annotations::make(home, &dest, millis(now)),
        What::Upgrade => Ok(()), // made by who upgrades
        What::Database => {
            remove_partial(&dir)?;
            let wanted = fs::metadata(home.database()).map_or(0, |meta| meta.len()).saturating_add(settings.low_space);
            let free = disk::free(&dir)?;
            if free < wanted {
                let problem = format!(
                    "there are {} free, and a backup is made with {} (its size and `low_space`)",
                    size(free),
                    size(wanted)
                );
                return Err(Error::Refused { path: dir, problem });
            }
            copy::make(home, &dest, Existing::Keep, stop, &|_| {}).map(|made| {
                tracing::info!("backup of {}: {}, checked, in {}", named(what), size(made.bytes), dest.display());
            })
        }
    }
}

/// The folder of the backups, made if need be.
///
/// # Errors
/// [`Error::Away`]; the operating system's.
pub(crate) fn folder(home: &DataDir) -> Result<PathBuf, Error> {
    let dir = home.backups();
    within_reach(home)?;
    queue::layout::create_private_dir(&dir).at("prepare", &dir)?;
    Ok(dir)
}

/// Whoever finds no backup must know that there is none.
///
/// # Errors
/// [`Error::Away`].
pub(crate) fn within_reach(home: &DataDir) -> Result<(), Error> {
    match home.backups_away() {
        Some(target) => Err(Error::Away { what: "backups", link: home.backups(), target }),
        None => Ok(()),
    }
}

fn named(what: What) -> &'static str {
    match what {
        What::Annotations => "what people said",
        What::Database => "the database",
        What::Upgrade => "the database before its upgrade",
    }
}

/// What a death left.
pub(crate) fn remove_partial(dir: &Path) -> Result<(), Error> {
    for entry in fs::read_dir(dir).at("list", dir)? {
        let entry = entry.at("list", dir)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let partial = name.strip_suffix(copy::JOURNAL).unwrap_or(&name);
        if partial.ends_with(copy::PARTIAL) {
            copy::remove_abandoned(&dir.join(partial))?;
        }
    }
    Ok(())
}

/// Copies from before an upgrade go when they are old: there is a newer backup of the database, made just now.
fn remove_old_upgrades(home: &DataDir, now_ms: i64) -> Result<(), Error> {
    let there = Backups::read(home).at("look at the backups in", &home.backups())?;
    for backup in
        there.of(What::Upgrade).iter().filter(|backup| now_ms.saturating_sub(backup.made_ms) > UPGRADE_KEEP_MS)
    {
        fs::remove_file(&backup.path).at("remove", &backup.path)?;
        tracing::debug!("removed {}", backup.path.display());
    }
    Ok(())
}

/// Removes the oldest until `keep` are left. The one just made always stays.
pub(crate) fn thin_out(home: &DataDir, what: What, keep: usize, now_ms: i64) -> Result<(), Error> {
    let dir = home.backups();
    let there = Backups::read(home).at("look at the backups in", &dir)?;
    for backup in superfluous(there.of(what), keep, now_ms) {
        fs::remove_file(&backup.path).at("remove", &backup.path)?;
        tracing::debug!("removed {}", backup.path.display());
    }
    Ok(())
}

/// How many stay: those to be kept, and those made since the time that is sure, for that may have been never.
fn kept(there: &[Backup], keep: usize, sure_ms: Option<i64>, now_ms: i64) -> usize {
    let at_most = keep.max(1).saturating_mul(IN_DOUBT);
    let Some(sure_ms) = sure_ms else { return at_most };
    let since = there.iter().filter(|backup| backup.made_ms > sure_ms && backup.made_ms <= now_ms).count();
    keep.saturating_add(since).min(at_most)
}

/// What goes, of those that are there.
fn superfluous(there: &[Backup], keep: usize, now_ms: i64) -> Vec<&Backup> {
    let mut sorted: Vec<&Backup> = there.iter().collect();
    sorted.sort_by_key(|backup| (backup.made_ms <= now_ms, backup.made_ms));
    sorted.truncate(sorted.len().saturating_sub(keep.max(1)));
    sorted
}

/// Notes how the last try of a kind went, beside those of the other kinds.
fn note(home: &DataDir, mut failures: Vec<Failure>, what: What, failed: Option<Failure>) -> Result<(), Error> {
    let path = home.backup_note();
    if failed.is_none() && !failures.iter().any(|failure| failure.what == what) {
        return Ok(());
    }
    failures.retain(|failure| failure.what != what);
    failures.extend(failed);
    if failures.is_empty() {
        return match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done.at("remove", &path),
        };
    }
    let text = terminal::document(&failures);
    disk::replace(&path, &text).at("write", &path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn backups(made: &[i64]) -> Vec<Backup> {
        made.iter().map(|made_ms| Backup { path: made_ms.to_string().into(), made_ms: *made_ms, bytes: 1 }).collect()
    }

    #[test]
    fn when_one_is_due() {
        let check = |made: &[i64], failed: Option<i64>, now: i64, expected: bool| {
            let day = Duration::from_secs(24 * 3600);
            assert_eq!(is_due(&backups(made), failed, day, now), expected, "{made:?} {failed:?} {now}");
        };
        let now = 1000 * HOUR;
        check(&[], None, now, true);
        check(&[now - 23 * HOUR], None, now, false);
        check(&[now - 24 * HOUR], None, now, true);
        check(&[now - 48 * HOUR, now], None, now, false);
        // The clock was set back: one is made, and then there is one.
        check(&[now + HOUR], None, now, true);
        check(&[now, now + HOUR], None, now + 1, false);
        // It failed.
        check(&[], Some(now - HOUR / 2), now, false);
        check(&[], Some(now - HOUR), now, true);
        check(&[], Some(now + HOUR), now, true);
        assert!(!is_due(&[], None, Duration::ZERO, now));
    }

    #[test]
    fn what_goes() {
        let check = |made: &[i64], keep: usize, now: i64, expected: &[i64]| {
            let there = backups(made);
            let gone: Vec<i64> = superfluous(&there, keep, now).iter().map(|backup| backup.made_ms).collect();
            assert_eq!(gone, expected, "{made:?} {keep} {now}");
        };
        check(&[1, 2, 3], 3, 3, &[]);
        check(&[1, 2, 3], 2, 3, &[1]);
        check(&[1, 2, 3], 0, 3, &[1, 2]);
        // One from the future goes first, and the one just made never.
        check(&[1, 2, 9], 2, 2, &[9]);
        check(&[2, 8, 9], 1, 2, &[8, 9]);
        check(&[], 2, 2, &[]);
    }

    #[test]
    fn how_many_stay() {
        let check = |made: &[i64], keep: usize, sure: Option<i64>, expected: usize| {
            assert_eq!(kept(&backups(made), keep, sure, 9), expected, "{made:?} {keep} {sure:?}");
        };
        check(&[1, 5, 9], 2, Some(9), 2);
        check(&[1, 5, 9], 2, None, 4);
        check(&[1, 5, 9], 5, Some(1), 7);
        check(&[1, 5, 9], 5, None, 10);
        // One from the future is the first to go.
        check(&[1, 5, 9, 12], 5, Some(1), 7);
        check(&[3, 4, 5, 6, 7, 8, 9], 2, Some(1), 4);
        check(&[1, 5, 9], 0, None, 2);
    }
}
