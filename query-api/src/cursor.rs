//! The cursor of a list: a position and the mark of the question it belongs to, a version before them, in base64url. Opaque
//! to callers, so that what a position is can change.

use store::ConversationId;
use store::read::Position;

/// Says what follows.
const VERSION: u8 = 2;
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

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
        let mut bytes = vec![VERSION];
        bytes.extend([key, timestamp_ms, id.0].into_iter().flat_map(i64::to_be_bytes));
        bytes.extend(self.question.to_be_bytes());
        let mut text = String::with_capacity(44);
        for group in bytes.chunks(3) {
            let bits = group.iter().enumerate().fold(0_u32, |bits, (i, &byte)| bits | u32::from(byte) << (16 - 8 * i));
            for i in 0..=group.len() {
                text.push(char::from(DIGITS[(bits >> (18 - 6 * i)) as usize & 63]));
            }
        }
        text
    }

    /// The cursor of a text that [`Cursor::encode`] made.
    pub(crate) fn decode(text: &str) -> Option<Self> {
        let mut bytes = Vec::with_capacity(33);
        for group in text.as_bytes().chunks(4) {
            let mut bits = 0_u32;
            for (i, digit) in group.iter().enumerate() {
                let value = DIGITS.iter().position(|known| known == digit)? as u32;
                bits |= value << (18 - 6 * i);
            }
            bytes.extend(&bits.to_be_bytes()[1..group.len()]);
        }
        let (&version, rest) = bytes.split_first()?;
        let mut numbers = rest.chunks(8).map(|number| number.try_into().map(i64::from_be_bytes));
        let mut number = || numbers.next()?.ok();
        let position = Position { key: number()?, timestamp_ms: number()?, id: ConversationId(number()?) };
        let cursor = Self { position, question: number()?.cast_unsigned() };
        // One text for one cursor: spare bits must be as they were made.
        (version == VERSION && cursor.encode() == text).then_some(cursor)
    }
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
