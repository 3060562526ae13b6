//! What hooks put into the spill place while the queue could not be written, moved into the queue.
//!
//! On the queue's disk that is a rename. From another disk the file is copied into tmp, made durable, renamed into
//! incoming, and only then is the original removed. A death on the way leaves both, under one name and with the same bytes,
//! so the second is stored as a replay. That is also why a name that is taken in incoming by other bytes is waited for and
//! never changed: under another name the copy would be another event.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use queue::QueueName;
use queue::place::rename_new;
use rustix::fs::OFlags;

use crate::disk::sync_dir;
use crate::error::{At, Error};
use crate::intake::janitor::Again;
use crate::intake::lock::{self, Locked, Outcome};
use crate::intake::places::{Places, Spill};
use crate::report::PassReport;
use crate::step::{Step, Steps};

/// Ends the name of a copy that is not complete yet.
pub(crate) const COPY: &str = ".copy";

/// Moves everything from the spill place into incoming.
///
/// # Errors
/// Those that are not about one file alone.
pub(crate) fn drain(
    places: &Places,
    spill: &Spill,
    steps: &Steps<'_>,
    report: &mut PassReport,
) -> Result<Again, Error> {
    let mut again = Again::No;
    for entry in fs::read_dir(&spill.incoming).at("read", &spill.incoming)? {
        let entry = entry.at("read", &spill.incoming)?;
        let (from, name) = (entry.path(), entry.file_name());
        let name = name.to_str().filter(|name| name.parse::<QueueName>().is_ok());
        let Some(name) = name.filter(|_| entry.file_type().is_ok_and(|kind| kind.is_file())) else {
            report.left_alone += 1;
            continue;
        };
        match drain_one(places, &from, name, steps) {
            Ok(Moved::Now) => {
                steps.at(Step::Drained)?;
                report.drained += 1;
            }
            Ok(Moved::Later) => {
                report.busy += 1;
                again = Again::Yes;
            }
            Ok(Moved::Gone) => {}
            Ok(Moved::Odd) => report.left_alone += 1,
            Err(error) => {
                report.leave(error)?;
                again = Again::Yes;
            }
        }
    }
    Ok(again)
}

/// What became of a file.
enum Moved {
    /// It is in incoming.
    Now,
    /// Somebody has it, or its name is taken there for a while.
    Later,
    /// Somebody else had it.
    Gone,
    /// Not ours to touch.
    Odd,
}

fn drain_one(places: &Places, from: &Path, name: &str, steps: &Steps<'_>) -> Result<Moved, Error> {
    let locked = match lock::lock(from).at("open", from)? {
        Outcome::Locked(locked) => locked,
        Outcome::Busy => return Ok(Moved::Later),
        Outcome::Gone => return Ok(Moved::Gone),
        // Also after a move that died in its middle, which goes on under the other name.
        Outcome::Linked(_) | Outcome::Odd(_) => return Ok(Moved::Odd),
    };
    match rename_new(from, &places.incoming.join(name)) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => copy(places, from, name, &locked, steps),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Moved::Later),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !from.exists() => Ok(Moved::Gone),
        result => result.map(|()| Moved::Now).at("move to incoming", from),
    }
}

fn copy(places: &Places, from: &Path, name: &str, locked: &Locked, steps: &Steps<'_>) -> Result<Moved, Error> {
    let to = &places.incoming.join(name);
    let (tmp, copy) = new_in_tmp(places, name)?;
    let copied = fill(&copy, locked).at("copy", from).and_then(|()| {
        steps.at(Step::Copied)?;
        rename_new(&tmp, to).at("move to incoming", &tmp)?;
        sync_dir(&places.incoming)
    });
    match copied {
        Ok(()) => {}
        Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::AlreadyExists => {
            fs::remove_file(&tmp).at("remove", &tmp)?;
            return Ok(Moved::Later);
        }
        Err(error) => {
            if !matches!(error, Error::Stopped(_)) {
                let _ = fs::remove_file(&tmp); // a copy of what is still in the spill place
            }
            return Err(error);
        }
    }
    steps.at(Step::Placed)?;
    fs::remove_file(from).at("remove", from)?;
    Ok(Moved::Now)
}

/// The lock on the original keeps everybody else from this name, so what lies under it was left by a death and is
/// overwritten. The name is not a queue file's, which keeps the copy from being adopted under another name.
fn new_in_tmp(places: &Places, name: &str) -> Result<(PathBuf, File), Error> {
    let path = places.tmp.join(format!("{name}{COPY}"));
    let nofollow = OFlags::NOFOLLOW.bits().cast_signed();
    let mut options = File::options();
    let file = options.write(true).create(true).truncate(true).mode(0o600).custom_flags(nofollow).open(&path);
    Ok((path.clone(), file.at("create", &path)?))
}

fn fill(mut copy: &File, locked: &Locked) -> io::Result<()> {
    io::copy(&mut (&locked.file).take(locked.meta.len()), &mut copy)?;
    copy.sync_all()
}
