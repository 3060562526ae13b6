//! A folder of Claude Code's, and that it is a person's own: what a project has in its `.claude` is shared with others, and a
//! hook that stands there runs on their machines.

use std::ffi::OsStr;
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::error::{At, Error};
use crate::setup::user::User;

/// What a person's folder has and a project's has not.
const OWN: [&str; 3] = ["projects", ".claude.json", ".credentials.json"];
/// What marks the root of a project.
const ROOTS: [&str; 4] = [".git", ".hg", ".jj", ".svn"];

/// The folders that were named, absolute and each once; without any, the one that Claude Code uses.
///
/// # Errors
/// [`Error::Refused`] for a project's; [`Error::Settings`] without a home directory.
pub(super) fn all(user: &User<'_>, named: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let named = if named.is_empty() { vec![user.claude()?] } else { named.to_vec() };
    let mut all = Vec::new();
    for path in named {
        let path = std::path::absolute(&path).at("find", &path)?;
        let path = normal(&path);
        if is_of_a_project(&path, user.path("HOME").as_deref()) {
            let problem = "these are a project's settings, which others share; name a folder of your own, as CLAUDE_CONFIG_DIR does";
            return Err(Error::Refused { path, problem: problem.to_owned() });
        }
        if !all.contains(&path) {
            all.push(path);
        }
    }
    Ok(all)
}

/// The path without `..`, which leads up from where the links before it lead to; links behind the last one stay, because a
/// person may keep the folder itself in a repository of settings.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        if part == Component::ParentDir {
            normal = normal.canonicalize().unwrap_or(normal);
            normal.pop();
        } else {
            normal.push(part);
        }
    }
    normal
}

/// Claude Code reads a project's settings in a folder of this one name.
fn is_of_a_project(folder: &Path, home: Option<&Path>) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let parent = folder.parent().map(real).unwrap_or_default();
    let home = home.map(real);
    if folder.file_name() != Some(OsStr::new(".claude")) || Some(&parent) == home.as_ref() {
        return false;
    }
    if OWN.iter().any(|name| folder.join(name).exists()) {
        return false;
    }
    let has_something = fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    let above = parent.ancestors().take_while(|path| Some(*path) != home.as_deref());
    has_something || above.into_iter().any(|path| ROOTS.iter().any(|name| path.join(name).exists()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(make: &[&str], folder: &str, expected: bool) {
        let dir = tempfile::tempdir().unwrap();
        make.iter().for_each(|path| fs::create_dir_all(dir.path().join(path)).unwrap());
        let found = is_of_a_project(&dir.path().join(folder), Some(&dir.path().join("home")));
        assert_eq!(found, expected, "{make:?} {folder}");
    }

    #[test]
    fn whose_a_folder_is() {
        check(&["home"], "home/.claude", false);
        check(&["home/.git", "home/.claude/commands"], "home/.claude", false);
        check(&["home/.git"], "home/work/.claude", false);
        check(&["home/work/.git"], "home/work/.claude", true);
        check(&["home/work/.git", "home/work/sub"], "home/work/sub/.claude", true);
        check(&["home/work/.claude/commands"], "home/work/.claude", true);
        check(&["home/work/.git"], "home/work/claude-settings", false);
        check(&["home/work/.git", "home/work/.claude/projects"], "home/work/.claude", false);
        check(&["home", "other"], "other/.claude", false);
        check(&["home", "other/.claude"], "other/.claude", false);
        check(&["home", "other/.jj"], "other/.claude", true);
    }
}
