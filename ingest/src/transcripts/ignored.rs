//! What is not taken in: events and transcripts of the projects and sessions that the settings ignore.
//!
//! A session belongs to the folder in which it began, which the first `cwd` of its transcript tells (the name of the folder below
//! the projects root has lost signs, so it tells nothing). An event that happens in an ignored folder is ignored too, wherever
//! its session began.
//!
//! What a file says first does not change, so it is read once: what it said is kept by path and inode, and a sweep opens an
//! ignored file only at its first look. Only an ingester that starts anew asks again. Claude Code writes lines without a `cwd`
//! first, and among them the first prompt, so a file that does not tell yet is left for the next look.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use settings::{Ignore, Settings};
use store::write::Role;

use super::{Candidate, find, on_disk, open};

/// A file that has said nothing of a folder for so long will not do so, and has no prompt in it.
const PATIENCE_MS: i64 = 3_600_000;

/// What is to become of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is taken in.
    Taken,
    /// It is ignored.
    Ignored,
    /// It does not tell yet.
    Waits,
}

/// The patterns, and what is known by them.
#[derive(Debug, Default)]
pub(crate) struct Ignored {
    ignore: Ignore,
    roots: Vec<PathBuf>,
    /// Whether the session is ignored.
    sessions: HashMap<String, bool>,
    /// Whether what the file says first is ignored: device and inode when it was asked.
    files: HashMap<PathBuf, ((u64, u64), bool)>,
}

impl Ignored {
    /// As the settings say.
    pub(crate) fn new(settings: &Settings) -> Self {
        Self { ignore: settings.ignore.clone(), roots: settings.projects.clone(), ..Self::default() }
    }

    /// Whether there is nothing to ignore.
    pub(crate) fn is_empty(&self) -> bool {
        self.ignore.is_empty()
    }

    /// Whether other patterns make another of it.
    pub(crate) fn differs(&self, other: &Self) -> bool {
        self.ignore != other.ignore
    }

    /// Whether an event is ignored: its session, as far as it names one, and the folder in which it happened.
    pub(crate) fn event(&mut self, session: Option<&str>, cwd: Option<&str>) -> bool {
        let here = cwd.map(|cwd| self.ignore.ignores(cwd));
        let Some(session) = session else { return here.unwrap_or(false) };
        if self.ignore.ignores_session(session) {
            return true;
        }
        let began = self.session(session).or(here);
        if let Some(began) = began {
            // Without a transcript the first event that came tells.
            self.sessions.insert(session.to_owned(), began);
        }
        began.unwrap_or(false) || here.unwrap_or(false)
    }

    /// Whether the session began in an ignored folder, if that is known.
    fn session(&mut self, session: &str) -> Option<bool> {
        if let Some(known) = self.sessions.get(session) {
            return Some(*known);
        }
        let roots = std::mem::take(&mut self.roots);
        let mut mains =
            roots.iter().flat_map(|root| find::mains(root, session).into_iter().map(move |main| (root, main)));
        let told = mains.find_map(|(root, main)| self.told(root, &main, None));
        drop(mains);
        self.roots = roots;
        told
    }

    /// What is to become of a file that a look found below `root`.
    pub(crate) fn file(&mut self, root: &Path, file: &Candidate, now_ms: i64) -> Fate {
        if self.is_empty() || file.role == Role::History {
            return Fate::Taken;
        }
        let named = file.session_id.as_deref();
        if named.is_some_and(|session| self.ignore.ignores_session(session)) {
            return Fate::Ignored;
        }
        let own = match file.role {
            Role::Main | Role::Subagent => Some(file.path.clone()),
            Role::Meta => file.path.strip_suffix(".meta.json").map(|path| format!("{path}.jsonl")),
            Role::ToolResult | Role::History => None,
        };
        let told = find::main_above(&file.path).and_then(|main| self.told(root, &main, None));
        let inode = (file.on_disk.device, file.on_disk.inode);
        let inode = own.as_ref().filter(|own| **own == file.path).map(|_| inode);
        let told = told.or_else(|| own.and_then(|own| self.told(root, &own, inode)));
        match told.or_else(|| self.sessions.get(named?).copied()) {
            Some(true) => Fate::Ignored,
            Some(false) => Fate::Taken,
            // Of whose tool it was only the session's transcript could tell.
            None if matches!(file.role, Role::Meta | Role::ToolResult) => Fate::Waits,
            None if now_ms.saturating_sub(file.on_disk.mtime_ns / 1_000_000) > PATIENCE_MS => Fate::Taken,
            None => Fate::Waits,
        }
    }

    /// Whether the file says first that its session is ignored, if it says anything. What cannot be read now says nothing.
    /// `inode` is what a look found there, if one looked.
    fn told(&mut self, root: &Path, path: &str, inode: Option<(u64, u64)>) -> Option<bool> {
        let key = root.join(path);
        if let Some((asked, ignored)) = self.files.get(&key)
            && inode.is_none_or(|inode| inode == *asked)
        {
            return Some(*ignored);
        }
        let mut file = open::beneath(root, Path::new(path)).ok()?;
        let disk = on_disk(&file).ok()?;
        let first = find::first_words(&mut file)?;
        let ignored = self.ignore.ignores(&first.cwd)
            || first.session.is_some_and(|session| self.ignore.ignores_session(&session));
        self.files.insert(key, ((disk.device, disk.inode), ignored));
        Some(ignored)
    }
}

#[cfg(test)]
mod tests;
