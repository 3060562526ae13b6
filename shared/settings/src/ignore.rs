//! Which projects and sessions are never captured: patterns of folders, and of session ids.
//!
//! A folder is compared as Claude Code gives it, which is the real path and not the links that led there. So a pattern whose
//! beginning is a link also stands for where the link leads. A pattern that could mean two things is refused: one that
//! silently matched nothing would take in what was not to be.

use std::fmt;
use std::path::{Component, Path, PathBuf};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// What begins a pattern of session ids. Not a colon: those part the patterns of a variable.
const SESSION: &str = "session=";

/// Patterns, ready to be asked.
#[derive(Clone, Default)]
pub struct Ignore {
    patterns: Vec<String>,
    folders: GlobSet,
    sessions: GlobSet,
}

impl Ignore {
    /// Of `patterns`; `~` is `home`.
    ///
    /// # Errors
    /// The pattern that cannot be used, and what would be right.
    pub fn new<'p>(patterns: impl IntoIterator<Item = &'p str>, home: Option<&Path>) -> Result<Self, String> {
        let (mut folders, mut sessions) = (GlobSetBuilder::new(), GlobSetBuilder::new());
        let mut kept = Vec::new();
        for pattern in patterns {
            if let Some(session) = pattern.strip_prefix(SESSION) {
                add(&mut sessions, session, pattern)?;
                kept.push(pattern.to_owned());
                continue;
            }
            let folder = folder(pattern, home)?;
            add(&mut folders, &folder, pattern)?;
            if let Some(real) = resolved(&folder) {
                add(&mut folders, &real, pattern)?;
            }
            kept.push(folder);
        }
        let built = |set: &GlobSetBuilder| set.build().map_err(|error| error.kind().to_string());
        Ok(Self { patterns: kept, folders: built(&folders)?, sessions: built(&sessions)? })
    }

    /// Whether there is no pattern.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Whether what happens in this folder is ignored: a pattern matches it, or a folder above it.
    pub fn ignores(&self, project: &str) -> bool {
        if self.folders.is_empty() {
            return false;
        }
        let folder: PathBuf = Path::new(project).components().collect();
        folder.ancestors().any(|folder| self.folders.is_match(folder))
    }

    /// Whether this session is ignored, wherever it is.
    pub fn ignores_session(&self, id: &str) -> bool {
        self.sessions.is_match(id)
    }
}

impl PartialEq for Ignore {
    fn eq(&self, other: &Self) -> bool {
        self.patterns == other.patterns
    }
}

impl Eq for Ignore {}

impl fmt::Debug for Ignore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.patterns.fmt(f)
    }
}

fn add(set: &mut GlobSetBuilder, glob: &str, pattern: &str) -> Result<(), String> {
    if glob.is_empty() {
        return Err(format!("`{pattern}` names nothing"));
    }
    let glob = GlobBuilder::new(glob).literal_separator(true).build();
    set.add(glob.map_err(|error| format!("`{pattern}` is no pattern: {}", error.kind()))?);
    Ok(())
}

/// The pattern as folders are compared with it. `…/**` is the folder and all below it, as any folder is.
fn folder(pattern: &str, home: Option<&Path>) -> Result<String, String> {
    let below_home = pattern.strip_prefix('~').filter(|rest| rest.is_empty() || rest.starts_with('/'));
    let full = match (below_home, home.and_then(Path::to_str)) {
        (Some(rest), Some(home)) => format!("{}{rest}", globset::escape(home)),
        _ => pattern.to_owned(),
    };
    if !full.starts_with('/') && !full.starts_with("**/") {
        return Err(format!("`{pattern}` begins with none of /, ~/ and **/; a session is written {SESSION}ID"));
    }
    let mut path: PathBuf = Path::new(&full).components().collect();
    if path.components().any(|part| part == Component::ParentDir) {
        return Err(format!("`{pattern}` leads up again by `..`, which no folder does that it is compared with"));
    }
    while path.ends_with("**") && path.pop() {}
    path.into_os_string().into_string().map_err(|_| format!("`{pattern}` is not UTF-8"))
}

/// The pattern with the real path of what it begins with, if links lead there.
fn resolved(pattern: &str) -> Option<String> {
    let literal = &pattern[..pattern.find(['*', '?', '[', '{', '\\']).unwrap_or(pattern.len())];
    let whole = literal.len() == pattern.len();
    let begin = if whole { literal } else { &literal[..literal.rfind('/')?] };
    // Of what is not there yet, what is above it.
    let (real, above) = Path::new(begin).ancestors().find_map(|above| Some((above.canonicalize().ok()?, above)))?;
    let rest = pattern[above.to_str()?.len()..].trim_start_matches('/');
    let real = globset::escape(real.to_str()?);
    let real = if rest.is_empty() { real } else { format!("{}/{rest}", real.trim_end_matches('/')) };
    (real != pattern).then_some(real)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ignore(patterns: &[&str]) -> Result<Ignore, String> {
        Ignore::new(patterns.iter().copied(), Some(Path::new("/home/[u]")))
    }

    fn check(pattern: &str, folder: &str, expected: bool) {
        assert_eq!(ignore(&[pattern]).unwrap().ignores(folder), expected, "{pattern} and {folder}");
    }

    #[test]
    fn folders() {
        check("/a/b", "/a/b", true);
        check("/a/b", "/a/b/c/d", true);
        check("/a/b", "/a/b/", true);
        check("/a/b/", "/a//b", true);
        check("/a/b", "/a/bc", false);
        check("/a/b", "/a", false);
        check("/a/b", "/x/a/b", false);
        check("/a/b", "a/b", false);
        check("/a/b", "", false);
        check("/a/b", "/A/b", false);
        check("/", "/anything", true);
        check("/a/ü é", "/a/ü é/x", true);
    }

    #[test]
    fn globs() {
        check("/a/*", "/a/b/c", true);
        check("/a/*", "/a", false);
        check("/a/*/c", "/a/b/c", true);
        check("/a/*/c", "/a/b/b/c", false);
        check("/a/**/c", "/a/c/x", true);
        check("/a/**/c", "/a/b/b/c", true);
        check("/a/**", "/a", true);
        check("/a/**", "/a/b/c", true);
        check("/a/**/**", "/a/b", true);
        check("**/secret", "/a/b/secret/c", true);
        check("**/secret", "/a/b/secrets", false);
        check("/a/client-?", "/a/client-7", true);
        check("/a/{b,c}", "/a/c/d", true);
        check("/a/[bc]", "/a/c", true);
        check("/a/[!bc]", "/a/c", false);
        check(r"/a/\[bc\]", "/a/[bc]", true);
    }

    #[test]
    fn the_home_folder_is_taken_literally() {
        check("~", "/home/[u]/x", true);
        check("~/b", "/home/[u]/b/c", true);
        check("~/b*", "/home/[u]/bc", true);
        check("~/b", "/home/u/b", false);
    }

    #[test]
    fn sessions() {
        let ignore = ignore(&["/a", "session=0914*", "session=scratch"]).unwrap();
        for (id, expected) in [("0914908d-acc8", true), ("scratch", true), ("1914", false), ("", false), ("/a", false)]
        {
            assert_eq!(ignore.ignores_session(id), expected, "{id}");
        }
        assert!(!ignore.ignores("0914"));
    }

    #[test]
    fn what_is_refused() {
        let check = |pattern: &str, expected: &str| {
            let problem = ignore(&["/good", pattern]).unwrap_err();
            assert!(problem.starts_with(&format!("`{pattern}` {expected}")), "{problem}");
            assert!(!problem.contains('\n'), "{problem}");
        };
        check("secret", "begins with none of /, ~/ and **/; a session is written session=ID");
        check("", "begins with none of");
        check("./a", "begins with none of");
        check("*/a", "begins with none of");
        check("~other/a", "begins with none of");
        check("session:0914", "begins with none of");
        check("session=", "names nothing");
        check("/a/../b", "leads up again");
        check("/a/[b", "is no pattern: unclosed character class");
        check("/a/{b", "is no pattern: unclosed alternate group");
        check("session=[z-a]", "is no pattern: invalid range");
        assert!(Ignore::new(["~/a"], None).is_err(), "without a home");
        assert!(Ignore::new([], None).unwrap().is_empty());
    }

    /// Claude Code tells where a link leads, a person writes what they typed.
    #[test]
    fn links_are_followed() {
        let dir = tempfile::tempdir().unwrap();
        let real = dir.path().canonicalize().unwrap().join("re[a]l");
        let link = dir.path().join("link");
        std::fs::create_dir(&real).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let check = |pattern: String, folder: String, expected: bool| {
            assert_eq!(ignore(&[&pattern]).unwrap().ignores(&folder), expected, "{pattern} and {folder}");
        };
        let (link, real) = (link.display(), real.display());
        check(link.to_string(), format!("{link}/x"), true);
        check(link.to_string(), format!("{real}/x"), true);
        check(format!("{link}/new/p*"), format!("{real}/new/p1/x"), true);
        check(format!("{link}/new/p*"), format!("{real}/new"), false);
        check(format!("{link}*"), format!("{real}/x"), false);
    }
}
