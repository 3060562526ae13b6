//! What is wrong, and what there is to make the database anew from.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use queue::DataDir;
use status::backups::{Backup, Backups, What};
use store::check::check;

use crate::backup::due;
use crate::clock::millis;
use crate::error::{At, Error};
use crate::restore::ended;
use crate::show::Show;

/// How the database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// There is nothing to do.
    Whole,
    /// What `rebuild --index` mends.
    OnlyWords(String),
    /// It is damaged, and how.
    Damaged(String),
    /// There is none, or nothing in it, but something to make one from.
    Missing,
}

/// The state and the means.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) state: State,
    /// Databases, in the order in which they are tried: the newest first, and those from the future last.
    pub(super) backups: Vec<PathBuf>,
    /// What people said, in the opposite order.
    pub(super) annotations: Vec<PathBuf>,
    /// The id of this data directory, from the newest of these that tells it.
    pub(super) origin: Option<String>,
}

impl Plan {
    pub(super) fn of(home: &DataDir, stop: &AtomicBool, show: &Show) -> Result<Self, Error> {
        let dir = home.backups();
        let there = Backups::read(home).at("look at the backups in", &dir)?;
        let now_ms = millis(SystemTime::now());
        let annotations = by_trust(there.of(What::Annotations).iter().collect(), now_ms);
        let databases: Vec<_> = [What::Database, What::Upgrade].iter().flat_map(|what| there.of(*what)).collect();
        let mut backups = by_trust(databases, now_ms);
        backups.reverse();
        let state = state(home, stop, show)?;
        if matches!(state, State::Damaged(_) | State::Missing) {
            due::within_reach(home)?;
        }
        let origin = annotations.iter().rev().find_map(|path| origin(path));
        Ok(Self { state, backups, annotations, origin })
    }
}

/// The least trusted first. A name from the future was given while the clock was wrong, so it tells nothing about what is in
/// the file: it stands behind every backup whose time may be true.
fn by_trust(mut sorted: Vec<&Backup>, now_ms: i64) -> Vec<PathBuf> {
    sorted.sort_by_key(|backup| (backup.made_ms <= now_ms, backup.made_ms));
    sorted.into_iter().map(|backup| backup.path.clone()).collect()
}

fn state(home: &DataDir, stop: &AtomicBool, show: &Show) -> Result<State, Error> {
    let look = || {
        show.say("checking the database");
        if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    match store::lost::present(home).and_then(|()| store::lost::filled(home)) {
        Ok(()) | Err(store::Error::Corrupt { .. }) => {}
        Err(store::Error::Lost { .. }) => return Ok(State::Missing),
        Err(error) => return Err(error.into()),
    }
    let checked = check(&home.database(), &look).map_err(|error| ended(error, stop))?;
    Ok(match checked.problems.first() {
        None => State::Whole,
        Some(problem) if checked.is_only_words() => State::OnlyWords(problem.detail.clone()),
        Some(problem) => State::Damaged(problem.detail.clone()),
    })
}

/// What the first line of an export says of where it comes from.
fn origin(path: &Path) -> Option<String> {
    let mut line = Vec::new();
    BufReader::new(File::open(path).ok()?).take(4096).read_until(b'\n', &mut line).ok()?;
    let head: serde_json::Value = serde_json::from_slice(&line).ok()?;
    let origin = head.get("origin")?.as_str()?;
    let is_one = origin.len() == 32 && origin.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_one.then(|| origin.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backups_from_the_future_are_trusted_least() {
        let check = |made: &[i64], now_ms: i64, expected: &[&str]| {
            let there: Vec<_> = made
                .iter()
                .map(|made_ms| Backup { path: made_ms.to_string().into(), made_ms: *made_ms, bytes: 1 })
                .collect();
            let expected: Vec<PathBuf> = expected.iter().map(PathBuf::from).collect();
            assert_eq!(by_trust(there.iter().collect(), now_ms), expected, "{made:?} at {now_ms}");
        };
        check(&[1, 2, 3], 3, &["1", "2", "3"]);
        check(&[1, 2, 8, 9], 3, &["8", "9", "1", "2"]);
        check(&[8, 9], 3, &["8", "9"]);
        check(&[], 3, &[]);
    }
}
