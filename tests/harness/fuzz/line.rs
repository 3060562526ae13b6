//! A piece of a transcript: cut into the same lines however it comes, each place in it the place of what is said to stand there.

use ingest::doors::{self, Read};
use serde_json::Value;
use serde_json::value::RawValue;
use store::json::pieces::readable;

use super::{chosen, strict};

pub(super) const WORDS: &[&str] = &[
    "\n",
    "\r\n",
    "\0\0\0",
    "{\"type\":\"user\",",
    "{\"parentUuid\":null,",
    "\"uuid\":\"u\"",
    "\"message\":{\"role\":\"user\",\"content\":",
    "\"content\":[{\"type\":\"text\",\"text\":",
    "{\"type\":\"tool_result\",\"tool_use_id\":\"t\",\"content\":",
    "\"type\":\"tool_use\"",
    "\"type\":\"thinking\"",
    "\"timestamp\":\"2026-11-27T08:00:00.000Z\"",
    "\\ud83d",
    "\u{feff}",
    "é",
    "}{",
    "null",
    "\"usage\":{",
    "\"type\":\"assistant\"",
    "\"type\":\"attachment\",\"attachment\":{\"type\":\"queued_command\",\"prompt\":",
    "\"type\":\"queue-operation\",\"operation\":\"enqueue\",\"content\":",
];

/// Where the piece is said to begin, beside 0.
const LATER: u64 = 1 << 40;

pub(super) fn check(bytes: &[u8]) {
    let read = doors::transcript(&[bytes], 0);
    let (first, second) = bytes.split_at(chosen(bytes, bytes.len() + 1));
    assert_eq!(doors::transcript(&[first, second], 0), read, "in two pieces");
    let later = doors::transcript(&[bytes], LATER);
    assert_eq!(later.unreadable, read.unreadable.iter().map(|at| at + LATER).collect::<Vec<_>>());
    let keys = |read: &Read, from: u64| read.lines.iter().map(|line| (line.at - from, line.key)).collect::<Vec<_>>();
    assert_eq!(keys(&later, LATER), keys(&read, 0), "further behind");

    assert!(read.unreadable.is_sorted_by(|a, b| a < b), "{:?}", read.unreadable);
    assert!(read.lines.is_sorted_by(|a, b| a.at < b.at));
    // What is not UTF-8 is read as question marks, one for one.
    let text = readable(bytes);
    for line in &read.lines {
        let at = usize::try_from(line.at).unwrap();
        assert_eq!(bytes.get(at), Some(&b'{'), "a line begins at {at}");
        let mut values = serde_json::Deserializer::from_str(&text[at..]).into_iter::<&RawValue>();
        let whole = values.next().unwrap().unwrap().get();
        for (offset, length, said) in &line.places {
            let from = usize::try_from(*offset).unwrap();
            let end = from + usize::try_from(*length).unwrap();
            assert!(at < from && end < at + whole.len(), "{from}..{end} in {at}..{}", at + whole.len());
            let value: &RawValue = serde_json::from_str(&text[from..end]).unwrap();
            assert_eq!(value.get().len(), end - from);
            assert!(said.is_none() || store::json::text(value) == *said, "{said:?} is not at {from}..{end}");
        }
        if let Ok(value) = serde_json::from_str::<Value>(whole) {
            assert_eq!(line.uuid.as_deref(), value["uuid"].as_str());
        }
    }
    every_line(bytes, &read);
}

/// No line that is an object by itself is passed over.
fn every_line(bytes: &[u8], read: &Read) {
    let mut at = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        // Half a pair of surrogates can be no name of a field.
        let whole =
            strict::json(line).filter(|json| json.first == b'{' && serde_json::from_slice::<Value>(line).is_ok());
        if whole.is_some() {
            let begin = at + line.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            let found = read.lines.iter().filter(|line| (at..at + line_end(bytes, at)).contains(&to_usize(line.at)));
            let found: Vec<_> = found.map(|line| to_usize(line.at)).collect();
            assert_eq!(found, [begin], "the line at {at}");
        }
        at += line.len();
    }
}

fn to_usize(at: u64) -> usize {
    usize::try_from(at).unwrap()
}

/// How long the line at `at` is.
fn line_end(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().position(|byte| *byte == b'\n').map_or(bytes.len() - at, |end| end + 1)
}
