//! The place where a search found something, on one line: cut to the room there is around the first match, and each match marked,
//! by colour or, where there is none, by `**` at both sides.

use terminal::text::{columns, visible};
use terminal::{Tone, paint};

use super::shape::Piece;

/// How a match is told from what stands around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marking {
    /// At a terminal that shows colours.
    Colour,
    /// In a file, a pipe, or without colour: `**match**`.
    Stars,
}

impl Marking {
    /// What fits standard output.
    pub(super) fn here() -> Self {
        if terminal::coloured() { Self::Colour } else { Self::Stars }
    }

    fn mark(self, found: &str) -> String {
        match self {
            Self::Colour => paint(Tone::Match, found),
            Self::Stars => format!("**{found}**"),
        }
    }

    /// Columns that a mark takes.
    fn width(self) -> usize {
        match self {
            Self::Colour => 0,
            Self::Stars => 4,
        }
    }
}

/// A sign as it is shown, how wide it is, and whether it was looked for.
struct Sign {
    sign: char,
    wide: usize,
    found: bool,
}

/// On one line of at most `room` columns; without a number all of it.
pub(super) fn line(pieces: &[Piece], room: Option<usize>, marking: Marking) -> String {
    let signs = signs(pieces);
    let Some(room) = room else { return marked(&signs, marking) };
    let matches = pieces.iter().filter(|piece| piece.r#match).count();
    let room = room.saturating_sub(matches * marking.width()).max(1);
    if width(&signs) <= room {
        return marked(&signs, marking);
    }
    // A third of what is left stands before the match, or more if what follows needs less; and a blank is a better place to cut
    // than the middle of a word.
    let first = signs.iter().position(|sign| sign.found).unwrap_or(0);
    let end = first + signs[first..].iter().take_while(|sign| sign.found).count();
    let left = room.saturating_sub(width(&signs[first..end]) + 2);
    let before = (left / 3).max(left.saturating_sub(width(&signs[end..])));
    let mut begin = last_fitting(signs[..first].iter().rev(), before).map_or(0, |fits| first - fits);
    if begin > 0 {
        begin += signs[begin..first].iter().position(|sign| sign.sign == ' ').map_or(0, |blank| blank + 1);
    }
    let room = room - usize::from(begin > 0);
    let rest = &signs[begin..];
    let taken = last_fitting(rest.iter(), room.saturating_sub(1)).unwrap_or(rest.len());
    let whole = width(rest) <= room;
    let shown = if whole { rest } else { &rest[..taken] };
    let (lead, tail) = (if begin > 0 { "…" } else { "" }, if whole { "" } else { "…" });
    format!("{lead}{}{tail}", marked(shown, marking).trim_end())
}

/// How many of the signs fit into `room`; `None` if all do.
fn last_fitting<'s>(signs: impl Iterator<Item = &'s Sign>, room: usize) -> Option<usize> {
    let mut used = 0;
    signs.into_iter().position(|sign| {
        used += sign.wide;
        used > room
    })
}

fn width(signs: &[Sign]) -> usize {
    signs.iter().map(|sign| sign.wide).sum()
}

/// Harmless, with one blank in place of several and of line breaks.
fn signs(pieces: &[Piece]) -> Vec<Sign> {
    let mut signs: Vec<Sign> = Vec::new();
    for piece in pieces {
        for sign in piece.text.chars() {
            let sign = if sign.is_whitespace() { ' ' } else { sign };
            let shown = visible(sign.encode_utf8(&mut [0; 4]));
            let after_blank = signs.last().is_none_or(|last| last.sign == ' ');
            for sign in shown.chars().filter(|sign| *sign != ' ' || !after_blank) {
                signs.push(Sign { sign, wide: columns(sign.encode_utf8(&mut [0; 4])), found: piece.r#match });
            }
        }
    }
    signs
}

fn marked(signs: &[Sign], marking: Marking) -> String {
    let runs = signs.chunk_by(|a, b| a.found == b.found);
    runs.map(|run| {
        let text: String = run.iter().map(|sign| sign.sign).collect();
        if run.first().is_some_and(|sign| sign.found) { marking.mark(&text) } else { text }
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `text` with its matches between `[` and `]`.
    fn pieces(text: &str) -> Vec<Piece> {
        let piece = |(at, text): (usize, &str)| Piece { text: text.to_owned(), r#match: at % 2 == 1 };
        text.split(['[', ']']).enumerate().map(piece).filter(|piece| !piece.text.is_empty()).collect()
    }

    #[test]
    fn lines() {
        let check = |text: &str, room: usize, expected: &str| {
            let shown = line(&pieces(text), Some(room), Marking::Stars);
            assert_eq!(shown, expected, "{text} in {room}");
            assert!(columns(&shown) <= room, "{shown:?} is wider than {room}");
        };
        check("one [two] three", 40, "one **two** three");
        check("one\n\t [two]\r\nthree", 40, "one **two** three");
        check("one [two] three", 15, "…**two** three");
        check("the very first words of all and [then] some more that follow", 30, "…and **then** some more that…");
        check("[then] some more that follows it", 20, "**then** some more…");
        check("some more that comes before it [then]", 20, "…it **then**");
        check("a [b] c [d] e f g h i j k l m n o", 24, "a **b** c **d** e f g h…");
        check("日本語日本語日本語 [日本] 日本語", 20, "…**日本** 日本語");
        check("a [verylongwordthatfitsnowhere] b", 12, "…**verylo**…");
        check("\u{1b}52 [\u{202e}x] y", 30, "␛52 **\u{fffd}x** y");
    }

    #[test]
    fn a_pipe_gets_all_of_it() {
        let long = format!("{} [x] {}", "a ".repeat(100), "b ".repeat(100));
        assert_eq!(line(&pieces(&long), None, Marking::Stars).chars().count(), 406);
        assert_eq!(line(&pieces("a [b]"), None, Marking::Colour), format!("a {}", paint(Tone::Match, "b")));
    }
}
