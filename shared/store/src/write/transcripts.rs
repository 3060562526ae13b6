//! The bytes of transcripts, as Claude Code wrote them: appended, never changed, in chunks that are packed one by one.

use rusqlite::{OptionalExtension, Row, params};

use super::Batch;
use super::ground::Role;
use super::typed::HISTORY_SESSION;
use crate::codec;
use crate::error::{Context, Error};
use crate::ids::TranscriptId;
use crate::sieve::Feed;

/// Unpacked size of every chunk but a file's last.
pub(crate) const CHUNK: usize = 256 * 1024;

/// How much of a file's end is compared before bytes are appended to it.
pub const TAIL: u64 = 4096;

/// What a file on disk is, as far as its meta data tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OnDisk {
    /// Device number.
    pub device: u64,
    /// Inode number.
    pub inode: u64,
    /// Size in bytes.
    pub size: u64,
    /// Modification time, nanoseconds since 1970.
    pub mtime_ns: i64,
}

/// What the store knows of a file.
#[derive(Clone, Debug)]
pub struct Known {
    /// Its row.
    pub id: TranscriptId,
    /// As it was when last looked at.
    pub on_disk: OnDisk,
    /// How many bytes have been taken in.
    pub stored: u64,
    /// Hash of the last [`TAIL`] bytes before `stored`.
    pub tail: [u8; 32],
    /// Its session.
    pub session_id: String,
}

impl Known {
    /// Whether its last [`TAIL`] stored bytes are these.
    pub fn ends_with(&self, tail: &[u8]) -> bool {
        *blake3::hash(tail).as_bytes() == self.tail
    }

    /// How many bytes [`Known::ends_with`] wants.
    pub fn tail_length(&self) -> u64 {
        self.stored.min(TAIL)
    }
}

/// A file that is seen for the first time.
#[derive(Clone, Copy, Debug)]
pub struct NewFile<'a> {
    /// The projects root.
    pub root: &'a str,
    /// Below it.
    pub path: &'a str,
    /// What it is.
    pub role: Role,
    /// Whose it is.
    pub session_id: &'a str,
    /// For a subagent's files.
    pub agent_id: Option<&'a str>,
    /// Its meta data.
    pub on_disk: OnDisk,
}

const COLUMNS: &str = "id, device, inode, source_size, source_mtime_ns, stored_size, tail_hash, session_id";

fn known(row: &Row<'_>) -> rusqlite::Result<Known> {
    Ok(Known {
        id: TranscriptId(row.get(0)?),
        on_disk: OnDisk {
            device: row.get::<_, i64>(1)? as u64,
            inode: row.get::<_, i64>(2)? as u64,
            size: row.get::<_, i64>(3)? as u64,
            mtime_ns: row.get(4)?,
        },
        stored: row.get::<_, i64>(5)? as u64,
        tail: row.get(6)?,
        session_id: row.get(7)?,
    })
}

impl super::Writer {
    /// Whether the current file at a path was taken in whole and has not changed since: then it need not be opened.
    ///
    /// # Errors
    /// The engine's.
    pub fn has_file(&self, root: &str, path: &str, on_disk: &OnDisk) -> Result<bool, Error> {
        self.conn
            .prepare_cached(
                "select exists (
                    select 1 from transcripts
                     where origin_id = ?1 and root = ?2 and path = ?3 and superseded_ms is null
                       and device = ?4 and inode = ?5 and source_size = ?6 and source_mtime_ns = ?7
                       and stored_size >= source_size)",
            )
            .op("prepare")?
            .query_row(
                params![
                    self.origin_id,
                    root,
                    path,
                    on_disk.device as i64,
                    on_disk.inode as i64,
                    on_disk.size as i64,
                    on_disk.mtime_ns
                ],
                |row| row.get(0),
            )
            .op("look for a file")
    }
}

impl super::Writer {
    /// How far the current file at a path was taken in; `None` while it is unknown.
    ///
    /// # Errors
    /// The engine's.
    pub fn stored_size(&self, root: &str, path: &str) -> Result<Option<u64>, Error> {
        self.conn
            .prepare_cached(
                "select stored_size from transcripts
                  where origin_id = ?1 and root = ?2 and path = ?3 and superseded_ms is null",
            )
            .op("prepare")?
            .query_row(params![self.origin_id, root, path], |row| row.get::<_, i64>(0))
            .optional()
            .op("look for a file")
            .map(|found| found.map(|size| size as u64))
    }
}

impl Batch<'_> {
    /// The current file at a path.
    ///
    /// # Errors
    /// The engine's.
    pub fn file_at(&self, root: &str, path: &str) -> Result<Option<Known>, Error> {
        self.tx
            .prepare_cached(&format!(
                "select {COLUMNS} from transcripts
                  where origin_id = ?1 and root = ?2 and path = ?3 and superseded_ms is null"
            ))
            .op("prepare")?
            .query_row(params![self.origin_id, root, path], known)
            .optional()
            .op("look for a file")
    }

    /// The current file with an inode, wherever it lay: Claude Code moves transcripts (claude-code.md C.2).
    ///
    /// # Errors
    /// The engine's.
    pub fn file_with_inode(&self, on_disk: &OnDisk) -> Result<Option<Known>, Error> {
        self.tx
            .prepare_cached(&format!(
                "select {COLUMNS} from transcripts
                  where device = ?1 and inode = ?2 and superseded_ms is null and origin_id = ?3 limit 1"
            ))
            .op("prepare")?
            .query_row(params![on_disk.device as i64, on_disk.inode as i64, self.origin_id], known)
            .optional()
            .op("look for an inode")
    }

    /// A new, empty row.
    ///
    /// # Errors
    /// The engine's.
    pub fn add_file(&self, file: &NewFile<'_>) -> Result<Known, Error> {
        let empty = *blake3::hash(b"").as_bytes();
        self.execute(
            "insert into transcripts (origin_id, root, path, role, session_id, agent_id, device, inode,
                                      source_size, source_mtime_ns, stored_size, tail_hash)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0, ?11)",
            params![
                self.origin_id,
                file.root,
                file.path,
                file.role.as_str(),
                file.session_id,
                file.agent_id,
                file.on_disk.device as i64,
                file.on_disk.inode as i64,
                file.on_disk.size as i64,
                file.on_disk.mtime_ns,
                empty,
            ],
        )?;
        Ok(Known {
            id: TranscriptId(self.tx.last_insert_rowid()),
            on_disk: file.on_disk,
            stored: 0,
            tail: empty,
            session_id: file.session_id.to_owned(),
        })
    }

    /// The file was rewritten: its old bytes stay, under a row that is no longer current.
    ///
    /// # Errors
    /// The engine's.
    pub fn supersede(&self, id: TranscriptId, now_ms: i64) -> Result<(), Error> {
        self.execute("update transcripts set superseded_ms = ?2 where id = ?1", [id.0, now_ms])?;
        self.execute(
            "update derivations set settled_ns = null, seal = null
              where session_id = (select session_id from transcripts where id = ?1)",
            [id.0],
        )
    }

    /// The file lies elsewhere now, or its meta data changed.
    ///
    /// # Errors
    /// The engine's.
    pub fn seen_at(&self, id: TranscriptId, root: &str, path: &str, on_disk: &OnDisk) -> Result<(), Error> {
        self.execute(
            "update transcripts set root = ?2, path = ?3, device = ?4, inode = ?5, source_size = ?6, source_mtime_ns = ?7
              where id = ?1",
            params![
                id.0,
                root,
                path,
                on_disk.device as i64,
                on_disk.inode as i64,
                on_disk.size as i64,
                on_disk.mtime_ns
            ],
        )
    }

    /// Appends bytes that came out of `feed` last, and marks the session to be derived again. `file` tells where it ends
    /// afterwards.
    ///
    /// # Errors
    /// The engine's, or [`Error::Corrupt`] when the last chunk cannot be unpacked.
    pub fn append(&self, file: &mut Known, bytes: &[u8], feed: &Feed) -> Result<(), Error> {
        let mut rest = bytes;
        let mut seq = file.stored / CHUNK as u64;
        let (mut chunk, mut replaces) = self.last_chunk(file.id, seq)?;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(CHUNK - chunk.len()));
            chunk.extend_from_slice(now);
            self.put_chunk(file.id, seq, &chunk, replaces)?;
            rest = later;
            if chunk.len() == CHUNK {
                seq += 1;
                chunk.clear();
                replaces = false;
            }
        }
        file.stored += bytes.len() as u64;
        file.tail = feed.tail();
        self.execute(
            "update transcripts set stored_size = ?2, tail_hash = ?3, blanked = max(blanked, ?4) where id = ?1",
            params![file.id.0, file.stored as i64, file.tail, feed.is_changed()],
        )?;
        // The lines of history.jsonl are of many sessions, which their index marks.
        if file.session_id == HISTORY_SESSION { Ok(()) } else { self.mark_dirty(&file.session_id) }
    }

    fn last_chunk(&self, id: TranscriptId, seq: u64) -> Result<(Vec<u8>, bool), Error> {
        let found: Option<(i64, i64, Vec<u8>)> = self
            .tx
            .prepare_cached("select size, codec, bytes from transcript_chunks where transcript_id = ?1 and seq = ?2")
            .op("prepare")?
            .query_row([id.0, seq as i64], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()
            .op("read the last chunk")?;
        match found {
            None => Ok((Vec::with_capacity(CHUNK), false)),
            Some((size, kind, bytes)) => codec::unpack(kind, bytes, size as usize)
                .map(|chunk| (chunk, true))
                .map_err(|error| Error::Corrupt { op: "unpack the last chunk", detail: error.to_string() }),
        }
    }

    pub(super) fn put_chunk(&self, id: TranscriptId, seq: u64, chunk: &[u8], replaces: bool) -> Result<(), Error> {
        let packed = codec::pack(chunk);
        let sql = if replaces {
            "update transcript_chunks set size = ?3, codec = ?4, bytes = ?5 where transcript_id = ?1 and seq = ?2"
        } else {
            "insert into transcript_chunks (transcript_id, seq, size, codec, bytes) values (?1, ?2, ?3, ?4, ?5)"
        };
        self.execute(sql, params![id.0, seq as i64, chunk.len() as i64, packed.codec, packed.bytes])
    }
}
