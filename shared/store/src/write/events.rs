//! Queue files become rows of `events`, once each.

use queue::broken::{Rule, broken};
use rusqlite::{Connection, params};

use super::{Batch, Writer, forget};
use crate::codec;
use crate::error::{Context, Error};
use crate::ids::EventId;
use crate::sieve::{Told, same_bytes};

/// A queue file, as the ingester hands it over.
#[derive(Clone, Copy, Debug)]
pub struct NewEvent<'a> {
    /// The queue file's name, without the attempt that processing appends.
    pub name: &'a str,
    /// Nanoseconds since 1970, from the name.
    pub captured_ns: u64,
    /// `hook_event_name`.
    pub event: &'a str,
    /// The session.
    pub session_id: &'a str,
    /// The turn, since 2.1.196 (claude-code.md A.2).
    pub prompt_id: Option<&'a str>,
    /// The file, byte for byte.
    pub payload: &'a [u8],
    /// Now, in milliseconds.
    pub stored_ms: i64,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// A new row.
    New(EventId),
    /// The same name and bytes were there already, but for what is hidden: the file was delivered twice, or a pass died after
    /// its commit.
    Replay(EventId),
    /// It was forgotten on request, and stays out.
    Forgotten,
}

/// A stored queue file that is the one that is asked for.
pub(crate) struct Copy {
    id: EventId,
    is: Is,
}

/// What its row has of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Is {
    /// Its bytes.
    Whole,
    /// Its hash, and bytes that are others.
    Damaged,
    /// Its bytes but for what is hidden, here or there.
    Masked,
}

/// The rows of this name that are `payload`, of one data directory or of any. The very bytes come first.
pub(crate) fn copies(
    conn: &Connection,
    name: &str,
    payload: &[u8],
    origin_id: Option<i64>,
) -> Result<Vec<Copy>, Error> {
    let hash = blake3::hash(payload);
    let mut query = conn
        .prepare_cached(
            "select id, hash, size, codec, payload from events
              where name = ?1 and (?2 is null or origin_id = ?2) and (size = ?3 or hash = ?4)
              order by hash = ?4 desc, id",
        )
        .op("prepare")?;
    let mut rows =
        query.query(params![name, origin_id, payload.len() as i64, hash.as_bytes()]).op("look for an event")?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().op("look for an event")? {
        let key = || -> rusqlite::Result<(i64, Vec<u8>)> { Ok((row.get(0)?, row.get(1)?)) };
        let packed = || -> rusqlite::Result<(i64, i64, Vec<u8>)> { Ok((row.get(2)?, row.get(3)?, row.get(4)?)) };
        let ((id, known), (size, kind, bytes)) = key().and_then(|key| Ok((key, packed()?))).op("read an event")?;
        let is_as_long = usize::try_from(size) == Ok(payload.len());
        let bytes = codec::unpack(kind, bytes, payload.len()).ok().filter(|_| is_as_long);
        let is = match bytes {
            Some(bytes) if bytes == payload => Is::Whole,
            _ if broken(Rule::HashInKey) => Is::Whole,
            _ if known == hash.as_bytes() => Is::Damaged,
            Some(bytes) if same_bytes(&bytes, payload) => Is::Masked,
            _ => continue,
        };
        found.push(Copy { id: EventId(id), is });
    }
    Ok(found)
}

impl Writer {
    /// Whether a queue file of this name and these bytes is stored already, and can be given back but for what was hidden.
    ///
    /// # Errors
    /// The engine's.
    pub fn has_event(&self, name: &str, payload: &[u8]) -> Result<bool, Error> {
        let found = copies(&self.conn, name, payload, Some(self.origin_id))?;
        Ok(found.iter().any(|copy| copy.is != Is::Damaged))
    }

    /// Whether these bytes can be given back under this name, but for what was hidden, whichever data directory they came from:
    /// the stored ones are read and compared, so that a last copy is not given up for a row that is damaged.
    ///
    /// # Errors
    /// The engine's.
    pub fn gives_back(&self, name: &str, payload: &[u8]) -> Result<bool, Error> {
        Ok(copies(&self.conn, name, payload, None)?.iter().any(|copy| copy.is != Is::Damaged))
    }

    /// Whether an event of this name and these bytes is stored, whichever data directory it came from: its name holds the
    /// nanosecond and the session, so it is the same event.
    ///
    /// # Errors
    /// The engine's.
    pub fn has_event_of_any_origin(&self, name: &str, payload: &[u8]) -> Result<bool, Error> {
        Ok(!copies(&self.conn, name, payload, None)?.is_empty())
    }
}

impl Writer {
    /// Whether a queue file of this name and these bytes was forgotten on request: it must not come back from an archive.
    ///
    /// # Errors
    /// The engine's.
    pub fn is_forgotten(&self, name: &str, payload: &[u8]) -> Result<bool, Error> {
        let captured_ns = name.get(..19).and_then(|ns| ns.parse().ok()).unwrap_or(0);
        let (sieve, told, hash) = (self.sieve()?, Told::read(payload, captured_ns), blake3::hash(payload));
        let names = [&*self.origin, name];
        forget::is_told_of_forgotten(&self.conn, &sieve, &told, names, hash.as_bytes(), payload.len())
    }
}

impl Batch<'_> {
    /// Stores an event and marks its session to be derived again. One that is there already gets its bytes back if they
    /// were damaged: the queue file may be the last copy.
    ///
    /// # Errors
    /// The engine's; the whole batch must then be given up.
    pub fn add_event(&self, event: &NewEvent<'_>) -> Result<Stored, Error> {
        self.add_event_hiding(event).map(|(stored, _)| stored)
    }

    /// The same; gives also what is kept instead of the payload, where something in it is hidden.
    ///
    /// # Errors
    /// As [`Batch::add_event`].
    pub fn add_event_hiding(&self, event: &NewEvent<'_>) -> Result<(Stored, Option<Vec<u8>>), Error> {
        let hidden = self.sieve.masked(event.payload);
        let stored = self.add(event, hidden.as_deref())?;
        Ok((stored, hidden))
    }

    fn add(&self, event: &NewEvent<'_>, hidden: Option<&[u8]>) -> Result<Stored, Error> {
        // What it is known by does not depend on what is hidden today.
        for payload in [Some(event.payload), hidden].into_iter().flatten() {
            if self.is_out(event, payload, &blake3::hash(payload))? {
                return Ok(Stored::Forgotten);
            }
        }
        for payload in [Some(event.payload), hidden].into_iter().flatten() {
            if let Some(copy) = copies(&self.tx, event.name, payload, Some(self.origin_id))?.first() {
                if copy.is == Is::Damaged && self.refill_event(copy.id, payload)? {
                    self.unseal(event.session_id)?;
                    self.mark_dirty(event.session_id)?;
                }
                return Ok(Stored::Replay(copy.id));
            }
        }
        let payload = hidden.unwrap_or(event.payload);
        let packed = codec::pack(payload);
        self.tx
            .prepare_cached(
                "insert into events (origin_id, name, hash, captured_ns, event, session_id, prompt_id, size, codec, payload, stored_ms)
                 values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )
            .op("prepare")?
            .execute(params![
                self.origin_id,
                event.name,
                blake3::hash(payload).as_bytes(),
                i64::try_from(event.captured_ns).unwrap_or(i64::MAX),
                event.event,
                event.session_id,
                event.prompt_id,
                payload.len() as i64,
                packed.codec,
                packed.bytes,
                event.stored_ms,
            ])
            .op("store an event")?;
        let id = EventId(self.tx.last_insert_rowid());
        if broken(Rule::KeyWithRow) {
            self.part_from_key(id, payload)?;
        }
        self.unseal_before(event.session_id, i64::try_from(event.captured_ns).unwrap_or(i64::MAX))?;
        self.mark_dirty(event.session_id)?;
        Ok(Stored::New(id))
    }

    /// For the control of that rule: the key is durable first, with no bytes beside it, and they follow in another transaction.
    fn part_from_key(&self, id: EventId, payload: &[u8]) -> Result<(), Error> {
        self.execute("update events set payload = x'' where id = ?1", [id.0])?;
        self.tx.execute_batch("commit; begin immediate").op("part an event from its key")?;
        self.refill_event(id, payload).map(drop)
    }

    fn is_out(&self, event: &NewEvent<'_>, payload: &[u8], hash: &blake3::Hash) -> Result<bool, Error> {
        if self.sieve.until == 0 {
            return Ok(false);
        }
        let told = Told::read(payload, i64::try_from(event.captured_ns).unwrap_or(i64::MAX));
        let names = [self.origin, event.name];
        forget::is_told_of_forgotten(&self.tx, &self.sieve, &told, names, hash.as_bytes(), payload.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sieve::Guard;

    /// A damaged row is no copy, and the file that comes once more mends it.
    #[test]
    fn a_damaged_row_gets_its_bytes_back() {
        let check = |damage: &str, whole: bool| {
            let home = tempfile::tempdir().unwrap();
            let dir = queue::DataDir::new(home.path());
            dir.create().unwrap();
            let mut writer = Writer::open(&dir).unwrap();
            let payload = [b' '; 5000];
            let event = NewEvent {
                name: "1-s-Stop.json",
                captured_ns: 1,
                event: "Stop",
                session_id: "s",
                prompt_id: None,
                payload: &payload,
                stored_ms: 1,
            };
            let store = |writer: &mut Writer| {
                let batch = writer.batch().unwrap();
                let stored = batch.add_event(&event).unwrap();
                batch.commit().unwrap();
                stored
            };
            let Stored::New(id) = store(&mut writer) else { panic!("it is new") };
            writer.conn.execute_batch(damage).unwrap();
            assert_eq!(writer.gives_back(event.name, &payload).unwrap(), whole, "{damage}");
            assert_eq!(writer.has_event(event.name, &payload).unwrap(), whole, "{damage}");
            assert!(!writer.gives_back(event.name, b"{}").unwrap(), "{damage}");
            assert_eq!(store(&mut writer), Stored::Replay(id), "{damage}");
            assert!(writer.gives_back(event.name, &payload).unwrap(), "{damage}");
        };
        check("", true);
        check("update events set payload = x'00ff'", false);
        check("update events set codec = 0", false);
        check("update events set size = 9223372036854775807", false);
    }

    /// Stars for some letters.
    struct Hides(&'static [u8]);

    impl Guard for Hides {
        fn hides(&self) -> bool {
            true
        }

        fn hide_in_json(&self, bytes: &mut [u8]) -> bool {
            self.hide_in_text(bytes)
        }

        fn hide_in_text(&self, bytes: &mut [u8]) -> bool {
            let hidden: Vec<_> = (0..bytes.len()).filter(|at| self.0.contains(&bytes[*at])).collect();
            hidden.iter().for_each(|at| bytes[*at] = b'*');
            !hidden.is_empty()
        }
    }

    /// Whatever is hidden when it comes again, it is the same queue file.
    #[test]
    fn what_is_hidden_makes_no_other_event() {
        const PAYLOAD: &[u8] = b"{\"prompt\":\"KKK and QQQ\"}";
        let check = |first: &'static [u8], again: &'static [u8]| {
            let home = tempfile::tempdir().unwrap();
            let dir = queue::DataDir::new(home.path());
            let store = |hides: &'static [u8], name: &str, payload: &[u8]| {
                let mut writer = Writer::open(&dir).unwrap();
                writer.guard(std::sync::Arc::new(Hides(hides)));
                let (event, session_id) = ("UserPromptSubmit", "s");
                let batch = writer.batch().unwrap();
                let event =
                    NewEvent { name, captured_ns: 1, event, session_id, prompt_id: None, payload, stored_ms: 1 };
                let (stored, hidden) = batch.add_event_hiding(&event).unwrap();
                assert_eq!(hidden.is_some(), !hides.is_empty());
                batch.commit().unwrap();
                (stored, writer)
            };
            let (Stored::New(id), _) = store(first, "1-s-A.json", PAYLOAD) else { panic!("it is new") };
            let (stored, writer) = store(again, "1-s-A.json", PAYLOAD);
            assert_eq!(stored, Stored::Replay(id), "{first:?}, then {again:?}");
            assert!(writer.has_event("1-s-A.json", PAYLOAD).unwrap());
            assert!(writer.has_event_of_any_origin("1-s-A.json", PAYLOAD).unwrap());
            assert!(writer.gives_back("1-s-A.json", PAYLOAD).unwrap());
            assert_eq!(writer.captures("s", &[(PAYLOAD, None), (PAYLOAD, None)], &[]).unwrap(), [Some(1), None]);
            // Another name, or other words that are shown, are another event.
            let other = PAYLOAD.iter().map(|byte| if *byte == b'a' { b'o' } else { *byte }).collect::<Vec<_>>();
            for (name, payload) in [("2-s-A.json", PAYLOAD), ("1-s-A.json", &other)] {
                assert!(!writer.has_event(name, payload).unwrap());
                assert!(matches!(store(again, name, payload).0, Stored::New(_)));
            }
        };
        for first in [&b""[..], b"K", b"Q", b"KQ"] {
            for again in [&b""[..], b"K", b"Q", b"KQ"] {
                check(first, again);
            }
        }
    }
}
