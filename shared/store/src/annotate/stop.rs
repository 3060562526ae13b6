//! Ends a change that takes too long, or that somebody waits for who must end: it is taken back as a whole.
//!
//! The engine asks every thousand steps of a statement, and our loops before each row; a commit that has begun is not ended any more.
//! So who pulls knows that all of it was made or nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::error::Error;

/// Pulled by hand, which all its clones notice, or at a time of its own.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    pulled: Arc<AtomicBool>,
    end: Option<Instant>,
}

impl Stop {
    /// The same, and from now on no longer than `limit`.
    #[must_use]
    pub fn within(&self, limit: Duration) -> Self {
        Self { pulled: self.pulled.clone(), end: Instant::now().checked_add(limit) }
    }

    /// Ends what heeds it, and whatever heeds it later.
    pub fn pull(&self) {
        self.pulled.store(true, Ordering::Relaxed);
    }

    /// Whether somebody pulled it; a time that is over does not count.
    pub fn is_pulled(&self) -> bool {
        self.pulled.load(Ordering::Relaxed)
    }

    /// Whether to end.
    pub(super) fn is_over(&self) -> bool {
        self.is_pulled() || self.end.is_some_and(|end| Instant::now() >= end)
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        if self.is_over() { Err(Error::Interrupted { op: "change what is said" }) } else { Ok(()) }
    }
}
