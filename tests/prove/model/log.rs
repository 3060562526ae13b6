//! The database and its log as they are on the disk at a power cut.
//!
//! All that is committed is synced (`synchronous=FULL`), so both are as they lie there. A commit that has not returned may have
//! reached the disk in part: of the bytes that it changed in the log any sectors are the new ones, the others the old ones. The
//! head of a log that is begun anew is synced before anything else is written to it.

use std::fs;
use std::path::PathBuf;

use queue::DataDir;

/// What a disk writes at once.
const SECTOR: usize = 512;
/// The head of a log.
const HEAD: usize = 32;

/// The bytes of both files.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    database: Vec<u8>,
    log: Vec<u8>,
}

impl Image {
    /// As they are now, whoever has them open.
    pub(crate) fn of(data: &DataDir) -> Self {
        Self { database: fs::read(data.database()).expect("a database"), log: read(data) }
    }

    /// Takes the log back into the middle of the commit before which it was `before`; `torn` chooses the sectors.
    pub(crate) fn tear(&mut self, before: &[u8], torn: u64) {
        let mut chosen = torn;
        let head = self.log.get(..HEAD).unwrap_or_default().to_vec();
        for (at, sector) in self.log.chunks_mut(SECTOR).enumerate() {
            let old = before.get(at * SECTOR..).unwrap_or_default();
            let old = &old[..old.len().min(sector.len())];
            if old == sector {
                continue;
            }
            chosen = chosen.rotate_right(1);
            if chosen & 1 == 0 {
                // Behind its end a file has no bytes; as others behind may be there, they are nought.
                sector.fill(0);
                sector[..old.len()].copy_from_slice(old);
            }
        }
        self.log[..head.len()].copy_from_slice(&head);
    }

    /// Puts them in the place of what is there; nobody has it open. The index of the log, which no disk needs, is gone.
    pub(crate) fn restore(&self, data: &DataDir) {
        for end in ["", "-wal", "-shm"] {
            let path = beside(data, end);
            if path.exists() {
                fs::remove_file(path).expect("a file of the database");
            }
        }
        fs::write(data.database(), &self.database).expect("a database");
        if !self.log.is_empty() {
            fs::write(beside(data, "-wal"), &self.log).expect("a log");
        }
    }
}

/// The log; nothing, where there is none.
pub(crate) fn read(data: &DataDir) -> Vec<u8> {
    fs::read(beside(data, "-wal")).unwrap_or_default()
}

fn beside(data: &DataDir, end: &str) -> PathBuf {
    let mut path = data.database().into_os_string();
    path.push(end);
    path.into()
}
