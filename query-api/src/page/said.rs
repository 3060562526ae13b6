//! What programs wrote to a terminal, as a page shows it: without colours, with what was overwritten left out, and every other
//! control character as its picture.

use super::text::visible;

/// A text of which nothing controls anything any more.
pub(super) fn said(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut line = 0;
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        match sign {
            '\u{1b}' => escape(&mut signs),
            '\n' => {
                out.push('\n');
                line = out.len();
            }
            '\r' => match signs.peek() {
                Some('\n' | '\r') | None => {}
                // A progress bar writes over itself.
                Some(_) => out.truncate(line),
            },
            sign => out.push(visible(sign)),
        }
    }
    out
}

/// Passes over what stands behind an escape character.
fn escape(signs: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match signs.peek() {
        Some('[') => {
            signs.next();
            // Parameters, then one letter.
            while signs.next_if(|sign| (' '..='?').contains(sign)).is_some() {}
            signs.next_if(|sign| ('@'..='~').contains(sign));
        }
        Some(']' | 'P' | '_' | '^') => {
            // Up to a bell or `ESC \`; a text that never ends is not passed over whole.
            for _ in 0..2_000 {
                match signs.next() {
                    None | Some('\u{7}') => break,
                    Some('\u{1b}') => {
                        signs.next_if_eq(&'\\');
                        break;
                    }
                    Some(_) => {}
                }
            }
        }
        Some('(' | ')') => {
            signs.next();
            signs.next_if(char::is_ascii_alphanumeric);
        }
        Some('=' | '>' | '7' | '8' | 'M' | 'c') => {
            signs.next();
        }
        _ => {}
    }
}

/// The one line of a text that has one, or how many there are.
pub(super) fn lines(text: &str) -> usize {
    text.trim_end().lines().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_controls_anything() {
        let check = |text: &str, expected: &str| assert_eq!(said(text), expected, "{text:?}");
        check("a\tb\r\nc\n", "a\tb\nc\n");
        check("\u{1b}[1;31mred\u{1b}[0m \u{1b}[2Jx", "red x");
        check("\u{1b}]8;;https://x\u{7}link\u{1b}]8;;\u{1b}\\.", "link.");
        check("\u{1b}(B\u{1b}=a\u{1b}", "a");
        check(" 1%\r 50%\r100%\nend", "100%\nend");
        check("a\r\r\nb\r", "a\nb");
        check("a\u{8}\u{7}\0\u{9b}\u{202e}", "a\u{2408}\u{2407}\u{2400}\u{fffd}\u{fffd}");
        check(&format!("\u{1b}]{}\nend", "x".repeat(5_000)), &format!("{}\nend", "x".repeat(3_001)));
    }

    #[test]
    fn counted() {
        assert_eq!(["", "a", "a\nb\n", "\n"].map(lines), [0, 1, 2, 0]);
    }
}
