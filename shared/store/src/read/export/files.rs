//! The files of sessions, byte for byte as Claude Code wrote them.

use std::collections::BTreeSet;

use super::{Exporter, rows};
use crate::codec;
use crate::error::{Context, Error};
use crate::ids::TranscriptId;
use crate::veil::Passing;
use rusqlite::{OptionalExtension, params};

/// Which files.
#[derive(Clone, Debug, Default)]
pub struct FileFilter {
    /// Only of these sessions.
    pub sessions: Option<BTreeSet<String>>,
    /// Also what stood at a path before it was rewritten.
    pub superseded: bool,
}

/// A stored file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its row.
    pub id: TranscriptId,
    /// The data directory that read it, 32 hex digits.
    pub origin: String,
    /// Whether that is this one.
    pub own: bool,
    /// The folder it lay below, on the machine where it was read.
    pub root: String,
    /// Its path there.
    pub path: String,
    /// Its session.
    pub session_id: String,
    /// How many bytes of it are stored.
    pub size: u64,
    /// When it was last written, in nanoseconds since 1970, UTC.
    pub modified_ns: i64,
    /// When it was found that another file stands at its path.
    pub superseded_ms: Option<i64>,
    /// Some of its bytes are not those of Claude Code: they were forgotten, or hidden before they were kept.
    pub blanked: bool,
}

const FILES: &str = "
    select f.id, o.origin, o.own, f.root, f.path, f.session_id, f.stored_size, f.source_mtime_ns, f.superseded_ms, f.blanked
      from transcripts f join origins o on o.id = f.origin_id
     where f.id > ?1 and (?2 or f.superseded_ms is null) order by f.id limit 1000";

/// A root with the data directory that it belongs to: origin, whether that is this one, root.
const ROOTS: &str = "
    select o.origin, o.own, f.root from transcripts f join origins o on o.id = f.origin_id
     group by f.origin_id, f.root order by o.own desc, min(f.id)";

const CHUNK: &str = "select codec, bytes, size from transcript_chunks where transcript_id = ?1 and seq = ?2";

impl Exporter {
    /// The stored files, oldest row first.
    ///
    /// # Errors
    /// The engine's.
    pub fn files(&mut self, filter: &FileFilter) -> Result<Vec<File>, Error> {
        let (mut found, mut last) = (Vec::new(), 0);
        loop {
            let page = self.ask(|conn| {
                rows(conn, "list transcripts", FILES, params![last, filter.superseded], |row| {
                    Ok(File {
                        id: TranscriptId(row.get(0)?),
                        origin: row.get(1)?,
                        own: row.get(2)?,
                        root: row.get(3)?,
                        path: row.get(4)?,
                        session_id: row.get(5)?,
                        size: row.get::<_, i64>(6)?.unsigned_abs(),
                        modified_ns: row.get(7)?,
                        superseded_ms: row.get(8)?,
                        blanked: row.get(9)?,
                    })
                })
            })?;
            let Some(end) = page.last() else { return Ok(found) };
            last = end.id.0;
            found.extend(
                page.into_iter()
                    .filter(|file| filter.sessions.as_ref().is_none_or(|wanted| wanted.contains(&file.session_id))),
            );
        }
    }

    /// Every (origin, root) that files were read from, this data directory's first.
    ///
    /// # Errors
    /// The engine's.
    pub fn roots(&mut self) -> Result<Vec<(String, String)>, Error> {
        self.look(|conn| rows(conn, "list roots", ROOTS, [], |row| Ok((row.get(0)?, row.get(2)?))))
    }

    /// The bytes of a file, in pieces and in order. It may have grown since it was listed: what came later is left out.
    /// Through a veil each byte of a secret is `*`, and all others are as they were.
    ///
    /// # Errors
    /// The engine's, [`Error::Corrupt`] when a piece is missing or damaged, and those of `each`.
    pub fn read_file<E: From<Error>>(
        &mut self,
        file: &File,
        mut each: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut left = file.size;
        let mut seq = 0_i64;
        let mut passing = Passing::new(&self.veil, &file.path);
        while left > 0 {
            let packed: Option<(i64, Vec<u8>, i64)> = self.look(|conn| {
                conn.prepare_cached(CHUNK)
                    .op("prepare")?
                    .query_row([file.id.0, seq], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                    .optional()
                    .op("read a transcript")
            })?;
            let damaged = |what: &str| Error::Corrupt {
                op: "read a transcript",
                detail: format!("piece {seq} of {} {what}", file.path),
            };
            let Some((kind, bytes, size)) = packed else { return Err(damaged("is missing").into()) };
            let bytes = codec::unpack(kind, bytes, usize::try_from(size).unwrap_or(0))
                .map_err(|error| damaged(&format!("cannot be unpacked: {error}")))?;
            let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
            if wanted == 0 {
                return Err(damaged("is empty").into());
            }
            each(&passing.take(&bytes[..wanted]))?;
            left -= wanted as u64;
            seq += 1;
        }
        each(&passing.end())?;
        self.hidden += passing.hidden;
        Ok(())
    }
}
