//! Lets a copy of the database come to its end while the log is small.
//!
//! A copy reads what was committed when it began, and until it has all of that nothing of the log can go. Under a backlog that
//! does not end the log would grow for as long as the copy takes; what waits in the queue meanwhile is as safe there.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use queue::DataDir;
use store::backup::Copies;
use store::write::log_bytes;

use crate::step::Step;

/// How large the log may become beside a copy: with the largest transaction it stays below 64 MiB.
const ENOUGH: u64 = 24 * 1024 * 1024;
/// Between two looks.
const LOOK: Duration = Duration::from_millis(20);
/// A copy that takes longer has died, or is larger than any that we know: what comes is taken in beside it.
const PATIENCE: Duration = Duration::from_secs(600);

/// The copies that others make, or we ourselves beside.
#[derive(Debug)]
pub(crate) struct Beware {
    home: DataDir,
    copies: Copies,
    /// When patience with the one that is made ends.
    until: Option<Instant>,
}

impl Beware {
    /// Of those of the database of `home`.
    pub(crate) fn of(home: &DataDir) -> Self {
        Self { home: home.clone(), copies: Copies::of(home), until: None }
    }

    /// Waits after a transaction, if the next one has to; `alive` hears the time now and then. `stop` ends it.
    pub(crate) fn after(&mut self, step: Step, stop: &AtomicBool, alive: &mut dyn FnMut(Instant)) {
        let is_committed = matches!(step, Step::Committed | Step::Followed | Step::Derived);
        if !is_committed {
            return;
        }
        if log_bytes(&self.home) < ENOUGH {
            self.until = None; // the one that patience ended with is gone
            return;
        }
        let begin = Instant::now();
        let until = *self.until.get_or_insert(begin + PATIENCE);
        let mut now = begin;
        while self.copies.are_made() {
            if now >= until || stop.load(Ordering::Relaxed) {
                return;
            }
            alive(now);
            thread::sleep(LOOK);
            now = Instant::now();
        }
        self.until = None;
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::DirBuilderExt;

    use super::*;

    #[test]
    fn a_large_log_waits_for_a_copy() {
        let folder = tempfile::tempdir().unwrap();
        let home = DataDir::new(folder.path());
        for path in [home.database_dir(), home.root().join("run")] {
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).unwrap();
        }
        let log = File::create(home.database().with_extension("db-wal")).unwrap();
        let copy = File::create(home.copy_lock()).unwrap();
        let (go, stop) = (AtomicBool::new(false), AtomicBool::new(true));
        // How often it looked at the time while it waited.
        let check = |size: u64, step: Step, stop: &AtomicBool, expected: bool| {
            log.set_len(size).unwrap();
            let mut looks = 0;
            Beware::of(&home).after(step, stop, &mut |_| {
                looks += 1;
                if looks == 3 {
                    copy.unlock().unwrap(); // the copy is whole
                }
            });
            assert_eq!(looks > 0, expected, "{size} {step:?}");
        };
        check(ENOUGH, Step::Committed, &go, false);
        copy.lock_shared().unwrap();
        check(ENOUGH - 1, Step::Committed, &go, false);
        check(ENOUGH, Step::Written, &go, false);
        check(ENOUGH, Step::Committed, &stop, false);
        check(ENOUGH, Step::Committed, &go, true);
        check(ENOUGH, Step::Derived, &go, false);
    }
}
