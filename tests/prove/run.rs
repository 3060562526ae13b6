//! How a part is run: a slice of it or all, and from which random numbers on.

use std::io::{self, IsTerminal, Write};

/// How a part is run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    /// How much of it.
    pub(crate) scale: Scale,
    /// Where its random numbers begin.
    pub(crate) seed: u64,
}

impl Run {
    /// Says that something cannot be done on this machine.
    ///
    /// # Panics
    /// In full: what was left out has no place in PROOF.md.
    pub(crate) fn left_out(&self, why: &str) {
        println!("SKIPPED: {why}");
        assert!(self.scale == Scale::Slice, "nothing is written down of a part of which something is left out");
    }

    /// A figure of the slice, or of the whole.
    pub(crate) fn of<T>(&self, slice: T, full: T) -> T {
        match self.scale {
            Scale::Slice => slice,
            Scale::Full => full,
        }
    }
}

/// Says how far it is, over what was said before, to whoever watches a terminal.
pub(crate) fn progress(text: &str) {
    let mut out = io::stdout();
    if out.is_terminal() {
        let _ = write!(out, "\r\x1b[K{text}").and_then(|()| out.flush());
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
