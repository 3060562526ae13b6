//! Finds the files of sessions below a projects root, by the layouts Claude Code has had (claude-code.md C.1):
//!
//! ```text
//! KEY/SESSION.jsonl                          a session
//! KEY/agent-ID.jsonl                         a subagent, versions 2.0
//! KEY/SESSION/subagents/**/agent-ID.jsonl    a subagent, and agent-ID.meta.json
//! KEY/SESSION/tool-results/NAME              a large tool output
//! ```
//!
//! Beside the projects root lies `history.jsonl`, what was typed in all sessions.
//! A root that holds transcripts itself is taken as a folder of sessions.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use store::write::{HISTORY_SESSION, OnDisk, Role};
use walkdir::{DirEntry, WalkDir};

use super::{disk_of, lines};

/// Deeper folders than any layout has are not searched.
const MAX_DEPTH: usize = 8;
/// How much of a file is read to learn its session.
const HEAD: u64 = 256 * 1024;
/// And at first, to learn where it began: as a rule that is in its first lines.
const FIRST: u64 = 16 * 1024;
/// Behind a first line longer than this no session is looked for.
const LONGEST_LINE: u64 = 64 * 1024 * 1024;

/// A file that may hold something new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// Below the root.
    pub(crate) path: String,
    pub(crate) role: Role,
    /// From the path, where that tells.
    pub(crate) session_id: Option<String>,
    pub(crate) agent_id: Option<String>,
    pub(crate) on_disk: OnDisk,
}

impl Candidate {
    /// The file's name without its ending.
    pub(super) fn stem(&self) -> String {
        let name = self.path.rsplit('/').next().unwrap_or(&self.path);
        name.strip_suffix(".jsonl").unwrap_or(name).to_owned()
    }
}

/// By path below the root.
pub(super) type Candidates = BTreeMap<String, Candidate>;

/// What was typed, in the folder that holds the projects root.
pub(super) const HISTORY: &str = "history.jsonl";

/// The folder of the history that belongs to a projects root, if there is one.
pub(super) fn history_folder(root: &Path) -> Option<&Path> {
    let folder = root.parent().filter(|_| root.ends_with("projects"))?;
    folder.join(HISTORY).is_file().then_some(folder)
}

/// The files at these places, or below them.
pub(super) fn below(root: &Path, starts: &BTreeSet<PathBuf>) -> Candidates {
    starts.iter().flat_map(|start| walk(root, start)).collect()
}

/// Every session file below `root`.
pub(super) fn all(root: &Path) -> Candidates {
    walk(root, root)
}

/// The files of some sessions.
pub(super) fn sessions(root: &Path, sessions: &BTreeSet<String>) -> Candidates {
    let mut found = Candidates::new();
    let Ok(projects) = std::fs::read_dir(root) else { return found };
    for project in projects.flatten() {
        if !project.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        // A session id comes from a payload: only one that can be a file's name is looked for.
        for session in sessions.iter().filter(|session| queue::Token::new(session.as_bytes()).is_some()) {
            let folder = project.path().join(session);
            found.extend(walk(root, &folder.with_extension("jsonl")));
            if folder.is_dir() {
                found.extend(walk(root, &folder));
            }
        }
    }
    found
}

/// Whose the file is, where its name does not tell: the `sessionId` of the first line that has one, else the file's own name.
/// `None` while its first line is still being written: what is decided here is not decided again.
///
/// # Errors
/// The operating system's.
pub(super) fn session_in(file: &mut File, stem: impl FnOnce() -> String) -> std::io::Result<Option<String>> {
    let mut head = Vec::new();
    std::io::Seek::rewind(file)?;
    loop {
        // Twice as much each time: a first line may hold an image.
        let more = HEAD.max(head.len() as u64);
        let read = file.by_ref().take(more).read_to_end(&mut head)? as u64;
        if let Some(session) = lines::first_session_id(&head) {
            return Ok(Some(session));
        }
        if read < more || head.contains(&b'\n') || head.len() as u64 > LONGEST_LINE {
            return Ok(lines::has_whole_line(&head).then(stem));
        }
    }
}

/// What a session's file says first: where, and in which session; nothing, or nothing yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FirstWords {
    pub(super) cwd: Option<String>,
    pub(super) session: Option<String>,
}

/// The first `cwd` of a file, and the first `sessionId`.
pub(super) fn first_words(file: &mut File) -> FirstWords {
    let mut head = Vec::new();
    let mut is_read = std::io::Seek::rewind(file).is_err();
    loop {
        let cwd = lines::first_text(&head, "cwd");
        if is_read || cwd.is_some() || head.len() as u64 > LONGEST_LINE {
            return FirstWords { cwd, session: lines::first_session_id(&head) };
        }
        let more = FIRST.max(head.len() as u64);
        is_read = file.by_ref().take(more).read_to_end(&mut head).map_or(true, |read| (read as u64) < more);
    }
}

/// The transcripts of a session below a root, wherever they lie.
pub(super) fn mains(root: &Path, session: &str) -> Vec<String> {
    let Ok(projects) = std::fs::read_dir(root) else { return Vec::new() };
    let name = format!("{session}.jsonl");
    let beside = root.join(&name).is_file().then(|| name.clone());
    let below = projects.flatten().filter_map(|project| {
        let main = project.path().join(&name);
        main.is_file().then(|| project.file_name().to_str().map(|folder| format!("{folder}/{name}")))?
    });
    let mut found: Vec<_> = beside.into_iter().chain(below).collect();
    found.sort_unstable();
    found
}

/// The transcript of the session in whose folder a file lies.
pub(super) fn main_above(path: &str) -> Option<String> {
    let kinds = ["/subagents/", "/tool-results/"];
    let end = kinds.iter().filter_map(|kind| path.find(kind)).min()?;
    Some(format!("{}.jsonl", &path[..end]))
}

fn walk(root: &Path, start: &Path) -> Candidates {
    WalkDir::new(start)
        .max_depth(MAX_DEPTH)
        .follow_links(false)
        .follow_root_links(start == root)
        .into_iter()
        .filter_map(|entry| match entry {
            Ok(entry) => candidate(root, &entry),
            Err(error) => {
                if error.io_error().is_none_or(|io| io.kind() != std::io::ErrorKind::NotFound) {
                    tracing::warn!(%error, "part of the projects folder cannot be searched");
                }
                None
            }
        })
        .map(|candidate| (candidate.path.clone(), candidate))
        .collect()
}

/// The links below `root` behind which something lies that is read where no link leads there: outside of every one of `roots`.
pub(crate) fn behind_links(root: &Path, roots: &[PathBuf]) -> Vec<PathBuf> {
    let real: Vec<PathBuf> = roots.iter().filter_map(|root| root.canonicalize().ok()).collect();
    let is_read = |path: &Path| path.canonicalize().is_ok_and(|path| real.iter().any(|root| path.starts_with(root)));
    let files = |link: &Path| WalkDir::new(link).max_depth(MAX_DEPTH).follow_links(false).follow_root_links(true);
    let is_session_file = |path: &Path| {
        let path = path.strip_prefix(root).ok().and_then(Path::to_str);
        path.is_some_and(|path| layout(path).is_some())
    };
    let holds_some = |link: &Path| {
        files(link).into_iter().flatten().any(|entry| {
            let is_file = if entry.depth() == 0 { entry.path().is_file() } else { entry.file_type().is_file() };
            is_file && is_session_file(entry.path())
        })
    };
    let all = WalkDir::new(root).max_depth(MAX_DEPTH).follow_links(false).follow_root_links(true).sort_by_file_name();
    let links = all.into_iter().flatten().filter(|entry| entry.depth() > 0 && entry.path_is_symlink());
    links.map(DirEntry::into_path).filter(|link| !is_read(link) && holds_some(link)).collect()
}

fn candidate(root: &Path, entry: &DirEntry) -> Option<Candidate> {
    if !entry.file_type().is_file() {
        return None;
    }
    let path = entry.path().strip_prefix(root).ok()?;
    let Some(path) = path.to_str().map(str::to_owned) else {
        tracing::warn!(file = %path.display(), "left out: its name is not UTF-8; give it another");
        return None;
    };
    let (role, session_id, agent_id) = layout(&path)?;
    Some(Candidate { path, role, session_id, agent_id, on_disk: disk_of(&entry.metadata().ok()?) })
}

/// What a path below the root is: role, session and subagent as far as it tells. `None` for anything else.
fn layout(path: &str) -> Option<(Role, Option<String>, Option<String>)> {
    let parts: Vec<&str> = path.split('/').collect();
    let name = *parts.last()?;
    if path == HISTORY {
        return Some((Role::History, Some(HISTORY_SESSION.to_owned()), None));
    }
    let session_folder =
        |kind: &str| parts.iter().position(|part| *part == kind).and_then(|at| parts.get(at.checked_sub(1)?)).copied();
    if let Some(session) = session_folder("tool-results") {
        return Some((Role::ToolResult, Some(session.to_owned()), None));
    }
    let session = session_folder("subagents").map(str::to_owned);
    if let Some(agent) = name.strip_prefix("agent-") {
        if let Some(agent) = agent.strip_suffix(".meta.json") {
            return session.is_some().then(|| (Role::Meta, session, Some(agent.to_owned())));
        }
        let agent = agent.strip_suffix(".jsonl")?;
        return Some((Role::Subagent, session, Some(agent.to_owned())));
    }
    let stem = name.strip_suffix(".jsonl")?;
    if session.is_some() || parts.len() > 2 {
        return None;
    }
    Some((Role::Main, is_uuid(stem).then(|| stem.to_owned()), None))
}

/// Session ids are uuids; a file with another name says inside whose it is.
fn is_uuid(name: &str) -> bool {
    name.len() == 36
        && name.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: &str = "0914908d-acc8-48aa-98d6-77d558fb9590";

    fn check(path: &str, expected: Option<(Role, Option<&str>, Option<&str>)>) {
        let found = layout(path);
        let found = found.as_ref().map(|(role, session, agent)| (*role, session.as_deref(), agent.as_deref()));
        assert_eq!(found, expected, "{path}");
    }

    #[test]
    fn whose_files_are() {
        let check = |path: &str, expected: Option<&str>| assert_eq!(main_above(path).as_deref(), expected, "{path}");
        check("-a/s/subagents/agent-1.jsonl", Some("-a/s.jsonl"));
        check("-a/s/subagents/workflows/tool-results/agent-1.jsonl", Some("-a/s.jsonl"));
        check("-a/s/tool-results/x.txt", Some("-a/s.jsonl"));
        check("-a/s.jsonl", None);
        check("-a/agent-1.jsonl", None);
    }

    #[test]
    fn where_a_file_began() {
        let check = |content: &str, cwd: Option<&str>, session: Option<&str>| {
            let mut file = tempfile::tempfile().unwrap();
            std::io::Write::write_all(&mut file, content.as_bytes()).unwrap();
            let found = first_words(&mut file);
            let found = (found.cwd.as_deref(), found.session.as_deref());
            assert_eq!(found, (cwd, session), "{}", &content[..content.len().min(80)]);
        };
        check("", None, None);
        check("{\"type\":\"mode\",\"sessionId\":\"s\"}\n", None, Some("s"));
        check("{\"sessionId\":\"s\"}\n{\"cwd\":\"/a\"}\n{\"cwd\":\"/b\"}\n", Some("/a"), Some("s"));
        check("\0\0{\"cwd\":\"/a\"}", Some("/a"), None);
        check("{\"cwd\":7}\n{\"message\":{\"cwd\":\"/x\"}}\n{\"cwd\":\"/a\"", None, None);
        let long = format!("{{\"x\":\"{}\"}}\n{{\"cwd\":\"/a\"}}\n", "y".repeat(100_000));
        check(&long, Some("/a"), None);
    }

    #[test]
    fn layouts() {
        check(&format!("-home-dev/{SESSION}.jsonl"), Some((Role::Main, Some(SESSION), None)));
        check(&format!("{SESSION}.jsonl"), Some((Role::Main, Some(SESSION), None)));
        check("-home-dev/renamed.jsonl", Some((Role::Main, None, None)));
        check("-home-dev/agent-0a1b2c3d.jsonl", Some((Role::Subagent, None, Some("0a1b2c3d"))));
        check(
            &format!("-home-dev/{SESSION}/subagents/agent-a1.jsonl"),
            Some((Role::Subagent, Some(SESSION), Some("a1"))),
        );
        check(
            &format!("-home-dev/{SESSION}/subagents/workflows/run/agent-a1.jsonl"),
            Some((Role::Subagent, Some(SESSION), Some("a1"))),
        );
        check(
            &format!("-home-dev/{SESSION}/subagents/agent-a1.meta.json"),
            Some((Role::Meta, Some(SESSION), Some("a1"))),
        );
        check(&format!("-home-dev/{SESSION}/tool-results/x.txt"), Some((Role::ToolResult, Some(SESSION), None)));
        check("-home-dev/notes.txt", None);
        check("-home-dev/sub/deep.jsonl", None);
        check("settings.json", None);
        check("history.jsonl", Some((Role::History, Some("history"), None)));
        check("-home-dev/history.jsonl", Some((Role::Main, None, None)));
    }
}
