//! The command line. The comments here are the help text.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, Parser, Subcommand};
use settings::{Layer, parse_duration, parse_size};
use tracing::level_filters::LevelFilter;

use crate::account::args::{self as account, Report};
use crate::backup::Backup;
use crate::doctor::Doctor;
use crate::examples;
use crate::exit;
use crate::export::args::Export;
use crate::failed::{self, Failed, Retry};
use crate::forget::Forget;
use crate::import::args::{self, Import};
use crate::logging::Levels;
use crate::manual::{self, Completions, Man};
use crate::notify::{self, Notify, Who};
use crate::prune::{self, Prune};
use crate::rebuild::Rebuild;
use crate::recover::Recover;
use crate::restore::Restore;
use crate::schedule::{CRON_HELP, Schedule};
use crate::setup::{self, Setup};
use crate::status::{self, Status};

/// Takes what Claude Code's hooks left in the queue, and the transcripts, into the database.
///
/// The hooks write one file for each event and never wait; `ingest` stores each exactly once and then moves it to the
/// archive. It may be killed at any moment and any number of them may run: nothing is lost and nothing is stored twice.
#[derive(Debug, Parser)]
#[command(name = "ingest", bin_name = "prompt-manager", version = version::LONG, max_term_width = 100, after_help = exits(), after_long_help = with_examples(examples::ALL))]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Take in everything there is, print the figures, and end
    ///
    /// Reads the queue until it is empty and every transcript that has something new. Files that cannot be taken in go to
    /// queue/failed with a .reason.json beside them, and are counted.
    #[command(after_help = exits(), after_long_help = with_examples(examples::ONCE))]
    Once(Once),
    /// Take in what lies elsewhere: transcripts, history, hook logs, another data directory
    ///
    /// Without a PATH it reads every projects root that was ever read and the one Claude Code has now.
    #[command(after_help = exits(), after_long_help = with_examples(args::EXAMPLES))]
    Import(Import),
    /// Show how it is going: the queue, the last pass, the disk, the backups
    ///
    /// Only reads, while anything else goes on. Ends with 1 if something is wrong.
    #[command(after_help = exits(), after_long_help = with_examples(status::EXAMPLES))]
    Status(Status),
    /// Look for everything that could be wrong, and say what to do about it
    ///
    /// Reads all that is stored and compares it with the files it came from. Ends with 1 if there is an error among the
    /// findings; warnings and notes are told, and end with 0.
    #[command(after_help = exits(), after_long_help = with_examples(crate::doctor::EXAMPLES))]
    Doctor(Doctor),
    /// List what could not be taken in, and why
    #[command(after_help = exits(), after_long_help = with_examples(failed::EXAMPLES))]
    Failed(Failed),
    /// Put what could not be taken in back into the queue
    ///
    /// The next pass tries again, from the first attempt on.
    #[command(after_help = exits(), after_long_help = with_examples(failed::RETRY_EXAMPLES))]
    Retry(Retry),
    /// Pack and thin out the archive as the settings say, now
    #[command(after_help = exits(), after_long_help = with_examples(prune::EXAMPLES))]
    Prune(Prune),
    /// Copy the database while everything goes on, and check the copy
    #[command(after_help = exits(), after_long_help = with_examples(crate::backup::EXAMPLES))]
    Backup(Backup),
    /// Remove conversations for good, from everything that is ours
    ///
    /// From the database, its indexes, the archive, the backups and what was set aside; nothing brings them back. Claude
    /// Code's own files, which still hold them, are named.
    #[command(after_help = exits(), after_long_help = with_examples(crate::forget::EXAMPLES))]
    Forget(Forget),
    /// Put a backup in the place of the database
    ///
    /// The backup is copied, checked, and filled up with what the archive and the transcripts have beyond it. The database that
    /// was there is set aside. Refused while an ingester lives or anything has it open. Killed at any moment it leaves the old one or the new one.
    #[command(after_help = exits(), after_long_help = with_examples(crate::restore::EXAMPLES))]
    Restore(Restore),
    /// Set a damaged database aside and make it anew from backup, archive and transcripts
    ///
    /// With the newest good backup, what can still be read of the damaged database, the archive, the files with what people
    /// said, the queue and the transcripts. On a whole database it does nothing. Refused while an ingester lives or anything has it open.
    #[command(after_help = exits(), after_long_help = with_examples(examples::RECOVER))]
    Recover(Recover),
    /// Derive every conversation again from what was captured
    ///
    /// Conversations, sessions and the index of words are made from the captured hooks and transcripts. On a healthy store
    /// nothing changes; what was damaged is mended, and every conversation keeps its id, its ratings and its notes.
    #[command(after_help = exits(), after_long_help = with_examples(examples::REBUILD))]
    Rebuild(Rebuild),
    /// Give back what was taken in: as JSON Lines, a table, a document, or the files themselves
    ///
    /// Writes to standard output, or to --out. Reads only, while anything else goes on.
    #[command(after_help = exits(), after_long_help = with_examples(crate::export::args::EXAMPLES))]
    Export(Box<Export>),
    /// Report some days: what was asked, what worked and failed, and the cost
    ///
    /// Markdown to read, or one HTML file that a mail can carry. Of each prompt a line is shown. Reads only, while anything else
    /// goes on.
    #[command(after_help = exits(), after_long_help = with_examples(account::EXAMPLES))]
    Report(Box<Report>),
    /// Stay, and take in what comes
    ///
    /// Looks at the queue on an interval (a look at a quiet queue costs next to nothing) or by a cron expression. Ends at
    /// SIGTERM or Ctrl-C after the transaction it is in, at a second one at once; reads config.toml again at SIGHUP.
    #[command(after_help = exits(), after_long_help = with_examples(examples::RUN))]
    Run(Run),
    /// Have it run by itself: set up what calls it, and take that out again
    ///
    /// Says every path that it changes. What was set up is kept on record in the data directory.
    #[command(after_help = exits(), after_long_help = with_examples(setup::EXAMPLES))]
    Setup(Setup),
    /// Run the `notify` command of the settings, if there is something to tell
    ///
    /// `run` and `once` do it by themselves: when things begin to go wrong, as `status` says it, and once they have gone well
    /// again for ten minutes. The command gets one line as its last word, and $PROMPT_MANAGER_NOTIFY_STATE (failing, recovered
    /// or test), $PROMPT_MANAGER_NOTIFY_CODE and $PROMPT_MANAGER_NOTIFY_TEXT. It may take 30 s.
    #[command(after_help = exits(), after_long_help = with_examples(notify::EXAMPLES))]
    Notify(Notify),
    /// Print what a shell needs to complete commands and options
    #[command(after_long_help = with_examples(manual::COMPLETIONS_EXAMPLES))]
    Completions(Completions),
    /// Write the manual pages into a folder
    #[command(after_long_help = with_examples(manual::MAN_EXAMPLES))]
    Man(Man),
}

/// `once`.
#[derive(Debug, Args)]
pub struct Once {
    /// Print the figures as one JSON document
    #[arg(long)]
    pub json: bool,
    /// Leave it to `notify` to run the command of the settings, as our services do
    #[arg(long)]
    pub leave_notify: bool,
    /// Shared flags.
    #[command(flatten)]
    pub common: Common,
}

/// `run`.
#[derive(Debug, Args)]
pub struct Run {
    /// How often to look: 500ms, 1s, 5m [default: 1s]
    #[arg(long, value_name = "DURATION", value_parser = interval, conflicts_with = "cron")]
    pub every: Option<Duration>,
    /// When to look, as a cron expression such as "*/5 * * * *"
    #[arg(long, value_name = "EXPRESSION", value_parser = expression, long_help = cron_help())]
    pub cron: Option<String>,
    /// Leave it to `notify` to run the command of the settings, as our services do
    #[arg(long)]
    pub leave_notify: bool,
    /// Shared flags.
    #[command(flatten)]
    pub common: Common,
}

/// The flags that all know.
#[derive(Debug, Args)]
pub struct Common {
    /// The data directory [default: $PROMPT_MANAGER_HOME, else ~/.local/share/prompt-manager]
    #[arg(long, value_name = "DIR")]
    pub home: Option<PathBuf>,
    /// A folder of Claude Code's transcripts, repeatable [default: ~/.claude/projects]
    #[arg(long, value_name = "DIR")]
    pub projects: Vec<PathBuf>,
    /// Files in one transaction [default: 1024]
    #[arg(long, value_name = "N", value_parser = count)]
    pub batch: Option<usize>,
    /// The largest payload that is stored; a larger one goes to failed: 64MiB, 1GiB [default: 256MiB]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub max_event: Option<u64>,
    /// Say more on stderr, twice for everything
    #[arg(short, long, action = ArgAction::Count, conflicts_with = "quiet")]
    pub verbose: u8,
    /// Say less on stderr: errors only
    #[arg(short, long)]
    pub quiet: bool,
}

/// The flags of commands that only need to know where the data lies.
#[derive(Debug, Args)]
pub struct Place {
    /// The data directory [default: $PROMPT_MANAGER_HOME, else ~/.local/share/prompt-manager]
    #[arg(long, value_name = "DIR")]
    pub home: Option<PathBuf>,
}

fn interval(text: &str) -> Result<Duration, String> {
    let every = parse_duration(text).map_err(|error| error.to_string())?;
    if every.is_zero() { Err("an interval is longer than nothing: 500ms, 1s, 5m".to_owned()) } else { Ok(every) }
}

fn expression(text: &str) -> Result<String, String> {
    match Schedule::new(&settings::Schedule::Cron(text.to_owned())) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn count(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|n| *n > 0).ok_or_else(|| "a whole number from 1 on is wanted".to_owned())
}

fn exits() -> String {
    terminal::help::laid_out(exit::HELP)
}

fn with_examples(examples: &str) -> String {
    terminal::help::laid_out(&format!("{examples}\n{}", exit::HELP))
}

fn cron_help() -> String {
    format!("When to look, as a cron expression such as \"*/5 * * * *\"\n\n{CRON_HELP}")
}

impl Command {
    /// Whether it may change the data directory.
    pub fn writes(&self) -> bool {
        match self {
            Self::Once(_) | Self::Import(_) | Self::Rebuild(_) | Self::Run(_) => true,
            Self::Retry(_)
            | Self::Prune(_)
            | Self::Forget(_)
            | Self::Restore(_)
            | Self::Recover(_)
            | Self::Notify(_) => true,
            Self::Export(_)
            | Self::Report(_)
            | Self::Status(_)
            | Self::Doctor(_)
            | Self::Failed(_)
            | Self::Backup(_) => false,
            Self::Setup(setup) => setup.writes(),
            Self::Completions(_) | Self::Man(_) => false,
        }
    }

    /// Whether it takes in what people ask, or has that done from now on.
    pub fn captures(&self) -> bool {
        match self {
            Self::Once(_) | Self::Import(_) | Self::Run(_) | Self::Restore(_) | Self::Recover(_) => true,
            Self::Setup(setup) => !setup.takes_out(),
            _ => false,
        }
    }

    /// Who runs the `notify` command.
    pub fn who_notifies(&self) -> Who {
        match self {
            Self::Once(Once { leave_notify: true, .. }) | Self::Run(Run { leave_notify: true, .. }) => Who::Another,
            _ => Who::Ourselves,
        }
    }

    /// The flags that say where the data lies and how to read it.
    fn flags(&self) -> Flags<'_> {
        match self {
            Self::Once(Once { common, .. })
            | Self::Import(Import { common, .. })
            | Self::Rebuild(Rebuild { common, .. })
            | Self::Run(Run { common, .. })
            | Self::Doctor(Doctor { common, .. })
            | Self::Forget(Forget { common, .. })
            | Self::Restore(Restore { common, .. })
            | Self::Recover(Recover { common, .. }) => Flags::Common(common),
            Self::Status(Status { place, .. })
            | Self::Failed(Failed { place, .. })
            | Self::Retry(Retry { place, .. })
            | Self::Prune(Prune { place, .. })
            | Self::Backup(Backup { place, .. })
            | Self::Notify(Notify { place, .. }) => Flags::Place(place.home.as_ref()),
            Self::Report(report) => Flags::Place(report.place.home.as_ref()),
            Self::Export(export) => Flags::Place(export.home.as_ref()),
            Self::Setup(setup) => Flags::Place(setup.home()),
            Self::Completions(_) | Self::Man(_) => Flags::Place(None),
        }
    }

    /// The flags as the topmost layer of the settings.
    pub fn layer(&self) -> Layer {
        let common = match self.flags() {
            Flags::Common(common) => common,
            Flags::Place(home) => return Layer { home: home.cloned(), ..Layer::default() },
        };
        let (every, cron) = match self {
            Self::Run(run) => (run.every, run.cron.clone()),
            _ => (None, None),
        };
        Layer {
            home: common.home.clone(),
            projects: (!common.projects.is_empty()).then(|| common.projects.clone()),
            batch: common.batch,
            max_event: common.max_event,
            every,
            cron,
            ..Layer::default()
        }
    }

    /// From which levels on to log. Only `run` has nothing else to say that all goes well.
    pub fn levels(&self) -> Levels {
        let usual = if matches!(self, Self::Run(_)) { LevelFilter::INFO } else { LevelFilter::WARN };
        let flags = match self.flags() {
            Flags::Common(common) if common.quiet => Some(LevelFilter::ERROR),
            Flags::Common(Common { verbose: 1, .. }) => Some(LevelFilter::DEBUG),
            Flags::Common(Common { verbose: 2.., .. }) => Some(LevelFilter::TRACE),
            _ => None,
        };
        Levels { flags, usual }
    }
}

/// Which of the shared flags a command knows.
enum Flags<'c> {
    Common(&'c Common),
    Place(Option<&'c PathBuf>),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    /// As a terminal of 80 columns shows it: no line of an example is folded.
    #[test]
    fn examples_fit_a_terminal() {
        let all = Cli::command();
        let words = all.get_subcommands().flat_map(|word| std::iter::once(word).chain(word.get_subcommands()));
        for word in words {
            let help = word.get_after_long_help().map(ToString::to_string).unwrap_or_default();
            for line in help.lines().filter(|line| line.starts_with(' ')) {
                assert!(line.chars().count() <= 79, "{}: {line}", word.get_name());
            }
        }
    }

    fn check_refused(args: &[&str], expected: &str) {
        let error = Cli::try_parse_from([&["ingest"], args].concat()).unwrap_err();
        let line = settings::usage_line(&error.to_string());
        assert!(line.contains(expected) && !line.contains('\n'), "{line}");
        assert_eq!(error.exit_code(), 2);
    }

    #[test]
    fn refusals_are_one_line() {
        check_refused(&["once", "--hme", "/a"], "unexpected argument '--hme' found");
        check_refused(&["once", "--batch", "many"], "invalid value 'many' for '--batch <N>'");
        check_refused(&["run", "--every", "5"], "`5` is no duration");
        check_refused(&["run", "--every", "0s"], "an interval is longer than nothing");
        check_refused(&["run", "--cron", "bogus"], "bogus");
        check_refused(&["once", "--batch", "0"], "a whole number from 1 on");
        check_refused(&["run", "--every", "5s", "--cron", "@daily"], "cannot be used with");
        check_refused(&["once", "--max-event", "1MB"], "`1MB` is no size");
        check_refused(&["onec"], "unrecognized subcommand 'onec'");
    }

    #[test]
    fn flags_become_settings() {
        let cli =
            Cli::try_parse_from(["ingest", "run", "--projects", "/a", "--projects", "/b", "--every", "5m"]).unwrap();
        let layer = cli.command.layer();
        assert_eq!(layer.projects, Some(vec!["/a".into(), "/b".into()]));
        assert_eq!(layer.every, Some(Duration::from_secs(300)));
        assert_eq!(layer.home, None);
    }
}
