//! Made-up words as often as words are used: 50,000 of them, the n-th one n times rarer than the first (Zipf's law), so that
//! an index over them has the shape of one over prose. Beside what others made a few will do, as their figures were made so.

use crate::Seed;

pub(super) const VOCABULARY: usize = 50_000;
const CONSONANTS: &[u8] = b"bcdfghjklmnprstvz";
const VOWELS: &[u8] = b"aeiou";
const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The words and how often each is used.
pub(super) struct Words {
    words: Vec<String>,
    /// The share of all uses up to and with each word.
    up_to: Vec<f64>,
}

impl Words {
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    pub(super) fn new(count: usize) -> Self {
        let total: f64 = (1..=count).map(|rank| 1.0 / rank as f64).sum();
        let mut sum = 0.0;
        let up_to = (1..=count).map(|rank| {
            sum += 1.0 / rank as f64 / total;
            sum
        });
        Self { up_to: up_to.collect(), words: (0..count).map(word).collect() }
    }

    fn any(&self, seed: &mut Seed) -> &str {
        let at = seed.unit();
        &self.words[self.up_to.partition_point(|up_to| *up_to < at).min(self.words.len() - 1)]
    }

    pub(super) fn nth(&self, rank: usize) -> &str {
        &self.words[rank]
    }

    /// Prose of `length` bytes.
    pub(super) fn prose(&self, seed: &mut Seed, length: usize) -> String {
        self.text(seed, length, |seed| match seed.below(12) {
            0 => ".\n",
            1 => ", ",
            _ => " ",
        })
    }

    /// Something like source code of `length` bytes: short lines, indented.
    pub(super) fn code(&self, seed: &mut Seed, length: usize) -> String {
        self.text(seed, length, |seed| match seed.below(10) {
            0 => ";\n    ",
            1 => " {\n        ",
            2 => ";\n    }\n\n    ",
            3 => "(\"",
            4 => "\")",
            5 => " = ",
            6 => ".",
            _ => " ",
        })
    }

    fn text(&self, seed: &mut Seed, length: usize, between: impl Fn(&mut Seed) -> &'static str) -> String {
        let mut text = String::with_capacity(length + 32);
        while text.len() < length {
            text.push_str(self.any(seed));
            text.push_str(between(seed));
        }
        text.truncate(length); // all of it is ASCII
        text
    }
}

/// Frequent words are short, as in every language.
fn word(rank: usize) -> String {
    let (mut word, mut rest) = (String::new(), rank + 1);
    while rest > 0 {
        word.push(CONSONANTS[rest % CONSONANTS.len()].into());
        rest /= CONSONANTS.len();
        word.push(VOWELS[rest % VOWELS.len()].into());
        rest /= VOWELS.len();
    }
    word
}

/// What an image or a signature looks like: nothing in it comes twice.
pub(super) fn base64(seed: &mut Seed, length: usize) -> String {
    (0..length).map(|_| char::from(BASE64[seed.below(BASE64.len())])).collect()
}
