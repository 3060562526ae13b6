//! The queue's directories, spelled once for a pass, and the small rules of names inside them.

use std::path::{Path, PathBuf};

use chrono::{DateTime, SecondsFormat, Utc};
use queue::{DataDir, QueueName};
use settings::Archive;

use crate::archive;
use crate::error::{At, Error};

/// The directories of one queue.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    pub(crate) tmp: PathBuf,
    pub(crate) incoming: PathBuf,
    pub(crate) processing: PathBuf,
    pub(crate) failed: PathBuf,
    pub(crate) archive: PathBuf,
    /// What becomes of a file whose row is committed.
    pub(crate) archiving: Archive,
    /// Where the hook notes what went wrong.
    pub(crate) hook_errors: PathBuf,
    /// The hook's second place, on whatever disk.
    pub(crate) spill: Option<Spill>,
}

/// The two directories of the spill place.
#[derive(Clone, Debug)]
pub(crate) struct Spill {
    pub(crate) tmp: PathBuf,
    pub(crate) incoming: PathBuf,
}

impl Places {
    pub(crate) fn new(home: &DataDir, spill: Option<&Path>) -> Self {
        Self {
            tmp: home.tmp(),
            incoming: home.incoming(),
            processing: home.processing(),
            failed: home.failed(),
            archive: home.archive(),
            archiving: Archive::default(),
            hook_errors: home.hook_errors(),
            spill: spill.map(|place| Spill { tmp: place.join("tmp"), incoming: place.join("incoming") }),
        }
    }

    /// With the settings' word on what becomes of files.
    pub(crate) fn archiving(self, archiving: Archive) -> Self {
        Self { archiving, ..self }
    }

    /// Where a file lies while it is attempted for the `attempt`th time; 0 when its attempt was taken back.
    pub(crate) fn in_processing(&self, name: &str, attempt: u32) -> PathBuf {
        self.processing.join(format!("{name}.a{attempt}"))
    }

    /// The archive folder of the UTC day on which a file was captured.
    pub(crate) fn day(&self, name: &QueueName) -> PathBuf {
        let at = i64::try_from(name.captured_ns / 1_000_000_000).ok().and_then(|s| DateTime::from_timestamp(s, 0));
        self.archive.join(at.unwrap_or_default().format("%Y-%m-%d").to_string())
    }

    /// The same, made.
    ///
    /// # Errors
    /// [`Error::Away`]; the operating system's.
    pub(crate) fn make_day(&self, name: &QueueName) -> Result<PathBuf, Error> {
        let day = self.day(name);
        archive::within_reach(&self.archive)?;
        queue::layout::create_private_dir(&day).at("write to the archive", &day)?;
        Ok(day)
    }
}

/// Takes a name in processing apart: the queue name and the attempt.
pub(crate) fn split_attempt(name: &str) -> Option<(&str, u32)> {
    let (name, attempt) = name.rsplit_once(".a")?;
    let canonical = attempt == "0" || !attempt.starts_with(['0', '+']);
    Some((name, attempt.parse().ok().filter(|_| canonical)?))
}

/// `path`, `path.2`, `path.3` and so on: where to go when a name is taken. `n` counts from 1.
pub(crate) fn alternative(path: &Path, n: u64) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    if n > 1 {
        name.push(format!(".{n}"));
    }
    PathBuf::from(name)
}

/// `time` in RFC 3339, UTC.
pub(crate) fn rfc3339(time: std::time::SystemTime) -> String {
    DateTime::<Utc>::from(time).to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts() {
        let check = |name: &str, expected: Option<(&str, u32)>| assert_eq!(split_attempt(name), expected, "{name}");
        check("x.json.a0", Some(("x.json", 0)));
        check("x.json.a12", Some(("x.json", 12)));
        check("x.json", None);
        check("x.json.a", None);
        check("x.json.a01", None);
        check("x.json.a+1", None);
        check("x.json.a-1", None);
        check("x.json.a99999999999", None);
    }

    #[test]
    fn days_are_utc() {
        let places = Places::new(&DataDir::new("/h"), None);
        let check = |ns: u64, day: &str| {
            let name = QueueName { captured_ns: ns, session: queue::Token::UNKNOWN, event: queue::Token::UNKNOWN };
            assert_eq!(places.day(&name), Path::new("/h/queue/archive").join(day));
        };
        check(0, "1970-01-01");
        check(1_795_350_951_598_014_047, "2026-11-22");
        check(QueueName::MAX_NS, "2286-11-20");
    }

    #[test]
    fn taken_names() {
        let found = [1, 2, 3].map(|n| alternative(Path::new("/a/x.json"), n));
        assert_eq!(found, ["/a/x.json", "/a/x.json.2", "/a/x.json.3"].map(PathBuf::from));
    }
}
