//! How full the queue is: counts and ages from names alone, no file opened.

use std::path::Path;
use std::{fs, io};

use serde::Serialize;
use settings::Settings;

use crate::failed::NOTE;
use crate::time::Time;

/// Counting ends here: what matters then is no longer the number.
const MOST: u64 = 100_000;

/// What lies in a folder of the queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Folder {
    /// Files; at 100,000 there may be more.
    pub files: u64,
    /// The time in the oldest name.
    pub oldest_at: Option<Time>,
    /// How long ago that is, in milliseconds.
    pub oldest_age_ms: Option<u64>,
    /// The time in the newest name.
    #[serde(skip)]
    pub newest: Option<Time>,
}

/// The whole queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Queue {
    /// Files that a hook is writing, or left.
    pub tmp: Folder,
    /// Files that wait.
    pub incoming: Folder,
    /// Files that an ingester has, or had when it died.
    pub processing: Folder,
    /// Files that could not be taken in.
    pub failed: Folder,
    /// Files that wait in the hook's second place.
    pub spill: Folder,
}

impl Queue {
    /// Counts. A folder that does not exist is empty; it is made by whoever needs it first.
    ///
    /// # Errors
    /// The operating system's, with the path in its text.
    pub fn count(settings: &Settings, now: Time) -> io::Result<Self> {
        let home = &settings.home;
        let spill = settings.spill.as_ref().map(|place| folder(&place.join("incoming"), now));
        Ok(Self {
            tmp: folder(&home.tmp(), now)?,
            incoming: folder(&home.incoming(), now)?,
            processing: folder(&home.processing(), now)?,
            failed: folder(&home.failed(), now)?,
            spill: spill.transpose()?.unwrap_or_default(),
        })
    }

    /// The folders whose files wait for an ingester.
    pub fn waiting(&self) -> [&Folder; 3] {
        [&self.incoming, &self.processing, &self.spill]
    }

    /// All of them.
    pub(crate) fn folders(&self) -> [&Folder; 5] {
        [&self.tmp, &self.incoming, &self.processing, &self.failed, &self.spill]
    }
}

fn folder(path: &Path, now: Time) -> io::Result<Folder> {
    let mut folder = Folder::default();
    let with_path = |error: io::Error| io::Error::new(error.kind(), format!("read {}: {error}", path.display()));
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(folder),
        Err(error) => return Err(with_path(error)),
    };
    for entry in entries {
        let name = entry.map_err(with_path)?.file_name();
        let name = name.as_encoded_bytes();
        if name.ends_with(NOTE.as_bytes()) {
            continue; // the note beside a failed file
        }
        folder.files += 1;
        if let Some(time) = time(name) {
            folder.oldest_at = Some(folder.oldest_at.map_or(time, |oldest| oldest.min(time)));
            folder.newest = folder.newest.max(Some(time));
        }
        if folder.files == MOST {
            break;
        }
    }
    folder.oldest_age_ms = folder.oldest_at.map(|oldest| oldest.ago(now));
    Ok(folder)
}

/// The time at the beginning of a queue file's name, whatever was put behind it since.
fn time(name: &[u8]) -> Option<Time> {
    let digits = name.get(..19)?;
    let sound = digits.iter().all(u8::is_ascii_digit) && name.get(19) == Some(&b'-');
    let ns: u64 = if sound { std::str::from_utf8(digits).ok()?.parse().ok()? } else { return None };
    i64::try_from(ns / 1_000_000).ok().map(Time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_oldest() {
        let home = tempfile::tempdir().unwrap();
        let flags = settings::Layer { home: Some(home.path().join("data")), ..settings::Layer::default() };
        let settings = Settings::resolve(flags, &|name| (name == "HOME").then(|| home.path().into())).unwrap();
        let now = Time(1_795_350_951_600);
        assert_eq!(Queue::count(&settings, now).unwrap(), Queue::default());
        let dir = &settings.home;
        dir.create().unwrap();
        for name in ["1795350951598014047-s-Stop.json", "1795350951597014046-s-Stop.json", "0-odd"] {
            fs::write(dir.incoming().join(name), "").unwrap();
        }
        fs::write(dir.processing().join("0000000000009000000-s-Stop.json.a2"), "").unwrap();
        fs::write(dir.failed().join("0000000000007000000-s-Stop.json"), "").unwrap();
        fs::write(dir.failed().join("0000000000007000000-s-Stop.json.reason.json"), "").unwrap();
        let spilled = settings.spill.as_ref().unwrap().join("incoming");
        fs::create_dir_all(&spilled).unwrap();
        fs::write(spilled.join("0000000000005000000-s-Stop.json"), "").unwrap();
        let found = Queue::count(&settings, now).unwrap();
        let seen =
            |folder: Folder| (folder.files, folder.oldest_at.map(|time| time.0), folder.newest.map(|time| time.0));
        assert_eq!(seen(found.incoming), (3, Some(1_795_350_951_597), Some(1_795_350_951_598)));
        assert_eq!(found.incoming.oldest_age_ms, Some(3));
        assert_eq!(seen(found.processing), (1, Some(9), Some(9)));
        assert_eq!(seen(found.failed), (1, Some(7), Some(7)));
        assert_eq!(seen(found.spill), (1, Some(5), Some(5)));
        assert_eq!(found.tmp, Folder::default());
    }
}
