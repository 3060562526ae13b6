//! The command line; the doc comments are its help.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand};
use settings::Listen;

use crate::access::AllowedHost;

/// Gives captured prompts and answers back.
#[derive(Debug, Parser)]
#[command(bin_name = "prompt-manager", version, arg_required_else_help = true, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// What asks the store and writes into it.
    #[command(flatten)]
    Store(Box<crate::command::Command>),
    /// Serve the JSON API until SIGTERM or SIGINT.
    Serve(Serve),
    /// Let a browser of this machine in.
    Open(Open),
    /// Print the API's OpenAPI document, from which clients can be made.
    Openapi,
}

/// What `serve` may be told. What is left out comes from the environment or config.toml.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The data directory [default: ~/.local/share/prompt-manager]
    #[arg(long, value_name = "DIR")]
    pub(crate) home: Option<PathBuf>,
    /// Where to listen: ADDRESS:PORT, where port 0 takes a free one, or unix:PATH [default: 127.0.0.1:8765]
    #[arg(long, value_name = "PLACE")]
    pub(crate) listen: Option<Listen>,
    /// Answer under this name too, such as that of a forwarded port; may be given several times.
    #[arg(long, value_name = "NAME:PORT")]
    pub(crate) allow_host: Vec<AllowedHost>,
    /// Listen at an address that other machines reach, in plain text and behind the token alone.
    #[arg(long)]
    pub(crate) allow_remote: bool,
    /// Answer everybody on this machine, without the token in run/api.token.
    #[arg(long)]
    pub(crate) no_token: bool,
}

/// What `open` may be told.
#[derive(Debug, Args)]
pub(crate) struct Open {
    /// The data directory [default: ~/.local/share/prompt-manager]
    #[arg(long, value_name = "DIR")]
    pub(crate) home: Option<PathBuf>,
    /// Where the server listens [default: 127.0.0.1:8765]
    #[arg(long, value_name = "PLACE")]
    pub(crate) listen: Option<Listen>,
    /// Use the address instead of prompt-manager.localhost; the cookie then goes to all that is opened there, at any port.
    #[arg(long)]
    pub(crate) plain_host: bool,
    /// Make the link for a name that the server was told with --allow-host, such as that of a forwarded port.
    #[arg(long, value_name = "NAME:PORT", conflicts_with = "plain_host")]
    pub(crate) host: Option<AllowedHost>,
    /// Print the link, and start no browser.
    #[arg(long)]
    pub(crate) print: bool,
    /// End the logins of all browsers instead.
    #[arg(long, conflicts_with_all = ["plain_host", "host", "print"])]
    pub(crate) revoke: bool,
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

/// In a search `-word` is no flag but a word that must not be there: it gets a blank in front, which a flag cannot have. (The
/// only flag of one letter is `-h`.)
fn with_negations(args: impl Iterator<Item = OsString>) -> impl Iterator<Item = OsString> {
    let mut searches = false;
    args.enumerate().map(move |(at, arg)| match arg.to_str() {
        Some(word) if at == 1 => {
            searches = ["list", "search"].contains(&word);
            arg
        }
        Some(word) if searches && word.starts_with('-') && !word.starts_with("--") && !["-", "-h"].contains(&word) => {
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

    #[test]
    fn a_word_with_a_dash_is_no_flag_of_a_search() {
        let check = |line: &str, expected: &str| {
            let args = with_negations(line.split(' ').map(OsString::from));
            assert_eq!(args.collect::<Vec<_>>().join(std::ffi::OsStr::new("|")), expected, "{line}");
        };
        check("p search a -word -e -é", "p|search|a| -word| -e| -é");
        check("p list -x", "p|list| -x");
        check("p search a -h --json -", "p|search|a|-h|--json|-");
        check("p tag 12 -e", "p|tag|12|-e");
    }
}
