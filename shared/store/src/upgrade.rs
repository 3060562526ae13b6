//! A database of an older schema on its way to ours.
//!
//! It is held still by the lock of its one writer from before it is copied until it is ours, so the copy is what was there last. What
//! is missing runs in one transaction: who dies on the way leaves the database as it was.

use queue::DataDir;
use rusqlite::{Connection, OpenFlags};

use crate::check::Checked;
use crate::error::{Context, Error};
use crate::open::{self, DbLock};
use crate::watch::Watch;
use crate::{backup, migrate};
use std::path::Path;

/// A database of an older schema that was used. Until it is dropped nobody else writes to it.
#[derive(Debug)]
pub struct Older {
    conn: Connection,
    found: i64,
    dir: DataDir,
    _lock: DbLock,
}

impl Older {
    /// Holds the database of `dir`, if it is such a one.
    ///
    /// # Errors
    /// [`Error::Busy`] while another process writes, which may be one that upgrades it; as [`crate::write::Writer::open`].
    pub fn hold(dir: &DataDir) -> Result<Option<Self>, Error> {
        Self::begin(dir).map_err(|error| error.held(dir))
    }

    fn begin(dir: &DataDir) -> Result<Option<Self>, Error> {
        let (conn, lock) = open::unmigrated(dir)?;
        conn.execute_batch("begin immediate").op("hold the older database")?;
        let found = migrate::check(&conn, &dir.database())?;
        let is_older = migrate::is_older_and_used(&conn, found)?;
        Ok(is_older.then(|| Self { conn, found, dir: dir.clone(), _lock: lock }))
    }

    /// Its schema.
    pub fn schema(&self) -> i64 {
        self.found
    }

    /// Its size as one file, in bytes.
    ///
    /// # Errors
    /// The engine's.
    pub fn bytes(&self) -> Result<u64, Error> {
        const SQL: &str = "select page_count * page_size from pragma_page_count, pragma_page_size";
        let bytes: i64 = self.conn.query_row(SQL, [], |row| row.get(0)).op("measure the database")?;
        Ok(bytes.unsigned_abs())
    }

    /// Copies it into the empty file `to`, as it is.
    ///
    /// # Errors
    /// As [`backup::copy_live`].
    pub fn copy(&self, to: &Path, watch: &Watch<'_>) -> Result<(), Error> {
        let reading = open::connect(&self.dir.database(), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        backup::into(&reading, to, watch)
    }

    /// Brings it to our schema, behind the copy that was found to be so. What a mend in place needs our schema for, such as a
    /// damaged index of words, is no reason against it.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if that is no sound copy; the engine's. The database is as it was then.
    pub fn upgrade(self, copy: &Checked) -> Result<(), Error> {
        if !copy.is_sound() || copy.schema != self.found {
            let detail = copy
                .problems
                .first()
                .map_or_else(|| "its copy is of another schema".to_owned(), |it| it.detail.clone());
            return Err(Error::Corrupt { op: "copy the database before its upgrade", detail });
        }
        for schema in self.found..migrate::SCHEMA {
            migrate::step(&self.conn, schema)?;
        }
        self.conn.execute_batch("commit").op("commit the upgrade")
    }
}
