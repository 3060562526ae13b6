//! Our own configuration: `config.toml`, then the environment, then flags; the later one wins, key by key.
//!
//! Each source is read into a [`Layer`] in which every key may be missing; [`Settings::resolve`] lays them over each other
//! and fills what is left from the named defaults below. What a value means is checked here once, so that both binaries
//! say the same about a wrong one. The hook reads none of this: its places are arguments or the environment.

mod archive;
mod env;
mod error;
mod file;
mod ignore;
mod layer;
mod listen;
mod log;
mod notify;
mod recorded;
mod redact;
mod units;
mod usage;

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ::redact::{Rule, Rules};
use queue::DataDir;

pub use archive::Archive;
pub use error::Error;
pub use ignore::Ignore;
pub use layer::Layer;
pub use listen::Listen;
pub use log::LogFormat;
pub use notify::Notify;
pub use recorded::listen_on_record;
pub use redact::Redact;
pub use units::{UnitError, parse_duration, parse_size};
pub use usage::usage_line;

/// Between two looks at the queue. An idle look costs a few `stat` calls, so a second is cheap, and a prompt is searchable
/// before its author has opened the page.
pub const EVERY: Duration = Duration::from_secs(1);
/// Files in one transaction. With FULL synchronisation the rate grows with the batch and flattens here; the batch is also
/// what a crash makes the next pass do again, and each file in it is an open descriptor.
pub const BATCH: usize = 1024;
/// Payload bytes in one transaction, whatever the number of files: what a pass holds in memory.
pub const BATCH_BYTES: u64 = 16 * 1024 * 1024;
/// The largest payload that is stored. Claude Code sends a file or a tool result whole, hence far above any usual prompt;
/// it is read into memory, hence a limit at all.
pub const MAX_EVENT: u64 = 256 * 1024 * 1024;
/// Between two looks at all transcripts. Sessions with hooks are followed at once; this is for those without.
pub const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// Archived queue files lie as files for so long; then each day's become one compressed file.
pub const PACK_AFTER: Duration = Duration::from_secs(7 * DAY);
/// Less free space than this is worth a warning.
pub const LOW_SPACE: u64 = 1024 * 1024 * 1024;
/// With less free space than this nothing is taken in: hooks go on writing their small files, and the queue is taken in as
/// soon as there is space again.
pub const MIN_SPACE: u64 = 128 * 1024 * 1024;
/// Between two backups of what people said: ratings, tags, notes, splits. They are small, and nothing else can bring them
/// back.
pub const ANNOTATIONS_EVERY: Duration = Duration::from_secs(DAY);
/// So many of these are kept.
pub const ANNOTATIONS_KEEP: usize = 30;
/// Between two backups of the whole database.
pub const BACKUP_EVERY: Duration = Duration::from_secs(7 * DAY);
/// So many of these are kept.
pub const BACKUP_KEEP: usize = 2;
/// A log file is closed when it is larger than this,
pub const LOG_SIZE: u64 = 4 * 1024 * 1024;
/// or older than this.
pub const LOG_AGE: Duration = Duration::from_secs(7 * DAY);
/// So many closed log files are kept.
pub const LOG_KEEP: usize = 4;
/// Where the API listens: this machine only.
pub const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8765);

/// The shortest interval: below it the loop is a busy wait.
pub const SHORTEST_EVERY: Duration = Duration::from_millis(10);
/// The largest batch: more descriptors than any system grants by default.
pub const LARGEST_BATCH: usize = 65_536;

/// In seconds.
const DAY: u64 = 24 * 60 * 60;

/// When `ingest run` looks at the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// After each interval.
    Every(Duration),
    /// By a cron expression in local time; its syntax is the scheduler's business.
    Cron(String),
}

/// Whether somebody chose a place. A chosen one with a typo must not be created somewhere by surprise, nor be added to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// The default place.
    Default,
    /// A flag, a variable or the file names it.
    Named,
}

/// What is run to tell that it goes wrong, of settings of which anything else may be wrong.
pub fn notify_alone(var: &dyn Fn(&str) -> Option<OsString>) -> Option<Notify> {
    let line = var("PROMPT_MANAGER_NOTIFY").and_then(|line| Notify::shell(line.to_str()?).ok());
    line.or_else(|| file::notify_alone(&file::path(var)?))
}

/// Everything resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The data directory.
    pub home: DataDir,
    /// Whether somebody chose it.
    pub home_chosen: Chosen,
    /// Where the hook puts files when the queue cannot be written; `None` without a home directory.
    pub spill: Option<PathBuf>,
    /// The folders below which Claude Code keeps its transcripts.
    pub projects: Vec<PathBuf>,
    /// Whether somebody chose them. Else they are the usual one, and those of the configurations that were set up.
    pub projects_chosen: Chosen,
    /// Whose sessions are never captured, and which.
    pub ignore: Ignore,
    /// Why the configurations that were set up are not known, if they are not.
    pub record_problem: Option<String>,
    /// When the queue is looked at.
    pub schedule: Schedule,
    /// How often all transcripts are looked at.
    pub sweep_every: Duration,
    /// Files in one transaction.
    pub batch: usize,
    /// The largest payload that is stored, in bytes.
    pub max_event: u64,
    /// What becomes of queue files that are taken in.
    pub archive: Archive,
    /// After how long the archived files of a day are packed, if they are.
    pub pack_after: Duration,
    /// How long the archive keeps a day; `None`: for good.
    pub archive_keep: Option<Duration>,
    /// How large the archive may become, in bytes; the oldest days go first. `None`: as large as it gets.
    pub archive_max: Option<u64>,
    /// How long files stay in failed; `None`: for good.
    pub failed_keep: Option<Duration>,
    /// Less free space, in bytes, is worth a warning.
    pub low_space: u64,
    /// With less free space, in bytes, nothing is taken in.
    pub min_space: u64,
    /// Between two backups of what people said; zero: none.
    pub annotations_every: Duration,
    /// So many of these are kept.
    pub annotations_keep: usize,
    /// Between two backups of the database; zero: none.
    pub backup_every: Duration,
    /// So many of these are kept.
    pub backup_keep: usize,
    /// What is logged, as tracing's filters say it: `info`, `ingest=debug`. `None`: what suits the command.
    pub log: Option<String>,
    /// How.
    pub log_format: LogFormat,
    /// A log file is closed when it is larger than this, in bytes,
    pub log_size: u64,
    /// or older than this.
    pub log_age: Duration,
    /// So many closed log files are kept.
    pub log_keep: usize,
    /// What is run when things begin to go wrong, and when they go well again.
    pub notify: Option<Notify>,
    /// Whether secrets are hidden, and where.
    pub redact: Redact,
    /// What else is a secret, beside what our own rules know.
    pub redact_rules: Vec<Rule>,
    /// What no secret holds.
    pub redact_allow: Vec<String>,
    /// Where the API listens.
    pub listen: Listen,
    /// Whether the API answers without a token.
    pub no_token: bool,
}

impl Settings {
    /// Reads the file and the environment and lays `flags` over them.
    ///
    /// # Errors
    /// One line that names the file, the line and the key, or the variable, and what would be right.
    pub fn resolve(flags: Layer, var: &dyn Fn(&str) -> Option<OsString>) -> Result<Self, Error> {
        let file = match file::path(var) {
            Some(path) => file::read(&path, var)?,
            None => Layer::default(),
        };
        let env = env::read(var)?;
        for layer in [&env, &flags] {
            layer.check()?;
        }
        Self::fill(flags.over(env).over(file), var)
    }

    /// The rules by which secrets are hidden; `None` where they are not.
    ///
    /// # Errors
    /// [`Error::Secrets`].
    pub fn secrets(&self) -> Result<Option<Arc<Rules>>, Error> {
        match self.redact {
            Redact::Off => Ok(None),
            Redact::Display | Redact::Ingest => {
                Ok(Some(Arc::new(Rules::with(&self.redact_rules, &self.redact_allow)?)))
            }
        }
    }

    fn fill(given: Layer, var: &dyn Fn(&str) -> Option<OsString>) -> Result<Self, Error> {
        let (home, home_chosen) = match given.home {
            // A flag may be relative; what is written down or printed of it is read in other folders. Links stay as they are.
            Some(home) => (DataDir::new(std::path::absolute(&home).unwrap_or(home)), Chosen::Named),
            None => (DataDir::from_env(var).ok_or(Error::NoHome)?, Chosen::Default),
        };
        let schedule = match (given.cron, given.every) {
            (Some(cron), _) => Schedule::Cron(cron),
            (None, every) => Schedule::Every(every.unwrap_or(EVERY)),
        };
        let (projects, projects_chosen, record_problem) = match given.projects {
            Some(projects) => (projects, Chosen::Named, None),
            None => {
                let (projects, problem) = recorded::with_projects(env::default_projects(var), &home);
                (projects, Chosen::Default, problem)
            }
        };
        Ok(Self {
            home,
            home_chosen,
            spill: given.spill.or_else(|| queue::layout::spill_from_env(var)),
            projects,
            projects_chosen,
            ignore: given.ignore.unwrap_or_default(),
            record_problem,
            schedule,
            sweep_every: given.sweep_every.unwrap_or(SWEEP_EVERY),
            batch: given.batch.unwrap_or(BATCH),
            max_event: given.max_event.unwrap_or(MAX_EVENT),
            archive: given.archive.unwrap_or_default(),
            pack_after: given.pack_after.unwrap_or(PACK_AFTER),
            archive_keep: given.archive_keep,
            archive_max: given.archive_max,
            failed_keep: given.failed_keep,
            low_space: given.low_space.unwrap_or(LOW_SPACE),
            min_space: given.min_space.unwrap_or(MIN_SPACE),
            annotations_every: given.annotations_every.unwrap_or(ANNOTATIONS_EVERY),
            annotations_keep: given.annotations_keep.unwrap_or(ANNOTATIONS_KEEP),
            backup_every: given.backup_every.unwrap_or(BACKUP_EVERY),
            backup_keep: given.backup_keep.unwrap_or(BACKUP_KEEP),
            log: given.log,
            log_format: given.log_format.unwrap_or_default(),
            log_size: given.log_size.unwrap_or(LOG_SIZE),
            log_age: given.log_age.unwrap_or(LOG_AGE),
            log_keep: given.log_keep.unwrap_or(LOG_KEEP),
            notify: given.notify,
            redact: given.redact.unwrap_or_default(),
            redact_rules: given.redact_rules.unwrap_or_default(),
            redact_allow: given.redact_allow.unwrap_or_default(),
            listen: given.listen.unwrap_or(Listen::Tcp(LISTEN)),
            no_token: given.no_token.unwrap_or(false),
        })
    }
}

#[cfg(test)]
mod tests;
