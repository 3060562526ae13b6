//! A hook event of a damaged database: taken only if its bytes have the hash that was kept of them, and as what they say it is.

use rusqlite::Row;

use super::is_origin;
use crate::codec;

/// An event whose bytes have the hash that was kept of them, and whose name has its time.
pub(super) struct Event {
    pub(super) origin: String,
    pub(super) name: String,
    pub(super) hash: [u8; 32],
    pub(super) session_id: String,
    pub(super) size: i64,
    pub(super) captured_ns: i64,
    pub(super) event: String,
    pub(super) prompt_id: Option<String>,
    pub(super) stored_ms: i64,
    pub(super) codec: i64,
    pub(super) payload: Vec<u8>,
    pub(super) plain: Vec<u8>,
}

impl Event {
    pub(super) fn read(row: &Row<'_>) -> Option<Self> {
        let read = || -> rusqlite::Result<Self> {
            Ok(Self {
                origin: row.get(0)?,
                name: row.get(1)?,
                hash: row.get(2)?,
                session_id: row.get(3)?,
                size: row.get(4)?,
                captured_ns: row.get(5)?,
                event: row.get(6)?,
                prompt_id: row.get(7)?,
                stored_ms: row.get(8)?,
                codec: row.get(9)?,
                payload: row.get(10)?,
                plain: Vec::new(),
            })
        };
        let mut event = read().ok()?;
        let size = usize::try_from(event.size).ok()?;
        event.plain = codec::unpack(event.codec, event.payload.clone(), size).ok()?;
        let fits = *blake3::hash(&event.plain).as_bytes() == event.hash
            && is_origin(&event.origin)
            && event.name.starts_with(&format!("{:019}-", event.captured_ns));
        event.put_right();
        fits.then_some(event)
    }

    /// A bit that flipped in the session of the name, or in that of the row, would make another event of it beside the one in the
    /// archive. The bytes, which have their hash, tell which of the two it is.
    fn put_right(&mut self) {
        let Ok(name) = self.name.parse::<queue::QueueName>() else { return };
        let named = name.session.as_str();
        let differ = named.bytes().zip(self.session_id.bytes()).filter(|(one, other)| one != other).count();
        if named.len() != self.session_id.len() || !(1..=2).contains(&differ) {
            return; // the same, or nothing that a flip makes
        }
        let tells = |word: &str| memchr::memmem::find(&self.plain, format!("\"{word}\"").as_bytes()).is_some();
        match (tells(named), tells(&self.session_id)) {
            (true, false) => self.session_id = named.to_owned(),
            (false, true) => self.name = self.name.replacen(named, &self.session_id, 1),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Event;

    /// A prompt whose name had a flipped bit in the damaged database was there twice after `recover`.
    #[test]
    fn a_flipped_bit_in_a_session_makes_no_other_event() {
        let check = |named: &str, session: &str, told: &str, expected: (&str, &str)| {
            let mut event = Event {
                origin: String::new(),
                name: format!("0000000000000000001-{named}-Stop.json"),
                hash: [0; 32],
                session_id: session.to_owned(),
                size: 0,
                captured_ns: 1,
                event: "Stop".to_owned(),
                prompt_id: None,
                stored_ms: 1,
                codec: 0,
                payload: Vec::new(),
                plain: format!(r#"{{"session_id":"{told}"}}"#).into_bytes(),
            };
            event.put_right();
            let expected = (format!("0000000000000000001-{}-Stop.json", expected.0), expected.1.to_owned());
            assert_eq!((event.name, event.session_id), expected, "{named} {session} {told}");
        };
        check("a7c9", "a7c9", "a7c9", ("a7c9", "a7c9"));
        check("a7cy", "a7c9", "a7c9", ("a7c9", "a7c9"));
        check("a7c9", "a7cy", "a7c9", ("a7c9", "a7c9"));
        check("other", "a7c9", "a7c9", ("other", "a7c9"));
        check("unknown", "a7c9xyz", "a7c9xyz", ("unknown", "a7c9xyz"));
        check("a7cy", "a7c9", "none", ("a7cy", "a7c9"));
    }
}
