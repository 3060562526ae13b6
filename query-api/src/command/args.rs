//! The command line of the words that ask and write; the doc comments are its help.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::filter::Filter;

/// The exit codes of these words.
const EXITS: &str = "\
Exit codes: 0 done; 1 not done, such as a conversation that is not there or no database; 2 wrong command line";

/// Below a long help.
macro_rules! examples {
    ($examples:literal) => {
        concat!(
            "Examples:\n",
            $examples,
            "\nExit codes: 0 done; 1 not done, such as a conversation that is not there or no database; 2 wrong command line"
        )
    };
}

/// What may be typed.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List conversations, newest first
    ///
    /// In front of the prompt: ✗ that it failed, – that it was interrupted, … that it is still open.
    #[command(after_help = EXITS, after_long_help = examples!("\
  prompt-manager list                             the last twenty
  prompt-manager list migration --limit 100       that speak of a migration
  prompt-manager list --limit 1000 --json | jq -r '.items[].prompt_text'
"))]
    List(List),
    /// Find words in prompts and answers
    ///
    /// All words must be in one text. `\"two words\"` stand side by side, `load*` is a beginning.
    #[command(after_help = EXITS, after_long_help = examples!("\
  prompt-manager search retry backoff             both words
  prompt-manager search '\"connection refused\"'
  prompt-manager search load-config               the two side by side
"))]
    Search(Search),
    /// Show a conversation, whole
    #[command(after_help = EXITS, after_long_help = examples!("\
  prompt-manager show last                        the newest that lists show
  prompt-manager show 12 | less -R
  prompt-manager show 12 --prompt | xclip         the prompt alone, as it was typed, to use it again
"))]
    Show(Show),
    /// Tell these words to who completes and explains them
    #[command(hide = true)]
    Words,
}

/// What every word knows.
#[derive(Debug, Args)]
pub(crate) struct Common {
    /// Print the API's answer, for programs
    #[arg(long)]
    pub(crate) json: bool,
    /// The data directory [default: $PROMPT_MANAGER_HOME, else ~/.local/share/prompt-manager]
    #[arg(long, value_name = "DIR")]
    pub(crate) home: Option<PathBuf>,
}

/// `list`.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only what holds these words, as `search` takes them
    #[arg(value_name = "WORDS")]
    pub(crate) words: Vec<String>,
    /// At most so many
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,
    /// Which ones.
    #[command(flatten)]
    pub(crate) filter: Filter,
    /// Shared flags.
    #[command(flatten)]
    pub(crate) common: Common,
}

/// `search`.
#[derive(Debug, Args)]
pub(crate) struct Search {
    /// What to find
    #[arg(value_name = "WORDS", required = true, allow_hyphen_values = false)]
    pub(crate) words: Vec<String>,
    /// At most so many
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,
    /// Which ones.
    #[command(flatten)]
    pub(crate) filter: Filter,
    /// Shared flags.
    #[command(flatten)]
    pub(crate) common: Common,
}

/// `show`.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The conversation, or `last`
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// The prompt alone, as it was typed
    #[arg(long, group = "form")]
    pub(crate) prompt: bool,
    /// The answer alone, as Claude gave it
    #[arg(long, group = "form")]
    pub(crate) answer: bool,
    /// Shared flags.
    #[command(flatten)]
    pub(crate) common: Common,
}
