//! One source of settings, in which every key may be missing.

use std::path::PathBuf;
use std::time::Duration;

use redact::Rule;

use crate::{Archive, Error, Ignore, LARGEST_BATCH, Listen, LogFormat, Notify, Redact, SHORTEST_EVERY};

/// What one source says. The flags of a binary are given to [`crate::Settings::resolve`] in this form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layer {
    /// The data directory.
    pub home: Option<PathBuf>,
    /// The hook's second place.
    pub spill: Option<PathBuf>,
    /// The folders of transcripts; they replace those of the source below, they do not add to them.
    pub projects: Option<Vec<PathBuf>>,
    /// Whose sessions are never captured, and which.
    pub ignore: Option<Ignore>,
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
    /// What becomes of queue files that are taken in.
    pub archive: Option<Archive>,
    /// After how long the archived files of a day are packed.
    pub pack_after: Option<Duration>,
    /// How long the archive keeps a day.
    pub archive_keep: Option<Duration>,
    /// How large the archive may become, in bytes.
    pub archive_max: Option<u64>,
    /// How long files stay in failed.
    pub failed_keep: Option<Duration>,
    /// Less free space, in bytes, is worth a warning.
    pub low_space: Option<u64>,
    /// With less free space, in bytes, nothing is taken in.
    pub min_space: Option<u64>,
    /// Between two backups of what people said; zero: none.
    pub annotations_every: Option<Duration>,
    /// So many of these are kept.
    pub annotations_keep: Option<usize>,
    /// Between two backups of the database; zero: none.
    pub backup_every: Option<Duration>,
    /// So many of these are kept.
    pub backup_keep: Option<usize>,
    /// What is logged.
    pub log: Option<String>,
    /// How.
    pub log_format: Option<LogFormat>,
    /// A log file is closed when it is larger than this, in bytes,
    pub log_size: Option<u64>,
    /// or older than this.
    pub log_age: Option<Duration>,
    /// So many closed log files are kept.
    pub log_keep: Option<usize>,
    /// What is run when things begin to go wrong, and when they go well again.
    pub notify: Option<Notify>,
    /// Whether secrets are hidden, and where.
    pub redact: Option<Redact>,
    /// What else is a secret.
    pub redact_rules: Option<Vec<Rule>>,
    /// What no secret holds.
    pub redact_allow: Option<Vec<String>>,
    /// Where the API listens.
    pub listen: Option<Listen>,
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
            ignore: self.ignore.or(below.ignore),
            every,
            cron,
            sweep_every: self.sweep_every.or(below.sweep_every),
            batch: self.batch.or(below.batch),
            max_event: self.max_event.or(below.max_event),
            archive: self.archive.or(below.archive),
            pack_after: self.pack_after.or(below.pack_after),
            archive_keep: self.archive_keep.or(below.archive_keep),
            archive_max: self.archive_max.or(below.archive_max),
            failed_keep: self.failed_keep.or(below.failed_keep),
            low_space: self.low_space.or(below.low_space),
            min_space: self.min_space.or(below.min_space),
            annotations_every: self.annotations_every.or(below.annotations_every),
            annotations_keep: self.annotations_keep.or(below.annotations_keep),
            backup_every: self.backup_every.or(below.backup_every),
            backup_keep: self.backup_keep.or(below.backup_keep),
            log: self.log.or(below.log),
            log_format: self.log_format.or(below.log_format),
            log_size: self.log_size.or(below.log_size),
            log_age: self.log_age.or(below.log_age),
            log_keep: self.log_keep.or(below.log_keep),
            notify: self.notify.or(below.notify),
            redact: self.redact.or(below.redact),
            redact_rules: self.redact_rules.or(below.redact_rules),
            redact_allow: self.redact_allow.or(below.redact_allow),
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
        for (key, size) in [("max_event", self.max_event), ("log_size", self.log_size)] {
            if size == Some(0) {
                return Err(Error::Range { key, range: "1 byte or more".into() });
            }
        }
        for (key, kept) in [("annotations_keep", self.annotations_keep), ("backup_keep", self.backup_keep)] {
            if kept == Some(0) {
                return Err(Error::Range { key, range: "1 or more; to make none, set the interval to 0s".into() });
            }
        }
        Ok(())
    }
}
