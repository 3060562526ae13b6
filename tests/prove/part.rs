//! What a part is, and which there are.

use crate::figures::Figures;
pub(crate) use crate::run::{Run, Scale};
use crate::{control, cut, errors, hostile, kill, many, model, points, security, soak};

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
        name: "many",
        about: "eight ingesters on one backlog, 64 writing hooks, and what is left when all have ended",
        run: many::run,
    },
    Part {
        name: "model",
        about: "random sequences of all that may happen against a small model, one step at a time",
        run: model::run,
    },
    Part {
        name: "control",
        about: "each rule that keeps prompts broken in turn, to see it noticed",
        run: control::run,
    },
    Part {
        name: "hostile",
        about: "made-up input for every reader, damaged queue files and databases, odd things in the queue",
        run: hostile::run,
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
