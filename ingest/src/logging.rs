//! Where the log goes: to stderr, and for `run` also into logs/processor.log. Never a word of a payload.

use std::fs::{self, File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt};

use crate::error::{At, Error};

/// The log is kept below this; one older file of the same size stays beside it.
const LARGEST_LOG: u64 = 4 * 1024 * 1024;

/// Starts logging from `level` on, or from what `filter` says (`$PROMPT_MANAGER_LOG`, such as `debug`).
///
/// # Errors
/// When the log file cannot be opened.
pub fn start(level: LevelFilter, filter: Option<&str>, file: Option<&Path>) -> Result<(), Error> {
    let filter = EnvFilter::builder().with_default_directive(level.into()).parse_lossy(filter.unwrap_or_default());
    let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let stderr = fmt::layer().with_writer(io::stderr).with_ansi(colour).with_target(false);
    let file = match file {
        Some(path) => {
            let log = Log::open(path.to_owned(), LARGEST_LOG).at("open", path)?;
            Some(fmt::layer().with_writer(Mutex::new(log)).with_ansi(false).with_target(false))
        }
        None => None,
    };
    tracing_subscriber::registry().with(filter).with(stderr).with(file).init();
    Ok(())
}

/// An appended file that steps aside when it is full.
struct Log {
    path: PathBuf,
    file: File,
    size: u64,
    largest: u64,
}

impl Log {
    fn open(path: PathBuf, largest: u64) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(&path)?;
        let size = file.metadata()?.len();
        Ok(Self { path, file, size, largest })
    }

    fn turn_over(&mut self) -> io::Result<()> {
        fs::rename(&self.path, self.path.with_extension("log.1"))?;
        *self = Self::open(self.path.clone(), self.largest)?;
        Ok(())
    }
}

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.size > 0 && self.size + line.len() as u64 > self.largest {
            self.turn_over()?;
        }
        let n = self.file.write(line)?;
        self.size += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_log_steps_aside() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("processor.log");
        let mut log = Log::open(path.clone(), 10).unwrap();
        for line in ["one\n", "two\n", "three\n", "four\n", "a line too long\n", "end\n"] {
            log.write_all(line.as_bytes()).unwrap();
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "end\n");
        assert_eq!(fs::read_to_string(dir.path().join("processor.log.1")).unwrap(), "a line too long\n");
        drop(log);
        Log::open(path.clone(), 10).unwrap().write_all(b"more\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "end\nmore\n");
    }
}
