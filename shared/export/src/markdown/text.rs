//! Foreign text inside of our Markdown, so that it shows as it is and nothing of it reaches beyond its place.

/// As a quotation, which ends with it whatever it holds.
pub(super) fn quoted(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(|line| format!("> {line}").trim_end().to_owned()).collect();
    if lines.is_empty() { ">".to_owned() } else { lines.join("\n") }
}

/// Inline code, between more backticks than it holds in a row.
pub(super) fn code(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let padding = if text.starts_with('`') || text.ends_with('`') || text.is_empty() { " " } else { "" };
    format!("{fence}{padding}{text}{padding}{fence}")
}

/// With the end of a code block that was left open: the rest of the document would be code.
pub(super) fn balanced(text: &str) -> String {
    let mut open: Option<(char, usize)> = None;
    for line in text.lines() {
        let bare = line.trim_start_matches(' ');
        if line.len() - bare.len() > 3 {
            continue;
        }
        let Some(sign) = bare.chars().next().filter(|sign| ['`', '~'].contains(sign)) else { continue };
        let length = bare.chars().take_while(|c| *c == sign).count();
        let rest = &bare[length..];
        match open {
            None if length >= 3 && !(sign == '`' && rest.contains('`')) => open = Some((sign, length)),
            Some((began, least)) if sign == began && length >= least && rest.trim().is_empty() => open = None,
            _ => {}
        }
    }
    match open {
        Some((sign, length)) => format!("{text}\n{}", sign.to_string().repeat(length)),
        None => text.to_owned(),
    }
}

/// On one line, and not longer than that many characters.
pub(super) fn one_line(text: &str, most: usize) -> String {
    let words: Vec<_> = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|it| !it.is_empty()).collect();
    let line = words.join(" ");
    match line.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// Text that is no markup, nor an address of which GitHub and others make a link.
pub fn escaped(text: &str) -> String {
    let text: String =
        text.chars().flat_map(|c| "\\`*_[]<>#|~&".contains(c).then_some('\\').into_iter().chain([c])).collect();
    text.replace("://", "\\://").replace("www.", "www\\.").replace("WWW.", "WWW\\.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotations() {
        let check = |text: &str, expected: &str| assert_eq!(quoted(text), expected);
        check("", ">");
        check("one\n\n```\ntwo", "> one\n>\n> ```\n> two");
        check("a\r\nb", "> a\n> b");
    }

    #[test]
    fn inline_code() {
        let check = |text: &str, expected: &str| assert_eq!(code(text), expected);
        check("ls", "`ls`");
        check("echo `date`", "`` echo `date` ``");
        check("a``b", "```a``b```");
        check("", "`  `");
    }

    #[test]
    fn code_blocks_end() {
        let check = |text: &str, end: &str| assert_eq!(balanced(text), format!("{text}{end}"));
        check("text", "");
        check("```\ncode\n```", "");
        check("```rust\ncode", "\n```");
        check("````\n```\ncode\n```", "\n````");
        check("~~~\n```\n~~~", "");
        check("~~~~\n~~~", "\n~~~~");
        check("```\n    ```", "\n```");
        check("    ```\nno fence", "");
        check("```inline``` code", "");
        check("```\n``` rust", "\n```");
    }

    #[test]
    fn lines() {
        assert_eq!(one_line(" a\n\tb\u{0}  c ", 10), "a b c");
        assert_eq!(one_line("äöü", 2), "äö…");
        assert_eq!(escaped("<b>*x*"), "\\<b\\>\\*x\\*");
        assert_eq!(escaped("http://a www.b"), "http\\://a www\\.b");
    }
}
