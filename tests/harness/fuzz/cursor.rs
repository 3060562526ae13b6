//! Where a list goes on, as a caller gives it back: a text is one cursor or none, and a cursor is one text.
//!
//! query-api is a program without a library, so its files are read here where they lie.

#[path = "../../../query-api/src/http/base64.rs"]
mod base64;
#[path = "../../../query-api/src/http/cursor.rs"]
mod list;
#[path = "../../../query-api/src/handlers/sessions/cursor.rs"]
mod sessions;

use store::ConversationId;
use store::read::Position;

pub(super) const WORDS: &[&str] =
    &["AgAAAAAAAAAA", "Ag", "A", "_", "-", "=", "ffffffffffffffff", "8000000000000000", "00", "é", "7fffffffffffffff"];

pub(super) fn check(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        if let Some(cursor) = list::Cursor::decode(text) {
            assert_eq!(cursor.encode(), text);
        }
        if let Some(numbers) = list::decode(text) {
            assert_eq!(list::encode(&numbers), text);
            fits(text);
        }
        if let Ok(sessions::SessionCursor(position)) = text.to_owned().try_into() {
            assert_eq!(sessions::encode(&position), text);
        }
        if let Some(position) = sessions::decode_position(text) {
            assert_eq!(sessions::encode_position(position), text);
        }
    }
    // The other way: what a list may be at.
    let digits = base64::digits(bytes, base64::URL);
    fits(&digits);
    assert_eq!(base64::bytes(&digits, base64::URL).as_deref(), Some(bytes));
    assert_eq!(base64::unpadded(&base64::padded(bytes)).as_deref(), Some(bytes));
    let (numbers, _) = bytes.as_chunks::<8>();
    let numbers: Vec<i64> = numbers.iter().copied().map(i64::from_be_bytes).collect();
    let text = list::encode(&numbers);
    fits(&text);
    assert_eq!(list::decode(&text).as_ref(), Some(&numbers));
    let cursor = list::Cursor::decode(&text);
    assert_eq!(cursor.is_some(), [4, 6, 8].contains(&numbers.len()), "{} numbers", numbers.len());
    if let &[timestamp_ms, id, ..] = &numbers[..] {
        let position = Position { key: 0, timestamp_ms, id: ConversationId(id) };
        assert_eq!(sessions::decode_position(&sessions::encode_position(position)), Some(position));
    }
}

fn fits(text: &str) {
    assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)), "{text:?}");
}
