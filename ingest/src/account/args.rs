//! The command line of `ingest report`. The comments here are the help text.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use terminal::moment::{Moment, moment};

use crate::cli::Place;

/// Shown below `ingest report --help`.
pub const EXAMPLES: &str = "\
Examples:
  prompt-manager report                                   the last seven days
  prompt-manager report --since 30d --project . | less    of the project here
  prompt-manager report --since 2026-11-01 --until 2026-11-30 > november
  prompt-manager report --format html --out week.html     one file for a mail
  prompt-manager report --since 1d --format json | jq .figures.total.cost_usd

By mail (docs/report.md has lines for cron and for a systemd timer):
  prompt-manager report --since 1d --format html |
      mail -s Prompts -a 'Content-Type: text/html; charset=utf-8' me
";

/// In which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// To read as it is
    Markdown,
    /// One file with everything in it, also for a mail
    Html,
    /// For programs
    Json,
}

/// `report`.
#[derive(Debug, Args)]
pub struct Report {
    /// From then on: 7d, 12h, 2026-11-01, 2026-11-01T09:00:00Z
    #[arg(long, value_name = "TIME", value_parser = moment, default_value = "7d")]
    pub since: Moment,
    /// Until then; a day is meant whole [default: now]
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub until: Option<Moment>,
    /// Only from this folder or below it, or from a repository there; or from a project of this name
    #[arg(long, value_name = "DIR", value_parser = terminal::Project::parse)]
    pub project: Option<terminal::Project>,
    /// In which form
    #[arg(short, long, value_enum, default_value = "markdown")]
    pub format: Format,
    /// What stands above it [default: the days that it is of]
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,
    /// A file; - is standard output
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Replace what is there
    #[arg(long)]
    pub force: bool,
    /// Shared flags.
    #[command(flatten)]
    pub place: Place,
}
