//! The command line; the doc comments are its help.

use std::ffi::OsString;

use clap::{CommandFactory, Parser, Subcommand};

use crate::command;
use crate::command::open::{self, Open};
use crate::serve::start::{self, Serve};

/// Gives captured prompts and answers back.
#[derive(Debug, Parser)]
#[command(bin_name = "prompt-manager", version = version::LONG, arg_required_else_help = true, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Below the help of `openapi`.
const EXAMPLES_OF_OPENAPI: &str = "\
Examples:
  prompt-manager openapi > openapi.json
  prompt-manager openapi | jq -r '.paths | keys[]'   the routes

Exit codes: 0 printed
            1 not printed
            2 what was typed is wrong";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// What asks the store and writes into it.
    #[command(flatten)]
    Store(Box<command::Command>),
    /// Answer over HTTP until SIGTERM or SIGINT: the JSON API, with a page that explains it
    #[command(after_long_help = start::EXAMPLES)]
    Serve(Serve),
    /// Let a browser of this machine in, by a link that works once
    ///
    /// The browser stays in for 30 days. Over SSH or where no browser can be started, the link is printed.
    #[command(after_long_help = open::EXAMPLES)]
    Open(Open),
    /// Print the API's OpenAPI document, from which clients can be made
    #[command(after_long_help = EXAMPLES_OF_OPENAPI)]
    Openapi,
    /// Tell these words to who completes and explains them
    #[command(hide = true)]
    Words,
}

/// The command line, or one line that says why it is refused. Asked for help, it shows that and ends the process.
pub(crate) fn read() -> Result<Cli, String> {
    use clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand as NothingAsked;
    Cli::try_parse_from(with_negations(std::env::args_os())).map_err(|error| {
        if error.use_stderr() && error.kind() != NothingAsked {
            settings::usage_line(&error.to_string())
        } else {
            error.exit()
        }
    })
}

/// In a search `-word` is no flag but a word that must not be there, and of a tag it is one to take off: it gets a blank in
/// front, which a flag cannot have. (The only flag of one letter is `-h`.)
fn with_negations(args: impl Iterator<Item = OsString>) -> impl Iterator<Item = OsString> {
    let mut takes = false;
    args.enumerate().map(move |(at, arg)| match arg.to_str() {
        Some(word) if at == 1 => {
            takes = ["list", "search", "tag"].contains(&word);
            arg
        }
        Some(word) if takes && word.starts_with('-') && !word.starts_with("--") && !["-", "-h"].contains(&word) => {
            format!(" {word}").into()
        }
        _ => arg,
    })
}

/// The words of this program, as `prompt-manager completions` and `man` take them.
pub(crate) fn words() -> Vec<terminal::words::Word> {
    terminal::words::tell(&Cli::command())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verify_cli() {
        Cli::command().debug_assert();
    }

    /// As a terminal of 80 columns shows it: what was laid out in lines stays so.
    #[test]
    fn examples_fit_a_terminal() {
        let mut cli = Cli::command().term_width(80);
        cli.build();
        for word in cli.get_subcommands() {
            let help =
                [word.get_after_help(), word.get_after_long_help()].into_iter().flatten().map(ToString::to_string);
            for line in help.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()) {
                assert!(line.chars().count() <= 79, "{}: {line}", word.get_name());
            }
            let shown = word.clone().render_long_help().to_string();
            let examples = word.is_hide_set() || shown.contains("Examples:");
            assert!(examples || word.get_name() == "help", "{shown}");
            // What says which conversations stands apart, and nothing else there.
            let Some((_, which)) = shown.split_once("Which ones:") else { continue };
            let which = which.split("Examples:").next().unwrap_or_default();
            assert!(!which.contains("--json") && !which.contains("--home"), "{shown}");
        }
    }

    #[test]
    fn a_word_with_a_dash_is_no_flag_of_a_search() {
        let check = |line: &str, expected: &str| {
            let args = with_negations(line.split(' ').map(OsString::from));
            assert_eq!(args.collect::<Vec<_>>().join(std::ffi::OsStr::new("|")), expected, "{line}");
        };
        check("p search a -word -e -é", "p|search|a| -word| -e| -é");
        check("p list -x", "p|list| -x");
        check("p search a -h --json -", "p|search|a|-h|--json|-");
        check("p tag 12 -e +f --json", "p|tag|12| -e|+f|--json");
        check("p rate 12 -e", "p|rate|12|-e");
    }
}
