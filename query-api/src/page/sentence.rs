//! Sentences of ours that name commands: shown so that each command runs as it is written, also where the data directory is
//! not the usual one.

use maud::{Markup, html};

use super::text::visible;

/// A sentence with commands between backquotes. `home` is what a command needs to be told of the data directory.
pub(crate) fn sentence(text: &str, home: Option<&str>) -> Markup {
    html! {
        @for (at, piece) in text.split('`').enumerate() {
            @if at % 2 == 1 { code { (shown(&at_home(piece, home))) } } @else { (shown(piece)) }
        }
    }
}

/// The command with the flag behind all its words: a command of several, such as `setup service`, knows it there alone. None that
/// a sentence names has two dashes, behind which it would be no flag.
fn at_home(command: &str, home: Option<&str>) -> String {
    match home {
        Some(home) if command.starts_with("prompt-manager ") => format!("{command} {home}"),
        _ => command.to_owned(),
    }
}

/// A text of a file system: control characters as pictures.
pub(crate) fn shown(text: &str) -> String {
    text.chars().map(visible).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_show_their_commands() {
        let check = |text: &str, home: Option<&str>, expected: &str| {
            assert_eq!(sentence(text, home).into_string(), expected);
        };
        check("Run `prompt-manager run`.", None, "Run <code>prompt-manager run</code>.");
        check("Run `prompt-manager run`.", Some("--home /d"), "Run <code>prompt-manager run --home /d</code>.");
        check("`prompt-manager retry --all`", Some("--home /d"), "<code>prompt-manager retry --all --home /d</code>");
        check(
            "`prompt-manager setup service`",
            Some("--home /d"),
            "<code>prompt-manager setup service --home /d</code>",
        );
        check("Ask `claude`.", Some("--home /d"), "Ask <code>claude</code>.");
        check("<b>\u{1b}[2J", None, "&lt;b&gt;\u{241b}[2J");
    }
}
