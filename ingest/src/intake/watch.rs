//! Whether a directory is worth reading, for the price of one `stat`.
//!
//! A directory's time changes when a name comes or goes, but only in steps of a few milliseconds; a name that came in the
//! same step as the last reading left no trace. So a time that was recent when the directory was read proves nothing, and
//! the directory is read once more. Files that were skipped because somebody had them are looked at again at the next wake,
//! and everything is read now and then regardless, for file systems whose times cannot be trusted.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::clock::elapsed;

/// A change this close to a reading may have been missed by it.
const RECENT: Duration = Duration::from_secs(2);
/// Everything is read at least this often.
const REGARDLESS: Duration = Duration::from_secs(60);

/// What was seen when a directory was last read.
#[derive(Clone, Copy, Debug)]
struct Seen {
    changed: SystemTime,
    read: SystemTime,
    again: bool,
}

/// The memory of a loop. A new one finds everything worth reading.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    seen: HashMap<PathBuf, Seen>,
}

impl Watch {
    /// Whether `dir` must be read at `now`; the caller then reads it. A missing directory need not be.
    pub(crate) fn due(&mut self, dir: &Path, now: SystemTime) -> bool {
        let changed = match std::fs::metadata(dir).and_then(|meta| meta.modified()) {
            Ok(changed) => changed,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return false,
            Err(_) => return true, // reading it will say what is wrong
        };
        let due = self.seen.get(dir).is_none_or(|seen| {
            seen.again
                || changed != seen.changed
                || !elapsed(seen.changed, seen.read, RECENT)
                || seen.changed > seen.read
                || elapsed(seen.read, now, REGARDLESS)
        });
        if due {
            self.seen.insert(dir.to_owned(), Seen { changed, read: now, again: false });
        }
        due
    }

    /// The directory holds something that could not be done now.
    pub(crate) fn again(&mut self, dir: &Path) {
        if let Some(seen) = self.seen.get_mut(dir) {
            seen.again = true;
        }
    }

    /// Nothing is known any more.
    pub(crate) fn forget(&mut self) {
        self.seen.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The directory was changed at `changed` and read at `read`; is it due at `now`? In seconds of one clock.
    fn check(changed: u64, read: u64, now: u64, expected: bool) {
        let dir = tempfile::tempdir().unwrap();
        let at = |secs| SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + secs);
        std::fs::File::open(dir.path()).unwrap().set_modified(at(changed)).unwrap();
        let mut watch = Watch::default();
        assert!(watch.due(dir.path(), at(read)), "the first look is always due");
        assert_eq!(watch.due(dir.path(), at(now)), expected, "changed {changed}, read {read}, now {now}");
    }

    #[test]
    fn quiet_directories_are_left_unread() {
        check(0, 10, 11, false);
        check(0, 10, 69, false);
        check(0, 10, 70, true);
        check(9, 10, 11, true);
        check(8, 10, 11, false);
        check(500, 10, 11, true);
    }

    #[test]
    fn changes_and_leftovers_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let old = SystemTime::now() - Duration::from_secs(10);
        let quiet = |dir: &Path| std::fs::File::open(dir).unwrap().set_modified(old).unwrap();
        let now = SystemTime::now();
        quiet(dir.path());
        let mut watch = Watch::default();
        assert!(watch.due(dir.path(), now) && !watch.due(dir.path(), now));
        std::fs::write(dir.path().join("x"), "").unwrap();
        assert!(watch.due(dir.path(), now));
        quiet(dir.path());
        assert!(watch.due(dir.path(), now) && !watch.due(dir.path(), now));
        watch.again(dir.path());
        assert!(watch.due(dir.path(), now) && !watch.due(dir.path(), now));
        watch.forget();
        assert!(watch.due(dir.path(), now));
        assert!(!watch.due(&dir.path().join("none"), now));
    }
}
