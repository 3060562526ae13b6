//! `ingest doctor`: looks for everything that could be wrong, and mends what can be mended.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::Args;
use settings::Settings;

use crate::cli::Common;
use crate::error::Error;
use crate::exit::Exit;

/// `doctor`.
#[derive(Debug, Args)]
pub struct Doctor {
    /// Mend what can be mended
    #[arg(long)]
    pub repair: bool,
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
pub fn run(_settings: &Settings, _args: &Doctor, _stop: &Arc<AtomicBool>) -> Result<Exit, Error> {
    Err(Error::Usage("not built yet".into()))
}
