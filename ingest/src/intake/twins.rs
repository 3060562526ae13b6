//! A file under two names of the queue: a move that died in its middle.
//!
//! Where the kernel cannot rename without replacing, a move is a link and an unlink, and a death between them leaves both
//! names. The later place is the true one, so the earlier name goes. A second name anywhere else is not ours to judge.

use std::fs::{self, Metadata};
use std::os::unix::fs::{DirEntryExt, MetadataExt};
use std::path::{Path, PathBuf};

use queue::QueueName;

use crate::error::{At, Error};
use crate::intake::lock;
use crate::intake::places::Places;

/// Ends the interrupted move of the locked file at `path`. Whether the file is at `path` still, under that name alone.
///
/// # Errors
/// The operating system's.
pub(crate) fn heal(places: &Places, path: &Path, meta: &Metadata, parts: &QueueName) -> Result<bool, Error> {
    if meta.nlink() != 2 {
        return Ok(false);
    }
    let Some(twin) = find(places, path, meta, parts)? else { return Ok(false) };
    let stays = rank(places, path) >= rank(places, &twin);
    let goes = if stays { &twin } else { path };
    fs::remove_file(goes).at("remove the old name", goes)?;
    tracing::info!(file = %goes.display(), "ended an interrupted move");
    Ok(stays)
}

fn find(places: &Places, path: &Path, meta: &Metadata, parts: &QueueName) -> Result<Option<PathBuf>, Error> {
    let day = places.day(parts);
    for dir in before_failed(places).chain([&places.failed, &day]) {
        let Ok(entries) = fs::read_dir(dir) else { continue };
        for entry in entries {
            let entry = entry.at("read", dir)?;
            let twin = entry.path();
            if entry.ino() == meta.ino() && twin != path && lock::is_at(meta, &twin).at("look at", &twin)? {
                return Ok(Some(twin));
            }
        }
    }
    Ok(None)
}

/// The further a place is down the queue, the higher; in processing the attempt decides, which sorts last in the name.
fn rank<'a>(places: &Places, path: &'a Path) -> (usize, &'a Path) {
    let place = before_failed(places).position(|dir| path.parent() == Some(dir)).unwrap_or(usize::MAX);
    (place, path)
}

/// The places that files move out of, in the order in which they pass through them.
fn before_failed(places: &Places) -> impl Iterator<Item = &PathBuf> {
    let spill = places.spill.iter().flat_map(|spill| [&spill.tmp, &spill.incoming]);
    spill.chain([&places.tmp, &places.incoming, &places.processing])
}

#[cfg(test)]
mod tests {
    use super::*;
    use queue::DataDir;

    const NAME: &str = "1795350951598014047-s-Stop.json";

    /// The file stands under both names; looked at through `seen`, it must end under the later alone.
    fn check(earlier: &str, later: &str) {
        for seen_later in [true, false] {
            let home = tempfile::tempdir().unwrap();
            let dir = DataDir::new(home.path());
            dir.create().unwrap();
            let (earlier, later) = (dir.queue().join(earlier), dir.queue().join(later));
            for path in [&earlier, &later] {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
            }
            fs::write(&earlier, "{}").unwrap();
            fs::hard_link(&earlier, &later).unwrap();
            let seen = if seen_later { &later } else { &earlier };
            let meta = fs::metadata(seen).unwrap();
            let stays =
                heal(&Places::new(&dir, Some(&dir.queue().join("../spill"))), seen, &meta, &NAME.parse().unwrap())
                    .unwrap();
            assert_eq!(stays, seen_later, "{}", seen.display());
            assert!(!earlier.exists() && later.exists());
        }
    }

    #[test]
    fn the_later_name_stays() {
        check(&format!("tmp/{NAME}"), &format!("incoming/{NAME}"));
        check(&format!("../spill/tmp/{NAME}"), &format!("../spill/incoming/{NAME}"));
        check(&format!("../spill/incoming/{NAME}"), &format!("incoming/{NAME}"));
        check(&format!("incoming/{NAME}"), &format!("processing/{NAME}.a1"));
        check(&format!("processing/{NAME}.a1"), &format!("processing/{NAME}.a2"));
        check(&format!("processing/{NAME}.a1"), &format!("failed/{NAME}"));
        check(&format!("processing/{NAME}.a2"), &format!("archive/2026-11-22/{NAME}"));
    }

    #[test]
    fn a_link_from_elsewhere_is_not_ours() {
        let home = tempfile::tempdir().unwrap();
        let dir = DataDir::new(home.path());
        dir.create().unwrap();
        let path = dir.incoming().join(NAME);
        fs::write(&path, "{}").unwrap();
        fs::hard_link(&path, home.path().join("elsewhere")).unwrap();
        let meta = fs::metadata(&path).unwrap();
        assert!(
            !heal(&Places::new(&dir, Some(&dir.queue().join("../spill"))), &path, &meta, &NAME.parse().unwrap())
                .unwrap()
        );
        assert!(path.exists());
    }
}
