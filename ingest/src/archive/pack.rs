//! A day's folder becomes one file. Nothing is removed before the new file is read back and found the same.
//!
//! ```text
//! DAY/* ──▶ DAY.tar.zst.partial ──sync, read back, compare──▶ DAY.tar.zst ──sync──▶ exactly these files are removed
//! ```
//!
//! A death before the rename leaves a part, which the next one writes over; a death after it leaves files that are packed
//! already, which the next one finds in the pack and only removes.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::NaiveDate;
use queue::place::rename_new;

use super::{Day, LARGEST, PACKED, each_packed, files, name_of};
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

/// By name: the hash of the bytes.
type Contents = HashMap<String, blake3::Hash>;

/// Packs what lies in the folder of `date`. The caller holds the lock that keeps every other packer out.
///
/// # Errors
/// The operating system's; then everything is still there.
pub(crate) fn pack(archive: &Path, date: NaiveDate, day: &Day, stop: &AtomicBool) -> Result<Packed, Error> {
    let Some(folder) = &day.folder else { return Ok(Packed::default()) };
    let mut left = files(folder)?;
    // What is larger was taken in by a setting of its own, and stays a file: no reader of packs takes that much into memory.
    left.retain(|path| path.metadata().is_ok_and(|meta| meta.len() <= LARGEST));
    if !left.is_empty() && !day.packs.is_empty() {
        left = remove_packed(left, &day.packs)?;
    }
    let mut done = Packed::default();
    if !left.is_empty() {
        let partial = archive.join(format!("{date}{PACKED}.partial"));
        let written = write(&partial, &left, stop);
        if written.is_err() {
            // On a full disk it would be in the way of everything else.
            let _ = fs::remove_file(&partial);
        }
        let Some((contents, bytes)) = written? else { return Ok(done) };
        if contents_of(&partial)? != contents {
            return Err(Error::Pack { path: partial });
        }
        let pack = place(archive, date, &partial)?;
        for path in left.iter().filter(|path| contents.contains_key(&name_of(path))) {
            fs::remove_file(path).at("remove", path)?;
        }
        let packed_bytes = fs::metadata(&pack).at("look at", &pack)?.len();
        done = Packed { files: contents.len() as u64, bytes, packed_bytes };
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
    let (contents, _) = left?;
    if contents_of(&partial)? != contents {
        return Err(Error::Pack { path: partial });
    }
    if contents.is_empty() {
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

/// Removes the files that a pack holds already; gives the others.
fn remove_packed(files: Vec<PathBuf>, packs: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let mut packed: HashMap<String, Vec<blake3::Hash>> = HashMap::new();
    for pack in packs {
        for (name, hash) in contents_of(pack)? {
            packed.entry(name).or_default().push(hash);
        }
    }
    let mut left = Vec::new();
    for path in files {
        let known = packed.get(&name_of(&path));
        let is_packed = match known {
            None => false,
            Some(hashes) => super::read(&path)?.is_some_and(|bytes| hashes.contains(&blake3::hash(&bytes))),
        };
        if is_packed {
            fs::remove_file(&path).at("remove", &path)?;
        } else {
            left.push(path);
        }
    }
    Ok(left)
}

/// Writes the files into `partial`, durably; `None` if it was stopped.
fn write(partial: &Path, files: &[PathBuf], stop: &AtomicBool) -> Result<Option<(Contents, u64)>, Error> {
    let mut writer = Writer::new(partial)?;
    for path in files {
        if stop.load(Ordering::Relaxed) {
            fs::remove_file(partial).at("remove", partial)?;
            return Ok(None);
        }
        // Gone: a pass took the same file for one that was there already. It is packed, or will be found another time.
        let Some(bytes) = super::read(path)? else { continue };
        writer.add(&name_of(path), &bytes)?;
    }
    writer.finish().map(Some)
}

/// A pack in the making.
struct Writer<'a> {
    partial: &'a Path,
    tar: tar::Builder<zstd::Encoder<'static, File>>,
    contents: Contents,
    bytes: u64,
}

impl<'a> Writer<'a> {
    fn new(partial: &'a Path) -> Result<Self, Error> {
        let mut options = File::options();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(partial).at("create", partial)?;
        let tar = tar::Builder::new(zstd::Encoder::new(file, LEVEL).at("write", partial)?);
        Ok(Self { partial, tar, contents: Contents::new(), bytes: 0 })
    }

    fn add(&mut self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o600);
        header.set_size(bytes.len() as u64);
        header.set_mtime(super::queue_name(name).map_or(0, |name| name.captured_ns / 1_000_000_000));
        self.tar.append_data(&mut header, name, bytes).at("write", self.partial)?;
        self.bytes += bytes.len() as u64;
        self.contents.insert(name.to_owned(), blake3::hash(bytes));
        Ok(())
    }

    /// Durably. Gives what it holds and how many bytes these are.
    fn finish(self) -> Result<(Contents, u64), Error> {
        let mut file = self.tar.into_inner().and_then(zstd::Encoder::finish).at("write", self.partial)?;
        file.flush().and_then(|()| file.sync_all()).at("write", self.partial)?;
        Ok((self.contents, self.bytes))
    }
}

/// What a pack holds, in bounded memory.
fn contents_of(pack: &Path) -> Result<Contents, Error> {
    let mut contents = Contents::new();
    each_packed(pack, &mut |archived| {
        contents.insert(archived.file.to_owned(), blake3::hash(&archived.bytes));
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
