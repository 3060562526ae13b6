//! A folder into which files are put under names out of a store, some of which came from another machine: whatever they
//! are, nothing is written outside of it, nothing that differs is replaced, and what is there already is left alone.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::error::{At, Error};
use crate::out::{Existing, NewFile};

/// The folder.
#[derive(Debug)]
pub struct Tree {
    dir: PathBuf,
    existing: Existing,
}

/// What putting a file did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// It was written.
    Written,
    /// The same bytes were there.
    Same,
}

impl Tree {
    /// `dir`, made if it is missing.
    ///
    /// # Errors
    /// The operating system's; [`Error::Taken`] if it is no folder.
    pub fn open(dir: &Path, existing: Existing) -> Result<Self, Error> {
        queue::layout::create_private_dir(dir).at("make", dir)?;
        Ok(Self { dir: dir.to_owned(), existing })
    }

    /// Puts a file at `name`, a path with `/` below the folder, with the bytes that `fill` writes.
    ///
    /// # Errors
    /// [`Error::Escapes`] for a name that is no path below the folder or leads over a link, [`Error::Taken`] if other
    /// bytes are there, else the operating system's and those of `fill`.
    pub fn put(
        &self,
        name: &str,
        modified_ns: Option<i64>,
        fill: impl FnOnce(&mut NewFile) -> Result<(), Error>,
    ) -> Result<Put, Error> {
        let path = self.place(name)?;
        let differs = || Error::Taken { path: path.clone() };
        let there = match fs::symlink_metadata(&path) {
            Ok(meta) if !meta.is_file() => return Err(Error::NoFile { path }),
            Ok(_) => true,
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(error).at("look at", &path),
        };
        let mut file = NewFile::create(&path, Existing::Replace)?;
        fill(&mut file)?;
        file.flush()?;
        if there && same(file.temporary(), &path)? {
            return Ok(Put::Same);
        }
        if there && self.existing == Existing::Keep {
            return Err(differs());
        }
        if let Some(time) = modified_ns.and_then(system_time) {
            file.set_modified(time);
        }
        file.finish()?;
        Ok(Put::Written)
    }

    /// The path of `name`, whose folders are made and are no links.
    fn place(&self, name: &str) -> Result<PathBuf, Error> {
        let escapes = || Error::Escapes { dir: self.dir.clone(), name: name.to_owned() };
        let mut path = self.dir.clone();
        let mut parts = parts(name).ok_or_else(escapes)?.into_iter().peekable();
        while let Some(part) = parts.next() {
            path.push(part);
            if parts.peek().is_none() {
                break;
            }
            match fs::symlink_metadata(&path) {
                Ok(meta) if meta.is_dir() => {}
                Ok(_) => return Err(escapes()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    queue::layout::create_private_dir(&path).at("make", &path)?;
                }
                Err(error) => return Err(error).at("look at", &path),
            }
        }
        Ok(path)
    }
}

/// The parts of a path that stays where it begins.
fn parts(name: &str) -> Option<Vec<&str>> {
    let fine = |part: &&str| !part.is_empty() && *part != "." && *part != ".." && !part.contains('\0');
    name.split('/').map(|part| Some(part).filter(fine)).collect()
}

fn same(a: &Path, b: &Path) -> Result<bool, Error> {
    let mut files = [File::open(a).at("open", a)?, File::open(b).at("open", b)?];
    let size = |file: &File, path| file.metadata().map(|meta| meta.len()).at("look at", path);
    if size(&files[0], a)? != size(&files[1], b)? {
        return Ok(false);
    }
    let mut buffers = [vec![0; 1 << 16], vec![0; 1 << 16]];
    loop {
        let mut read = [0; 2];
        for (which, path) in [(0, a), (1, b)] {
            while read[which] < buffers[which].len() {
                match files[which].read(&mut buffers[which][read[which]..]).at("read", path)? {
                    0 => break,
                    n => read[which] += n,
                }
            }
        }
        if buffers[0][..read[0]] != buffers[1][..read[1]] {
            return Ok(false);
        }
        if read[0] == 0 {
            return Ok(true);
        }
    }
}

fn system_time(ns: i64) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_nanos(u64::try_from(ns).ok()?))
}

/// A folder name for each (origin, root): the last part of the root. Where two would have the same one, the first in the
/// list keeps it, and the others get the beginning of their origin behind it, and a number if that is not enough.
pub fn labels(roots: &[(String, String)]) -> HashMap<(String, String), String> {
    let mut taken = BTreeMap::new();
    for (origin, root) in roots {
        let last = root.rsplit(['/', '\\']).find(|part| !part.is_empty()).unwrap_or("root");
        let clean = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
        let mut label: String = last.chars().map(clean).collect::<String>().trim_start_matches('.').to_owned();
        if label.is_empty() {
            label.push_str("root");
        }
        let beginning: String = origin.chars().filter(char::is_ascii_alphanumeric).take(8).collect();
        let numbered = (2..).map(|n| format!("{label}-{beginning}-{n}"));
        let free = [label.clone(), format!("{label}-{beginning}")]
            .into_iter()
            .chain(numbered)
            .find(|label| !taken.contains_key(&label.to_lowercase()))
            .unwrap_or_default();
        taken.insert(free.to_lowercase(), ((origin.clone(), root.clone()), free));
    }
    taken.into_values().collect()
}

/// The name of what stood at `path` before another file did.
pub fn superseded(path: &str, at_ms: i64, row: i64) -> String {
    format!("{path}.superseded-{}-{row}", crate::time::compact(at_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(tree: &Tree, name: &str, text: &str) -> Result<Put, Error> {
        tree.put(name, Some(1_000_000_000), |file| file.write(|out| out.write_all(text.as_bytes())))
    }

    #[test]
    fn nothing_leads_out() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("out");
        let tree = Tree::open(&dir, Existing::Replace).unwrap();
        std::os::unix::fs::symlink(home.path(), dir.join("up")).unwrap();
        fs::write(dir.join("file"), "").unwrap();
        for name in
            ["", "/", "/etc/x", "..", "../x", "a/../../x", "a/./x", "a//x", "a/", "./x", "x\0", "up/x", "file/x"]
        {
            assert!(matches!(put(&tree, name, "x"), Err(Error::Escapes { .. })), "{name:?}");
        }
        assert!(matches!(put(&tree, "up", "x"), Err(Error::NoFile { .. })));
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
        put(&tree, "-a/...b/c d\\..\n", "x").unwrap();
    }

    #[test]
    fn what_differs_stays() {
        let home = tempfile::tempdir().unwrap();
        let keep = Tree::open(home.path(), Existing::Keep).unwrap();
        assert_eq!(put(&keep, "a/b", "one").unwrap(), Put::Written);
        assert_eq!(put(&keep, "a/b", "one").unwrap(), Put::Same);
        assert!(matches!(put(&keep, "a/b", "two"), Err(Error::Taken { .. })));
        assert!(matches!(put(&keep, "a/b", "longer"), Err(Error::Taken { .. })));
        assert_eq!(fs::read_to_string(home.path().join("a/b")).unwrap(), "one");
        let replace = Tree::open(home.path(), Existing::Replace).unwrap();
        assert_eq!(put(&replace, "a/b", "two").unwrap(), Put::Written);
        assert_eq!(fs::read_to_string(home.path().join("a/b")).unwrap(), "two");
        let modified = fs::metadata(home.path().join("a/b")).unwrap().modified().unwrap();
        assert_eq!(modified, SystemTime::UNIX_EPOCH + Duration::from_secs(1));
        assert_eq!(fs::read_dir(home.path().join("a")).unwrap().count(), 1, "something is left");
    }

    #[test]
    fn each_root_has_a_folder() {
        let root = |origin: &str, root: &str| (origin.to_owned(), root.to_owned());
        let roots = [
            root("0000aaaa11", "/home/me/.claude/projects"),
            root("0000aaaa11", "/home/me/.claude"),
            root("ffff000011", "/home/you/.claude/projects/"),
            root("ffff000011", "/srv/Projects"),
            root("ffff000011", "C:\\Users\\you\\pro:jects"),
            root("ffff000011", "../.."),
        ];
        let labels = labels(&roots);
        let found: Vec<_> = roots.iter().map(|root| labels[root].as_str()).collect();
        assert_eq!(found, ["projects", "claude", "projects-ffff0000", "Projects-ffff0000-2", "pro_jects", "root"]);
    }
}
