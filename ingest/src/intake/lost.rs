//! Events that a hook could keep nowhere: it left a file under one name in both of its places, neither of them whole. Where the
//! disk had no room for these, it had none for the hook's line in hook-errors.log either, and what the hook could not say is
//! said for it, as soon as there is room.
//!
//! An empty file of such a pair then goes: all that it has is its name, and that is in the line. One with bytes in it stays, for
//! whoever wants to look, and goes the janitor's way.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use queue::QueueName;
use rustix::fs::OFlags;

use crate::error::{At, Error};
use crate::intake::janitor;
use crate::intake::lock::{self, Locked, Outcome};
use crate::intake::places::{Places, rfc3339};

/// Tells of each once. A log that cannot be written yet leaves them for the next time.
///
/// # Errors
/// Those that are not about one file alone.
pub(crate) fn tell(places: &Places, now: SystemTime) -> Result<(), Error> {
    let Some(spill) = &places.spill else { return Ok(()) };
    let entries = match fs::read_dir(&spill.tmp) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.at("read", &spill.tmp)?,
    };
    for entry in entries {
        let file_name = entry.at("read", &spill.tmp)?.file_name();
        let Some(name) = file_name.to_str().and_then(|name| name.parse::<QueueName>().ok()) else { continue };
        let [first, second] = [&places.tmp, &spill.tmp].map(|tmp| tmp.join(&file_name));
        let (in_first, in_second) = match (unfinished(&first), unfinished(&second)) {
            (Ok(Some(in_first)), Ok(Some(in_second))) => (in_first, in_second),
            (Ok(_), Ok(_)) => continue,
            // The janitor meets it next, and tells of it.
            (Err(error), _) | (_, Err(error)) if error.is_of_one_file() => continue,
            (Err(error), _) | (_, Err(error)) => return Err(error),
        };
        if let Err(error) = note(&places.hook_errors, name, &first, now) {
            tracing::warn!("a hook lost an event: failed to write {}: {error}", places.hook_errors.display());
            continue;
        }
        for (path, found) in [(first, in_first), (second, in_second)] {
            if found.meta.len() == 0 {
                fs::remove_file(&path).at("remove", &path)?;
            }
        }
    }
    Ok(())
}

/// The file, if no hook has it and it is not whole.
fn unfinished(path: &Path) -> Result<Option<Locked>, Error> {
    let Outcome::Locked(found) = lock::lock(path).at("open", path)? else { return Ok(None) };
    let is_whole = janitor::read(&found.file).at("read", path)?.is_complete();
    Ok(Some(found).filter(|_| !is_whole))
}

/// As the hook does it, if it did not: its line would name the file.
fn note(log: &Path, name: QueueName, path: &Path, now: SystemTime) -> io::Result<()> {
    let there = match queue::plain::read(log) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        there => there?,
    };
    if String::from_utf8_lossy(&there).contains(&name.to_string()) {
        return Ok(());
    }
    // The line before may have been cut, when there was no room for all of it.
    let end = if there.last().is_none_or(|last| *last == b'\n') { "" } else { "\n" };
    let captured = rfc3339(UNIX_EPOCH + Duration::from_nanos(name.captured_ns));
    let line = format!(
        "{end}{} {} lost: write {path:?} at {captured}: all of it is neither there nor in the second place, and its hook could not say so\n",
        rfc3339(now),
        name.event.as_str(),
    );
    let nofollow = OFlags::NOFOLLOW.bits().cast_signed();
    let mut log = File::options().append(true).create(true).mode(0o600).custom_flags(nofollow).open(log)?;
    log.write_all(line.as_bytes())
}
