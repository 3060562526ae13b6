//! Opens the database, with every setting in one place.
//!
//! A writer migrates and runs at `synchronous=FULL`: queue files are moved after the commit, so a commit that a power cut
//! takes back would lose them. A reader never creates, migrates or checkpoints anything.

use std::fs::{File, TryLockError};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use queue::DataDir;
use queue::broken::{Rule, broken};
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};

use crate::disk;
use crate::error::{Context, Error};
use crate::write::checkpoint;
use crate::{functions, held, lost, migrate, swap};

/// How long a connection waits for another's lock.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the engine waits by itself where we wait for a lock, so that the wait can be ended in between; longer, it looks
/// too rarely.
const ANNOTATOR_TIMEOUT: Duration = Duration::from_millis(3);
/// How long a reader's query may run.
const QUERY_LIMIT: Duration = Duration::from_secs(2);
/// Pages that a reader keeps, in KiB. With the engine's own 2,000 a rare word in a store of 1,000,000 conversations spends a third of
/// its time on reading again what the search before has just read.
const READER_CACHE_KIB: i64 = 8 * 1024;
/// Kept at this size after a checkpoint.
const WAL_LIMIT: i64 = 64 * 1024 * 1024;

/// The version of the SQLite that is linked in. Below 3.51.3 a bug can lose committed transactions.
pub fn engine_version() -> (&'static str, i32) {
    (rusqlite::version(), rusqlite::version_number())
}

/// `run/db.lock`, held shared as long as the database is open, so that nothing replaces the file under us.
#[derive(Debug)]
pub struct DbLock {
    _file: File,
}

impl DbLock {
    /// Takes the lock shared. If somebody died while putting another database in place, that is done first.
    ///
    /// # Errors
    /// [`Error::Busy`] while a restore holds it, [`Error::Io`] if the file cannot be opened.
    pub fn shared(dir: &DataDir) -> Result<Self, Error> {
        let (file, path) = lock_file(dir)?;
        loop {
            taken(file.try_lock_shared(), dir)?;
            if !dir.replacement().exists() {
                return Ok(Self { _file: file });
            }
            let io = |source| Error::Io { op: "unlock", path: path.clone(), source };
            file.unlock().map_err(io)?;
            taken(file.try_lock(), dir)?;
            swap::complete(dir)?;
            file.unlock().map_err(io)?;
        }
    }

    /// Puts the other database in place, if somebody died while doing so: until then there may be none.
    ///
    /// # Errors
    /// As [`shared`](Self::shared).
    pub(crate) fn finished(dir: &DataDir) -> Result<(), Error> {
        if dir.replacement().exists() { Self::shared(dir).map(drop) } else { Ok(()) }
    }

    /// Takes the lock alone: nobody has the database open.
    pub(crate) fn alone(dir: &DataDir) -> Result<Self, Error> {
        let (file, _path) = lock_file(dir)?;
        taken(file.try_lock(), dir)?;
        Ok(Self { _file: file })
    }
}

fn lock_file(dir: &DataDir) -> Result<(File, PathBuf), Error> {
    let path = dir.db_lock();
    let io = |op| {
        let path = path.clone();
        move |source| Error::Io { op, path, source }
    };
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir.run()).map_err(io("create the folder of"))?;
    let mut options = File::options();
    let file =
        options.read(true).write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(io("open"))?;
    Ok((file, path))
}

fn taken(tried: Result<(), TryLockError>, dir: &DataDir) -> Result<(), Error> {
    match tried {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(Error::Busy { op: "lock run/db.lock", by: held::database(dir) }),
        Err(TryLockError::Error(source)) => Err(Error::Io { op: "lock", path: dir.db_lock(), source }),
    }
}

/// Opens for ingest: creates and fills the file. [`Error::Lost`] if there was another one; [`Error::NotMigrated`] if it is of an
/// older schema and was ever used, for then a backup comes first (`upgrade`).
pub(crate) fn writer(dir: &DataDir) -> Result<(Connection, DbLock), Error> {
    open_writer(dir).map_err(|error| error.held(dir))
}

fn open_writer(dir: &DataDir) -> Result<(Connection, DbLock), Error> {
    let (mut conn, lock) = unmigrated(dir)?;
    let path = dir.database();
    let found = migrate::check(&conn, &path)?;
    if migrate::is_older_and_used(&conn, found)? {
        return Err(Error::NotMigrated { path, found, known: migrate::SCHEMA });
    }
    migrate::run(&mut conn, &path)?;
    conn.pragma_update(None, "foreign_keys", true).op("set foreign_keys")?;
    Ok((conn, lock))
}

/// Opens for writing, whatever schema it has, with foreign keys off so that a table can be made anew.
pub(crate) fn unmigrated(dir: &DataDir) -> Result<(Connection, DbLock), Error> {
    disk::fit(dir)?;
    let lock = DbLock::shared(dir)?;
    let path = dir.database();
    match lost::present(dir) {
        Ok(()) | Err(Error::Missing { .. }) => {}
        Err(error) => return Err(error),
    }
    if let Some(parent) = path.parent() {
        queue::layout::create_private_dir(parent).map_err(|source| Error::Io {
            op: "create the folder of",
            path: path.clone(),
            source,
        })?;
    }
    // SQLite gives -wal and -shm the mode of the database, so the file is made here and not by SQLite.
    match File::options().write(true).create_new(true).mode(0o600).open(&path) {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(source) => return Err(Error::Io { op: "create", path, source }),
    }
    let conn = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // Before a pragma below writes to a file that is not ours, and until then nothing is written at its end either.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).op("configure")?;
    match filled(&conn, dir) {
        Ok(_) | Err(Error::Missing { .. }) => {}
        Err(error) => return Err(error),
    }
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false).op("configure")?;
    switch_to_wal(&conn)?;
    durable(&conn)?;
    checkpoint::configure(&conn)?;
    conn.pragma_update(None, "journal_size_limit", WAL_LIMIT).op("set journal_size_limit")?;
    conn.pragma_update(None, "secure_delete", true).op("set secure_delete")?;
    conn.pragma_update(None, "foreign_keys", false).op("clear foreign_keys")?;
    Ok((conn, lock))
}

/// Has every commit and every checkpoint wait for the disk. On macOS fsync returns before the drive has written; the last two ask
/// for F_FULLFSYNC, and mean nothing elsewhere.
fn durable(conn: &Connection) -> Result<(), Error> {
    let synchronous = if broken(Rule::FullSync) { "normal" } else { "full" };
    conn.pragma_update(None, "synchronous", synchronous).op("set synchronous")?;
    conn.pragma_update(None, "fullfsync", true).op("set fullfsync")?;
    conn.pragma_update(None, "checkpoint_fullfsync", true).op("set checkpoint_fullfsync")
}

/// Checks that the open file is ours and that something is in it; gives its schema.
pub(crate) fn filled(conn: &Connection, dir: &DataDir) -> Result<i64, Error> {
    let path = dir.database();
    match migrate::check(conn, &path)? {
        0 => lost::unfilled(dir, || Ok(migrate::check(conn, &path)? == 0)).and_then(|()| migrate::check(conn, &path)),
        found => Ok(found),
    }
}

/// The busy timeout does not cover this switch, and two ingesters may make one database at the same moment.
fn switch_to_wal(conn: &Connection) -> Result<(), Error> {
    let end = Instant::now() + BUSY_TIMEOUT;
    loop {
        match conn.pragma_update(None, "journal_mode", "wal").op("switch to WAL") {
            Err(Error::Busy { .. }) if Instant::now() < end => std::thread::sleep(Duration::from_millis(20)),
            done => return done,
        }
    }
}

/// Opens for listing: read-only, and every query ends after two seconds.
pub(crate) fn reader(dir: &DataDir) -> Result<(Connection, DbLock), Error> {
    disk::fit(dir)?;
    let path = dir.database();
    lost::present(dir)?;
    let lock = DbLock::shared(dir)?;
    let conn = connect(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    conn.pragma_update(None, "cache_size", -READER_CACHE_KIB).op("set cache_size")?;
    ready(&conn, dir)?;
    Ok((conn, lock))
}

/// Opens for a person's words: a database that is there, read-write, and every commit is durable.
pub(crate) fn annotator(dir: &DataDir) -> Result<(Connection, DbLock), Error> {
    disk::fit(dir)?;
    let path = dir.database();
    lost::present(dir)?;
    let lock = DbLock::shared(dir)?;
    let conn = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).op("configure")?;
    expect_schema(&conn, dir)?;
    durable(&conn)?;
    conn.pragma_update(None, "wal_autocheckpoint", 0).op("set wal_autocheckpoint")?;
    conn.pragma_update(None, "secure_delete", true).op("set secure_delete")?;
    conn.pragma_update(None, "foreign_keys", true).op("set foreign_keys")?;
    conn.busy_timeout(ANNOTATOR_TIMEOUT).op("set the busy timeout")?;
    limit(&conn)?;
    Ok((conn, lock))
}

/// Refuses a database of an older schema than ours.
fn expect_schema(conn: &Connection, dir: &DataDir) -> Result<(), Error> {
    let found = filled(conn, dir)?;
    if found < migrate::SCHEMA {
        return Err(Error::NotMigrated { path: dir.database(), found, known: migrate::SCHEMA });
    }
    Ok(())
}

/// Holds a reader to our schema and to what a reader may do.
fn ready(conn: &Connection, dir: &DataDir) -> Result<(), Error> {
    expect_schema(conn, dir)?;
    conn.pragma_update(None, "query_only", true).op("set query_only")?;
    conn.pragma_update(None, "wal_autocheckpoint", 0).op("set wal_autocheckpoint")?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).op("configure")?;
    limit(conn)
}

/// Keeps what a statement may be within what ours are.
fn limit(conn: &Connection) -> Result<(), Error> {
    for (limit, value) in [
        (Limit::SQLITE_LIMIT_SQL_LENGTH, 100_000),
        (Limit::SQLITE_LIMIT_EXPR_DEPTH, 100),
        (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 200),
        (Limit::SQLITE_LIMIT_ATTACHED, 0),
    ] {
        conn.set_limit(limit, value).op("set a limit")?;
    }
    Ok(())
}

/// Whether anybody may write to a store while we read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// As usual.
    Live,
    /// It lies where we can write nothing, not even what readers of a WAL need: it is read as a file that never changes.
    Frozen,
}

/// A store that was opened for an export.
pub(crate) struct Opened {
    pub(crate) conn: Connection,
    pub(crate) place: Place,
    pub(crate) lock: Option<DbLock>,
}

/// Opens for reading without a limit on time, also from a read-only file system or somebody else's folder.
pub(crate) fn anywhere(dir: &DataDir) -> Result<Opened, Error> {
    disk::fit(dir)?;
    let path = dir.database();
    lost::present(dir)?;
    // Who cannot write the lock cannot be in the way of a restore either: the file it replaces stays open.
    let lock = match DbLock::shared(dir) {
        Ok(lock) => Some(lock),
        Err(Error::Io { source, .. }) if is_closed(source.kind()) => None,
        Err(error) => return Err(error),
    };
    let attempt = |frozen: bool| {
        let conn = if frozen { connect_frozen(&path)? } else { connect(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)? };
        ready(&conn, dir)?;
        Ok(conn)
    };
    match attempt(false) {
        Ok(conn) => Ok(Opened { conn, place: Place::Live, lock }),
        Err(Error::Storage { .. }) if !has_wal(&path) => {
            Ok(Opened { conn: attempt(true)?, place: Place::Frozen, lock })
        }
        Err(error) => Err(error),
    }
}

fn is_closed(kind: std::io::ErrorKind) -> bool {
    matches!(kind, std::io::ErrorKind::ReadOnlyFilesystem | std::io::ErrorKind::PermissionDenied)
}

/// Whether anything is committed that the database file itself does not hold yet.
fn has_wal(path: &Path) -> bool {
    let mut wal = path.as_os_str().to_owned();
    wal.push("-wal");
    std::fs::metadata(wal).is_ok_and(|wal| wal.len() > 0)
}

/// As a file that never changes: the engine takes no lock and needs no `-shm`.
pub(crate) fn connect_frozen(path: &Path) -> Result<Connection, Error> {
    let mut uri = String::from("file:");
    for byte in straight(path).as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => uri.push(char::from(*byte)),
            _ => uri.push_str(&format!("%{byte:02x}")),
        }
    }
    uri.push_str("?immutable=1");
    open_straight(Path::new(&uri), OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI)
}

/// Runs `query`; the engine gives up with [`Error::Interrupted`] when it takes longer than two seconds.
pub(crate) fn bounded<T>(
    conn: &mut Connection,
    query: impl FnOnce(&Connection) -> Result<T, Error>,
) -> Result<T, Error> {
    let end = Instant::now() + QUERY_LIMIT;
    conn.progress_handler(10_000, Some(move || Instant::now() > end)).op("set the query limit")?;
    let result = query(conn);
    conn.progress_handler(0, None::<fn() -> bool>).op("lift the query limit")?;
    result
}

/// Device and inode: which file lies there.
pub(crate) fn identity(path: &Path) -> Option<(u64, u64)> {
    std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
}

/// The same file by the way that leads through no link. The engine refuses a link anywhere in a path; we refuse one only in
/// the database's own place: a home or a data directory may lie behind one.
pub(crate) fn straight(path: &Path) -> PathBuf {
    match (path.parent().map(Path::canonicalize), path.file_name()) {
        (Some(Ok(folder)), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}

pub(crate) fn connect(path: &Path, mode: OpenFlags) -> Result<Connection, Error> {
    open_straight(&straight(path), mode)
}

fn open_straight(path: &Path, mode: OpenFlags) -> Result<Connection, Error> {
    let flags = mode | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let conn = Connection::open_with_flags(path, flags).op("open the database")?;
    conn.busy_timeout(BUSY_TIMEOUT).op("set the busy timeout")?;
    for (setting, on) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_ATTACH_CREATE, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_ATTACH_WRITE, false),
        // A plan must not depend on bound values: otherwise the engine (since 3.54 nearly always) prepares a cached
        // statement anew at each use, which costs ten times what a look-up by key does.
        (DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true),
    ] {
        conn.set_db_config(setting, on).op("configure")?;
    }
    conn.pragma_update(None, "mmap_size", 0).op("set mmap_size")?;
    conn.pragma_update(None, "cell_size_check", true).op("set cell_size_check")?;
    conn.set_prepared_statement_cache_capacity(128);
    functions::add(&conn)?;
    Ok(conn)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::write::Writer;

    fn store() -> (tempfile::TempDir, DataDir) {
        let home = tempfile::tempdir().unwrap();
        let dir = DataDir::new(home.path());
        (home, dir)
    }

    #[test]
    fn the_engine_is_not_one_that_loses_commits() {
        assert!(engine_version().1 >= 3_051_003, "{:?}", engine_version());
    }

    #[test]
    fn a_writer_makes_a_private_database_and_keeps_its_origin() {
        let (_home, dir) = store();
        let origin = Writer::open(&dir).unwrap().origin().to_owned();
        assert_eq!(origin.len(), 32);
        assert_eq!(Writer::open(&dir).unwrap().origin(), origin);
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(dir.database()).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
        let (conn, _lock) = reader(&dir).unwrap();
        assert_eq!(migrate::check(&conn, &dir.database()).unwrap(), migrate::SCHEMA);
        assert!(conn.execute("insert into meta values ('a', 1)", []).is_err());
    }

    #[test]
    fn a_data_directory_may_lie_behind_a_link() {
        let (home, dir) = store();
        let link = home.path().join("link");
        let real = DataDir::new(home.path().join("real"));
        std::fs::create_dir(real.root()).unwrap();
        std::os::unix::fs::symlink(real.root(), &link).unwrap();
        let linked = DataDir::new(link.join("data"));
        std::fs::create_dir(linked.root()).unwrap();
        let origin = Writer::open(&linked).unwrap().origin().to_owned();
        assert_eq!(Writer::open(&DataDir::new(real.root().join("data"))).unwrap().origin(), origin);
        reader(&linked).unwrap();
        connect_frozen(&linked.database()).unwrap().execute_batch("select * from meta").unwrap();
        // The database itself may not be one.
        std::fs::create_dir(dir.database_dir()).unwrap();
        std::os::unix::fs::symlink(linked.database(), dir.database()).unwrap();
        assert!(Writer::open(&dir).is_err());
    }

    #[test]
    fn a_commit_is_durable() {
        let (_home, dir) = store();
        let (writer, _lock) = writer(&dir).unwrap();
        let (annotator, _lock) = annotator(&dir).unwrap();
        for conn in [writer, annotator] {
            let value = |name| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
            let found = ["synchronous", "fullfsync", "checkpoint_fullfsync", "mmap_size"].map(value);
            assert_eq!(found, [2, 1, 1, 0]);
            assert_eq!(conn.pragma_query_value(None, "journal_mode", |row| row.get::<_, String>(0)).unwrap(), "wal");
        }
    }

    fn check_refused(prepare: &str, expected: &str) {
        let (_home, dir) = store();
        std::fs::create_dir_all(dir.database().parent().unwrap()).unwrap();
        Connection::open(dir.database()).unwrap().execute_batch(prepare).unwrap();
        let before = std::fs::read(dir.database()).unwrap();
        for error in [writer(&dir).unwrap_err(), reader(&dir).unwrap_err()] {
            assert!(error.to_string().contains(expected), "{error}");
        }
        assert_eq!(std::fs::read(dir.database()).unwrap(), before, "a refused database was changed");
    }

    #[test]
    fn others_databases_are_refused_untouched() {
        check_refused(
            "pragma application_id = 1349668199; pragma user_version = 99; create table a(b)",
            "has schema 99",
        );
        check_refused("pragma application_id = 7; create table a(b)", "not a Prompt Manager database");
        check_refused("create table notes(text)", "not a Prompt Manager database");
        check_refused("pragma application_id = 1349668199; pragma user_version = -1", "not a Prompt Manager database");
    }

    #[test]
    fn a_migration_that_fails_is_named_in_one_line() {
        let (_home, dir) = store();
        std::fs::create_dir_all(dir.database_dir()).unwrap();
        let sql = "pragma application_id = 1349668199; pragma user_version = 1;
                   create table origins (origin); create table conversation_ids (id)";
        Connection::open(dir.database()).unwrap().execute_batch(sql).unwrap();
        let expected = "upgrade the database: migration 0002: table conversation_ids already exists";
        assert_eq!(writer(&dir).unwrap_err().to_string(), expected);
    }

    #[test]
    fn a_reader_needs_a_database() {
        let (_home, dir) = store();
        assert!(matches!(reader(&dir), Err(Error::Missing { .. })));
    }

    #[test]
    fn a_restore_keeps_everybody_out() {
        let (_home, dir) = store();
        drop(writer(&dir).unwrap());
        let lock = File::options().write(true).open(dir.db_lock()).unwrap();
        lock.try_lock().unwrap();
        assert!(matches!(writer(&dir), Err(Error::Busy { .. })));
    }
}
