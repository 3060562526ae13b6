//! Inputs made from committed ones, the same for the same seed: bits flipped, pieces cut, doubled, moved and taken from others,
//! words that the reader knows put in.

use crate::Seed;

/// No input that is made is longer.
const LONGEST: usize = 16 * 1024;

/// An input made from one of `corpus`.
pub fn one(corpus: &[Vec<u8>], words: &[&str], seed: &mut Seed) -> Vec<u8> {
    let mut bytes = corpus[seed.below(corpus.len())].clone();
    for _ in 0..=seed.below(6) {
        change(&mut bytes, corpus, words, seed);
    }
    bytes.truncate(LONGEST);
    bytes
}

fn change(bytes: &mut Vec<u8>, corpus: &[Vec<u8>], words: &[&str], seed: &mut Seed) {
    let at = seed.below(bytes.len() + 1);
    // Short pieces matter more than long ones.
    let length = |seed: &mut Seed, most: usize| {
        let most = if seed.below(4) == 0 { most } else { most.min(8) };
        seed.below(most + 1)
    };
    match seed.below(10) {
        0 | 1 if at < bytes.len() => bytes[at] ^= 1 << seed.below(8),
        2 if at < bytes.len() => bytes[at] = [0, b'"', b'\\', b'{', b'}', b'[', b',', b':', 0x7f, 0xff][seed.below(10)],
        3 => {
            let most = bytes.len() - at;
            let end = at + length(seed, most);
            bytes.drain(at..end);
        }
        4 => bytes.truncate(at),
        5 => {
            let end = at + length(seed, bytes.len() - at);
            let piece = bytes[at..end].to_vec();
            let to = seed.below(bytes.len() + 1);
            bytes.splice(to..to, piece);
        }
        6 => {
            let other = &corpus[seed.below(corpus.len())];
            let from = seed.below(other.len() + 1);
            let end = from + length(seed, other.len() - from);
            bytes.splice(at..at, other[from..end].iter().copied());
        }
        7 => {
            let byte = seed.number().to_le_bytes()[0];
            bytes.insert(at, byte);
        }
        _ if !words.is_empty() => {
            let word = words[seed.below(words.len())].bytes();
            // In the place of as much, or between.
            let end = if seed.below(2) == 0 { at } else { (at + word.len()).min(bytes.len()) };
            bytes.splice(at..end, word);
        }
        _ => bytes.push(b' '),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_same_for_the_same_seed_and_different_each_time() {
        let corpus = [b"{\"a\":1}".to_vec(), b"".to_vec()];
        let some = |seed| {
            let mut seed = Seed::new(seed);
            (0..1000).map(|_| one(&corpus, &["null"], &mut seed)).collect::<Vec<_>>()
        };
        assert_eq!(some(1), some(1));
        assert!(some(1).iter().collect::<BTreeSet<_>>().len() > 500);
        assert!(some(1).iter().any(|bytes| bytes.windows(4).any(|four| four == b"null")));
    }
}
