//! The command line of the words that ask and write; the doc comments are its help.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use terminal::Project;

use super::filter::Filter;

/// A literal, so that it can stand below examples.
macro_rules! exits {
    () => {
        "\
Exit codes: 0 done, also if nothing was found, as standard error then says
            1 not done: no such conversation, no database
            2 what was typed is wrong
            130 ended by Ctrl-C; what was found until then is shown"
    };
}

/// The exit codes of these words.
const EXITS: &str = exits!();

/// Below a long help. Lines of more than 80 columns would be folded.
macro_rules! examples {
    ($examples:literal) => {
        concat!("Examples:", $examples, "\n", exits!())
    };
}

/// What may be typed.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List conversations, newest first
    ///
    /// In front of the prompt: ★4 is your rating, ☆ a star, ✎ a note, ✗ that something failed, – that it was interrupted, … that
    /// it is still open. Tags of yours stand in brackets.
    #[command(after_help = EXITS, after_long_help = examples!("
  prompt-manager list                            the last twenty
  prompt-manager list --since 7d --project .     this folder's, of a week
  prompt-manager list --session last             of the session of the last one
  prompt-manager list migration --failed         about one, with an error
  prompt-manager list --rating '>=4' --tag sql   the good ones about SQL
  prompt-manager list --sort cost --limit 5      what cost most
  prompt-manager list --limit 99 --json | jq -r '.items[].prompt_text'
"))]
    List(List),
    /// Find words in prompts, answers, tool calls, notes, tags and titles
    ///
    /// All words must be in the conversation, wherever. "two words" stand side by side, load* is a beginning, a OR b is one of
    /// both, -word must not be there. In a shell, put what has " or * between single quotes.
    ///
    /// Below each conversation stands where the words were found: in colour at a terminal, else as **word**.
    #[command(after_help = EXITS, after_long_help = examples!("
  prompt-manager search retry backoff            both, wherever they stand
  prompt-manager search '\"connection refused\"' --in output
  prompt-manager search deadlock OR livelock -python
  prompt-manager search 'migrat*' --sort relevance
  prompt-manager search load-config --since 2026-11-01
"))]
    Search(Search),
    /// Show a conversation, whole
    #[command(after_help = EXITS, after_long_help = examples!("
  prompt-manager show last                       the newest that lists show
  prompt-manager show 12 | less -R
  prompt-manager show 12 --prompt | xclip        the prompt, to use it again
  prompt-manager show 12 --markdown | glow -     a document
  prompt-manager show 12 --raw | jq .            what it was made from
"))]
    Show(Show),
    /// Rate a conversation from 1 to 5
    #[command(after_help = EXITS, after_long_help = examples!("
  prompt-manager rate last 5                     the newest was very good
  prompt-manager rate last 4 'good plan, slow' --tag keep
  prompt-manager rate 12 none                    takes the rating back, no more
"))]
    Rate(Rate),
    /// Put tags on a conversation and take them off
    #[command(after_help = EXITS, after_long_help = examples!("
  prompt-manager tag last keep sql               puts two on
  prompt-manager tag 12 +keep -draft             one on, one off
  prompt-manager tags                            those you have, and how often
"))]
    Tag(Tag),
    /// List your tags, with how many conversations have each
    #[command(after_help = EXITS, after_long_help = examples!("
  prompt-manager tags
  prompt-manager tags --json | jq -r '.items[].tag'
"))]
    Tags(Tags),
    /// Write a note on a conversation, or print the one that is there
    #[command(after_help = EXITS, after_long_help = examples!("
  prompt-manager note 12 'the third try worked'
  git show | prompt-manager note last -          what standard input gives
  prompt-manager note 12 --edit                  in $VISUAL or $EDITOR
  prompt-manager note 12                         prints it
  prompt-manager note 12 --remove
"))]
    Note(Note),
    /// Star a conversation, or take the star off
    #[command(after_help = EXITS, after_long_help = examples!("
  prompt-manager star last
  prompt-manager star 12 --off
  prompt-manager list --star
"))]
    Star(Star),
    /// Show figures: activity, tokens and cost, models, projects, tools, commands, ratings
    ///
    /// A conversation, with all it used, counts at the time at which it began. Cost is by list prices.
    #[command(after_help = EXITS, after_long_help = examples!("
  prompt-manager stats                           of all time
  prompt-manager stats --since 30d --project .   this folder's, of a month
  prompt-manager stats --by tool                 every tool, and how it failed
  prompt-manager stats --by day --since 2026-11-01 --tz UTC
  prompt-manager stats --json | jq .total.cost_usd
"))]
    Stats(Stats),
    /// List sessions, those with the newest activity first
    ///
    /// Each with its id, when it was last heard of, how many conversations lists show of it, its project and its title.
    #[command(after_help = EXITS, after_long_help = examples!("
  prompt-manager sessions --project .
  prompt-manager sessions parser                 with this word in the title
  prompt-manager list --session 0914908d-acc8-48aa-98d6-77d558fb9590
"))]
    Sessions(Sessions),
    /// Call a session by a name of your own
    #[command(after_help = EXITS, after_long_help = examples!("
  prompt-manager title last 'The new parser'
  prompt-manager title 0914908d-acc8-48aa-98d6-77d558fb9590 --remove
"))]
    Title(Title),
    /// Split a session into several
    ///
    /// Only what you see is split: Claude Code's own session id stays at every conversation. SESSION is an id as `sessions` and
    /// `show` tell it.
    #[command(after_help = EXITS, after_long_help = examples!("
  prompt-manager split SESSION --at 14           a new one begins with 14
  prompt-manager split SESSION --at 14 --at 20 --title Parser --title Tests
  prompt-manager split last --at last            the newest by itself
  prompt-manager undo SESSION                    gives the former ones back
"))]
    Split(Split),
    /// Merge sessions into one
    #[command(after_help = EXITS, after_long_help = examples!("
  prompt-manager merge INTO OTHER                INTO shows what is in OTHER
  prompt-manager merge INTO OTHER THIRD --title 'The new parser'
  prompt-manager undo INTO
"))]
    Merge(Merge),
    /// Undo the split or the merge that made a session
    #[command(after_help = EXITS, after_long_help = examples!("
  prompt-manager sessions                        the ids
  prompt-manager undo SESSION
"))]
    Undo(Undo),
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
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,
    /// As `search` has it.
    #[command(flatten)]
    pub(crate) order: Order,
    /// Shared flags.
    #[command(flatten)]
    pub(crate) common: Common,
    /// Which ones.
    #[command(flatten)]
    pub(crate) filter: Filter,
}

/// `search`.
#[derive(Debug, Args)]
pub(crate) struct Search {
    /// What to find
    #[arg(value_name = "WORDS", required = true)]
    pub(crate) words: Vec<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,
    /// As `list` has it.
    #[command(flatten)]
    pub(crate) order: Order,
    /// Shared flags.
    #[command(flatten)]
    pub(crate) common: Common,
    /// Which ones.
    #[command(flatten)]
    pub(crate) filter: Filter,
}

/// Where words are looked for, and how what is found is sorted.
#[derive(Debug, Args)]
pub(crate) struct Order {
    /// Look for WORDS only in prompt, answer, input, output, note, tag or title; between commas
    #[arg(long, value_name = "PLACES")]
    pub(crate) r#in: Option<String>,
    /// By time, rating, length, tokens, cost, or relevance to WORDS [default: time]
    #[arg(long, value_name = "WHAT")]
    pub(crate) sort: Option<String>,
    /// The other way round: oldest, lowest or least first
    #[arg(long)]
    pub(crate) reverse: bool,
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
    /// As a document, as `export --format markdown` writes it
    #[arg(long, group = "form")]
    pub(crate) markdown: bool,
    /// What it was made from: each hook event and transcript line, byte for byte
    #[arg(long, group = "form")]
    pub(crate) raw: bool,
    /// Shared flags.
    #[command(flatten)]
    pub(crate) common: Common,
}

/// `rate`.
#[derive(Debug, Args)]
pub(crate) struct Rate {
    /// The conversation, or `last`
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// 1 to 5, or `none`
    #[arg(value_name = "RATING")]
    pub(crate) rating: String,
    /// A note, in place of the one that is there; - reads it from standard input
    #[arg(value_name = "NOTE")]
    pub(crate) note: Option<String>,
    /// A tag to put on; repeatable
    #[arg(long, value_name = "TAG")]
    pub(crate) tag: Vec<String>,
    /// Shared flags.
    #[command(flatten)]
    pub(crate) common: Common,
}

/// `tag`.
#[derive(Debug, Args)]
pub(crate) struct Tag {
    /// Shared flags.
    #[command(flatten)]
    pub(crate) common: Common,
    /// The conversation, or `last`
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// Tags to put on, with or without a + in front, and with a - to take off
    #[arg(value_name = "TAG", required = true)]
    pub(crate) tags: Vec<String>,
}

/// `tags`.
#[derive(Debug, Args)]
pub(crate) struct Tags {
    /// Shared flags.
    #[command(flatten)]
    pub(crate) common: Common,
}

/// `note`.
#[derive(Debug, Args)]
pub(crate) struct Note {
    /// The conversation, or `last`
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// The note, in place of the one that is there; - reads it from standard input; without one it is printed
    #[arg(value_name = "TEXT", group = "what")]
    pub(crate) text: Option<String>,
    /// Write it in $VISUAL or $EDITOR
    #[arg(long, group = "what")]
    pub(crate) edit: bool,
    /// Take it away
    #[arg(long, group = "what")]
    pub(crate) remove: bool,
    /// Shared flags.
    #[command(flatten)]
    pub(crate) common: Common,
}

/// `star`.
#[derive(Debug, Args)]
pub(crate) struct Star {
    /// The conversation, or `last`
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// Take it off
    #[arg(long)]
    pub(crate) off: bool,
    /// Shared flags.
    #[command(flatten)]
    pub(crate) common: Common,
}

/// `stats`.
#[derive(Debug, Args)]
pub(crate) struct Stats {
    /// One table of one figure, whole
    #[arg(long, value_name = "WHAT", value_enum)]
    pub(crate) by: Option<By>,
    /// What began then or later: 30d, 12h, 2026-11-01, 2026-11-01T09:00:00Z
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// What began before then; a day is meant whole
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    /// Only from this folder or below it, or from a repository there; or from a project of this name
    #[arg(long, value_name = "DIR", value_parser = Project::parse)]
    pub(crate) project: Option<Project>,
    /// Asked in one of these ways: interactive, print, sdk, ide, desktop, unknown; between commas
    #[arg(long, value_name = "WAYS")]
    pub(crate) via: Option<String>,
    /// Of these kinds: human, command, shell, local, notification, subagent or all; between commas [default: the first three,
    /// with the tokens and tools of all]
    #[arg(long, value_name = "KINDS")]
    pub(crate) kind: Option<String>,
    /// Whose days and hours: Europe/Berlin, +02:00 [default: this machine's]
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true)]
    pub(crate) tz: Option<String>,
    /// Shared flags.
    #[command(flatten)]
    pub(crate) common: Common,
}

/// What a table of figures is of.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum By {
    Day,
    Hour,
    Model,
    Project,
    Tool,
    Command,
    Rating,
    Length,
}

/// `sessions`.
#[derive(Debug, Args)]
pub(crate) struct Sessions {
    /// Only what has these words in its title
    #[arg(value_name = "WORDS")]
    pub(crate) words: Vec<String>,
    /// Only from this folder or below it, or from a repository there; or from a project of this name
    #[arg(long, value_name = "DIR", value_parser = Project::parse)]
    pub(crate) project: Option<Project>,
    /// Only with activity from then on: 7d, 2026-11-01
    #[arg(long, value_name = "TIME", value_parser = terminal::moment::moment)]
    pub(crate) since: Option<terminal::moment::Moment>,
    /// Only with their last activity before then; a day is meant whole
    #[arg(long, value_name = "TIME", value_parser = terminal::moment::moment)]
    pub(crate) until: Option<terminal::moment::Moment>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,
    /// Shared flags.
    #[command(flatten)]
    pub(crate) common: Common,
}

/// `title`.
#[derive(Debug, Args)]
pub(crate) struct Title {
    /// The session, or `last` for the one of the newest conversation
    #[arg(value_name = "SESSION")]
    pub(crate) session: String,
    /// What to call it from now on
    #[arg(value_name = "TITLE", required_unless_present = "remove", conflicts_with = "remove")]
    pub(crate) title: Option<String>,
    /// Take your title back
    #[arg(long)]
    pub(crate) remove: bool,
    /// Shared flags.
    #[command(flatten)]
    pub(crate) common: Common,
}

/// `split`.
#[derive(Debug, Args)]
pub(crate) struct Split {
    /// The session, or `last` for the one of the newest conversation
    #[arg(value_name = "SESSION")]
    pub(crate) session: String,
    /// A conversation with which a new session begins, or `last`; repeatable
    #[arg(long, value_name = "ID", required = true, value_delimiter = ',')]
    pub(crate) at: Vec<String>,
    /// What to call the new sessions, in the order of --at; repeatable
    #[arg(long, value_name = "TITLE")]
    pub(crate) title: Vec<String>,
    /// Shared flags.
    #[command(flatten)]
    pub(crate) common: Common,
}

/// `merge`.
#[derive(Debug, Args)]
pub(crate) struct Merge {
    /// The session that all will be in, or `last`
    #[arg(value_name = "INTO")]
    pub(crate) into: String,
    /// The others
    #[arg(value_name = "SESSION", required = true)]
    pub(crate) sessions: Vec<String>,
    /// What to call it from now on
    #[arg(long, value_name = "TITLE")]
    pub(crate) title: Option<String>,
    /// Shared flags.
    #[command(flatten)]
    pub(crate) common: Common,
}

/// `undo`.
#[derive(Debug, Args)]
pub(crate) struct Undo {
    /// The session that a split or a merge made, or `last`
    #[arg(value_name = "SESSION")]
    pub(crate) session: String,
    /// Shared flags.
    #[command(flatten)]
    pub(crate) common: Common,
}
