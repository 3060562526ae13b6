//! What the hook noted in logs/hook-errors.log: how much, and when last. Its lines hold no payload; what they say is left to
//! the person who reads them.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use serde::Serialize;
use utoipa::ToSchema;

use crate::time::Time;

/// No more of the log's end is read.
const TAIL: u64 = 1024 * 1024;

/// The lines of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct HookErrors {
    /// Lines in the last mebibyte of it.
    pub lines: u64,
    /// Of these, lines of the last day.
    pub last_day: u64,
    /// Of these, events that were lost.
    pub lost_last_day: u64,
    /// The time of the last line.
    pub last_at: Option<Time>,
}

impl HookErrors {
    /// Reads it. A log that is not there has no lines.
    ///
    /// # Errors
    /// The operating system's, with the path in its text.
    pub fn read(log: &Path, now: Time) -> io::Result<Self> {
        match tail(log) {
            Ok(text) => Ok(Self::of(&String::from_utf8_lossy(&text), now)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(io::Error::new(error.kind(), format!("read {}: {error}", log.display()))),
        }
    }

    fn of(text: &str, now: Time) -> Self {
        let mut found = Self::default();
        for line in text.lines() {
            found.lines += 1;
            let Some(time) = line.split(' ').next().and_then(export::time::parse).map(Time) else { continue };
            found.last_at = found.last_at.max(Some(time));
            // `TIME EVENT OUTCOME: …`
            let recent = time.ago(now) < 86_400_000;
            found.last_day += u64::from(recent);
            found.lost_last_day += u64::from(recent && line.split(' ').nth(2) == Some("lost:"));
        }
        found
    }
}

fn tail(log: &Path) -> io::Result<Vec<u8>> {
    if !log.symlink_metadata()?.is_file() {
        return Ok(Vec::new()); // opening a pipe could wait
    }
    let mut file = File::open(log)?;
    let size = file.metadata()?.len();
    file.seek(SeekFrom::Start(size.saturating_sub(TAIL)))?;
    let mut text = Vec::new();
    file.take(TAIL).read_to_end(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let now = Time(export::time::parse("2026-11-22T19:08:13Z").unwrap());
        let check = |text: &str, expected: (u64, u64, u64, Option<&str>)| {
            let last_at = expected.3.and_then(export::time::parse).map(Time);
            assert_eq!(
                HookErrors::of(text, now),
                HookErrors { lines: expected.0, last_day: expected.1, lost_last_day: expected.2, last_at },
                "{text}"
            );
        };
        check("", (0, 0, 0, None));
        check("nonsense\n", (1, 0, 0, None));
        check(
            "2026-11-20T19:08:13Z Stop lost: write \"/q\": full\n2026-11-22T10:00:00Z Stop stored: a\n",
            (2, 1, 0, Some("2026-11-22T10:00:00Z")),
        );
        check("2026-11-22T10:00:00Z Stop lost: a\n", (1, 1, 1, Some("2026-11-22T10:00:00Z")));
        check("2026-11-22T10:00:00Z lost: a lost: b\n", (1, 1, 0, Some("2026-11-22T10:00:00Z")));
        let home = tempfile::tempdir().unwrap();
        assert_eq!(HookErrors::read(&home.path().join("none"), now).unwrap(), HookErrors::default());
        assert_eq!(HookErrors::read(home.path(), now).unwrap(), HookErrors::default());
        std::fs::write(home.path().join("log"), "x\n".repeat(1_000_000)).unwrap();
        assert_eq!(HookErrors::read(&home.path().join("log"), now).unwrap().lines, 512 * 1024);
    }
}
