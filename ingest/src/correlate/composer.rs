//! Prompts that exist only as `queue-operation` lines (correlation.md 8): typed while Claude worked, in versions that
//! wrote no user line for them.

use std::collections::{HashMap, HashSet, VecDeque};

use store::sieve::{count_same, same_text};

use super::text::{self, Text};
use crate::transcripts::line::{Body, IMAGE_ALONE, Line, Operation};

/// A prompt of which only its queueing is known.
#[derive(Debug)]
pub(crate) struct QueuedPrompt<'a> {
    pub(crate) text: String,
    /// The line that enqueued it.
    pub(crate) line: &'a Line,
    /// The index before which it stands.
    pub(crate) stands_at: usize,
    /// Taken into the running turn, and not a turn of its own.
    pub(crate) absorbed: bool,
}

/// What became of the texts that were queued.
#[derive(Debug, Default)]
pub(crate) struct Queued<'a> {
    /// Those that no later line contains.
    pub(crate) alone: Vec<QueuedPrompt<'a>>,
    /// The others, by the index of the line that has the text: until that was written they stood alone, under this key.
    pub(crate) said: HashMap<usize, Vec<[u8; 16]>>,
    /// When texts were queued that were taken back and submitted again, by the index of the line that says them.
    pub(crate) again: HashMap<usize, Vec<i64>>,
    /// Those that were taken back for good: the next prompt does not say them.
    pub(crate) taken_back: Vec<QueuedPrompt<'a>>,
}

/// A text that left the queue.
struct Left<'a> {
    text: &'a str,
    /// The line that enqueued it, and its index.
    line: &'a Line,
    queued_at: usize,
    left_at: usize,
    absorbed: bool,
}

/// Follows the composer's queue, which is first in, first out, through the lines of a file: which line enqueued a text, and
/// which took it out, in the order in which they were taken out.
pub(crate) fn taken<'a>(lines: impl Iterator<Item = &'a Line>) -> Vec<(usize, usize)> {
    let (mut waiting, mut found) = (Vec::<(usize, &str)>::new(), Vec::new());
    for (at, line) in lines.enumerate() {
        let Body::Operation(operation) = &line.body else { continue };
        let out = match operation {
            Operation::Enqueue(text) => {
                waiting.push((at, text));
                0..0
            }
            Operation::PopAll => 0..waiting.len(),
            Operation::Dequeue | Operation::Remove(_) if waiting.is_empty() => 0..0,
            Operation::Dequeue | Operation::Remove(None) => 0..1,
            Operation::Remove(Some(text)) => {
                let position = |same: fn(&str, &str) -> bool| waiting.iter().position(|(_, queued)| same(queued, text));
                let named = position(|a, b| a == b).or_else(|| position(same_text)).unwrap_or(0);
                named..named + 1
            }
        };
        found.extend(waiting.drain(out).map(|(queued_at, _)| (queued_at, at)));
    }
    found
}

/// What became of each text that was queued in a file.
pub(crate) fn follow<'a>(lines: &[&'a Line]) -> Queued<'a> {
    let enqueued = |at: usize, left_at: usize, absorbed: bool| match &lines[at].body {
        Body::Operation(Operation::Enqueue(text)) => {
            Some(Left { text, line: lines[at], queued_at: at, left_at, absorbed })
        }
        _ => None,
    };
    let taken = taken(lines.iter().copied());
    let (mut left, mut back): (Vec<Left<'a>>, Vec<(Left<'a>, usize)>) = (Vec::new(), Vec::new());
    for (queued_at, at) in &taken {
        match &lines[*at].body {
            Body::Operation(Operation::PopAll) => back.extend(enqueued(*queued_at, *at, false).map(|text| (text, *at))),
            body => left.extend(enqueued(*queued_at, *at, matches!(body, Body::Operation(Operation::Remove(_))))),
        }
    }
    let out: HashSet<usize> = taken.iter().map(|(queued_at, _)| *queued_at).collect();
    left.extend((0..lines.len()).filter(|at| !out.contains(at)).filter_map(|at| enqueued(at, lines.len(), false)));
    let mut found = find_lines(lines, left);
    for (queued, at) in back {
        let Text::Human(shown) = text::classify(queued.text) else { continue };
        match next_prompt(lines.iter().copied(), at).filter(|next| says(lines[*next], queued.text.trim()) > 0) {
            Some(next) => {
                found.again.entry(next).or_default().extend(queued.line.at_ms);
                found.said.entry(next).or_default().extend(queued.line.keys());
            }
            None => {
                let prompt = QueuedPrompt { text: shown, line: queued.line, stands_at: at, absorbed: false };
                found.taken_back.push(prompt);
            }
        }
    }
    found
}

/// Finds the line of each text, and those that have none. The same words may have been queued twice: a line stands for one
/// text, or for as many as it holds of it, and first for those that left the queue to be turns of their own.
fn find_lines<'a>(lines: &[&'a Line], left: Vec<Left<'a>>) -> Queued<'a> {
    let mut found = Queued::default();
    let mut spoken_for: HashMap<usize, Vec<&str>> = HashMap::new();
    let (absorbed, own): (Vec<_>, Vec<_>) = left.into_iter().partition(|text| text.absorbed);
    for queued in own.into_iter().chain(absorbed) {
        let Text::Human(shown) = text::classify(queued.text) else { continue };
        let text = queued.text.trim();
        let taken =
            |at: &usize| spoken_for.get(at).into_iter().flatten().filter(|other| same_text(other, text)).count();
        let free = |at: &usize| says(lines[*at], text) > taken(at);
        let behind = (queued.left_at..lines.len()).find(free);
        match behind.or_else(|| (queued.queued_at..queued.left_at).find(free)) {
            Some(at) => {
                spoken_for.entry(at).or_default().push(text);
                found.said.entry(at).or_default().extend(queued.line.keys());
            }
            None => found.alone.push(QueuedPrompt {
                text: shown,
                line: queued.line,
                stands_at: queued.left_at,
                absorbed: queued.absorbed,
            }),
        }
    }
    found
}

/// The first line from `at` on that a person submitted. What was taken back into the composer is in it, or was deleted there.
fn next_prompt<'a>(lines: impl Iterator<Item = &'a Line>, at: usize) -> Option<usize> {
    let is_prompt = |line: &Line| match &line.body {
        Body::User(user) if user.results.is_empty() && !user.injected => {
            let text = user.text.as_deref().map(text::classify);
            matches!(text, Some(Text::Human(_) | Text::Slash(_) | Text::Shell(_) | Text::Memory(_)))
        }
        _ => false,
    };
    lines.enumerate().skip(at).find(|(_, line)| is_prompt(line)).map(|(index, _)| index)
}

/// From where to where in the file each text waits in the queue, or in the composer that took it back; one that still does
/// waits for ever.
pub(crate) fn waits(lines: &[Line]) -> Vec<(u64, u64)> {
    let (mut waiting, mut found) = (VecDeque::new(), Vec::new());
    for (at, line) in lines.iter().enumerate() {
        let Body::Operation(operation) = &line.body else { continue };
        let mut until = line.at.1;
        let gone = match operation {
            Operation::Enqueue(_) => {
                waiting.push_back(line.at.1);
                0
            }
            Operation::Dequeue | Operation::Remove(_) => 1.min(waiting.len()),
            Operation::PopAll => {
                until = next_prompt(lines.iter(), at).map_or(u64::MAX, |next| lines[next].at.1);
                waiting.len()
            }
        };
        found.extend(waiting.drain(..gone).map(|from| (from, until)));
    }
    found.extend(waiting.into_iter().map(|from| (from, u64::MAX)));
    found
}

/// How often a line says a text.
fn says(line: &Line, text: &str) -> usize {
    match &line.body {
        Body::User(user) | Body::Queued(user) => match &user.text {
            Some(said) => count_same(said, text),
            None => usize::from(text == IMAGE_ALONE && !user.media.is_empty()),
        },
        _ => 0,
    }
}
