//! What a pattern is tried on, and what of that may begin a secret.

use std::ops::Range;

use regex::Regex;

/// A piece of a text around a keyword.
pub(crate) struct Window<'t> {
    pub(crate) text: &'t str,
    /// Where in the text it begins.
    pub(crate) start: usize,
}

/// A match that ends so near the end of its window may go on behind it: it may want a whole line to go on.
const NEAR: usize = 256;
/// No secret goes on for longer.
const FARTHEST: usize = 256 << 10;

impl<'t> Window<'t> {
    /// From `back` bytes before the keyword to as far as the match goes, if there is one in the next `reach` bytes.
    pub(crate) fn around(
        text: &'t str,
        keyword: &Range<usize>,
        back: usize,
        reach: usize,
        pattern: &Regex,
    ) -> Option<Self> {
        let start = text.ceil_char_boundary(keyword.start.saturating_sub(back));
        let mut reach = reach.max(keyword.len());
        loop {
            let end = text.floor_char_boundary(keyword.start.saturating_add(reach));
            let window = &text[start..end];
            // Where the match is costs much less than where its groups are, and mostly there is none.
            let found = pattern.find(window)?;
            if end == text.len() || found.end() + NEAR < window.len() || reach >= FARTHEST {
                return Some(Self { text: window, start });
            }
            reach *= 8;
        }
    }
}

/// Whether a word begins at `at`. What stands before may be an escape of JSON in JSON, of an address or of a terminal: their
/// letters belong to no word.
pub(crate) fn starts_clean(text: &str, at: usize) -> bool {
    let before = &text.as_bytes()[..at];
    let Some(&last) = before.last() else { return true };
    if !last.is_ascii_alphanumeric() && last != b'_' {
        return true;
    }
    let ends = |escape: fn(&[u8]) -> bool, length: usize| {
        before.len().checked_sub(length).is_some_and(|from| escape(&before[from..]))
    };
    ends(|it| it[0] == b'\\' && b"nrtbf".contains(&it[1]), 2)
        || ends(|it| it[0] == b'%' && it[1..].iter().all(u8::is_ascii_hexdigit), 3)
        || ends(|it| it[..2] == *b"\\u" && it[2..].iter().all(u8::is_ascii_hexdigit), 6)
        || (last == b'm' && colour(before))
}

/// Whether the text ends with the order to a terminal that sets a colour: `ESC [ 31 m`, the escape itself or written out.
fn colour(before: &[u8]) -> bool {
    let Some((_, before)) = before.split_last() else { return false };
    let digits = before.iter().rev().take_while(|byte| byte.is_ascii_digit() || **byte == b';').count();
    let before = &before[..before.len() - digits];
    [&b"\x1b["[..], b"u001b[", b"x1b[", b"u001B[", b"033["].iter().any(|escape| before.ends_with(escape))
}
