//! `ingest backup`: a copy of the database, made while everything goes on, and checked.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::Args;
use settings::Settings;

use crate::cli::Place;
use crate::error::Error;
use crate::exit::Exit;

/// `backup`.
#[derive(Debug, Args)]
pub struct Backup {
    /// The file to write, or a folder that gets one with a name of its own
    #[arg(value_name = "DEST")]
    pub dest: std::path::PathBuf,
    /// Replace what is there
    #[arg(long)]
    pub force: bool,
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
pub fn run(_settings: &Settings, _args: &Backup, _stop: &Arc<AtomicBool>) -> Result<Exit, Error> {
    Err(Error::Usage("not built yet".into()))
}

/// Makes the backups that are due.
///
/// # Errors
/// What stops it.
pub(crate) fn due(_settings: &Settings, _now: std::time::SystemTime, _stop: &AtomicBool) -> Result<(), Error> {
    Ok(())
}
