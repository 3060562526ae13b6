//! The cursor of a list: a position in 17 bytes, a version before it, in base64url. Opaque to callers, so that what a
//! position is can change.

use store::ConversationId;
use store::read::Position;

/// Says what follows.
const VERSION: u8 = 1;
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The text of a position.
pub(crate) fn encode(position: Position) -> String {
    let mut bytes = vec![VERSION];
    bytes.extend(position.timestamp_ms.to_be_bytes());
    bytes.extend(position.id.0.to_be_bytes());
    let mut text = String::with_capacity(23);
    for group in bytes.chunks(3) {
        let bits = group.iter().enumerate().fold(0_u32, |bits, (i, &byte)| bits | u32::from(byte) << (16 - 8 * i));
        for i in 0..=group.len() {
            text.push(char::from(DIGITS[(bits >> (18 - 6 * i)) as usize & 63]));
        }
    }
    text
}

/// The position of a text that [`encode`] made.
pub(crate) fn decode(text: &str) -> Option<Position> {
    let mut bytes = Vec::with_capacity(17);
    for group in text.as_bytes().chunks(4) {
        let mut bits = 0_u32;
        for (i, digit) in group.iter().enumerate() {
            let value = DIGITS.iter().position(|known| known == digit)? as u32;
            bits |= value << (18 - 6 * i);
        }
        bytes.extend(&bits.to_be_bytes()[1..group.len()]);
    }
    let (&version, rest) = bytes.split_first()?;
    let (timestamp, id) = rest.split_at_checked(8)?;
    let position = Position {
        timestamp_ms: i64::from_be_bytes(timestamp.try_into().ok()?),
        id: ConversationId(i64::from_be_bytes(id.try_into().ok()?)),
    };
    // One text for one position: spare bits must be as they were made.
    (version == VERSION && encode(position) == text).then_some(position)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips() {
        for timestamp_ms in [0, 1, -1, 1_795_350_951_598, i64::MAX, i64::MIN] {
            for id in [0, 1, 63, 80_000, i64::MAX] {
                let position = Position { timestamp_ms, id: ConversationId(id) };
                assert_eq!(decode(&encode(position)), Some(position));
            }
        }
    }

    #[test]
    fn anything_else_is_none() {
        let good = encode(Position { timestamp_ms: 5, id: ConversationId(7) });
        assert_eq!(good, "AQAAAAAAAAAFAAAAAAAAAAc");
        for bad in ["", "A", "last", "=", "é", &good[1..], &format!("{good}A"), &good.replacen('Q', "g", 1)] {
            assert_eq!(decode(bad), None, "{bad}");
        }
        assert_eq!(decode(&good.replace('c', "d")), None, "spare bits");
    }
}
