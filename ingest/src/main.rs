//! `ingest`: the command line, then the command, and an exit code.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use ingest::cli::Cli;
use ingest::dispatch;
use ingest::exit::Exit;

fn main() -> ExitCode {
    supervisor::panics::tell_place_only("prompt-manager");
    let (said, exit) = match Cli::try_parse() {
        Ok(cli) => match dispatch::run(&cli) {
            Ok(exit) => return exit.into(),
            Err(error) => (error.to_string(), error.exit()),
        },
        Err(error)
            if error.use_stderr()
                && error.kind() != clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand =>
        {
            (settings::usage_line(&error.to_string()), Exit::Usage)
        }
        Err(help) => help.exit(),
    };
    let _ = writeln!(std::io::stderr(), "prompt-manager: {said}");
    exit.into()
}
