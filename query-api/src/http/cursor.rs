//! Cursors: a few numbers, a version before them, in base64url. Opaque to callers, so that what they mean can change.
//!
//! The cursor of a list is a position and the mark of the question it belongs to; [`encode`] and [`decode`] serve others.

use store::ConversationId;
use store::read::{Next, Position, Stretch};

use super::base64;

/// Says what follows.
const VERSION: u8 = 2;

/// A place in the answers to one question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) next: Next,
    /// What tells the question from others.
    pub(crate) question: u64,
}

impl Cursor {
    /// Its text: a position, and by relevance the stretch that is ranked and how far it goes, if that is known.
    pub(crate) fn encode(self) -> String {
        let Position { key, timestamp_ms, id } = self.next.position;
        let first = [key, timestamp_ms, id.0, self.question.cast_signed()];
        let place = |place: Position| [place.timestamp_ms, place.id.0];
        let stretch = self.next.stretch;
        let (before, from) = (stretch.map(|it| place(it.before)), stretch.and_then(|it| it.from).map(place));
        encode(
            &[&first[..], before.as_ref().map_or(&[], |it| &it[..]), from.as_ref().map_or(&[], |it| &it[..])].concat(),
        )
    }

    /// The cursor of a text that [`Cursor::encode`] made.
    pub(crate) fn decode(text: &str) -> Option<Self> {
        let numbers = decode(text)?;
        let (&[key, timestamp_ms, id, question], stretch) = numbers.split_first_chunk()?;
        let place = |timestamp_ms, id| Position { key: 0, timestamp_ms, id: ConversationId(id) };
        let stretch = match *stretch {
            [] => None,
            [ms, id] => Some(Stretch { before: place(ms, id), from: None }),
            [ms, id, from_ms, from] => Some(Stretch { before: place(ms, id), from: Some(place(from_ms, from)) }),
            _ => return None,
        };
        let next = Next { position: Position { key, ..place(timestamp_ms, id) }, stretch };
        Some(Self { next, question: question.cast_unsigned() })
    }
}

/// The text of numbers.
pub(crate) fn encode(numbers: &[i64]) -> String {
    let mut bytes = vec![VERSION];
    bytes.extend(numbers.iter().copied().flat_map(i64::to_be_bytes));
    base64::digits(&bytes, base64::URL)
}

/// The numbers of a text that [`encode`] made.
pub(crate) fn decode(text: &str) -> Option<Vec<i64>> {
    let bytes = base64::bytes(text, base64::URL)?;
    let numbers: Vec<i64> = bytes
        .get(1..)?
        .chunks(8)
        .map(|number| number.try_into().ok().map(i64::from_be_bytes))
        .collect::<Option<_>>()?;
    // One text for one cursor: the version is ours, and spare bits are as they were made.
    (encode(&numbers) == text).then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips() {
        for number in [0, 1, -1, 63, 80_000, 1_795_350_951_598, i64::MAX, i64::MIN] {
            let place = |key: i64| Position { key, timestamp_ms: number ^ 5, id: ConversationId(number / 2) };
            let stretch = |from| Some(Stretch { before: place(0), from });
            for stretch in [None, stretch(None), stretch(Some(place(0)))] {
                let next = Next { position: place(number), stretch };
                let cursor = Cursor { next, question: number.cast_unsigned() };
                assert_eq!(Cursor::decode(&cursor.encode()), Some(cursor));
            }
        }
    }

    #[test]
    fn anything_else_is_none() {
        let position = Position { key: 0, timestamp_ms: 5, id: ConversationId(7) };
        let good = Cursor { next: Next { position, stretch: None }, question: 3 }.encode();
        assert_eq!(good, "AgAAAAAAAAAAAAAAAAAAAAUAAAAAAAAABwAAAAAAAAAD");
        for bad in ["", "A", "last", "=", "é", &good[1..], &format!("{good}A"), &good.replacen('g', "Q", 1)] {
            assert_eq!(Cursor::decode(bad), None, "{bad}");
        }
    }
}
