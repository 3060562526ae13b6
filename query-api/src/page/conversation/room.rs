//! How much goes into a page: texts, what is folded, marked code. What is over is found behind a link.

use maud::{Markup, html};

use crate::page::code::Budget;
use crate::page::diff;
use crate::page::markdown::{clipped, markdown};
use crate::page::text::{number, visible};

/// What is folded, of all folds together, in bytes.
const FOLDED: usize = 64 << 10;
/// And of one.
const FOLD: usize = 16 << 10;
/// Texts that are not folded, in bytes.
const TEXTS: usize = 512 << 10;

/// What may still go into a page.
#[derive(Debug)]
pub(crate) struct Room {
    /// For code.
    pub(super) code: Budget,
    /// For what edits changed.
    pub(super) edits: diff::Budget,
    folded: usize,
    texts: usize,
}

impl Room {
    /// Of a page.
    pub(crate) fn page() -> Self {
        Self { code: Budget::page(), edits: diff::Budget::page(), folded: FOLDED, texts: TEXTS }
    }

    /// Whether a fold of so many bytes goes in; if so it has taken its room.
    pub(super) fn folds(&mut self, bytes: usize) -> bool {
        let fits = bytes <= FOLD.min(self.folded);
        if fits {
            self.folded -= bytes;
        }
        fits
    }

    /// The part of a text that goes in.
    fn text<'t>(&mut self, text: &'t str) -> &'t str {
        let shown = clipped(text, self.texts.min(crate::page::markdown::MOST));
        self.texts -= shown.len();
        shown
    }
}

/// A text that is Markdown.
pub(super) fn told(text: &str, room: &mut Room, id: i64) -> Markup {
    let shown = room.text(text);
    html! { (markdown(shown, &mut room.code)) (rest(text, shown, id)) }
}

/// A text as it was typed.
pub(super) fn plain(text: &str, room: &mut Room, id: i64) -> Markup {
    let shown = room.text(text);
    html! { (shown.chars().map(visible).collect::<String>()) (rest(text, shown, id)) }
}

fn rest(text: &str, shown: &str, id: i64) -> Markup {
    html! {
        @if shown.len() < text.len() {
            p class="cut" {
                (number(text.len() as u64 - shown.len() as u64)) " more bytes are in "
                a href={ "/conversations/" (id) "/markdown" } { "the whole as text" } "."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_ends() {
        let mut room = Room::page();
        assert!(!room.folds(FOLD + 1));
        let folds = (0..20).filter(|_| room.folds(FOLD)).count();
        assert_eq!(folds, FOLDED / FOLD);
        assert!(room.folds(0) && !room.folds(1));
        let long = "word ".repeat(TEXTS / 4);
        let made = plain(&long, &mut room, 7).into_string();
        assert!(made.len() < TEXTS && made.contains("/conversations/7/markdown"));
        let made = [0; 3].map(|_| told(&long, &mut room, 7).into_string().len());
        assert!(made[0] > 1_000 && made[2] < 200, "{made:?}");
    }
}
