//! `query-api`: gives the store back, as JSON over HTTP, to whoever sits at this machine.
//!
//! A request's way: `serve` (connections and their limits, every request, every answer) -> `access` (may it ask?) -> `routes`
//! (which handler?) -> `http` (parameters, checked) -> `handlers` (parameters to a question) -> `state` (a reader on a blocking
//! thread) -> `view` (JSON) or `page` (the same for people). `command` asks the same routes from the command line, without a server.

mod access;
mod cli;
mod command;
mod dispatch;
mod docs;
mod handlers;
mod http;
mod logging;
mod page;
mod routes;
mod serve;
mod state;
mod view;

use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    supervisor::panics::tell_place_only("prompt-manager");
    let (said, exit) = match cli::read() {
        Ok(cli) => match dispatch::run(cli.command) {
            Ok(()) => return ExitCode::SUCCESS,
            Err(failed) => failed,
        },
        Err(refused) => (refused, ExitCode::from(2)),
    };
    let _ = writeln!(std::io::stderr(), "prompt-manager: {said}"); // nobody may be reading
    exit
}
