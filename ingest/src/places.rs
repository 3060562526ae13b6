//! To which repository a working directory belongs: looked up on this disk once, when the directory is first met, and kept
//! for good. A worktree belongs to the repository it was made from.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use store::write::{WantedPlace, Writer};

/// So many directories are looked up in one transaction.
const BATCH: usize = 256;

/// A `.git` file is one line with a path.
const MAX_GIT_FILE: u64 = 8 * 1024;

/// Looks up every directory that deriving has met and nobody has looked at.
///
/// # Errors
/// The store's. What the disk does not tell is no error: the directory is then its own project.
pub fn look_up(writer: &mut Writer) -> Result<u64, store::Error> {
    let mut looked_up = 0;
    loop {
        let wanted = writer.wanted_places(BATCH)?;
        if wanted.is_empty() {
            return Ok(looked_up);
        }
        // The disk may be slow, so it is asked before the transaction begins.
        let found: Vec<(WantedPlace, Option<PathBuf>)> = wanted
            .into_iter()
            .map(|wanted| {
                let root = find(&wanted);
                (wanted, root)
            })
            .collect();
        let met_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_millis() as i64);
        let batch = writer.batch()?;
        for (wanted, root) in &found {
            batch.put_place(&wanted.cwd, root.as_deref().and_then(Path::to_str), met_ms)?;
        }
        batch.commit()?;
        looked_up += found.len() as u64;
    }
}

fn find(wanted: &WantedPlace) -> Option<PathBuf> {
    let original = || git_root(Path::new(wanted.original.as_deref()?));
    git_root(Path::new(&wanted.cwd)).or_else(original)
}

/// The repository that holds a directory; `None` if it is gone, or in none.
fn git_root(cwd: &Path) -> Option<PathBuf> {
    if !cwd.is_absolute() || !cwd.is_dir() {
        return None;
    }
    cwd.ancestors().find_map(|folder| {
        let git = folder.join(".git");
        let kind = fs::symlink_metadata(&git).ok()?;
        let main = || if kind.is_file() { main_of_worktree(&git) } else { None };
        Some(main().unwrap_or_else(|| folder.to_owned()))
    })
}

/// Where the `.git` file of a worktree leads: `gitdir: /repository/.git/worktrees/NAME`. A submodule's leads elsewhere, and
/// is a repository of its own.
fn main_of_worktree(git: &Path) -> Option<PathBuf> {
    let mut text = String::new();
    File::open(git).ok()?.take(MAX_GIT_FILE).read_to_string(&mut text).ok()?;
    let leads_to = Path::new(text.strip_prefix("gitdir:")?.trim());
    let worktrees = leads_to.parent().filter(|parent| parent.ends_with("worktrees"))?;
    let repository = clean(&git.parent()?.join(worktrees.parent()?));
    if repository.ends_with(".git") { repository.parent().map(Path::to_owned) } else { Some(repository) }
}

/// Without the `..` of a relative path.
fn clean(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir => drop(clean.pop()),
            std::path::Component::CurDir => {}
            part => clean.push(part),
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use queue::DataDir;

    use super::*;

    /// A disk: folders end with `/`, files have a text.
    struct Disk(tempfile::TempDir);

    impl Disk {
        fn with(entries: &[(&str, &str)]) -> Self {
            let home = tempfile::tempdir().unwrap();
            for (path, text) in entries {
                let path = home.path().join(path);
                if text.is_empty() {
                    fs::create_dir_all(path).unwrap();
                } else {
                    fs::create_dir_all(path.parent().unwrap()).unwrap();
                    fs::write(path, text.replace("~", home.path().to_str().unwrap())).unwrap();
                }
            }
            Self(home)
        }

        fn check(&self, cwd: &str, expected: Option<&str>) {
            self.check_wanted(cwd, None, expected);
        }

        fn check_wanted(&self, cwd: &str, original: Option<&str>, expected: Option<&str>) {
            let absolute = |path: &str| self.0.path().join(path).to_str().unwrap().to_owned();
            let wanted = WantedPlace { cwd: absolute(cwd), original: original.map(absolute) };
            assert_eq!(find(&wanted), expected.map(|path| self.0.path().join(path)), "{cwd}");
        }
    }

    #[test]
    fn a_directory_belongs_to_the_repository_above_it() {
        let disk = Disk::with(&[("acme/.git", ""), ("acme/src/deep", ""), ("alone", "")]);
        disk.check("acme", Some("acme"));
        disk.check("acme/src/deep", Some("acme"));
        disk.check("alone", None);
        disk.check("acme/gone", None);
        assert_eq!(git_root(Path::new("relative")), None);
        assert_eq!(git_root(Path::new("e:\\Workspace")), None);
    }

    #[test]
    fn a_worktree_belongs_to_its_repository() {
        let disk = Disk::with(&[
            ("acme/.git/worktrees/topic", ""),
            ("topic/.git", "gitdir: ~/acme/.git/worktrees/topic\n"),
            ("topic/src", ""),
            ("beside/.git", "gitdir: ../acme/.git/worktrees/beside\n"),
            ("bare-tree/.git", "gitdir: ~/bare.git/worktrees/x\n"),
        ]);
        disk.check("topic", Some("acme"));
        disk.check("topic/src", Some("acme"));
        disk.check("beside", Some("acme"));
        disk.check("bare-tree", Some("bare.git"));
    }

    #[test]
    fn a_worktree_that_is_gone_belongs_to_where_it_was_made_from() {
        let disk = Disk::with(&[("acme/.git", ""), ("acme/src", "")]);
        disk.check_wanted("topic", Some("acme/src"), Some("acme"));
        disk.check_wanted("topic", Some("gone"), None);
    }

    #[test]
    fn a_submodule_is_a_repository_of_its_own() {
        let disk = Disk::with(&[("acme/.git", ""), ("acme/sub/.git", "gitdir: ../.git/modules/sub\n")]);
        disk.check("acme/sub", Some("acme/sub"));
    }

    #[test]
    fn a_strange_git_file_is_no_reason_to_stop() {
        let disk = Disk::with(&[("a/.git", "nonsense"), ("b/.git", "gitdir:"), ("c/.git", "gitdir: worktrees")]);
        disk.check("a", Some("a"));
        disk.check("b", Some("b"));
        disk.check("c", Some("c"));
    }

    #[test]
    fn nothing_wanted_is_nothing_done() {
        let home = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(&DataDir::new(home.path())).unwrap();
        assert_eq!(look_up(&mut writer).unwrap(), 0);
    }
}
