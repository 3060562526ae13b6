//! Puts another database in the place of ours, so that death at any moment leaves the one or the other.
//!
//! ```text
//! database/staging/   a data directory of its own: the new database is made here, and here alone
//! database/ready/     the same after one rename, which is the moment of decision
//! database/set-aside-TIME/   prompts.db, -wal and -shm as they were, together
//! ```
//!
//! While `ready` holds a database, what lies at our database's place is the old one: it is moved away, then the new one is
//! moved in by one rename. Whoever opens the database and finds `ready` goes on from there, so nobody ever sees a half state, or
//! a new database beside an old `-wal`.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use queue::DataDir;
use rusqlite::OpenFlags;

use crate::error::{Context, Error};
use crate::open::{self, DbLock};
use crate::write::Writer;

/// Holds the name of the folder for the old database, in `ready`.
const ASIDE: &str = "aside";

/// The right to replace the database: nobody else has it open.
#[derive(Debug)]
pub struct Replacing {
    dir: DataDir,
    _lock: DbLock,
}

impl Replacing {
    /// Takes the right, ends what somebody else began, and makes an empty staging directory.
    ///
    /// # Errors
    /// [`Error::Busy`] while anybody has the database open; the operating system's.
    pub fn begin(dir: &DataDir) -> Result<Self, Error> {
        let lock = DbLock::alone(dir)?;
        complete(dir)?;
        let replacing = Self { dir: dir.clone(), _lock: lock };
        remove(&dir.staging())?;
        let staging = replacing.staging();
        for folder in [staging.database_dir(), staging.run()] {
            queue::layout::create_private_dir(&folder).map_err(io("prepare", &folder))?;
        }
        Ok(replacing)
    }

    /// Where the new database is made. It goes with this value, unless it was put in place.
    pub fn staging(&self) -> DataDir {
        DataDir::new(self.dir.staging())
    }

    /// Puts the staged database, which nobody has open any more, in place of ours, and moves ours into a folder of this name
    /// beside it. Gives that folder, if there was anything to move.
    ///
    /// # Errors
    /// The engine's and the operating system's. Either nothing is changed then, or whoever next opens the database goes on.
    pub fn put_in_place(self, aside: &str) -> Result<Option<PathBuf>, Error> {
        let (staging, home) = (self.staging(), self.dir.database_dir());
        one_file(&staging.database())?;
        let folder = vacant(&home, aside);
        let note = self.dir.staging().join(ASIDE);
        let write = || {
            let mut file = File::options().write(true).create_new(true).mode(0o600).open(&note)?;
            file.write_all(folder.as_bytes())?;
            file.sync_all()
        };
        write().map_err(io("write", &note))?;
        sync(&staging.database_dir())?;
        sync(&self.dir.staging())?;
        let ready = self.dir.replacement();
        fs::rename(self.dir.staging(), &ready).map_err(io("rename to", &ready))?;
        sync(&home)?;
        complete(&self.dir)
    }
}

impl Drop for Replacing {
    fn drop(&mut self) {
        let _ = remove(&self.dir.staging()); // else the next one does it
    }
}

/// Removes what somebody left who died while he made a new database: as long as `open` has the old one open, nobody may be at it.
///
/// # Errors
/// The operating system's.
pub fn remove_abandoned(open: &Writer) -> Result<(), Error> {
    remove(&open.data_dir().staging())
}

/// A name that no folder in `home` has.
fn vacant(home: &Path, name: &str) -> String {
    let free = |name: &String| !home.join(name).exists();
    let numbered = (2..).map(|n| format!("{name}.{n}"));
    std::iter::once(name.to_owned()).chain(numbered).find(free).unwrap_or_else(|| name.to_owned())
}

/// Everything is in the file itself, and on the disk. It stays in WAL mode: leaving that and coming back to it would each write
/// a journal, and whoever died in between would leave a database that no reader can open.
fn one_file(path: &Path) -> Result<(), Error> {
    let conn = open::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    conn.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(())).op("empty the log")?;
    drop(conn);
    for suffix in ["-wal", "-journal"] {
        let log = beside(path, suffix);
        if fs::metadata(&log).is_ok_and(|log| log.len() > 0) {
            let source = io::Error::other("something is left in it");
            return Err(Error::Io { op: "put the last changes into the database from", path: log, source });
        }
    }
    File::open(path).and_then(|file| file.sync_all()).map_err(io("sync", path))
}

/// Goes on with what was decided. The caller holds the lock alone.
pub(crate) fn complete(dir: &DataDir) -> Result<Option<PathBuf>, Error> {
    let ready = dir.replacement();
    if !ready.exists() {
        return Ok(None);
    }
    let (new, place, home) = (DataDir::new(&ready).database(), dir.database(), dir.database_dir());
    let note = ready.join(ASIDE);
    let folder = match fs::read_to_string(&note) {
        // The note is the first to go, when all is done.
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        name => Some(home.join(name.map_err(io("read", &note))?)),
    };
    if let Some(folder) = &folder
        && new.exists()
    {
        for suffix in ["", "-wal", "-shm", "-journal"] {
            let old = beside(&place, suffix);
            if old.symlink_metadata().is_err() {
                continue;
            }
            queue::layout::create_private_dir(folder).map_err(io("prepare", folder))?;
            let to = folder.join(old.file_name().unwrap_or_default());
            queue::place::rename_new(&old, &to).map_err(io("set aside", &old))?;
        }
        if folder.exists() {
            sync(folder)?;
        }
        sync(&home)?;
        queue::place::rename_new(&new, &place).map_err(io("put in place", &place))?;
        sync(&home)?;
    }
    remove(&ready)?;
    sync(&home)?;
    Ok(folder.filter(|folder| folder.exists()))
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn remove(folder: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done.map_err(io("remove", folder)),
    }
}

fn sync(folder: &Path) -> Result<(), Error> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(io("sync", folder))
}

fn io(op: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Io { op, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::Reader;
    use crate::write::Writer;

    fn origin(dir: &DataDir) -> String {
        Writer::open(dir).unwrap().origin().to_owned()
    }

    /// A store, and another one that is staged to take its place: their origins.
    fn staged() -> (tempfile::TempDir, DataDir, Replacing, String, String) {
        let home = tempfile::tempdir().unwrap();
        let dir = DataDir::new(home.path());
        let old = origin(&dir);
        let replacing = Replacing::begin(&dir).unwrap();
        let new = origin(&replacing.staging());
        (home, dir, replacing, old, new)
    }

    #[test]
    fn one_takes_the_place_of_the_other() {
        let (_home, dir, replacing, old, new) = staged();
        assert!(matches!(Writer::open(&dir), Err(Error::Busy { .. })));
        fs::create_dir(dir.database_dir().join("aside")).unwrap(); // the name is taken
        let aside = replacing.put_in_place("aside").unwrap().unwrap();
        assert_eq!(aside, dir.database_dir().join("aside.2"));
        assert!(!dir.replacement().exists() && !dir.staging().exists());
        let before = DataDir::new(aside.join("home"));
        fs::create_dir_all(before.database_dir()).unwrap();
        fs::rename(aside.join("prompts.db"), before.database()).unwrap();
        assert_eq!((origin(&dir), origin(&before)), (new, old));
    }

    #[test]
    fn what_is_given_up_leaves_nothing() {
        let (_home, dir, replacing, old, _) = staged();
        drop(replacing);
        assert!(!dir.staging().exists());
        assert_eq!(origin(&dir), old);
        let open = Writer::open(&dir).unwrap();
        assert!(matches!(Replacing::begin(&dir), Err(Error::Busy { .. })));
        drop(open);
        assert!(Replacing::begin(&dir).is_ok());
    }

    /// Death between any two renames: whoever comes next goes on. An old -wal never stands beside the new database.
    #[test]
    fn whoever_comes_next_goes_on() {
        for (moved, reads) in (0..4).flat_map(|moved| [(moved, false), (moved, true)]) {
            let (_home, dir, replacing, old, new) = staged();
            one_file(&replacing.staging().database()).unwrap();
            fs::write(dir.staging().join(ASIDE), "aside").unwrap();
            fs::write(beside(&dir.database(), "-wal"), "not of the new one").unwrap();
            let (staging, ready) = (dir.staging(), dir.replacement());
            fs::rename(&staging, &ready).unwrap();
            drop(replacing);
            let aside = dir.database_dir().join("aside");
            fs::create_dir(&aside).unwrap();
            for suffix in ["", "-wal"].iter().take(moved) {
                let from = beside(&dir.database(), suffix);
                fs::rename(&from, aside.join(from.file_name().unwrap())).unwrap();
            }
            if moved == 3 {
                fs::rename(DataDir::new(&ready).database(), dir.database()).unwrap();
            }
            if reads {
                drop(Reader::open(&dir).unwrap_or_else(|error| panic!("after {moved}: {error}")));
            }
            assert_ne!(origin(&dir), old, "after {moved}");
            assert_eq!(origin(&dir), new, "after {moved}");
            assert_eq!(fs::read(aside.join("prompts.db-wal")).unwrap(), b"not of the new one");
            assert!(aside.join("prompts.db").exists() && !ready.exists());
        }
    }
}
