//! No text makes a rule look at it again and again: what names a secret a hundred thousand times costs a bounded number of times
//! what other text costs.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::Rules;
use crate::rules::Place;

const SIZE: usize = 32 << 10;

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
    let plain = time(&repeated("it reads a line and keeps what was said of it, if anything was; "));
    let mut worst = Vec::new();
    for rule in &Rules::ours().rules {
        assert!(matches!(rule.place, Place::AtKeyword { .. }), "{}: it is not bound to keywords", rule.id);
    }
    for keyword in Rules::ours().words() {
        for behind in ["", "=", " ", ": ", "=\"", "\n", ".", "-", "/", "=aB3", ":aB3@", " -u a:"] {
            let spent = time(&repeated(&format!("{keyword}{behind}")));
            worst.push((spent.as_nanos() / plain.as_nanos().max(1), format!("{keyword}{behind}")));
        }
    }
    worst.sort();
    let (most, text) = worst.last().expect("keywords");
    assert!(*most < 1_500, "{text:?} costs {most} times what plain text does");
}
