//! What a part is, and which there are.

use crate::figures::Figures;
pub(crate) use crate::run::{Run, Scale};
use crate::{control, kill, model};

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
        name: "model",
        about: "random sequences of all that may happen against a small model, one step at a time",
        run: model::run,
    },
    Part {
        name: "control",
        about: "each rule that keeps prompts broken in turn, to see it noticed",
        run: control::run,
    },
];
