//! `query-api`: gives the store back, as JSON over HTTP, to whoever sits at this machine.
//!
//! A request's way: `server` (connections and their limits) -> `app` (every request, every answer) -> `access` (may it
//! ask?) -> `routes` (which handler?) -> `extract` (parameters, checked) -> `handlers` (parameters to a question) -> `db`
//! (a reader on a blocking thread) -> `view` (JSON).

mod access;
mod app;
mod cli;
mod cursor;
mod db;
mod docs;
mod extract;
mod handlers;
mod openapi;
mod problem;
mod routes;
mod server;
mod start;
mod token;
mod view;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    let (said, exit) = match cli::read() {
        Ok(cli) => match run(cli.command) {
            Ok(()) => return ExitCode::SUCCESS,
            Err(error) => (format!("failed to {error}"), error.exit_code()),
        },
        Err(refused) => (refused, ExitCode::from(2)),
    };
    let _ = writeln!(std::io::stderr(), "query-api: {said}"); // nobody may be reading
    exit
}

fn run(command: cli::Command) -> Result<(), start::Error> {
    let filter = tracing_subscriber::EnvFilter::builder()
        .with_default_directive(tracing::level_filters::LevelFilter::INFO.into())
        .with_env_var("PROMPT_MANAGER_LOG")
        .from_env_lossy();
    let colour = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(colour).with_env_filter(filter).init();
    match command {
        cli::Command::Serve(flags) => start::serve(flags),
        cli::Command::Openapi => start::print_document(),
    }
}
