//! The transcript lines of a conversation: those in which a text, a call, or what a call gave back stands.

use rusqlite::{Connection, OptionalExtension, params};

use super::{Filling, RawPart, RawPosition, RawSource};
use crate::codec;
use crate::error::{Context, Error};
use crate::ids::ConversationId;
use crate::veil::{Bytes, Veil};

/// All chunks of a transcript but the last hold so many bytes.
const CHUNK: u64 = crate::write::CHUNK as u64;

/// Where its texts and calls stand. A line has one path, however many of them stand in it.
const PLACES: &str = "
    select p.id, p.offset, f.root, f.path
      from (select source_id as id, source_offset as offset from blocks where conversation_id = ?1 and source = 0
             union select input_source_id, input_offset from tool_calls where conversation_id = ?1 and input_source = 0
             union select output_source_id, output_offset from tool_calls where conversation_id = ?1 and output_source = 0) p
      join transcripts f on f.id = p.id
     where (p.id, p.offset) >= (?2, ?3) order by p.id, p.offset";

const CHUNK_AT: &str = "select codec, bytes, size from transcript_chunks where transcript_id = ?1 and seq = ?2";

/// Fills a page with the lines after a place. Gives where the next page begins, if this one is full before the last of them.
pub(super) fn fill(
    conn: &Connection,
    id: ConversationId,
    after: Option<RawPosition>,
    veil: &Veil,
    page: &mut Filling,
) -> Result<Option<RawPosition>, Error> {
    let (major, minor, from) = after.map_or((0, 0, 0), |at| (at.major, at.minor, at.from));
    let mut statement = conn.prepare_cached(PLACES).op("prepare")?;
    let places = statement.query_map(params![id.0, major, minor], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?.unsigned_abs(), row.get(2)?, row.get(3)?))
    });
    let places: Vec<(i64, u64, String, String)> =
        places.op("list a conversation's lines")?.collect::<Result<_, _>>().op("list a conversation's lines")?;
    let mut file = File { conn, id: 0, kept: None };
    // The line that was shown last, with its end.
    let mut shown = None;
    if let Some(at) = after.filter(|at| at.from == 0) {
        file.id = at.major;
        shown = Some((at, file.line(at.minor.unsigned_abs())?.1));
    }
    for (transcript, offset, root, path) in places {
        if shown.is_some_and(|(at, end)| at.major == transcript && offset < end) {
            continue;
        }
        if page.is_full() {
            return Ok(shown.map(|(at, _)| at));
        }
        file.id = transcript;
        let (start, end) = file.line(offset)?;
        if start == end {
            continue; // The ground does not hold it.
        }
        let source = RawSource::Line { path: format!("{}/{path}", root.trim_end_matches('/')), offset: start };
        let place = RawPosition { part: RawPart::Lines, major: transcript, minor: start as i64, from: 0 };
        let from = if (place.major, place.minor) == (major, minor) { from } else { 0 };
        let cut = if veil.is_drawn() {
            // As a whole: a piece may hold half a secret, and its name may stand in the one before.
            let (line, _) = veil.blanked(file.read(start, end - start)?, Bytes::Json);
            page.add(&source, end - start, from, |at, length| Ok(part(&line, at, length)))?
        } else {
            page.add(&source, end - start, from, |at, length| file.read(start + at, length))?
        };
        if let Some(from) = cut {
            return Ok(Some(RawPosition { from, ..place }));
        }
        shown = Some((place, end));
    }
    Ok(None)
}

/// At most `length` bytes of a line from `at` on.
fn part(line: &[u8], at: u64, length: u64) -> Vec<u8> {
    let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(line.len());
    line[place(at)..place(at.saturating_add(length))].to_vec()
}

/// The line that holds byte `at` of a transcript; empty where there is none.
pub(super) fn line_at(conn: &Connection, transcript: i64, at: u64) -> Result<Vec<u8>, Error> {
    let mut file = File { conn, id: transcript, kept: None };
    let (start, end) = file.line(at)?;
    file.read(start, end - start)
}

/// A transcript that is read here and there. The last chunk is kept: neighbours mostly lie in one.
struct File<'a> {
    conn: &'a Connection,
    id: i64,
    kept: Option<(i64, u64, Vec<u8>)>,
}

impl File<'_> {
    /// Where the line that holds byte `at` begins and ends, without its line break. Empty where there is no such byte.
    fn line(&mut self, at: u64) -> Result<(u64, u64), Error> {
        let is_break = |byte: &u8| *byte == b'\n';
        let mut start = at;
        while start > 0 {
            let seq = (start - 1) / CHUNK;
            let chunk = self.chunk(seq)?;
            let before = chunk.get(..(start - seq * CHUNK) as usize).unwrap_or(chunk);
            match before.iter().rposition(is_break) {
                Some(found) => {
                    start = seq * CHUNK + found as u64 + 1;
                    break;
                }
                None => start = seq * CHUNK,
            }
        }
        let mut end = at;
        loop {
            let seq = end / CHUNK;
            let chunk = self.chunk(seq)?;
            let rest = chunk.get((end - seq * CHUNK) as usize..).unwrap_or_default();
            match rest.iter().position(is_break) {
                Some(found) => return Ok((start, end + found as u64)),
                None if rest.is_empty() || chunk.len() as u64 != CHUNK => {
                    let end = end + rest.len() as u64;
                    return Ok(if end > at { (start, end) } else { (at, at) });
                }
                None => end = (seq + 1) * CHUNK,
            }
        }
    }

    /// At most `length` bytes from `at` on.
    fn read(&mut self, at: u64, length: u64) -> Result<Vec<u8>, Error> {
        let (mut bytes, end) = (Vec::new(), at.saturating_add(length));
        let mut at = at;
        while at < end {
            let seq = at / CHUNK;
            let chunk = self.chunk(seq)?;
            let to = (end - seq * CHUNK).min(chunk.len() as u64) as usize;
            let Some(found) = chunk.get((at - seq * CHUNK) as usize..to).filter(|found| !found.is_empty()) else {
                break;
            };
            bytes.extend_from_slice(found);
            at += found.len() as u64;
        }
        Ok(bytes)
    }

    /// The bytes of a chunk; none where there is none.
    fn chunk(&mut self, seq: u64) -> Result<&[u8], Error> {
        let kept = match self.kept.take() {
            Some(kept) if (kept.0, kept.1) == (self.id, seq) => kept,
            _ => {
                let mut statement = self.conn.prepare_cached(CHUNK_AT).op("prepare")?;
                let packed = statement
                    .query_row(params![self.id, seq as i64], |row| {
                        Ok((row.get(0)?, row.get(1)?, row.get::<_, i64>(2)?))
                    })
                    .optional()
                    .op("read a transcript")?;
                let bytes = match packed {
                    Some((codec, bytes, size)) => codec::unpack(codec, bytes, usize::try_from(size).unwrap_or(0))
                        .map_err(|error| Error::Corrupt { op: "unpack a transcript", detail: error.to_string() })?,
                    None => Vec::new(),
                };
                (self.id, seq, bytes)
            }
        };
        Ok(&self.kept.insert(kept).2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::seed::Store;

    #[test]
    fn lines_are_found_around_a_place() {
        let store = Store::new();
        let chunk = CHUNK as usize;
        let lines =
            ["first".to_owned(), "x".repeat(2 * chunk + 10), String::new(), "y".repeat(chunk - 20), "end".to_owned()];
        let text = lines.join("\n");
        let id = store.transcript(text.as_bytes()).0;
        let mut file = File { conn: &store.conn, id, kept: None };
        let mut start = 0;
        for line in &lines {
            for at in [0, line.len() / 2, line.len().saturating_sub(1)] {
                let expected = if line.is_empty() { (start, start) } else { (start, start + line.len()) };
                let found = file.line((start + at) as u64).unwrap();
                assert_eq!(found, (expected.0 as u64, expected.1 as u64), "{start} + {at}");
            }
            assert!(file.read(start as u64, line.len() as u64).unwrap() == line.as_bytes(), "{start}");
            start += line.len() + 1;
        }
        let beyond = text.len() as u64 + 5;
        assert_eq!(file.line(beyond).unwrap(), (beyond, beyond));
        assert_eq!(file.read(beyond, 10).unwrap(), b"");
    }
}
