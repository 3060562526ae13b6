//! Lines in the user's crontab, between two lines that mark them as ours. Every other line stays as it is, byte for byte.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::escape::{cron_command, shell_word};
use super::places::Places;
use super::whose;
use super::{Job, Look};
use crate::child::{self, Output};
use crate::error::{At, Error};
use crate::setup::user::{Effect, say};

const BEGIN: &str = "# >>> prompt-manager: Made by `prompt-manager setup service`; what is changed here is lost";
const END: &str = "# <<< prompt-manager";
/// The begin of [`BEGIN`], as any version of ours writes it.
const BEGIN_MARK: &str = "# >>> prompt-manager";
const LIMIT: Duration = Duration::from_secs(30);
/// Longer lines are cut off by some crons.
const LONGEST: usize = 990;

const LINES: &str = include_str!("../../../../ops/cron/lines");
const RUN: &str = include_str!("../../../../ops/cron/run");

/// Puts the lines there, or others in their place.
///
/// # Errors
/// [`Error::Refused`] for paths that make a line too long; what `crontab` says.
pub(super) fn set_up(job: &Job<'_>, places: &Places) -> Result<(), Error> {
    let block = block(places, job.look)?;
    let before = read()?;
    if let Some(other) = other(job, &before) {
        return Err(whose::refused(Path::new("your crontab"), &other, &job.removal(&other, &[])));
    }
    let after = with(&before, Some(&block));
    if after == before {
        return say("your crontab: nothing to do");
    }
    let lines = block.lines().filter(|line| !line.starts_with('#'));
    if job.effect == Effect::Tell {
        say("would put these lines into your crontab:")?;
        return lines.into_iter().try_for_each(|line| say(&format!("  {line}")));
    }
    job.put_on_record(Vec::new())?;
    write(&after)?;
    say("put these lines into your crontab:")?;
    lines.into_iter().try_for_each(|line| say(&format!("  {line}")))?;
    say("the first look is within five minutes; what stays is started at the next boot")
}

/// Takes them out.
///
/// # Errors
/// What `crontab` says.
pub(super) fn take_out(job: &Job<'_>) -> Result<bool, Error> {
    // Where there is no cron, there are no lines.
    let before = match read() {
        Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => return Ok(false),
        before => before?,
    };
    let after = with(&before, None);
    if after == before {
        return Ok(false);
    }
    if let Some(other) = other(job, &before) {
        return job.say_passed_over(Path::new("your crontab"), &other, &[]).map(|()| false);
    }
    if job.effect == Effect::Tell {
        say("would take our lines out of your crontab")?;
        return Ok(true);
    }
    if after.is_empty() {
        crontab(&["-r"], b"")?;
    } else {
        write(&after)?;
    }
    say("took our lines out of your crontab")?;
    Ok(true)
}

/// Makes them anew, if they are still there.
///
/// # Errors
/// As [`set_up`].
pub(super) fn renew(job: &Job<'_>, places: &Places) -> Result<bool, Error> {
    let before = read()?;
    let after = with(&before, Some(&block(places, job.look)?));
    if with(&before, None) == before || after == before {
        return Ok(false);
    }
    if let Some(other) = other(job, &before) {
        return job.say_passed_over(Path::new("your crontab"), &other, &[]).map(|()| false);
    }
    write(&after)?;
    say("renewed our lines in your crontab")?;
    Ok(true)
}

/// Another data directory that has its lines there.
fn other(job: &Job<'_>, crontab: &str) -> Option<PathBuf> {
    let named = whose::home_in(&crontab[ours(crontab)?])?;
    whose::is_other(&named, job.user.settings.home.root()).then_some(named)
}

fn block(places: &Places, look: Look) -> Result<String, Error> {
    let variables: String =
        places.environment().iter().map(|(name, value)| format!("{name}={} ", shell_word(value))).collect();
    // `env`, because the crontab may name any shell.
    let with_variables = |program: &str| {
        let program = shell_word(program);
        if variables.is_empty() { program } else { format!("env {variables}{program}") }
    };
    let stays = if look == Look::Run { RUN } else { "" };
    let listen = places.listen_flag.as_deref().map_or_else(String::new, |at| format!(" --listen {}", shell_word(at)));
    let mut block = format!("{BEGIN}\n");
    for line in stays.lines().chain(LINES.lines()).filter(|line| !line.starts_with('#')) {
        let (when, command) = line.split_once('\t').unwrap_or(("", line));
        let command = command
            .replace("@INGEST@", &with_variables(&places.ingest))
            .replace("@API@", &with_variables(&places.api))
            .replace("@LISTEN@", &listen)
            .replace("@LOG@", &shell_word(&format!("{}/logs/query-api.log", places.data)))
            .replace("@DATA@", &shell_word(&places.data));
        if command.len() > LONGEST {
            let problem = "makes a line of a crontab too long; choose a shorter path".to_owned();
            return Err(Error::Refused { path: places.data.clone().into(), problem });
        }
        block += &format!("{when} {}\n", cron_command(&command));
    }
    Ok(block + END + "\n")
}

/// `text` with `block` in the place of ours, or at its end; or without ours.
fn with(text: &str, block: Option<&str>) -> String {
    let Some(Range { start: begin, end }) = ours(text) else {
        let glue = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        return block.map_or_else(|| text.to_owned(), |block| format!("{text}{glue}{block}"));
    };
    format!("{}{}{}", &text[..begin], block.unwrap_or_default(), &text[end..])
}

/// Where our lines stand, by whole lines. Where somebody has taken their end away, nobody knows what is theirs: the first line
/// alone is ours then.
fn ours(text: &str) -> Option<Range<usize>> {
    let mut at = 0;
    let mut lines = text.split_inclusive('\n').map(move |line| {
        at += line.len();
        (at - line.len()..at, line)
    });
    let (first, _) = lines.by_ref().find(|(_, line)| line.starts_with(BEGIN_MARK))?;
    let last = lines.find(|(_, line)| line.trim_end() == END).map_or(first.end, |(last, _)| last.end);
    Some(first.start..last)
}

fn read() -> Result<String, Error> {
    let ended = child::run(Command::new("crontab").arg("-l"), b"", Output::Kept, LIMIT);
    let ended = ended.at("run", Path::new("crontab -l"))?;
    let said = ended.stderr.trim();
    if ended.status.success() {
        return String::from_utf8(ended.stdout).map_err(|_| Error::Refused {
            path: "crontab -l".into(),
            problem: "is not UTF-8; put the lines there by hand (--dry-run shows them)".to_owned(),
        });
    }
    if said.contains("no crontab for") {
        return Ok(String::new());
    }
    Err(io::Error::other(said.replace('\n', " "))).at("run", Path::new("crontab -l"))
}

fn write(text: &str) -> Result<(), Error> {
    crontab(&["-"], text.as_bytes())
}

fn crontab(words: &[&str], input: &[u8]) -> Result<(), Error> {
    let ended = child::run(Command::new("crontab").args(words), input, Output::Kept, LIMIT);
    let ended = ended.and_then(|ended| {
        if ended.status.success() { Ok(()) } else { Err(io::Error::other(ended.stderr.trim().replace('\n', " "))) }
    });
    ended.at("run", Path::new(&format!("crontab {}", words.join(" "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_lines_stay_as_they_are() {
        let block = format!("{BEGIN}\nx\n{END}\n");
        let check = |before: &str, expected: &str, without: &str| {
            let after = with(before, Some(&block));
            assert_eq!(after, expected.replace('B', &block), "{before:?}");
            assert_eq!(with(&after, Some(&block)), after);
            assert_eq!(with(&after, None), without);
        };
        check("", "B", "");
        check("a\n", "a\nB", "a\n");
        check("a", "a\nB", "a\n");
        check("\t# c \r\n\n", "\t# c \r\n\nB", "\t# c \r\n\n");
        check(&format!("a\n{BEGIN_MARK}: old\n* * * * * y\n{END}\nb"), "a\nBb", "a\nb");
        assert_eq!(with(&format!("a\n{BEGIN}\nx\n* * * * * theirs\n"), None), "a\nx\n* * * * * theirs\n");
        assert_eq!(with("a # >>> prompt-manager\n", None), "a # >>> prompt-manager\n");
        check("a # >>> prompt-manager\n", "a # >>> prompt-manager\nB", "a # >>> prompt-manager\n");
        check("#a # >>> prompt-manager: x\nb", "#a # >>> prompt-manager: x\nb\nB", "#a # >>> prompt-manager: x\nb\n");
    }
}
