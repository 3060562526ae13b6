//! Events on their way into the store: collected into transactions of bounded size.

use queue::QueueName;
use store::write::{NewEvent, Stored};

use super::Run;
use crate::clock;
use crate::error::Error;
use crate::intake::parse::Facts;

/// Events of one transaction.
const BATCH: usize = 1024;

/// A payload under its name.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) name: QueueName,
    pub(super) payload: Vec<u8>,
    pub(super) facts: Facts,
}

/// Those that are read and not stored yet.
#[derive(Debug, Default)]
pub(super) struct Events {
    waiting: Vec<Event>,
    bytes: u64,
}

impl Events {
    /// Stores it with the others, unless it is `known`.
    pub(super) fn push(&mut self, run: &mut Run<'_>, event: Event, known: bool) -> Result<(), Error> {
        if known {
            run.summary.events.known += 1;
            return Ok(());
        }
        self.bytes += event.payload.len() as u64;
        self.waiting.push(event);
        if self.waiting.len() >= BATCH || self.bytes >= settings::BATCH_BYTES { self.flush(run) } else { Ok(()) }
    }

    /// One transaction.
    pub(super) fn flush(&mut self, run: &mut Run<'_>) -> Result<(), Error> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let stored_ms = clock::millis(std::time::SystemTime::now());
        let batch = run.writer.batch()?;
        let (mut new, mut known, mut forgotten, mut bytes) = (0, 0, 0, 0);
        for event in self.waiting.drain(..) {
            let stored = batch.add_event(&NewEvent {
                name: &event.name.to_string(),
                captured_ns: event.name.captured_ns,
                event: &event.facts.event,
                session_id: &event.facts.session_id,
                prompt_id: event.facts.prompt_id.as_deref(),
                payload: &event.payload,
                stored_ms,
            })?;
            match stored {
                Stored::New(_) => {
                    new += 1;
                    bytes += event.payload.len() as u64;
                }
                Stored::Replay(_) => known += 1,
                Stored::Forgotten => forgotten += 1,
            }
        }
        batch.commit()?;
        self.bytes = 0;
        run.summary.events.new += new;
        run.summary.events.known += known;
        run.summary.forgotten += forgotten;
        run.summary.bytes += bytes;
        Ok(())
    }
}
