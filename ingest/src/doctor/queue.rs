//! The queue's law: each file is in one place, with what belongs beside it, and nothing else lies around.

use std::collections::BTreeMap;
use std::fs::{self, DirEntry, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use queue::QueueName;
use status::failed::{Failures, NOTE};
use store::read::inspect::{HeldAs, Inspector};

use super::code::Code;
use super::round::{Mend, Round};
use crate::archive;
use crate::error::{At, Error};
use crate::intake::places::split_attempt;
use crate::intake::spill;

/// The janitor takes a dead hook's file after a day and a half.
const TMP_PATIENCE: Duration = Duration::from_secs(37 * 3600);
/// A pass drains the spill place.
const SPILL_PATIENCE: Duration = Duration::from_secs(3600);
/// What is younger may be on its way.
const SETTLED: Duration = Duration::from_secs(60);

/// The folders that must be there.
pub(super) fn folders(round: &mut Round<'_>) -> Result<(), Error> {
    let home = &round.settings.home;
    if !home.queue().exists() && !home.database_dir().exists() {
        return Ok(()); // nobody has been here yet
    }
    // Between these a file moves by its name alone; what goes to the others is copied, if they lie on another disk.
    let renamed = [home.tmp(), home.incoming(), home.processing()];
    for path in home.folders() {
        let meta = if renamed.contains(&path) { path.symlink_metadata() } else { path.metadata() };
        match meta {
            Ok(meta) if meta.is_dir() => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound && !path.is_symlink() => {
                round.found(Code::FolderMissing, round.place(&path));
                round.mend(Code::FolderMissing, Mend::Folder(path));
            }
            // No backup is made then, which `status` tells.
            _ if path == home.backups() && home.backups_away().is_some() => {}
            Ok(_) => round.found(Code::QueueStrange, format!("{} is no folder", round.place(&path))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let detail = match queue::layout::away(&path) {
                    Some(target) => format!("a link to {}, and there is no such folder", target.display()),
                    None => "a link to nothing".to_owned(),
                };
                round.found(Code::QueueStrange, format!("{} is {detail}", round.place(&path)));
            }
            Err(error) => return Err(error).at("look at", &path),
        }
    }
    Ok(())
}

/// The folders that hooks write to, and from which the ingester takes.
pub(super) fn waiting(round: &mut Round<'_>, store: Option<&Inspector>) -> Result<(), Error> {
    let home = round.settings.home.clone();
    for entry in entries(&home.incoming())? {
        let entry = entry?;
        let (path, name) = (entry.path(), name(&entry));
        if let Some(meta) = ours(round, &path, &name, name.parse::<QueueName>().is_ok()) {
            round.checked.waiting += 1;
            one_place(round, store, &path, &name, &meta)?;
        }
    }
    for entry in entries(&home.processing())? {
        let entry = entry?;
        let (path, name) = (entry.path(), name(&entry));
        let queue_name = split_attempt(&name).map(|(name, _)| name.to_owned());
        let is_ours = queue_name.as_ref().is_some_and(|name| name.parse::<QueueName>().is_ok());
        if let Some(meta) = ours(round, &path, &name, is_ours) {
            round.checked.waiting += 1;
            // One that is locked is being worked on: its row may be committed and its move come next.
            if !is_held(&path) {
                one_place(round, store, &path, queue_name.as_deref().unwrap_or(&name), &meta)?;
            }
        }
    }
    unfinished(round, &home.tmp())?;
    let spill = round.settings.spill.clone().filter(|spill| spill.is_dir());
    if let Some(spill) = &spill {
        spilled(round, spill)?;
    }
    twice(round, spill.as_deref())
}

/// What hooks have not finished.
fn unfinished(round: &mut Round<'_>, tmp: &Path) -> Result<(), Error> {
    for entry in entries(tmp)? {
        let entry = entry?;
        let (path, name) = (entry.path(), name(&entry));
        let is_ours = name.parse::<QueueName>().is_ok() || name.ends_with(spill::COPY);
        if ours(round, &path, &name, is_ours).is_some() && round.age(&path) > TMP_PATIENCE {
            round.found(Code::TmpStale, round.place(&path));
        }
    }
    Ok(())
}

/// The place that hooks write to while the queue cannot be written: the same two folders, and nothing else.
fn spilled(round: &mut Round<'_>, spill: &Path) -> Result<(), Error> {
    let (tmp, incoming) = (spill.join("tmp"), spill.join("incoming"));
    for entry in entries(spill)? {
        let path = entry?.path();
        if path != tmp && path != incoming {
            round.found(Code::QueueStrange, format!("{} is none of ours", path.display()));
        }
    }
    unfinished(round, &tmp)?;
    for entry in entries(&incoming)? {
        let entry = entry?;
        let (path, name) = (entry.path(), name(&entry));
        let is_ours = ours(round, &path, &name, name.parse::<QueueName>().is_ok()).is_some();
        if is_ours && round.age(&path) > SPILL_PATIENCE {
            round.found(Code::SpillWaits, path.display().to_string());
        }
    }
    Ok(())
}

/// Files that wait in two places: one that is on its way from one to the other is held, or gone from the first by now.
fn twice(round: &mut Round<'_>, spill: Option<&Path>) -> Result<(), Error> {
    let home = &round.settings.home;
    let mut seen: BTreeMap<String, PathBuf> = BTreeMap::new();
    let mut pairs = Vec::new();
    let folders = spill.map(|spill| spill.join("incoming")).into_iter().chain([home.incoming(), home.processing()]);
    for folder in folders {
        for entry in entries(&folder)? {
            let entry = entry?;
            let (path, name) = (entry.path(), name(&entry));
            let name = split_attempt(&name).map_or(name.clone(), |(of, _)| of.to_owned());
            if let Some(other) = seen.insert(name, path.clone()) {
                pairs.push((other, path));
            }
        }
    }
    let is_file = |path: &Path| path.symlink_metadata().is_ok_and(|meta| meta.is_file());
    for (one, other) in pairs {
        if is_file(&one)
            && is_file(&other)
            && hash(&one)? == hash(&other)?
            && !is_held(&one)
            && !is_held(&other)
            && is_file(&one)
            && is_file(&other)
        {
            round.found(Code::TwiceInQueue, format!("{} and {}", round.place(&one), round.place(&other)));
        }
    }
    Ok(())
}

/// What could not be taken in.
pub(super) fn failed(round: &mut Round<'_>, store: Option<&Inspector>) -> Result<(), Error> {
    let dir = round.settings.home.failed();
    let found = Failures::read(&dir, usize::MAX / 2).at("list", &dir)?;
    for file in &found.files {
        let path = dir.join(&file.file);
        let Ok(meta) = path.symlink_metadata() else { continue }; // gone back since
        round.checked.failed += 1;
        let note = dir.join(format!("{}{NOTE}", file.file));
        if file.reason.is_none() && path.exists() && (!note.exists() || round.age(&note) > SETTLED) {
            round.found(Code::FailedWithoutNote, round.place(&path));
        }
        if let (true, Some(store)) = (file.is_file && meta.is_file(), store)
            && meta.len() <= round.settings.max_event
            && let Some(bytes) = archive::read(&path)?
            && store.held(&file.name, &bytes)? == HeldAs::Same
            && path.exists()
        {
            round.found(Code::FailedAndStored, round.place(&path));
        }
    }
    for note in &found.lone_notes {
        let path = dir.join(note);
        let file = dir.join(note.strip_suffix(NOTE).unwrap_or(note));
        if round.age(&path) > SETTLED && path.exists() && file.symlink_metadata().is_err() {
            round.found(Code::NoteWithoutFile, round.place(&path));
            round.mend(Code::NoteWithoutFile, Mend::Note(path));
        }
    }
    Ok(())
}

/// A file that waits is nowhere else.
fn one_place(
    round: &mut Round<'_>,
    store: Option<&Inspector>,
    path: &Path,
    name: &str,
    meta: &Metadata,
) -> Result<(), Error> {
    let buried = round.settings.home.failed().join(name);
    if buried.symlink_metadata().is_ok_and(|other| other.is_file() && other.len() == meta.len())
        && let (Some(here), Some(there)) = (hash(path)?, hash(&buried)?)
        && here == there
        && path.exists()
    {
        round.found(Code::TwiceInQueue, format!("{} and failed", round.place(path)));
    }
    if let Some(store) = store
        && meta.len() <= round.settings.max_event
        && let Some(bytes) = archive::read(path)?
        && store.held(name, &bytes)? == HeldAs::Same
        && path.exists()
        && !is_held(path)
    {
        round.found(Code::WaitingAndStored, round.place(path));
    }
    Ok(())
}

/// What a queue file is, if it is one that may be taken; else that is a finding.
fn ours(round: &mut Round<'_>, path: &Path, name: &str, named_as_ours: bool) -> Option<Metadata> {
    let meta = path.symlink_metadata().ok()?; // else it has moved on
    let what = match () {
        () if !named_as_ours => "has no queue file's name",
        () if !meta.is_file() => "is no file",
        () if meta.uid() != rustix::process::geteuid().as_raw() => "belongs to another user",
        () if meta.nlink() > 1 && round.age(path) > SETTLED => "has a second name somewhere",
        () => return Some(meta),
    };
    // A name of ours may hold a session's id, which is no secret; any other name is shown as it is.
    let place = round.place(path.parent().unwrap_or(path));
    round.found(Code::QueueStrange, format!("{place}/{name} {what}"));
    None
}

/// Whether somebody works on the file.
fn is_held(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| matches!(file.try_lock_shared(), Err(fs::TryLockError::WouldBlock)))
}

/// The entries of a folder, one by one; none if it is missing.
pub(super) fn entries(dir: &Path) -> Result<impl Iterator<Item = Result<DirEntry, Error>> + use<>, Error> {
    let found = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        entries => Some(entries.at("list", dir)?),
    };
    let dir = dir.to_owned();
    Ok(found.into_iter().flatten().map(move |entry| entry.at("list", &dir)))
}

fn name(entry: &DirEntry) -> String {
    entry.file_name().to_string_lossy().into_owned()
}

/// Of a regular file's bytes; `None` if it is gone.
fn hash(path: &Path) -> Result<Option<[u8; 32]>, Error> {
    let mut hasher = blake3::Hasher::new();
    match File::open(path).and_then(|file| hasher.update_reader(file).map(|_| ())) {
        Ok(()) => Ok(Some(*hasher.finalize().as_bytes())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).at("read", path),
    }
}
