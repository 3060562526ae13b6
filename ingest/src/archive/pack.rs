//! A day's folder becomes one file. Nothing is removed before the new file is read back and found the same.
//!
//! ```text
//! DAY/* ──▶ DAY.tar.zst.partial ──sync, read back, compare──▶ DAY.tar.zst ──sync──▶ exactly these files are removed
//! ```
//!
//! A death before the rename leaves a part, which the next one writes over; a death after it leaves files that are packed
//! already, which the next one finds in the pack and only removes.
//!
//! A day of more files than [`folder`](super::folder) names at once becomes several packs, so that memory has a bound. Whether a pack
//! is what was meant to be in it is asked of one hash over all of it, in order.

use std::fs::{self, File};
use std::io::{self, Write};
use std::mem;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::NaiveDate;
use queue::place::rename_new;

use super::folder::{PORTION, portions};
use super::{Day, LARGEST, PACKED, each_packed, name_of};
use crate::disk::sync_dir;
use crate::error::{At, Error};

/// Queue files are JSON of one kind: more effort than this gains little.
const LEVEL: i32 = 9;

/// What packing one day did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Packed {
    /// Files that are in the pack now.
    pub(crate) files: u64,
    /// Their bytes.
    pub(crate) bytes: u64,
    /// The bytes of the pack.
    pub(crate) packed_bytes: u64,
}

/// Packs what lies in the folder of `date`. The caller holds the lock that keeps every other packer out.
///
/// # Errors
/// The operating system's; then everything is still there.
pub(crate) fn pack(archive: &Path, date: NaiveDate, day: &Day, stop: &AtomicBool) -> Result<Packed, Error> {
    pack_by(PORTION, archive, date, day, stop)
}

/// With at most `most` files in a pack.
fn pack_by(most: usize, archive: &Path, date: NaiveDate, day: &Day, stop: &AtomicBool) -> Result<Packed, Error> {
    let Some(folder) = &day.folder else { return Ok(Packed::default()) };
    let mut done = Packed::default();
    let mut is_first = true;
    for files in portions(folder, most) {
        let mut files = files?;
        // What is larger was taken in by a setting of its own, and stays a file: no reader of packs takes that much into memory.
        files.retain(|path| path.metadata().is_ok_and(|meta| meta.len() <= LARGEST));
        if files.is_empty() {
            continue;
        }
        if mem::take(&mut is_first) {
            for pack in &day.packs {
                remove_packed(pack, folder)?;
            }
        }
        let Some(packed) = pack_files(archive, date, files, stop)? else { return Ok(done) };
        done.files += packed.files;
        done.bytes += packed.bytes;
        done.packed_bytes += packed.packed_bytes;
    }
    match fs::remove_dir(folder) {
        // Something came meanwhile, or is not ours.
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(done),
        removed => removed.map(|()| done).at("remove", folder),
    }
}

/// Chooses archived files by name and bytes.
pub(crate) type Choice<'a> = dyn Fn(&str, &[u8]) -> Result<bool, Error> + 'a;

/// How many files of a pack are chosen.
///
/// # Errors
/// As [`each_packed`].
pub(crate) fn count(pack: &Path, is_one: &Choice<'_>) -> Result<u64, Error> {
    let mut found = 0;
    each_packed(pack, &mut |archived| {
        found += u64::from(is_one(archived.file, &archived.bytes)?);
        Ok(())
    })?;
    Ok(found)
}

/// Takes files out of a pack for good: the others are written anew, and one rename puts them in its place. Gives how many went.
///
/// # Errors
/// The operating system's; then the pack is as it was.
pub(crate) fn without(pack: &Path, is_gone: &Choice<'_>) -> Result<u64, Error> {
    let gone = count(pack, is_gone)?;
    if gone == 0 {
        return Ok(0);
    }
    let partial = pack.with_extension("zst.partial");
    let mut writer = Writer::new(&partial)?;
    let written = each_packed(pack, &mut |one| match is_gone(one.file, &one.bytes)? {
        true => Ok(()),
        false => writer.add(one.file, &one.bytes),
    });
    let left = written.and_then(|()| writer.finish());
    if left.is_err() {
        let _ = fs::remove_file(&partial);
    }
    let contents = left?;
    if contents_of(&partial)? != contents {
        return Err(Error::Pack { path: partial });
    }
    if contents.files == 0 {
        fs::remove_file(&partial).at("remove", &partial)?;
        fs::remove_file(pack).at("remove", pack)?;
    } else {
        fs::rename(&partial, pack).at("replace", pack)?;
    }
    sync_dir(pack.parent().unwrap_or(Path::new(".")))?;
    Ok(gone)
}

/// Removes what somebody left who died while he wrote a pack. The caller holds the lock that keeps every packer out.
///
/// # Errors
/// The operating system's.
pub(crate) fn remove_abandoned(archive: &Path) -> Result<(), Error> {
    let entries = match fs::read_dir(archive) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.at("list", archive)?,
    };
    for entry in entries {
        let path = entry.at("list", archive)?.path();
        if name_of(&path).ends_with(".zst.partial") {
            fs::remove_file(&path).at("remove", &path)?;
        }
    }
    Ok(())
}

/// Removes the files of a day's folder that a pack holds already.
fn remove_packed(pack: &Path, folder: &Path) -> Result<(), Error> {
    each_packed(pack, &mut |archived| {
        if archived.queue_name().is_none() {
            return Ok(()); // none of ours, and perhaps no name of a file in that folder
        }
        let (path, hash) = (folder.join(archived.file), blake3::hash(&archived.bytes));
        drop(archived); // one is in memory at a time
        if super::read(&path)?.is_some_and(|bytes| blake3::hash(&bytes) == hash) {
            fs::remove_file(&path).at("remove", &path)?;
        }
        Ok(())
    })
}

/// One pack of these files, which are removed then; nothing if it was stopped before.
fn pack_files(
    archive: &Path,
    date: NaiveDate,
    files: Vec<PathBuf>,
    stop: &AtomicBool,
) -> Result<Option<Packed>, Error> {
    let partial = archive.join(format!("{date}{PACKED}.partial"));
    let written = write(&partial, files, stop);
    if !matches!(written, Ok(Some(_))) {
        // On a full disk it would be in the way of everything else.
        let _ = fs::remove_file(&partial);
    }
    let Some((contents, files)) = written? else { return Ok(None) };
    if files.is_empty() {
        fs::remove_file(&partial).at("remove", &partial)?;
        return Ok(Some(Packed::default()));
    }
    if contents_of(&partial)? != contents {
        return Err(Error::Pack { path: partial });
    }
    let pack = place(archive, date, &partial)?;
    for path in files {
        fs::remove_file(&path).at("remove", &path)?;
    }
    let packed_bytes = fs::metadata(&pack).at("look at", &pack)?.len();
    Ok(Some(Packed { files: contents.files, bytes: contents.bytes, packed_bytes }))
}

/// Writes the files into `partial`, durably, and gives those that are in it; `None` if it was stopped.
fn write(partial: &Path, files: Vec<PathBuf>, stop: &AtomicBool) -> Result<Option<(Contents, Vec<PathBuf>)>, Error> {
    let mut writer = Writer::new(partial)?;
    let mut written = Vec::with_capacity(files.len());
    for path in files {
        if stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
        // Gone: a pass took the same file for one that was there already. It is packed, or will be found another time.
        let Some(bytes) = super::read(&path)? else { continue };
        writer.add(&name_of(&path), &bytes)?;
        written.push(path);
    }
    Ok(Some((writer.finish()?, written)))
}

/// What a pack holds: two are equal if the same files lie in them in the same order.
#[derive(Clone, Debug, Default)]
struct Contents {
    files: u64,
    bytes: u64,
    hasher: blake3::Hasher,
}

impl Contents {
    fn add(&mut self, name: &str, bytes: &[u8]) {
        self.files += 1;
        self.bytes += bytes.len() as u64;
        for part in [name.as_bytes(), bytes] {
            self.hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
        }
    }
}

impl PartialEq for Contents {
    fn eq(&self, other: &Self) -> bool {
        (self.files, self.bytes) == (other.files, other.bytes) && self.hasher.finalize() == other.hasher.finalize()
    }
}

/// A pack in the making.
struct Writer<'a> {
    partial: &'a Path,
    tar: tar::Builder<zstd::Encoder<'static, File>>,
    contents: Contents,
}

impl<'a> Writer<'a> {
    fn new(partial: &'a Path) -> Result<Self, Error> {
        let mut options = File::options();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(partial).at("create", partial)?;
        let tar = tar::Builder::new(zstd::Encoder::new(file, LEVEL).at("write", partial)?);
        Ok(Self { partial, tar, contents: Contents::default() })
    }

    fn add(&mut self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o600);
        header.set_size(bytes.len() as u64);
        header.set_mtime(super::queue_name(name).map_or(0, |name| name.captured_ns / 1_000_000_000));
        self.tar.append_data(&mut header, name, bytes).at("write", self.partial)?;
        self.contents.add(name, bytes);
        Ok(())
    }

    /// Durably. Gives what it holds.
    fn finish(self) -> Result<Contents, Error> {
        let mut file = self.tar.into_inner().and_then(zstd::Encoder::finish).at("write", self.partial)?;
        file.flush().and_then(|()| file.sync_all()).at("write", self.partial)?;
        Ok(self.contents)
    }
}

/// What a pack holds, in bounded memory.
fn contents_of(pack: &Path) -> Result<Contents, Error> {
    let mut contents = Contents::default();
    each_packed(pack, &mut |archived| {
        contents.add(archived.file, &archived.bytes);
        Ok(())
    })?;
    Ok(contents)
}

/// Gives the pack its name, which replaces none.
fn place(archive: &Path, date: NaiveDate, partial: &Path) -> Result<PathBuf, Error> {
    let mut n = 1;
    loop {
        let number = if n > 1 { format!(".{n}") } else { String::new() };
        let pack = archive.join(format!("{date}{number}{PACKED}"));
        match rename_new(partial, &pack) {
            Ok(()) => {
                sync_dir(archive)?;
                return Ok(pack);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => n += 1,
            Err(error) => return Err(error).at("move into place", partial),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static NO: AtomicBool = AtomicBool::new(false);

    struct Store(tempfile::TempDir);

    impl Store {
        fn new() -> Self {
            let store = Self(tempfile::tempdir().unwrap());
            fs::create_dir(store.folder()).unwrap();
            store
        }

        fn folder(&self) -> PathBuf {
            self.0.path().join("2026-11-22")
        }

        fn put(&self, n: u64, bytes: &str) {
            fs::create_dir_all(self.folder()).unwrap();
            fs::write(self.folder().join(name(n)), bytes).unwrap();
        }

        fn pack(&self) -> Packed {
            let days = super::super::days(self.0.path()).unwrap();
            let (date, day) = days.first_key_value().unwrap();
            pack(self.0.path(), *date, day, &NO).unwrap()
        }

        fn names(&self) -> Vec<String> {
            let mut names: Vec<_> =
                fs::read_dir(self.0.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            names
        }

        fn all(&self) -> Vec<(String, String)> {
            let mut all = Vec::new();
            super::super::each_file(self.0.path(), &mut |one| {
                all.push((one.file.to_owned(), String::from_utf8(one.bytes).unwrap()));
                Ok(())
            })
            .unwrap();
            all
        }
    }

    fn name(n: u64) -> String {
        format!("{n:019}-{}-Stop.json", "s".repeat(64))
    }

    #[test]
    fn a_day_becomes_a_file_and_stays_the_same() {
        let store = Store::new();
        store.put(1, "{}");
        store.put(2, &"x".repeat(100_000));
        let before = store.all();
        let packed = store.pack();
        assert_eq!((packed.files, packed.bytes), (2, 100_002));
        assert!(packed.packed_bytes < 2000, "{packed:?}");
        assert_eq!(store.names(), ["2026-11-22.tar.zst"]);
        assert_eq!(store.all(), before);
        store.put(3, "late");
        assert_eq!(store.pack().files, 1);
        assert_eq!(store.names(), ["2026-11-22.2.tar.zst", "2026-11-22.tar.zst"]);
        assert_eq!(store.all().len(), 3);
    }

    #[test]
    fn a_day_of_many_files_becomes_several_packs_in_order() {
        let store = Store::new();
        (1..=5).for_each(|n| store.put(n, &format!("{n}")));
        let before = store.all();
        let days = super::super::days(store.0.path()).unwrap();
        let (date, day) = days.first_key_value().unwrap();
        let packed = pack_by(2, store.0.path(), *date, day, &NO).unwrap();
        assert_eq!((packed.files, packed.bytes), (5, 5));
        assert_eq!(store.names(), ["2026-11-22.2.tar.zst", "2026-11-22.3.tar.zst", "2026-11-22.tar.zst"]);
        assert_eq!(store.all(), before);
    }

    #[test]
    fn what_is_packed_already_is_only_removed() {
        let store = Store::new();
        store.put(1, "one");
        store.put(2, "two");
        store.pack();
        store.put(1, "one");
        store.put(2, "another");
        assert_eq!(store.pack().files, 1);
        assert_eq!(store.all().len(), 3, "{:?}", store.all());
    }

    #[test]
    fn what_is_too_large_stays_a_file() {
        let store = Store::new();
        store.put(1, "one");
        store.put(2, "");
        File::options().write(true).open(store.folder().join(name(2))).unwrap().set_len(LARGEST + 1).unwrap();
        assert_eq!(store.pack().files, 1);
        assert_eq!(store.pack().files, 0);
        assert_eq!(store.names(), ["2026-11-22", "2026-11-22.tar.zst"]);
    }

    #[test]
    fn what_is_not_ours_stays() {
        let store = Store::new();
        store.put(1, "one");
        fs::write(store.folder().join("notes.txt"), "mine").unwrap();
        assert_eq!(store.pack().files, 1);
        assert_eq!(store.names(), ["2026-11-22", "2026-11-22.tar.zst"]);
        assert_eq!(fs::read_to_string(store.folder().join("notes.txt")).unwrap(), "mine");
    }

    #[test]
    fn a_death_leaves_a_part_that_is_written_over() {
        let store = Store::new();
        store.put(1, "one");
        fs::write(store.0.path().join("2026-11-22.tar.zst.partial"), "half").unwrap();
        assert_eq!(store.pack().files, 1);
        assert_eq!(store.names(), ["2026-11-22.tar.zst"]);
        assert_eq!(store.all(), [(name(1), "one".to_owned())]);
    }

    #[test]
    fn a_stop_leaves_everything() {
        let store = Store::new();
        store.put(1, "one");
        let days = super::super::days(store.0.path()).unwrap();
        let (date, day) = days.first_key_value().unwrap();
        assert_eq!(pack(store.0.path(), *date, day, &AtomicBool::new(true)).unwrap(), Packed::default());
        assert_eq!(store.names(), ["2026-11-22"]);
    }
}
