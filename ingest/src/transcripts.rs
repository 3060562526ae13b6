//! Follows the transcripts of Claude Code into the store: raw bytes to the end of each file, nothing parsed here.
//!
//! Files are only ever looked for below the configured roots (`transcript_path` of a payload is never opened), beneath
//! them and without following a symlink. What is taken in is in proportion to what is new: a sweep opens only the files
//! whose size, time or inode differ from the last look.

pub(crate) mod ahead;
mod find;
pub(crate) mod ignored;
pub(crate) mod line;
pub(crate) mod lines;
mod open;
pub(crate) mod typed;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use store::sieve::{End, Feed, Of};
use store::write::{Batch, Known, NewFile, OnDisk, Role, Writer};

use crate::error::Error;
pub(crate) use find::{Candidate, behind_links};
use ignored::{Fate, Ignored};

/// One transaction takes in at most about this much, so that others are not kept waiting.
pub(crate) const BATCH_BYTES: u64 = 16 * 1024 * 1024;
/// And at most so many files.
const BATCH_FILES: usize = 512;
/// Read at a time; a multiple of the store's chunks.
const READ: usize = 1024 * 1024;
/// What has stood so long without an end has one: nobody writes at it any more.
const STILL: Duration = Duration::from_secs(60);

/// What a look at the transcripts did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Followed {
    /// Files that had something new.
    pub files: u64,
    /// Bytes taken in.
    pub bytes: u64,
    /// The first file that could not be read and why, where the fault is one that will pass.
    pub trouble: Option<String>,
}

impl Followed {
    /// Goes on without a file that cannot be read now.
    fn leave(&mut self, root: &Path, file: &Candidate, error: io::Error) {
        tracing::warn!(file = %file.path, %error, "transcript left for the next look");
        let error = Error::Io { op: "read", path: root.join(&file.path), source: error };
        if error.is_transient() {
            self.trouble.get_or_insert_with(|| error.to_string());
        }
    }
}

/// Which transcripts to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// Those of these sessions.
    Sessions(BTreeSet<String>),
    /// All below the roots, and the history.jsonl beside each.
    Sweep,
    /// These files, and all below these folders; each is a root or lies below it.
    Below(BTreeSet<PathBuf>),
}

/// What a look would find to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Survey {
    /// Files that have not changed since they were taken in.
    pub(crate) unchanged: u64,
    /// The others.
    pub(crate) changed: Vec<PathBuf>,
    /// Bytes of these that are not stored yet.
    pub(crate) bytes: u64,
    /// Files of ignored projects and sessions.
    pub(crate) ignored: u64,
    /// Files of which nothing tells yet whether they are ignored.
    pub(crate) waiting: u64,
}

/// Looks and takes nothing in.
pub(crate) fn survey(
    writer: &Writer,
    roots: &[PathBuf],
    look: &Look,
    ignored: &mut Ignored,
) -> Result<Survey, store::Error> {
    let mut survey = Survey::default();
    ignored.look_again();
    for (root, found) in searched(roots, look) {
        let root_name = root.to_string_lossy();
        for file in found.into_values() {
            if writer.has_file(&root_name, &file.path, &file.on_disk)? {
                survey.unchanged += 1;
                continue;
            }
            match ignored.file(&root, &file, now_ms())? {
                Fate::Ignored => survey.ignored += 1,
                Fate::Waits => survey.waiting += 1,
                Fate::Taken => {
                    let stored =
                        writer.stored_size(&root_name, &file.path)?.filter(|stored| *stored <= file.on_disk.size);
                    survey.bytes += file.on_disk.size - stored.unwrap_or(0);
                    survey.changed.push(root.join(&file.path));
                }
            }
        }
    }
    ignored.rest();
    Ok(survey)
}

/// What a look finds below each root. A sweep ends with what was typed: it only tells of sessions that nothing else knows.
fn searched(roots: &[PathBuf], look: &Look) -> Vec<(PathBuf, find::Candidates)> {
    let below = |root: &PathBuf| match look {
        Look::Sessions(sessions) => find::sessions(root, sessions),
        Look::Sweep => find::all(root),
        Look::Below(starts) => find::below(root, starts),
    };
    let mut found: Vec<_> = roots.iter().map(|root| (root.clone(), below(root))).collect();
    if *look == Look::Sweep {
        let folders: BTreeSet<&Path> = roots.iter().filter_map(|root| find::history_folder(root)).collect();
        found.extend(folders.into_iter().map(|folder| {
            let history = BTreeSet::from([folder.join(find::HISTORY)]);
            (folder.to_owned(), find::below(folder, &history))
        }));
    }
    found
}

/// Files below one root that are new or have changed, the newest first.
pub(crate) struct Changed {
    pub(crate) root: PathBuf,
    pub(crate) files: Vec<Candidate>,
}

/// What a look finds to take in.
///
/// # Errors
/// The store's.
pub(crate) fn changed(
    writer: &mut Writer,
    roots: &[PathBuf],
    look: &Look,
    ignored: &mut Ignored,
) -> Result<Vec<Changed>, store::Error> {
    for root in roots.iter().filter(|root| *look == Look::Sweep && root.is_dir()) {
        writer.record_root(&root.to_string_lossy())?;
    }
    ignored.look_again();
    let (mut all, mut unread) = (Vec::new(), 0);
    for (root, found) in searched(roots, look) {
        let root_name = root.to_string_lossy();
        let mut files = Vec::new();
        for candidate in found.into_values() {
            if writer.has_file(&root_name, &candidate.path, &candidate.on_disk)? {
                continue;
            }
            match ignored.file(&root, &candidate, now_ms())? {
                Fate::Taken => files.push(candidate),
                Fate::Waits => unread += 1,
                Fate::Ignored => {}
            }
        }
        files.sort_by_key(|file| std::cmp::Reverse(file.on_disk.mtime_ns));
        all.push(Changed { root, files });
    }
    ignored.rest();
    if *look == Look::Sweep && std::mem::replace(&mut ignored.unread, unread) != unread && unread > 0 {
        tracing::info!(files = unread, "left unread: nothing tells yet whether they are to be ignored");
    }
    // Before anything is taken in: what was typed is held against it.
    ignored.keep(writer)?;
    Ok(all)
}

/// One transaction: files from the front of `left` until it is full. A file that cannot be read is told of and left for the next
/// look.
pub(crate) fn take_some(writer: &mut Writer, root: &Path, left: &mut &[Candidate]) -> Result<Followed, store::Error> {
    let root_name = &*root.to_string_lossy();
    let batch = writer.batch()?;
    let (mut done, mut budget) = (Followed::default(), BATCH_BYTES);
    for _ in 0..BATCH_FILES {
        let Some((candidate, rest)) = left.split_first() else { break };
        match take(&batch, root, root_name, candidate, budget)? {
            Ok(taken) => {
                budget = budget.saturating_sub(taken.bytes);
                done.bytes += taken.bytes;
                done.files += u64::from(taken.bytes > 0 && taken.to_the_end);
                if !taken.to_the_end {
                    break;
                }
            }
            Err(error) => done.leave(root, candidate, error),
        }
        *left = rest;
        if budget == 0 || batch.is_due() {
            break;
        }
    }
    batch.commit()?;
    Ok(done)
}

/// How far a file was taken in.
struct Taken {
    bytes: u64,
    to_the_end: bool,
}

impl Taken {
    /// All for now of a file that does not yet tell whose it is.
    const NOTHING: Self = Self { bytes: 0, to_the_end: true };
}

/// Takes in what is new in one file. The outer error is the store's, the inner the file's own.
fn take(
    batch: &Batch<'_>,
    root: &Path,
    root_name: &str,
    candidate: &Candidate,
    budget: u64,
) -> Result<io::Result<Taken>, store::Error> {
    let opened = open::beneath(root, Path::new(&candidate.path)).and_then(|file| Ok((on_disk(&file)?, file)));
    let (on_disk, mut file) = match opened {
        Ok(opened) => opened,
        Err(error) => return Ok(Err(error)),
    };
    let known = match batch.file_at(root_name, &candidate.path)? {
        Some(known) => Some(known),
        None => batch.file_with_inode(&on_disk)?,
    };
    let of = |known: &Known| Of::new(candidate.role, &known.session_id, &candidate.path);
    let mut before = Vec::new();
    let mut known = match known {
        Some(known) => match continues(&mut file, &on_disk, &known, batch.sieve().looks_back(&of(&known))) {
            Ok(Some(stands)) => {
                before = stands;
                batch.seen_at(known.id, root_name, &candidate.path, &on_disk)?;
                known
            }
            Ok(None) => {
                let session_id = match session_of(candidate, &mut file) {
                    Ok(Some(session_id)) => session_id,
                    other => return Ok(other.map(|_| Taken::NOTHING)),
                };
                tracing::info!(file = %candidate.path, "transcript was rewritten; the old bytes are kept");
                batch.supersede(known.id, now_ms())?;
                add(batch, root_name, candidate, &session_id, on_disk)?
            }
            Err(error) => return Ok(Err(error)),
        },
        None => {
            let session_id = match session_of(candidate, &mut file) {
                Ok(Some(session_id)) => session_id,
                other => return Ok(other.map(|_| Taken::NOTHING)),
            };
            add(batch, root_name, candidate, &session_id, on_disk)?
        }
    };
    let feed = Feed::new(batch.sieve().clone(), of(&known), before);
    let taken = append(batch, &mut known, &mut file, feed, end_of(&on_disk), budget)?;
    if candidate.role == Role::History {
        typed::index(batch, known.id)?;
    }
    Ok(taken)
}

/// Whose it is; nothing while it does not tell.
fn session_of(candidate: &Candidate, file: &mut File) -> io::Result<Option<String>> {
    match &candidate.session_id {
        Some(session_id) => Ok(Some(session_id.clone())),
        None => find::session_in(file, || candidate.stem()),
    }
}

fn add(
    batch: &Batch<'_>,
    root_name: &str,
    candidate: &Candidate,
    session_id: &str,
    on_disk: OnDisk,
) -> Result<Known, store::Error> {
    batch.add_file(&NewFile {
        root: root_name,
        path: &candidate.path,
        role: candidate.role,
        session_id,
        agent_id: candidate.agent_id.as_deref(),
        on_disk,
    })
}

/// The last `back` bytes of what is stored of a file, if the file still begins with that: it is as long, and has the same tail.
fn continues(file: &mut File, on_disk: &OnDisk, known: &Known, back: u64) -> io::Result<Option<Vec<u8>>> {
    if on_disk.size < known.stored {
        return Ok(None);
    }
    let length = known.stored.min(back);
    let mut before = vec![0; length as usize];
    file.seek(SeekFrom::Start(known.stored - length))?;
    file.read_exact(&mut before)?;
    let tail = &before[(length - known.tail_length()) as usize..];
    Ok(known.ends_with(tail).then_some(before))
}

/// Whether more of a last line may come.
fn end_of(on_disk: &OnDisk) -> End {
    let age = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|now| now.checked_sub(Duration::from_nanos(on_disk.mtime_ns.unsigned_abs())));
    if age.is_some_and(|age| age > STILL) { End::Still } else { End::Growing }
}

/// A read error in the middle ends the file for now: what came before it is kept.
fn append(
    batch: &Batch<'_>,
    known: &mut Known,
    file: &mut File,
    mut feed: Feed,
    end: End,
    budget: u64,
) -> Result<io::Result<Taken>, store::Error> {
    if let Err(error) = file.seek(SeekFrom::Start(known.stored)) {
        return Ok(Err(error));
    }
    let mut buffer = vec![0; READ];
    let mut bytes = 0;
    while bytes < budget {
        let mut filled = 0;
        while filled < buffer.len() {
            match file.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if bytes == 0 && filled == 0 => return Ok(Err(error)),
                Err(_) => break,
            }
        }
        let ready = feed.push(&buffer[..filled]);
        batch.append(known, &ready, &feed)?;
        bytes += ready.len() as u64;
        if filled < buffer.len() {
            let rest = feed.end(end);
            batch.append(known, &rest, &feed)?;
            bytes += rest.len() as u64;
            return Ok(Ok(Taken { bytes, to_the_end: true }));
        }
        if batch.is_due() {
            break;
        }
    }
    Ok(Ok(Taken { bytes, to_the_end: false }))
}

fn on_disk(file: &File) -> io::Result<OnDisk> {
    let meta = file.metadata()?;
    if !meta.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    Ok(disk_of(&meta))
}

/// The meta data that tell whether a file changed.
fn disk_of(meta: &std::fs::Metadata) -> OnDisk {
    OnDisk {
        device: meta.dev(),
        inode: meta.ino(),
        size: meta.size(),
        mtime_ns: meta.mtime().saturating_mul(1_000_000_000).saturating_add(meta.mtime_nsec()),
    }
}

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_millis() as i64)
}

#[cfg(test)]
mod tests;
