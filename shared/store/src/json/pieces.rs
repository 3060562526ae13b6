//! Cuts a line of a transcript into JSON values, each with its place.
//!
//! Real files hold more than one object a line (`}{`), runs of NUL, cut lines with a whole one behind them and invalid UTF-8
//! (claude-code.md C.2). What cannot be read is given as what it is, up to where something may be read again.

use std::borrow::Cow;

use serde_json::value::RawValue;

/// A part of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A whole JSON value, and at which byte of the line it begins.
    Value(usize, &'a str),
    /// What is none, and where it begins.
    Unreadable(usize, &'a str),
}

/// Shows every piece of a line; of one that may still be written (not `whole`), those before its open end.
pub fn each<'a>(text: &'a str, whole: bool, mut take: impl FnMut(Piece<'a>)) {
    let mut at = 0;
    while let Some(skip) = text[at..].find(|c: char| !c.is_whitespace() && c != '\0' && c != '\u{feff}') {
        at += skip;
        let mut values = serde_json::Deserializer::from_str(&text[at..]).into_iter::<&RawValue>();
        match values.next() {
            Some(Ok(value)) => {
                take(Piece::Value(at, value.get()));
                at += value.get().len();
            }
            _ if !whole => return,
            _ => {
                let skip = next_object(&text[at..]);
                take(Piece::Unreadable(at, &text[at..skip.map_or(text.len(), |skip| at + skip)]));
                match skip {
                    Some(skip) => at += skip,
                    None => return,
                }
            }
        }
    }
}

/// Where a complete record may begin behind a damaged one.
fn next_object(text: &str) -> Option<usize> {
    [r#"{"parentUuid""#, r#"{"type""#].iter().filter_map(|mark| text.get(1..)?.find(mark)).min().map(|at| at + 1)
}

/// Invalid bytes become `?`, one for one, so that places keep their meaning.
pub fn readable(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => {
            let mut text = String::with_capacity(bytes.len());
            for chunk in bytes.utf8_chunks() {
                text.push_str(chunk.valid());
                text.extend(chunk.invalid().iter().map(|_| '?'));
            }
            Cow::Owned(text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &[Piece<'_>]) {
        let mut found = Vec::new();
        each(line, true, |piece| found.push(piece));
        assert_eq!(found, expected, "{line:?}");
    }

    #[test]
    fn pieces_keep_their_places() {
        check("", &[]);
        check("\0 {\"a\":1}\r\n", &[Piece::Value(2, "{\"a\":1}")]);
        check("{\"a\":1}{\"b\":2}", &[Piece::Value(0, "{\"a\":1}"), Piece::Value(7, "{\"b\":2}")]);
        check(
            "{\"type\":\"a\",\"te{\"type\":\"b\"}",
            &[Piece::Unreadable(0, "{\"type\":\"a\",\"te"), Piece::Value(15, "{\"type\":\"b\"}")],
        );
        check("no json\n", &[Piece::Unreadable(0, "no json\n")]);
    }

    #[test]
    fn an_open_end_is_left() {
        let mut found = 0;
        each("{\"a\":1}{\"b\"", false, |_| found += 1);
        assert_eq!(found, 1);
    }
}
