//! Takes in again what the archive holds: the queue files as they were taken in, by the same keys, so what is there already
//! stays as it is.
//!
//! A day that cannot be read holds up no other: it is told and left as it is.

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use queue::QueueName;
use serde::Serialize;
use store::write::{NewEvent, Stored, Writer};

use super::{ENDED, Show};
use crate::archive::{self, Archived};
use crate::clock;
use crate::error::Error;
use crate::intake::parse::{self, Facts};
use crate::report::count;

/// Events of one transaction.
const BATCH: usize = 1024;

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Replayed {
    /// Events that were not there.
    pub(crate) new: u64,
    /// Events that were.
    pub(crate) known: u64,
    /// Events that were forgotten on request, and stay out.
    pub(crate) forgotten: u64,
    /// Files and days that cannot be read, and why.
    pub(crate) unread: Vec<String>,
}

impl fmt::Display for Replayed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} taken in from the archive", count(self.new, "hook event"))?;
        if !self.unread.is_empty() {
            write!(f, ", {} could not be read (first: {})", self.unread.len(), self.unread[0])?;
        }
        Ok(())
    }
}

/// Takes in all of `archive`.
///
/// # Errors
/// The store's; [`Error::Ended`] if `stop` ended it.
pub(crate) fn replay(writer: &mut Writer, archive: &Path, stop: &AtomicBool, show: &Show) -> Result<Replayed, Error> {
    let mut run = Run { writer, waiting: Vec::new(), bytes: 0, done: Replayed::default(), stop, show };
    for (date, day) in archive::days(archive)? {
        for pack in &day.packs {
            let read = archive::each_packed(pack, &mut |one| run.take(one));
            run.bear(read, &date.to_string())?;
        }
        if let Some(folder) = &day.folder {
            let read = archive::files(folder).try_for_each(|path| {
                let path = path?;
                match archive::read(&path)? {
                    Some(bytes) => run.take(Archived { place: &path, file: &archive::name_of(&path), bytes }),
                    None => Ok(()),
                }
            });
            run.bear(read, &date.to_string())?;
        }
    }
    run.flush()?;
    Ok(run.done)
}

struct Run<'a> {
    writer: &'a mut Writer,
    waiting: Vec<(QueueName, Vec<u8>, Facts)>,
    bytes: u64,
    done: Replayed,
    stop: &'a AtomicBool,
    show: &'a Show,
}

impl Run<'_> {
    fn take(&mut self, one: Archived<'_>) -> Result<(), Error> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(ENDED);
        }
        let Some(name) = one.queue_name() else { return Ok(()) }; // nobody's business here
        let facts = match parse::parse(&one.bytes, &name) {
            Ok(facts) => facts,
            Err(reject) => {
                self.done.unread.push(format!("{}: {reject}", one.file));
                return Ok(());
            }
        };
        if self.writer.has_event_of_any_origin(&name.to_string(), &one.bytes)? {
            self.done.known += 1;
            return Ok(());
        }
        if self.writer.is_forgotten(&name.to_string(), &one.bytes)? {
            self.done.forgotten += 1;
            return Ok(());
        }
        self.bytes += one.bytes.len() as u64;
        self.waiting.push((name, one.bytes, facts));
        if self.waiting.len() >= BATCH || self.bytes >= settings::BATCH_BYTES { self.flush() } else { Ok(()) }
    }

    /// What is about the archive is told and goes on; what is about the store or about us does not.
    fn bear(&mut self, read: Result<(), Error>, day: &str) -> Result<(), Error> {
        match read {
            Err(error @ Error::Io { .. }) => {
                self.done.unread.push(format!("{day}: {error}"));
                Ok(())
            }
            read => read,
        }
    }

    /// One transaction.
    fn flush(&mut self) -> Result<(), Error> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let stored_ms = clock::millis(SystemTime::now());
        let batch = self.writer.batch()?;
        for (name, payload, facts) in self.waiting.drain(..) {
            let stored = batch.add_event(&NewEvent {
                name: &name.to_string(),
                captured_ns: name.captured_ns,
                event: &facts.event,
                session_id: &facts.session_id,
                prompt_id: facts.prompt_id.as_deref(),
                payload: &payload,
                stored_ms,
            })?;
            match stored {
                Stored::New(_) => self.done.new += 1,
                Stored::Replay(_) => self.done.known += 1,
                Stored::Forgotten => self.done.forgotten += 1,
            }
        }
        batch.commit()?;
        self.bytes = 0;
        self.show.say(&format!("{} taken in from the archive", count(self.done.new, "hook event")));
        Ok(())
    }
}
