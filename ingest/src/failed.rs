//! `ingest failed` and `ingest retry`: what could not be taken in, and its way back into the queue.

use clap::Args;
use settings::Settings;

use crate::cli::Place;
use crate::error::Error;
use crate::exit::Exit;

/// `failed`.
#[derive(Debug, Args)]
pub struct Failed {
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
    /// Shared flags.
    #[command(flatten)]
    pub place: Place,
}

/// `retry`.
#[derive(Debug, Args)]
pub struct Retry {
    /// The files, by their names in queue/failed
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// All of them
    #[arg(long, conflicts_with = "names")]
    pub all: bool,
    /// Only those that failed for this reason, repeatable
    #[arg(long, value_name = "CLASS")]
    pub reason: Vec<String>,
    /// Only those that failed since: 7d, 2026-11-22, an RFC 3339 time
    #[arg(long, value_name = "WHEN")]
    pub since: Option<String>,
    /// Say what would be done, and do nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
    /// Shared flags.
    #[command(flatten)]
    pub place: Place,
}

/// Does it.
///
/// # Errors
/// What stops it.
pub fn list(_settings: &Settings, _args: &Failed) -> Result<Exit, Error> {
    Err(Error::Usage("not built yet".into()))
}

/// Does it.
///
/// # Errors
/// What stops it.
pub fn retry(_settings: &Settings, _args: &Retry) -> Result<Exit, Error> {
    Err(Error::Usage("not built yet".into()))
}
