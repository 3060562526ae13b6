//! A new file packed into chunks before the store is asked, so that packing can be another thread's work.

use super::Batch;
use super::transcripts::{CHUNK, Known, NewFile, TAIL};
use crate::codec;
use crate::error::Error;
use rusqlite::params;

/// All of a file, ready for its rows.
#[derive(Debug, Default)]
pub struct PackedFile {
    chunks: Vec<Chunk>,
    open: Vec<u8>,
    /// The last bytes of what came before `open`.
    before: Vec<u8>,
    size: u64,
}

#[derive(Debug)]
struct Chunk {
    size: usize,
    codec: i64,
    bytes: Vec<u8>,
}

impl PackedFile {
    /// The next bytes of the file.
    pub fn push(&mut self, mut bytes: &[u8]) {
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

    /// How many bytes were pushed.
    pub fn size(&self) -> u64 {
        self.size
    }

    fn close(&mut self) {
        let packed = codec::pack(&self.open);
        let chunk = Chunk { size: self.open.len(), codec: packed.codec, bytes: packed.bytes.into_owned() };
        self.chunks.push(chunk);
        self.before.clear();
        self.before.extend_from_slice(&self.open[self.open.len().saturating_sub(TAIL as usize)..]);
        self.open.clear();
    }

    /// Hash of the last [`TAIL`] bytes.
    fn tail(&self) -> [u8; 32] {
        let mut last = self.before.clone();
        last.extend_from_slice(&self.open[self.open.len().saturating_sub(TAIL as usize)..]);
        *blake3::hash(&last[last.len().saturating_sub(TAIL as usize)..]).as_bytes()
    }

    /// The end of the file.
    #[must_use]
    pub fn finish(mut self) -> Self {
        let tail = std::mem::take(&mut self.open);
        if !tail.is_empty() {
            let packed = codec::pack(&tail);
            self.chunks.push(Chunk { size: tail.len(), codec: packed.codec, bytes: packed.bytes.into_owned() });
        }
        self.open = tail;
        self
    }
}

impl Batch<'_> {
    /// A new file with all its bytes; its session is to be derived.
    ///
    /// # Errors
    /// The engine's.
    pub fn add_packed(&self, file: &NewFile<'_>, packed: &PackedFile) -> Result<Known, Error> {
        let mut known = self.add_file(file)?;
        for (seq, chunk) in (0_i64..).zip(&packed.chunks) {
            self.execute(
                "insert into transcript_chunks (transcript_id, seq, size, codec, bytes) values (?1, ?2, ?3, ?4, ?5)",
                params![known.id.0, seq, chunk.size as i64, chunk.codec, chunk.bytes],
            )?;
        }
        known.stored = packed.size;
        known.tail = packed.tail();
        self.execute(
            "update transcripts set stored_size = ?2, tail_hash = ?3 where id = ?1",
            params![known.id.0, known.stored as i64, known.tail],
        )?;
        self.mark_dirty(file.session_id)?;
        Ok(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::TranscriptId;
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
        let mut packed = PackedFile::default();
        content.chunks(step).for_each(|part| packed.push(part));
        let packed = packed.finish();
        let batch = writer.batch().unwrap();
        let one = batch.add_packed(&file("a"), &packed).unwrap();
        let mut other = batch.add_file(&file("bb")).unwrap();
        batch.append(&mut other, &content).unwrap();
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
