//! No text makes a rule look at it again and again: what names a secret a hundred thousand times costs a bounded number of times
//! what other text costs.

use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::Rules;
use crate::rules::Place;

const SIZE: usize = 32 << 10;
/// What may stand between a name and its value, or be one.
const BEHIND: [&str; 12] = ["", "=", " ", ": ", "=\"", "\n", ".", "-", "/", "=aB3", ":aB3@", " -u a:"];
const LANES: usize = 2;

/// The best of three.
fn time(text: &str) -> Duration {
    let once = || {
        let start = Instant::now();
        black_box(Rules::ours().find(black_box(text)));
        start.elapsed()
    };
    (0..3).map(|_| once()).min().unwrap_or_default()
}

fn repeated(piece: &str) -> String {
    piece.repeat(SIZE / piece.len())
}

/// All that a rule could be called by, behind each other, with what may stand between a name and its value.
#[test]
fn keywords_without_end() {
    for rule in &Rules::ours().rules {
        assert!(matches!(rule.place, Place::AtKeyword { .. }), "{}: it is not bound to keywords", rule.id);
    }
    let words = Rules::ours().words();
    let next = AtomicUsize::new(0);
    let lane = || {
        // Beside the other lane, as what it is held against.
        let plain = time(&repeated("it reads a line and keeps what was said of it, if anything was; "));
        let cost = |word: &String| {
            BEHIND.map(|behind| {
                let text = format!("{word}{behind}");
                (time(&repeated(&text)).as_nanos() / plain.as_nanos().max(1), text)
            })
        };
        let words = std::iter::from_fn(|| words.get(next.fetch_add(1, Ordering::Relaxed)));
        words.flat_map(cost).collect::<Vec<_>>()
    };
    // One alone would be the longest test by far.
    let mut worst = thread::scope(|scope| {
        let lanes: Vec<_> = (0..LANES).map(|_| scope.spawn(lane)).collect();
        lanes.into_iter().flat_map(|lane| lane.join().expect("what it takes")).collect::<Vec<_>>()
    });
    worst.sort();
    let (most, text) = worst.last().expect("keywords");
    assert!(*most < 1_500, "{text:?} costs {most} times what plain text does");
}
