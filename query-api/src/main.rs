//! `query-api`: gives the store back, as JSON over HTTP, to whoever sits at this machine.
//!
//! A request's way: `server` (connections and their limits) -> `app` (every request, every answer) -> `access` (may it
//! ask?) -> `handlers` (parameters to a question) -> `db` (a reader on a blocking thread) -> `view` (JSON).

mod access;
mod app;
mod backlog;
mod cli;
mod cursor;
mod db;
mod handlers;
mod params;
mod problem;
mod server;
mod start;
mod token;
mod view;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error)
            if error.use_stderr()
                && error.kind() != clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand =>
        {
            let line = settings::usage_line(&error.to_string());
            let _ = writeln!(std::io::stderr(), "query-api: {line}");
            return ExitCode::from(2);
        }
        Err(help) => help.exit(),
    };
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_env_filter(
            tracing_subscriber::EnvFilter::builder()
                .with_default_directive(tracing::level_filters::LevelFilter::INFO.into())
                .with_env_var("PROMPT_MANAGER_LOG")
                .from_env_lossy(),
        )
        .init();
    let result = match cli.command {
        cli::Command::Serve(flags) => start::serve(flags),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "query-api: failed to {error}"); // nobody may be reading
            error.exit_code()
        }
    }
}
