//! `ingest status`: how it is going, for a person and for programs.

use clap::Args;
use settings::Settings;

use crate::cli::Place;
use crate::error::Error;
use crate::exit::Exit;

/// `status`.
#[derive(Debug, Args)]
pub struct Status {
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
pub fn run(_settings: &Settings, _args: &Status) -> Result<Exit, Error> {
    Err(Error::Usage("not built yet".into()))
}
