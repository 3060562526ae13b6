//! Prompts that exist only as `queue-operation` lines (correlation.md 8): typed while Claude worked, in versions that
//! wrote no user line for them.

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

/// Those that no later line contains. The composer's queue is first in, first out.
pub(crate) fn only_queued<'a>(lines: &[&'a Line]) -> Vec<QueuedPrompt<'a>> {
    let mut waiting: Vec<(usize, &'a Line, &'a str)> = Vec::new();
    let mut found = Vec::new();
    let mut take = |(from, line, text): (usize, &'a Line, &'a str), stands_at: usize, absorbed: bool| {
        if let Text::Human(shown) = text::classify(text)
            && !appears_after(lines, from, text.trim())
        {
            found.push(QueuedPrompt { text: shown, line, stands_at, absorbed });
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

fn appears_after(lines: &[&Line], from: usize, text: &str) -> bool {
    lines[from..].iter().any(|line| match &line.body {
        Body::User(user) | Body::Queued(user) => user.text.as_deref().is_some_and(|said| said.contains(text)),
        _ => false,
    })
}
