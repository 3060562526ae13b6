//! `ingest`: the command line, the settings, then `once` or `run`, and an exit code.

use std::env::var_os;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::Parser;
use ingest::cli::{Cli, Command};
use ingest::error::Error;
use ingest::exit::Exit;
use ingest::once::Format;
use ingest::pass::Context;
use ingest::schedule::Schedule;
use ingest::{daemon, home, logging, once};
use settings::Settings;

fn main() -> ExitCode {
    let (said, exit) = match Cli::try_parse() {
        Ok(cli) => match run(&cli.command) {
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
    let _ = writeln!(std::io::stderr(), "ingest: {said}");
    exit.into()
}

fn run(command: &Command) -> Result<Exit, Error> {
    let settings = Settings::resolve(command.layer(), &|name| var_os(name))?;
    let schedule = Schedule::new(&settings.schedule)?;
    home::prepare(&settings)?;
    let log = settings.home.processor_log();
    let log = matches!(command, Command::Run(_)).then_some(log.as_path());
    logging::start(command.level(), var_os("PROMPT_MANAGER_LOG").and_then(|v| v.into_string().ok()).as_deref(), log)?;
    let stop = Arc::new(AtomicBool::new(false));
    let mut ctx = Context::new(&settings, stop.clone());
    match command {
        Command::Once(once) => once::run(&mut ctx, if once.json { Format::Json } else { Format::Line }),
        Command::Run(_) => daemon::run(&mut ctx, settings.home.root(), &schedule, &stop).map(|()| Exit::Done),
    }
}
