//! Which projects and sessions are never captured: patterns of folders, and of session ids.
//!
//! A folder is compared as Claude Code gives it, which is the real path and not the links that led there. So a pattern whose
//! beginning is a link also stands for where the link leads, be anything there yet or not: it may be a volume that is mounted
//! later. A pattern that could mean two things is refused: one that silently matched nothing would take in what was not to be.

use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// What begins a pattern of session ids. Not a colon: those part the patterns of a variable.
const SESSION: &str = "session=";
/// Longer names of folders Claude Code cuts off here, and puts a hash behind.
const LONGEST_NAME: usize = 200;
/// So many links lead somewhere; more go round in a circle.
const LINKS: usize = 40;

/// Patterns, ready to be asked. Clones know the same of where links lead.
#[derive(Clone, Default)]
pub struct Ignore {
    patterns: Vec<String>,
    sessions: GlobSet,
    folders: Arc<RwLock<Folders>>,
}

/// The patterns of folders, with where their links lead now.
#[derive(Default)]
struct Folders {
    globs: Vec<String>,
    set: GlobSet,
    /// Of each glob the pattern that it was made of.
    of: Vec<usize>,
}

impl Ignore {
    /// Of `patterns`; `~` is `home`.
    ///
    /// # Errors
    /// The pattern that cannot be used, and what would be right.
    pub fn new<'p>(patterns: impl IntoIterator<Item = &'p str>, home: Option<&Path>) -> Result<Self, String> {
        let mut sessions = GlobSetBuilder::new();
        let mut kept = Vec::new();
        for pattern in patterns {
            if let Some(session) = pattern.strip_prefix(SESSION) {
                add(&mut sessions, session, pattern)?;
                kept.push(pattern.to_owned());
                continue;
            }
            let folder = folder(pattern, home)?;
            add(&mut GlobSetBuilder::new(), &folder, pattern)?;
            kept.push(folder);
        }
        let sessions = sessions.build().map_err(|error| error.kind().to_string())?;
        let folders = Arc::new(RwLock::new(Folders::of(&kept)?));
        Ok(Self { patterns: kept, sessions, folders })
    }

    /// Follows the links of the patterns again: they may lead elsewhere by now.
    pub fn look_again(&self) {
        let globs: Vec<_> = globs(&self.patterns).map(|(_, glob)| glob).collect();
        let mut folders = self.folders.write().unwrap_or_else(PoisonError::into_inner);
        if folders.globs != globs
            && let Ok(new) = Folders::of(&self.patterns)
        {
            *folders = new;
        }
    }

    /// Whether there is no pattern.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// All patterns, as they are compared.
    pub fn patterns(&self) -> &[String] {
        &self.patterns
    }

    /// Whether what happens in this folder is ignored: a pattern matches it, or a folder above it.
    pub fn ignores(&self, project: &str) -> bool {
        !self.matching(project).is_empty()
    }

    /// The patterns by which what happens in this folder is ignored.
    pub fn matching(&self, project: &str) -> Vec<&str> {
        let folders = self.folders.read().unwrap_or_else(PoisonError::into_inner);
        if folders.set.is_empty() {
            return Vec::new();
        }
        let folder: PathBuf = Path::new(project).components().collect();
        let mut found: Vec<usize> = folder.ancestors().flat_map(|folder| folders.set.matches(folder)).collect();
        found.iter_mut().for_each(|glob| *glob = folders.of.get(*glob).copied().unwrap_or_default());
        found.sort_unstable();
        found.dedup();
        found.into_iter().filter_map(|at| self.patterns.get(at)).map(String::as_str).collect()
    }

    /// Whether this session is ignored, wherever it is.
    pub fn ignores_session(&self, id: &str) -> bool {
        self.sessions.is_match(id)
    }

    /// Whether `name`, under which Claude Code keeps the sessions of a folder, may be that of an ignored folder. The name has lost
    /// every sign that is neither letter nor digit, so it can only tell that it is not.
    pub fn may_be_under(&self, name: &str) -> bool {
        let folders = self.folders.read().unwrap_or_else(PoisonError::into_inner);
        let is_name = name.starts_with('-');
        let name = format!("{name}-");
        folders.globs.iter().any(|glob| {
            let literal = literal(glob);
            let mut begin: Vec<u8> = literal
                .encode_utf16()
                .map(|sign| u8::try_from(sign).ok().filter(u8::is_ascii_alphanumeric).unwrap_or(b'-'))
                .collect();
            if literal.len() == glob.len() {
                begin.push(b'-');
            }
            begin.truncate(LONGEST_NAME);
            !is_name || name.as_bytes().starts_with(&begin)
        })
    }
}

impl Folders {
    fn of(patterns: &[String]) -> Result<Self, String> {
        let (mut set, mut of, mut kept) = (GlobSetBuilder::new(), Vec::new(), Vec::new());
        for (at, glob) in globs(patterns) {
            add(&mut set, &glob, &patterns[at])?;
            of.push(at);
            kept.push(glob);
        }
        Ok(Self { globs: kept, set: set.build().map_err(|error| error.kind().to_string())?, of })
    }
}

/// What the patterns of folders stand for now, each with its place among all patterns.
fn globs(patterns: &[String]) -> impl Iterator<Item = (usize, String)> {
    let folders = patterns.iter().enumerate().filter(|(_, pattern)| !pattern.starts_with(SESSION));
    folders
        .flat_map(|(at, folder)| [Some(folder.clone()), resolved(folder)].into_iter().flatten().map(move |it| (at, it)))
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

/// What of a pattern is no sign of a pattern, from its beginning on.
fn literal(pattern: &str) -> &str {
    &pattern[..pattern.find(['*', '?', '[', '{', '\\']).unwrap_or(pattern.len())]
}

/// The pattern with the real path of what it begins with, if links lead there.
fn resolved(pattern: &str) -> Option<String> {
    let literal = literal(pattern);
    let begin = if literal.len() == pattern.len() { literal } else { &literal[..literal.rfind('/')?] };
    let real = real(Path::new(begin))?;
    let real = globset::escape(real.to_str()?.trim_end_matches('/'));
    let real = format!("{real}{}", &pattern[begin.len()..]);
    (!real.is_empty() && real != pattern).then_some(real)
}

/// The path without links. What is not there is taken as it is: a link may lead to what will come.
fn real(path: &Path) -> Option<PathBuf> {
    let (mut real, mut left, mut links) = (PathBuf::new(), path.to_owned(), 0);
    loop {
        let mut parts = left.components();
        let Some(part) = parts.next() else { return Some(real) };
        let behind = parts.as_path().to_owned();
        if part == Component::ParentDir {
            real.pop();
            left = behind;
            continue;
        }
        let next = real.join(part);
        match std::fs::read_link(&next) {
            Ok(_) if links == LINKS => return None,
            Ok(target) => {
                links += 1;
                if target.is_absolute() {
                    real.clear();
                }
                left = target.join(behind);
            }
            Err(_) => (real, left) = (next, behind),
        }
    }
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

    /// A link may lead to a volume that is not mounted, by another link, and elsewhere tomorrow.
    #[test]
    fn links_to_what_is_not_there_yet() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let link = |to: &str, at: &str| std::os::unix::fs::symlink(to, root.join(at)).unwrap();
        link("sub/../mnt", "there");
        link("there/crypt", "private");
        link("round", "round");
        let at = |path: &str| root.join(path).to_str().unwrap().to_owned();
        let ignore = ignore(&[&at("private"), &at("round"), &at("later")]).unwrap();
        let same = ignore.clone();
        let check = |path: &str, expected: bool| assert_eq!(same.ignores(&at(path)), expected, "{path}");
        check("mnt/crypt/x", true);
        check("private", true);
        check("mnt", false);
        check("round", true);
        check("new/x", false);
        link("new", "later");
        ignore.look_again();
        check("new/x", true);
        assert_eq!(same.matching(&at("new/x")), [at("later")]);
    }

    #[test]
    fn names_of_folders_below_projects() {
        let check = |pattern: &str, name: &str, expected: bool| {
            assert_eq!(ignore(&[pattern]).unwrap().may_be_under(name), expected, "{pattern} and {name}");
        };
        check("/work/secret", "-work-secret", true);
        check("/work/secret", "-work-secret-sub", true);
        check("/work/secret", "-work-secrets", false);
        check("/work/secret", "-work", false);
        check("/work/.x ü", "-work--x--", true);
        check("/work/client-*/a", "-work-client-7", true);
        check("/work/client-*/a", "-work-open", false);
        check("**/secret", "-work-open", true);
        check(&format!("/{}", "a".repeat(300)), &format!("-{}-hash", "a".repeat(199)), true);
        check("/work/secret", "no-name-of-a-folder", true);
        check("session=x", "-work-secret", false);
    }
}
