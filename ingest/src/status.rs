//! `ingest status`: how it is going, for a person and for programs.

mod page;

use std::time::SystemTime;

use clap::Args;
use settings::Settings;

use crate::cli::Place;
use crate::doctor::outside;
use crate::error::{At, Error};
use crate::exit::Exit;

/// Shown below `ingest status --help`.
pub const EXAMPLES: &str = "\
Examples:
  prompt-manager status                              how it is going, and what to do if something is wrong
  prompt-manager status || echo look                 from a timer: ends with 1 if something is lost or nothing goes on
  prompt-manager status --json | jq -r '.findings[].code'
  prompt-manager status --json | jq .latency.hour    how long events waited, in milliseconds

`GET /api/health` of `prompt-manager serve` gives the same document.
";

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

/// Shows it. Nothing is changed, and nobody is waited for.
///
/// # Errors
/// When it cannot be written.
pub fn run(settings: &Settings, args: &Status) -> Result<Exit, Error> {
    let now = SystemTime::now();
    let outside = outside::look(settings, now, &|name| std::env::var_os(name), outside::Sight::Lost);
    let found = status::Status::gather_seeing(settings, now, outside);
    let text = if args.json { terminal::document(&found) } else { page::page(&found, terminal::width()) };
    terminal::print(text.as_bytes()).at("write the status of", settings.home.root())?;
    Ok(if found.status == status::State::Failing { Exit::Failure } else { Exit::Done })
}
