//! The way into failed: first the note that says why, then the file, under one name that is free for both.
//!
//! The note is written and locked before the file is moved, so a file in failed always has its reason; a death between
//! the two leaves a note without a file, which the next attempt fills in anew. The lock keeps two ingesters with two files
//! of the same name from sharing a note.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::disk::move_new;
use crate::error::{At, Error};
use crate::intake::lock;
use crate::intake::places::{Places, alternative, rfc3339};
use crate::intake::reject::{Class, NOTE, Note, Reject};
use crate::step::{Step, Steps};

/// What the note says about the file itself.
pub(crate) struct Grave<'a> {
    pub(crate) name: &'a str,
    pub(crate) size: u64,
    pub(crate) attempts: u32,
}

/// Moves the file at `from` to failed, with a note.
///
/// # Errors
/// The operating system's; the file is where it was.
pub(crate) fn bury(
    places: &Places,
    from: &Path,
    grave: &Grave<'_>,
    reject: &Reject,
    now: SystemTime,
    steps: &Steps<'_>,
) -> Result<(), Error> {
    let note = Note {
        name: grave.name,
        class: reject.class,
        detail: &reject.detail,
        size: grave.size,
        attempts: grave.attempts,
        failed_at: rfc3339(now),
    };
    let mut text = serde_json::to_vec_pretty(&note).map_err(io::Error::from).at("write the note of", from)?;
    text.push(b'\n');
    let first = places.failed.join(grave.name);
    let mut n = 0;
    loop {
        n += 1;
        let to = alternative(&first, n);
        let note = note_of(&to);
        let Some(mut file) = reserve(&note, &to).at("write", &note)? else { continue };
        // Synced, for it is rare: after a power cut too, the file that follows is not without its reason.
        file.set_len(0).and_then(|()| file.write_all(&text)).and_then(|()| file.sync_data()).at("write", &note)?;
        steps.at(Step::Explained)?;
        let mut partial = to.clone().into_os_string();
        partial.push(".partial");
        match move_new(from, &to, Path::new(&partial)) {
            Ok(()) => {
                steps.at(Step::Failed)?;
                tracing::warn!(file = grave.name, class = ?reject.class, detail = reject.detail, "moved to failed");
                return Ok(());
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                // Somebody else took it, or the disk is ill: a note alone would puzzle its reader.
                let _ = std::fs::remove_file(&note);
                return if error.kind() == io::ErrorKind::NotFound {
                    Ok(())
                } else {
                    Err(error).at("move to failed", from)
                };
            }
        }
    }
}

/// Opens and locks the note if neither another ingester nor a file in failed has it.
fn reserve(note: &Path, file: &Path) -> io::Result<Option<File>> {
    let opened = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(note)?;
    if !lock::try_exclusive(&opened)? {
        return Ok(None);
    }
    let taken = file.symlink_metadata().is_ok() || !lock::is_at(&opened.metadata()?, note)?;
    Ok((!taken).then_some(opened))
}

fn note_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(NOTE);
    PathBuf::from(name)
}

/// What became of something that is no file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Oddity {
    /// It is in failed.
    Buried,
    /// It belongs to somebody else, or cannot be moved, and stays.
    Stays,
    /// It is gone, or a file by now.
    Gone,
}

/// Moves a symlink, FIFO, socket, device or directory with a queue file's name to failed. It is renamed, never opened or
/// followed.
///
/// # Errors
/// The operating system's.
pub(crate) fn bury_odd(places: &Places, name: &str, now: SystemTime, steps: &Steps<'_>) -> Result<Oddity, Error> {
    let from = places.incoming.join(name);
    let meta = match from.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Oddity::Gone),
        meta => meta.at("look at", &from)?,
    };
    if meta.uid() != rustix::process::geteuid().as_raw() {
        return Ok(Oddity::Stays);
    }
    let kind = meta.file_type();
    if kind.is_dir() && meta.mode() & 0o200 == 0 {
        return Ok(Oddity::Stays); // its `..` would have to be written
    }
    let what = match () {
        () if kind.is_file() => return Ok(Oddity::Gone),
        () if kind.is_symlink() => "a symlink",
        () if kind.is_dir() => "a directory",
        () if kind.is_fifo() => "a FIFO",
        () if kind.is_socket() => "a socket",
        () => "a device",
    };
    let grave = Grave { name, size: meta.len(), attempts: 0 };
    bury(places, &from, &grave, &Reject::new(Class::NotAFile, what), now, steps)?;
    Ok(Oddity::Buried)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step::go_on;
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    /// A folder that is closed, under a queue file's name, cannot be moved: each pass ended at it and took nothing in.
    #[test]
    fn a_closed_folder_ends_no_pass() {
        let home = tempfile::tempdir().unwrap();
        let data = queue::DataDir::new(home.path());
        data.create().unwrap();
        let name = "0000000000000000007-s-Stop.json";
        let folder = data.incoming().join(name);
        let mut hook = go_on;
        let mut bury = || bury_odd(&Places::new(&data, None), name, SystemTime::now(), &Steps::new(&mut hook)).unwrap();
        std::fs::create_dir(&folder).unwrap();
        std::fs::set_permissions(&folder, Permissions::from_mode(0o500)).unwrap();
        assert_eq!((bury(), folder.exists()), (Oddity::Stays, true));
        std::fs::set_permissions(&folder, Permissions::from_mode(0o700)).unwrap();
        assert_eq!((bury(), folder.exists()), (Oddity::Buried, false));
    }
}
