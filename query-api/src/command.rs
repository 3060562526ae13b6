//! The words of the command line that ask the store and write into it.
//!
//! Each is a request to the API's own routes, answered in this process straight from the store: no server need run, the
//! filters and the rules are those of the API, and `--json` prints its very answer. What is here makes a request of flags
//! (`args`, `filter`), asks (`client`), and makes text of the answer (`shape`, then a page for each word).

mod args;
mod client;
mod draft;
mod filter;
mod found;
mod last;
mod list;
mod marks;
pub(crate) mod open;
mod page;
mod raw;
mod sessions;
mod shape;
mod show;
mod snippet;
mod stats;
mod tags;

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use hyper::StatusCode;

use client::Client;

pub(crate) use args::Command;

/// Why a word was not done. The text is a whole sentence on one line.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The command line is wrong.
    #[error("{0}")]
    Usage(String),
    /// The settings are.
    #[error("failed to read the settings: {0}")]
    Settings(#[from] settings::Error),
    /// The API's own words.
    #[error("{detail}")]
    Refused {
        /// What it would have answered with.
        status: StatusCode,
        /// What is wrong and what to do.
        detail: String,
    },
    /// Whoever asked pressed Ctrl-C, after so many were found.
    #[error("ended by Ctrl-C before it had looked everywhere; found until then: {0}")]
    Interrupted(usize),
    /// The operating system refused something.
    #[error("failed to {op}: {source}")]
    Io {
        /// What was being done, and with which file.
        op: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// It was done, and only the answer could not be written.
    #[error("{saved}; writing the answer to standard output failed: {source}")]
    Untold {
        /// What was done.
        saved: &'static str,
        /// Why nobody was told.
        source: std::io::Error,
    },
    /// What was written in an editor is not stored.
    #[error("{error} (what you wrote is in {file})")]
    Unsaved {
        /// Why.
        error: Box<Self>,
        /// Where it still is.
        file: String,
    },
    /// The answer is not what this program expects of itself.
    #[error("failed to read the answer of {path}: {detail}")]
    Answer {
        /// What was asked.
        path: String,
        /// What is wrong with it.
        detail: String,
    },
}

impl Error {
    /// 2 for what must be typed otherwise, 78 for settings that cannot be read, 130 for Ctrl-C as shells say it, 1 for the rest.
    pub(crate) fn exit_code(&self) -> ExitCode {
        let typed = match self {
            Self::Usage(_) => true,
            Self::Settings(_) => return ExitCode::from(78),
            Self::Refused { status, .. } => {
                [StatusCode::BAD_REQUEST, StatusCode::UNPROCESSABLE_ENTITY].contains(status)
            }
            Self::Unsaved { error, .. } => return error.exit_code(),
            Self::Interrupted(_) => return ExitCode::from(130),
            Self::Io { .. } | Self::Untold { .. } | Self::Answer { .. } => false,
        };
        ExitCode::from(if typed { 2 } else { 1 })
    }

    /// The same of an answer that comes when all is done: nobody shall do it again because only its output failed.
    fn behind(self, saved: &'static str) -> Self {
        match self {
            Self::Io { source, .. } => Self::Untold { saved, source },
            other => other,
        }
    }
}

/// `.at("write", what)` on an I/O result.
trait At<T> {
    fn at(self, op: impl Into<String>) -> Result<T, Error>;
}

impl<T> At<T> for std::io::Result<T> {
    fn at(self, op: impl Into<String>) -> Result<T, Error> {
        self.map_err(|source| Error::Io { op: op.into(), source })
    }
}

/// Does what was typed.
pub(crate) fn run(command: &Command) -> Result<(), Error> {
    let client = |home: &Option<PathBuf>| Client::open(home.clone());
    match command {
        Command::List(args) => list::list(&client(&args.common.home)?, args),
        Command::Search(args) => list::search(&client(&args.common.home)?, args),
        Command::Show(args) => show::show(&client(&args.common.home)?, args),
        Command::Rate(args) => marks::rate(&client(&args.common.home)?, args),
        Command::Tag(args) => marks::tag(&client(&args.common.home)?, args),
        Command::Tags(args) => marks::tags(&client(&args.common.home)?, args),
        Command::Note(args) => marks::note(&client(&args.common.home)?, args),
        Command::Star(args) => marks::star(&client(&args.common.home)?, args),
        Command::Stats(args) => stats::stats(&client(&args.common.home)?, args),
        Command::Sessions(args) => sessions::list(&client(&args.common.home)?, args),
        Command::Title(args) => sessions::title(&client(&args.common.home)?, args),
        Command::Split(args) => sessions::split(&client(&args.common.home)?, args),
        Command::Merge(args) => sessions::merge(&client(&args.common.home)?, args),
        Command::Undo(args) => sessions::undo(&client(&args.common.home)?, args),
    }
}

/// Prints JSON: as it is for a program, harmless for a terminal.
fn print_json(json: &str) -> Result<(), Error> {
    let shown = if std::io::stdout().is_terminal() { terminal::text::visible_json(json) } else { json.to_owned() };
    terminal::print_raw((shown + "\n").as_bytes()).at("write to standard output")
}

/// Prints what somebody else wrote: as it is for a program, harmless for a terminal.
fn print_foreign(text: &str) -> Result<(), Error> {
    let shown = if std::io::stdout().is_terminal() { terminal::text::visible_lines(text) } else { text.to_owned() };
    terminal::print_raw(shown.as_bytes()).at("write to standard output")
}

/// Says that there is nothing to print: to whoever sits there, not to the program that reads the list.
fn nothing(said: &str) -> Result<(), Error> {
    hint(said);
    Ok(())
}

/// A line for whoever sits there.
fn hint(said: &str) {
    let _ = writeln!(std::io::stderr(), "{said}"); // nobody may be reading
}

/// Prints a text, whole. A reader who has gone is no failure.
fn print(text: &str) -> Result<(), Error> {
    terminal::print(text.as_bytes()).at("write to standard output")
}

/// `/api/conversations/ID`.
fn path(id: &str) -> Result<String, Error> {
    if id != last::LAST && (id.is_empty() || !id.bytes().all(|digit| digit.is_ascii_digit())) {
        return Err(Error::Usage(no_conversation(id)));
    }
    Ok(format!("/api/conversations/{id}"))
}

/// What is wrong with what was typed for one.
fn no_conversation(typed: &str) -> String {
    format!("{typed:?} is no conversation: write its number, as `list` shows it, or `last`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids() {
        let check = |id: &str, expected: Option<&str>| assert_eq!(path(id).ok().as_deref(), expected, "{id}");
        check("12", Some("/api/conversations/12"));
        check("last", Some("/api/conversations/last"));
        for bad in ["", "-1", "../health", "12/raw", "latest", "1?a"] {
            check(bad, None);
        }
    }
}
