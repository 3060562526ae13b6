//! Copies a database into one file, as it is at one moment.
//!
//! `VACUUM INTO` is one statement in one read transaction. In WAL mode nobody waits for it, so while an ingester commits at
//! full speed the copy holds what was committed when it began, and nothing of what came later. The engine's backup
//! interface would have to begin again at each commit, or hold the same transaction; and it copies the WAL mode along, so that
//! whoever reads the copy would leave files beside it. What `VACUUM INTO` writes is one file that can be read anywhere.
//!
//! Until it is whole nothing of the log can go. `run/copy.lock` says that a copy is made, so that whoever commits much can let it
//! come to its end first ([`Copies`]).

use std::path::Path;

use queue::DataDir;
use rusqlite::{Connection, OpenFlags};

use crate::error::{Context, Error};
use crate::lost;
use crate::open::{self, DbLock};
use crate::sign::Sign;
use crate::watch::{Watch, watched};
use crate::write::{Other, of_other};

/// Copies the database of `dir` into the empty file `to`, while others go on reading and writing.
///
/// # Errors
/// [`Error::Missing`] or [`Error::Lost`] without a database, [`Error::Corrupt`] if it cannot be read, [`Error::Storage`] if the disk is full,
/// [`Error::Interrupted`] if `watch` ended it. The half copy stays, to be removed by the caller, who also syncs a whole one.
pub fn copy_live(dir: &DataDir, to: &Path, watch: &Watch<'_>) -> Result<(), Error> {
    let path = dir.database();
    lost::present(dir)?;
    let _lock = DbLock::shared(dir)?;
    let conn = open::connect(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    open::filled(&conn, dir)?;
    let sign = Sign::at(&dir.copy_lock());
    let _copies = sign.give();
    into(&conn, to, watch)
}

/// Whether somebody copies a database as it lives, in whatever process.
#[derive(Debug)]
pub struct Copies(Sign);

impl Copies {
    /// Of the database of `dir`.
    pub fn of(dir: &DataDir) -> Self {
        Self(Sign::at(&dir.copy_lock()))
    }

    /// Whether a copy is being made now.
    pub fn are_made(&self) -> bool {
        self.0.is_given()
    }
}

/// Copies the database file `from`, which may lie anywhere and is not changed, into the empty file `to`, and brings the copy
/// to our schema. What stands in a `-wal` beside it counts.
///
/// # Errors
/// [`Error::Refused`] if it is none of ours, newer than this program or damaged; as [`copy_live`].
pub fn copy_other(from: &Path, to: &Path, watch: &Watch<'_>) -> Result<(), Error> {
    let place = to.parent().unwrap_or(Path::new("."));
    let other = Other::open(from, place).map_err(|error| of_other("restore", from, error))?;
    into(other.released()?, to, watch)
}

pub(crate) fn into(conn: &Connection, to: &Path, watch: &Watch<'_>) -> Result<(), Error> {
    let straight = open::straight(to);
    let Some(name) = straight.to_str() else {
        let source = std::io::Error::new(std::io::ErrorKind::InvalidInput, "the path is not UTF-8");
        return Err(Error::Io { op: "copy the database to", path: to.to_owned(), source });
    };
    watched(conn, watch, |conn| conn.execute("vacuum into ?1", [name]).op("copy the database"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::check;
    use crate::watch::unwatched;
    use crate::write::{NewEvent, Writer};

    fn add(writer: &mut Writer, n: u64) {
        let batch = writer.batch().unwrap();
        let event = NewEvent {
            name: &format!("{n:019}-s-Stop.json"),
            captured_ns: n,
            event: "Stop",
            session_id: "s",
            prompt_id: None,
            payload: b"{}",
            stored_ms: 1,
        };
        batch.add_event(&event).unwrap();
        batch.commit().unwrap();
    }

    #[test]
    fn a_copy_is_told_of_while_it_is_made() {
        let home = tempfile::tempdir().unwrap();
        let dir = DataDir::new(home.path());
        std::fs::create_dir_all(dir.copy_lock().parent().unwrap()).unwrap();
        drop(Writer::open(&dir).unwrap());
        let conn = Connection::open(dir.database()).unwrap();
        // Large enough to be looked at meanwhile.
        conn.execute_batch("create table large (bytes blob)").unwrap();
        for _ in 0..16 {
            conn.execute("insert into large values (randomblob(16 << 20))", []).unwrap();
        }
        let (copies, seen) = (Copies::of(&dir), std::sync::atomic::AtomicU64::new(0));
        assert!(!copies.are_made());
        copy_live(&dir, &home.path().join("copy.db"), &|| {
            seen.fetch_add(u64::from(copies.are_made()), std::sync::atomic::Ordering::Relaxed);
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
        assert!(seen.into_inner() > 0 && !copies.are_made());
    }

    #[test]
    fn a_copy_is_one_file_of_what_was_committed() {
        let home = tempfile::tempdir().unwrap();
        let dir = DataDir::new(home.path());
        let to = home.path().join("copy.db");
        std::fs::write(&to, "").unwrap();
        assert!(matches!(copy_live(&dir, &to, &unwatched), Err(Error::Missing { .. })));
        let mut writer = Writer::open(&dir).unwrap();
        add(&mut writer, 1);
        add(&mut writer, 2);
        let open = writer.batch().unwrap(); // somebody writes meanwhile
        copy_live(&dir, &to, &unwatched).unwrap();
        drop(open);
        let found = check(&to, &unwatched).unwrap();
        assert!(found.is_good() && found.events == 2, "{found:?}");
        let beside = std::fs::read_dir(home.path()).unwrap().filter(|entry| {
            entry.as_ref().is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with("copy.db"))
        });
        assert_eq!(beside.count(), 1, "a file stands beside the copy");
        assert!(copy_live(&dir, &to, &unwatched).is_err(), "it replaced a file");
        // From a copy, or from a live one with all that is in its -wal.
        for (n, from) in [to.clone(), dir.database()].iter().enumerate() {
            let again = home.path().join(format!("again{n}.db"));
            std::fs::write(&again, "").unwrap();
            copy_other(from, &again, &unwatched).unwrap();
            assert_eq!(check(&again, &unwatched).unwrap(), found);
        }
    }

    #[test]
    fn what_cannot_be_restored() {
        let home = tempfile::tempdir().unwrap();
        let from = home.path().join("from");
        std::fs::write(&from, "no database").unwrap();
        let error = copy_other(&from, &home.path().join("to"), &unwatched).unwrap_err();
        assert!(matches!(&error, Error::Refused { .. }), "{error}");
    }
}
