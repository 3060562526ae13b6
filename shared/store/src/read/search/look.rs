//! Looks terms up in a text: whether one stands there, and where each does. Plain texts by our own rules, others by the
//! engine's, and long ones of these in pieces, as the engine takes a text apart no faster than somebody reads it.

use std::borrow::Cow;
use std::ops::Range;

use super::plain::Lowered;
use super::scratch::{Needle, Scratch, clean, united};
use crate::error::Error;

/// A long text that is not plain is looked through in pieces of this size.
const PIECE: usize = 16 * 1024;
/// So much of the next piece belongs to each, for phrases that go on there.
const OVERLAP: usize = 2 * 1024;

/// A text, or a piece of it, and where each term stands there.
#[derive(Debug)]
pub(in crate::read) struct Looked<'t> {
    pub(in crate::read) text: Cow<'t, str>,
    /// In order, without overlaps.
    pub(in crate::read) places: Vec<Vec<Range<usize>>>,
}

/// Whether a term stands in a text; with `parts` also as a part of a word.
pub(in crate::read) fn holds(scratch: &Scratch, text: &str, needle: &Needle, parts: bool) -> Result<bool, Error> {
    if let Some(text) = Lowered::of(text) {
        return Ok(needle.plain.as_ref().is_some_and(|plain| plain.is_in(&text, parts)));
    }
    Ok(!scratch.find(&clean(text), &[needle], parts)?[0].is_empty())
}

/// Calls `each` with the pieces of a text that hold any of the terms, until it has seen enough.
pub(in crate::read) fn each_piece(
    scratch: &Scratch,
    text: &str,
    needles: &[&Needle],
    parts: bool,
    mut enough: impl FnMut(&Looked<'_>) -> bool,
) -> Result<(), Error> {
    let plain = |text: &Lowered| -> Vec<Vec<Range<usize>>> {
        let places = |needle: &&Needle| needle.plain.as_ref().map_or_else(Vec::new, |plain| plain.places(text, parts));
        needles.iter().map(|needle| united(places(needle))).collect()
    };
    let mut seen = |looked: Looked<'_>| looked.places.iter().any(|places| !places.is_empty()) && enough(&looked);
    if let Some(lowered) = Lowered::of(text) {
        seen(Looked { text: text.into(), places: plain(&lowered) });
        return Ok(());
    }
    for piece in pieces(text) {
        let looked = if let Some(lowered) = Lowered::of(piece) {
            Looked { text: piece.into(), places: plain(&lowered) }
        } else {
            let text = clean(piece);
            Looked { places: scratch.find(&text, needles, parts)?, text: text.into() }
        };
        if seen(looked) {
            break;
        }
    }
    Ok(())
}

/// A text in pieces that begin and end between words, if it has blanks at all.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let cut = |from: usize, size: usize| {
        if text.len() - from <= size {
            return text.len();
        }
        let end = text.floor_char_boundary(from + size);
        text[from..end].rfind(char::is_whitespace).filter(|at| *at > 0).map_or(end, |at| from + at)
    };
    let mut next = Some(0);
    std::iter::from_fn(move || {
        let start = next.filter(|start| *start < text.len())?;
        let end = cut(start, PIECE);
        let whole = cut(end, OVERLAP);
        next = (whole < text.len()).then_some(end);
        Some(&text[start..whole])
    })
}

#[cfg(test)]
mod tests {
    use super::super::plain::Plain;
    use super::*;
    use crate::words_cjk::spaced;

    #[test]
    fn a_long_text_is_taken_in_pieces_between_words() {
        let text: String = (0..9_000).map(|word| format!(" wörd{word}")).collect();
        let all: Vec<_> = pieces(&text).collect();
        assert!(all.len() > 2 && all.iter().all(|piece| piece.starts_with(" wörd")));
        for two in all.windows(2) {
            let border = two[0].rfind(&two[1][..100]).unwrap();
            assert!(two[1].starts_with(&two[0][border..]) && two[0].len() - border > OVERLAP - 20);
        }
        assert!(text.ends_with(all[all.len() - 1]));
        let solid = "é".repeat(3 * PIECE);
        assert!(pieces(&solid).map(str::len).sum::<usize>() >= solid.len());
        assert_eq!(pieces("short").collect::<Vec<_>>(), ["short"]);
        assert_eq!(pieces("").count(), 0);
    }

    fn check(text: &str, phrase: &str, expected: usize) {
        let scratch = Scratch::new().unwrap();
        let words = scratch.words(phrase).unwrap();
        let needle =
            Needle { words: format!("\"{}\"", spaced(phrase)), part: None, plain: Plain::new(&words, false, None) };
        let mut pieces = 0;
        let count = |looked: &Looked<'_>| {
            assert!(looked.places[0].iter().all(|place| looked.text[place.clone()].len() >= phrase.len()));
            pieces += 1;
            true
        };
        each_piece(&scratch, text, &[&needle], false, count).unwrap();
        assert_eq!(pieces, expected, "{phrase}");
        assert_eq!(holds(&scratch, text, &needle, false).unwrap(), expected > 0, "{phrase}");
    }

    #[test]
    fn wherever_it_stands() {
        check("plain load config", "load config", 1);
        check("plain load-→-Config", "load config", 1);
        check("plain load configs", "load config", 0);
        check("naïve load config", "load config", 1);
        check("naïve load config", "naive load", 1);
        check("请帮我修复的错误", "修复", 1);
        for blanks in 0..60 {
            // Over every border of two pieces.
            let text =
                format!("é{}{}load config{}", "x ".repeat(PIECE / 2 - 30), " ".repeat(blanks), " y".repeat(PIECE));
            check(&text, "load config", 1);
        }
    }
}
