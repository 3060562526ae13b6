//! Every stored file of a session: whether its pieces are all there and give back what Claude Code wrote.

use rusqlite::{Connection, OptionalExtension, Row};

use super::{Fault, Inspector, rows};
use crate::codec;
use crate::error::{Context, Error};
use crate::ids::TranscriptId;
use crate::write::{CHUNK, Role, TAIL};

/// Files that one question lists.
const PAGE: i64 = 256;

/// A stored file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenFile {
    /// Its row.
    pub id: TranscriptId,
    /// Whether this data directory read it.
    pub own: bool,
    /// The folder it lay below.
    pub root: String,
    /// Its path there.
    pub path: String,
    /// What it is.
    pub role: Role,
    /// Its session.
    pub session_id: String,
    /// How many bytes of it are stored.
    pub size: u64,
    /// When it was last written, in nanoseconds since 1970, UTC.
    pub modified_ns: i64,
    /// Another file stands at its path by now.
    pub superseded: bool,
    end: End,
}

/// What is known of the end of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct End {
    /// Of its last bytes.
    hash: Vec<u8>,
    /// Some of its bytes were blanked, and the hash is that of the file as it was.
    blanked: bool,
}

/// Who looks at the files as they go by.
pub trait FileVisitor {
    /// The next bytes of a file.
    fn bytes(&mut self, file: &SeenFile, bytes: &[u8]);
    /// A file is at its end. What is wrong with it: then not all of it was shown.
    fn end(&mut self, file: &SeenFile, fault: Option<Fault>);
    /// Whether to go on with the next.
    fn goes_on(&mut self) -> bool;
}

const FILES: &str = "
    select f.id, o.own, f.root, f.path, f.role, f.session_id, f.stored_size, f.source_mtime_ns, f.superseded_ms is not null,
           f.tail_hash, f.blanked
      from transcripts f left join origins o on o.id = f.origin_id
     where f.id > ?1 order by f.id limit ?2";

/// A file may have grown since it was listed.
const NOW: &str = "select stored_size, tail_hash, blanked from transcripts where id = ?1";

const CHUNKS: &str = "select seq, size, codec, bytes from transcript_chunks where transcript_id = ?1 order by seq";

impl Inspector {
    /// Shows every stored file, byte by byte, in the order in which they were first met.
    ///
    /// # Errors
    /// The engine's.
    pub fn each_file(&self, visitor: &mut dyn FileVisitor) -> Result<(), Error> {
        let mut last = i64::MIN;
        loop {
            let page = self.ask(|conn| rows(conn, "list transcripts", FILES, [last, PAGE], file))?;
            let Some(end) = page.last() else { return Ok(()) };
            last = end.id.0;
            for mut file in page {
                let fault = self.ask(|conn| read(conn, &mut file, visitor))?;
                visitor.end(&file, fault);
                if !visitor.goes_on() {
                    return Ok(());
                }
            }
        }
    }
}

fn file(row: &Row<'_>) -> rusqlite::Result<SeenFile> {
    Ok(SeenFile {
        id: TranscriptId(row.get(0)?),
        own: row.get::<_, Option<bool>>(1)?.unwrap_or(false),
        root: row.get(2)?,
        path: row.get(3)?,
        role: Role::from_word(&row.get::<_, String>(4)?),
        session_id: row.get(5)?,
        size: row.get::<_, i64>(6)?.unsigned_abs(),
        modified_ns: row.get(7)?,
        superseded: row.get(8)?,
        end: End { hash: row.get(9)?, blanked: row.get(10)? },
    })
}

/// One file, in one read transaction: it may be growing.
fn read(conn: &Connection, file: &mut SeenFile, visitor: &mut dyn FileVisitor) -> Result<Option<Fault>, Error> {
    let now = conn
        .prepare_cached(NOW)
        .op("prepare")?
        .query_row([file.id.0], |row| Ok((row.get::<_, i64>(0)?, End { hash: row.get(1)?, blanked: row.get(2)? })))
        .optional()
        .op("read a transcript")?;
    let Some((size, end)) = now else { return Ok(None) };
    (file.size, file.end) = (size.unsigned_abs(), end);
    pieces(conn, file.id, file.size, &file.end, &mut |bytes| visitor.bytes(file, bytes))
}

/// What is wrong with each stored file with which something is; in the caller's transaction. `found` says whether to go on.
///
/// # Errors
/// The engine's.
pub(crate) fn each_faulty(conn: &Connection, found: &mut dyn FnMut(TranscriptId, Fault) -> bool) -> Result<(), Error> {
    const ALL: &str = "select id, stored_size, tail_hash, blanked from transcripts";
    let mut query = conn.prepare(ALL).op("prepare")?;
    let mut files = query.query([]).op("list transcripts")?;
    while let Some(row) = files.next().op("list transcripts")? {
        let read = || Ok((row.get(0)?, row.get::<_, i64>(1)?, End { hash: row.get(2)?, blanked: row.get(3)? }));
        let (id, size, end) = read().op("list transcripts")?;
        let fault = pieces(conn, TranscriptId(id), size.unsigned_abs(), &end, &mut |_| {})?;
        if fault.is_some_and(|fault| !found(TranscriptId(id), fault)) {
            break;
        }
    }
    Ok(())
}

/// What is wrong with the pieces of a file, which are shown one after the other.
fn pieces(
    conn: &Connection,
    id: TranscriptId,
    stored: u64,
    known: &End,
    show: &mut dyn FnMut(&[u8]),
) -> Result<Option<Fault>, Error> {
    let mut query = conn.prepare_cached(CHUNKS).op("prepare")?;
    let mut chunks = query.query([id.0]).op("read a transcript")?;
    let (mut wanted, mut sum, mut is_last) = (0, 0, false);
    let mut end = Vec::new();
    while let Some(chunk) = chunks.next().op("read a transcript")? {
        let (seq, size): (i64, i64) = (chunk.get(0).op("read a piece")?, chunk.get(1).op("read a piece")?);
        let length = usize::try_from(size).unwrap_or(usize::MAX);
        if seq != wanted || is_last || length > CHUNK || length == 0 {
            return Ok(Some(Fault::Gap));
        }
        let (kind, bytes) = (chunk.get(2).op("read a piece")?, chunk.get(3).op("read a piece")?);
        let Ok(bytes) = codec::unpack(kind, bytes, length) else { return Ok(Some(Fault::Unreadable)) };
        show(&bytes);
        end.extend_from_slice(&bytes);
        end.drain(..end.len().saturating_sub(TAIL as usize));
        (wanted, sum, is_last) = (seq + 1, sum + bytes.len() as u64, length < CHUNK);
    }
    Ok(match () {
        () if sum != stored => Some(Fault::Gap),
        () if !known.blanked && sum > 0 && blake3::hash(&end).as_bytes().as_slice() != known.hash => {
            Some(Fault::Changed)
        }
        () => None,
    })
}
