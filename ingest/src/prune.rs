//! `ingest prune`: packs and thins out the archive as the settings say.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::Args;
use settings::Settings;

use crate::cli::Place;
use crate::error::Error;
use crate::exit::Exit;

/// `prune`.
#[derive(Debug, Args)]
pub struct Prune {
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
pub fn run(_settings: &Settings, _args: &Prune, _stop: &Arc<AtomicBool>) -> Result<Exit, Error> {
    Err(Error::Usage("not built yet".into()))
}
