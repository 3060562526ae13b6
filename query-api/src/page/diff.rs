//! What an edit changed: lines that went and came, each with its sign, and the words within them that differ.
//!
//! Comparing is quadratic where texts have little in common, so it is bounded: of large texts only lines are compared, very large
//! ones are shown as they are, and a comparison that takes too long is finished roughly. What a page compares is bounded too, in
//! bytes and in time.

use std::time::{Duration, Instant};

use maud::{Markup, html};
use similar::{Algorithm, ChangeTag, TextDiff};

use super::markdown::clipped;
use super::text::{number, visible};

/// Up to here words are compared too, in bytes of both texts.
const WORDS: usize = 64 << 10;
/// Up to here lines are.
const LINES: usize = 512 << 10;
/// Up to here it is counted what differs.
const COUNTED: usize = 32 << 10;
/// So much is compared for a page, in bytes of both texts.
const PAGE: usize = 1 << 20;
/// And for so long, all together.
const PAGE_TIME: Duration = Duration::from_millis(600);
/// So much is shown of a text that is not compared, in bytes.
const SHOWN: usize = 32 << 10;
/// A comparison may take so long.
const TIME: Duration = Duration::from_millis(60);
/// Lines around a change.
const AROUND: usize = 3;

/// What may still be compared for a page.
#[derive(Debug)]
pub(crate) struct Budget {
    bytes: usize,
    time: Duration,
}

impl Budget {
    /// Of a page.
    pub(crate) fn page() -> Self {
        Self { bytes: PAGE, time: PAGE_TIME }
    }

    /// Compares texts of so many bytes by `work`, which has until then; `None` if that is too much.
    fn spend<T>(&mut self, bytes: usize, work: impl FnOnce(Instant) -> T) -> Option<T> {
        if self.time.is_zero() || bytes > self.bytes {
            return None;
        }
        let began = Instant::now();
        let made = work(began + TIME.min(self.time));
        self.bytes -= bytes;
        self.time = self.time.saturating_sub(began.elapsed());
        Some(made)
    }
}

/// How two texts differ.
pub(crate) fn diff(old: &str, new: &str, budget: &mut Budget) -> Markup {
    let size = old.len() + new.len();
    let compared = if size > LINES { None } else { budget.spend(size, |deadline| compared(old, new, deadline)) };
    compared.unwrap_or_else(|| html! { (whole("Before", old)) (whole("After", new)) })
}

/// A text that is not compared.
fn whole(name: &str, text: &str) -> Markup {
    let shown = clipped(text, SHOWN);
    html! {
        details class="fold" {
            summary { (name) ", " (number(text.len() as u64)) " bytes" }
            pre class="text" { (shown.chars().map(visible).collect::<String>()) }
            @if shown.len() < text.len() { p class="cut" { (number((text.len() - shown.len()) as u64)) " more bytes are not shown here." } }
        }
    }
}

fn compared(old: &str, new: &str, deadline: Instant) -> Markup {
    let size = old.len() + new.len();
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

/// How many lines came and went: `+3 −1`. Of large texts, and where the page has compared enough, that is not known.
pub(crate) fn counts(old: &str, new: &str, budget: &mut Budget) -> Option<(usize, usize)> {
    let size = old.len() + new.len();
    if size > COUNTED {
        return None;
    }
    budget.spend(size, |deadline| {
        let diff = TextDiff::configure().deadline(deadline).diff_lines(old, new);
        let count = |tag: ChangeTag| diff.iter_all_changes().filter(|change| change.tag() == tag).count();
        (count(ChangeTag::Insert), count(ChangeTag::Delete))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plenty() -> Budget {
        Budget { bytes: usize::MAX, time: Duration::from_secs(600) }
    }

    fn check(old: &str, new: &str, expected: &str) {
        let expected = format!("<pre class=\"diff\">{expected}</pre>");
        assert_eq!(diff(old, new, &mut plenty()).into_string(), expected, "{old:?} {new:?}");
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
        let made = diff(&text("a", "b"), &text("c", "d"), &mut plenty()).into_string();
        assert_eq!(made.matches("<span> x\n</span>").count(), 2 * AROUND, "{made}");
        assert_eq!(made.matches("⋯").count(), 1, "{made}");
    }

    #[test]
    fn large_texts_are_compared_by_lines_and_larger_ones_shown() {
        let text = |word: &str, size: usize| format!("same {word}\n").repeat(size / (6 + word.len()));
        let made = diff(&text("one", WORDS), &text("two", WORDS), &mut plenty()).into_string();
        assert!(made.contains("<del>") && !made.contains("<mark>"));
        let made = diff(&text("one", LINES), &text("<wo", LINES), &mut plenty()).into_string();
        assert!(made.contains("<details") && !made.contains("<wo"));
    }

    #[test]
    fn counted() {
        let check = |old: &str, new: &str, expected| assert_eq!(counts(old, new, &mut plenty()), expected, "{old:?}");
        check("a\nb\n", "a\nc\nd\n", Some((2, 1)));
        check("", "a", Some((1, 0)));
        check(&"a\n".repeat(COUNTED), "a", None);
    }

    #[test]
    fn a_page_compares_only_so_much() {
        let (old, new) = ("a\n".repeat(4_000), "b\n".repeat(4_000));
        let mut budget = Budget { time: Duration::from_secs(600), ..Budget::page() };
        let counted = (0..1_000).filter(|_| counts(&old, &new, &mut budget).is_some()).count();
        assert_eq!(counted, PAGE / (old.len() + new.len()));
        assert!(diff(&old, "\u{202e}", &mut budget).into_string().contains("\u{fffd}"));
        let made = diff(&"a\n".repeat(1 << 20), &"b".repeat(1 << 20), &mut plenty()).into_string();
        assert!(made.len() < 3 * SHOWN, "{}", made.len());
        assert_eq!(counts("a", "b", &mut Budget { time: Duration::ZERO, ..plenty() }), None);
    }
}
