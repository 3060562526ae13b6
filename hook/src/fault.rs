//! What went wrong, and the one line that says so in `logs/hook-errors.log`. Never a byte of the payload.

use std::fmt::{self, Write as _};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use queue::layout::create_private_dir;
use queue::name::Token;

/// One operation that failed.
#[derive(Debug)]
pub(crate) struct Fault {
    operation: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl Fault {
    pub(crate) fn new(operation: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self { operation, path: path.into(), source }
    }
}

impl fmt::Display for Fault {
    /// The path is quoted and escaped, so that a line stays one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}: {}", self.operation, self.path, self.source)
    }
}

/// Appends `TIME EVENT OUTCOME: FAULT; FAULT` to `log`. If that fails too there is nobody left to tell.
pub(crate) fn note(log: &Path, event: Token, outcome: &str, faults: &[Fault]) {
    let mut line = format!("{} {} {outcome}: ", Rfc3339(SystemTime::now()), event.as_str());
    for (i, fault) in faults.iter().enumerate() {
        let _ = write!(line, "{}{fault}", if i == 0 { "" } else { "; " });
    }
    line.push('\n');
    let _ = open(log).and_then(|mut file| file.write_all(line.as_bytes()));
}

/// Anything but a plain file is left alone: opening a pipe that stands in its place could wait for a reader.
fn open(log: &Path) -> io::Result<File> {
    if fs::symlink_metadata(log).is_ok_and(|found| !found.is_file()) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let append = || OpenOptions::new().append(true).create(true).mode(0o600).open(log);
    match (append(), log.parent()) {
        (Err(error), Some(logs)) if error.kind() == io::ErrorKind::NotFound => {
            create_private_dir(logs)?;
            append()
        }
        (result, _) => result,
    }
}

/// A time as `2026-11-22T19:08:13Z`.
struct Rfc3339(SystemTime);

impl fmt::Display for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        // Years are counted from March here, so that the leap day is the last one of a year.
        let days = seconds / 86_400 + 719_468;
        let (era, day) = (days / 146_097, days % 146_097);
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let day = day - (153 * month + 2) / 5 + 1;
        let (year, month) = (era * 400 + year + month / 10, (month + 2) % 12 + 1);
        let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn check(seconds: u64, expected: &str) {
        assert_eq!(Rfc3339(UNIX_EPOCH + Duration::from_secs(seconds)).to_string(), expected);
    }

    #[test]
    fn times() {
        check(0, "1970-01-01T00:00:00Z");
        check(951_782_399, "2000-02-28T23:59:59Z");
        check(951_782_400, "2000-02-29T00:00:00Z");
        check(951_868_800, "2000-03-01T00:00:00Z");
        check(1_795_350_951, "2026-11-22T12:35:51Z");
        check(4_107_542_399, "2100-02-28T23:59:59Z");
        check(4_107_542_400, "2100-03-01T00:00:00Z");
    }

    #[test]
    fn one_line() {
        let fault = Fault::new("write", "/a\nb", io::Error::from_raw_os_error(28));
        assert_eq!(fault.to_string(), "write \"/a\\nb\": No space left on device (os error 28)");
    }
}
