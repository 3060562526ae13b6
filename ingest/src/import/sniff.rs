//! What a single file is, told by its first bytes; names are only a hint.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use store::json::{self, Object};

/// How much is looked at. A first line that is longer is told by the names in it.
const HEAD: u64 = 1024 * 1024;

/// The kinds of files that can be taken in, and those that are known and cannot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileKind {
    Transcript,
    /// history.jsonl.
    History,
    HookLog,
    /// What our own export wrote.
    Export,
    Database,
    /// A JSON array of transcript lines, as some loggers write it.
    TranscriptArray,
    Empty,
    Unknown,
}

/// Looks into a file.
pub(super) fn file(path: &Path) -> io::Result<FileKind> {
    let mut head = Vec::new();
    File::open(path)?.take(HEAD).read_to_end(&mut head)?;
    Ok(bytes(&head))
}

/// Of the first values that can be read the first that says something counts.
fn bytes(head: &[u8]) -> FileKind {
    if head.starts_with(b"SQLite format 3\0") {
        return FileKind::Database;
    }
    let text = String::from_utf8_lossy(head);
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == '\0');
    if text.is_empty() {
        return FileKind::Empty;
    }
    let in_array = text.starts_with('[');
    let first = text.trim_start_matches(|c: char| c == '[' || c.is_whitespace());
    let whole = value(first).map(|object| kind(&object)).filter(|kind| *kind != FileKind::Unknown);
    let lines =
        || text.lines().take(20).filter_map(value).map(|object| kind(&object)).find(|kind| *kind != FileKind::Unknown);
    let found = whole.or_else(lines).or_else(|| cut(first));
    match found {
        Some(FileKind::Transcript) if in_array => FileKind::TranscriptArray,
        Some(FileKind::History | FileKind::Export) if in_array => FileKind::Unknown,
        found => found.unwrap_or(FileKind::Unknown),
    }
}

/// The JSON object at the beginning of a text.
fn value(text: &str) -> Option<Object<'_>> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<&serde_json::value::RawValue>();
    values.next()?.ok().and_then(|value| Object::parse(value.get()))
}

fn kind(object: &Object<'_>) -> FileKind {
    let has = |name: &str| object.get(name).is_some();
    let kind = object.get("type").and_then(json::text);
    match kind.as_deref() {
        Some("prompt-manager-export") => FileKind::Export,
        _ if has("hook_event_name") => FileKind::HookLog,
        Some(_) => FileKind::Transcript,
        None if has("display") && has("timestamp") => FileKind::History,
        None => FileKind::Unknown,
    }
}

/// An object that is longer than what was read.
fn cut(text: &str) -> Option<FileKind> {
    let begins = text.starts_with('{') && text.len() as u64 >= HEAD / 2;
    match () {
        () if begins && text.contains("\"hook_event_name\"") => Some(FileKind::HookLog),
        () if begins && text.contains("\"type\":") => Some(FileKind::Transcript),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(head: &str, expected: FileKind) {
        assert_eq!(bytes(head.as_bytes()), expected, "{}", &head[..head.len().min(80)]);
    }

    #[test]
    fn kinds() {
        check("", FileKind::Empty);
        check("\u{feff} \n", FileKind::Empty);
        check("SQLite format 3\0…", FileKind::Database);
        check("{\"type\":\"summary\",\"summary\":\"x\"}\n", FileKind::Transcript);
        check("garbage\n{\"type\":\"user\"}\n", FileKind::Transcript);
        check("\0\0{\"type\":\"user\"}{\"type\":\"user\"}\n", FileKind::Transcript);
        check("{\"display\":\"hi\",\"timestamp\":1,\"project\":\"/p\"}\n", FileKind::History);
        check("{\"session_id\":\"s\",\"hook_event_name\":\"Stop\"}\n", FileKind::HookLog);
        check("[\n  {\n    \"session_id\": \"s\",\n    \"hook_event_name\": \"Stop\"\n  }\n]", FileKind::HookLog);
        check("{\n  \"hook_event_name\": \"Stop\"\n}\n", FileKind::HookLog);
        check("[{\"type\":\"user\",\"message\":{}}]", FileKind::TranscriptArray);
        check("{\"type\":\"prompt-manager-export\",\"version\":1}\n", FileKind::Export);
        check("{\"name\":\"package\"}", FileKind::Unknown);
        check("[1, 2]", FileKind::Unknown);
        check("plain words", FileKind::Unknown);
        let long = "x".repeat(2 * HEAD as usize);
        check(&format!("{{\"type\":\"user\",\"message\":\"{long}\"}}"), FileKind::Transcript);
    }
}
