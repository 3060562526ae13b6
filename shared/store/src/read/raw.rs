//! What a conversation was made from, byte for byte: the payloads of its hook events in the order of their capture, then
//! the transcript lines in which its texts and calls stand, file by file.
//!
//! A line may be as long as an image is large, so all is given in pieces: a page ends after a mebibyte, be it within a
//! line, and says where the next one begins.

mod events;
mod lines;

use rusqlite::Connection;

use super::conversation::survivor;
use super::turn;
use crate::error::Error;
use crate::ids::{ConversationId, TranscriptId};
use crate::veil::Veil;

/// A page ends after so many bytes.
const PAGE: usize = 1 << 20;
/// A piece is no longer.
const PIECE: u64 = 256 << 10;

/// A page of what a conversation was made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawPage {
    /// The id that answers for the one that was asked for.
    pub id: ConversationId,
    /// Pieces, in order.
    pub items: Vec<RawPiece>,
    /// Where the next page begins; `None` after the last. A page may be empty and still have one.
    pub next: Option<RawPosition>,
}

/// A payload or a line, or a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawPiece {
    /// Of what.
    pub source: RawSource,
    /// How many bytes the whole has.
    pub size: u64,
    /// Which of its bytes is the first of these.
    pub from: u64,
    /// As they were captured. A piece ends within a character only where that is none in UTF-8.
    pub bytes: Vec<u8>,
}

/// Where bytes were captured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RawSource {
    /// By a hook.
    Event {
        /// The event's name.
        event: String,
        /// The queue file's.
        name: String,
        /// When, in nanoseconds since 1970, UTC.
        captured_ns: i64,
    },
    /// In a transcript.
    Line {
        /// The file's path, where it was read.
        path: String,
        /// At which byte of it the line begins.
        offset: u64,
    },
}

/// A place among the pieces of one conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawPosition {
    /// Among which of its sources.
    pub part: RawPart,
    /// Of events the time of capture, of lines the transcript.
    pub major: i64,
    /// Of events the row, of lines the offset.
    pub minor: i64,
    /// From which byte of it on; 0 for what comes after it.
    pub from: u64,
}

/// The sources, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RawPart {
    /// Payloads.
    Events,
    /// Transcripts.
    Lines,
}

/// The line of a transcript that holds a byte; empty where there is none.
pub(super) fn line_at(conn: &Connection, transcript: TranscriptId, at: u64) -> Result<Vec<u8>, Error> {
    lines::line_at(conn, transcript.0, at)
}

/// A page that is being filled.
struct Filling {
    items: Vec<RawPiece>,
    room: usize,
    limit: usize,
}

impl Filling {
    /// Takes in `whole` pieces of something of `size` bytes, from byte `from` on; `bytes` reads some of them. Gives the byte
    /// that the next page begins with, if this one ends before the end.
    fn add(
        &mut self,
        source: &RawSource,
        size: u64,
        mut from: u64,
        mut bytes: impl FnMut(u64, u64) -> Result<Vec<u8>, Error>,
    ) -> Result<Option<u64>, Error> {
        loop {
            let mut piece = bytes(from, PIECE.min(size.saturating_sub(from)))?;
            if from + (piece.len() as u64) < size {
                piece.truncate(whole_characters(&piece));
            }
            // What is shorter than it should be is damaged; nothing would come after it.
            let end = if piece.is_empty() { size } else { from + piece.len() as u64 };
            self.room = self.room.saturating_sub(piece.len());
            self.items.push(RawPiece { source: source.clone(), size, from, bytes: piece });
            if end >= size {
                return Ok(None);
            }
            from = end;
            if self.is_full() {
                return Ok(Some(from));
            }
        }
    }

    fn is_full(&self) -> bool {
        self.room == 0 || self.items.len() >= self.limit
    }
}

/// How many bytes of a piece belong to characters that end in it. All, if the last ones are no part of a character.
fn whole_characters(piece: &[u8]) -> usize {
    let Some(back) = piece.iter().rev().take(4).position(|byte| byte & 0xc0 != 0x80) else { return piece.len() };
    let start = piece.len() - 1 - back;
    let length = match piece[start] {
        0xc0..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0..0xf8 => 4,
        _ => 1,
    };
    if length > back + 1 && start > 0 { start } else { piece.len() }
}

/// A page. `None` if there is no such conversation.
pub(super) fn page(
    conn: &Connection,
    id: ConversationId,
    after: Option<RawPosition>,
    limit: u32,
    veil: &Veil,
) -> Result<Option<RawPage>, Error> {
    let id = survivor(conn, id)?;
    let Some(turn) = turn::turn(conn, id)? else { return Ok(None) };
    let mut page = Filling { items: Vec::new(), room: PAGE, limit: limit.max(1) as usize };
    let (events, lines) = match after {
        None => (Some(None), None),
        Some(at) if at.part == RawPart::Events => (Some(Some(at)), None),
        Some(at) => (None, Some(at)),
    };
    let mut next = None;
    if let Some(after) = events {
        next = events::fill(conn, &turn, after, veil, &mut page)?;
    }
    if next.is_none() {
        next = lines::fill(conn, id, lines, veil, &mut page)?;
    }
    Ok(Some(RawPage { id, items: page.items, next }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::seed::{Store, turn};

    #[test]
    fn pieces_end_between_characters() {
        let check = |piece: &[u8], expected: usize| assert_eq!(whole_characters(piece), expected, "{piece:?}");
        check(b"", 0);
        check(b"ab", 2);
        check("aé".as_bytes(), 3);
        check(&"aé".as_bytes()[..2], 1);
        check(&"a日".as_bytes()[..3], 1);
        check(&"a\u{1f600}".as_bytes()[..4], 1);
        check("a\u{1f600}".as_bytes(), 5);
        check(b"\x80\x80\x80\x80\x80", 5);
        // It would never end otherwise.
        check(b"\xe6", 1);
    }

    #[test]
    fn long_things_come_in_pieces() {
        let whole = "日".repeat(700_000);
        let read = |from: u64, length: u64| Ok(whole.as_bytes()[from as usize..][..length as usize].to_vec());
        let source = RawSource::Line { path: String::new(), offset: 0 };
        let (mut found, mut from) = (Vec::new(), Some(0));
        while let Some(at) = from {
            let mut page = Filling { items: Vec::new(), room: PAGE, limit: 50 };
            from = page.add(&source, whole.len() as u64, at, read).unwrap();
            assert!(page.items.iter().all(|piece| std::str::from_utf8(&piece.bytes).is_ok()));
            assert!(page.items.iter().map(|piece| piece.bytes.len()).sum::<usize>() <= PAGE + PIECE as usize);
            found.extend(page.items.into_iter().flat_map(|piece| piece.bytes));
        }
        assert_eq!(found, whole.as_bytes());
    }

    /// What was typed while Claude worked may wait for hours.
    #[test]
    fn a_submit_that_waited_long_is_there() {
        const HOUR_MS: i64 = 3_600_000;
        let store = Store::new();
        let [earlier, id] = [HOUR_MS, 9 * HOUR_MS].map(|at| store.turn(&turn("s", at, "ask")));
        for (payload, at_ms, of) in [(b"other's", HOUR_MS, earlier), (b"waited.", 2 * HOUR_MS, id)] {
            let event = store.event(payload);
            let sql = "update events set captured_ns = ?1, event = 'UserPromptSubmit' where id = ?2";
            store.conn.execute(sql, [at_ms * 1_000_000, event.0]).unwrap();
            let key = crate::write::event_key("test", "n", blake3::hash(payload).as_bytes());
            let sql = "insert into conversation_keys values ('event', ?1, ?2)";
            store.conn.execute(sql, rusqlite::params![key, of.0]).unwrap();
        }
        let page = store.reader().raw(id, None, 50).unwrap().unwrap();
        assert_eq!(page.items.iter().map(|piece| &piece.bytes[..]).collect::<Vec<_>>(), [b"waited."]);
    }

    /// A conversation of a transcript, an event with a key, one with neither, and one of another conversation.
    #[test]
    fn an_alias_answers_with_its_survivor() {
        let store = Store::new();
        let transcript = store.transcript(b"{\"a\":\"first\"}\n{\"a\":\"second\"}\n{\"a\":\"third\"}");
        let ids = [1000, 9000].map(|at| store.turn(&turn("s", at, "ask")));
        let sql = format!(
            "delete from blocks;
             insert into blocks (conversation_id, seq, kind, source, source_id, source_offset, source_length)
             values ({id}, 0, 'prompt', 0, {file}, 20, 8), ({id}, 1, 'text', 0, {file}, 21, 2), ({id}, 2, 'text', 0, {file}, 37, 7);
             insert into conversation_ids (id, created_ms) values (77, 0);
             insert into aliases values (77, {id});",
            id = ids[0].0,
            file = transcript.0,
        );
        store.say(&sql);
        let payloads: [&[u8]; 3] = [b"at once", b"by its key", b"later"];
        for (payload, at_ms) in payloads.iter().zip([2000, 9500, 9600]) {
            let event = store.event(payload);
            let at_ns = at_ms * 1_000_000;
            store.conn.execute("update events set captured_ns = ?1 where id = ?2", [at_ns, event.0]).unwrap();
        }
        let hash = blake3::hash(payloads[1]);
        let key = crate::write::event_key("test", "n", hash.as_bytes());
        let sql = "insert into conversation_keys values ('event', ?1, 77)";
        store.conn.execute(sql, [key.as_slice()]).unwrap();

        let texts = |page: &RawPage| -> Vec<String> {
            page.items.iter().map(|piece| String::from_utf8(piece.bytes.clone()).unwrap()).collect()
        };
        let mut reader = store.reader();
        let own = reader.raw(ids[0], None, 50).unwrap().unwrap();
        assert_eq!(texts(&own), ["at once", "by its key", "{\"a\":\"second\"}", "{\"a\":\"third\"}"]);
        assert_eq!((own.id, own.next), (ids[0], None));
        assert_eq!(reader.raw(ConversationId(77), None, 50).unwrap(), Some(own.clone()));
        assert_eq!(texts(&reader.raw(ids[1], None, 50).unwrap().unwrap()), ["later"]);
        assert_eq!(reader.raw(ConversationId(999), None, 50).unwrap(), None);
        let (mut found, mut after) = (Vec::new(), None);
        while let Some(page) = reader.raw(ids[0], after, 1).unwrap() {
            found.extend(texts(&page));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(found, texts(&own));
    }
}
