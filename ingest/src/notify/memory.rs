//! What was told last, and the one rule of what is to be told: that it goes wrong, once it has for a while; that it goes well
//! again, once it has for ten minutes. So what comes and goes is told once, and a fault that goes on is too.
//!
//! It lies in run/notify.json, under run/notify.lock. `run` keeps its own beside it, for disks that take nothing.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;

use queue::DataDir;
use serde::{Deserialize, Serialize};

use crate::error::{At, Error};
use crate::intake::lock;

/// For so long it must go well, before that is told.
const WELL_FOR: Duration = Duration::from_secs(600);

/// What was seen and told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Memory {
    /// Whether the last thing told is that it goes wrong.
    told_wrong: bool,
    /// Whether it went wrong at the last look.
    wrong: bool,
    /// Since when it goes as it did then.
    since_ms: i64,
    /// When that look was.
    last_ms: i64,
    /// It is kept by a process that stays, also where it cannot be written down.
    #[serde(skip)]
    pub(crate) stays: bool,
}

/// How it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Going {
    /// `status` calls it something else than failing.
    Well,
    /// Failing.
    Wrong,
}

/// What is to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It goes wrong.
    Began,
    /// It goes well again.
    Ended,
}

impl Memory {
    /// Of a process that stays.
    pub(crate) fn that_stays() -> Self {
        Self { stays: true, ..Self::default() }
    }

    /// What is due to be told, now that it goes like this. `patience` is for how long it must have gone wrong.
    pub(crate) fn look(&mut self, going: Going, now_ms: i64, patience: Duration) -> Option<Change> {
        let wrong = going == Going::Wrong;
        // A clock that was set back knows nothing of a while.
        if wrong != self.wrong || now_ms < self.since_ms {
            (self.wrong, self.since_ms) = (wrong, now_ms);
        }
        self.last_ms = now_ms;
        let held = |span: Duration| i128::from(now_ms) - i128::from(self.since_ms) >= span.as_millis().cast_signed();
        match going {
            Going::Wrong => (!self.told_wrong && held(patience)).then_some(Change::Began),
            Going::Well => (self.told_wrong && held(WELL_FOR)).then_some(Change::Ended),
        }
    }

    /// It goes wrong, however that was found; whether that is to be told.
    pub(crate) fn begin(&mut self, now_ms: i64) -> bool {
        let is_news = !self.told_wrong;
        *self = Self { told_wrong: true, wrong: true, since_ms: now_ms, last_ms: now_ms, stays: self.stays };
        is_news
    }

    /// It is told.
    pub(crate) fn told(&mut self, change: Change) {
        self.told_wrong = change == Change::Began;
    }

    /// Takes up what another process has written since. What cannot be read was never told.
    pub(crate) fn recall(&mut self, home: &DataDir) {
        let text = queue::plain::read(&home.run().join("notify.json")).unwrap_or_default();
        if let Ok(found) = serde_json::from_slice::<Self>(&text)
            && found.last_ms >= self.last_ms
        {
            *self = Self { stays: self.stays, ..found };
        }
    }

    /// Writes it down, over itself: a full disk takes that too.
    ///
    /// # Errors
    /// The operating system's.
    pub(crate) fn keep(&self, home: &DataDir) -> Result<(), Error> {
        let path = home.run().join("notify.json");
        // Of one length, so that it never needs room that is not there.
        let text = format!("{:<160}\n", serde_json::to_string(self).unwrap_or_default());
        let mut options = File::options();
        options.write(true).create(true).truncate(false).mode(0o600);
        queue::plain::open(&mut options, &path).and_then(|mut file| file.write_all(text.as_bytes())).at("write", &path)
    }
}

/// The right to tell.
#[derive(Debug)]
pub(crate) enum Lock {
    /// It is ours while this lives.
    Held(File),
    /// Another process tells.
    Busy,
}

/// Takes it, if nobody has it.
///
/// # Errors
/// The operating system's.
pub(crate) fn lock(home: &DataDir) -> Result<Lock, Error> {
    let path = home.run().join("notify.lock");
    let mut options = File::options();
    options.write(true).create(true).truncate(false).mode(0o600);
    let file = queue::plain::open(&mut options, &path).at("open", &path)?;
    Ok(if lock::try_exclusive(&file).at("lock", &path)? { Lock::Held(file) } else { Lock::Busy })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each look: at this second, `!` for failing; what is told.
    fn check(patience: u64, looks: &[(i64, &str)]) {
        let home = tempfile::tempdir().unwrap();
        let home = DataDir::new(home.path());
        home.create().unwrap();
        for &(second, expected) in looks {
            let mut memory = Memory::default(); // of another process each time
            memory.recall(&home);
            let going = if expected.starts_with('!') { Going::Wrong } else { Going::Well };
            let due = memory.look(going, second * 1000, Duration::from_secs(patience));
            if let Some(change) = due {
                memory.told(change);
            }
            memory.keep(&home).unwrap();
            let said = match due {
                Some(Change::Began) => "began",
                Some(Change::Ended) => "ended",
                None => "",
            };
            assert_eq!(said, expected.trim_start_matches(['!', '.']), "at {second} of {looks:?}");
        }
    }

    #[test]
    fn once_for_each_change() {
        check(60, &[(0, "."), (60, "."), (120, "!"), (179, "!"), (180, "!began"), (240, "!"), (9999, "!")]);
        check(60, &[(0, "!"), (60, "!began"), (120, "."), (719, "."), (720, ".ended"), (780, "."), (9999, ".")]);
        check(0, &[(0, "!began"), (300, "!"), (600, "."), (1200, ".ended"), (1500, "!began")]);
    }

    #[test]
    fn what_comes_and_goes_is_told_once() {
        check(60, &[(0, "!"), (30, "."), (60, "!"), (90, "."), (120, "!")]);
        check(0, &[(0, "!began"), (300, "."), (600, "!"), (900, "."), (1200, "!"), (1500, "."), (2100, ".ended")]);
    }

    #[test]
    fn a_clock_that_is_set_back_begins_anew() {
        check(60, &[(1000, "!"), (500, "!"), (559, "!"), (560, "!began"), (570, "."), (100, "."), (700, ".ended")]);
    }

    /// On a disk that takes nothing the process itself remembers.
    #[test]
    fn what_is_older_is_not_taken_up() {
        let dir = tempfile::tempdir().unwrap();
        let home = DataDir::new(dir.path());
        home.create().unwrap();
        let mut memory = Memory::default();
        assert_eq!(memory.look(Going::Well, 1000, Duration::ZERO), None);
        memory.keep(&home).unwrap();
        assert_eq!(memory.look(Going::Wrong, 2000, Duration::ZERO), Some(Change::Began));
        memory.told(Change::Began);
        memory.recall(&home);
        assert_eq!(memory.look(Going::Wrong, 3000, Duration::ZERO), None);
    }
}
