//! What was taken in, kept beside the database: a folder of queue files for each UTC day, or one packed file.
//!
//! ```text
//! archive/2026-11-22/NAME            as files
//! archive/2026-11-15.tar.zst         packed: the same files in a tar that any system opens
//! archive/2026-11-15.2.tar.zst       and what one pack does not hold, or what was taken in of that day after it
//! ```
//!
//! The archive repeats what the database holds, so that the database can be made anew. Whatever packs, thins out or reads
//! all of it finds it through here.

mod folder;
mod limited;
pub(crate) mod pack;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use queue::QueueName;

use crate::error::{At, Error};
pub(crate) use folder::files;
use limited::{Limited, plain};

/// The largest file that goes into a pack, in bytes: each is read into memory, whatever a damaged pack says of itself.
pub(crate) const LARGEST: u64 = settings::MAX_EVENT;

/// Ends the name of a packed day.
const PACKED: &str = ".tar.zst";

/// What there is of one UTC day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Day {
    /// Its folder, if it has one.
    pub(crate) folder: Option<PathBuf>,
    /// Its packed files, in the order of their numbers.
    pub(crate) packs: Vec<PathBuf>,
}

/// The days of the archive, the oldest first. Other names are nobody's business here.
///
/// # Errors
/// [`Error::Away`]: whoever finds no day must know that there is none. The operating system's.
pub(crate) fn days(archive: &Path) -> Result<BTreeMap<NaiveDate, Day>, Error> {
    let mut found: BTreeMap<NaiveDate, Day> = BTreeMap::new();
    let entries = match fs::read_dir(archive) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            within_reach(archive)?;
            return Ok(found);
        }
        entries => entries.at("list", archive)?,
    };
    for entry in entries {
        let entry = entry.at("list", archive)?;
        let (name, kind) = (entry.file_name(), entry.file_type().at("look at", &entry.path())?);
        let Some(name) = name.to_str() else { continue };
        if kind.is_dir() {
            if let Some(day) = day(name) {
                found.entry(day).or_default().folder = Some(entry.path());
            }
        } else if kind.is_file()
            && let Some(day) = packed_day(name)
        {
            found.entry(day).or_default().packs.push(entry.path());
        }
    }
    for day in found.values_mut() {
        day.packs.sort_by_key(|pack| (pack.as_os_str().len(), pack.clone()));
    }
    Ok(found)
}

/// Whether the archive can be there at all.
///
/// # Errors
/// [`Error::Away`].
pub(crate) fn within_reach(archive: &Path) -> Result<(), Error> {
    match queue::layout::away(archive) {
        Some(target) => Err(Error::Away { what: "archive", link: archive.to_owned(), target }),
        None => Ok(()),
    }
}

fn day(name: &str) -> Option<NaiveDate> {
    (name.len() == 10).then(|| name.parse().ok()).flatten()
}

fn packed_day(name: &str) -> Option<NaiveDate> {
    let stem = name.strip_suffix(PACKED)?;
    let (day_part, number) = stem.split_at_checked(10)?;
    let numbered = number.is_empty() || number.strip_prefix('.').is_some_and(|n| n.parse::<u64>().is_ok_and(|n| n > 1));
    if numbered { day(day_part) } else { None }
}

/// One archived queue file.
#[derive(Debug)]
pub struct Archived<'a> {
    /// Its own path, or that of the pack it lies in.
    pub place: &'a Path,
    /// Its name there: a queue file's, with a number behind it where the name was taken.
    pub file: &'a str,
    /// What is in it.
    pub bytes: Vec<u8>,
}

impl Archived<'_> {
    /// The name it had in the queue; `None` if it had none of ours.
    pub fn queue_name(&self) -> Option<QueueName> {
        queue_name(self.file)
    }
}

/// The queue file's name behind a name in the archive.
pub(crate) fn queue_name(file: &str) -> Option<QueueName> {
    QueueName::numbered(file)
}

/// Shows every archived file to `visit`, day by day. One is in memory at a time. Files that go away meanwhile are left out:
/// they are in a pack by then, or were dropped.
///
/// # Errors
/// The operating system's, a pack that cannot be read, and those of `visit`.
pub fn each_file(archive: &Path, visit: &mut dyn FnMut(Archived<'_>) -> Result<(), Error>) -> Result<(), Error> {
    for day in days(archive)?.into_values() {
        for pack in &day.packs {
            each_packed(pack, visit)?;
        }
        for path in day.folder.iter().flat_map(|folder| files(folder)) {
            let path = path?;
            if let Some(bytes) = read(&path)? {
                visit(Archived { place: &path, file: &name_of(&path), bytes })?;
            }
        }
    }
    Ok(())
}

/// The files of one pack.
///
/// # Errors
/// As [`each_file`].
pub(crate) fn each_packed(pack: &Path, visit: &mut dyn FnMut(Archived<'_>) -> Result<(), Error>) -> Result<(), Error> {
    let file = File::open(pack).at("open", pack)?;
    let unpacked = zstd::Decoder::new(file).map_err(|error| plain(&error)).at("unpack", pack)?;
    let (unpacked, budget) = Limited::new(unpacked, LARGEST);
    let mut tar = tar::Archive::new(unpacked);
    for entry in tar.entries().map_err(|error| plain(&error)).at("unpack", pack)? {
        let mut entry = entry.map_err(|error| plain(&error)).at("unpack", pack)?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let bytes = read_entry(&mut entry).map_err(|error| plain(&error)).at("unpack", pack)?;
        visit(Archived { place: pack, file: &name, bytes })?;
        budget.renew();
    }
    Ok(())
}

/// All of an entry. What its header says of its size is not believed before so much was read.
fn read_entry<R: Read>(entry: &mut tar::Entry<'_, R>) -> io::Result<Vec<u8>> {
    let size = entry.size();
    if size > LARGEST {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size.min(1 << 20)).unwrap_or(0));
    entry.take(size + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == size { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// The bytes of a file; `None` if it is gone.
///
/// # Errors
/// The operating system's.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        bytes => bytes.map(Some).at("read", path),
    }
}

/// The last part of a path.
pub(crate) fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_packed_days() {
        let check = |name: &str, expected: Option<&str>| {
            assert_eq!(packed_day(name).map(|day| day.to_string()).as_deref(), expected, "{name}");
        };
        check("2026-11-22.tar.zst", Some("2026-11-22"));
        check("2026-11-22.2.tar.zst", Some("2026-11-22"));
        check("2026-11-22.1.tar.zst", None);
        check("2026-11-22.tar.zst.partial", None);
        check("2026-13-22.tar.zst", None);
        check("é026-11-2.tar.zst", None);
        check("notes.tar.zst", None);
    }

    #[test]
    fn names_of_files() {
        let name = "1795350951598014047-s-Stop.json";
        let check = |file: &str, expected: Option<&str>| {
            assert_eq!(queue_name(file).map(|name| name.to_string()).as_deref(), expected, "{file}");
        };
        check(name, Some(name));
        check(&format!("{name}.2"), Some(name));
        check(&format!("{name}.a2"), None);
        check("notes.txt", None);
    }

    /// A tar of one file whose header says `size`, then `bytes`.
    fn lying(kind: tar::EntryType, size: u64, bytes: &mut dyn Read) -> tempfile::NamedTempFile {
        let pack = tempfile::NamedTempFile::new().unwrap();
        let mut header = tar::Header::new_gnu();
        header.set_path("a").unwrap();
        header.set_entry_type(kind);
        header.set_size(size);
        header.set_cksum();
        let mut zstd = zstd::Encoder::new(pack.as_file(), 1).unwrap();
        io::Write::write_all(&mut zstd, header.as_bytes()).unwrap();
        io::copy(bytes, &mut zstd).unwrap();
        zstd.finish().unwrap();
        pack
    }

    /// Damage is told, shows none of what was read, and costs no memory.
    #[test]
    fn packs_that_lie() {
        let check = |kind: tar::EntryType, size: u64, bytes: &mut dyn Read, expected: &str| {
            let pack = lying(kind, size, bytes);
            let told = each_packed(pack.path(), &mut |_| Ok(())).unwrap_err().to_string();
            assert_eq!(told, format!("unpack {}: it is damaged ({expected})", pack.path().display()), "{size}");
        };
        check(tar::EntryType::Regular, 1 << 60, &mut io::empty(), "file too large");
        check(tar::EntryType::Regular, LARGEST + 1, &mut io::empty(), "file too large");
        check(tar::EntryType::Regular, 5, &mut io::empty(), "unexpected end of file");
        check(tar::EntryType::GNULongName, 1 << 60, &mut io::repeat(0).take(LARGEST + (1 << 20)), "file too large");
        // The next header is none.
        check(tar::EntryType::Regular, 0, &mut [b'S'; 512].as_slice(), "other error");
    }
}
