//! `query-api`: gives the store back, as JSON over HTTP, to whoever sits at this machine.
//!
//! A request's way: `server` (connections and their limits) -> `app` (every request, every answer) -> `access` (may it
//! ask?) -> `routes` (which handler?) -> `extract` (parameters, checked) -> `handlers` (parameters to a question) -> `db`
//! (a reader on a blocking thread) -> `view` (JSON).

mod access;
mod app;
mod cli;
mod command;
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

use std::io::Write;
use std::process::ExitCode;

use tracing::level_filters::LevelFilter;

fn main() -> ExitCode {
    let (said, exit) = match cli::read() {
        Ok(cli) => match run(cli.command) {
            Ok(()) => return ExitCode::SUCCESS,
            Err(failed) => failed,
        },
        Err(refused) => (refused, ExitCode::from(2)),
    };
    let _ = writeln!(std::io::stderr(), "query-api: {said}"); // nobody may be reading
    exit
}

fn run(command: cli::Command) -> Result<(), (String, ExitCode)> {
    let usual = if matches!(command, cli::Command::Store(_)) { LevelFilter::ERROR } else { LevelFilter::INFO };
    start::log(usual);
    let started = |error: start::Error| (format!("failed to {error}"), error.exit_code());
    match command {
        cli::Command::Serve(flags) => start::serve(flags).map_err(started),
        cli::Command::Openapi => start::print_document().map_err(started),
        cli::Command::Store(word) => command::run(&word).map_err(|error| (error.to_string(), error.exit_code())),
    }
}
