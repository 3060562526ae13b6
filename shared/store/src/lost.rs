//! Tells a database that was never there from one that is gone. In place of the former a writer makes a new one; in place of the
//! latter it must not: an empty store would pass for a whole one, and its backups would push out those of the lost one.
//!
//! Looked at only where the file is missing or holds nothing, so it costs nothing where there is a database.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use queue::DataDir;
use rusqlite::OpenFlags;

use crate::error::Error;
use crate::open;

/// Whether there is a file with anything in it. One of no bytes is none: whoever opened it would have its `-wal` deleted.
///
/// # Errors
/// [`Error::Missing`] if there never was one, [`Error::Lost`] if something is left of one, [`Error::NoFile`] if something else is
/// in its place; the operating system's.
pub fn present(dir: &DataDir) -> Result<(), Error> {
    if has_bytes(dir)? {
        return Ok(());
    }
    let lost = is_left(dir, true)?;
    // Whoever makes the first one may have been quicker than we: then what we saw is of that one.
    if has_bytes(dir)? { Ok(()) } else { Err(gone(dir, lost)) }
}

/// Whether anything is in the file, which is there. To be asked by whoever replaces it; others find out by opening it.
///
/// # Errors
/// As [`present`]; [`Error::Corrupt`], [`Error::Foreign`], [`Error::TooNew`]; the engine's.
pub fn filled(dir: &DataDir) -> Result<(), Error> {
    let conn = open::connect(&dir.database(), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    open::filled(&conn, dir).map(drop)
}

/// The same for a file in which nothing is (schema 0). Its log was read with it, and holds nothing either. `again` looks once
/// more whether that is still so.
pub(crate) fn unfilled(dir: &DataDir, again: impl FnOnce() -> Result<bool, Error>) -> Result<(), Error> {
    let lost = is_left(dir, false)?;
    if again()? { Err(gone(dir, lost)) } else { Ok(()) }
}

fn gone(dir: &DataDir, lost: bool) -> Error {
    let path = dir.database();
    if lost { Error::Lost { path } } else { Error::Missing { path } }
}

fn has_bytes(dir: &DataDir) -> Result<bool, Error> {
    let path = dir.database();
    match path.symlink_metadata() {
        Ok(meta) if meta.is_file() => Ok(meta.len() > 0),
        Ok(meta) => {
            let (what, step) = if meta.is_symlink() {
                (
                    "a link",
                    "put the database itself there, with its -wal, and make the folder `database` the link instead",
                )
            } else {
                (
                    if meta.is_dir() { "a folder" } else { "no plain file" },
                    "move it away, then run `prompt-manager recover`",
                )
            };
            Err(Error::NoFile { path, what, step })
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(source) => Err(Error::Io { op: "look at", path, source }),
    }
}

/// Whether anything tells of a database that was.
fn is_left(dir: &DataDir, logs: bool) -> Result<bool, Error> {
    // Somebody died while putting another one in place: whoever opens it next goes on with that.
    if dir.replacement().exists() {
        return Ok(false);
    }
    let is_backup = |name: &str| {
        name.starts_with("prompts-") && name.ends_with(".db")
            || name.starts_with("annotations-") && name.ends_with(".jsonl")
    };
    Ok(logs && has_log(&dir.database())?
        || dir.archive_away().is_some()
        || any(&dir.archive(), |_| true)?
        || any(&dir.backups(), is_backup)?
        || any(&dir.database_dir(), |name| name.starts_with("set-aside-"))?)
}

fn any(folder: &Path, wanted: impl Fn(&str) -> bool) -> Result<bool, Error> {
    let io = |source| Error::Io { op: "list", path: folder.to_owned(), source };
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        entries => entries.map_err(io)?,
    };
    for entry in entries {
        if wanted(&entry.map_err(io)?.file_name().to_string_lossy()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A log beside it that holds something of it.
fn has_log(database: &Path) -> Result<bool, Error> {
    let beside = |suffix: &str| {
        let mut name = database.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let wal = fs::metadata(beside("-wal")).is_ok_and(|wal| wal.len() > 0);
    // Whoever dies while making the first one leaves a journal too: one of a database of no pages.
    let path = beside("-journal");
    let mut head = [0; 20];
    let journal = match File::open(&path).and_then(|mut journal| journal.read_exact(&mut head)) {
        Ok(()) => head[16..] != [0; 4],
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::UnexpectedEof) => false,
        Err(source) => return Err(io_error(path, source)),
    };
    Ok(wal || journal)
}

fn io_error(path: PathBuf, source: io::Error) -> Error {
    Error::Io { op: "read", path, source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::check;
    use crate::read::{Reader, export::Exporter, inspect::Inspector};
    use crate::watch::unwatched;
    use crate::write::Writer;

    /// Who opened a pipe would wait for ever.
    #[test]
    fn what_is_no_file_is_not_opened() {
        let put = |program: &str, args: &[&str], path: &Path| {
            assert!(std::process::Command::new(program).args(args).arg(path).status().unwrap().success());
        };
        for (program, args, expected) in [
            ("ln", &["-s", "/nowhere/prompts.db"][..], "it is a link"),
            ("mkdir", &[], "it is a folder"),
            ("mkfifo", &[], "it is no plain file"),
        ] {
            let home = tempfile::tempdir().unwrap();
            let dir = DataDir::new(home.path());
            dir.create().unwrap();
            put(program, args, &dir.database());
            for error in [Reader::open(&dir).err(), Reader::open_anywhere(&dir).err(), Writer::open(&dir).err()] {
                let error = error.unwrap();
                assert!(matches!(error, Error::NoFile { .. }) && error.to_string().contains(expected), "{error}");
            }
        }
    }

    type Make = fn(&DataDir);
    type Files = std::collections::BTreeMap<PathBuf, blake3::Hash>;

    fn files(folder: &Path, found: &mut Files) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files(&path, found);
                continue;
            }
            let (name, bytes) = (path.to_string_lossy(), fs::read(&path).unwrap());
            // Whoever reads an unfilled one makes its index and an empty log.
            let is_of_reading = name.ends_with("-shm") || name.ends_with("-wal") && bytes.is_empty();
            if !is_of_reading && !name.ends_with("db.lock") {
                found.insert(path, blake3::hash(&bytes));
            }
        }
    }

    /// Opens it in every way: all of them say that it is lost and change nothing, or that there is none, and a writer makes one.
    fn check_opened(what: &str, prepare: impl Fn(&DataDir), lost: bool) {
        let home = tempfile::tempdir().unwrap();
        let dir = DataDir::new(home.path());
        dir.create().unwrap();
        prepare(&dir);
        let look = || {
            let mut found = Files::new();
            files(home.path(), &mut found);
            found
        };
        let before = look();
        let copy = home.path().join("copy");
        let mut errors = vec![
            Reader::open(&dir).err(),
            Reader::open_anywhere(&dir).err(),
            Inspector::open(&dir).err(),
            Exporter::open(&dir).err(),
            crate::backup::copy_live(&dir, &copy, &unwatched).err(),
        ];
        let _ = check(&dir.database(), &unwatched);
        if lost {
            errors.push(Writer::open(&dir).err());
        }
        for (n, error) in errors.into_iter().enumerate() {
            let error = error.unwrap_or_else(|| panic!("{what}: {n} opened it"));
            assert_eq!(matches!(error, Error::Lost { .. }), lost, "{what}: {n}: {error}");
            assert_eq!(matches!(error, Error::Missing { .. }), !lost, "{what}: {n}: {error}");
        }
        assert_eq!(look(), before, "{what}: something was changed");
        if !lost {
            drop(Writer::open(&dir).unwrap());
            Reader::open(&dir).unwrap();
        }
    }

    fn write(path: &Path, bytes: &[u8]) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// A database of which only the mode is set, as a death after that leaves it.
    fn unfilled(dir: &DataDir) {
        let conn = rusqlite::Connection::open(dir.database()).unwrap();
        conn.pragma_update(None, "journal_mode", "wal").unwrap();
        drop(conn);
        assert!(fs::metadata(dir.database()).unwrap().len() > 0);
    }

    #[test]
    fn what_is_gone_and_what_never_was() {
        let states: [(&str, Make); 3] =
            [("missing", |_| ()), ("empty", |dir| write(&dir.database(), b"")), ("unfilled", unfilled)];
        for (state, make) in states {
            let check = |trace: &str, lost: bool, bytes: &[u8]| {
                let prepare = |dir: &DataDir| {
                    make(dir);
                    write(&dir.root().join(trace), bytes);
                };
                check_opened(&format!("{state}, {trace}"), prepare, lost);
            };
            check("queue/incoming/0000000000000000001-s-Stop.json", false, b"{}");
            check("logs/processor.log", false, b"x");
            check("queue/archive/2026-11-25/0000000000000000001-s-Stop.json", true, b"{}");
            check("queue/archive/2026-11-25.tar.zst", true, b"x");
            check("backups/prompts-2026-11-25T093000Z.db", true, b"x");
            check("backups/annotations-2026-11-25T093000Z.jsonl", true, b"x");
            check("backups/prompts-2026-11-25T093000Z.db.partial", false, b"x");
            check("database/set-aside-2026-11-25T093000Z/prompts.db", true, b"x");
            if state != "unfilled" {
                check("database/prompts.db-wal", true, b"x");
                check("database/prompts.db-wal", false, b"");
                check("database/prompts.db-journal", true, &[1; 512]);
                check("database/prompts.db-journal", false, &[0; 512]);
            }
        }
    }
}
