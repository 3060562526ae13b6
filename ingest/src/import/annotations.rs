//! Takes back what people said from an exported jsonl: ratings, tags, notes, stars, splits, titles and saved views.
//!
//! Prompts and answers are not taken from it: those come from transcripts and hooks, byte for byte. So of each line only a
//! few fields are kept in memory, however long it is. A remark about a conversation that is not here yet gets an id
//! that the conversation's keys lead to: when its transcript comes, it is there.

mod entry;
mod line;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::SystemTime;

use store::write::{Batch, Merged, Progress, Writer};

use crate::clock;
use crate::error::{At, Error};
use crate::import::database::derive_on;
use entry::Entry;
use line::Line;

/// The export format that this program reads.
const VERSION: i64 = 1;
/// A transaction goes over about so much of the file,
const BATCH_BYTES: u64 = 16 * 1024 * 1024;
/// and holds at most so many lines, so that nobody waits for it.
const BATCH_LINES: u64 = 10_000;

/// Takes it in; `observe` is told after each transaction and may end it, to be continued another time.
///
/// # Errors
/// [`Error::Line`] names the first line that cannot be read; the lines before it are taken in, and running again is
/// harmless. The store's.
pub fn import(
    writer: &mut Writer,
    path: &Path,
    observe: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Merged, Error> {
    let file = File::open(path).at("open", path)?;
    let of = file.metadata().at("read the size of", path)?.len();
    let mut reader = BufReader::with_capacity(256 * 1024, file);
    let (mut merged, mut progress) = (Merged::default(), Progress { done: 0, of });
    let mut number = 0;
    loop {
        let batch = writer.batch()?;
        let now_ms = clock::millis(SystemTime::now());
        let (began, first) = (progress.done, number);
        let mut ended = None;
        let is_full = |done, lines| done >= BATCH_BYTES || lines >= BATCH_LINES || (lines > 0 && batch.is_due());
        while !is_full(progress.done - began, number - first) {
            if reader.fill_buf().at("read", path)?.is_empty() {
                ended = Some(Ok(()));
                break;
            }
            number += 1;
            match one(&batch, &mut reader, number, now_ms, &mut merged) {
                Ok(bytes) => progress.done += bytes,
                Err(Fault::Stopped(error)) => return Err(error),
                Err(Fault::Read(source)) => {
                    ended = Some(Err(Error::Io { op: "read", path: path.to_owned(), source }));
                    break;
                }
                Err(Fault::Bad(problem)) => {
                    ended = Some(Err(Error::Line { path: path.to_owned(), number, problem }));
                    break;
                }
            }
        }
        batch.commit()?;
        if observe(progress).is_break() {
            merged.stopped = ended.is_none();
            ended = ended.or(Some(Ok(())));
        }
        if let Some(ended) = ended {
            derive_on(writer, &mut merged, &mut || observe(progress))?;
            return ended.map(|()| merged);
        }
    }
}

/// Why a line was not taken in.
enum Fault {
    /// It is not what it should be.
    Bad(String),
    /// The file cannot be read.
    Read(std::io::Error),
    /// The store failed.
    Stopped(Error),
}

impl From<store::Error> for Fault {
    fn from(error: store::Error) -> Self {
        Self::Stopped(error.into())
    }
}

/// Takes in one line; its length in bytes.
fn one(
    batch: &Batch<'_>,
    reader: &mut impl BufRead,
    number: u64,
    now_ms: i64,
    merged: &mut Merged,
) -> Result<u64, Fault> {
    let (line, bytes) = Line::read(reader)?;
    let Some(line) = line else { return Ok(bytes) };
    let entry = Entry::parse(&line).map_err(Fault::Bad)?;
    if number == 1 && !matches!(entry, Entry::Header { .. }) {
        return Err(Fault::Bad(r#"expected {"type":"prompt-manager-export",…} as the first line"#.to_owned()));
    }
    match entry {
        Entry::Header { version } if version > VERSION => {
            let problem = format!(
                "the export has version {version}, this program knows up to {VERSION}; install the newer version of Prompt Manager"
            );
            return Err(Fault::Bad(problem));
        }
        Entry::Header { .. } => {}
        Entry::Conversation { keys, session_id, remarks } => {
            merged.human += batch.add_remarks(&keys, session_id.as_deref(), &remarks, now_ms)?;
            if batch.is_awaited(&keys)? {
                merged.awaited += 1;
                merged.awaited_said += u64::from(!remarks.is_empty());
            }
        }
        Entry::UserSession { session, members } => {
            if let Some(session) = session {
                merged.human += u64::from(batch.add_user_session(&session)?);
            }
            for member in &members {
                merged.human += u64::from(batch.add_member(member, now_ms)?);
            }
        }
        Entry::Title(title) => merged.human += u64::from(batch.add_title(&title)?),
        Entry::SavedView(view) => merged.human += u64::from(batch.add_saved_view(&view)?),
        Entry::Unknown => merged.unknown += 1,
    }
    Ok(bytes)
}

/// What a line of an exported file is about.
#[derive(Debug)]
pub(crate) enum About {
    /// A conversation, by its keys.
    Conversation(Vec<store::Key>),
    /// What a session is called.
    Title(store::human::Title),
    /// Anything else, or nothing that can be read.
    Other,
}

/// What `line` is about.
pub(crate) fn about(line: &str) -> About {
    let read = || {
        let (line, _) = Line::read(&mut line.as_bytes()).ok()?;
        Entry::parse(&line?).ok()
    };
    match read() {
        Some(Entry::Conversation { keys, .. }) => About::Conversation(keys),
        Some(Entry::Title(title)) => About::Title(title),
        _ => About::Other,
    }
}

#[cfg(test)]
mod tests;
