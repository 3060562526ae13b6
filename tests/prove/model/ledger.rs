//! The small model: which bytes the queue was given, how many files of them there must be, and which of them must be stored.
//!
//! Bytes are known by their hash, and no two payloads are equal. A payload that is whole belongs into the store, once; all others
//! (nothing, no JSON, the beginning of a payload whose hook died) belong into failed, as often as there are files of them.

use std::collections::{BTreeMap, BTreeSet};

use store::read::Kept;

use super::files::{Entry, Files, Hash, Part, hash};

/// The law is broken, and so.
pub(crate) type Breach = String;

/// So many deaths send a good file to failed.
const DEATHS: u32 = 3;

#[derive(Debug)]
struct Item {
    /// Its beginning, for a message.
    shown: String,
    is_whole: bool,
    /// How many files of it are in the queue, in failed and in the archive.
    files: usize,
    /// A hook has told that it is safe.
    is_acked: bool,
    is_stored: bool,
    /// How often a reader died while a file of it was in processing.
    deaths: u32,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    items: BTreeMap<Hash, Item>,
    /// Files in the archive whose bytes did not come back from a power cut.
    damaged: BTreeSet<Hash>,
    /// Empty files that were told of instead of kept.
    told: usize,
}

/// What a power cut took, all of it within its window.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Taken {
    /// Acked, and not yet stored.
    pub(crate) acked: u64,
    /// Files that came back empty or cut short.
    pub(crate) damaged: u64,
}

/// Whether these bytes belong into the store.
fn is_whole(bytes: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Value>(bytes).is_ok_and(|value| value.is_object())
}

impl Ledger {
    /// A file more has these bytes.
    pub(crate) fn given(&mut self, bytes: &[u8]) {
        let item = self.items.entry(hash(bytes)).or_insert_with(|| Item {
            shown: String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned(),
            is_whole: is_whole(bytes),
            files: 0,
            is_acked: false,
            is_stored: false,
            deaths: 0,
        });
        item.files += 1;
    }

    /// A file has these bytes now in place of those.
    pub(crate) fn grew(&mut self, from: &[u8], to: &[u8]) {
        if let Some(item) = self.items.get_mut(&hash(from)) {
            item.files -= 1;
        }
        self.given(to);
    }

    /// A hook told that they are safe.
    pub(crate) fn acked(&mut self, bytes: &[u8]) {
        if let Some(item) = self.items.get_mut(&hash(bytes)) {
            item.is_acked = true;
        }
    }

    /// A reader died while the files lay so. Whose those in processing were is not asked: more than it had are counted, never fewer.
    pub(crate) fn died(&mut self, files: &Files) {
        for entry in files.now().iter().filter(|entry| entry.part == Part::Processing) {
            if let Some(item) = self.items.get_mut(&entry.hash) {
                item.deaths += 1;
            }
        }
    }

    /// Whether they are stored, as far as the model has looked.
    pub(crate) fn is_stored(&self, hash: &Hash) -> bool {
        self.items.get(hash).is_some_and(|item| item.is_stored)
    }

    /// How many were acked, stored and failed.
    pub(crate) fn sums(&self) -> [u64; 3] {
        let count = |is: &dyn Fn(&Item) -> bool| self.items.values().filter(|item| is(item)).count() as u64;
        let failed = self.items.values().filter(|item| !item.is_whole).map(|item| item.files as u64).sum();
        [count(&|item| item.is_acked), count(&|item| item.is_stored), failed]
    }

    /// What the store holds: each once, whole, and all that it held before.
    pub(crate) fn stored(&mut self, kept: &[Kept]) -> Result<(), Breach> {
        let mut found: BTreeSet<Hash> = BTreeSet::new();
        for kept in kept {
            let hash: Hash = kept.hash.as_slice().try_into().map_err(|_| "a key of another length".to_owned())?;
            let item = self.items.get_mut(&hash).ok_or_else(|| format!("stored, and nobody gave it: {}", kept.name))?;
            demand(kept.sound, || format!("stored with other bytes than its key says: {}", item.shown))?;
            demand(item.is_whole, || format!("stored, and belongs into failed: {}", item.shown))?;
            demand(found.insert(hash), || format!("doubled in the store: {}", item.shown))?;
            item.is_stored = true;
        }
        match self.items.iter().find(|(hash, item)| item.is_stored && !found.contains(*hash)) {
            Some((_, item)) => Err(format!("lost from the store: {}", item.shown)),
            None => Ok(()),
        }
    }

    /// What lies in the folders: every file that there must be, in a place where it may be. `told` are the lines about losses: of a
    /// name that two hooks have in both places, neither of them whole, an empty file goes once there is such a line.
    pub(crate) fn lie(&mut self, files: &Files, told: usize) -> Result<(), Breach> {
        let found = files.by_hash();
        let empty = hash(b"");
        if let Some(item) = self.items.get_mut(&empty) {
            let gone = item.files.saturating_sub(found.get(&empty).map_or(0, Vec::len));
            if gone > 0 && self.told + gone <= told {
                (self.told, item.files) = (self.told + gone, item.files - gone);
            }
        }
        for (hash, entries) in &found {
            let Some(item) = self.items.get(hash) else {
                return Err(format!("nobody gave the bytes of {}", shown(entries)));
            };
            for entry in entries {
                self.may_lie(item, entry)?;
            }
        }
        for (hash, item) in &mut self.items {
            let entries = found.get(hash).map_or(&[][..], Vec::as_slice);
            // One that is stored and comes once more goes where the first one is in the archive.
            let is_one_gone = item.is_stored && !entries.is_empty() && entries.len() < item.files;
            if is_one_gone {
                item.files = entries.len();
            }
            demand(entries.len() >= item.files, || format!("a file is lost: {}", item.shown))?;
            demand(entries.len() <= item.files, || format!("a file is doubled, {}: {}", shown(entries), item.shown))?;
        }
        Ok(())
    }

    fn may_lie(&self, item: &Item, entry: &Entry) -> Result<(), Breach> {
        match entry.part {
            Part::Archive => demand(item.is_stored || self.damaged.contains(&entry.hash), || {
                format!("in the archive, and not stored: {} {}", entry.path.display(), item.shown)
            }),
            Part::Failed if item.is_whole => {
                demand(!item.is_stored, || format!("in failed, and stored: {}", item.shown))?;
                demand(item.deaths >= DEATHS, || format!("in failed, and nothing is wrong with it: {}", item.shown))
            }
            _ => Ok(()),
        }
    }

    /// Nothing is left to do: what is whole is stored, and what is not is in failed with its reason.
    pub(crate) fn settled(&self, files: &Files) -> Result<(), Breach> {
        for item in self.items.values() {
            demand(item.is_stored || !item.is_whole || item.files == 0, || {
                format!("nothing is left to do, and it is not stored: {}", item.shown)
            })?;
        }
        let now = files.now();
        for entry in now.iter().filter(|entry| !entry.is_note() && entry.part != Part::Archive) {
            demand(entry.part == Part::Failed, || format!("left in the queue: {}", entry.path.display()))?;
            let note = format!("{}.reason.json", entry.path.display());
            let has_reason = now.iter().any(|other| other.path.as_os_str() == note.as_str());
            demand(has_reason, || format!("in failed without a reason: {}", entry.path.display()))?;
        }
        Ok(())
    }

    /// The power failed: the folders are as they are now, and the store holds `kept`, in which what is in `undone` may be missing.
    pub(crate) fn cut(
        &mut self,
        files: &Files,
        damaged: &[(Entry, usize)],
        kept: &[Kept],
        undone: &BTreeSet<Hash>,
    ) -> Result<Taken, Breach> {
        let held: BTreeSet<&[u8]> = kept.iter().map(|kept| kept.hash.as_slice()).collect();
        for (hash, item) in &mut self.items {
            let is_held = held.contains(hash.as_slice());
            let may_miss = undone.contains(hash);
            demand(is_held || !item.is_stored || may_miss, || {
                format!("a power cut took what is stored: {}", item.shown)
            })?;
            item.is_stored &= is_held;
            item.files = 0;
        }
        let mut taken = Taken { damaged: damaged.len() as u64, ..Taken::default() };
        for entry in files.now().iter().filter(|entry| !entry.is_note()) {
            let bytes = std::fs::read(&entry.path).map_err(|error| format!("{}: {error}", entry.path.display()))?;
            self.given(&bytes);
            if damaged.iter().any(|(before, _)| before.path == entry.path) {
                self.damaged.insert(entry.hash);
            }
        }
        // What a torn commit held and the disk has after all is found by the next look at the store.
        let is_gone = |hash: &Hash, item: &Item| item.files == 0 && !item.is_stored && !held.contains(hash.as_slice());
        taken.acked = self.items.iter().filter(|(hash, item)| item.is_acked && is_gone(hash, item)).count() as u64;
        self.items.retain(|hash, item| !is_gone(hash, item));
        Ok(taken)
    }
}

/// What `is` must be, or the law is broken so.
pub(crate) fn demand(is: bool, breach: impl FnOnce() -> Breach) -> Result<(), Breach> {
    if is { Ok(()) } else { Err(breach()) }
}

fn shown(entries: &[Entry]) -> String {
    let paths: Vec<_> = entries.iter().map(|entry| entry.path.display().to_string()).collect();
    paths.join(", ")
}
