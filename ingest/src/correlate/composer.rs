//! Prompts that exist only as `queue-operation` lines (correlation.md 8): typed while Claude worked, in versions that
//! wrote no user line for them.

use std::collections::HashMap;

use super::text::{self, Text};
use crate::transcripts::line::{Body, Line, Operation};

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
}

/// Follows the composer's queue, which is first in, first out, through the lines of a file.
pub(crate) fn follow<'a>(lines: &[&'a Line]) -> Queued<'a> {
    let mut waiting: Vec<(usize, &'a Line, &'a str)> = Vec::new();
    let mut found = Queued::default();
    let mut take = |(from, line, text): (usize, &'a Line, &'a str), stands_at: usize, absorbed: bool| {
        let Text::Human(shown) = text::classify(text) else { return };
        match (from..lines.len()).find(|at| says(lines[*at], text.trim())) {
            Some(at) => found.said.entry(at).or_default().push(line.key),
            None => found.alone.push(QueuedPrompt { text: shown, line, stands_at, absorbed }),
        }
    };
    for (at, line) in lines.iter().enumerate() {
        let Body::Operation(operation) = &line.body else { continue };
        match operation {
            Operation::Enqueue(text) => waiting.push((at, line, text)),
            Operation::Dequeue if !waiting.is_empty() => take(waiting.remove(0), at, false),
            Operation::Remove(text) if !waiting.is_empty() => {
                let named = text.as_deref().and_then(|text| waiting.iter().position(|(_, _, queued)| *queued == text));
                take(waiting.remove(named.unwrap_or(0)), at, true);
            }
            Operation::PopAll => waiting.clear(),
            Operation::Dequeue | Operation::Remove(_) => {}
        }
    }
    for prompt in waiting {
        take(prompt, lines.len(), false);
    }
    found
}

fn says(line: &Line, text: &str) -> bool {
    match &line.body {
        Body::User(user) | Body::Queued(user) => user.text.as_deref().is_some_and(|said| said.contains(text)),
        _ => false,
    }
}
