//! The cursors of sessions and of a session's conversations: hexadecimal, opaque to callers.

use serde::Deserialize;
use store::ConversationId;
use store::read::{Position, SessionPosition};

/// Where a list of sessions goes on.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct SessionCursor(pub(super) SessionPosition);

impl TryFrom<String> for SessionCursor {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        decode(&text).map(Self).ok_or("must be the `next_cursor` of an earlier answer")
    }
}

/// The text of a place among sessions.
pub(crate) fn encode(position: &SessionPosition) -> String {
    let bytes = position.ended_ms.to_be_bytes();
    bytes.iter().chain(position.id.as_bytes()).map(|byte| format!("{byte:02x}")).collect()
}

fn decode(text: &str) -> Option<SessionPosition> {
    let bytes = bytes(text)?;
    let (ended, id) = bytes.split_first_chunk::<8>()?;
    let id = String::from_utf8(id.to_vec()).ok()?;
    Some(SessionPosition { ended_ms: i64::from_be_bytes(*ended), id })
}

/// The text of a place among conversations.
pub(crate) fn encode_position(position: Position) -> String {
    let halves = [position.timestamp_ms, position.id.0];
    halves.iter().map(|half| format!("{half:016x}")).collect()
}

/// The reverse.
pub(super) fn decode_position(text: &str) -> Option<Position> {
    let bytes: [u8; 16] = bytes(text)?.try_into().ok()?;
    let (timestamp, id) = bytes.split_first_chunk::<8>()?;
    Some(Position {
        key: 0,
        timestamp_ms: i64::from_be_bytes(*timestamp),
        id: ConversationId(i64::from_be_bytes(id.try_into().ok()?)),
    })
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips() {
        for ended_ms in [0, -1, 1_795_350_951_598, i64::MIN] {
            for id in ["", "s", "0914908d-acc8-48aa-98d6-77d558fb9590", "日本"] {
                let place = SessionPosition { ended_ms, id: id.into() };
                assert_eq!(decode(&encode(&place)), Some(place));
            }
            let place = Position { key: 0, timestamp_ms: ended_ms, id: ConversationId(7) };
            assert_eq!(decode_position(&encode_position(place)), Some(place));
        }
        for bad in ["", "0", "00", "zz", "00000000000000000", "é000000000000000", "0000000000000000ff"] {
            assert_eq!(decode(bad), None, "{bad}");
            assert_eq!(decode_position(bad), None, "{bad}");
        }
    }
}
