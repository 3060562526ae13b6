//! `/rate`: what was typed in a session becomes a rating of the prompt before it.
//!
//! The hook has answered the command and filed its payload under a type of its own; here it is applied, once, when it is sure
//! what came before it: when the session's transcript is read beyond that moment, or a minute later without one.

use std::ops::ControlFlow;
use std::time::{Duration, SystemTime};

use queue::QueueName;
use queue::rate::{Commands, FILED_AS, Request};
use store::write::{Asked, Event, Ground, Role, SettledRating, StoredFile, Writer};

use crate::clock;
use crate::correlate::event::{HookEvent, Signal};
use crate::transcripts::lines::Cutter;

/// A transcript that has said nothing for so long says nothing of the time before.
const PATIENCE: Duration = Duration::from_secs(60);

/// Two equal payloads within this time are one command.
const TWIN_MS: i64 = 2_000;

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
    if name.event.as_str() == FILED_AS { Request::of_payload(&event.payload, Commands::Both) } else { None }
}

/// Where hooks of ours differ in whether they answer, one command is told of twice: once answered, once as a plain prompt. What
/// any of them answered went no further, so the other is no prompt. `events` are in order of capture.
pub(crate) fn answer_for_doubles(events: &mut [HookEvent]) {
    for at in 0..events.len() {
        if !matches!(events[at].body, Signal::Rate) {
            continue;
        }
        let (payload, at_ms) = (events[at].payload, events[at].at_ms);
        let near = |event: &HookEvent| (event.at_ms - at_ms).abs() <= TWIN_MS;
        let from = events[..at].iter().rposition(|event| !near(event)).map_or(0, |before| before + 1);
        for event in events[from..].iter_mut().take_while(|event| near(event)) {
            if event.payload == payload && matches!(event.body, Signal::Submit { .. }) {
                event.body = Signal::Rate;
            }
        }
    }
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
        let rating = match request(&asked.event) {
            Some(Request::Rating(rating)) => Some(rating),
            Some(Request::Usage) | None => None, // it changes nothing
        };
        if !is_due(&ground, &asked, now_ms)? {
            waiting = Waiting::Yes;
        } else if rating.is_none() || ground.may_settle(&asked)? {
            due.push((asked, rating));
        }
    }
    drop(ground);
    if due.is_empty() {
        return Ok(waiting);
    }
    let batch = writer.batch()?;
    for (asked, rating) in due {
        let Some(rating) = rating else {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use queue::field;
    use serde_json::{Value, json};

    proptest! {
        /// The hook reads texts without a parser; it reads what a parser reads.
        #[test]
        fn a_field_is_what_a_parser_finds(prompt in "\\PC{0,40}|[\\x00-\\x20\"\\\\/u{}\\[\\],:]{0,20}", other in ".{0,20}", at in 0_usize..4) {
            let mut members = vec![
                (other.clone(), json!({"prompt": "inner", "x": [1, null, other.clone()]})),
                ("n".to_owned(), json!(-1.5e3)),
                ("z".to_owned(), json!(other)),
            ];
            members.insert(at.min(members.len()), ("prompt".to_owned(), json!(prompt)));
            let texts: Vec<_> = members.iter().map(|(key, value)| format!("{} : {value}", json!(key))).collect();
            let json = format!("{{{}}}", texts.join(" ,\n"));
            let parsed: Value = serde_json::from_str(&json).unwrap();
            for name in ["prompt", "z", "n", "missing"] {
                let found = field::text(json.as_bytes(), name);
                prop_assert_eq!(found.as_deref(), parsed[name].as_str(), "{}", name);
            }
        }

        /// Whatever comes, it ends, and never with a text out of something cut.
        #[test]
        fn cut_anywhere_there_is_no_field(prompt in "\\PC{0,12}", at in any::<prop::sample::Index>()) {
            let json = json!({"a": {"b": ["c"]}, "prompt": prompt}).to_string();
            let cut = at.index(json.len());
            prop_assert_eq!(field::text(&json.as_bytes()[..cut], "prompt"), None);
        }
    }
}
