//! Cuts the window of a text that is shown: some thirty words, beginning a little before the densest group of matches.

use std::cmp::Reverse;
use std::ops::Range;

use crate::words_cjk::JOINER;

/// Words before the match, words in all, and bytes in all where words are long.
const BEFORE: usize = 8;
const WORDS: usize = 30;
const BYTES: usize = 360;

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The text.
    pub text: String,
    /// Whether it was looked for.
    pub matched: bool,
}

/// What is shown around the densest group of places; `None` if there are none.
pub(super) fn window(text: &str, mut places: Vec<Range<usize>>) -> Option<Range<usize>> {
    places.sort_unstable_by_key(|place| (place.start, Reverse(place.end)));
    let near = |first: &Range<usize>| {
        let end = first.start + BYTES / 2;
        // Only those that may be near: a long text holds a common word thousands of times.
        let from = &places[places.partition_point(|place| place.start < first.start)..];
        from.iter().take_while(|place| place.start <= end).filter(|place| place.end <= end).count()
    };
    // The first of the densest: `max_by_key` would give the last.
    let anchor = places.iter().rev().max_by_key(|place| near(place))?;
    let start = words_back(text, anchor.start);
    let end = words_on(text, start).max(text.ceil_char_boundary(anchor.end.min(anchor.start + BYTES)));
    // No border goes through a match, unless it is longer than all that is shown.
    let over = |at: usize| places.iter().find(|place| place.start < at && at < place.end && place.len() <= BYTES);
    let (start, end) = (over(start).map_or(start, |place| place.start), over(end).map_or(end, |place| place.end));
    Some(start..end)
}

/// The text of a window in pieces that match and pieces that do not. The places are in order.
pub(super) fn cut(text: &str, places: &[Range<usize>], window: Range<usize>) -> Vec<Piece> {
    let Range { start, end } = window;
    let mut out = Vec::new();
    let mut push = |text: &str, matched: bool| {
        let text = squeezed(text);
        if text.is_empty() {
            return;
        }
        match out.last_mut() {
            Some(Piece { text: last, matched: same }) if *same == matched => last.push_str(&text),
            _ => out.push(Piece { text, matched }),
        }
    };
    if start > 0 {
        push("…", false);
    }
    let mut at = start;
    for place in places {
        let (from, to) = (place.start.max(at), place.end.min(end));
        if from < to {
            push(&text[at..from], false);
            push(&text[from..to], true);
            at = to;
        }
    }
    push(&text[at..end], false);
    if end < text.len() {
        push("…", false);
    }
    out
}

/// Where the text begins that is shown before `at`.
fn words_back(text: &str, at: usize) -> usize {
    let (mut start, mut words, mut in_word) = (at, 0, false);
    for (place, sign) in text[..at].char_indices().rev() {
        if at - place > BYTES / 3 || words == BEFORE {
            break;
        }
        if sign.is_whitespace() {
            words += usize::from(std::mem::take(&mut in_word));
        } else {
            (start, in_word) = (place, true);
        }
    }
    start
}

/// Where the text ends that begins at `start`.
fn words_on(text: &str, start: usize) -> usize {
    let mut words = 0;
    let mut blank = true;
    for (place, sign) in text[start..].char_indices() {
        if place >= BYTES {
            return start + place;
        }
        if sign.is_whitespace() {
            blank = true;
        } else if std::mem::take(&mut blank) {
            words += 1;
            if words > WORDS {
                return start + place;
            }
        }
    }
    text.len()
}

/// Blanks in a row are one, signs that are not seen are blanks or nothing.
fn squeezed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for sign in text.chars().filter(|sign| *sign != JOINER) {
        let sign = if sign.is_whitespace() || sign.is_ascii_control() { ' ' } else { sign };
        if sign != ' ' || !out.ends_with(' ') {
            out.push(sign);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A snippet with its matches between brackets.
    fn told(text: &str, words: &[&str]) -> String {
        let mut places: Vec<_> =
            words.iter().flat_map(|word| text.match_indices(word).map(|(at, word)| at..at + word.len())).collect();
        places.sort_unstable_by_key(|place| (place.start, Reverse(place.end)));
        let pieces = window(text, places.clone()).map(|window| cut(text, &places, window)).unwrap_or_default();
        pieces.into_iter().map(|piece| if piece.matched { format!("[{}]", piece.text) } else { piece.text }).collect()
    }

    #[test]
    fn around_the_match() {
        assert_eq!(told("fix the config", &["config"]), "fix the [config]");
        assert_eq!(told("a\n\n  b config\tc", &["config", "b"]), "a [b] [config] c");
        let long = format!("{}match {}", "before ".repeat(100), "after ".repeat(100));
        assert_eq!(told(&long, &["match"]), format!("…{}[match] {}…", "before ".repeat(8), "after ".repeat(21)));
        // Two near each other are shown rather than the first one.
        let text = format!("one {} one two", "x ".repeat(300));
        assert!(told(&text, &["one", "two"]).ends_with("x [one] [two]"));
        let cjk = "日".repeat(500) + "本" + &"日".repeat(500);
        let shown = told(&cjk, &["本"]);
        assert!(shown.contains("日[本]日") && shown.len() < 500, "{shown}");
        let shown = told(&"ab-match ".repeat(100), &["match"]);
        assert!(shown.ends_with("ab-[match] …") || shown.ends_with("[match]…"), "{shown}");
        let solid = format!("{}match{}", "m".repeat(BYTES - 3), "m".repeat(500));
        assert!(told(&solid, &["match"]).contains("[match]"));
        for blanks in 0..20 {
            let text = format!("match{}{}", "-".repeat(BYTES - 12 + blanks), "-match-match");
            let shown = told(&text, &["match"]);
            assert!(shown.matches('[').count() == shown.matches("[match]").count(), "{shown}");
        }
        assert_eq!(told("", &[]), "");
    }
}
