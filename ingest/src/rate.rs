//! `/rate`: what was typed in a session becomes a rating of the prompt before it.
//!
//! The hook has answered the command and filed its payload under a type of its own; here it is applied, once, when it is sure
//! what came before it: when the session's transcript is read beyond that moment, or a minute later without one.

use std::ops::ControlFlow;
use std::time::{Duration, SystemTime};

use queue::QueueName;
use queue::rate::{FILED_AS, Request};
use store::write::{Asked, Event, Ground, Role, SettledRating, StoredFile, Writer};

use crate::clock;
use crate::transcripts::lines::Cutter;

/// A transcript that has said nothing for so long says nothing of the time before.
const PATIENCE: Duration = Duration::from_secs(60);

/// The end of a transcript that is looked at. Even a longer last line only means that patience decides.
const TAIL: u64 = 256 * 1024;

/// Whether there is something to come back for, soon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// A transcript is waited for.
    Yes,
    /// Nothing waits, or only for a conversation that may never come.
    No,
}

/// The command that an event is, if the hook answered it.
pub(crate) fn request(event: &Event) -> Option<Request> {
    let name: QueueName = event.name.parse().ok()?;
    if name.event.as_str() == FILED_AS { Request::of_payload(&event.payload) } else { None }
}

/// Applies what can be applied now. Sessions must have been derived.
///
/// # Errors
/// The store's.
pub(crate) fn apply(writer: &mut Writer, now: SystemTime) -> Result<Waiting, store::Error> {
    let now_ms = clock::millis(now);
    let (mut waiting, mut due) = (Waiting::No, Vec::new());
    let ground = writer.ground()?;
    for asked in ground.asked_ratings()? {
        if is_due(&ground, &asked, now_ms)? {
            due.push(asked);
        } else {
            waiting = Waiting::Yes;
        }
    }
    drop(ground);
    if due.is_empty() {
        return Ok(waiting);
    }
    let batch = writer.batch()?;
    for asked in due {
        let Some(Request::Rating(rating)) = request(&asked.event) else {
            batch.pass_over_rating(&asked, now_ms)?;
            continue;
        };
        match batch.say_rating(&asked, &rating, now_ms)? {
            SettledRating::Said(id) => tracing::info!(conversation = id.0, "rated from within its session"),
            SettledRating::Known => tracing::debug!("a rating from within a session was said before"),
            SettledRating::Nothing => tracing::debug!("a rating from within a session has no conversation before it"),
        }
    }
    batch.commit()?;
    Ok(waiting)
}

fn is_due(ground: &Ground<'_>, asked: &Asked, now_ms: i64) -> Result<bool, store::Error> {
    if ground.token(&asked.session_id)?.is_some() {
        return Ok(false);
    }
    // A clock that was set back says nothing of how long it has waited.
    let waited_ms = now_ms.saturating_sub(asked.at_ms()).abs();
    if waited_ms >= PATIENCE.as_millis() as i64 {
        return Ok(true);
    }
    for file in ground.files(&asked.session_id)? {
        if file.role == Role::Main && !file.superseded && is_read_beyond(ground, &file, asked.at_ms())? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether the end of the file has a line from after `at_ms`.
fn is_read_beyond(ground: &Ground<'_>, file: &StoredFile, at_ms: i64) -> Result<bool, store::Error> {
    let from = file.size.saturating_sub(TAIL);
    let mut cutter = Cutter::new(file.id, from);
    ground.bytes(file.id, from, |chunk| {
        cutter.feed(chunk);
        ControlFlow::Continue(())
    })?;
    Ok(cutter.finish().lines.iter().any(|line| line.at_ms.is_some_and(|line_ms| line_ms > at_ms)))
}
