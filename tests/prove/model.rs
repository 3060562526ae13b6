//! The protocol as a state machine over the real code: random sequences of what hooks, two ingesters, the power, the transcript
//! and a person may do, each step held against a small model of what must be where.
//!
//! A hook writes and renames real files, a call at a time. A pass stops at every step (claim, parse, write, commit, move, …) and
//! is ended there, or somebody else goes on meanwhile. What must hold after each action: whatever was put into the queue is
//! stored, in failed or still in the queue, each file once, and what is in the archive is stored. What must hold once passes that
//! live have done the rest: all that is whole is stored, each prompt that is known is one conversation under every id that was ever
//! shown for it, ratings and splits stand where they were said, and a rebuild changes nothing.
//!
//! What a power cut leaves is decided so:
//!
//! - Every commit that returned is there, for `synchronous=FULL` has synced it. (That it has is not shown here, but by the part
//!   `control`, and on real disks by `cut`.) Of one that has not returned, any sectors of what it wrote to the log may be there.
//! - The queue's folders go back, all of them together, to any moment since the cut before, however much was committed since:
//!   nobody syncs them. A journal keeps the order of renames, so it is always one moment, and no mixture.
//! - A file that was not on the disk at the cut before may be empty or cut short: nobody syncs it either. If nothing of it was
//!   committed, that is the window which ARCHITECTURE.md states; the model demands that it is then told in failed.
//! - Transcripts are Claude Code's, and stay. Who dies alone (a crash) loses nothing that was written.
//!
//! What is not here is elsewhere: a real `kill -9` (`kill`), real disks (`cut`), ingesters that run truly side by side (`kill`).

mod action;
mod end;
mod explore;
mod files;
mod hook;
mod ledger;
mod log;
mod machine;
mod people;
mod power;
mod told;
mod work;

use std::time::{Duration, Instant};

use ingest::step::Step;

use crate::figures::Figures;
use crate::run::{Run, Scale, progress};
pub(crate) use explore::{Bounds, explore};
use explore::{Found, a_second};

/// A sequence that breaks the law is made shorter by so many tries.
const SHRINK: u32 = 5_000;

/// The steps at which ingesters die here. The others need a second disk, or a disk that is ill.
const DEADLY: [Step; 14] = [
    Step::Drained,
    Step::Adopted,
    Step::Scanned,
    Step::Locked,
    Step::Claimed,
    Step::Parsed,
    Step::Written,
    Step::Committed,
    Step::Archived,
    Step::Explained,
    Step::Failed,
    Step::Followed,
    Step::Derived,
    Step::Rated,
];

pub(crate) fn run(run: &Run) -> Figures {
    let bounds = Bounds { seed: run.seed, steps: run.of(75_000, 1_000_000), time: Duration::MAX, shrink: SHRINK };
    let begin = Instant::now();
    match explore(&bounds) {
        Ok(Found { figures, died_at }) => {
            let spared: Vec<_> = DEADLY.iter().filter(|step| !died_at.contains(step)).collect();
            assert!(run.scale == Scale::Slice || spared.is_empty(), "no ingester died at {spared:?}");
            progress("");
            println!("{:.0} steps a second", a_second(figures.get("steps"), begin));
            figures
        }
        Err(breach) => panic!("{breach}\nagain with --seed {}", run.seed),
    }
}
