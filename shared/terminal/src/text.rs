//! Foreign text at a terminal: nothing in it can move the cursor, change a colour, hide or turn around what is shown, and its
//! width is counted as the terminal counts it.

use unicode_width::UnicodeWidthChar;

/// How many columns `text` takes. It should be [`visible`].
pub fn columns(text: &str) -> usize {
    text.chars().map(width).sum()
}

/// `text` with every sign that would be obeyed instead of shown as a symbol that stands for it.
pub fn visible(text: &str) -> String {
    text.chars().map(symbol).collect()
}

/// As [`visible`], but line breaks break lines, and a tab is blanks.
pub fn visible_lines(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        match sign {
            '\n' => shown.push('\n'),
            '\r' if signs.peek() == Some(&'\n') => {}
            '\t' => shown.push_str("    "),
            sign => shown.push(symbol(sign)),
        }
    }
    shown
}

/// JSON with escapes in place of the signs that a terminal would obey: the same values.
pub fn visible_json(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    for sign in json.chars() {
        if sign == '\n' || symbol(sign) == sign {
            shown.push(sign);
        } else {
            let mut units = [0; 2];
            sign.encode_utf16(&mut units).iter().for_each(|unit| shown.push_str(&format!("\\u{unit:04x}")));
        }
    }
    shown
}

/// So many bytes a column has at most: signs that take none of their own, such as accents, would make a line without end.
const BYTES: usize = 6;

/// On one line of at most `most` columns: blanks and line breaks become one blank, what is too long ends with `…`.
pub fn one_line(text: &str, most: usize) -> String {
    let mut line = String::new();
    let mut used = 0;
    // Where the line ends if there is no room for all of it.
    let mut fits = 0;
    for word in text.split_whitespace() {
        let blank = if line.is_empty() { None } else { Some(' ') };
        for sign in blank.into_iter().chain(word.chars().map(symbol)) {
            if used + width(sign) > most || line.len() + sign.len_utf8() > most * BYTES {
                line.truncate(fits);
                line.truncate(line.trim_end().len());
                line.push('…');
                return line;
            }
            used += width(sign);
            line.push(sign);
            if used < most {
                fits = line.len();
            }
        }
    }
    line
}

fn width(sign: char) -> usize {
    sign.width().unwrap_or(0)
}

fn symbol(sign: char) -> char {
    match sign {
        '\u{7f}' => '\u{2421}',
        sign if (sign as u32) < 0x20 => char::from_u32(0x2400 + sign as u32).unwrap_or('\u{fffd}'),
        sign if sign.is_control() || turns(sign) || hides(sign) => '\u{fffd}',
        sign => sign,
    }
}

/// Signs that turn the direction of what follows.
fn turns(sign: char) -> bool {
    matches!(sign, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Signs that take no room and say something to machines: separators of lines, byte order marks, tags.
fn hides(sign: char) -> bool {
    matches!(sign, '\u{200b}' | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_cannot_move_the_cursor() {
        let check = |text: &str, expected: &str| assert_eq!(visible(text), expected);
        check("a\u{1b}[2Jb\u{7f}\u{9b}\u{202e}é", "a␛[2Jb␡\u{fffd}\u{fffd}é");
        check("\u{1b}]0;title\u{7}", "␛]0;title␇");
        check("\u{200e}\u{2066}\u{feff}\u{e0041}", "\u{fffd}\u{fffd}\u{fffd}\u{fffd}");
        check("👩\u{200d}💻 नमस्ते", "👩\u{200d}💻 नमस्ते");
        assert_eq!(visible_lines("a\r\nb\tc\rd\u{1b}"), "a\nb    c␍d␛");
    }

    #[test]
    fn json_stays_the_same() {
        let json = "{\"a\": \"é\u{9b}\u{202e}\u{e0041}\"}\n";
        let shown = visible_json(json);
        assert_eq!(shown, "{\"a\": \"é\\u009b\\u202e\\udb40\\udc41\"}\n");
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(&shown), value(json));
    }

    #[test]
    fn lines() {
        let check = |text: &str, most, expected: &str| {
            let line = one_line(text, most);
            assert_eq!(line, expected, "{text:?} in {most}");
            assert!(columns(&line) <= most, "{line}");
        };
        check(" a\n\tb\u{0}  c ", 10, "a b␀ c");
        check("abcdef", 6, "abcdef");
        check("abcdefg", 6, "abcde…");
        check("日本語", 6, "日本語");
        check("日本語", 5, "日本…");
        check("日本語", 4, "日…");
        check("ab cd", 4, "ab…");
        check("ab", 1, "…");
        check("नमस्ते दुनिया", 20, "नमस्ते दुनिया");
        check(&format!("a{}", "\u{301}".repeat(1000)), 2, &format!("a{}…", "\u{301}".repeat(5)));
        check("", 1, "");
    }
}
