//! `ingest recover`: sets a damaged database aside and makes it anew from backup, archive and transcripts.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::Args;
use settings::Settings;

use crate::cli::Common;
use crate::error::Error;
use crate::exit::Exit;

/// `recover`.
#[derive(Debug, Args)]
pub struct Recover {
    /// Say what would be done, and do nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
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
pub fn run(_settings: &Settings, _args: &Recover, _stop: &Arc<AtomicBool>) -> Result<Exit, Error> {
    Err(Error::Usage("not built yet".into()))
}
