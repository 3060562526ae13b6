//! Paths and words as unit files, crontabs, shells and property lists read them back. Each has its own characters that mean
//! something: a blank, `%`, a quote.

/// A word of a list or of a command in a unit file. (A `:` before the program keeps `$` from meaning anything.)
pub(super) fn unit_word(text: &str) -> String {
    format!("\"{}\"", unit_value(text).replace('\\', r"\\").replace('"', "\\\""))
}

/// The program of a command in a unit file, whose path may hold neither quote nor backslash there; `env` takes any.
pub(super) fn unit_program(path: &str) -> String {
    let word = unit_word(path);
    if path.contains(['"', '\'', '\\']) { format!("/usr/bin/env {word}") } else { word }
}

/// A whole value of a unit file, where only specifiers mean something.
pub(super) fn unit_value(text: &str) -> String {
    text.replace('%', "%%")
}

/// A word for `sh`.
pub(super) fn shell_word(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A command of a crontab, where `%` is the end of a line.
pub(super) fn cron_command(line: &str) -> String {
    line.replace('%', r"\%")
}

/// A text in a property list.
pub(super) fn xml_text(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Why a path cannot be named in such files, if it cannot.
pub(super) fn problem(path: &str) -> Option<&'static str> {
    if path.chars().any(char::is_control) {
        Some("has a line break or another control character in its name")
    } else if path.ends_with([' ', '\\']) || path.chars().last().is_some_and(char::is_whitespace) {
        Some("ends in a blank or a backslash")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_its_own() {
        let path = r#"/a b/100%/it's/"x"\y/<&>/ä/$HOME"#;
        assert_eq!(unit_word(path), r#""/a b/100%%/it's/\"x\"\\y/<&>/ä/$HOME""#);
        assert_eq!(unit_program(path), format!("/usr/bin/env {}", unit_word(path)));
        assert_eq!(unit_program("/a b"), "\"/a b\"");
        assert_eq!(unit_value(path), r#"/a b/100%%/it's/"x"\y/<&>/ä/$HOME"#);
        assert_eq!(cron_command(&shell_word(path)), r#"'/a b/100\%/it'\''s/"x"\y/<&>/ä/$HOME'"#);
        assert_eq!(xml_text(path), r#"/a b/100%/it's/"x"\y/&lt;&amp;&gt;/ä/$HOME"#);
    }

    #[test]
    fn what_no_file_can_name() {
        for (path, refused) in
            [("/a b", false), ("/ä%", false), ("/a\nb", true), ("/a ", true), ("/a\\", true), ("/a\u{a0}", true)]
        {
            assert_eq!(problem(path).is_some(), refused, "{path:?}");
        }
    }
}
