//! The bytes of one file on their way into the ground: line by line where there are lines, else as a text that goes on.
//!
//! What hides has to see a secret whole, wherever the pieces of a file end and whatever was stored of it before. So a line comes
//! in with its end, and of a text nothing comes in before what stands behind it is there:
//!
//! ```text
//! before: stored, seen once more │ comes out │ held: what is behind it, and comes out later
//!         └───────── AROUND ─────┴─ judged ──┴───────── AROUND ─────────┘
//! ```

use std::borrow::Cow;
use std::sync::Arc;

use super::{Of, Sieve};
use crate::write::{Role, TAIL};

/// So much of a text is judged with what stands before and behind a place. No rule of ours sees half as far.
pub const AROUND: usize = 64 * 1024;

/// What the end of the bytes is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// More may be written: what comes last comes in once it can be judged.
    Growing,
    /// Nobody has written for a while.
    Still,
    /// It is all there is, and all comes out.
    Whole,
}

/// A file that is read from some place on.
#[derive(Debug)]
pub struct Feed {
    sieve: Arc<Sieve>,
    of: Of,
    gone: bool,
    open: bool,
    changed: bool,
    /// The last bytes of what came out or was stored before, as they are in the file.
    before: Vec<u8>,
    /// What came and cannot be judged yet.
    held: Vec<u8>,
}

impl Sieve {
    /// How many bytes of what is stored of such a file already a feed wants to see, if there are as many.
    pub fn looks_back(&self, of: &Of) -> u64 {
        if self.is_open(of) { TAIL } else { AROUND as u64 }
    }
}

impl Feed {
    /// For a file of which `before` are the last bytes that are stored already, as they are in the file.
    pub fn new(sieve: Arc<Sieve>, of: Of, before: Vec<u8>) -> Self {
        let (gone, open) = (sieve.is_file_forgotten(&of), sieve.is_open(&of));
        Self { sieve, of, gone, open, changed: false, before, held: Vec::new() }
    }

    /// For a text that belongs to no session.
    pub fn of_text(sieve: Arc<Sieve>) -> Self {
        Self::new(sieve, Of::new(Role::ToolResult, "", ""), Vec::new())
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
        let end = if self.of.has_lines() {
            memchr::memrchr(b'\n', bytes).map(|end| self.held.len() + end + 1)
        } else {
            // Not before it is worth looking through.
            (self.held.len() + bytes.len()).checked_sub(AROUND).filter(|end| *end >= AROUND)
        };
        self.held.extend_from_slice(bytes);
        end.map_or(Cow::Borrowed(&[]), |end| Cow::Owned(self.release(end)))
    }

    /// The end of what there is for now; gives what of the rest may be stored.
    pub fn end(&mut self, end: End) -> Vec<u8> {
        let comes = match end {
            End::Whole => true,
            // Half a line would be judged without its other half, and neither seen for what it is.
            End::Still => !self.of.has_lines() || self.sieve.hiding().is_none() || self.is_document(),
            End::Growing => self.is_document() && (self.of.has_lines() || self.before.is_empty()),
        };
        if comes && !self.held.is_empty() { self.release(self.held.len()) } else { Vec::new() }
    }

    /// Whether anything came out that is not as it was in the file.
    pub fn is_changed(&self) -> bool {
        self.changed
    }

    /// Hash of the last [`TAIL`] bytes of what came out, as Claude Code wrote them.
    pub fn tail(&self) -> [u8; 32] {
        *blake3::hash(&self.before[self.before.len().saturating_sub(TAIL as usize)..]).as_bytes()
    }

    /// Whether what is held is a JSON document, which ends with itself.
    fn is_document(&self) -> bool {
        (self.of.has_lines() || self.held.trim_ascii_start().starts_with(b"{"))
            && serde_json::from_slice::<serde::de::IgnoredAny>(&self.held).is_ok()
    }

    /// Lets the first bytes go that are held, judged with what stands around them.
    fn release(&mut self, end: usize) -> Vec<u8> {
        let (from, until) = if self.of.has_lines() {
            (memchr::memrchr(b'\n', &self.before).map_or(0, |at| at + 1), end)
        } else {
            (self.before.len().saturating_sub(AROUND), self.held.len())
        };
        let mut judged = [&self.before[from..], &self.held[..until]].concat();
        let start = self.before.len() - from;
        self.judge(&mut judged);
        let out = judged[start..start + end].to_vec();
        self.changed |= out != self.held[..end];
        let later = self.held.split_off(end);
        let gone = std::mem::replace(&mut self.held, later);
        self.passed(&gone);
        out
    }

    fn judge(&self, bytes: &mut [u8]) {
        if self.of.has_lines() {
            for line in bytes.split_inclusive_mut(|byte| *byte == b'\n') {
                self.sieve.line(&self.of, line);
            }
        } else if let Some(guard) = self.sieve.hiding() {
            guard.hide_in_text(bytes);
        }
    }

    fn passed(&mut self, bytes: &[u8]) {
        let most = if self.open { TAIL as usize } else { AROUND };
        let keep = most.saturating_sub(bytes.len());
        self.before.drain(..self.before.len().saturating_sub(keep));
        self.before.extend_from_slice(&bytes[bytes.len().saturating_sub(most)..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sieve::{Guard, hash};
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
            assert_eq!(fed(Sieve::default(), Role::Main, step, End::Still), (LINES.to_owned(), tail));
            for end in [End::Growing, End::Still, End::Whole] {
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
        assert_eq!(feed.end(End::Still), b"{\"b\"");
    }

    /// Hides what stands between `<` and `>`.
    struct Brackets;

    impl Guard for Brackets {
        fn hides(&self) -> bool {
            true
        }

        fn hide_in_json(&self, bytes: &mut [u8]) -> bool {
            self.hide_in_text(bytes)
        }

        fn hide_in_text(&self, bytes: &mut [u8]) -> bool {
            let (mut at, mut found) = (0, false);
            while let Some(from) = bytes[at..].iter().position(|byte| *byte == b'<').map(|from| at + from) {
                let Some(end) = bytes[from..].iter().position(|byte| *byte == b'>') else { break };
                bytes[from..=from + end].fill(b'*');
                (at, found) = (from + end, true);
            }
            found
        }
    }

    fn hiding() -> Arc<Sieve> {
        Arc::new(Sieve { guard: Some(Arc::new(Brackets)), ..Sieve::default() })
    }

    /// Read in pieces of `step` bytes, the file having so many bytes at each of `looks`; each look goes on where the last one ended.
    fn followed(role: Role, file: &[u8], step: usize, looks: &[(usize, End)]) -> Vec<u8> {
        let of = Of::new(role, "s", "a/b");
        let mut stored = Vec::new();
        for (size, end) in looks {
            let back = stored.len().min(usize::try_from(hiding().looks_back(&of)).unwrap());
            let mut feed = Feed::new(hiding(), of.clone(), file[stored.len() - back..stored.len()].to_vec());
            for piece in file[stored.len()..*size].chunks(step) {
                stored.extend_from_slice(&feed.push(piece));
            }
            stored.extend_from_slice(&feed.end(*end));
            let tail = &file[stored.len().saturating_sub(TAIL as usize)..stored.len()];
            assert_eq!(feed.tail(), *blake3::hash(tail).as_bytes());
        }
        stored
    }

    /// Wherever a secret stands, whatever the pieces and however the file grew, it is hidden whole.
    #[test]
    fn a_text_is_judged_with_what_stands_around() {
        let secret = format!("<{}>", "key\n".repeat(4000));
        let size = 5 * AROUND;
        for at in (0..size - secret.len()).step_by(AROUND / 7).chain([size - secret.len()]) {
            let mut file = b"a line of a text\n".repeat(size / 17 + 1)[..size].to_vec();
            file[at..at + secret.len()].copy_from_slice(secret.as_bytes());
            let mut hidden = file.clone();
            Brackets.hide_in_text(&mut hidden);
            for step in [size, 2 * AROUND + 1, 10_000] {
                let found = followed(Role::ToolResult, &file, step, &[(size, End::Whole)]);
                assert!(found == hidden, "at {at} by {step}");
                // It grows, within the secret too; at last it stands still.
                let looks =
                    [at + 1, at + secret.len() / 2, at + secret.len() - 1, size].map(|size| (size, End::Growing));
                let growing = followed(Role::ToolResult, &file, step, &looks);
                assert!(
                    growing[..] == hidden[..growing.len()] && growing.len() + 2 * AROUND > size,
                    "at {at} by {step}"
                );
                let still = [&looks[..], &[(size, End::Still)]].concat();
                assert!(followed(Role::ToolResult, &file, step, &still) == hidden, "at {at} by {step}");
            }
        }
    }

    /// Half a line does not come in while anything hides, however long it stands; what was stored of it before is seen.
    #[test]
    fn a_line_is_judged_whole() {
        let file = b"{\"a\":1}\n{\"b\":\"<key>\"}\n";
        let hidden = b"{\"a\":1}\n{\"b\":\"*****\"}\n";
        for cut in 8..file.len() {
            let looks = [(cut, End::Growing), (cut, End::Still), (file.len(), End::Growing)];
            assert_eq!(followed(Role::Main, file, 100, &looks), hidden, "{cut}");
            // It came in before anything was hidden.
            let mut feed = Feed::new(hiding(), Of::new(Role::Main, "s", "b"), file[..cut].to_vec());
            assert_eq!(&*feed.push(&file[cut..]), &hidden[cut..], "{cut}");
        }
    }

    /// A document ends with itself.
    #[test]
    fn a_whole_document_does_not_wait() {
        let check = |role: Role, text: &[u8], expected: &[u8]| {
            assert_eq!(followed(role, text, 100, &[(text.len(), End::Growing)]), expected);
        };
        check(Role::Meta, b"{\"a\":\"<k>\"}", b"{\"a\":\"***\"}");
        check(Role::Meta, b"{\"a\":\"<k", b"");
        check(Role::ToolResult, b"12", b"");
        check(Role::Main, b"{\"a\":\"<k>\"}", b"{\"a\":\"***\"}");
    }
}
