//! Brings the bytes of many spans from the ground, unpacking each chunk once, however many of them lie in it.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::codec;
use crate::error::{Context, Error};
use crate::ids::{EventId, Span, SpanSource, TranscriptId};

/// All chunks of a transcript but the last hold so many bytes.
const CHUNK: u64 = 262_144;

const CHUNK_AT: &str = "select codec, bytes, size from transcript_chunks where transcript_id = ?1 and seq = ?2";

const PAYLOAD: &str = "select codec, payload, size from events where id = ?1";

/// The bytes of each span that the ground holds whole.
#[derive(Debug, Default)]
pub(super) struct Spans(HashMap<Span, Vec<u8>>);

impl Spans {
    /// Reads them. A span that the ground does not hold is left out: one damaged place must not hide the rest.
    pub(super) fn load(conn: &Connection, wanted: impl IntoIterator<Item = Span>) -> Result<Self, Error> {
        let mut found: HashMap<Span, Vec<u8>> = wanted.into_iter().map(|span| (span, Vec::new())).collect();
        let mut chunks: BTreeMap<(TranscriptId, u64), Vec<Span>> = BTreeMap::new();
        let mut events: BTreeMap<EventId, Vec<Span>> = BTreeMap::new();
        for &span in found.keys() {
            match span.source {
                SpanSource::Event(event) => events.entry(event).or_default().push(span),
                SpanSource::Transcript(transcript) => {
                    for seq in span.offset / CHUNK..end(span).div_ceil(CHUNK) {
                        chunks.entry((transcript, seq)).or_default().push(span);
                    }
                }
            }
        }
        // In order of seq, so that a span that goes over several chunks grows from its front.
        for ((transcript, seq), spans) in chunks {
            let bytes = unpacked(conn, CHUNK_AT, params![transcript.0, seq as i64])?;
            take(&bytes, seq * CHUNK, &spans, &mut found);
        }
        for (event, spans) in events {
            let bytes = unpacked(conn, PAYLOAD, params![event.0])?;
            take(&bytes, 0, &spans, &mut found);
        }
        found.retain(|span, bytes| bytes.len() as u64 == u64::from(span.length));
        Ok(Self(found))
    }

    /// The bytes of a span, if they are there.
    pub(super) fn get(&self, span: Span) -> Option<&[u8]> {
        self.0.get(&span).map(Vec::as_slice)
    }
}

/// The chunk that was unpacked last, for who asks for one span after another: neighbours lie in the same one.
#[derive(Debug, Default)]
pub(super) struct LastChunk(RefCell<Option<(TranscriptId, u64, Vec<u8>)>>);

impl LastChunk {
    /// The bytes of a span, if the ground holds it whole.
    pub(super) fn bytes(&self, conn: &Connection, span: Span) -> Result<Option<Vec<u8>>, Error> {
        let (seq, last) = (span.offset / CHUNK, end(span).saturating_sub(1) / CHUNK);
        let transcript = match span.source {
            SpanSource::Transcript(transcript) if seq == last => transcript,
            _ => return Ok(Spans::load(conn, [span])?.0.remove(&span)),
        };
        let mut kept = self.0.borrow_mut();
        let chunk = match kept.take() {
            Some(chunk) if (chunk.0, chunk.1) == (transcript, seq) => chunk,
            _ => (transcript, seq, unpacked(conn, CHUNK_AT, params![transcript.0, seq as i64])?),
        };
        let start = (span.offset - seq * CHUNK) as usize;
        let bytes = chunk.2.get(start..start + span.length as usize).map(<[u8]>::to_vec);
        *kept = Some(chunk);
        Ok(bytes)
    }
}

fn end(span: Span) -> u64 {
    span.offset.saturating_add(u64::from(span.length))
}

/// Appends to each span what `bytes`, which begin at `start`, hold of it.
fn take(bytes: &[u8], start: u64, spans: &[Span], found: &mut HashMap<Span, Vec<u8>>) {
    for span in spans {
        let from = span.offset.saturating_sub(start).min(bytes.len() as u64) as usize;
        let to = end(*span).saturating_sub(start).min(bytes.len() as u64) as usize;
        if let Some(text) = found.get_mut(span) {
            text.extend_from_slice(&bytes[from..to]);
        }
    }
}

/// The bytes of one row; none if there is no such row.
fn unpacked(conn: &Connection, sql: &str, key: impl rusqlite::Params) -> Result<Vec<u8>, Error> {
    let packed = conn
        .prepare_cached(sql)
        .op("prepare")?
        .query_row(key, |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get::<_, i64>(2)?)))
        .optional()
        .op("read the original text")?;
    let Some((codec, bytes, size)) = packed else { return Ok(Vec::new()) };
    codec::unpack(codec, bytes, usize::try_from(size).unwrap_or(0))
        .map_err(|error| Error::Corrupt { op: "unpack the original text", detail: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::seed::Store;

    /// Every byte is recognisable by its place.
    fn file(size: usize) -> Vec<u8> {
        (0..size).map(|i| (i / 7 + i % 251) as u8).collect()
    }

    fn check(store: &Store, file: &[u8], source: SpanSource, places: &[(usize, usize)]) {
        let spans: Vec<Span> = places
            .iter()
            .map(|&(offset, length)| Span { source, offset: offset as u64, length: length as u32 })
            .collect();
        let loaded = Spans::load(&store.conn, spans.iter().copied()).unwrap();
        let chunk = LastChunk::default();
        for (span, &(offset, length)) in spans.iter().zip(places) {
            assert_eq!(chunk.bytes(&store.conn, *span).unwrap().as_deref(), file.get(offset..offset + length));
            assert_eq!(loaded.get(*span), file.get(offset..offset + length), "{offset} {length}");
        }
    }

    #[test]
    fn spans_of_a_transcript() {
        let store = Store::new();
        let chunk = CHUNK as usize;
        let file = file(3 * chunk + 100);
        let source = SpanSource::Transcript(store.transcript(&file));
        check(&store, &file, source, &[(0, 10), (5, 10), (0, 0), (100, 1)]);
        check(&store, &file, source, &[(chunk - 1, 2), (chunk, 1), (chunk - 1, 1), (chunk - 5, chunk + 10)]);
        check(&store, &file, source, &[(10, 3 * chunk), (0, file.len()), (file.len() - 1, 1)]);
        // Not there, or only in part.
        check(&store, &file, source, &[(file.len() - 1, 2), (file.len() + 5, 1), (90 * chunk, 5), (0, 4)]);
    }

    #[test]
    fn spans_of_an_event() {
        let store = Store::new();
        let payload = file(1000);
        let source = SpanSource::Event(store.event(&payload));
        check(&store, &payload, source, &[(0, 1000), (999, 1), (500, 3), (999, 2)]);
        check(&store, b"", SpanSource::Event(EventId(99)), &[(0, 1)]);
    }

    #[test]
    fn damage_is_an_error() {
        let store = Store::new();
        let source = SpanSource::Event(store.event(&file(5000)));
        store.conn.execute("update events set size = size + 1", []).unwrap();
        let loaded = Spans::load(&store.conn, [Span { source, offset: 0, length: 1 }]);
        assert!(matches!(loaded, Err(Error::Corrupt { .. })), "{loaded:?}");
    }
}
