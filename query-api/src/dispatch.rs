//! From a word of the command line to what does it.

use std::process::ExitCode;

use crate::cli::{self, Command};
use crate::command::{self, open};
use crate::routes;
use crate::serve::start;

/// Does it; else one line that says why not, and the exit code.
pub(crate) fn run(command: Command) -> Result<(), (String, ExitCode)> {
    match command {
        Command::Serve(flags) => start::serve(flags).map_err(|error| (format!("failed to {error}"), error.exit_code())),
        Command::Open(flags) => open::run(flags).map_err(|error| (format!("failed to {error}"), error.exit_code())),
        Command::Store(word) => command::run(&word).map_err(|error| (error.to_string(), error.exit_code())),
        Command::Openapi => print("the document", routes::document().to_pretty_json()),
        Command::Words => print("the words", serde_json::to_string(&cli::words())),
    }
}

/// Prints what this program knows of itself.
fn print(what: &str, text: serde_json::Result<String>) -> Result<(), (String, ExitCode)> {
    let printed = text.map_err(Into::into).and_then(|text| terminal::print_raw((text + "\n").as_bytes()));
    printed.map_err(|error| (format!("failed to print {what}: {error}"), ExitCode::FAILURE))
}
