//! Lets a person's word in between the transactions of an ingester. The engine has no queue: who waits for its write lock
//! asks again now and then, and one who takes it again at once is nearly always before him.
//!
//! Who has something to say holds `run/person.lock` shared until the write lock is his. An ingester looks between two steps of
//! a transaction whether anybody does, ends it early, and begins the next when nobody does any more. Nobody waits for this
//! lock itself: without it things are slower, never wrong.

use std::thread;
use std::time::{Duration, Instant};

use queue::DataDir;

use crate::sign::{Given, Sign};

/// After so long a transaction ends at its next step, whoever waits: what waits for its end, the indexing of its words, may take
/// as long again. Shorter ones cost an import a tenth of its time, and room.
const LONG: Duration = Duration::from_millis(250);
/// Who waits lets an ingester do at least so much, else all of its time would go into beginning and ending.
const SHORT: Duration = Duration::from_millis(10);
/// So long an ingester lets others go first, at most: theirs are small things.
const WAY: Duration = Duration::from_millis(50);
/// How often is looked.
pub(crate) const LOOK: Duration = Duration::from_millis(1);

/// The sign of those who wait.
#[derive(Debug)]
pub(crate) struct Courtesy(Sign);

impl Courtesy {
    pub(crate) fn new(dir: &DataDir) -> Self {
        Self(Sign::at(&dir.person_lock()))
    }

    /// Says that somebody waits for the write lock.
    pub(crate) fn wait(&self) -> Given<'_> {
        self.0.give()
    }

    /// Whether somebody waits.
    pub(crate) fn is_wanted(&self) -> bool {
        self.0.is_given()
    }

    /// Whether a transaction that began then should end.
    pub(crate) fn ends(&self, began: Instant) -> bool {
        let held = began.elapsed();
        held > LONG || (held > SHORT && self.is_wanted())
    }

    /// Lets those who wait go first.
    pub(crate) fn give_way(&self) {
        let end = Instant::now() + WAY;
        while self.is_wanted() && Instant::now() < end {
            thread::sleep(LOOK);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

    use super::*;
    use crate::annotate::{Annotator, Change, Expected};
    use crate::ids::ConversationId;
    use crate::write::Writer;

    #[test]
    fn who_waits_is_seen() {
        let home = tempfile::tempdir().unwrap();
        let dir = DataDir::new(home.path());
        std::fs::create_dir_all(dir.run()).unwrap();
        let (ingester, person, another) = (Courtesy::new(&dir), Courtesy::new(&dir), Courtesy::new(&dir));
        assert!(!ingester.is_wanted());
        let waits = person.wait();
        let also = another.wait();
        assert!(ingester.is_wanted() && !ingester.ends(Instant::now()));
        let began = Instant::now().checked_sub(2 * SHORT).unwrap();
        assert!(ingester.ends(began) && ingester.ends(began.checked_sub(LONG).unwrap()));
        drop(waits);
        assert!(ingester.is_wanted());
        drop(also);
        assert!(!ingester.is_wanted() && !ingester.ends(began));
        // Where there is no such file, nobody waits and nobody is held up.
        let nowhere = Courtesy::new(&DataDir::new(home.path().join("none")));
        drop(nowhere.wait());
        assert!(!nowhere.is_wanted());
    }

    /// An ingester that does nothing but begin and commit does not starve a person.
    #[test]
    fn a_person_gets_in_between() {
        let home = tempfile::tempdir().unwrap();
        let dir = DataDir::new(home.path());
        let mut writer = Writer::open(&dir).unwrap();
        let mut person = Annotator::open(&dir).unwrap();
        let stop = AtomicBool::new(false);
        let ended = AtomicU32::new(0);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let batch = writer.batch().unwrap();
                    while !batch.is_due() {
                        thread::sleep(LOOK);
                    }
                    batch.commit().unwrap();
                    ended.fetch_add(1, Ordering::Relaxed);
                }
            });
            while ended.load(Ordering::Relaxed) == 0 {
                thread::sleep(LOOK);
            }
            for _ in 0..20 {
                let refused = person.mark(ConversationId(1), &Change::nothing(), &Expected::Any, 0).unwrap();
                assert!(refused.is_err(), "there is no such conversation");
            }
            stop.store(true, Ordering::Relaxed);
        });
        assert!(ended.into_inner() > 1, "it went on");
    }
}
