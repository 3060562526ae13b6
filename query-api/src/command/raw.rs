//! `show --raw`: the hook events and transcript lines that a conversation was made from, each on a line.
//!
//! Piped they are the bytes that were captured and nothing else, so that `jq` reads them; a terminal gets a heading above
//! each, and signs that it would obey as symbols.

use std::io::IsTerminal;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use terminal::text::{visible, visible_lines};
use terminal::{Tone, paint};

use super::args::Show;
use super::client::{Client, Pairs};
use super::{At, Error, page, path, print_json};
use crate::http::base64;

/// The longest page that the API gives.
const PAGE: &str = "200";

/// As the API sends it.
#[derive(Deserialize, Serialize)]
struct Page {
    id: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    requested_id: Option<i64>,
    items: Vec<Box<RawValue>>,
    next_cursor: Option<String>,
}

/// A payload or a line, or a part of it.
#[derive(Deserialize)]
struct Piece {
    source: String,
    event: Option<String>,
    captured_at: Option<String>,
    file: String,
    offset: Option<u64>,
    size: u64,
    from: u64,
    text: Option<String>,
    base64: Option<String>,
}

pub(super) fn show(client: &Client, args: &Show) -> Result<(), Error> {
    let first = path(&args.id)?;
    let mut page = read(client, &first, None)?;
    let requested_id = page.requested_id;
    // What is the last one may change while this goes on.
    let path = path(&page.id.to_string())?;
    let mut items = Vec::new();
    let is_terminal = std::io::stdout().is_terminal();
    loop {
        if args.common.json {
            items.append(&mut page.items);
        }
        for item in &page.items {
            let wrong = |detail: String| Error::Answer { path: path.clone(), detail };
            let piece: Piece = serde_json::from_str(item.get()).map_err(|error| wrong(error.to_string()))?;
            let bytes = piece.bytes().ok_or_else(|| wrong("neither text nor base64".to_owned()))?;
            let shown = if is_terminal { piece.for_people(&bytes).into_bytes() } else { piece.whole_line(bytes) };
            terminal::print_raw(&shown).at("write to standard output")?;
        }
        match page.next_cursor {
            Some(cursor) => page = read(client, &path, Some(cursor))?,
            None => break,
        }
    }
    if !args.common.json {
        return Ok(());
    }
    let whole = Page { id: page.id, requested_id, items, next_cursor: None };
    let json = serde_json::to_string(&whole);
    print_json(&json.map_err(|error| Error::Answer { path, detail: error.to_string() })?)
}

fn read(client: &Client, path: &str, cursor: Option<String>) -> Result<Page, Error> {
    let mut query: Pairs = vec![("limit", PAGE.to_owned())];
    query.extend(cursor.map(|cursor| ("cursor", cursor)));
    client.get(&format!("{path}/raw"), &query)?.read()
}

impl Piece {
    fn bytes(&self) -> Option<Vec<u8>> {
        let decoded = || base64::unpadded(self.base64.as_deref()?);
        self.text.as_ref().map(|text| text.clone().into_bytes()).or_else(decoded)
    }

    /// With a line break behind the last part.
    fn whole_line(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        if self.from + bytes.len() as u64 >= self.size {
            bytes.push(b'\n');
        }
        bytes
    }

    fn for_people(&self, bytes: &[u8]) -> String {
        let mut text = visible_lines(&String::from_utf8_lossy(bytes));
        if self.from + bytes.len() as u64 >= self.size {
            text.push('\n');
        }
        if self.from > 0 {
            return text;
        }
        let of = match (&self.event, self.offset) {
            (Some(event), _) => {
                let at = self.captured_at.as_deref().map(page::time).unwrap_or_default();
                format!("{} {}  {at}  {}", self.source, visible(event), visible(&self.file))
            }
            (None, Some(offset)) => format!("{} at byte {offset} of {}", self.source, visible(&self.file)),
            (None, None) => format!("{} of {}", self.source, visible(&self.file)),
        };
        format!("{}\n{text}", paint(Tone::Quiet, &format!("# {of}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(json: serde_json::Value) -> Piece {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn parts_of_a_line_make_one() {
        let of = |from: u64, text: &str| {
            piece(
                serde_json::json!({"source": "line", "file": "f", "offset": 7, "size": 6, "from": from, "text": text}),
            )
        };
        let [first, last] = [of(0, "abc"), of(3, "def")];
        let line: Vec<u8> = [&first, &last].iter().flat_map(|piece| piece.whole_line(piece.bytes().unwrap())).collect();
        assert_eq!(line, b"abcdef\n");
        let page = first.for_people(b"abc") + &last.for_people(b"def");
        assert_eq!(terminal::plain(&page), "# line at byte 7 of f\nabcdef\n");
    }

    #[test]
    fn bytes_that_are_no_text() {
        let piece =
            piece(serde_json::json!({"source": "event", "event": "Stop\u{1b}[2J", "captured_at": null, "file": "n",
            "size": 3, "from": 0, "base64": "/xth"}));
        assert_eq!(piece.whole_line(piece.bytes().unwrap()), b"\xff\x1ba\n");
        let page = terminal::plain(&piece.for_people(b"\xff\x1ba"));
        assert_eq!(page, "# event Stop␛[2J    n\n\u{fffd}␛a\n");
    }
}
