//! What a command that takes its time is doing, on one line of a terminal.

use std::io::{self, IsTerminal, Write};

/// What is being done, on stderr, if that is a terminal.
#[derive(Debug)]
pub(crate) struct Show(bool);

impl Show {
    pub(crate) fn new(quiet: bool) -> Self {
        Self(!quiet && io::stderr().is_terminal())
    }

    /// Draws the line.
    pub(crate) fn say(&self, what: &str) {
        if self.0 {
            // Whoever looked on may have gone.
            let _ = write!(io::stderr(), "\r{what}\x1b[K");
        }
    }

    /// Takes it away.
    pub(crate) fn clear(&self) {
        self.say("");
    }
}
