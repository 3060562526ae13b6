//! How far an export is, on stderr, if that is a terminal and what is exported does not go to one.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// Between two drawings.
const REDRAW: Duration = Duration::from_millis(200);

/// A line that is drawn over itself.
#[derive(Debug)]
pub(super) struct Progress {
    shown: Option<Instant>,
    drawn: bool,
}

impl Progress {
    pub(super) fn new(quiet: bool) -> Self {
        let wanted = !quiet && io::stderr().is_terminal() && !io::stdout().is_terminal();
        Self { shown: wanted.then(Instant::now), drawn: false }
    }

    /// So many are done.
    pub(super) fn at(&mut self, done: usize, total: usize, what: &str) {
        let now = Instant::now();
        if let Some(shown) = &mut self.shown
            && now - *shown >= REDRAW
        {
            *shown = now;
            self.drawn = true;
            // Whoever looked on may have gone; the export goes on.
            let _ = write!(io::stderr(), "\r{done} of {total} {what}\x1b[K");
        }
    }

    /// Takes the line away, so that others can be written.
    pub(super) fn clear(&mut self) {
        if std::mem::take(&mut self.drawn) {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}
