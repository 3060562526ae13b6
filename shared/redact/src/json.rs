//! A JSON document as the text that it tells, with the way back from each place in that text to the bytes of the document.
//!
//! All of a document is one text, its signs and its strings behind each other with their escapes undone: so a name and its
//! value stand next to each other, as rules want it, and a secret with escapes in it is whole. One escape stays as it is, that
//! of the quotation mark, for that mark would end a value. Only what stands within strings can be hidden, and an escape is
//! hidden whole or not at all; so a document stays JSON whatever a rule finds.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr2;

use crate::record::Open;

/// Under these names stand pictures and files,
const PICTURES: [&[u8]; 2] = [b"\"data\"", b"\"base64\""];
/// if it is so many signs that are all of base64: no rule is meant for them.
const PICTURE: usize = 256;

/// A name of letters alone that is no longer is that of a field.
const LONGEST_FIELD: usize = 32;

/// What a JSON document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    /// A record of Claude Code: a line of a transcript, a payload of a hook.
    Record,
    /// A value in one.
    Value,
}

/// A document, or several behind each other.
pub(crate) struct Document<'j> {
    /// What it tells.
    pub(crate) text: Cow<'j, str>,
    /// Behind each escape: the place in the text, and in the document.
    shifts: Vec<(usize, usize)>,
    /// The places in the text that are within strings, in order.
    strings: Vec<Range<usize>>,
    /// Where in the text the marks are that kept their escape.
    marks: Vec<usize>,
}

impl<'j> Document<'j> {
    /// Reads it; `None` if it is no JSON. What it takes for JSON may still be none, but never the other way round.
    pub(crate) fn read(json: &'j str, of: Of) -> Option<Self> {
        let bytes = json.as_bytes();
        let mut reading = Reading { json, own: Open::new(of), ..Reading::default() };
        let mut at = 0;
        while at < bytes.len() {
            match bytes[at] {
                b'"' => at = reading.string(at + 1)? + 1,
                b'{' | b'[' => {
                    reading.own.open(name(bytes, at + 1));
                    at += 1;
                }
                b'}' | b']' => {
                    reading.own.close();
                    at += 1;
                }
                b':' | b',' | b' ' | b'\n' | b'\r' | b'\t' => at += 1,
                b'-' | b'+' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'E' => at += 1,
                _ => return None,
            }
        }
        Some(reading.end())
    }

    /// Where in the document the places of the text are: the parts that are within strings.
    pub(crate) fn within(&self, range: &Range<usize>) -> impl Iterator<Item = Range<usize>> {
        let first = self.strings.partition_point(|string| string.end <= range.start);
        let range = self.outside_mark(range.start)..self.outside_mark(range.end);
        let touched = self.strings[first..].iter().take_while(move |string| string.start < range.end);
        touched.map(move |string| self.place(string.start.max(range.start))..self.place(string.end.min(range.end)))
    }

    /// This place, or the one before it where this is behind the escape of a mark.
    fn outside_mark(&self, at: usize) -> usize {
        if at > 0 && self.marks.binary_search(&at).is_ok() { at - 1 } else { at }
    }

    fn place(&self, at: usize) -> usize {
        let behind = self.shifts.partition_point(|(text, _)| *text <= at);
        let (text, json) = behind.checked_sub(1).map_or((0, 0), |last| self.shifts[last]);
        json + (at - text)
    }
}

#[derive(Default)]
struct Reading<'j> {
    json: &'j str,
    /// What is told so far, up to `copied` in the document. Empty while there is nothing to change.
    text: String,
    copied: usize,
    shifts: Vec<(usize, usize)>,
    strings: Vec<Range<usize>>,
    marks: Vec<usize>,
    own: Open,
}

impl<'j> Reading<'j> {
    /// A string from behind its first mark; where its last one is.
    fn string(&mut self, from: usize) -> Option<usize> {
        let bytes = self.json.as_bytes();
        let start = self.told(from);
        let mut at = from;
        loop {
            at += memchr2(b'"', b'\\', &bytes[at..])?;
            if bytes[at] == b'"' {
                break;
            }
            if bytes.get(at + 1) == Some(&b'"') {
                self.marks.push(self.told(at + 1));
                at += 2;
                continue;
            }
            let (sign, length) = escape(&bytes[at..])?;
            self.copy(at);
            self.text.push(sign);
            at += length;
            self.copied = at;
            self.shifts.push((self.text.len(), at));
        }
        let string = &bytes[from..at];
        let is_left = match name(bytes, from) {
            Some(name) => is_picture(name, string) || self.own.is_known_by(name, string),
            None => is_field(string, &bytes[at + 1..]),
        };
        if is_left {
            return Some(at);
        }
        let end = self.told(at);
        if end > start {
            self.strings.push(start..end);
        }
        Some(at)
    }

    /// Where in the text this place of the document is, which no escape has moved since the last one.
    fn told(&self, at: usize) -> usize {
        self.text.len() + (at - self.copied)
    }

    fn copy(&mut self, to: usize) {
        self.text.push_str(&self.json[self.copied..to]);
        self.copied = to;
    }

    fn end(mut self) -> Document<'j> {
        let text = if self.copied == 0 {
            Cow::Borrowed(self.json)
        } else {
            self.copy(self.json.len());
            Cow::Owned(self.text)
        };
        Document { text, shifts: self.shifts, strings: self.strings, marks: self.marks }
    }
}

/// The sign that an escape stands for, and how long it is.
fn escape(bytes: &[u8]) -> Option<(char, usize)> {
    let sign = match bytes.get(1)? {
        b'\\' => '\\',
        b'/' => '/',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unicode(bytes),
        _ => return None,
    };
    Some((sign, 2))
}

/// One of four digits, or of two halves; a half alone stands for no sign.
fn unicode(bytes: &[u8]) -> Option<(char, usize)> {
    let unit = |from: usize| {
        let digits = bytes.get(from..from + 6).filter(|escape| escape.starts_with(b"\\u"))?;
        digits[2..].iter().try_fold(0, |sum, digit| Some(sum * 16 + char::from(*digit).to_digit(16)?))
    };
    let first = unit(0)?;
    let halves = unit(6).filter(|second| (0xd800..0xdc00).contains(&first) && (0xdc00..0xe000).contains(second));
    if let Some(second) = halves {
        let sign = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        return Some((char::from_u32(sign)?, 12));
    }
    Some((char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), 6))
}

/// What stands before the string that begins at `from`, where that is a name's value: it ends with the name in its marks.
fn name(bytes: &[u8], from: usize) -> Option<&[u8]> {
    bytes[..from - 1].trim_ascii_end().strip_suffix(b":").map(<[u8]>::trim_ascii_end)
}

/// Whether it is itself a name, and of letters alone: that of a field, by which a record is read.
fn is_field(string: &[u8], after: &[u8]) -> bool {
    after.trim_ascii_start().first() == Some(&b':')
        && string.len() <= LONGEST_FIELD
        && string.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
}

fn is_picture(name: &[u8], string: &[u8]) -> bool {
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
    string.len() >= PICTURE && PICTURES.iter().any(|it| name.ends_with(it)) && string.iter().all(is_base64)
}
