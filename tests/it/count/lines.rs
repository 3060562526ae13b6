//! A file's bytes as JSON objects: what can be read counts, the rest is passed over.

use std::collections::HashSet;

use serde_json::{Deserializer, Value};

/// The beginnings by which a line is found again behind one that was cut off.
const BEGINNINGS: [&str; 2] = ["{\"parentUuid\"", "{\"type\""];

/// Every object of the file, in order.
pub(super) fn objects(bytes: &[u8]) -> Vec<Value> {
    let text = String::from_utf8_lossy(bytes).replace('\0', "");
    text.trim_start_matches('\u{feff}').split('\n').flat_map(of_line).filter(Value::is_object).collect()
}

/// Usually one; two may be glued together, and a cut one may stand before a whole one.
fn of_line(line: &str) -> Vec<Value> {
    let (mut found, mut rest) = (Vec::new(), line.trim());
    while !rest.is_empty() {
        let mut values = Deserializer::from_str(rest).into_iter::<Value>();
        rest = if let Some(Ok(value)) = values.next() {
            found.push(value);
            rest[values.byte_offset()..].trim_start()
        } else {
            // Not at its own beginning again.
            let next = BEGINNINGS.iter().filter_map(|it| rest.get(1..)?.find(it)).min();
            next.map_or("", |at| &rest[at + 1..])
        };
    }
    found
}

/// The lines without those that were there before.
pub(super) fn distinct<'a>(lines: impl Iterator<Item = &'a Value>) -> Vec<&'a Value> {
    let mut seen = HashSet::new();
    lines.filter(|line| line["message"].is_null() || seen.insert(key(line))).collect()
}

/// What is equal where two lines are the same: uuid, type, time and message.
pub(super) fn key(line: &Value) -> [String; 4] {
    ["uuid", "type", "timestamp", "message"].map(|name| line[name].to_string())
}
