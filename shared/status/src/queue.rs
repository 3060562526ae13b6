//! How full the queue is: counts and ages from names alone, no file opened.
//!
//! A name tells when its event was captured, which may be long before it came here: `retry` puts old names back. How long a
//! file has waited, its change time tells, for a move counts as a change; only those with the oldest names are asked.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::{fs, io};

use serde::Serialize;
use settings::Settings;
use utoipa::ToSchema;

use crate::failed::NOTE;
use crate::time::Time;

/// Counting ends here: what matters then is no longer the number.
const MOST: u64 = 100_000;

/// So many are asked how long they have been there.
const ASKED: usize = 16;

/// What lies in a folder of the queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Folder {
    /// Files; at 100,000 there may be more.
    pub files: u64,
    /// The time in the oldest name.
    pub oldest_at: Option<Time>,
    /// How long ago that is, in milliseconds.
    pub oldest_age_ms: Option<u64>,
    /// How long the one that came first, of the 16 oldest names, has been here; no longer than its name is old.
    pub waited_ms: Option<u64>,
    /// The time in the newest name.
    #[serde(skip)]
    pub newest: Option<Time>,
    /// Of the 16 oldest names, one belongs to another user than the folder. It is never taken in, so it comes to be one of these.
    #[serde(skip)]
    pub(crate) has_foreign: bool,
}

/// The whole queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
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
    let mut oldest: BTreeMap<OsString, Time> = BTreeMap::new();
    for entry in entries {
        let file = entry.map_err(with_path)?.file_name();
        let name = file.as_encoded_bytes();
        if name.ends_with(NOTE.as_bytes()) {
            continue; // the note beside a failed file
        }
        folder.files += 1;
        if let Some(time) = time(name) {
            folder.oldest_at = Some(folder.oldest_at.map_or(time, |oldest| oldest.min(time)));
            folder.newest = folder.newest.max(Some(time));
            if oldest.len() < ASKED || oldest.last_key_value().is_some_and(|(last, _)| file < *last) {
                oldest.insert(file, time);
                if oldest.len() > ASKED {
                    oldest.pop_last();
                }
            }
        }
        if folder.files == MOST {
            break;
        }
    }
    folder.oldest_age_ms = folder.oldest_at.map(|oldest| oldest.ago(now));
    let owner = path.metadata().map_err(with_path)?.uid();
    for (name, time) in oldest {
        let Ok(meta) = path.join(name).symlink_metadata() else { continue }; // one that is gone by now waits no more
        folder.waited_ms = folder.waited_ms.max(Some(time.ago(now).min(Time(meta.ctime() * 1000).ago(now))));
        folder.has_foreign |= meta.uid() != owner;
    }
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
    use std::time::{Duration, SystemTime};

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

    /// Whatever is in its name, a file waits since it came; and a capture that is younger than the file is believed.
    #[test]
    fn who_waits_how_long() {
        let home = tempfile::tempdir().unwrap();
        let now = |seconds: u64| Time::from(SystemTime::now() + Duration::from_secs(seconds));
        assert_eq!(folder(home.path(), now(0)).unwrap().waited_ms, None);
        for n in 0..100 {
            fs::write(home.path().join(format!("{n:019}-s-Stop.json")), "").unwrap();
        }
        let waited = |later| folder(home.path(), now(later)).unwrap().waited_ms.unwrap() / 1000;
        assert!(waited(0) < 60);
        assert!((7200..7260).contains(&waited(7200)));
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join(format!("{}000000-s-Stop.json", now(3600).0)), "").unwrap();
        let young = folder(home.path(), now(7200)).unwrap();
        assert!((3500..3700).contains(&(young.waited_ms.unwrap() / 1000)), "{young:?}");
        assert_eq!(young.waited_ms, young.oldest_age_ms);
    }
}
