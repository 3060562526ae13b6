//! A new file packed into chunks before the store is asked, so that packing can be another thread's work.

use super::Batch;
use super::transcripts::{CHUNK, Known, NewFile};
use crate::codec;
use crate::error::Error;
use crate::sieve::{End, Feed};
use rusqlite::params;

/// All of a file, ready for its rows.
#[derive(Debug)]
pub struct PackedFile {
    feed: Feed,
    chunks: Vec<Chunk>,
    open: Vec<u8>,
    size: u64,
}

#[derive(Debug)]
struct Chunk {
    size: usize,
    codec: i64,
    bytes: Vec<u8>,
}

impl PackedFile {
    /// Nothing of a file yet.
    pub fn new(feed: Feed) -> Self {
        Self { feed, chunks: Vec::new(), open: Vec::new(), size: 0 }
    }

    /// The next bytes of the file.
    pub fn push(&mut self, bytes: &[u8]) {
        let bytes = self.feed.push(bytes);
        self.take(&bytes);
    }

    fn take(&mut self, mut bytes: &[u8]) {
        self.size += bytes.len() as u64;
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(CHUNK - self.open.len()));
            self.open.extend_from_slice(now);
            bytes = later;
            if self.open.len() == CHUNK {
                self.close();
            }
        }
    }

    /// How many bytes of it are to be stored.
    pub fn size(&self) -> u64 {
        self.size
    }

    fn close(&mut self) {
        let packed = codec::pack(&self.open);
        let chunk = Chunk { size: self.open.len(), codec: packed.codec, bytes: packed.bytes.into_owned() };
        self.chunks.push(chunk);
        self.open.clear();
    }

    /// The end of the file.
    #[must_use]
    pub fn finish(mut self, end: End) -> Self {
        let rest = self.feed.end(end);
        self.take(&rest);
        if !self.open.is_empty() {
            self.close();
        }
        self
    }
}

impl Batch<'_> {
    /// A new file with all its bytes; its session is to be derived. `None` if something was forgotten since it was packed:
    /// then it has to be read again.
    ///
    /// # Errors
    /// The engine's.
    pub fn add_packed(&self, file: &NewFile<'_>, packed: &PackedFile) -> Result<Option<Known>, Error> {
        if packed.feed.sieve().until != self.sieve.until {
            return Ok(None);
        }
        let mut known = self.add_file(file)?;
        for (seq, chunk) in (0_i64..).zip(&packed.chunks) {
            self.execute(
                "insert into transcript_chunks (transcript_id, seq, size, codec, bytes) values (?1, ?2, ?3, ?4, ?5)",
                params![known.id.0, seq, chunk.size as i64, chunk.codec, chunk.bytes],
            )?;
        }
        known.stored = packed.size;
        known.tail = packed.feed.tail();
        self.execute(
            "update transcripts set stored_size = ?2, tail_hash = ?3, blanked = ?4 where id = ?1",
            params![known.id.0, known.stored as i64, known.tail, packed.feed.is_changed()],
        )?;
        self.mark_dirty(file.session_id)?;
        Ok(Some(known))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::TranscriptId;
    use crate::sieve::Of;
    use crate::write::{OnDisk, Role, Writer};
    use std::ops::ControlFlow;

    fn file(path: &str) -> NewFile<'_> {
        let on_disk = OnDisk { device: 1, inode: path.len() as u64, size: 0, mtime_ns: 0 };
        NewFile { root: "/r", path, role: Role::Main, session_id: "s", agent_id: None, on_disk }
    }

    fn bytes(writer: &mut Writer, id: TranscriptId) -> Vec<u8> {
        let mut all = Vec::new();
        let ground = writer.ground().unwrap();
        let take = |chunk: &[u8]| {
            all.extend_from_slice(chunk);
            ControlFlow::Continue(())
        };
        ground.bytes(id, 0, take).unwrap();
        all
    }

    /// Packed beforehand or appended: the rows are the same.
    fn check(size: usize, step: usize) {
        let home = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(&queue::DataDir::new(home.path())).unwrap();
        let content: Vec<u8> = (0..size).map(|n| (n * n / 7) as u8).collect();
        let feed = || Feed::new(Default::default(), Of::new(Role::Main, "s", "a"), Vec::new());
        let mut packed = PackedFile::new(feed());
        content.chunks(step).for_each(|part| packed.push(part));
        let packed = packed.finish(End::Growing);
        let batch = writer.batch().unwrap();
        let one = batch.add_packed(&file("a"), &packed).unwrap().unwrap();
        let mut other = batch.add_file(&file("bb")).unwrap();
        let mut whole = feed();
        let fed = whole.push(&content);
        batch.append(&mut other, &fed, &whole).unwrap();
        batch.commit().unwrap();
        assert_eq!((one.stored, one.tail), (other.stored, other.tail), "{size}");
        assert_eq!(bytes(&mut writer, one.id), content);
        assert_eq!(bytes(&mut writer, other.id), content);
    }

    #[test]
    fn packed_and_appended_are_the_same() {
        for size in [1, 4095, 4096, 4097, CHUNK - 1, CHUNK, CHUNK + 1, CHUNK + 4095, 2 * CHUNK, 2 * CHUNK + 9000] {
            check(size, 65_536);
            check(size, 100_000);
        }
    }
}
