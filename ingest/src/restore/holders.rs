//! Who takes in or has the database open, by name, so that a person knows what to end.

use std::fs;
use std::path::Path;

use queue::DataDir;
use status::ingesters;
use store::swap::Replacing;

use crate::error::Error;

/// Takes the right to replace the database.
///
/// # Errors
/// [`Error::InUse`] while anybody has it open, or an ingester lives, which opens it at its next event; the store's.
pub(crate) fn begin(home: &DataDir) -> Result<Replacing, Error> {
    if let Some(who) = ingester(home) {
        return Err(Error::InUse { path: home.database(), who });
    }
    Replacing::begin(home).map_err(|error| match error {
        store::Error::Busy { .. } => {
            // It may have come only now, and have closed the database again.
            let who = ingester(home).unwrap_or_else(|| who(&home.db_lock()));
            Error::InUse { path: home.database(), who }
        }
        error => error.into(),
    })
}

/// One that lives.
fn ingester(home: &DataDir) -> Option<String> {
    let mut living = ingesters::read(home).unwrap_or_default().into_iter().filter(|found| found.alive);
    let note = living.find_map(|found| found.note)?;
    Some(format!("ingest {} (process {})", note.command, note.pid))
}

/// `ingest run (process 4711) and query-api serve (process 4712)`, as far as the system tells.
fn who(lock: &Path) -> String {
    let mut found: Vec<String> = Vec::new();
    let Ok(lock) = lock.canonicalize() else { return "another process".to_owned() };
    // Where there is no /proc, or it hides others' processes, nobody is named.
    for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let id = process.file_name().to_string_lossy().into_owned();
        if !id.bytes().all(|byte| byte.is_ascii_digit()) || id == std::process::id().to_string() {
            continue;
        }
        let open = fs::read_dir(process.path().join("fd")).into_iter().flatten().flatten();
        if open.filter_map(|fd| fs::read_link(fd.path()).ok()).any(|path| path == lock) {
            found.push(format!("{} (process {id})", command(&process.path())));
        }
    }
    match found.split_last() {
        None => "another process".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

/// The program and its first word.
fn command(process: &Path) -> String {
    let line = fs::read(process.join("cmdline")).unwrap_or_default();
    let mut words = line.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned());
    let program = words.next().unwrap_or_default();
    let program = program.rsplit('/').next().unwrap_or_default();
    match words.next().filter(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase())) {
        Some(word) => format!("{program} {word}"),
        None => program.to_owned(),
    }
}
