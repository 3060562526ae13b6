//! Reads and packs new files on a thread beside the writer's, so that the writer only writes.
//!
//! What is known already, or may be, is the writer's own work: it alone can ask the store how far a file was taken in.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use std::sync::Arc;

use store::sieve::{Feed, Of, Sieve};
use store::write::{Batch, NewFile, OnDisk, PackedFile, Role, Writer};

use super::{BATCH_BYTES, BATCH_FILES, Candidate, Followed, READ, end_of, on_disk, open, session_of, take};

/// Files in the order in which they are to be taken in.
pub(crate) struct Packed<'c>(Vec<Item<'c>>);

struct Item<'c> {
    file: &'c Candidate,
    /// `None`: the writer reads it itself.
    packed: Option<(OnDisk, String, PackedFile)>,
}

/// Packs files in their order and hands them to `send` until all are, or the other side is gone. `is_new` tells those
/// that the store has nothing of.
pub(crate) fn run<'c>(
    root: &Path,
    files: &'c [Candidate],
    is_new: &[bool],
    sieve: &Arc<Sieve>,
    mut send: impl FnMut(Packed<'c>) -> bool,
) {
    let (mut items, mut bytes) = (Vec::new(), 0);
    for (file, is_new) in files.iter().zip(is_new) {
        let fits = *is_new && file.role != Role::History && file.on_disk.size <= BATCH_BYTES;
        let packed = if fits { pack(root, file, sieve).ok() } else { None };
        bytes += if fits { file.on_disk.size } else { BATCH_BYTES };
        items.push(Item { file, packed });
        if bytes >= BATCH_BYTES || items.len() >= BATCH_FILES {
            bytes = 0;
            if !send(Packed(std::mem::take(&mut items))) {
                return;
            }
        }
    }
    if !items.is_empty() {
        send(Packed(items));
    }
}

/// Which of these files the store has nothing of.
pub(crate) fn new_ones(writer: &mut Writer, root: &Path, files: &[Candidate]) -> Result<Vec<bool>, store::Error> {
    let root_name = root.to_string_lossy();
    let batch = writer.batch()?;
    files.iter().map(|file| is_new(&batch, &root_name, file, &file.on_disk)).collect()
}

fn is_new(batch: &Batch<'_>, root_name: &str, file: &Candidate, on_disk: &OnDisk) -> Result<bool, store::Error> {
    Ok(batch.file_at(root_name, &file.path)?.is_none() && batch.file_with_inode(on_disk)?.is_none())
}

fn pack(root: &Path, candidate: &Candidate, sieve: &Arc<Sieve>) -> io::Result<(OnDisk, String, PackedFile)> {
    let mut file = open::beneath(root, Path::new(&candidate.path))?;
    let on_disk = on_disk(&file)?;
    let Some(session) = session_of(candidate, &mut file)? else {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it does not yet tell whose it is"));
    };
    io::Seek::rewind(&mut file)?;
    let of = Of::new(candidate.role, &session, &candidate.path);
    let packed = read(&mut file, &on_disk, PackedFile::new(Feed::new(sieve.clone(), of, Vec::new())))?;
    Ok((on_disk, session, packed))
}

/// To the end as it is now; a file that has grown much since it was found is the writer's work.
fn read(file: &mut File, on_disk: &OnDisk, mut packed: PackedFile) -> io::Result<PackedFile> {
    let mut buffer = vec![0; READ];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(packed.finish(end_of(on_disk))),
            Ok(n) => packed.push(&buffer[..n]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if packed.size() > 2 * BATCH_BYTES {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it has grown"));
        }
    }
}

impl Packed<'_> {
    /// Takes them in, in one transaction unless others wait for it to end. Files that cannot be read are logged and left for the next look.
    pub(crate) fn write(&self, writer: &mut Writer, root: &Path) -> Result<Written, store::Error> {
        let root_name = &*root.to_string_lossy();
        let mut batch = writer.batch()?;
        let mut done = Written::default();
        for (at, item) in self.0.iter().enumerate() {
            if at > 0 && batch.is_due() {
                batch.commit()?;
                batch = writer.batch()?;
            }
            // Another ingester may have been here meanwhile.
            if let Some((on_disk, session_id, packed)) = &item.packed
                && is_new(&batch, root_name, item.file, on_disk)?
            {
                let file = NewFile {
                    root: root_name,
                    path: &item.file.path,
                    role: item.file.role,
                    session_id,
                    agent_id: item.file.agent_id.as_deref(),
                    on_disk: *on_disk,
                };
                if batch.add_packed(&file, packed)?.is_some() {
                    done.followed.bytes += packed.size();
                    done.followed.files += u64::from(packed.size() > 0);
                    continue;
                }
            }
            match take(&batch, root, root_name, item.file, BATCH_BYTES)? {
                Ok(taken) => {
                    done.followed.bytes += taken.bytes;
                    done.followed.files += u64::from(taken.bytes > 0 && taken.to_the_end);
                    if !taken.to_the_end {
                        done.left.extend(self.0[at..].iter().map(|item| item.file.clone()));
                        break;
                    }
                }
                Err(error) => done.followed.leave(root, item.file, error),
            }
        }
        batch.commit()?;
        Ok(done)
    }
}

/// What a transaction took in.
#[derive(Debug, Default)]
pub(crate) struct Written {
    pub(crate) followed: Followed,
    /// What it had no room for: the rest of a very long file, and what comes after it.
    pub(crate) left: Vec<Candidate>,
}
