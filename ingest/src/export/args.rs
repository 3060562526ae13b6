//! The command line of `ingest export`. The comments here are the help text.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use store::read::{Query, Rated};
use store::{ConversationId, Kind, SeenBy, Status, Via};

use super::given::Kinds;
use super::given::{kinds, rating, words};
use terminal::moment::{Moment, moment};

/// Shown below `ingest export --help`.
pub const EXAMPLES: &str = "\
Examples:
  prompt-manager export --out all.jsonl                                  all there is to read, a JSON object a line; to move, see below
  prompt-manager export --format csv --since 30d --out november.csv      a table; a cell that looks like a formula gets a ' in front
  prompt-manager export --format markdown --session last | less          the last session, to read
  prompt-manager export --format markdown --per session --out notes/     a document for each session
  prompt-manager export --format messages --rating '>=4' --tag keep      training data from what was rated and tagged
  prompt-manager export --format transcript --out restored/              every transcript, byte for byte, in its folders
  prompt-manager export --format transcript --session ID > lost.jsonl    the only file of one session
  prompt-manager export --format queue --since 7d --out events/          the hook payloads, for `ingest import events/`

`import` takes back from an export what you said: ratings, tags, notes, stars, splits, titles, saved views. To move prompts and
answers too: `prompt-manager backup all.db` there, `prompt-manager import all.db` here.
A day is meant whole and in local time: --since 2026-11-01 begins with it, --until 2026-11-01 ends with it.
A transcript and a queue file are exported if their session holds a conversation that the filters leave.
Files are made for you alone (0600), appear under their name only when they are whole, and replace nothing.
";

/// In which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Everything, a JSON object a line; `import` takes back what you said, and prompts come by `backup` and `import`
    Jsonl,
    /// A row a conversation, for a spreadsheet
    Csv,
    /// A document to read
    Markdown,
    /// The files of Claude Code, byte for byte
    Transcript,
    /// Chat-format JSONL for fine-tuning
    Messages,
    /// The payloads of the hooks under their queue names
    Queue,
}

/// What makes one line or one document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Per {
    /// Each conversation
    Conversation,
    /// Each session
    Session,
}

/// `export`.
#[derive(Debug, Args)]
pub struct Export {
    /// In which form
    #[arg(short, long, value_enum, default_value = "jsonl")]
    pub format: Format,
    /// A file, or for transcript and queue a folder; - is standard output
    #[arg(short, long, value_name = "PATH")]
    pub out: Option<PathBuf>,
    /// Replace what is there
    #[arg(long)]
    pub force: bool,
    /// messages: what a line is [default: conversation]; markdown: `session` writes a document for each into --out
    #[arg(long, value_enum)]
    pub per: Option<Per>,
    /// messages: with the tool calls and their results
    #[arg(long)]
    pub tools: bool,
    /// transcript: also what stood at a path before it was rewritten, under a name that says so
    #[arg(long)]
    pub all_versions: bool,
    /// The data directory [default: $PROMPT_MANAGER_HOME, else ~/.local/share/prompt-manager]
    #[arg(long, value_name = "DIR")]
    pub home: Option<PathBuf>,
    /// Say nothing on stderr but errors
    #[arg(short, long)]
    pub quiet: bool,
    /// What to export.
    #[command(flatten)]
    pub wanted: Wanted,
}

/// The filters. Those that may be repeated leave what fits one of the values, --tag what fits all.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "What to export")]
pub struct Wanted {
    /// Only of this session, Claude Code's or one that you made; `last` is the newest; repeatable
    #[arg(long, value_name = "ID")]
    pub session: Vec<String>,
    /// Only from this folder or below it, or from a repository there; or from a project of this name
    #[arg(long, value_name = "DIR", value_parser = terminal::Project::parse)]
    pub project: Option<terminal::Project>,
    /// Only from then on: 7d, 12h, 2026-11-01, 2026-11-01T09:00:00Z
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub since: Option<Moment>,
    /// Only until then
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub until: Option<Moment>,
    /// human, command, shell, local, notification, subagent or all, between commas [default: the first three; jsonl: all]
    #[arg(long, value_name = "KINDS", value_parser = kinds)]
    pub kind: Option<Kinds>,
    /// interactive, print, sdk, ide, desktop, unknown
    #[arg(long, value_name = "WAYS", value_delimiter = ',', value_parser = super::given::via)]
    pub via: Vec<Via>,
    /// complete, interrupted, failed, open [default: all; messages: complete]
    #[arg(long, value_name = "ENDS", value_delimiter = ',', value_parser = super::given::status)]
    pub status: Vec<Status>,
    /// hook, transcript or both: only what hooks alone, transcripts alone or both saw
    #[arg(long, value_name = "SOURCES", value_delimiter = ',', value_parser = super::given::source)]
    pub source: Vec<SeenBy>,
    /// Only with such a rating: 5, '>=4', '<3', any, none
    #[arg(long, value_name = "RATING", value_parser = rating)]
    pub rating: Option<Rated>,
    /// Only with this tag; repeatable
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
    /// Only what is starred
    #[arg(long)]
    pub star: bool,
    /// Only what holds these words, "exact phrases" and beginnings*; also this OR that, and -not
    #[arg(long, value_name = "WORDS", value_parser = words)]
    pub search: Option<Query>,
    /// Only these conversations, between commas
    #[arg(long, value_name = "IDS", value_delimiter = ',', value_parser = super::given::id)]
    pub id: Vec<ConversationId>,
    /// The newest, at most so many conversations (files, for transcript and queue)
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
}

/// The kinds that lists show.
pub(super) const LISTED: &[Kind] = Kind::LISTED;
