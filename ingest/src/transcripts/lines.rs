//! Cuts a transcript into JSON objects, each with its place.
//!
//! Real files hold more than one object a line (`}{`), runs of NUL, cut lines with a whole one behind them and invalid
//! UTF-8 (claude-code.md C.2). What cannot be read is passed over and counted; it stays in the ground.

use store::TranscriptId;
use store::json::pieces::{self, Piece, readable};

use super::line::{self, Line};

/// The lines of one file, and where the pieces begin that could not be read.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    pub(crate) lines: Vec<Line>,
    pub(crate) unreadable: Vec<u64>,
}

/// Takes a file in pieces of any size; holds no more of it than the line that is being put together.
#[derive(Debug)]
pub(crate) struct Cutter {
    transcript: TranscriptId,
    /// The beginning of a line whose end has not come yet, and where it stands.
    open: Vec<u8>,
    start: u64,
    found: Lines,
}

impl Cutter {
    /// For the bytes of a file from `start` on.
    pub(crate) fn new(transcript: TranscriptId, start: u64) -> Self {
        Self { transcript, open: Vec::new(), start, found: Lines::default() }
    }

    /// Lines found so far.
    pub(crate) fn found(&self) -> usize {
        self.found.lines.len()
    }

    /// The end of what is read for now: the line that has no end yet is left for later.
    pub(crate) fn pause(self) -> Lines {
        self.found
    }

    /// The next bytes of the file.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            if !piece.ends_with(b"\n") {
                self.open.extend_from_slice(piece);
            } else if self.open.is_empty() {
                self.line(piece, true);
            } else {
                let mut line = std::mem::take(&mut self.open);
                line.extend_from_slice(piece);
                self.line(&line, true);
                line.clear();
                self.open = line;
            }
        }
    }

    /// The end of the file. A last line without newline counts if it is complete JSON.
    pub(crate) fn finish(mut self) -> Lines {
        let rest = std::mem::take(&mut self.open);
        self.line(&rest, false);
        self.found
    }

    fn line(&mut self, bytes: &[u8], whole: bool) {
        take_line(&readable(bytes), self.start, self.transcript, whole, &mut self.found);
        self.start += bytes.len() as u64;
    }
}

/// The first `sessionId` in the beginning of a file.
pub(crate) fn first_session_id(head: &[u8]) -> Option<String> {
    first_text(head, "sessionId")
}

/// The first text of this name in the beginning of a file, in a line of which all is there.
pub(crate) fn first_text(head: &[u8], name: &str) -> Option<String> {
    head.split(|byte| *byte == b'\n').find_map(|line| {
        let text = readable(line);
        let start = text.find('{')?;
        store::json::Object::parse(&text[start..])?.text(name)
    })
}

/// Whether the beginning of a file holds a line that will not change any more.
pub(crate) fn has_whole_line(head: &[u8]) -> bool {
    let text = readable(head);
    text.contains('\n') || text.find('{').is_some_and(|start| store::json::Object::parse(&text[start..]).is_some())
}

fn take_line(text: &str, start: u64, transcript: TranscriptId, whole: bool, found: &mut Lines) {
    pieces::each(text, whole, |piece| match piece {
        Piece::Value(at, json) => match line::parse(json, transcript, start + at as u64) {
            Some(line) => found.lines.push(line),
            None => found.unreadable.push(start + at as u64),
        },
        Piece::Unreadable(at, _) => found.unreadable.push(start + at as u64),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(bytes: &[u8], step: usize) -> Lines {
        let mut cutter = Cutter::new(TranscriptId(1), 0);
        bytes.chunks(step).for_each(|chunk| cutter.feed(chunk));
        cutter.finish()
    }

    /// Which uuids are found and how many pieces are not readable, in however many pieces the file comes.
    fn check(input: &[u8], uuids: &[&str], unreadable: usize) {
        for step in [1, 2, 7, 1024] {
            let found = parse(input, step);
            let names: Vec<_> = found.lines.iter().map(|line| line.uuid.as_deref().unwrap_or("-")).collect();
            assert_eq!(
                (names.as_slice(), found.unreadable.len()),
                (uuids, unreadable),
                "{:?}",
                String::from_utf8_lossy(input)
            );
        }
    }

    #[test]
    fn lines_as_they_occur() {
        check(b"", &[], 0);
        check(b"{\"type\":\"a\",\"uuid\":\"1\"}\n{\"type\":\"a\",\"uuid\":\"2\"}\n", &["1", "2"], 0);
        check(b"{\"uuid\":\"1\"}\r\n\n \n{\"uuid\":\"2\"}", &["1", "2"], 0);
        check(b"{\"uuid\":\"1\"}\n{\"uuid\":\"2", &["1"], 0);
        check(b"{\"uuid\":\"1\"}{\"uuid\":\"2\"}\n", &["1", "2"], 0);
        check(b"\0\0\0{\"uuid\":\"1\"}\n", &["1"], 0);
        check(b"\xef\xbb\xbf{\"uuid\":\"1\"}\n", &["1"], 0);
        check(b"{\"type\":\"a\",\"te{\"type\":\"a\",\"uuid\":\"2\"}\n", &["2"], 1);
        check(b"not json\n{\"uuid\":\"2\"}\n", &["2"], 1);
        check(b"[1]\n{\"uuid\":\"2\"}\n", &["2"], 1);
        check(b"{\"uuid\":\"\xff\xfe\"}\n{\"uuid\":\"2\"}\n", &["??", "2"], 0);
    }

    #[test]
    fn places_survive_invalid_bytes() {
        let bytes = b"{\"uuid\":\"\xff\"}\n{\"type\":\"user\",\"message\":{\"content\":\"hi\"}}\n";
        let found = parse(bytes, 5);
        let line::Body::User(user) = &found.lines[1].body else { panic!() };
        let span = user.span.unwrap();
        assert_eq!(&bytes[span.offset as usize..][..span.length as usize], b"\"hi\"");
    }
}
