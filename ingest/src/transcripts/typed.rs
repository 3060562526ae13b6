//! Indexes the lines of a stored `history.jsonl`: which session each was typed in, and when (claude-code.md C.1).
//!
//! The index grows with the file: only what follows the last indexed line is read, out of the store and not from the disk,
//! so that a rebuild does the same.

use store::TranscriptId;
use store::write::{Batch, NewTyped};

use store::json::{self, Object};

/// Indexes what came behind the last indexed line of a file.
pub(crate) fn index(batch: &Batch<'_>, file: TranscriptId) -> Result<(), store::Error> {
    let from = batch.typed_until(file)?;
    let mut cutter = Cutter { open: Vec::new(), start: from, found: Vec::new() };
    batch.bytes_from(file, from, |chunk| cutter.feed(chunk))?;
    batch.add_typed(file, &cutter.finish())
}

/// Takes the file in pieces of any size.
struct Cutter {
    /// The beginning of a line whose end has not come yet, and where it stands.
    open: Vec<u8>,
    start: u64,
    found: Vec<NewTyped>,
}

impl Cutter {
    fn feed(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.open.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                let line = std::mem::take(&mut self.open);
                self.line(&line);
            }
        }
    }

    /// A last line without newline counts if it is complete.
    fn finish(mut self) -> Vec<NewTyped> {
        let rest = std::mem::take(&mut self.open);
        self.line(&rest);
        self.found
    }

    /// Two processes that append at once may glue their lines together, so each object is taken by itself. What cannot be
    /// read stays in the ground.
    fn line(&mut self, bytes: &[u8]) {
        if let Ok(text) = std::str::from_utf8(bytes) {
            let values = serde_json::Deserializer::from_str(text).into_iter::<&serde_json::value::RawValue>();
            for value in values.map_while(Result::ok) {
                let offset = self.start + json::offset_in(text, value.get());
                self.found.extend(typed(value.get(), offset));
            }
        }
        self.start += bytes.len() as u64;
    }
}

fn typed(json: &str, offset: u64) -> Option<NewTyped> {
    let object = Object::parse(json)?;
    object.get("display")?;
    let mut key = [0; 16];
    blake3::Hasher::new().update(json.as_bytes()).finalize_xof().fill(&mut key);
    Some(NewTyped {
        offset,
        length: json.len() as u64,
        key,
        session_id: object.text("sessionId").filter(|id| queue::Token::new(id.as_bytes()).is_some()),
        at_ms: object.integer("timestamp")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str, session: &str, at: i64) -> String {
        format!(
            r#"{{"display":"{text}","pastedContents":{{}},"timestamp":{at},"project":"/p","sessionId":"{session}"}}"#
        )
    }

    /// Which (session, time) are found, in however many pieces the file comes; each at its place.
    fn check(input: &str, expected: &[(Option<&str>, i64)]) {
        for step in [1, 7, 1024] {
            let mut cutter = Cutter { open: Vec::new(), start: 100, found: Vec::new() };
            input.as_bytes().chunks(step).for_each(|piece| cutter.feed(piece));
            let found = cutter.finish();
            let brief: Vec<_> = found.iter().map(|line| (line.session_id.as_deref(), line.at_ms)).collect();
            assert_eq!(brief, expected, "{input}");
            for line in found {
                let object = &input[(line.offset - 100) as usize..][..line.length as usize];
                assert!(object.starts_with('{') && object.ends_with('}'), "{object}");
            }
        }
    }

    #[test]
    fn lines_as_they_occur() {
        let (a, b) = (line("x", "a", 1), line("y\\n", "b", 2));
        check("", &[]);
        check(&format!("{a}\n{b}\n"), &[(Some("a"), 1), (Some("b"), 2)]);
        check(&format!("{a}\r\n\n{b}"), &[(Some("a"), 1), (Some("b"), 2)]);
        check(&format!("{a}{b}\n"), &[(Some("a"), 1), (Some("b"), 2)]);
        check(&format!("{a}\n{}", &b[..b.len() - 1]), &[(Some("a"), 1)]);
        check(&format!("not json\n{b}\n"), &[(Some("b"), 2)]);
        check(r#"{"display":"old","timestamp":3,"project":"/p"}"#, &[(None, 3)]);
        check(r#"{"display":"odd","timestamp":3,"sessionId":"../x"}"#, &[(None, 3)]);
        check(r#"{"type":"user","timestamp":"2026-11-22T12:35:48.368Z"}"#, &[]);
    }
}
