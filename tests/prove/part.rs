//! What a part is, and which there are.

use crate::figures::Figures;
use crate::{hostile, kill};

/// One group of claims and what shows them.
pub(crate) struct Part {
    /// As it is called on the command line and in PROOF.md.
    pub(crate) name: &'static str,
    /// What it does, for `--list`.
    pub(crate) about: &'static str,
    /// Runs it.
    ///
    /// # Panics
    /// When a claim does not hold.
    pub(crate) run: fn(&Run) -> Figures,
}

/// All of them, in order of importance.
pub(crate) const PARTS: &[Part] = &[
    Part { name: "kill", about: "kill -9 of hooks and of up to eight ingesters at random moments", run: kill::run },
    Part {
        name: "hostile",
        about: "made-up input for every reader, damaged queue files and databases, odd things in the queue",
        run: hostile::run,
    },
];

/// How a part is run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    /// How much of it.
    pub(crate) scale: Scale,
    /// Where its random numbers begin.
    pub(crate) seed: u64,
}

impl Run {
    /// A figure of the slice, or of the whole.
    pub(crate) fn of<T>(&self, slice: T, full: T) -> T {
        match self.scale {
            Scale::Slice => slice,
            Scale::Full => full,
        }
    }
}

/// How much of a part is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    /// As much as fits into `ops/test`.
    Slice,
    /// As much as PROOF.md claims.
    Full,
}
