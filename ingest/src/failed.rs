//! `ingest failed`: what could not be taken in, and why.

mod retry;

use std::fmt::Write as _;
use std::time::SystemTime;

use clap::Args;
use serde_json::json;
use settings::Settings;
use status::failed::{Failed as File, Failures, age_ms};
use terminal::table::Table;
use terminal::text::visible;

use crate::cli::Place;
use crate::error::{At, Error};
use crate::exit::Exit;
use crate::report::count;

pub(crate) use retry::remove_lone;
pub use retry::{EXAMPLES as RETRY_EXAMPLES, Report, Retry, give_back, retry};

/// Shown below `ingest failed --help`.
pub const EXAMPLES: &str = "\
Examples:
  prompt-manager failed                              what failed, the oldest first
  prompt-manager failed --json | jq .by_reason       how many for each reason
  prompt-manager retry --reason crashes              once the program is mended

The files lie in queue/failed of the data directory, byte for byte as the hook wrote them (secrets are hidden where redact
says ingest), each with a .reason.json beside it.
They stay until you retry or remove them, or until `failed_keep` says otherwise.
";

/// `failed`.
#[derive(Debug, Args)]
pub struct Failed {
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
    /// Shared flags.
    #[command(flatten)]
    pub place: Place,
}

/// Lists them.
///
/// # Errors
/// When the folder cannot be read, or the list cannot be written.
pub fn list(settings: &Settings, args: &Failed) -> Result<Exit, Error> {
    let dir = settings.home.failed();
    let found = read(settings)?;
    let now = SystemTime::now();
    let text = if args.json {
        let figures = json!({
            "files": found.files,
            "by_reason": found.by_reason(),
            "notes_without_file": found.lone_notes.len(),
        });
        terminal::document(&figures)
    } else {
        shown(&found, now, terminal::width())
    };
    terminal::print(text.as_bytes()).at("write the list of", &dir)?;
    Ok(Exit::Done)
}

/// Everything in queue/failed, however much that is: a person asked.
fn read(settings: &Settings) -> Result<Failures, Error> {
    let dir = settings.home.failed();
    Failures::read(&dir, usize::MAX / 2).at("list", &dir)
}

fn shown(found: &Failures, now: SystemTime, width: Option<u16>) -> String {
    if found.files.is_empty() && found.lone_notes.is_empty() {
        return "nothing has failed\n".to_owned();
    }
    let mut table = Table::new(&["age", "size", "attempts", "reason", "file"], None).right(0).right(1).right(2);
    for file in &found.files {
        table.row([
            terminal::span(age_ms(file.failed_ms, now)),
            terminal::size(file.size),
            file.attempts.map_or_else(|| "?".to_owned(), |attempts| attempts.to_string()),
            reason(file),
            file.file.clone(),
        ]);
    }
    let mut text = table.to_string();
    if let Some(width) = width.map(usize::from).filter(|width| text.lines().any(|line| line.chars().count() > *width)) {
        text = found.files.iter().map(|file| block(file, now, width)).collect();
    }
    let by_reason: Vec<_> = found.by_reason().into_iter().map(|(reason, n)| format!("{n} {reason}")).collect();
    let _ = write!(text, "{}: {}", count(found.files.len() as u64, "file"), by_reason.join(", "));
    if !found.lone_notes.is_empty() {
        let _ = write!(text, "; {} without a file", count(found.lone_notes.len() as u64, "note"));
    }
    text + "\n"
}

/// Where the table is too wide: the name on a line of its own, so that it can be copied, and the rest below.
fn block(file: &File, now: SystemTime, width: usize) -> String {
    const INDENT: usize = 4;
    let attempts =
        file.attempts.map_or_else(String::new, |attempts| format!(", {}", count(attempts.into(), "attempt")));
    let age = terminal::span(age_ms(file.failed_ms, now));
    let rest = format!("{age} ago, {}{attempts}; {}", terminal::size(file.size), reason(file));
    let mut text = visible(&file.file) + "\n";
    for line in terminal::wrap(&visible(&rest), width.saturating_sub(INDENT)) {
        let _ = writeln!(text, "{}{line}", " ".repeat(INDENT));
    }
    text
}

fn reason(file: &File) -> String {
    match (&file.reason, &file.detail) {
        (Some(reason), Some(detail)) => format!("{reason}: {detail}"),
        _ if file.is_file => "no note beside it".to_owned(),
        _ => "no note beside it, and no file".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use status::failed::Source;

    use super::*;

    #[test]
    fn a_list_for_people() {
        let file = |file: &str, reason: Option<&str>| File {
            file: file.to_owned(),
            name: file.to_owned(),
            reason: reason.map(str::to_owned),
            detail: reason.map(|_| "at byte 3".to_owned()),
            size: 2048,
            attempts: reason.map(|_| 1),
            failed_at: None,
            failed_at_from: Source::Mtime,
            failed_ms: 0,
            is_file: true,
        };
        let now = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(7260);
        let found = Failures {
            files: vec![file("1-s-Stop.json", Some("not_json")), file("2-s-Stop.json", None)],
            lone_notes: vec!["3.reason.json".to_owned()],
            more: false,
        };
        insta::assert_snapshot!(shown(&found, now, None), @r"
        age   size  attempts  reason               file
        2 h  2 KiB         1  not_json: at byte 3  1-s-Stop.json
        2 h  2 KiB         ?  no note beside it    2-s-Stop.json
        2 files: 1 not_json, 1 unknown; 1 note without a file
        ");
        assert_eq!(shown(&found, now, Some(80)), shown(&found, now, None));
        insta::assert_snapshot!(shown(&found, now, Some(40)), @r"
        1-s-Stop.json
            2 h ago, 2 KiB, 1 attempt; not_json:
            at byte 3
        2-s-Stop.json
            2 h ago, 2 KiB; no note beside it
        2 files: 1 not_json, 1 unknown; 1 note without a file
        ");
        insta::assert_snapshot!(shown(&Failures::default(), now, None), @"nothing has failed");
    }
}
