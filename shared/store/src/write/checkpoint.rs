//! Moves what is committed from the log into the database file: ingest's business alone, so that no reader ever pays for it.
//!
//! While much comes in, every 4 MiB, as far as readers let it; when nothing more comes, all of it, and the log becomes
//! empty. Neither waits for anybody.

use std::path::PathBuf;
use std::time::Duration;

use queue::DataDir;
use rusqlite::Connection;

use crate::error::{Context, Error};
use crate::open::BUSY_TIMEOUT;
use crate::write::Writer;

/// From so many bytes on the log is moved after a commit.
const WAL_BYTES: i64 = 4 * 1024 * 1024;

/// What became of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Log {
    /// It holds nothing.
    Empty,
    /// A reader or another writer still needs it: try again later.
    Needed,
}

/// Sets how far the log of a writer grows.
pub(crate) fn configure(conn: &Connection) -> Result<(), Error> {
    let page: i64 = conn.pragma_query_value(None, "page_size", |row| row.get(0)).op("read page_size")?;
    conn.pragma_update(None, "wal_autocheckpoint", WAL_BYTES / page.max(512)).op("set wal_autocheckpoint")
}

impl Writer {
    /// Moves all of the log into the database file and empties it, if nobody needs it. Readers that come meanwhile are not
    /// held up, and none is waited for.
    ///
    /// # Errors
    /// [`Error::Storage`], after which the writer must be dropped.
    pub fn rest(&mut self) -> Result<Log, Error> {
        if self.log_bytes() == 0 {
            return Ok(Log::Empty);
        }
        self.conn.busy_timeout(Duration::ZERO).op("set the busy timeout")?;
        let busy = self.conn.query_row("pragma wal_checkpoint(truncate)", [], |row| row.get::<_, i64>(0));
        self.conn.busy_timeout(BUSY_TIMEOUT).op("set the busy timeout")?;
        match busy.op("empty the log") {
            Ok(0) => Ok(Log::Empty),
            Ok(_) | Err(Error::Busy { .. }) => Ok(Log::Needed),
            Err(error) => Err(error),
        }
    }

    /// How large the log is, in bytes.
    pub fn log_bytes(&self) -> u64 {
        log_bytes(&self.dir)
    }
}

/// How large the log of the database of `dir` is, in bytes.
pub fn log_bytes(dir: &DataDir) -> u64 {
    let mut path = dir.database().into_os_string();
    path.push("-wal");
    std::fs::metadata(PathBuf::from(path)).map_or(0, |log| log.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grow(writer: &mut Writer, commits: usize) {
        for n in 0..commits {
            let batch = writer.batch().unwrap();
            for m in 0..200 {
                batch.mark_dirty(&format!("{n:0>300} {m}")).unwrap();
            }
            batch.commit().unwrap();
        }
    }

    #[test]
    fn the_log_stays_small_while_much_comes_in() {
        let home = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(&DataDir::new(home.path())).unwrap();
        grow(&mut writer, 100);
        assert!(writer.log_bytes() < 2 * WAL_BYTES as u64, "{}", writer.log_bytes());
    }

    #[test]
    fn an_idle_log_is_empty_and_a_reader_is_not_waited_for() {
        let home = tempfile::tempdir().unwrap();
        let dir = DataDir::new(home.path());
        let mut writer = Writer::open(&dir).unwrap();
        let mut other = Writer::open(&dir).unwrap();
        grow(&mut writer, 1);
        let reading = other.ground().unwrap();
        assert_eq!(reading.dirty_sessions(1000, &Default::default()).unwrap().len(), 200);
        grow(&mut writer, 1);
        assert_eq!(writer.rest().unwrap(), Log::Needed);
        assert_eq!(reading.dirty_sessions(1000, &Default::default()).unwrap().len(), 200, "it reads on");
        drop(reading);
        assert_eq!((writer.rest().unwrap(), writer.log_bytes()), (Log::Empty, 0));
        assert_eq!(writer.rest().unwrap(), Log::Empty);
        // Somebody who writes is not waited for either.
        grow(&mut writer, 1);
        let writing = other.batch().unwrap();
        assert_eq!(writer.rest().unwrap(), Log::Needed);
        drop(writing);
        assert_eq!(writer.rest().unwrap(), Log::Empty);
    }
}
