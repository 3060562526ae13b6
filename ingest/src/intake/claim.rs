//! A queue file that is ours alone: open, locked, in processing, its attempt counted.
//!
//! The order is lock, look again, rename. The lock is held before the file comes into processing, so processing never
//! shows a live file without one, and whatever lies there unlocked was left by a death. Which death counts is in the name:
//!
//! | name | meaning |
//! |---|---|
//! | `incoming/NAME` | complete, nobody's |
//! | `processing/NAME.a0` | was begun, and taken back after a transient fault: no attempt counted |
//! | `processing/NAME.a1`, locked | begun for the first time, alive |
//! | `processing/NAME.a1`, unlocked | its reader died; the next attempt makes it `.a2` and reads it alone |
//! | `processing/NAME.a3`, unlocked | three deaths: it goes to failed |
//!
//! Dropping a [`Claim`] only closes the file, exactly as a death does.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use queue::QueueName;
use queue::broken::{Rule, broken};
use queue::place::rename_new;
use settings::Archive;
use store::sieve::{End, Feed, Sieve};

use crate::disk::move_new;
use crate::error::{At, Error};
use crate::intake::fail::{self, Grave};
use crate::intake::lock::{self, Locked, Odd, Outcome};
use crate::intake::places::{Places, alternative};
use crate::intake::reject::Reject;
use crate::intake::twins;
use crate::step::{Step, Steps};

/// So much is looked at of a file that is not read: it is too large, or its reader died of it.
const HEAD: usize = 64 * 1024;
/// Read at a time where something is to be hidden.
const PIECE: usize = 1024 * 1024;

/// A file whose reader died this often goes to failed.
pub(crate) const DEATHS: u32 = 3;

/// The file.
#[derive(Debug)]
pub(crate) struct Claim {
    file: File,
    path: PathBuf,
    name: String,
    parts: QueueName,
    attempt: u32,
    size: u64,
}

/// What came of claiming one name.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "one at a time, for a moment")]
pub(crate) enum Taken {
    /// It is ours.
    Claim(Claim),
    /// The name is gone: another ingester had it.
    Gone,
    /// Somebody alive has it, or another file of its name is being worked on; look again at the next wake.
    Busy,
    /// Not ours to touch.
    LeftAlone(Odd),
}

/// Why a file is in processing still although its row is committed. It is no [`Error`], and `?` makes none of it: it ends no batch
/// and no pass. When the file is read again it is a replay.
#[derive(Debug)]
pub(crate) struct Stays(pub(crate) Error);

/// What came of archiving one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Archived {
    /// It is in the archive now.
    Moved,
    /// The very same was there already.
    Same,
    /// No archive is wanted: the row is all there is now.
    Removed,
}

impl Claim {
    /// Takes `name` out of incoming; that begins its first attempt.
    ///
    /// # Errors
    /// Those that are not about this file alone.
    pub(crate) fn incoming(places: &Places, name: &str, parts: QueueName, steps: &Steps<'_>) -> Result<Taken, Error> {
        let path = places.incoming.join(name);
        Self::take(places, path, name, parts, 0, steps)
    }

    /// Takes what an earlier pass left in processing after `attempt` attempts, and begins the next.
    ///
    /// # Errors
    /// Those that are not about this file alone.
    pub(crate) fn leftover(
        places: &Places,
        name: &str,
        parts: QueueName,
        attempt: u32,
        steps: &Steps<'_>,
    ) -> Result<Taken, Error> {
        let path = places.in_processing(name, attempt);
        Self::take(places, path, name, parts, attempt, steps)
    }

    fn take(
        places: &Places,
        path: PathBuf,
        name: &str,
        parts: QueueName,
        attempt: u32,
        steps: &Steps<'_>,
    ) -> Result<Taken, Error> {
        let look = if attempt > 0 && broken(Rule::RescueByLock) { lock::disregard } else { lock::lock };
        let Locked { file, meta } = match look(&path).at("open", &path)? {
            Outcome::Locked(locked) => locked,
            Outcome::Linked(locked) if twins::heal(places, &path, &locked.meta, &parts)? => locked,
            Outcome::Linked(_) => return Ok(Taken::LeftAlone(Odd::HardLinked)),
            Outcome::Busy => return Ok(Taken::Busy),
            Outcome::Gone => return Ok(Taken::Gone),
            Outcome::Odd(odd) => return Ok(Taken::LeftAlone(odd)),
        };
        steps.at(Step::Locked)?;
        let mut claim = Self { file, path, name: name.to_owned(), parts, attempt, size: meta.len() };
        // After the last death there is no further attempt to begin.
        if claim.attempt < DEATHS {
            let late = broken(Rule::LockBeforeRename) && claim.file.unlock().is_ok();
            match claim.rename(places.in_processing(name, attempt + 1)) {
                Ok(()) => claim.attempt += 1,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(Taken::Busy),
                Err(error) if error.kind() == io::ErrorKind::NotFound && !claim.path.exists() => {
                    return Ok(Taken::Gone);
                }
                Err(error) => return Err(error).at("move to processing", &claim.path),
            }
            steps.at(Step::Claimed)?;
            if late && !lock::try_exclusive(&claim.file).at("lock", &claim.path)? {
                return Ok(Taken::Busy);
            }
            return Ok(Taken::Claim(claim));
        }
        claim.attempt += 1;
        Ok(Taken::Claim(claim))
    }

    /// The queue file's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The name in its parts.
    pub(crate) fn parts(&self) -> &QueueName {
        &self.parts
    }

    /// In bytes, as it was when it was claimed.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// How often its reader died so far.
    #[cfg(test)]
    pub(crate) fn deaths(&self) -> u32 {
        self.attempt - 1
    }

    /// All of it.
    ///
    /// # Errors
    /// The operating system's.
    pub(crate) fn read(&self) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::with_capacity(usize::try_from(self.size).unwrap_or(0) + 1);
        (&self.file).take(self.size).read_to_end(&mut bytes).at("read", &self.path)?;
        Ok(bytes)
    }

    /// The beginning of it.
    ///
    /// # Errors
    /// The operating system's.
    pub(crate) fn head(&self) -> Result<Vec<u8>, Error> {
        let mut bytes = vec![0; usize::try_from(self.size).unwrap_or(HEAD).min(HEAD)];
        self.file.read_exact_at(&mut bytes, 0).at("read", &self.path)?;
        Ok(bytes)
    }

    /// Removes what is not to be taken in.
    ///
    /// # Errors
    /// The operating system's; the file stays in processing.
    pub(crate) fn discard(self, places: &Places) -> Result<(), Error> {
        let removed = fs::remove_file(&self.path).at("remove", &self.path);
        if removed.is_err() {
            self.put_back(places);
        }
        removed
    }

    /// After the commit: out of the queue.
    ///
    /// # Errors
    /// [`Stays`], and no attempt counts.
    pub(crate) fn archive(mut self, places: &Places) -> Result<Archived, Stays> {
        self.move_to_archive(places).map_err(|error| {
            self.put_back(places);
            Stays(error)
        })
    }

    /// The same with other bytes than those that came: something in them is not to be kept.
    ///
    /// # Errors
    /// As [`Claim::archive`].
    pub(crate) fn archive_as(self, places: &Places, bytes: &[u8]) -> Result<Archived, Stays> {
        match self.write_to_archive(places, bytes) {
            Ok(()) => self.archive_nowhere(places),
            Err(error) => {
                self.put_back(places);
                Err(Stays(error))
            }
        }
    }

    /// The same where nothing of it is to be kept.
    ///
    /// # Errors
    /// As [`Claim::archive`].
    pub(crate) fn archive_nowhere(self, places: &Places) -> Result<Archived, Stays> {
        self.discard(places).map(|()| Archived::Removed).map_err(Stays)
    }

    fn write_to_archive(&self, places: &Places, bytes: &[u8]) -> Result<(), Error> {
        if places.archiving == Archive::Off {
            return Ok(());
        }
        let day = places.make_day(&self.parts)?;
        let partial = day.join(format!("{}.partial", self.name));
        crate::disk::write_new(&partial, bytes).inspect_err(|_| {
            let _ = fs::remove_file(&partial); // where the disk is full, nothing of it is of use
        })?;
        let first = day.join(&self.name);
        let mut n = 1;
        loop {
            let to = alternative(&first, n);
            match rename_new(&partial, &to) {
                Ok(()) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    if fs::read(&to).at("compare", &to)? == bytes {
                        return fs::remove_file(&partial).at("remove", &partial);
                    }
                    n += 1;
                }
                Err(error) => return Err(error).at("move to the archive as", &to),
            }
        }
    }

    pub(super) fn move_to_archive(&mut self, places: &Places) -> Result<Archived, Error> {
        if broken(Rule::CommitBeforeMove) && (self.path.starts_with(&places.archive) || !self.path.exists()) {
            return Ok(Archived::Moved); // before the commit
        }
        if places.archiving == Archive::Off {
            fs::remove_file(&self.path).at("remove", &self.path)?;
            return Ok(Archived::Removed);
        }
        let day = places.day(&self.parts);
        let first = day.join(&self.name);
        let mut n = 1;
        loop {
            let to = alternative(&first, n);
            match move_new(&self.path, &to, &day.join(format!("{}.partial", self.name))) {
                Ok(()) => {
                    self.path = to;
                    return Ok(Archived::Moved);
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound && !day.exists() => {
                    places.make_day(&self.parts)?;
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    if self.equals(&to).at("compare", &to)? {
                        fs::remove_file(&self.path).at("remove", &self.path)?;
                        return Ok(Archived::Same);
                    }
                    n += 1;
                }
                Err(error) => return Err(error).at("move to the archive as", &to),
            }
        }
    }

    /// For good: into failed, its bytes untouched but for what `sieve` hides, with a note of the reason.
    ///
    /// # Errors
    /// The operating system's; the file stays in processing.
    pub(crate) fn fail(
        self,
        places: &Places,
        sieve: &Arc<Sieve>,
        reject: &Reject,
        now: SystemTime,
        steps: &Steps<'_>,
    ) -> Result<(), Error> {
        let grave = Grave { name: &self.name, size: self.size, attempts: self.attempt.min(DEATHS) };
        let hidden = self.hide(sieve).at("hide secrets in", &self.path);
        let buried = hidden.and_then(|()| fail::bury(places, &self.path, &grave, reject, now, steps));
        if buried.as_ref().is_err_and(|error| !matches!(error, Error::Stopped(_))) {
            self.put_back(places);
        }
        buried
    }

    /// Hides in the file itself, as in a text, what is not to be kept. Every other byte stays, so that whoever dies at it has done
    /// a part, and nobody has to look for another copy.
    fn hide(&self, sieve: &Arc<Sieve>) -> io::Result<()> {
        if !sieve.hides() {
            return Ok(());
        }
        let mut feed = Feed::of_text(sieve.clone());
        let mut buffer = vec![0; PIECE];
        let (mut read, mut written) = (0, 0);
        loop {
            let n = self.file.read_at(&mut buffer, read)?;
            read += n as u64;
            let out = if n == 0 { feed.end(End::Whole).into() } else { feed.push(&buffer[..n]) };
            if feed.is_changed() {
                self.file.write_all_at(&out, written)?;
            }
            written += out.len() as u64;
            if n == 0 {
                return if feed.is_changed() { self.file.sync_data() } else { Ok(()) };
            }
        }
    }

    /// After a transient fault: the attempt does not count.
    pub(crate) fn put_back(mut self, places: &Places) {
        if self.attempt > DEATHS {
            return; // there was no attempt
        }
        let back = places.in_processing(&self.name, self.attempt.saturating_sub(1));
        if let Err(error) = self.rename(back) {
            // Then it counts as a death; three such in a row on one file, each with a failing disk, are bearable.
            tracing::warn!(file = %self.path.display(), %error, "an attempt could not be taken back");
        }
    }

    fn rename(&mut self, to: PathBuf) -> io::Result<()> {
        rename_new(&self.path, &to)?;
        self.path = to;
        Ok(())
    }

    /// Whether the file at `path` has the same bytes.
    fn equals(&self, path: &Path) -> io::Result<bool> {
        let other = File::open(path)?;
        if other.metadata()?.len() != self.size {
            return Ok(false);
        }
        let (mut ours, mut theirs) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
        let mut at = 0;
        while at < self.size {
            let n = usize::try_from(self.size - at).unwrap_or(usize::MAX).min(ours.len());
            self.file.read_exact_at(&mut ours[..n], at)?;
            other.read_exact_at(&mut theirs[..n], at)?;
            if ours[..n] != theirs[..n] {
                return Ok(false);
            }
            at += n as u64;
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
