//! `query-api`: gives the store back, as JSON over HTTP, to whoever sits at this machine.
//!
//! A request's way: `server` (connections and their limits) -> `app` (every request, every answer) -> `access` (may it
//! ask?) -> `routes` (which handler?) -> `extract` (parameters, checked) -> `handlers` (parameters to a question) -> `db`
//! (a reader on a blocking thread) -> `view` (JSON).

mod access;
mod answered;
mod app;
mod base64;
mod cli;
mod command;
mod cursor;
mod db;
mod dispatch;
mod docs;
mod events;
mod extract;
mod filter;
mod handlers;
mod listener;
mod logging;
mod login;
mod metrics;
mod open;
mod openapi;
mod problem;
mod routes;
mod server;
mod start;
mod token;
mod view;
mod zone;

use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let (said, exit) = match cli::read() {
        Ok(cli) => match dispatch::run(cli.command) {
            Ok(()) => return ExitCode::SUCCESS,
            Err(failed) => failed,
        },
        Err(refused) => (refused, ExitCode::from(2)),
    };
    let _ = writeln!(std::io::stderr(), "query-api: {said}"); // nobody may be reading
    exit
}
