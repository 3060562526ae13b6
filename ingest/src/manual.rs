//! `ingest completions` and `ingest man`: made from the command line itself, so that they never lag behind it.

use clap::Args;

use crate::error::Error;
use crate::exit::Exit;

/// `completions`.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// `man`.
#[derive(Debug, Args)]
pub struct Man {
    /// The folder
    #[arg(value_name = "DIR")]
    pub dir: std::path::PathBuf,
}

/// Prints them.
///
/// # Errors
/// What stops it.
pub fn completions(_args: &Completions) -> Result<Exit, Error> {
    Err(Error::Usage("not built yet".into()))
}

/// Writes them.
///
/// # Errors
/// What stops it.
pub fn man(_args: &Man) -> Result<Exit, Error> {
    Err(Error::Usage("not built yet".into()))
}
