//! What the health document has no room for, as JSON: passes over time, and each file that failed.

use export::time::rfc3339 as time;
use queue::QueueName;
use serde::Serialize;
use status::failed::{Failed, Failures};
use store::read::PassStretch;
use terminal::quoted;
use utoipa::ToSchema;

/// What passes did.
#[derive(Serialize, ToSchema)]
pub(crate) struct Passes {
    /// From when on they are told.
    #[schema(format = DateTime)]
    pub(crate) since: Option<String>,
    /// How many there were.
    pub(crate) passes: i64,
    /// In order, at most 500; each one pass where there were no more.
    pub(crate) items: Vec<PassesItem>,
}

/// A pass, or some side by side.
#[derive(Serialize, ToSchema)]
pub(crate) struct PassesItem {
    /// When the first began.
    #[schema(format = DateTime)]
    pub(crate) began_at: Option<String>,
    #[serde(skip)]
    pub(crate) began_ms: i64,
    pub(crate) passes: i64,
    /// The longest of them.
    pub(crate) took_ms: i64,
    /// Queue files stored as new events.
    pub(crate) stored: i64,
    /// Whose event was there already.
    pub(crate) replayed: i64,
    /// Moved to failed.
    pub(crate) failed: i64,
    /// Conversations that this changed.
    pub(crate) conversations: i64,
    /// Passes that a fault ended.
    pub(crate) faults: i64,
}

impl Passes {
    pub(crate) fn of(found: &[PassStretch], since_ms: i64) -> Self {
        let item = |it: &PassStretch| PassesItem {
            began_at: time(it.began_ms),
            began_ms: it.began_ms,
            passes: it.passes,
            took_ms: it.took_ms,
            stored: it.stored,
            replayed: it.replayed,
            failed: it.failed,
            conversations: it.conversations,
            faults: it.faults,
        };
        Self {
            since: time(since_ms),
            passes: found.iter().map(|it| it.passes).sum(),
            items: found.iter().map(item).collect(),
        }
    }
}

/// What could not be taken in.
#[derive(Serialize, ToSchema)]
pub(crate) struct FailedList<'a> {
    /// The oldest names first.
    pub(crate) items: Vec<FailedItem<'a>>,
    /// There are more than are listed.
    pub(crate) more: bool,
    /// Puts all of them back into the queue.
    pub(crate) retry_all: String,
}

/// A file.
#[derive(Serialize, ToSchema)]
pub(crate) struct FailedItem<'a> {
    #[serde(flatten)]
    pub(crate) file: &'a Failed,
    /// Puts it back into the queue; null for what no hook wrote, which cannot go there.
    pub(crate) retry: Option<String>,
}

impl<'a> FailedList<'a> {
    /// At most `most` of them; `home` is the flag that names the data directory, where commands need it.
    pub(crate) fn of(found: &'a Failures, most: usize, home: Option<&str>) -> Self {
        let item = |file| FailedItem { file, retry: retry(file, home) };
        Self {
            items: found.files.iter().take(most).map(item).collect(),
            more: found.more || found.files.len() > most,
            retry_all: command(&["--all".to_owned()], home),
        }
    }
}

/// What a person types to have a file taken in again.
fn retry(file: &Failed, home: Option<&str>) -> Option<String> {
    if !file.is_file || file.name.parse::<QueueName>().is_err() || file.file.contains(char::REPLACEMENT_CHARACTER) {
        return None;
    }
    // Behind two dashes nothing is a flag.
    let dashes = file.file.starts_with('-').then(|| "--".to_owned());
    Some(command(&dashes.into_iter().chain([quoted(&file.file)]).collect::<Vec<_>>(), home))
}

fn command(words: &[String], home: Option<&str>) -> String {
    let home = home.map(|flag| format!("{flag} ")).unwrap_or_default();
    format!("prompt-manager retry {home}{}", words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use status::failed::Source;

    #[test]
    fn commands_to_retry() {
        const NAME: &str = "1795350951598014047-s-Stop.json";
        let check = |file: &str, name: &str, is_file: bool, home: Option<&str>, expected: Option<&str>| {
            let file = Failed {
                file: file.into(),
                name: name.into(),
                reason: None,
                detail: None,
                size: 1,
                attempts: None,
                failed_at: None,
                failed_at_from: Source::Mtime,
                failed_ms: 0,
                is_file,
            };
            assert_eq!(retry(&file, home).as_deref(), expected, "{file:?}");
        };
        check(NAME, NAME, true, None, Some("prompt-manager retry 1795350951598014047-s-Stop.json"));
        check("x y", NAME, true, Some("--home /d"), Some("prompt-manager retry --home /d 'x y'"));
        check("-x;", NAME, true, None, Some("prompt-manager retry -- '-x;'"));
        check("notes.txt", "notes.txt", true, None, None);
        check(NAME, NAME, false, None, None);
    }
}
