//! How full the queue is: counts and ages from names alone, no file opened.

use std::path::Path;
use std::{fs, io};

use queue::DataDir;

/// Counting ends here: what matters then is no longer the number.
const MOST: u64 = 100_000;

/// What lies in a folder of the queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Folder {
    /// Files; at [`MOST`] there may be more.
    pub(crate) files: u64,
    /// The time in the oldest name, in nanoseconds since 1970, UTC.
    pub(crate) oldest_ns: Option<u64>,
}

/// The whole queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Backlog {
    pub(crate) tmp: Folder,
    pub(crate) incoming: Folder,
    pub(crate) processing: Folder,
    pub(crate) failed: Folder,
}

/// Counts. A folder that does not exist is empty; it is made by whoever needs it first.
pub(crate) fn count(home: &DataDir) -> io::Result<Backlog> {
    Ok(Backlog {
        tmp: folder(&home.tmp())?,
        incoming: folder(&home.incoming())?,
        processing: folder(&home.processing())?,
        failed: folder(&home.failed())?,
    })
}

fn folder(path: &Path) -> io::Result<Folder> {
    let mut folder = Folder::default();
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(folder),
        Err(error) => return Err(io::Error::new(error.kind(), format!("read {}: {error}", path.display()))),
    };
    for entry in entries {
        let name = entry?.file_name();
        let name = name.as_encoded_bytes();
        if name.ends_with(b".reason.json") {
            continue; // the note beside a failed file
        }
        folder.files += 1;
        folder.oldest_ns = match (folder.oldest_ns, time(name)) {
            (Some(oldest), Some(time)) => Some(oldest.min(time)),
            (oldest, time) => oldest.or(time),
        };
        if folder.files == MOST {
            break;
        }
    }
    Ok(folder)
}

/// The time at the beginning of a queue file's name, whatever was put behind it since.
fn time(name: &[u8]) -> Option<u64> {
    let digits = name.get(..19)?;
    let sound = digits.iter().all(u8::is_ascii_digit) && name.get(19) == Some(&b'-');
    if sound { std::str::from_utf8(digits).ok()?.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_oldest() {
        let home = tempfile::tempdir().unwrap();
        let dir = DataDir::new(home.path());
        let empty = count(&dir).unwrap();
        assert_eq!((empty.incoming, empty.failed), (Folder::default(), Folder::default()));
        dir.create().unwrap();
        for name in ["1795350951598014047-s-Stop.json", "1795350951598014046-s-Stop.json", "0-odd"] {
            fs::write(dir.incoming().join(name), "").unwrap();
        }
        fs::write(dir.processing().join("0000000000000000009-s-Stop.json.a2"), "").unwrap();
        fs::write(dir.failed().join("0000000000000000007-s-Stop.json"), "").unwrap();
        fs::write(dir.failed().join("0000000000000000007-s-Stop.json.reason.json"), "").unwrap();
        let found = count(&dir).unwrap();
        assert_eq!(found.incoming, Folder { files: 3, oldest_ns: Some(1_795_350_951_598_014_046) });
        assert_eq!(found.processing, Folder { files: 1, oldest_ns: Some(9) });
        assert_eq!(found.failed, Folder { files: 1, oldest_ns: Some(7) });
        assert_eq!(found.tmp, Folder::default());
    }
}
