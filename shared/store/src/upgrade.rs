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
        migrate::bring(&self.conn, self.found)?;
        self.conn.execute_batch("commit").op("commit the upgrade")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{About, Problem};
    use crate::write::Writer;

    /// A store of the schema before ours, that was used or only begun.
    fn older(used: bool) -> (tempfile::TempDir, DataDir) {
        let home = tempfile::tempdir().unwrap();
        let dir = DataDir::new(home.path());
        std::fs::create_dir(dir.database_dir()).unwrap();
        let conn = Connection::open(dir.database()).unwrap();
        crate::functions::add(&conn).unwrap();
        for schema in 0..migrate::SCHEMA - 1 {
            migrate::step(&conn, schema).unwrap();
        }
        if used {
            conn.execute_batch("insert into origins (origin, own) values ('0123', 1)").unwrap();
        }
        (home, dir)
    }

    #[test]
    fn only_one_that_was_used_waits_for_its_copy() {
        let (_home, dir) = older(true);
        assert!(matches!(Writer::open(&dir), Err(Error::NotMigrated { .. })));
        let held = Older::hold(&dir).unwrap().unwrap();
        assert_eq!(held.schema(), migrate::SCHEMA - 1);
        assert!(held.bytes().unwrap() > 0);
        let (_home, dir) = older(false);
        assert!(Older::hold(&dir).unwrap().is_none());
        Writer::open(&dir).unwrap();
        assert!(Older::hold(&dir).unwrap().is_none());
    }

    #[test]
    fn what_a_copy_must_be() {
        let check = |schema: i64, wrong: Option<About>, expected: bool| {
            let (_home, dir) = older(true);
            let problem = |about| Problem { about, detail: "it is so".to_owned() };
            let copy = Checked { schema, problems: wrong.map(problem).into_iter().collect(), ..Checked::default() };
            let done = Older::hold(&dir).unwrap().unwrap().upgrade(&copy);
            assert_eq!(done.is_ok(), expected, "{schema} {wrong:?}: {done:?}");
            assert_eq!(Writer::open(&dir).is_ok(), expected, "{schema} {wrong:?}");
        };
        let before = migrate::SCHEMA - 1;
        check(before, None, true);
        check(before, Some(About::Words), true);
        check(before, Some(About::References), true);
        check(before, Some(About::Structure), false);
        check(before - 1, None, false);
        check(migrate::SCHEMA, None, false);
    }

    /// A newer program upgrades a database that we have open: nothing more is written, and what is read is refused.
    #[test]
    fn who_is_overtaken_notices() {
        let (_home, dir) = older(false);
        let mut writer = Writer::open(&dir).unwrap();
        let mut reader = crate::read::Reader::open(&dir).unwrap();
        writer.batch().unwrap().commit().unwrap();
        let newer = Connection::open(dir.database()).unwrap();
        newer.pragma_update(None, "user_version", migrate::SCHEMA + 1).unwrap();
        assert!(matches!(writer.batch(), Err(Error::Outdated { .. })));
        assert!(matches!(reader.health(), Err(Error::TooNew { .. })));
        newer.pragma_update(None, "user_version", migrate::SCHEMA).unwrap();
        writer.batch().unwrap().commit().unwrap();
        reader.health().unwrap();
    }
}
