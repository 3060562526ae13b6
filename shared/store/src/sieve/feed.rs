//! The bytes of one file on their way into the ground, line by line where lines are to be looked at.

use std::borrow::Cow;
use std::sync::Arc;

use super::{Of, Sieve};
use crate::write::TAIL;

/// What the end of the bytes is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The last line may still be written: it comes in once it can be judged.
    Growing,
    /// Nothing more is to come.
    Final,
}

/// A file that is read from some place on.
#[derive(Debug)]
pub struct Feed {
    sieve: Arc<Sieve>,
    of: Of,
    gone: bool,
    open: bool,
    changed: bool,
    /// The beginning of a line whose end has not come yet.
    held: Vec<u8>,
    /// The last bytes of what came out, as they were in the file.
    tail: Vec<u8>,
}

impl Feed {
    /// For a file of which `tail` are the last bytes that are stored already, as they are in the file.
    pub fn new(sieve: Arc<Sieve>, of: Of, tail: Vec<u8>) -> Self {
        let (gone, open) = (sieve.is_file_forgotten(&of), sieve.is_open(&of));
        Self { sieve, of, gone, open, changed: false, held: Vec::new(), tail }
    }

    /// The sieve that it goes through.
    pub fn sieve(&self) -> &Arc<Sieve> {
        &self.sieve
    }

    /// The next bytes of the file; gives those that may be stored now.
    pub fn push<'b>(&mut self, bytes: &'b [u8]) -> Cow<'b, [u8]> {
        if self.open {
            self.passed(bytes);
            return Cow::Borrowed(bytes);
        }
        if self.gone {
            self.changed |= !bytes.is_empty();
            self.passed(bytes);
            return Cow::Owned(vec![b' '; bytes.len()]);
        }
        let Some(end) = memchr::memrchr(b'\n', bytes) else {
            self.held.extend_from_slice(bytes);
            return Cow::Borrowed(&[]);
        };
        let (now, later) = bytes.split_at(end + 1);
        let mut out = std::mem::take(&mut self.held);
        out.extend_from_slice(now);
        self.held.extend_from_slice(later);
        self.passed(&out);
        self.judge(&mut out);
        Cow::Owned(out)
    }

    /// The end of what there is for now; gives what of the last line may be stored.
    pub fn end(&mut self, end: End) -> Vec<u8> {
        let is_whole = || !self.of.has_lines() || serde_json::from_slice::<serde::de::IgnoredAny>(&self.held).is_ok();
        if self.held.is_empty() || end == End::Growing && !is_whole() {
            return Vec::new();
        }
        let mut out = std::mem::take(&mut self.held);
        self.passed(&out);
        self.judge(&mut out);
        out
    }

    /// Whether anything came out that is not as it was in the file.
    pub fn is_changed(&self) -> bool {
        self.changed
    }

    /// Hash of the last [`TAIL`] bytes of what came out, as Claude Code wrote them.
    pub fn tail(&self) -> [u8; 32] {
        *blake3::hash(&self.tail).as_bytes()
    }

    fn judge(&mut self, bytes: &mut [u8]) {
        if !self.of.has_lines() {
            // A text may say a secret on several lines.
            self.changed |= self.sieve.hiding().is_some_and(|guard| guard.hide_in_text(bytes));
            return;
        }
        for line in bytes.split_inclusive_mut(|byte| *byte == b'\n') {
            self.changed |= self.sieve.line(&self.of, line);
        }
    }

    fn passed(&mut self, bytes: &[u8]) {
        let keep = (TAIL as usize).saturating_sub(bytes.len());
        self.tail.drain(..self.tail.len().saturating_sub(keep));
        self.tail.extend_from_slice(&bytes[bytes.len().saturating_sub(TAIL as usize)..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sieve::hash;
    use crate::write::Role;

    const LINES: &str = "{\"uuid\":\"1\"}\n{\"uuid\":\"2\"}\r\n{\"uuid\":\"3\"}";

    fn fed(sieve: Sieve, role: Role, step: usize, end: End) -> (String, [u8; 32]) {
        let mut feed = Feed::new(Arc::new(sieve), Of::new(role, "s", "a/b"), Vec::new());
        let mut out = Vec::new();
        for piece in LINES.as_bytes().chunks(step) {
            out.extend_from_slice(&feed.push(piece));
        }
        out.extend_from_slice(&feed.end(end));
        (String::from_utf8(out).unwrap(), feed.tail())
    }

    #[test]
    fn lines_are_judged_whole_whatever_the_pieces() {
        let tail = *blake3::hash(LINES.as_bytes()).as_bytes();
        for step in [1, 5, 13, 100] {
            assert_eq!(fed(Sieve::default(), Role::Main, step, End::Final), (LINES.to_owned(), tail));
            for end in [End::Growing, End::Final] {
                let sieve = Sieve { ids: [hash(b"2")].into(), ..Sieve::default() };
                let expected = LINES.replace("{\"uuid\":\"2\"}", &" ".repeat(12));
                assert_eq!(fed(sieve, Role::Main, step, end), (expected, tail), "{step}");
                let sieve = Sieve { ids: [hash(b"3")].into(), ..Sieve::default() };
                let expected = LINES.replace("{\"uuid\":\"3\"}", &" ".repeat(12));
                assert_eq!(fed(sieve, Role::Main, step, end), (expected, tail), "{step}");
            }
        }
    }

    #[test]
    fn a_line_that_is_still_written_waits() {
        let sieve = || Arc::new(Sieve { ids: [hash(b"9")].into(), ..Sieve::default() });
        let mut feed = Feed::new(sieve(), Of::new(Role::Main, "s", "b"), Vec::new());
        assert_eq!(&*feed.push(b"{\"a\":1}\n{\"b\""), b"{\"a\":1}\n");
        assert_eq!(feed.end(End::Growing), b"");
        assert_eq!(feed.tail(), *blake3::hash(b"{\"a\":1}\n").as_bytes());
        assert_eq!(feed.end(End::Final), b"{\"b\"");
    }
}
