//! What lies in queue/failed: the files that could not be taken in, and the notes beside them that say why.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use queue::QueueName;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Ends the name of a note.
pub const NOTE: &str = ".reason.json";
/// No note is longer.
const LONGEST_NOTE: u64 = 64 * 1024;

/// A file that could not be taken in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Failed {
    /// Its name in queue/failed.
    pub file: String,
    /// Its name in the queue: the same, unless another of that name had failed before.
    pub name: String,
    /// The kind of fault; `None` if there is no note that can be read.
    pub reason: Option<String>,
    /// More about it.
    pub detail: Option<String>,
    /// In bytes.
    pub size: u64,
    /// How often it was begun.
    pub attempts: Option<u32>,
    /// When it failed, RFC 3339, UTC; without a note, when the file was last written.
    pub failed_at: Option<String>,
    /// Which of the two that is.
    pub failed_at_from: Source,
    /// The same in milliseconds since 1970.
    #[serde(skip)]
    pub failed_ms: i64,
    /// Whether it is a regular file, as everything that comes from a hook is.
    pub is_file: bool,
}

/// Where the time of a failure is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The note beside the file.
    Note,
    /// There is no note: the file's own time.
    Mtime,
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failures {
    /// The files, the oldest names first.
    pub files: Vec<Failed>,
    /// Notes whose file is gone, by their names.
    pub lone_notes: Vec<String>,
    /// There is more than was asked for.
    pub more: bool,
}

#[derive(Deserialize)]
struct Note {
    name: String,
    class: String,
    detail: String,
    attempts: u32,
    failed_at: String,
}

impl Failures {
    /// Reads at most `limit` names of `dir`, each with its note. A missing directory holds nothing.
    ///
    /// # Errors
    /// The operating system's, with the path in its text.
    pub fn read(dir: &Path, limit: usize) -> io::Result<Self> {
        let with_path = |error: io::Error| io::Error::new(error.kind(), format!("read {}: {error}", dir.display()));
        let entries = match fs::read_dir(dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            entries => entries.map_err(with_path)?,
        };
        let (mut found, mut notes) = (Self::default(), BTreeMap::new());
        for entry in entries {
            let entry = entry.map_err(with_path)?;
            if found.files.len() + notes.len() >= 2 * limit {
                found.more = true;
                break;
            }
            let name = entry.file_name().to_string_lossy().into_owned();
            match name.strip_suffix(NOTE) {
                Some(of) => drop(notes.insert(of.to_owned(), read_note(&entry.path()))),
                None => found.files.extend(look(&entry.path(), name)),
            }
        }
        for file in &mut found.files {
            if let Some(Some(note)) = notes.remove(&file.file) {
                file.explain(note);
            }
        }
        found.lone_notes = notes.into_keys().map(|of| of + NOTE).collect();
        found.files.sort_by(|a, b| a.file.cmp(&b.file));
        Ok(found)
    }

    /// How many files failed for each reason; those without a note under `unknown`.
    pub fn by_reason(&self) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for file in &self.files {
            *counts.entry(file.reason.clone().unwrap_or_else(|| "unknown".to_owned())).or_default() += 1;
        }
        counts
    }
}

impl Failed {
    /// What is at `file` in `dir` now; `None` if nothing is.
    pub fn look(dir: &Path, file: &str) -> Option<Self> {
        let mut found = look(&dir.join(file), file.to_owned())?;
        if let Some(note) = read_note(&dir.join(format!("{file}{NOTE}"))) {
            found.explain(note);
        }
        Some(found)
    }

    fn explain(&mut self, note: Note) {
        if let Some(ms) = parse_ms(&note.failed_at) {
            self.failed_ms = ms;
        }
        self.name = note.name;
        self.reason = Some(note.class);
        self.detail = Some(note.detail);
        self.attempts = Some(note.attempts);
        self.failed_at = Some(note.failed_at);
        self.failed_at_from = Source::Note;
    }
}

fn look(path: &Path, file: String) -> Option<Failed> {
    let meta = path.symlink_metadata().ok()?; // else it is gone since
    let written = meta.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    // Without a note that says it: the number behind a name that was taken is not the hook's.
    let name = QueueName::numbered(&file).map_or_else(|| file.clone(), |name| name.to_string());
    let failed_ms = i64::try_from(written.as_millis()).unwrap_or(i64::MAX);
    Some(Failed {
        name,
        file,
        reason: None,
        detail: None,
        size: meta.len(),
        attempts: None,
        failed_at: export::time::rfc3339(failed_ms),
        failed_at_from: Source::Mtime,
        failed_ms,
        is_file: meta.is_file(),
    })
}

fn read_note(path: &Path) -> Option<Note> {
    if !path.symlink_metadata().ok()?.is_file() {
        return None;
    }
    let mut text = Vec::new();
    File::open(path).ok()?.take(LONGEST_NOTE).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

fn parse_ms(time: &str) -> Option<i64> {
    export::time::parse(time)
}

/// How long ago `ms` was at `now`, in milliseconds; 0 for what is to come.
pub fn age_ms(ms: i64, now: SystemTime) -> u64 {
    let now = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64);
    u64::try_from(now.saturating_sub(ms)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(name: &str, class: &str) -> String {
        format!(
            r#"{{"name":"{name}","class":"{class}","detail":"d","size":1,"attempts":2,"failed_at":"1970-01-01T00:00:01.000Z"}}"#
        )
    }

    #[test]
    fn files_and_their_notes() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
        write("a", "1");
        write(&format!("a{NOTE}"), &note("a", "empty"));
        write("a.2", "12");
        write(&format!("a.2{NOTE}"), &note("a", "not_json"));
        write("b", "123");
        write(&format!("b{NOTE}"), "no JSON");
        write(&format!("c{NOTE}"), &note("c", "empty"));
        fs::create_dir(dir.path().join("d")).unwrap();
        let queued = "1795350951598014047-s-Stop.json";
        write(&format!("{queued}.2"), "1");
        write(&format!("{queued}.3"), "1");
        write(&format!("{queued}.3{NOTE}"), "");
        let found = Failures::read(dir.path(), 100).unwrap();
        let seen: Vec<_> =
            found.files.iter().map(|f| (f.file.as_str(), f.name.as_str(), f.reason.as_deref(), f.is_file)).collect();
        assert_eq!(
            seen,
            [
                ("1795350951598014047-s-Stop.json.2", queued, None, true),
                ("1795350951598014047-s-Stop.json.3", queued, None, true),
                ("a", "a", Some("empty"), true),
                ("a.2", "a", Some("not_json"), true),
                ("b", "b", None, true),
                ("d", "d", None, false)
            ]
        );
        assert_eq!(found.files[2].failed_ms, 1000);
        assert_eq!(found.files[2].failed_at_from, Source::Note);
        let by_file = &found.files[4];
        assert_eq!(by_file.failed_at.as_deref().and_then(parse_ms), Some(by_file.failed_ms), "{by_file:?}");
        assert_eq!(by_file.failed_at_from, Source::Mtime);
        assert!(found.files.iter().all(|file| Failed::look(dir.path(), &file.file).as_ref() == Some(file)));
        assert_eq!(Failed::look(dir.path(), "c"), None);
        assert_eq!(found.lone_notes, [format!("c{NOTE}")]);
        assert_eq!(
            found.by_reason(),
            [("empty", 1), ("not_json", 1), ("unknown", 4)].map(|(r, n)| (r.into(), n)).into()
        );
        assert!(!found.more && Failures::read(dir.path(), 1).unwrap().more);
        assert_eq!(Failures::read(&dir.path().join("none"), 1).unwrap(), Failures::default());
    }
}
