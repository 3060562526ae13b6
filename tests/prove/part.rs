//! What a part is, and which there are.

use crate::figures::Figures;
use crate::{cut, errors, kill, points, security, soak};

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
        name: "points",
        about: "death before each system call of the hook and of ingest, and a second one",
        run: points::run,
    },
    Part { name: "cut", about: "power cuts on ext4 and XFS, with the journal written or lost", run: cut::run },
    Part {
        name: "errors",
        about: "each system call failing, and disks that fill up again and again",
        run: errors::run,
    },
    Part {
        name: "security",
        about: "the matrices of hostile requests, texts and paths; hook and ingester without a network",
        run: security::run,
    },
    Part {
        name: "soak",
        about: "weeks under a clock that is faster: what grows, and what is left over",
        run: soak::run,
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
