//! The copies in the data directory: backups of the database and of what people said, and databases that were set aside. Each
//! is cleaned and takes its old place in one rename; one that cannot be is named.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use queue::DataDir;
use status::backups::What;
use store::check::check;
use store::watch::unwatched;
use store::write::Writer;

use super::cleaned::{Cleaned, remove_abandoned};
use super::going;
use super::report::Report;
use crate::backup::due;
use crate::disk::sync_dir;
use crate::error::{At, Error};
use crate::import::annotations::{About, about};
use crate::restore::ENDED;
use crate::show::Show;

/// Cleans them, or only counts them.
///
/// # Errors
/// [`ENDED`] if `stop` ended it. What is wrong with one of them is in the report.
pub(super) fn clean(
    home: &DataDir,
    report: &mut Report,
    dry_run: bool,
    stop: &AtomicBool,
    show: &Show,
) -> Result<(), Error> {
    let writer = Writer::open(home)?;
    if !dry_run {
        remove_left(home)?;
    }
    if let Err(error) = due::within_reach(home) {
        report.uncleaned.push(error.to_string());
    }
    for path in copies(home)? {
        if going(stop).is_break() {
            return Err(ENDED);
        }
        show.say(&format!("cleaning {}", path.display()));
        let done = match () {
            () if dry_run => Ok(()),
            () if path.extension().is_some_and(|end| end == "jsonl") => annotations(&writer, &path),
            () => database(home, &path, stop),
        };
        match done.and_then(|()| rename(&path, report, dry_run)) {
            Ok(()) => report.copies += 1,
            Err(error @ Error::Ended(_)) => return Err(error),
            Err(error) => report.uncleaned.push(format!("{}: {error}", path.display())),
        }
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

/// Backups by their names, whoever gave them, and the databases of folders that were set aside.
fn copies(home: &DataDir) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    for path in entries(&home.backups())? {
        if path.extension().is_some_and(|end| end == "db" || end == "jsonl") && path.is_file() {
            found.push(path);
        }
    }
    for folder in entries(&home.database_dir())? {
        let database = folder.join("prompts.db");
        if folder.is_dir() && database.is_file() {
            found.push(database);
        }
    }
    Ok(found)
}

/// Removes what those have left who died while they cleaned, made a backup or imported another database.
fn remove_left(home: &DataDir) -> Result<(), Error> {
    store::write::remove_abandoned(&home.database_dir())?;
    let aside = entries(&home.database_dir())?.into_iter().filter(|path| path.is_dir());
    for folder in [home.backups(), home.database_dir()].into_iter().chain(aside) {
        remove_abandoned(&folder)?;
        partials(&folder)?;
    }
    Ok(())
}

/// What somebody who died has left half written.
fn partials(folder: &Path) -> Result<(), Error> {
    for path in entries(folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.contains(".db.partial") || name.ends_with(".jsonl.partial") {
            fs::remove_file(&path).at("remove", &path)?;
        }
    }
    Ok(())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.at("list", folder)?,
    };
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.at("list", folder)?.path());
    }
    paths.sort();
    Ok(paths)
}

fn database(home: &DataDir, path: &Path, stop: &AtomicBool) -> Result<(), Error> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let cleaned = Cleaned::of(home, path, folder, None, stop)?;
    let partial = path.with_extension("db.partial");
    let _ = fs::remove_file(&partial);
    let file = File::options().write(true).create_new(true).mode(0o600).open(&partial).at("create", &partial)?;
    let made = store::backup::copy_live(cleaned.dir(), &partial, &unwatched).map_err(Error::from).and_then(|()| {
        let checked = check(&partial, &unwatched)?;
        if checked.is_good() {
            Ok(())
        } else {
            Err(Error::Refused {
                path: partial.clone(),
                problem: "the cleaned copy is not whole; look at the disk".into(),
            })
        }
    });
    if let Err(error) = made {
        let _ = fs::remove_file(&partial);
        return Err(error);
    }
    file.sync_all().at("sync", &partial)?;
    fs::rename(&partial, path).at("replace", path)?;
    for suffix in ["-wal", "-shm"] {
        let mut beside = path.as_os_str().to_owned();
        beside.push(suffix);
        let _ = fs::remove_file(PathBuf::from(beside));
    }
    sync_dir(folder)
}

/// A file with what people said, line by line.
fn annotations(writer: &Writer, path: &Path) -> Result<(), Error> {
    let partial = path.with_extension("jsonl.partial");
    let _ = fs::remove_file(&partial);
    let lines = BufReader::new(File::open(path).at("open", path)?);
    let file = File::options().write(true).create_new(true).mode(0o600).open(&partial).at("create", &partial)?;
    let mut out = BufWriter::new(&file);
    let mut changed = false;
    for line in lines.lines() {
        let line = line.at("read", path)?;
        if says_of_forgotten(writer, &line)? {
            changed = true;
            continue;
        }
        writeln!(out, "{line}").at("write", &partial)?;
    }
    out.flush().at("write", &partial)?;
    drop(out);
    if !changed {
        return fs::remove_file(&partial).at("remove", &partial);
    }
    file.sync_all().at("sync", &partial)?;
    fs::rename(&partial, path).at("replace", path)?;
    sync_dir(path.parent().unwrap_or(Path::new(".")))
}

/// Whether a line of an export is about something forgotten.
fn says_of_forgotten(writer: &Writer, line: &str) -> Result<bool, Error> {
    Ok(match about(line) {
        About::Conversation(keys) => writer.is_conversation_forgotten(&keys)?,
        About::Title(session, title) => writer.is_title_forgotten(&session, &title)?,
        About::Other => false,
    })
}
