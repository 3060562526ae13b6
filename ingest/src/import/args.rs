//! The command line of `ingest import`. The comments here are the help text.

use std::path::PathBuf;

use clap::Args;

use crate::cli::Common;

/// Shown below `ingest import --help`.
pub const EXAMPLES: &str = "\
What a PATH may be; what it is is told by looking into it:
  ~/.claude                     a Claude Code folder: its projects and its history.jsonl
  ~/.claude/projects            a projects root, or one project folder in it
  …/SESSION.jsonl               one transcript, with the session's folder beside it
  ~/.claude/history.jsonl       what was typed, in sessions whose transcripts are long gone
  ~/old-data                    another data directory, or any folder of queue files
  ~/artifact                    what a runner in CI left: its queue and its projects
  ~/ci-logs                     hook logs: JSON arrays or JSON Lines of hook payloads
  prompts.db                    a Prompt Manager database or a backup of one
  export.jsonl                  what `ingest export --format jsonl` wrote: what you said; prompts come from a backup

Examples:
  prompt-manager import         what Claude Code still has, and every root that was read before
  prompt-manager import ~/backup/.claude
  prompt-manager import --json ci-logs/ | jq .events

Files are read and never changed. Doing it again takes in only what is new, so an import that was ended goes on where it
was: with Ctrl-C it ends after the transaction it is in, with code 75.
";

/// `import`.
#[derive(Debug, Args)]
pub struct Import {
    /// What to take in [default: the projects roots read before, and ~/.claude/projects or $CLAUDE_CONFIG_DIR/projects]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Print the figures as one JSON document
    #[arg(long)]
    pub json: bool,
    /// Shared flags.
    #[command(flatten)]
    pub common: Common,
}
