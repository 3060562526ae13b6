//! Queue files from elsewhere: read where they lie, never moved. What our own queue would send to failed is told instead.

use std::fs;
use std::path::{Path, PathBuf};

use queue::QueueName;

use super::events::{Event, Events};
use super::{Run, Stop};
use crate::error::Error;
use crate::intake::parse;

/// The name of a queue file, also while it was being processed (`.a2`), and where its name was taken (`.1`).
pub(super) fn queue_name(file: &str) -> Option<QueueName> {
    let number = |end: &str| !end.is_empty() && end.bytes().all(|byte| byte.is_ascii_digit());
    let name = match file.rsplit_once('.') {
        Some((name, end)) if number(end.strip_prefix('a').unwrap_or(end)) => name,
        _ => file,
    };
    name.parse().ok().filter(|_| !file.ends_with(".reason.json"))
}

/// Takes in the files of one name; they may differ.
pub(super) fn take(run: &mut Run<'_>, events: &mut Events, name: &str, files: &[PathBuf]) -> Result<Stop, Error> {
    for file in files {
        match read(file, name, run.max_event) {
            Ok(Some(event)) => {
                let bytes = event.payload.len() as u64;
                if run.ignores(&event.payload, &event.name, file)? {
                    run.progress.add(1, bytes);
                    continue;
                }
                let known = run.writer.has_event_of_any_origin(name, &event.payload)?;
                events.push(run, event, known)?;
                run.progress.add(1, bytes);
            }
            Ok(None) => {} // moved on meanwhile: it belongs to an ingester
            Err(reason) => {
                run.summary.fail(file, reason);
                run.progress.add(1, 0);
            }
        }
        if run.stopped() {
            return Ok(Stop::Yes);
        }
    }
    Ok(Stop::No)
}

fn read(file: &Path, name: &str, max_event: u64) -> Result<Option<Event>, String> {
    let parts: QueueName = name.parse().map_err(|_| "its name is none of ours".to_owned())?;
    let size = match fs::metadata(file) {
        Ok(meta) => meta.len(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("cannot be read: {error}")),
    };
    if size > max_event {
        return Err(format!("has {size} bytes, more than --max-event allows ({max_event})"));
    }
    let payload = match fs::read(file) {
        Ok(payload) => payload,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("cannot be read: {error}")),
    };
    let facts = parse::parse(&payload, &parts).map_err(|reject| reject.to_string())?;
    Ok(Some(Event { name: parts, payload, facts }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_all_ages() {
        let name = "1795350951598014047-s-Stop.json";
        let check = |file: &str, expected: bool| {
            assert_eq!(queue_name(file).map(|name| name.to_string()), expected.then(|| name.to_owned()), "{file}");
        };
        check(name, true);
        check(&format!("{name}.a1"), true);
        check(&format!("{name}.2"), true);
        check(&format!("{name}.reason.json"), false);
        check(&format!("{name}.tmp"), false);
        check("settings.json", false);
    }
}
