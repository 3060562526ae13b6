//! A change of many: its work is in proportion to the rows that it writes, it has a bound, and it can be stopped.

use std::time::{Duration, Instant};

use super::Store;
use crate::Error;
use crate::annotate::{Annotator, Change, Expected, MarkedMany, Outcome, Refused, Stop, TagChange};
use crate::human::{Note, Rating, Tag};
use crate::ids::ConversationId;

fn timed<T>(work: impl FnOnce() -> Outcome<T>) -> Duration {
    let begun = Instant::now();
    work().unwrap().unwrap();
    begun.elapsed()
}

fn ids(count: i64) -> Vec<ConversationId> {
    (1..=count).map(ConversationId).collect()
}

fn rating(rating: i64) -> Change {
    Change { rating: Some(Rating::new(rating)), ..Change::default() }
}

fn tagged(tags: usize) -> Change {
    let add = (0..tags).map(|n| Tag::parse(&format!("tag{n}")).unwrap()).collect();
    Change { tags: Some(TagChange::Edit { add, remove: Vec::new() }), ..Change::default() }
}

/// Rows that are written, those of triggers too.
fn written(conversations: i64, tags: usize) -> u64 {
    let mut store = Store::new(&[("a", conversations)]);
    let before = store.annotator.conn.total_changes();
    store.annotator.mark_many(&ids(conversations), &tagged(tags), 5).unwrap().unwrap();
    store.annotator.conn.total_changes() - before
}

#[test]
fn the_work_is_in_proportion_to_the_rows() {
    let (one, tags, both) = (written(1, 1), written(1, 90), written(40, 90));
    println!("rows written for a tag: {one}, for 90: {tags}, for 90 on each of 40: {both}");
    assert!(tags <= 90 * one && both <= 40 * tags, "{one}, {tags}, {both}");
}

/// How long others wait for the largest change that is allowed.
#[test]
fn the_largest_change_beside_the_smallest() {
    let most = Annotator::MOST as i64;
    let mut store = Store::new(&[("a", most)]);
    let mut one: Vec<_> = (0..51_i64)
        .map(|n| timed(|| store.annotator.mark(ConversationId(n + 1), &rating(n % 5 + 1), &Expected::Any, 5)))
        .collect();
    one.sort();
    let change = tagged(Annotator::MOST_ROWS / Annotator::MOST);
    let all = timed(|| store.annotator.mark_many(&ids(most), &change, 6));
    let rows = Annotator::MOST_ROWS as u32;
    println!("one rating: {:?} (median of 51); {rows} tags: {all:?}, each {:?}", one[25], all / rows);
    assert!(all / rows < one[25], "many are cheaper together than one by one");
}

#[test]
fn there_is_a_most_of_everything() {
    let mut store = Store::new(&[("a", 1)]);
    let mut check = |count: usize, change: &Change, expected: &str| {
        let ids = vec![ConversationId(1); count];
        match store.annotator.mark_many(&ids, change, 5).unwrap() {
            Err(Refused::Senseless(why)) => assert!(!expected.is_empty() && why.contains(expected), "{why}"),
            found => assert!(expected.is_empty(), "{found:?}"),
        }
    };
    check(10_000, &rating(3), "");
    check(10_001, &rating(3), "At most 10000 conversations");
    check(1_000, &tagged(100), "");
    check(1_001, &tagged(100), "At most 100000 things");
    check(1_000, &Change { starred: Some(true), ..tagged(100) }, "101 of each of 1000 conversations");
    let note = |bytes| Change { notes: Some(Note::parse(&"x".repeat(bytes)).unwrap()), ..Change::default() };
    check(64, &note(65_536), "");
    check(65, &note(65_536), "At most 4096 KiB of notes");
}

/// Pulled while the change is made, the time over, or pulled before: nothing is there then, and the next change is made.
#[test]
fn a_stop_takes_everything_back() {
    let mut store = Store::new(&[("a", 2_000)]);
    let mut check = |stop: &Stop, pull: Option<Duration>| {
        store.annotator.heed(stop).unwrap();
        let done: Outcome<MarkedMany> = std::thread::scope(|scope| {
            scope.spawn(|| {
                if let Some(after) = pull {
                    std::thread::sleep(after);
                    stop.pull();
                }
            });
            store.annotator.mark_many(&ids(2_000), &tagged(20), 5)
        });
        assert!(matches!(done, Err(Error::Interrupted { .. })), "{done:?}");
        for table in ["tag_history", "tagged", "untold", "marks"] {
            assert_eq!(store.rows(table), 0, "{table}");
        }
    };
    for after in [0, 1, 10, 50] {
        check(&Stop::default(), Some(Duration::from_millis(after)));
    }
    check(&Stop::default().within(Duration::from_millis(20)), None);
    let pulled = Stop::default();
    pulled.pull();
    check(&pulled, None);
    store.annotator.heed(&Stop::default().within(Duration::from_secs(600))).unwrap();
    store.annotator.mark_many(&ids(2_000), &tagged(1), 6).unwrap().unwrap();
    assert_eq!(store.rows("tagged"), 2_000);
}

/// Who waits for another's lock is let go, too.
#[test]
fn a_stop_is_heeded_while_the_lock_is_held() {
    let mut store = Store::new(&[("a", 1)]);
    store.conn.execute_batch("begin immediate").unwrap();
    let stop = Stop::default();
    store.annotator.heed(&stop).unwrap();
    let begun = Instant::now();
    let done = std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(150));
            stop.pull();
        });
        store.annotator.mark(ConversationId(1), &rating(3), &Expected::Any, 5)
    });
    assert!(matches!(done, Err(Error::Interrupted { .. })), "{done:?}");
    assert!(begun.elapsed() < crate::open::BUSY_TIMEOUT);
}
