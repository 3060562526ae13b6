//! What a person sees: standard output that is coloured and as wide as the terminal, and plain when it is piped.
//!
//! Whoever reads may have gone (`| head`): what a command did is done all the same, so a closed pipe is no failure.

use std::io::{self, IsTerminal, Write};

use anstyle::{AnsiColor, Style};

/// Standard output. Colour is taken out when it is piped, or `NO_COLOR` is set.
pub(crate) fn out() -> impl Write {
    anstream::stdout()
}

/// In columns; `None` if standard output is no terminal.
pub(crate) fn width() -> Option<u16> {
    let stdout = io::stdout();
    if !stdout.is_terminal() {
        return None;
    }
    rustix::termios::tcgetwinsize(&stdout).ok().map(|size| size.ws_col).filter(|columns| *columns > 0)
}

/// What a colour stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// All is well.
    Good,
    /// Worth a look.
    Warning,
    /// Wrong.
    Bad,
    /// Less important than the rest.
    Quiet,
    /// A heading.
    Strong,
}

/// `text` in its colour.
pub(crate) fn paint(tone: Tone, text: &str) -> String {
    let style = match tone {
        Tone::Good => AnsiColor::Green.on_default(),
        Tone::Warning => AnsiColor::Yellow.on_default(),
        Tone::Bad => AnsiColor::Red.on_default().bold(),
        Tone::Quiet => Style::new().dimmed(),
        Tone::Strong => Style::new().bold(),
    };
    format!("{style}{text}{style:#}")
}

/// Writes `value` as one JSON document.
///
/// # Errors
/// Those of standard output, except that nobody reads any more.
pub(crate) fn json(value: &impl serde::Serialize) -> io::Result<()> {
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    print(&text)
}

/// Writes `text`, whole.
///
/// # Errors
/// As [`json`].
pub(crate) fn print(text: &[u8]) -> io::Result<()> {
    let mut out = out();
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}
