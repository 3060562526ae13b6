//! Cursors: a few numbers, a version before them, in base64url. Opaque to callers, so that what they mean can change.
//!
//! The cursor of a list is a position and the mark of the question it belongs to; [`encode`] and [`decode`] serve others.

use store::ConversationId;
use store::read::Position;

use super::base64;

/// Says what follows.
const VERSION: u8 = 2;

/// A position in the answers to one question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) position: Position,
    /// What tells the question from others.
    pub(crate) question: u64,
}

impl Cursor {
    /// Its text.
    pub(crate) fn encode(self) -> String {
        let Position { key, timestamp_ms, id } = self.position;
        encode([key, timestamp_ms, id.0, self.question.cast_signed()])
    }

    /// The cursor of a text that [`Cursor::encode`] made.
    pub(crate) fn decode(text: &str) -> Option<Self> {
        let [key, timestamp_ms, id, question] = decode(text)?;
        let position = Position { key, timestamp_ms, id: ConversationId(id) };
        Some(Self { position, question: question.cast_unsigned() })
    }
}

/// The text of numbers.
pub(crate) fn encode<const N: usize>(numbers: [i64; N]) -> String {
    let mut bytes = vec![VERSION];
    bytes.extend(numbers.into_iter().flat_map(i64::to_be_bytes));
    base64::digits(&bytes, base64::URL)
}

/// The numbers of a text that [`encode`] made.
pub(crate) fn decode<const N: usize>(text: &str) -> Option<[i64; N]> {
    let bytes = base64::bytes(text, base64::URL)?;
    let numbers: Vec<i64> = bytes
        .get(1..)?
        .chunks(8)
        .map(|number| number.try_into().ok().map(i64::from_be_bytes))
        .collect::<Option<_>>()?;
    let numbers = numbers.try_into().ok()?;
    // One text for one cursor: the version is ours, and spare bits are as they were made.
    (encode(numbers) == text).then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips() {
        for number in [0, 1, -1, 63, 80_000, 1_795_350_951_598, i64::MAX, i64::MIN] {
            let position = Position { key: number, timestamp_ms: number ^ 5, id: ConversationId(number / 2) };
            let cursor = Cursor { position, question: number.cast_unsigned() };
            assert_eq!(Cursor::decode(&cursor.encode()), Some(cursor));
        }
    }

    #[test]
    fn anything_else_is_none() {
        let position = Position { key: 0, timestamp_ms: 5, id: ConversationId(7) };
        let good = Cursor { position, question: 3 }.encode();
        assert_eq!(good, "AgAAAAAAAAAAAAAAAAAAAAUAAAAAAAAABwAAAAAAAAAD");
        for bad in ["", "A", "last", "=", "é", &good[1..], &format!("{good}A"), &good.replacen('g', "Q", 1)] {
            assert_eq!(Cursor::decode(bad), None, "{bad}");
        }
    }
}
