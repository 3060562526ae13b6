//! Finds a term in a text of plain signs, as the tokenizers of the indexes would, a hundred times as fast.
//!
//! Most of what tools give back is ASCII with some arrows, boxes and ticks. There a word is a row of letters, digits and
//! underscores, and case is the only thing that words differ in: nothing that another Unicode or another version of the
//! engine would see otherwise. Every other text goes through the engine itself ([`super::scratch`]).

use std::ops::Range;

use memchr::memmem::Finder;

/// More places in one text are not told: of a common word in a long output there are a hundred thousand.
const MOST_PLACES: usize = 1_000;

/// A term as it stands in plain texts.
#[derive(Clone, Debug)]
pub(in crate::read) struct Plain {
    words: Vec<String>,
    /// The last word may go on.
    beginning: bool,
    first: Finder<'static>,
    part: Option<Finder<'static>>,
}

impl Plain {
    /// The term of these words, as the tokenizer gives them, and of the part of a word that it may be. `None` if a word has
    /// other signs: it stands in no plain text.
    pub(in crate::read) fn new(words: &[String], beginning: bool, part: Option<&str>) -> Option<Self> {
        let finder = |word: &str| Finder::new(word).into_owned();
        let first = words.first().filter(|_| words.iter().all(|word| word.is_ascii()))?;
        Some(Self { words: words.to_vec(), beginning, first: finder(first), part: part.map(finder) })
    }

    /// Where the term stands in a plain text of small letters, in bytes, in order; with `parts` also as a part of a word.
    pub(in crate::read) fn places(&self, text: &Lowered, parts: bool) -> Vec<Range<usize>> {
        let mut places: Vec<_> = self.phrases(&text.0).take(MOST_PLACES).collect();
        if let Some(part) = self.part.as_ref().filter(|_| parts) {
            places.extend(all(part, &text.0).take(MOST_PLACES));
        }
        places
    }

    /// Whether it stands there at all.
    pub(super) fn is_in(&self, text: &Lowered, parts: bool) -> bool {
        self.phrases(&text.0).next().is_some()
            || self.part.as_ref().filter(|_| parts).is_some_and(|part| all(part, &text.0).next().is_some())
    }

    fn phrases<'t>(&'t self, text: &'t [u8]) -> impl Iterator<Item = Range<usize>> + 't {
        let starts_word = |at: usize| at == 0 || !is_word(text[at - 1]);
        let begins = all(&self.first, text).filter(move |place| starts_word(place.start));
        begins.filter_map(|place| Some(place.start..self.end(text, place.end)?))
    }

    /// Where the term ends whose first word may end at `at`.
    fn end(&self, text: &[u8], mut at: usize) -> Option<usize> {
        let is_end = |at: usize| text.get(at).is_none_or(|sign| !is_word(*sign));
        for word in &self.words[1..] {
            if !is_end(at) {
                return None;
            }
            at += text[at..].iter().position(|sign| is_word(*sign))?;
            let end = at + word.len();
            if text.get(at..end)? != word.as_bytes() {
                return None;
            }
            at = end;
        }
        if self.beginning {
            at += text[at..].iter().take_while(|sign| is_word(**sign)).count();
        }
        is_end(at).then_some(at)
    }
}

/// A plain text in small letters: that is all that case is there, and byte for byte in its place.
pub(in crate::read) struct Lowered(Vec<u8>);

impl Lowered {
    /// `None` if the text is not plain.
    pub(in crate::read) fn of(text: &str) -> Option<Self> {
        is_plain(text).then(|| Self(text.as_bytes().to_ascii_lowercase()))
    }
}

/// Every place, also of those that overlap.
fn all<'t>(finder: &'t Finder<'_>, text: &'t [u8]) -> impl Iterator<Item = Range<usize>> + 't {
    let mut from = 0;
    std::iter::from_fn(move || {
        let start = from + finder.find(text.get(from..)?)?;
        from = start + 1;
        Some(start..start + finder.needle().len())
    })
}

fn is_word(sign: u8) -> bool {
    sign.is_ascii_alphanumeric() || sign == b'_'
}

/// Whether all words of a text are ASCII.
fn is_plain(text: &str) -> bool {
    text.is_ascii() || text.chars().all(|sign| sign.is_ascii() || parts_words(sign))
}

/// Signs beyond ASCII that are no part of a word and change none: blanks, dashes, quotes, arrows, mathematics, boxes, emoji that
/// the tokenizer knows. Not all of them, but those that are common; a test holds each against the tokenizer.
fn parts_words(sign: char) -> bool {
    matches!(sign,
        '\u{a0}'..='\u{a9}' | '\u{ab}'..='\u{b1}' | '\u{b4}' | '\u{b6}'..='\u{b8}' | '\u{bb}' | '\u{bf}' | '\u{d7}' | '\u{f7}'
        | '\u{2000}'..='\u{2064}' | '\u{20a0}'..='\u{20b9}'
        | '\u{2190}'..='\u{23f3}' | '\u{2500}'..='\u{26ff}' | '\u{2701}'..='\u{2775}' | '\u{2794}'..='\u{2b4c}'
        | '\u{3000}'..='\u{3004}' | '\u{3008}'..='\u{3020}' | '\u{fe0f}' | '\u{feff}' | '\u{fffd}'
        | '\u{1f300}'..='\u{1f320}' | '\u{1f400}'..='\u{1f43e}' | '\u{1f442}'..='\u{1f4f7}' | '\u{1f500}'..='\u{1f53d}'
        | '\u{1f5fb}'..='\u{1f640}' | '\u{1f645}'..='\u{1f64f}' | '\u{1f680}'..='\u{1f6c5}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::scratch::{Needle, Scratch, clean, united};
    use super::*;

    #[test]
    fn signs_that_part_words() {
        let scratch = Scratch::new().unwrap();
        for sign in ('\0'..=char::MAX).filter(|sign| !sign.is_ascii() && parts_words(*sign)) {
            let words = scratch.words(&format!("a{sign}b")).unwrap();
            assert_eq!(words, ["a", "b"], "U+{:04X}", sign as u32);
        }
    }

    fn check(text: &str, term: &str, beginning: bool, parts: bool, expected: &str) {
        let words: Vec<_> = term.split(' ').map(str::to_owned).collect();
        let plain = Plain::new(&words, beginning, parts.then_some(term)).unwrap();
        let lowered = Lowered::of(text).unwrap();
        let mut found = text.to_owned();
        for place in united(plain.places(&lowered, parts)).iter().rev() {
            found.insert(place.end, ']');
            found.insert(place.start, '[');
        }
        assert_eq!(found, expected);
        assert_eq!(plain.is_in(&lowered, parts), text != expected);
    }

    #[test]
    fn places() {
        check("fix the Config, configs", "config", false, false, "fix the [Config], configs");
        check("fix the Config, configs", "config", true, false, "fix the [Config], [configs]");
        check("reconfig", "config", true, false, "reconfig");
        check(
            "load → CONFIG; load_config load\tconfigs",
            "load config",
            false,
            false,
            "[load → CONFIG]; load_config load\tconfigs",
        );
        check("load load load", "load load", true, false, "[load load load]");
        check("load", "load config", false, false, "load");
        check("load -- ", "load config", false, false, "load -- ");
        check("", "config", false, false, "");
    }

    proptest! {
        /// What is found is what the engine finds, and stands where it says.
        #[test]
        fn as_the_engine(
            text in r#"([abAB_1]{1,3}|[ \-\n"']|[→—✓ 😀…]|\PC){0,20}"#,
            words in prop::collection::vec("[ab_1]{1,3}", 1..3),
            beginning: bool,
        ) {
            let scratch = Scratch::new().unwrap();
            let text = clean(&text);
            let lowered = Lowered::of(&text);
            prop_assume!(lowered.is_some());
            let lowered = lowered.unwrap();
            let part = (words.len() == 1 && words[0].len() == 3 && !beginning).then(|| words[0].clone());
            let star = if beginning { "*" } else { "" };
            let needle = Needle {
                words: format!("\"{}\"{star}", words.join(" ")),
                part: part.as_ref().map(|part| format!("\"{part}\"")),
                plain: Plain::new(&words, beginning, part.as_deref()),
            };
            let plain = needle.plain.as_ref().unwrap();
            for parts in [false, true] {
                let ours = united(plain.places(&lowered, parts));
                prop_assert_eq!(&ours, &scratch.find(&text, &[&needle], parts).unwrap()[0]);
                prop_assert_eq!(plain.is_in(&lowered, parts), !ours.is_empty());
            }
        }
    }
}
