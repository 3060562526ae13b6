//! What people see and type at a terminal: standard output that is coloured and as wide as the terminal, and plain when it
//! is piped; [`table`]s; [`figure`]s; [`text`] of others; [`time`]s, and a [`moment`] as it is typed. Both programs use it.
//!
//! Whoever reads may have gone (`| head`): what a command did is done all the same, so a closed pipe is no failure.

pub mod figure;
mod folder;
pub mod help;
pub mod moment;
mod shell;
pub mod table;
pub mod text;
pub mod time;
pub mod words;

use std::io::{self, IsTerminal, Write};

pub use folder::{Project, folder};
pub use shell::quoted;

use anstyle::{AnsiColor, Style};

/// Standard output. Colour is taken out when it is piped, or `NO_COLOR` is set.
pub fn out() -> impl Write {
    anstream::stdout()
}

/// What is meant by a tag: lists and answers show it with a `#` that is none of its own.
pub fn tag(typed: &str) -> &str {
    typed.strip_prefix('#').unwrap_or(typed)
}

/// Whether standard output shows colours: it is a terminal, and nobody wished for none.
pub fn coloured() -> bool {
    anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never
}

/// In columns; `None` if standard output is no terminal.
pub fn width() -> Option<u16> {
    let stdout = io::stdout();
    if !stdout.is_terminal() {
        return None;
    }
    rustix::termios::tcgetwinsize(&stdout).ok().map(|size| size.ws_col).filter(|columns| *columns > 0)
}

/// What a colour stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
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
    /// What was looked for.
    Match,
}

/// `text` in its colour.
pub fn paint(tone: Tone, text: &str) -> String {
    let style = match tone {
        Tone::Good => AnsiColor::Green.on_default(),
        Tone::Warning => AnsiColor::Yellow.on_default(),
        Tone::Bad => AnsiColor::Red.on_default().bold(),
        Tone::Quiet => Style::new().dimmed(),
        Tone::Strong => Style::new().bold(),
        Tone::Match => AnsiColor::Yellow.on_default().bold(),
    };
    format!("{style}{text}{style:#}")
}

/// `text` without colours.
pub fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

/// Writes bytes as they are, whole: for a text that another program shall have as it is.
///
/// # Errors
/// As [`print()`].
pub fn print_raw(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}

/// `value` as one JSON document.
pub fn document(value: &impl serde::Serialize) -> String {
    // Our own figures have string keys and finite numbers: they can always be written.
    serde_json::to_string_pretty(value).map_or_else(|error| format!("{{\"error\": \"{error}\"}}\n"), |text| text + "\n")
}

/// Milliseconds as a person says them: `3 ms`, `4.2 s`, `5 min`, `3 h`, `12 d`.
pub fn span(ms: u64) -> String {
    const MINUTE: u64 = 60_000;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    match ms {
        0..1000 => format!("{ms} ms"),
        1000..10_000 => format!("{:.1} s", ms as f64 / 1000.0),
        10_000..MINUTE => format!("{} s", ms / 1000),
        MINUTE..HOUR => format!("{} min", ms / MINUTE),
        HOUR..172_800_000 => format!("{} h", ms / HOUR),
        _ => format!("{} d", ms / DAY),
    }
}

/// Bytes as a person says them: `512 B`, `2 KiB`, `3.4 MiB`, `120 GiB`.
pub fn size(bytes: u64) -> String {
    let mut unit = 0;
    let mut rest = bytes as f64;
    while rest >= 1024.0 && unit < UNITS.len() - 1 {
        rest /= 1024.0;
        unit += 1;
    }
    if unit < 2 || rest >= 10.0 { format!("{rest:.0} {}", UNITS[unit]) } else { format!("{rest:.1} {}", UNITS[unit]) }
}

/// `text` in lines of `width`, broken at blanks; a word that is longer than a line has one to itself.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    if text.chars().count() <= width {
        return vec![text.to_owned()];
    }
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ') {
        let long = word.chars().count();
        if used > 0 && used + 1 + long > width {
            lines.push(String::new());
            used = 0;
        }
        let Some(line) = lines.last_mut() else { continue };
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        line.push_str(word);
        used += long;
    }
    lines
}

const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];

/// Writes `text`, whole.
///
/// # Errors
/// Those of standard output, except that nobody reads any more.
pub fn print(text: &[u8]) -> io::Result<()> {
    let mut out = out();
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        let check = |ms, expected: &str| assert_eq!(span(ms), expected);
        check(0, "0 ms");
        check(4200, "4.2 s");
        check(59_999, "59 s");
        check(300_000, "5 min");
        check(47 * 3_600_000, "47 h");
        check(48 * 3_600_000, "2 d");
    }

    #[test]
    fn lines_are_broken_at_blanks() {
        let check = |text: &str, width: usize, expected: &[&str]| assert_eq!(wrap(text, width), expected, "{text}");
        check("a bc def", 8, &["a bc def"]);
        check("a bc def", 5, &["a bc", "def"]);
        check("abcdefgh a", 4, &["abcdefgh", "a"]);
        check("ä ö ü", 3, &["ä ö", "ü"]);
        check("", 3, &[""]);
    }

    #[test]
    fn sizes() {
        let check = |bytes, expected: &str| assert_eq!(size(bytes), expected);
        check(512, "512 B");
        check(2048, "2 KiB");
        check(3_500_000, "3.3 MiB");
        check(120 << 30, "120 GiB");
    }
}
