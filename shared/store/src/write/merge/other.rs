//! Opens a database that is not ours to change: it is read, and nothing is ever written to it.
//!
//! How depends on what lies beside it:
//!
//! | beside it | it is | opened |
//! |---|---|---|
//! | nothing | a backup, or closed | as immutable: no lock, no file, also from a read-only disk |
//! | -shm | open somewhere, or its program was killed | read-only, by the locks of its users |
//! | -wal alone, or the folder cannot be written | a copy of a live one | as a private copy with its -wal |
//!
//! An older schema is copied too, and the copy migrated.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::check::plain;
use crate::error::{Context, Error};
use crate::human::get;
use crate::write::Writer;
use crate::write::origin::random_hex;
use crate::{migrate, open};

/// What is taken in beside what people said; all of it is checked before anything is.
const TABLES: [&str; 10] = [
    "origins",
    "events",
    "transcripts",
    "transcript_chunks",
    "places",
    "tombstones",
    "forget_secrets",
    "conversation_ids",
    "conversation_keys",
    "aliases",
];

/// What it is opened for, as errors say it.
const IMPORT: &str = "import";
/// How a database file begins.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// Name of a folder for private copies, before its random part.
const COPY: &str = "import-";

/// Another database of our schema, from one moment.
#[derive(Debug)]
pub struct Other {
    pub(super) conn: Connection,
    path: PathBuf,
    _copy: Option<Copy>,
}

impl Writer {
    /// Opens another database to be taken in.
    ///
    /// # Errors
    /// [`Error::Refused`] if it is not a database of Prompt Manager, is newer than this program, damaged or our own;
    /// [`Error::Io`] if it cannot be read.
    pub fn open_other(&self, path: &Path) -> Result<Other, Error> {
        let io = |source| Error::Io { op: "open", path: path.to_owned(), source };
        let path = path.canonicalize().map_err(io)?;
        let file = File::open(&path).map_err(io)?;
        let meta = file.metadata().map_err(io)?;
        let own = PathBuf::from(self.conn.path().unwrap_or_default());
        if std::fs::metadata(&own).is_ok_and(|own| (own.dev(), own.ino()) == (meta.dev(), meta.ino())) {
            return Err(refuse(&path, "this is the database it would be taken into; name another one"));
        }
        let mut head = Vec::new();
        file.take(MAGIC.len() as u64).read_to_end(&mut head).map_err(io)?;
        if head != MAGIC {
            return Err(refuse(&path, "not a Prompt Manager database"));
        }
        let place = own.parent().unwrap_or(Path::new("."));
        // One that cannot be removed is tried again the next time.
        remove_abandoned(place).unwrap_or_default();
        Other::open(&path, place).map_err(|error| of_other(IMPORT, &path, error))
    }
}

impl Other {
    /// Opens it, of one moment. A private copy, if one is needed, is made in `place`.
    pub(crate) fn open(path: &Path, place: &Path) -> Result<Self, Error> {
        let (mut conn, mut copy) = read_only(path, place)?;
        let schema = migrate::check(&conn, path)?;
        if schema == 0 {
            return Err(refuse(path, "the database is empty"));
        }
        if schema < migrate::SCHEMA {
            let private = Copy::new(place)?;
            private.vacuum_from(&conn)?;
            conn = private.open()?;
            copy = Some(private);
            conn.pragma_update(None, "foreign_keys", false).op("clear foreign_keys")?;
            migrate::run(&mut conn, path)?;
        }
        let other = Self { conn, path: path.to_owned(), _copy: copy };
        other.conn.pragma_update(None, "query_only", true).op("set query_only")?;
        other.conn.execute_batch("begin").op("begin to read")?; // one moment, until it is closed
        for table in TABLES.iter().chain(&get::TABLES) {
            let found: String = other
                .conn
                .query_row(&format!("pragma quick_check('{table}')"), [], |row| row.get(0))
                .op("check the database")?;
            if found != "ok" {
                return Err(Error::Corrupt { op: "check", detail: plain(&found) });
            }
        }
        Ok(other)
    }

    /// Its connection, no longer of one moment, for a statement that must not run in a transaction.
    pub(crate) fn released(&self) -> Result<&Connection, Error> {
        self.conn.execute_batch("commit").op("end reading")?;
        self.conn.pragma_update(None, "query_only", false).op("clear query_only")?;
        Ok(&self.conn)
    }

    /// Bytes of its events and files.
    pub(super) fn size(&self) -> Result<u64, Error> {
        let sum: i64 = self
            .conn
            .query_row(
                "select (select total(size) from events) + (select total(stored_size) from transcripts)",
                [],
                |row| row.get::<_, f64>(0).map(|sum| sum as i64),
            )
            .op("measure the database")?;
        Ok(u64::try_from(sum).unwrap_or(0))
    }

    /// A row that makes no sense.
    pub(super) fn damaged(&self, detail: &str) -> Error {
        of_other(IMPORT, &self.path, Error::Corrupt { op: "read", detail: detail.to_owned() })
    }
}

fn refuse(path: &Path, problem: &str) -> Error {
    Error::Refused { op: IMPORT, path: path.to_owned(), problem: problem.to_owned() }
}

/// What is wrong with the other database is said of it, not of ours.
pub(crate) fn of_other(op: &'static str, path: &Path, error: Error) -> Error {
    let problem = match error {
        Error::Foreign { .. } => "not a Prompt Manager database".to_owned(),
        Error::TooNew { found, known, .. } => {
            format!(
                "the database has schema {found}, this program knows up to {known}; install the newer version of Prompt Manager"
            )
        }
        Error::Corrupt { detail, .. } => format!("the database is damaged ({detail}); {op} a backup of it"),
        other => return other,
    };
    Error::Refused { op, path: path.to_owned(), problem }
}

/// Opens without leaving a trace, by what lies beside the file.
fn read_only(path: &Path, place: &Path) -> Result<(Connection, Option<Copy>), Error> {
    let has = |suffix| std::fs::metadata(beside(path, suffix)).is_ok_and(|meta| meta.len() > 0);
    let (wal, shm) = (has("-wal"), has("-shm"));
    if shm {
        let conn = open::connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).op("configure")?;
        let readable = conn.query_row("select count(*) from sqlite_schema", [], |_| Ok(())).op("read the database");
        match readable {
            Err(Error::Storage { full: false, .. }) => {} // its -shm cannot be used from here
            done => return done.map(|()| (conn, None)),
        }
    }
    if wal {
        let copy = Copy::new(place)?;
        copy.take(path)?;
        return Ok((copy.open()?, Some(copy)));
    }
    Ok((open::connect_frozen(path)?, None))
}

pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// A folder of our own, beside our database, for a copy of the other one. It goes when it is dropped; one whose lock is
/// free was left by a process that died.
#[derive(Debug)]
pub(super) struct Copy {
    folder: PathBuf,
    _lock: File,
}

impl Copy {
    pub(super) fn new(place: &Path) -> Result<Self, Error> {
        let folder = place.join(format!("{COPY}{}", random_hex()?));
        let io = |source| Error::Io { op: "create", path: folder.clone(), source };
        std::fs::DirBuilder::new().mode(0o700).create(&folder).map_err(io)?;
        let lock = private(&folder.join("lock")).map_err(io)?;
        lock.try_lock().map_err(|error| io(io::Error::other(error)))?;
        Ok(Self { folder, _lock: lock })
    }

    fn database(&self) -> PathBuf {
        self.folder.join("copy.db")
    }

    /// Copies a database and its -wal as files: nobody has them open.
    pub(super) fn take(&self, path: &Path) -> Result<(), Error> {
        for suffix in ["", "-wal"] {
            let to = beside(&self.database(), suffix);
            let copy = || io::copy(&mut File::open(beside(path, suffix))?, &mut private(&to)?);
            copy().map_err(|source| Error::Io { op: "copy", path: beside(path, suffix), source })?;
        }
        Ok(())
    }

    /// Copies one moment of an open database.
    fn vacuum_from(&self, conn: &Connection) -> Result<(), Error> {
        let path = self.database();
        private(&path).map_err(|source| Error::Io { op: "create", path: path.clone(), source })?;
        conn.execute("vacuum into ?1", [path.to_string_lossy()]).op("copy the older database")?;
        Ok(())
    }

    pub(super) fn open(&self) -> Result<Connection, Error> {
        let conn = open::connect(&self.database(), OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        conn.pragma_update(None, "synchronous", "off").op("set synchronous")?; // nothing is lost with it
        Ok(conn)
    }
}

/// Removes the private copies in `place` of those that died while they read one: they hold another store's prompts.
///
/// # Errors
/// [`Error::Io`] for the first that cannot be removed; the others go all the same.
pub fn remove_abandoned(place: &Path) -> Result<(), Error> {
    let mut done = Ok(());
    for entry in std::fs::read_dir(place).into_iter().flatten().flatten() {
        let folder = entry.path();
        let is_ours = entry.file_name().as_bytes().starts_with(COPY.as_bytes());
        if is_ours && File::open(folder.join("lock")).is_ok_and(|lock| lock.try_lock().is_ok()) {
            let removed = std::fs::remove_dir_all(&folder);
            done = done.and(removed.map_err(|source| Error::Io { op: "remove", path: folder, source }));
        }
    }
    done
}

impl Drop for Copy {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.folder).unwrap_or_default();
    }
}

fn private(path: &Path) -> io::Result<File> {
    File::options().read(true).write(true).create_new(true).mode(0o600).open(path)
}
