//! The copies in the data directory: backups of the database and of what people said, and databases that were set aside. Each
//! is cleaned and takes its old place in one rename; one that cannot be is named.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use export::out::Existing;
use queue::DataDir;
use status::backups::What;
use store::check::Checked;
use store::write::Writer;
use terminal::size;
use walkdir::{DirEntry, WalkDir};

use super::cleaned::{Cleaned, is_being_made, remove_abandoned};
use super::going;
use super::report::Report;
use crate::backup::copy::{Copying, PARTIAL, Partial, make_by};
use crate::backup::due::{self, remove_partial};
use crate::disk::{self, sync_dir};
use crate::error::{At, Error};
use crate::import::annotations::{About, about};
use crate::intake::lock::try_exclusive;
use crate::restore::ENDED;
use crate::show::Show;

/// Cleans them, each that is not clean yet.
///
/// # Errors
/// [`ENDED`] if `stop` ended it. What is wrong with one of them is in the report.
pub(super) fn clean(
    home: &DataDir,
    writer: &Writer,
    report: &mut Report,
    stop: &AtomicBool,
    show: &Show,
) -> Result<(), Error> {
    remove_left(home, writer, report);
    report.of(&home.backups(), due::within_reach(home));
    for (path, sort) in copies(home, report) {
        if going(stop).is_break() {
            return Err(ENDED);
        }
        show.say(&format!("cleaning {}", path.display()));
        let done = match sort {
            Sort::Database => database(home, writer, &path, stop),
            Sort::Said => annotations(writer, &path),
            Sort::Lives | Sort::Other => {
                report.left.push(path.display().to_string());
                continue;
            }
        };
        match done.and_then(|is_changed| rename(&path, report, false).map(|()| is_changed)) {
            Err(error @ Error::Ended(_)) => return Err(error),
            done => report.copies += u64::from(report.of(&path, done)),
        }
    }
    Ok(())
}

/// Counts those that [`clean`] would look at.
///
/// # Errors
/// The operating system's.
pub(super) fn count(home: &DataDir, report: &mut Report) -> Result<(), Error> {
    report.of(&home.backups(), due::within_reach(home));
    for (path, _) in copies(home, report).into_iter().filter(|(_, sort)| matches!(sort, Sort::Database | Sort::Said)) {
        report.copies += 1;
        rename(&path, report, true)?;
    }
    Ok(())
}

/// A copy from before an upgrade is of our schema once it is cleaned, and no earlier version reads it: it gets the name of what it is.
fn rename(path: &Path, report: &mut Report, dry_run: bool) -> Result<(), Error> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let Some((_, mut made_ms)) = What::of_upgrade(&name).filter(|(schema, _)| *schema < store::SCHEMA) else {
        return Ok(());
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    if !dry_run {
        // Another backup may have been made in the same second.
        while let Err(error) = queue::place::rename_new(path, &folder.join(What::Database.file_name(made_ms))) {
            if error.kind() != io::ErrorKind::AlreadyExists {
                return Err(error).at("rename", path);
            }
            made_ms += 1000;
        }
        sync_dir(folder)?;
    }
    report.renamed.insert(path.display().to_string(), What::Database.file_name(made_ms));
    Ok(())
}

/// What a file is, by what stands in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Database,
    /// The database of another data directory that somebody works with: a store of its own, and no copy of ours.
    Lives,
    /// Lines of an export, such as what people said.
    Said,
    Other,
}

/// All that lies in backups, whoever named it, and databases anywhere else in the data directory, whoever put them there. What
/// cannot be looked at is in the report.
fn copies(home: &DataDir, report: &mut Report) -> Vec<(PathBuf, Sort)> {
    let (backups, live) = (home.backups(), home.database());
    let mut found = Vec::new();
    for entry in below(home, report).into_iter().filter(|entry| !entry.file_type().is_dir()) {
        let path = entry.into_path();
        if path == live || is_beside(&path) {
            continue;
        }
        let sort = sort(&path);
        let Some(sort) = report.of(&path, sort.map(Some)) else { continue };
        // Elsewhere lies what we made ourselves, too.
        let is_log = || LOGS.iter().any(|end| path.to_string_lossy().ends_with(end));
        if path.starts_with(&backups) || sort == Sort::Database || sort == Sort::Lives || is_log() {
            found.push((path, sort));
        }
    }
    found
}

/// All that lies in the data directory, but for the queue and what somebody makes at this moment.
fn below(home: &DataDir, report: &mut Report) -> Vec<DirEntry> {
    // The first two may be links to another disk.
    let places = [home.backups(), home.database_dir(), home.root().to_owned()];
    let is_apart = |path: &Path| path == home.queue() || places.iter().any(|place| path == place);
    let mut found: Vec<DirEntry> = Vec::new();
    for place in places.iter().filter(|place| place.exists()) {
        let ours = |entry: &DirEntry| entry.depth() == 0 || !is_apart(entry.path()) && !is_being_made(entry.path());
        for entry in WalkDir::new(place).sort_by_file_name().into_iter().filter_entry(ours) {
            match entry {
                Ok(entry) => found.push(entry),
                Err(error) => {
                    found.retain(|entry| Some(entry.path()) != error.path());
                    report.pass_over(&error);
                }
            }
        }
    }
    found
}

/// What the engine puts beside a database, by the ends of their names.
const LOGS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Half a copy, which is removed, or what a database has beside it, which goes with that.
fn is_beside(path: &Path) -> bool {
    let name = path.to_string_lossy();
    let of_database = |end: &&str| name.strip_suffix(*end).is_some_and(|database| Path::new(database).exists());
    name.ends_with(PARTIAL) || LOGS.iter().any(of_database)
}

fn sort(path: &Path) -> Result<Sort, Error> {
    // A link is not followed: to put a clean copy in its place would leave the other where it is.
    if !fs::symlink_metadata(path).at("look at", path)?.is_file() {
        return Ok(Sort::Other);
    }
    let mut head = Vec::new();
    File::open(path).at("open", path)?.take(16).read_to_end(&mut head).at("read", path)?;
    Ok(match head.first() {
        Some(b'S') if head == b"SQLite format 3\0" => match alone(path)? {
            Alone::No => Sort::Lives,
            Alone::Yes(_) => Sort::Database,
        },
        Some(b'{') => Sort::Said,
        None => Sort::Said, // empty: there is no line to remove
        Some(_) => Sort::Other,
    })
}

/// Whether a database is ours alone, as long as this is held.
enum Alone {
    Yes(Option<File>),
    No,
}

/// Keeps everybody out of the data directory whose database this is, if it is that of one, such as a copy of all of ours.
fn alone(database: &Path) -> Result<Alone, Error> {
    let Some(dir) = database.ancestors().nth(2).map(DataDir::new).filter(|dir| dir.database() == database) else {
        return Ok(Alone::Yes(None));
    };
    let path = dir.db_lock();
    if !path.exists() {
        return Ok(Alone::Yes(None));
    }
    let lock = File::open(&path).at("open", &path)?;
    Ok(if try_exclusive(&lock).at("lock", &path)? { Alone::Yes(Some(lock)) } else { Alone::No })
}

/// Removes what those have left who died while they cleaned, copied, imported or replaced a database. What somebody writes at this
/// moment may be cleaned when it is whole.
fn remove_left(home: &DataDir, writer: &Writer, report: &mut Report) {
    let (backups, database) = (home.backups(), home.database_dir());
    report.of(&database, store::write::remove_abandoned(&database).map_err(Error::from));
    report.of(&database, store::swap::remove_abandoned(writer).map_err(Error::from));
    for folder in below(home, report).into_iter().filter(|entry| entry.file_type().is_dir()) {
        let folder = folder.path();
        // What was in one that is removed went with it.
        if (folder.starts_with(&backups) || folder.starts_with(&database)) && folder.is_dir() {
            let removed = remove_abandoned(folder).and_then(|()| remove_partial(folder));
            report.of(folder, removed);
        }
    }
}

/// Gives whether there was anything to clean.
fn database(home: &DataDir, writer: &Writer, path: &Path, stop: &AtomicBool) -> Result<bool, Error> {
    let Alone::Yes(_held) = alone(path)? else {
        return Err(Error::Refused { path: path.to_owned(), problem: "somebody works with it".to_owned() });
    };
    if writer.is_clean_copy(path)? {
        return Ok(false);
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    // Two copies stand beside it for a while, and what one of them has in its log.
    let wanted = fs::metadata(path).at("look at", path)?.len().saturating_mul(3);
    let free = disk::free(folder)?;
    if free < wanted {
        let problem = format!("cleaning takes {} of free space; there are {}", size(wanted), size(free));
        return Err(Error::Refused { path: path.to_owned(), problem });
    }
    let cleaned = Cleaned::of(home, path, folder, None, stop)?;
    let copying: &Copying<'_> = &|to, watch| store::backup::copy_live(cleaned.dir(), to, watch);
    make_by(copying, Checked::is_good, home, path, Existing::Replace, stop, &|_| {})?;
    for suffix in LOGS {
        let mut beside = path.as_os_str().to_owned();
        beside.push(suffix);
        let _ = fs::remove_file(PathBuf::from(beside));
    }
    sync_dir(folder)?;
    Ok(true)
}

/// A file with what people said, line by line. Gives whether there was anything to remove.
fn annotations(writer: &Writer, path: &Path) -> Result<bool, Error> {
    let mut is_clean = true;
    for line in lines(path)? {
        is_clean &= !says_of_forgotten(writer, &line?)?;
    }
    if is_clean {
        return Ok(false);
    }
    let partial = Partial::create(path)?;
    let mut out = BufWriter::new(partial.file());
    for line in lines(path)? {
        let line = line?;
        if !says_of_forgotten(writer, &line)? {
            writeln!(out, "{line}").at("write", path)?;
        }
    }
    out.flush().at("write", path)?;
    drop(out);
    partial.place(path, Existing::Replace)?;
    Ok(true)
}

fn lines(path: &Path) -> Result<impl Iterator<Item = Result<String, Error>> + '_, Error> {
    let lines = BufReader::new(File::open(path).at("open", path)?).lines();
    Ok(lines.map(move |line| line.at("read", path)))
}

/// Whether a line of an export is about something forgotten.
fn says_of_forgotten(writer: &Writer, line: &str) -> Result<bool, Error> {
    Ok(match about(line) {
        About::Conversation(keys) => writer.is_conversation_forgotten(&keys)?,
        About::Title(title) => writer.is_title_forgotten(&title)?,
        About::Other => false,
    })
}
