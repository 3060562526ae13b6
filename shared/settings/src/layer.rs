//! One source of settings, in which every key may be missing.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::{Error, LARGEST_BATCH, SHORTEST_EVERY};

/// What one source says. The flags of a binary are given to [`crate::Settings::resolve`] in this form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layer {
    /// The data directory.
    pub home: Option<PathBuf>,
    /// The hook's second place.
    pub spill: Option<PathBuf>,
    /// The folders of transcripts; they replace those of the source below, they do not add to them.
    pub projects: Option<Vec<PathBuf>>,
    /// The interval of `run`.
    pub every: Option<Duration>,
    /// Or its cron expression.
    pub cron: Option<String>,
    /// How often all transcripts are looked at.
    pub sweep_every: Option<Duration>,
    /// Files in one transaction.
    pub batch: Option<usize>,
    /// The largest payload, in bytes.
    pub max_event: Option<u64>,
    /// Where the API listens.
    pub listen: Option<SocketAddr>,
    /// Whether the API answers without a token.
    pub no_token: Option<bool>,
}

impl Layer {
    /// Every key of `self`, and of `below` what `self` does not say. The schedule is one decision in two keys.
    pub(crate) fn over(self, below: Self) -> Self {
        let scheduled = self.every.is_some() || self.cron.is_some();
        let (every, cron) = if scheduled { (self.every, self.cron) } else { (below.every, below.cron) };
        Self {
            home: self.home.or(below.home),
            spill: self.spill.or(below.spill),
            projects: self.projects.or(below.projects),
            every,
            cron,
            sweep_every: self.sweep_every.or(below.sweep_every),
            batch: self.batch.or(below.batch),
            max_event: self.max_event.or(below.max_event),
            listen: self.listen.or(below.listen),
            no_token: self.no_token.or(below.no_token),
        }
    }

    /// Whether the values are in range and agree with each other.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.every.is_some() && self.cron.is_some() {
            return Err(Error::TwoSchedules);
        }
        for (key, value) in [("every", self.every), ("sweep_every", self.sweep_every)] {
            if value.is_some_and(|value| value < SHORTEST_EVERY) {
                return Err(Error::Range { key, range: format!("{} ms or more", SHORTEST_EVERY.as_millis()) });
            }
        }
        if self.batch.is_some_and(|batch| !(1..=LARGEST_BATCH).contains(&batch)) {
            return Err(Error::Range { key: "batch", range: format!("from 1 to {LARGEST_BATCH}") });
        }
        if self.max_event == Some(0) {
            return Err(Error::Range { key: "max_event", range: "1 byte or more".into() });
        }
        Ok(())
    }
}
