//! logs/processor.log: lines of several processes in one file, which steps aside when it is large or old.
//!
//! A line is one write at the end of the file, so lines never mix. Who finds the file full or old locks it, looks whether it
//! still is the one of that name, and renames: `.1` is the newest of those that stepped aside. The others see at their next
//! line that the name means another file. Nothing here fails: a log that cannot be written is no reason to leave a prompt
//! in the queue. Lines that could not be written are counted, and the next one that can tells how many they were.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use settings::{LogFormat, Settings};

/// When a file steps aside, and how many of these are kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) size: u64,
    pub(crate) age: Duration,
    pub(crate) keep: usize,
}

impl Limits {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self { size: settings.log_size, age: settings.log_age, keep: settings.log_keep }
    }
}

/// The end of the file.
#[derive(Debug)]
pub(crate) struct Log {
    path: PathBuf,
    limits: Limits,
    format: LogFormat,
    file: Option<File>,
    /// Lines that could not be written.
    lost: u64,
    /// The last line has no end.
    torn: bool,
}

impl Log {
    pub(crate) fn new(path: PathBuf, limits: Limits, format: LogFormat) -> Self {
        Self { path, limits, format, file: None, lost: 0, torn: false }
    }

    pub(crate) fn limit(&mut self, limits: Limits) {
        self.limits = limits;
    }

    fn line(&mut self, line: &[u8]) -> io::Result<()> {
        self.open()?;
        if self.is_over(line.len() as u64)? {
            // Somebody else may be at it, or the disk full: then this line makes it a little larger.
            let _ = self.step_aside();
            self.open()?;
        }
        let Some(mut file) = self.file.as_ref() else { return Ok(()) };
        let mut text = Vec::new();
        if self.torn {
            text.push(b'\n');
        }
        if self.lost > 0 {
            text.extend_from_slice(self.lost_line().as_bytes());
        }
        text.extend_from_slice(line);
        let written = file.write(&text)?;
        self.torn = written < text.len() && written > 0;
        if written < text.len() {
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.lost = 0;
        Ok(())
    }

    /// Tells of the lines that are not there, in the form of the others.
    fn lost_line(&self) -> String {
        let message = format!("{} lines before this one could not be written", self.lost);
        match self.format {
            LogFormat::Text => format!("{message}\n"),
            LogFormat::Json => {
                let timestamp = export::time::rfc3339(crate::clock::millis(SystemTime::now()));
                let line = serde_json::json!({ "timestamp": timestamp, "level": "WARN", "message": message });
                format!("{line}\n")
            }
        }
    }

    /// Opens the file of this name, if it is not the one that is open.
    fn open(&mut self) -> io::Result<()> {
        if let Some(file) = &self.file
            && fs::metadata(&self.path).is_ok_and(|named| is_same(file, &named).unwrap_or(false))
        {
            return Ok(());
        }
        self.file = None;
        self.file = Some(File::options().append(true).create(true).mode(0o600).open(&self.path)?);
        self.torn = false;
        Ok(())
    }

    fn is_over(&self, more: u64) -> io::Result<bool> {
        let Some(file) = &self.file else { return Ok(false) };
        let meta = file.metadata()?;
        // Where nobody knows when a file was made, size alone counts.
        let age = meta.created().ok().and_then(|made| made.elapsed().ok()).unwrap_or_default();
        Ok(meta.len() > 0 && (meta.len() + more > self.limits.size || age >= self.limits.age))
    }

    fn step_aside(&mut self) -> io::Result<()> {
        let Some(file) = self.file.take() else { return Ok(()) };
        if file.try_lock().is_err() || !is_same(&file, &fs::metadata(&self.path)?)? {
            return Ok(());
        }
        let nth = |n: usize| beside(&self.path, n);
        // There may be more than are kept now.
        for n in self.limits.keep.max(1).. {
            if fs::remove_file(nth(n)).is_err() {
                break;
            }
        }
        if self.limits.keep == 0 {
            return fs::remove_file(&self.path);
        }
        for n in (1..self.limits.keep).rev() {
            match fs::rename(nth(n), nth(n + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        fs::rename(&self.path, nth(1))
    }
}

/// The `n`th file that stepped aside.
fn beside(path: &Path, n: usize) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{n}"));
    name.into()
}

fn is_same(file: &File, named: &fs::Metadata) -> io::Result<bool> {
    let open = file.metadata()?;
    Ok((open.dev(), open.ino()) == (named.dev(), named.ino()))
}

impl Write for Log {
    /// A whole line, as tracing hands them over.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.line(line).is_err() {
            self.file = None;
            self.lost += 1;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(size: u64, keep: usize) -> Limits {
        Limits { size, age: Duration::from_secs(3600), keep }
    }

    fn read(path: &Path) -> String {
        fs::read_to_string(path).unwrap_or_default()
    }

    #[test]
    fn a_full_log_steps_aside() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("processor.log");
        let check = |size, keep, expected: &[&str]| {
            let mut log = Log::new(path.clone(), limits(size, keep), LogFormat::Text);
            for line in ["one\n", "two\n", "three\n", "four\n", "a line too long\n", "end\n"] {
                log.write_all(line.as_bytes()).unwrap();
            }
            let mut found = vec![read(&path)];
            found.extend((1..).map(|n| read(&beside(&path, n))).take_while(|text| !text.is_empty()));
            assert_eq!(found, expected, "{size} {keep}");
        };
        check(10, 9, &["end\n", "a line too long\n", "four\n", "three\n", "one\ntwo\n"]);
        check(10, 1, &["end\n", "a line too long\n"]);
        check(10, 0, &["end\n"]);
    }

    #[test]
    fn an_old_log_steps_aside() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("processor.log");
        let mut log = Log::new(path.clone(), limits(1000, 2), LogFormat::Text);
        log.write_all(b"one\n").unwrap();
        if fs::metadata(&path).unwrap().created().is_err() {
            return; // size alone counts on this file system
        }
        log.write_all(b"two\n").unwrap();
        log.limit(Limits { age: Duration::ZERO, ..limits(1000, 2) });
        log.write_all(b"three\n").unwrap();
        assert_eq!((read(&path), read(&beside(&path, 1))), ("three\n".into(), "one\ntwo\n".into()));
    }

    /// Several processes, each with the file open by itself: every line is there once and whole.
    #[test]
    fn several_write_at_once() {
        const LINES: usize = 500;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("processor.log");
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let path = path.clone();
                scope.spawn(move || {
                    let mut log = Log::new(path, limits(2000, 1000), LogFormat::Text);
                    for n in 0..LINES {
                        log.write_all(format!("{writer} {n}\n").as_bytes()).unwrap();
                    }
                });
            }
        });
        let mut found = Vec::new();
        for entry in fs::read_dir(dir.path()).unwrap() {
            found.extend(read(&entry.unwrap().path()).lines().map(str::to_owned));
        }
        let mut expected: Vec<_> = (0..4).flat_map(|w| (0..LINES).map(move |n| format!("{w} {n}"))).collect();
        found.sort();
        expected.sort();
        assert_eq!(found.len(), expected.len());
        assert_eq!(found, expected);
    }

    #[test]
    fn what_cannot_be_written_is_counted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("logs/processor.log");
        let mut log = Log::new(path.clone(), limits(1000, 2), LogFormat::Text);
        log.write_all(b"one\n").unwrap();
        log.write_all(b"two\n").unwrap();
        fs::create_dir(dir.path().join("logs")).unwrap();
        log.write_all(b"three\n").unwrap();
        log.write_all(b"four\n").unwrap();
        assert_eq!(read(&path), "2 lines before this one could not be written\nthree\nfour\n");
        // As JSON each line is an object.
        log.format = LogFormat::Json;
        let line: serde_json::Value = serde_json::from_str(&Log { lost: 7, ..log }.lost_line()).unwrap();
        assert_eq!(line["message"], "7 lines before this one could not be written");
        assert!(line["timestamp"].is_string() && line["level"] == "WARN", "{line}");
    }
}
