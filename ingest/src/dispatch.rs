//! From a parsed command line to the work: settings, the data directory, the log, then the command.

use std::env::var_os;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant, SystemTime};

use settings::Settings;

use crate::cli::{Cli, Command};
use crate::doctor::outside::Word;
use crate::error::Error;
use crate::exit::Exit;
use crate::once::{self, Format};
use crate::pass::Context;
use crate::schedule::Schedule;
use crate::{
    account, backup, chores, daemon, doctor, export, failed, forget, home, import, logging, manual, notify, presence,
    prune, rebuild, recover, restore, setup, status,
};

/// Does what the command line says.
///
/// # Errors
/// What stops the command as a whole.
pub fn run(cli: &Cli) -> Result<Exit, Error> {
    let command = &cli.command;
    match command {
        Command::Completions(args) => return manual::completions(args),
        Command::Man(args) => return manual::man(args),
        Command::Notify(notify::Notify { failed: Some(service), place, .. }) => {
            let words = settings::notify_alone(&|name| var_os(name));
            return notify::failed(service, words, place.home.as_deref());
        }
        _ => {}
    }
    let resolve = || Settings::resolve(command.layer(), &|name| var_os(name));
    let settings = resolve()?;
    let schedule = Schedule::new(&settings.schedule)?;
    if command.captures() {
        home::not_the_sample(&settings.home)?;
    }
    if command.writes() {
        home::prepare(&settings)?;
    }
    let file = settings.home.processor_log();
    let log = logging::start(&settings, command.levels(), command.writes().then_some(file.as_path()))?;
    // `setup` refuses by itself.
    if let Some(problem) = settings.record_problem.as_ref().filter(|_| !matches!(command, Command::Setup(_))) {
        tracing::warn!("{problem}");
    }
    let stop = Arc::new(AtomicBool::new(false));
    let mut ctx = Context::new(&settings, stop.clone());
    let done = match command {
        Command::Once(once) => {
            let exit = once::run(&mut ctx, &settings.home, if once.json { Format::Json } else { Format::Line }, &stop);
            Word::default().leave(&settings, SystemTime::now(), Instant::now());
            if matches!(exit, Ok(Exit::Done)) {
                chores::quietly(&settings, SystemTime::now(), &stop);
            }
            note_end(&settings, &exit);
            tell(&settings, command);
            exit
        }
        Command::Import(args) => import::run(&settings, args, &stop),
        Command::Rebuild(args) => rebuild::run(&settings, args, &stop),
        Command::Export(args) => export::run(&settings, args),
        Command::Report(args) => account::run(&settings, args),
        Command::Status(args) => status::run(&settings, args),
        Command::Doctor(args) => doctor::run(&settings, args, &stop),
        Command::Failed(args) => failed::list(&settings, args),
        Command::Retry(args) => failed::retry(&settings, args),
        Command::Prune(args) => prune::run(&settings, args, &stop),
        Command::Backup(args) => backup::run(&settings, args, &stop),
        Command::Forget(args) => forget::run(&settings, args, &stop),
        Command::Restore(args) => restore::run(&settings, args, &stop),
        Command::Recover(args) => recover::run(&settings, args, &stop),
        Command::Setup(args) => setup::run(&settings, args, &|name| var_os(name)),
        Command::Notify(args) => notify::run(&settings, args),
        Command::Completions(_) | Command::Man(_) => Ok(Exit::Done),
        Command::Run(_) => {
            let reread = || {
                let settings = resolve()?;
                Schedule::new(&settings.schedule)?;
                log.adopt(&settings)?;
                Ok(settings)
            };
            let ended = daemon::run(&mut ctx, settings.clone(), schedule, &reread, &stop, command.who_notifies());
            note_end(&settings, &ended);
            if ended.is_err() {
                tell(&settings, command);
            }
            ended.map(|()| Exit::Done)
        }
    };
    let done = done.map_err(Error::explained);
    if let Err(error) = &done {
        tracing::error!(target: logging::FILE_ONLY, "failed: {error}"); // `main` says it on stderr
    }
    done
}

/// What ended an ingester, `status` tells from then on.
fn note_end<T>(settings: &Settings, done: &Result<T, Error>) {
    if let Err(error) = done {
        presence::ended(&settings.home, error, SystemTime::now());
    }
}

/// Nothing looks again soon: what goes wrong now is told now.
fn tell(settings: &Settings, command: &Command) {
    let (now, who) = (SystemTime::now(), command.who_notifies());
    notify::quietly(settings, &mut notify::Memory::default(), now, Duration::ZERO, who);
}
