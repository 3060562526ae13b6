//! What an edit changed: lines that went and came, each with its sign, and the words within them that differ.
//!
//! Comparing is quadratic where texts have little in common, so it is bounded: of large texts only lines are compared, very large
//! ones are shown whole, and a comparison that takes too long is finished roughly.

use std::time::{Duration, Instant};

use maud::{Markup, html};
use similar::{Algorithm, ChangeTag, TextDiff};

use super::text::visible;

/// Up to here words are compared too, in bytes of both texts.
const WORDS: usize = 64 << 10;
/// Up to here lines are.
const LINES: usize = 512 << 10;
/// Up to here it is counted what differs.
const COUNTED: usize = 32 << 10;
/// A comparison may take so long.
const TIME: Duration = Duration::from_millis(60);
/// Lines around a change.
const AROUND: usize = 3;

/// How two texts differ.
pub(crate) fn diff(old: &str, new: &str) -> Markup {
    let size = old.len() + new.len();
    if size > LINES {
        return html! {
            details class="fold" { summary { "Before, " (old.len()) " bytes" } pre class="text" { (old) } }
            details class="fold" { summary { "After, " (new.len()) " bytes" } pre class="text" { (new) } }
        };
    }
    let deadline = Instant::now() + TIME;
    let diff = TextDiff::configure().algorithm(Algorithm::Myers).deadline(deadline).diff_lines(old, new);
    html! {
        pre class="diff" {
            @for (at, group) in diff.grouped_ops(AROUND).iter().enumerate() {
                @if at > 0 { span class="gap" { "⋯\n" } }
                @for op in group {
                    @if size <= WORDS {
                        @for change in diff.iter_inline_changes_deadline(op, Some(deadline)) {
                            (line(change.tag(), change.iter_strings_lossy()))
                        }
                    } @else {
                        @for change in diff.iter_changes(op) {
                            (line(change.tag(), [(false, change.to_string_lossy())].into_iter()))
                        }
                    }
                }
            }
        }
    }
}

/// A line with its sign; the pieces of it that are another in the other text are marked.
fn line<'a>(tag: ChangeTag, pieces: impl Iterator<Item = (bool, std::borrow::Cow<'a, str>)>) -> Markup {
    let mut pieces: Vec<_> = pieces.map(|(differs, piece)| (differs, piece.into_owned())).collect();
    // Every line ends, also the last one of a text that has no line's end there.
    if let Some((_, last)) = pieces.last_mut() {
        last.truncate(last.trim_end_matches(['\r', '\n']).len());
    }
    // Where all differs, nothing stands out.
    let all = pieces.iter().all(|(differs, piece)| *differs || piece.trim().is_empty());
    let text = html! {
        @for (differs, piece) in &pieces {
            @let piece: String = piece.chars().map(visible).collect();
            @if *differs && !all { mark { (piece) } } @else { (piece) }
        }
        "\n"
    };
    match tag {
        ChangeTag::Equal => html! { span { " " (text) } },
        ChangeTag::Delete => html! { del { "-" (text) } },
        ChangeTag::Insert => html! { ins { "+" (text) } },
    }
}

/// How many lines came and went: `+3 −1`. A page may ask that of many edits, so of larger ones all lines count.
pub(crate) fn counts(old: &str, new: &str) -> (usize, usize) {
    if old.len() + new.len() > COUNTED {
        return (new.lines().count(), old.lines().count());
    }
    let diff = TextDiff::configure().deadline(Instant::now() + TIME).diff_lines(old, new);
    let count = |tag: ChangeTag| diff.iter_all_changes().filter(|change| change.tag() == tag).count();
    (count(ChangeTag::Insert), count(ChangeTag::Delete))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(old: &str, new: &str, expected: &str) {
        let expected = format!("<pre class=\"diff\">{expected}</pre>");
        assert_eq!(diff(old, new).into_string(), expected, "{old:?} {new:?}");
    }

    #[test]
    fn lines_and_words() {
        check("a\n", "a\n", "");
        check("a\nb\n", "a\nc\n", "<span> a\n</span><del>-b\n</del><ins>+c\n</ins>");
        check(
            "let a = one;\n",
            "let a = two;\n",
            "<del>-let a = <mark>one;</mark>\n</del><ins>+let a = <mark>two;</mark>\n</ins>",
        );
        check("", "<b>", "<ins>+&lt;b&gt;\n</ins>");
        check("a\r\n", "", "<del>-a\n</del>");
        check("", "a\u{202e}b", "<ins>+a\u{fffd}b\n</ins>");
        check("a", "a\n", "<del>-a\n</del><ins>+a\n</ins>");
    }

    #[test]
    fn what_stays_far_from_a_change_is_left_out() {
        let text = |first: &str, last: &str| format!("{first}\n{}{last}\n", "x\n".repeat(20));
        let made = diff(&text("a", "b"), &text("c", "d")).into_string();
        assert_eq!(made.matches("<span> x\n</span>").count(), 2 * AROUND, "{made}");
        assert_eq!(made.matches("⋯").count(), 1, "{made}");
    }

    #[test]
    fn large_texts_are_compared_by_lines_and_larger_ones_shown() {
        let text = |word: &str, size: usize| format!("same {word}\n").repeat(size / (6 + word.len()));
        let made = diff(&text("one", WORDS), &text("two", WORDS)).into_string();
        assert!(made.contains("<del>") && !made.contains("<mark>"));
        let made = diff(&text("one", LINES), &text("<wo", LINES)).into_string();
        assert!(made.contains("<details") && !made.contains("<wo"));
    }

    #[test]
    fn counted() {
        assert_eq!(counts("a\nb\n", "a\nc\nd\n"), (2, 1));
        assert_eq!(counts("", "a"), (1, 0));
    }
}
