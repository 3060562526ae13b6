//! Pieces of the ground, one after the other: what is read next mostly stands where the last one stood, so that is kept.

use std::borrow::Cow;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::ground::unpack_chunk;
use super::transcripts::CHUNK;
use crate::codec;
use crate::error::{Context, Error};
use crate::ids::{Span, SpanSource};

/// What is larger is not kept.
const KEPT: usize = 1024 * 1024;

/// Reads pieces.
pub(super) struct Pieces<'c> {
    conn: &'c Connection,
    /// The chunk read last, by its file and number.
    chunk: Option<((i64, u64), Vec<u8>)>,
    /// The payload read last, by its event.
    payload: Option<(i64, Vec<u8>)>,
}

impl<'c> Pieces<'c> {
    pub(super) fn new(conn: &'c Connection) -> Self {
        Self { conn, chunk: None, payload: None }
    }

    /// What `take` makes of a piece; of no bytes, where the ground does not hold it.
    pub(super) fn read<T>(&mut self, span: Span, take: impl FnOnce(&[u8]) -> T) -> Result<T, Error> {
        let (offset, length) = (span.offset, span.length as usize);
        match span.source {
            SpanSource::Transcript(file) => Ok(take(&self.of_file(file.0, offset, length)?)),
            SpanSource::Event(event) => {
                let payload = self.payload(event.0)?;
                let from = usize::try_from(offset).unwrap_or(usize::MAX);
                let taken = take(payload.get(from..from.saturating_add(length)).unwrap_or_default());
                self.payload.take_if(|(_, payload)| payload.len() > KEPT);
                Ok(taken)
            }
        }
    }

    /// Some bytes of a file; as many of them as are there.
    pub(super) fn of_file(&mut self, file: i64, offset: u64, length: usize) -> Result<Cow<'_, [u8]>, Error> {
        let first = offset / CHUNK as u64;
        let from = (offset % CHUNK as u64) as usize;
        if from + length <= CHUNK {
            let chunk = self.chunk(file, first)?;
            let end = (from + length).min(chunk.len());
            return Ok(Cow::Borrowed(chunk.get(from..end).unwrap_or_default()));
        }
        let mut bytes = Vec::with_capacity(length);
        let mut at = offset;
        while bytes.len() < length {
            let chunk = self.chunk(file, at / CHUNK as u64)?;
            let part = chunk.get((at % CHUNK as u64) as usize..).unwrap_or_default();
            let part = &part[..part.len().min(length - bytes.len())];
            if part.is_empty() {
                break;
            }
            bytes.extend_from_slice(part);
            at += part.len() as u64;
        }
        Ok(Cow::Owned(bytes))
    }

    fn chunk(&mut self, file: i64, seq: u64) -> Result<&[u8], Error> {
        if !matches!(self.chunk, Some((place, _)) if place == (file, seq)) {
            let mut query = self
                .conn
                .prepare_cached(
                    "select size, codec, bytes from transcript_chunks where transcript_id = ?1 and seq = ?2",
                )
                .op("prepare")?;
            let mut rows = query.query(params![file, seq as i64]).op("read a chunk")?;
            self.chunk = match rows.next().op("read a chunk")? {
                Some(row) => Some(((file, seq), unpack_chunk(row)?)),
                None => None,
            };
        }
        Ok(self.chunk.as_ref().map_or(&[], |(_, chunk)| chunk))
    }

    fn payload(&mut self, event: i64) -> Result<&[u8], Error> {
        if !matches!(self.payload, Some((of, _)) if of == event) {
            let packed = self
                .conn
                .prepare_cached("select codec, payload, size from events where id = ?1")
                .op("prepare")?
                .query_row([event], |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get::<_, i64>(2)?)))
                .optional()
                .op("read an event")?;
            self.payload = match packed {
                Some((codec, bytes, size)) => {
                    let unpacked = codec::unpack(codec, bytes, usize::try_from(size).unwrap_or(0));
                    let corrupt =
                        |error: std::io::Error| Error::Corrupt { op: "unpack an event", detail: error.to_string() };
                    Some((event, unpacked.map_err(corrupt)?))
                }
                None => None,
            };
        }
        Ok(self.payload.as_ref().map_or(&[], |(_, payload)| payload))
    }
}
