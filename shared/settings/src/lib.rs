//! Our own configuration: `config.toml`, then the environment, then flags; the later one wins, key by key.
//!
//! Each source is read into a [`Layer`] in which every key may be missing; [`Settings::resolve`] lays them over each other
//! and fills what is left from the named defaults below. What a value means is checked here once, so that both binaries
//! say the same about a wrong one. The hook reads none of this: its places are arguments or the environment.

mod env;
mod error;
mod file;
mod layer;
mod units;
mod usage;

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use queue::DataDir;

pub use error::Error;
pub use layer::Layer;
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
/// Where the API listens: this machine only.
pub const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8765);

/// The shortest interval: below it the loop is a busy wait.
pub const SHORTEST_EVERY: Duration = Duration::from_millis(10);
/// The largest batch: more descriptors than any system grants by default.
pub const LARGEST_BATCH: usize = 65_536;

/// When `ingest run` looks at the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// After each interval.
    Every(Duration),
    /// By a cron expression in local time; its syntax is the scheduler's business.
    Cron(String),
}

/// Whether somebody chose the data directory. A chosen one with a typo must not be created somewhere by surprise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// The default place.
    Default,
    /// A flag, a variable or the file names it.
    Named,
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
    /// When the queue is looked at.
    pub schedule: Schedule,
    /// How often all transcripts are looked at.
    pub sweep_every: Duration,
    /// Files in one transaction.
    pub batch: usize,
    /// The largest payload that is stored, in bytes.
    pub max_event: u64,
    /// Where the API listens.
    pub listen: SocketAddr,
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
        for layer in [&file, &env, &flags] {
            layer.check()?;
        }
        Self::fill(flags.over(env).over(file), var)
    }

    fn fill(given: Layer, var: &dyn Fn(&str) -> Option<OsString>) -> Result<Self, Error> {
        let (home, home_chosen) = match given.home {
            Some(home) => (DataDir::new(home), Chosen::Named),
            None => (DataDir::from_env(var).ok_or(Error::NoHome)?, Chosen::Default),
        };
        let schedule = match (given.cron, given.every) {
            (Some(cron), _) => Schedule::Cron(cron),
            (None, every) => Schedule::Every(every.unwrap_or(EVERY)),
        };
        Ok(Self {
            home,
            home_chosen,
            spill: given.spill.or_else(|| queue::layout::spill_from_env(var)),
            projects: given.projects.unwrap_or_else(|| env::default_projects(var)),
            schedule,
            sweep_every: given.sweep_every.unwrap_or(SWEEP_EVERY),
            batch: given.batch.unwrap_or(BATCH),
            max_event: given.max_event.unwrap_or(MAX_EVENT),
            listen: given.listen.unwrap_or(LISTEN),
            no_token: given.no_token.unwrap_or(false),
        })
    }
}

#[cfg(test)]
mod tests;
