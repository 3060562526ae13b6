//! How far an import is, on stderr: a bar that is drawn over itself on a terminal, else a plain line every few seconds.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// Between two drawings of the bar.
const REDRAW: Duration = Duration::from_millis(100);
/// Between two plain lines. A short import has none.
const LINES: Duration = Duration::from_secs(5);
/// Cells of the bar.
const CELLS: u64 = 24;

/// Where it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Bar,
    Lines,
    Nothing,
}

/// The work that was found and the part of it that is done.
#[derive(Debug)]
pub(super) struct Progress {
    form: Form,
    begin: Instant,
    shown: Instant,
    total: Work,
    done: Work,
    drawn: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Work {
    files: u64,
    bytes: u64,
}

impl Progress {
    pub(super) fn new(quiet: bool) -> Self {
        let form = match () {
            () if quiet => Form::Nothing,
            () if io::stderr().is_terminal() => Form::Bar,
            () => Form::Lines,
        };
        let now = Instant::now();
        Self { form, begin: now, shown: now, total: Work::default(), done: Work::default(), drawn: false }
    }

    /// There is so much more to do.
    pub(super) fn expect(&mut self, files: u64, bytes: u64) {
        self.total.files += files;
        self.total.bytes += bytes;
    }

    /// So much of it is done.
    pub(super) fn add(&mut self, files: u64, bytes: u64) {
        self.done.files += files;
        self.done.bytes += bytes;
        let now = Instant::now();
        let pause = if self.form == Form::Bar { REDRAW } else { LINES };
        if now - self.shown >= pause {
            self.shown = now;
            self.show(now - self.begin);
        }
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.begin.elapsed()
    }

    /// Takes the bar away, so that other lines can be written.
    pub(super) fn clear(&mut self) {
        if std::mem::take(&mut self.drawn) {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }

    fn show(&mut self, elapsed: Duration) {
        // Whoever looked on may have gone; the import goes on.
        let _ = match self.form {
            Form::Nothing => Ok(()),
            Form::Lines => writeln!(io::stderr(), "prompt-manager: {}", line(self.done, self.total, elapsed)),
            Form::Bar => {
                self.drawn = true;
                let cells = bar(self.done.bytes, self.total.bytes);
                write!(io::stderr(), "\r{cells} {}\x1b[K", line(self.done, self.total, elapsed))
            }
        };
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

fn bar(done: u64, total: u64) -> String {
    let full = (done.min(total) * CELLS).checked_div(total).unwrap_or(0) as usize;
    format!("{}{}", "#".repeat(full), "-".repeat(CELLS as usize - full))
}

/// `120/1000 files, 23 of 230 MB, 61 MB/s, 3 s left`. Below 80 columns with the bar before it.
fn line(done: Work, total: Work, elapsed: Duration) -> String {
    let total = Work { files: total.files.max(done.files), bytes: total.bytes.max(done.bytes) };
    let rate = done.bytes as f64 / elapsed.as_secs_f64().max(0.001);
    let left = match done.bytes {
        0 => String::new(),
        _ => format!(", {:.0} MB/s, {} left", rate / 1e6, span((total.bytes - done.bytes) as f64 / rate)),
    };
    let (files, bytes) = (total.files, total.bytes.div_ceil(1_000_000));
    format!("{}/{files} files, {} of {bytes} MB{left}", done.files, done.bytes / 1_000_000)
}

fn span(seconds: f64) -> String {
    let seconds = seconds.ceil() as u64;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line() {
        let check = |done: (u64, u64), seconds: u64, expected: &str| {
            let work = |(files, mb): (u64, u64)| Work { files, bytes: mb * 1_000_000 };
            assert_eq!(line(work(done), work((1000, 230)), Duration::from_secs(seconds)), expected);
        };
        check((0, 0), 0, "0/1000 files, 0 of 230 MB");
        check((120, 46), 1, "120/1000 files, 46 of 230 MB, 46 MB/s, 4 s left");
        check((120, 46), 46, "120/1000 files, 46 of 230 MB, 1 MB/s, 3 min 04 s left");
        check((1000, 230), 5, "1000/1000 files, 230 of 230 MB, 46 MB/s, 0 s left");
    }

    #[test]
    fn cells() {
        assert_eq!(bar(0, 0), "-".repeat(24));
        assert_eq!(bar(1, 2), format!("{}{}", "#".repeat(12), "-".repeat(12)));
        assert_eq!(bar(9, 2), "#".repeat(24));
    }
}
