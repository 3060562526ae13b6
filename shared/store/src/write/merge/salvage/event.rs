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

    /// A bit that flipped in the name, or in what the row has of it, would make another event of it beside the one in the archive.
    /// The bytes, which have their hash, tell which of the two it is.
    fn put_right(&mut self) {
        let of_row = format!("{:019}-{}-{}.json", self.captured_ns, self.session_id, self.event);
        let differ = self.name.bytes().zip(of_row.bytes()).filter(|(one, other)| one != other).count();
        if self.name.len() != of_row.len() || !(1..=2).contains(&differ) {
            return; // the same, or nothing that a flip makes
        }
        let tells = |word: &str| memchr::memmem::find(&self.plain, format!("\"{word}\"").as_bytes()).is_some();
        let Ok(name) = self.name.parse::<queue::QueueName>() else {
            if tells(&self.session_id) && tells(&self.event) {
                self.name = of_row;
            }
            return;
        };
        let right = |row: &str, named: &str| match (tells(row), tells(named)) {
            (true, false) => (row.to_owned(), row.to_owned()),
            (false, true) => (named.to_owned(), named.to_owned()),
            _ => (row.to_owned(), named.to_owned()),
        };
        let (session, named) = right(&self.session_id, name.session.as_str());
        let (event, named_event) = right(&self.event, name.event.as_str());
        self.name = format!("{:019}-{named}-{named_event}.json", self.captured_ns);
        (self.session_id, self.event) = (session, event);
    }
}

#[cfg(test)]
mod tests {
    use super::Event;

    /// A prompt in whose name a bit had flipped in the damaged database was there twice after `recover`.
    #[test]
    fn a_flipped_bit_makes_no_other_event() {
        let check = |named: &str, (session, event): (&str, &str), told: &str, expected: (&str, &str, &str)| {
            let mut found = Event {
                origin: String::new(),
                name: format!("0000000000000000001-{named}"),
                hash: [0; 32],
                session_id: session.to_owned(),
                size: 0,
                captured_ns: 1,
                event: event.to_owned(),
                prompt_id: None,
                stored_ms: 1,
                codec: 0,
                payload: Vec::new(),
                plain: format!(r#"{{"session_id":"{told}","hook_event_name":"Stop"}}"#).into_bytes(),
            };
            found.put_right();
            let name = format!("0000000000000000001-{}", expected.0);
            let expected = (name, expected.1.to_owned(), expected.2.to_owned());
            assert_eq!((found.name, found.session_id, found.event), expected, "{named} {session} {event} {told}");
        };
        let whole = ("a7c9-Stop.json", "a7c9", "Stop");
        for (named, row) in [
            ("a7c9-Stop.json", ("a7c9", "Stop")),
            ("a7cy-Stop.json", ("a7c9", "Stop")),
            ("a7c9-Qtop.json", ("a7c9", "Stop")),
            ("a7cy-Qtop.json", ("a7c9", "Stop")),
            ("a7c9-Stop.jsoo", ("a7c9", "Stop")),
            ("a7c9-Stop.json", ("a7cy", "Stop")),
            ("a7c9-Stop.json", ("a7c9", "Stoq")),
            ("a7cy-Stop.json", ("a7c9", "Stoq")),
        ] {
            check(named, row, "a7c9", whole);
        }
        // What is no flip, and what the bytes do not tell, stays.
        check("other-Stop.json", ("a7c9", "Stop"), "a7c9", ("other-Stop.json", "a7c9", "Stop"));
        check("unknown-Stop.json", ("a7c9xyz", "Stop"), "a7c9xyz", ("unknown-Stop.json", "a7c9xyz", "Stop"));
        check("a7cy-Stop.json", ("a7c9", "Stop"), "none", ("a7cy-Stop.json", "a7c9", "Stop"));
    }
}
