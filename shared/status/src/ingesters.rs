//! Who takes in: each `run` and each `once` has a note in run/ and holds its lock as long as it lives.
//!
//! The lock alone says whether an ingester lives; what the note tells may be a minute old. It is written in one piece of a
//! fixed size, over itself, so that it can be written on a full disk too. `once` leaves its note behind, as word of when it
//! was here; the next ingester takes away what the dead left.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use queue::DataDir;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::code::Code;
use crate::unreadable;

/// The size of a note, filled up with blanks.
pub const NOTE_SIZE: usize = 2048;
/// No more notes are looked at.
const MOST: usize = 64;

/// What an ingester says of itself. Times are milliseconds since 1970, UTC.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Note {
    /// Its process.
    pub pid: u32,
    /// `run` or `once`.
    pub command: String,
    /// When it looks, for a person: `every 1s`. None for `once`.
    pub schedule: Option<String>,
    /// Of the program.
    pub version: String,
    /// When it began.
    pub started_ms: i64,
    /// When its last pass ended, a minute old at most if that pass had nothing to do.
    pub last_pass_ms: Option<i64>,
    /// When it looks again, if that is so long ahead that it is worth a note.
    pub next_wake_ms: Option<i64>,
    /// Else, how long it waits between two looks.
    pub every_ms: Option<u64>,
    /// What hinders it.
    pub trouble: Option<Trouble>,
}

/// A fault that has not passed yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Trouble {
    /// When it was first met.
    pub since_ms: i64,
    /// When it was last met.
    pub last_ms: i64,
    /// How often.
    pub count: u64,
    /// What it is; no word of a prompt.
    pub text: String,
    /// What is to be done, if an ingester ended with it: it does not pass by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
}

/// How a fault that ended an ingester is told, until a pass is good again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ended {
    /// The code of its finding.
    pub code: String,
    /// What to do about it.
    pub next_step: String,
}

impl Ended {
    /// By a fault of the store, as a look at the database tells it; by any other.
    pub fn by(error: Option<&store::Error>) -> Self {
        let told = error.and_then(unreadable::database);
        told.map_or_else(
            || Self { code: Code::Trouble.name().to_owned(), next_step: AGAIN.to_owned() },
            |told| Self { code: told.code.to_owned(), next_step: told.next_step },
        )
    }
}

/// What mends a fault that has no page of its own.
const AGAIN: &str = "Remove the cause, then start the ingester again; `prompt-manager once` shows whether it is gone.";

/// A note that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where.
    pub path: PathBuf,
    /// Whether its owner lives.
    pub alive: bool,
    /// What it says; `None` if it cannot be read.
    pub note: Option<Note>,
}

impl Note {
    /// As it is written: JSON and blanks, [`NOTE_SIZE`] bytes in all. A text that is too long is left out.
    pub fn block(&self) -> Vec<u8> {
        let short = |note: &Self| serde_json::to_vec(note).ok().filter(|json| json.len() < NOTE_SIZE);
        let json = short(self).or_else(|| short(&Self { trouble: None, schedule: None, ..self.clone() }));
        let mut block = json.unwrap_or_default();
        block.resize(NOTE_SIZE - 1, b' ');
        block.push(b'\n');
        block
    }
}

/// The notes in `home`, the oldest ingester first.
///
/// # Errors
/// The operating system's, with the path in its text. A note that cannot be read is no error.
pub fn read(home: &DataDir) -> io::Result<Vec<Found>> {
    let dir = home.run();
    let with_path = |error: io::Error| io::Error::new(error.kind(), format!("read {}: {error}", dir.display()));
    let entries = match fs::read_dir(&dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(with_path)?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(with_path)?.path();
        if is_note(&path) && found.len() < MOST {
            found.extend(look(path));
        }
    }
    found.sort_by_key(|found| found.note.as_ref().map(|note| (note.started_ms, note.pid)));
    Ok(found)
}

/// Whether a file in run/ is such a note, by its name.
pub fn is_note(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let id = name.strip_prefix("ingest-").and_then(|rest| rest.strip_suffix(".json"));
    id.is_some_and(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'))
}

/// What hinders the ingesters, from run/trouble.json. What cannot be read says nothing.
pub fn trouble(home: &DataDir) -> Option<Trouble> {
    queue::plain::read(&home.trouble()).ok().and_then(|text| serde_json::from_slice(&text).ok())
}

/// What the notes say of it, when run/trouble.json could not be written: those of the living, else that of the dead who
/// met it last, unless a pass has been good since. `stored_good_ms` is when the last such pass ended, as the store knows it.
pub(crate) fn told(notes: &[Found], stored_good_ms: Option<i64>) -> Option<Trouble> {
    let living = notes.iter().filter(|found| found.alive).find_map(|found| found.note.as_ref()?.trouble.clone());
    let all = || notes.iter().filter_map(|found| found.note.as_ref());
    let good_ms = all().filter(|note| note.trouble.is_none()).filter_map(|note| note.last_pass_ms).max();
    living.or_else(|| {
        let last = all().filter_map(|note| note.trouble.as_ref()).max_by_key(|trouble| trouble.last_ms)?;
        (Some(last.last_ms) >= good_ms.max(stored_good_ms)).then(|| last.clone())
    })
}

/// `None` if it is gone, or no plain file.
fn look(path: PathBuf) -> Option<Found> {
    if !path.symlink_metadata().ok()?.is_file() {
        return None;
    }
    let file = File::open(&path).ok()?;
    // Shared, so that two who look do not take each other for the owner.
    let alive = matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
    Some(Found { path, alive, note: read_note(&file) })
}

fn read_note(mut file: &File) -> Option<Note> {
    let mut text = Vec::new();
    file.by_ref().take(NOTE_SIZE as u64).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_of_one_size() {
        let trouble = |n| Trouble { text: "\u{1}".repeat(n), ..Trouble::default() };
        for n in [0, 10, 300, 3000] {
            let note = Note { pid: 7, trouble: Some(trouble(n)), ..Note::default() };
            let block = note.block();
            assert_eq!(block.len(), NOTE_SIZE);
            let back: Note = serde_json::from_slice(&block).unwrap();
            assert_eq!((back.pid, back.trouble.is_some()), (7, n <= 300));
        }
    }

    #[test]
    fn a_lock_says_who_lives() {
        let home = tempfile::tempdir().unwrap();
        let dir = DataDir::new(home.path());
        assert_eq!(read(&dir).unwrap(), []);
        dir.create().unwrap();
        for pid in [1, 2] {
            let note = Note { pid, started_ms: i64::from(pid), ..Note::default() };
            fs::write(dir.ingester(pid, 1), note.block()).unwrap();
        }
        fs::write(dir.ingester(3, 2), "").unwrap();
        fs::write(dir.run().join("ingest-x.json"), "").unwrap();
        let held = File::open(dir.ingester(2, 1)).unwrap();
        held.try_lock().unwrap();
        let seen = |found: &Found| (found.note.as_ref().map(|note| note.pid), found.alive);
        for _ in 0..2 {
            assert_eq!(
                read(&dir).unwrap().iter().map(seen).collect::<Vec<_>>(),
                [(None, false), (Some(1), false), (Some(2), true)]
            );
        }
        drop(held);
        assert!(read(&dir).unwrap().iter().all(|found| !found.alive));
    }

    #[test]
    fn the_dead_tell_of_trouble_until_a_pass_is_good() {
        let note = |alive, last_ms, in_trouble: bool| Found {
            path: PathBuf::new(),
            alive,
            note: Some(Note {
                last_pass_ms: Some(last_ms),
                trouble: in_trouble.then(|| Trouble { last_ms, ..Trouble::default() }),
                ..Note::default()
            }),
        };
        let check = |notes: &[Found], good, expected: Option<i64>| {
            assert_eq!(told(notes, good).map(|trouble| trouble.last_ms), expected, "{notes:?} {good:?}");
        };
        check(&[], None, None);
        check(&[note(false, 5, true)], None, Some(5));
        check(&[note(false, 5, true)], Some(4), Some(5));
        check(&[note(false, 5, true)], Some(6), None);
        check(&[note(false, 5, true), note(false, 7, true)], Some(6), Some(7));
        check(&[note(false, 5, true), note(true, 6, false)], None, None);
        check(&[note(false, 5, true), note(true, 4, false)], None, Some(5));
        check(&[note(true, 5, true)], Some(6), Some(5));
    }
}
