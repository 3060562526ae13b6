//! Doors for whoever throws anything at our readers: what is private here, as plain values that a test can hold to its own idea of
//! them. For tests/harness/fuzz alone; no program of ours comes through one.

use queue::QueueName;
use store::{Span, SpanSource, TranscriptId};

use crate::intake::{parse, places, whose};
use crate::transcripts::line::{Block, Body, Line, Operation};
use crate::transcripts::lines::{Cutter, Lines};

pub use crate::setup::hooks::door as settings;

/// What the queue reads from a payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The session, or `unknown`.
    pub session: String,
    /// The hook event, or `unknown`.
    pub event: String,
    /// The turn, where it is told.
    pub prompt: Option<String>,
}

/// Why it takes none in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The kind, as it stands in a note.
    pub class: &'static str,
    /// More about it.
    pub detail: String,
}

/// Reads a queue file as a pass does.
///
/// # Errors
/// What is wrong with it.
pub fn payload(payload: &[u8], name: &QueueName) -> Result<Facts, Refusal> {
    match parse::parse(payload, name) {
        Ok(facts) => Ok(Facts { session: facts.session_id, event: facts.event, prompt: facts.prompt_id }),
        Err(reject) => Err(Refusal { class: reject.class.as_str(), detail: reject.detail }),
    }
}

/// The session and the folder of a queue file, as far as they stand before a fault.
pub fn whose(payload: &[u8], name: &QueueName) -> (Option<String>, Option<String>) {
    let whose = whose::read(payload, name);
    (whose.session, whose.cwd)
}

/// A name in processing: the queue name and the attempt.
pub fn attempt(name: &str) -> Option<(&str, u32)> {
    places::split_attempt(name)
}

/// What was made of a piece of a transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// The lines in their order.
    pub lines: Vec<ReadLine>,
    /// Where something begins that could not be read.
    pub unreadable: Vec<u64>,
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadLine {
    /// Where its object begins.
    pub at: u64,
    /// By what it is known.
    pub key: [u8; 16],
    /// Its own id.
    pub uuid: Option<String>,
    /// The places of texts, each with the text if that is kept too, and whether the text is all that was joined there.
    pub places: Vec<(u64, u32, Option<String>)>,
    /// All of it, for comparing.
    pub told: String,
}

/// Reads pieces of a transcript that begins at `start`; the last line may have no end.
pub fn transcript(pieces: &[&[u8]], start: u64) -> Read {
    let mut cutter = Cutter::new(TranscriptId(1), start);
    pieces.iter().for_each(|piece| cutter.feed(piece));
    let Lines { lines, unreadable } = cutter.finish();
    Read { lines: lines.into_iter().map(read_line).collect(), unreadable }
}

fn read_line(line: Line) -> ReadLine {
    let told = format!("{line:?}");
    let mut places = Vec::new();
    let mut place = |span: Span, text: Option<String>| {
        if span.source == SpanSource::Transcript(line.at.0) {
            places.push((span.offset, span.length, text));
        }
    };
    match line.body {
        Body::User(user) | Body::Queued(user) => {
            if let Some(span) = user.span {
                place(span, None);
            }
            user.results.into_iter().filter_map(|result| result.output).for_each(|span| place(span, None));
        }
        Body::Assistant(assistant) => {
            for block in assistant.blocks {
                match block {
                    Block::Text { text, span } => place(span, Some(text)),
                    Block::Thinking { span } => place(span, None),
                    Block::ToolUse { input, .. } => input.into_iter().for_each(|span| place(span, None)),
                }
            }
        }
        Body::Operation(Operation::Enqueue(_) | Operation::Remove(_) | Operation::Dequeue | Operation::PopAll)
        | Body::System(_)
        | Body::CustomTitle(_)
        | Body::GeneratedTitle(_)
        | Body::Worktree { .. }
        | Body::ContinuedIn(_)
        | Body::Other
        | Body::Unknown(_) => {}
    }
    ReadLine { at: line.at.1, key: line.key, uuid: line.uuid, places, told }
}
