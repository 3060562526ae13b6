//! The files of the queue as they lie there at a moment, and the moments one after another: what a power cut goes back to.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use queue::DataDir;

/// BLAKE3 of a file's bytes.
pub(crate) type Hash = [u8; 32];

pub(crate) fn hash(bytes: &[u8]) -> Hash {
    *blake3::hash(bytes).as_bytes()
}

/// In which part of the queue a file lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Tmp,
    Incoming,
    Processing,
    Failed,
    Archive,
}

/// A file at a moment.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) part: Part,
    pub(crate) path: PathBuf,
    pub(crate) hash: Hash,
    bytes: Rc<[u8]>,
    inode: u64,
}

impl Entry {
    /// Its name without folder.
    pub(crate) fn name(&self) -> &str {
        self.path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
    }

    /// It says why another file is in failed.
    pub(crate) fn is_note(&self) -> bool {
        self.part == Part::Failed && self.name().ends_with(".reason.json")
    }
}

/// What a file had when it was last read: which one it is, its size, its times.
type Version = (u64, u64, i64, i64);

/// The moments since the last power cut, or since the beginning.
pub(crate) struct Files {
    places: Vec<(Part, PathBuf)>,
    archive: PathBuf,
    moments: Vec<Rc<[Entry]>>,
    read: HashMap<Version, (Hash, Rc<[u8]>)>,
    /// What lay there after the last cut: that is on the disk.
    durable: HashSet<u64>,
}

impl Files {
    pub(crate) fn new(data: &DataDir, spill: &Path) -> Self {
        let places = vec![
            (Part::Tmp, spill.join("tmp")),
            (Part::Incoming, spill.join("incoming")),
            (Part::Tmp, data.tmp()),
            (Part::Incoming, data.incoming()),
            (Part::Processing, data.processing()),
            (Part::Failed, data.failed()),
        ];
        let mut files = Self {
            places,
            archive: data.archive(),
            moments: Vec::new(),
            read: HashMap::new(),
            durable: HashSet::new(),
        };
        files.look();
        files
    }

    /// The files as they lie there now, which is a moment of its own.
    pub(crate) fn look(&mut self) {
        let mut found = Vec::new();
        let days = fs::read_dir(&self.archive).into_iter().flatten().flatten().map(|day| (Part::Archive, day.path()));
        let places: Vec<_> = self.places.iter().cloned().chain(days).collect();
        for (part, place) in places {
            for entry in fs::read_dir(&place).into_iter().flatten().flatten() {
                let (path, meta) = (entry.path(), entry.metadata().expect("a file of the queue"));
                let version = (meta.ino(), meta.len(), meta.mtime(), meta.mtime_nsec());
                let known = self.read.get(&version).cloned();
                let (hash, bytes) = known.unwrap_or_else(|| {
                    let bytes: Rc<[u8]> = fs::read(&path).expect("a file of the queue").into();
                    (hash(&bytes), bytes)
                });
                self.read.insert(version, (hash, bytes.clone()));
                found.push(Entry { part, path, hash, bytes, inode: meta.ino() });
            }
        }
        self.moments.push(found.into());
    }

    /// As they lay there when they were last looked at.
    pub(crate) fn now(&self) -> Rc<[Entry]> {
        self.moments.last().cloned().unwrap_or_default()
    }

    /// Takes them back to an earlier moment, as a power cut does. Of those that were not on the disk `cut` chooses some that were
    /// not written back; gives what became of those: the old entry and how many of its bytes are left.
    pub(crate) fn cut(&mut self, back: u16, mut cut: u64) -> Vec<(Entry, usize)> {
        let last = self.moments.len() - 1;
        let moment = self.moments[last - usize::from(back) % (last + 1)].clone();
        for entry in self.now().iter() {
            fs::remove_file(&entry.path).expect("a file that was just seen");
        }
        let mut damaged = Vec::new();
        for entry in moment.iter() {
            let mut bytes = &entry.bytes[..];
            // A note is synced before the file that it is about moves.
            if !self.durable.contains(&entry.inode) && !entry.is_note() {
                // One in four, of these one in two empty.
                let (is_cut, is_empty) = (cut & 3 == 0, cut & 4 == 0);
                cut = cut.rotate_right(3);
                if is_cut && !bytes.is_empty() {
                    bytes = if is_empty { &[] } else { &bytes[..bytes.len() / 2] };
                    damaged.push((entry.clone(), bytes.len()));
                }
            }
            let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&entry.path);
            file.and_then(|mut file| file.write_all(bytes)).expect("a file of an earlier moment");
        }
        self.moments.clear();
        self.read.clear();
        self.look();
        self.durable = self.now().iter().map(|entry| entry.inode).collect();
        damaged
    }

    /// How many files have these bytes, in the queue, in failed and in the archive.
    pub(crate) fn by_hash(&self) -> BTreeMap<Hash, Vec<Entry>> {
        let mut found: BTreeMap<Hash, Vec<Entry>> = BTreeMap::new();
        for entry in self.now().iter().filter(|entry| !entry.is_note()) {
            found.entry(entry.hash).or_default().push(entry.clone());
        }
        found
    }
}
