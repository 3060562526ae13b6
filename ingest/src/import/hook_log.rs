//! Hook logs from elsewhere: JSON arrays or JSON Lines of hook payloads, which have no queue name and often no time.
//!
//! Each entry becomes an event of its own bytes, under a name that is made from it:
//! - Its time is its own (`logged_at`, `timestamp`, …; a time without a zone counts as UTC, so that the name is the same
//!   on every machine). Entries without one stand [`STEP`] apart, the last at the log's modification time.
//! - Its type in the name is [`LOGGED`]: it tells correlation that the hook may have captured the same, at another time.
//! - The same bytes a second time in a log are a second event. The first, second, … occurrence in the log is the first,
//!   second, … in the store: so the same log gives nothing new, also after it has grown, and neither does a log of payloads
//!   that our own hook captured too, however they are written there.
//! - The order of the log holds.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use queue::{QueueName, Token};
use serde_json::value::RawValue;

use super::events::{Event, Events};
use super::{Run, Stop};
use crate::correlate::event::LOGGED;
use crate::error::Error;
use crate::intake::parse;
use store::json::{self, Object};

/// Between two entries without a time: two equal payloads within two seconds would count as one prompt (correlation.md 19).
const STEP: u64 = 3_000_000_000;
/// Between an entry without a time and the timed one before it.
const NEXT: u64 = 1_000;

/// Fields in which loggers note when they were called.
const TIMES: [&str; 7] = ["logged_at", "timestamp", "captured_at", "received_at", "recorded_at", "time", "ts"];

/// An entry of a log.
struct Entry<'a> {
    json: &'a str,
    session: Token,
    at_ns: Option<u64>,
}

/// Takes in a log.
pub(super) fn take(run: &mut Run<'_>, events: &mut Events, log: &Path) -> Result<Stop, Error> {
    let meta = match fs::metadata(log) {
        Ok(meta) if meta.len() > run.max_event => {
            let reason = format!("has {} bytes, more than --max-event allows ({})", meta.len(), run.max_event);
            run.summary.fail(log, reason);
            return Ok(Stop::No);
        }
        Ok(meta) => meta,
        Err(error) => {
            run.summary.unread(log, &error);
            return Ok(Stop::No);
        }
    };
    let bytes = match fs::read(log) {
        Ok(bytes) => bytes,
        Err(error) => {
            run.summary.unread(log, &error);
            return Ok(Stop::No);
        }
    };
    let Ok(text) = String::from_utf8(bytes) else {
        run.summary.fail(log, "is not UTF-8".to_owned());
        return Ok(Stop::No);
    };
    let (values, broken) = values(&text);
    for line in broken {
        run.summary.fail(log, format!("cannot be read from line {line} on"));
    }
    let folder = log.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
    let mut entries = Vec::new();
    for (number, value) in (1..).zip(values) {
        match entry(value, &folder) {
            Some(entry) => entries.push(entry),
            None => run.summary.fail(log, format!("entry {number} names no hook_event_name: no hook payload")),
        }
    }
    events.flush(run)?; // what another log brought counts below
    let stored = stored(run, &entries)?;
    let modified = u64::try_from(meta.mtime()).unwrap_or(0).saturating_mul(1_000_000_000)
        + u64::try_from(meta.mtime_nsec()).unwrap_or(0);
    let logged = Token::new(LOGGED.as_bytes()).unwrap_or(Token::UNKNOWN);
    let own: Vec<_> = entries.iter().map(|entry| entry.at_ns).collect();
    let times = times(&own, &stored, modified);
    for ((entry, at), stored) in entries.iter().zip(times).zip(&stored) {
        let name = QueueName { captured_ns: at.min(QueueName::MAX_NS), session: entry.session, event: logged };
        if run.ignores(entry.json.as_bytes(), &name, log)? {
            continue;
        }
        match parse::parse(entry.json.as_bytes(), &name) {
            Ok(facts) => {
                let event = Event { name, payload: entry.json.as_bytes().to_owned(), facts };
                events.push(run, event, stored.is_some())?;
            }
            Err(reject) => run.summary.fail(log, reject.to_string()),
        }
    }
    run.progress.add(1, meta.len());
    Ok(if run.stopped() { Stop::Yes } else { Stop::No })
}

/// The time under which each entry is stored already.
fn stored(run: &Run<'_>, entries: &[Entry<'_>]) -> Result<Vec<Option<u64>>, Error> {
    let mut sessions: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (number, entry) in entries.iter().enumerate() {
        sessions.entry(entry.session.as_str()).or_default().push(number);
    }
    let mut found = vec![None; entries.len()];
    for (session, numbers) in sessions {
        let payloads: Vec<_> =
            numbers.iter().map(|number| (entries[*number].json.as_bytes(), entries[*number].at_ns)).collect();
        for (number, at) in numbers.iter().zip(run.writer.captures(session, &payloads, &TIMES)?) {
            found[*number] = at;
        }
    }
    Ok(found)
}

/// When each entry was captured: by its own time, else where it is stored already, else between its neighbours.
fn times(own: &[Option<u64>], stored: &[Option<u64>], modified: u64) -> Vec<u64> {
    let fixed: Vec<Option<u64>> = own.iter().zip(stored).map(|(own, stored)| own.or(*stored)).collect();
    let first = fixed.iter().position(Option::is_some);
    let last = fixed.iter().rposition(Option::is_some);
    let mut times: Vec<u64> = Vec::with_capacity(fixed.len());
    for (index, at) in fixed.iter().enumerate() {
        let back = |from: u64, steps: usize| from.saturating_sub(STEP.saturating_mul(steps as u64));
        let at = at.unwrap_or_else(|| match (first, last) {
            (Some(first), _) if index < first => back(fixed[first].unwrap_or(modified), first - index),
            (_, Some(last)) if index < last => times[index - 1] + NEXT,
            _ => {
                let earliest = times.last().map_or(0, |before| before.saturating_add(STEP));
                back(modified, fixed.len() - 1 - index).max(earliest)
            }
        });
        times.push(at);
    }
    times
}

/// The values of a log, and the lines from which on something cannot be read.
fn values(text: &str) -> (Vec<&RawValue>, Vec<usize>) {
    let skipped = |c: char| c.is_whitespace() || matches!(c, '[' | ']' | ',' | '\0' | '\u{feff}');
    let is_array = text.trim_start_matches('\u{feff}').trim_start().starts_with('[');
    let (mut found, mut broken, mut at) = (Vec::new(), Vec::new(), 0);
    while let Some(skip) = text[at..].find(|c| !skipped(c)) {
        at += skip;
        let mut values = serde_json::Deserializer::from_str(&text[at..]).into_iter::<&RawValue>();
        match values.next() {
            Some(Ok(value)) => {
                found.push(value);
                at += value.get().len();
            }
            _ => {
                broken.push(text[..at].matches('\n').count() + 1);
                match text[at..].find('\n') {
                    Some(next) if !is_array => at += next,
                    _ => break,
                }
            }
        }
    }
    (found, broken)
}

fn entry<'a>(value: &'a RawValue, folder: &str) -> Option<Entry<'a>> {
    let object = Object::parse(value.get())?;
    object.text("hook_event_name").filter(|event| Token::new(event.as_bytes()).is_some())?;
    let session = object.text("session_id").and_then(|id| Token::new(id.as_bytes()));
    let session = session.or_else(|| Token::new(folder.as_bytes()).filter(|id| id.as_str().len() == 36));
    Some(Entry { json: value.get(), session: session.unwrap_or(Token::UNKNOWN), at_ns: at(&object) })
}

fn at(object: &Object<'_>) -> Option<u64> {
    TIMES.iter().find_map(|name| {
        let value = object.get(name)?;
        let nanoseconds = match json::text(value) {
            Some(text) => written(text.trim())?,
            None => counted(value.get().parse().ok()?)?,
        };
        // Between 2001 and 2100: anything else is no time of a hook.
        (1_000_000_000_000_000_000..4_102_444_800_000_000_000).contains(&nanoseconds).then_some(nanoseconds)
    })
}

fn written(text: &str) -> Option<u64> {
    let zoned = chrono::DateTime::parse_from_rfc3339(text).ok().and_then(|time| time.timestamp_nanos_opt());
    let plain = || {
        let formats = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"];
        let time = formats.iter().find_map(|format| chrono::NaiveDateTime::parse_from_str(text, format).ok())?;
        time.and_utc().timestamp_nanos_opt()
    };
    zoned.or_else(plain).and_then(|time| u64::try_from(time).ok())
}

/// Seconds, milliseconds, microseconds or nanoseconds, by their size.
fn counted(number: f64) -> Option<u64> {
    let unit = match number {
        n if n < 1e8 => return None,
        n if n < 1e11 => 1e9,
        n if n < 1e14 => 1e6,
        n if n < 1e17 => 1e3,
        _ => 1.0,
    };
    // Milliseconds are what a double keeps exactly; more than that no logger means.
    Some(((number * unit / 1e6).round() as u64).saturating_mul(1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    fn check_times(own: &[Option<u64>], stored: &[Option<u64>], expected: &[u64]) {
        assert_eq!(times(own, stored, 1000 * S), expected, "{own:?} {stored:?}");
    }

    #[test]
    fn the_order_of_a_log_holds() {
        let none = [None, None, None];
        check_times(&[], &[], &[]);
        check_times(&none, &none, &[994 * S, 997 * S, 1000 * S]);
        check_times(&[None, Some(50 * S), None], &none, &[47 * S, 50 * S, 1000 * S]);
        check_times(&[Some(50 * S), None, Some(60 * S)], &none, &[50 * S, 50 * S + NEXT, 60 * S]);
        // It has grown since: what is stored stays, what is new comes behind.
        check_times(&none, &[Some(80 * S), Some(83 * S), None], &[80 * S, 83 * S, 1000 * S]);
        check_times(&none, &[Some(996 * S), Some(999 * S), None], &[996 * S, 999 * S, 1002 * S]);
    }

    #[test]
    fn times_as_loggers_write_them() {
        let check = |json: &str, expected: Option<u64>| {
            assert_eq!(at(&Object::parse(json).unwrap()), expected, "{json}");
        };
        let at = 1_781_917_259_691_000_000;
        check(r#"{"logged_at":"2026-06-20T01:00:59.691"}"#, Some(at));
        check(r#"{"logged_at":"2026-06-20 01:00:59.691"}"#, Some(at));
        check(r#"{"timestamp":"2026-06-20T03:00:59.691+02:00"}"#, Some(at));
        check(r#"{"timestamp":"2026-06-20T01:00:59.691Z"}"#, Some(at));
        check(r#"{"ts":1781917259.691}"#, Some(at));
        check(r#"{"ts":1781917259691}"#, Some(at));
        check(r#"{"ts":12}"#, None);
        check(r#"{"timestamp":"yesterday"}"#, None);
        check("{}", None);
    }

    #[test]
    fn values_of_every_form() {
        let check = |text: &str, expected: &[&str], broken: &[usize]| {
            let (found, at) = values(text);
            let found: Vec<_> = found.iter().map(|value| value.get()).collect();
            assert_eq!((found.as_slice(), at.as_slice()), (expected, broken), "{text}");
        };
        check("", &[], &[]);
        check("[]", &[], &[]);
        check("[\n {\"a\":1},\n {\"a\":[2]}\n]\n", &["{\"a\":1}", "{\"a\":[2]}"], &[]);
        check("{\"a\":1}\n{\"a\":2}\n", &["{\"a\":1}", "{\"a\":2}"], &[]);
        check("{\"a\":1}{\"a\":2}", &["{\"a\":1}", "{\"a\":2}"], &[]);
        check("{\"a\":1}\n{\"a\n{\"a\":3}\n", &["{\"a\":1}", "{\"a\":3}"], &[2]);
        check("[\n{\"a\":1},\n{\"a\":\n", &["{\"a\":1}"], &[3]);
    }
}
