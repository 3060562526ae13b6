//! `ingest restore`: puts a backup in the place of the database.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::Args;
use settings::Settings;

use crate::cli::Common;
use crate::error::Error;
use crate::exit::Exit;

/// `restore`.
#[derive(Debug, Args)]
pub struct Restore {
    /// The backup
    #[arg(value_name = "SRC")]
    pub src: std::path::PathBuf,
    /// Replace what is there
    #[arg(long)]
    pub force: bool,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
    /// Shared flags.
    #[command(flatten)]
    pub common: Common,
}

/// Does it.
///
/// # Errors
/// What stops it.
pub fn run(_settings: &Settings, _args: &Restore, _stop: &Arc<AtomicBool>) -> Result<Exit, Error> {
    Err(Error::Usage("not built yet".into()))
}
