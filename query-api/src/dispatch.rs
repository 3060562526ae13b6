//! From a word of the command line to what does it.

use std::process::ExitCode;

use crate::{cli, command, open, start};

/// Does it; else one line that says why not, and the exit code.
pub(crate) fn run(command: cli::Command) -> Result<(), (String, ExitCode)> {
    let started = |error: start::Error| (format!("failed to {error}"), error.exit_code());
    let opened = |error: open::Error| (format!("failed to {error}"), error.exit_code());
    match command {
        cli::Command::Serve(flags) => start::serve(flags).map_err(started),
        cli::Command::Openapi => start::print_document().map_err(started),
        cli::Command::Open(flags) => open::run(flags).map_err(opened),
        cli::Command::Store(word) => command::run(&word).map_err(|error| (error.to_string(), error.exit_code())),
    }
}
