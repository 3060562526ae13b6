//! What is not taken in: events and files of the projects and sessions that the settings ignore.
//!
//! Asked is always a session, and by its beginning: the folder that its transcript names first (on the disk, else as stored), else
//! what was kept of an earlier answer, else the folder of the event of it that was stored first, else that of the one that comes
//! now. That it is ignored is kept in the store, for nothing else of it is; that it is not, its stored events tell. A subagent's
//! file, a tool's output and a line of history.jsonl are the session's, wherever they lie or were written. An event that happens in
//! an ignored folder is ignored too, wherever its session began.
//!
//! What nothing tells of waits, and is removed by nobody: an event without a folder in the queue, a file unread where it lies. For
//! an event that is the lesser fault without end: it is kept, and seen to wait. A file Claude Code will delete, so it does not wait
//! for ever for nothing: it is taken in after a while, unless the folder it lies in may be the one of an ignored project. Then it
//! stays unread, for what has no folder and no event behind it was never answered.
//!
//! What a file says first does not change, so it is read once: what it said is kept by path and inode, and a sweep opens an
//! ignored file only at its first look. Claude Code writes lines without a `cwd` first, and among them the first prompt.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use queue::DataDir;
use settings::{Ignore, Settings};
use store::write::{Ground, GroundReader, LeftOut, Role, Writer};

use super::find::{self, FirstWords};
use super::{Candidate, lines, on_disk, open};
use crate::intake::whose;

/// A file that has said nothing of a folder for so long will not do so.
const PATIENCE_MS: i64 = 3_600_000;
/// So much of a stored transcript is looked at.
const HEAD: usize = 1024 * 1024;

/// What is to become of an event or a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is taken in.
    Taken,
    /// It is ignored.
    Ignored,
    /// Nothing tells yet.
    Waits,
}

impl Fate {
    fn of(is_ignored: bool) -> Self {
        if is_ignored { Self::Ignored } else { Self::Taken }
    }
}

/// The patterns, and what is known by them.
#[derive(Debug, Default)]
pub(crate) struct Ignored {
    ignore: Ignore,
    roots: Vec<PathBuf>,
    /// Where the store lies, and a connection to it while there is something to ask.
    home: Option<DataDir>,
    store: Option<GroundReader>,
    /// Whether the session is ignored.
    sessions: HashMap<String, bool>,
    /// Those that are, as the store is to keep it.
    decided: Vec<LeftOut>,
    /// What the file says first: device and inode when it was asked.
    files: HashMap<PathBuf, ((u64, u64), FirstWords)>,
    /// Queue files that wait, and for which session.
    waiting: HashMap<Box<str>, String>,
    /// Files that the last sweep left unread, for nothing tells whether they are ignored.
    pub(crate) unread: u64,
}

impl Ignored {
    /// As the settings say.
    pub(crate) fn new(settings: &Settings) -> Self {
        let (ignore, home) = (settings.ignore.clone(), Some(settings.home.clone()));
        Self { ignore, roots: settings.projects.clone(), home, ..Self::default() }
    }

    /// Whether there is nothing to ignore.
    pub(crate) fn is_empty(&self) -> bool {
        self.ignore.is_empty()
    }

    /// Whether other patterns make another of it.
    pub(crate) fn differs(&self, other: &Self) -> bool {
        self.ignore != other.ignore
    }

    /// Before a look: links may lead elsewhere by now.
    pub(crate) fn look_again(&self) {
        self.ignore.look_again();
    }

    /// After a look: the store is asked anew next time.
    pub(crate) fn rest(&mut self) {
        self.store = None;
    }

    /// Forgets what was decided and may not have been kept, and asks again for whom something waits. Whether anything does.
    pub(crate) fn ask_again(&mut self) -> bool {
        self.sessions.clear();
        self.decided.clear();
        !std::mem::take(&mut self.waiting).is_empty()
    }

    /// What is to be kept in the store before anything is removed because of it.
    pub(crate) fn decided(&mut self) -> Vec<LeftOut> {
        std::mem::take(&mut self.decided)
    }

    /// Keeps in the store what was decided.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn keep(&mut self, writer: &mut Writer) -> Result<(), store::Error> {
        writer.leave_out(&self.decided)?;
        self.decided.clear();
        Ok(())
    }

    /// Remembers that a queue file waits until something tells of its session.
    pub(crate) fn wait(&mut self, name: &str, session: String) {
        self.waiting.insert(name.into(), session);
    }

    /// Whether it does.
    pub(crate) fn waits(&self, name: &str) -> bool {
        self.waiting.contains_key(name)
    }

    /// Those need wait no longer of whose session something is known by now. Whether there were any.
    pub(crate) fn release(&mut self) -> bool {
        let before = self.waiting.len();
        self.waiting.retain(|_, session| !self.sessions.contains_key(session));
        self.waiting.len() < before
    }

    /// What is to become of an event: of its session, as far as it names one, and the folder in which it happened.
    ///
    /// # Errors
    /// The store's, which had to be asked.
    pub(crate) fn event(&mut self, session: Option<&str>, cwd: Option<&str>) -> Result<Fate, store::Error> {
        let here = cwd.is_some_and(|cwd| self.ignore.ignores(cwd));
        // Nothing will ever tell of what has neither; it is of no ignored session.
        let Some(session) = session else { return Ok(Fate::of(here)) };
        if self.ignore.ignores_session(session) {
            return Ok(Fate::Ignored);
        }
        let began = match (self.session(session, None)?, cwd) {
            (Some(began), _) => began,
            (None, Some(cwd)) => self.decide(session, cwd),
            (None, None) => return Ok(Fate::Waits),
        };
        Ok(Fate::of(began || here))
    }

    /// Whether the session is ignored, which began here.
    fn decide(&mut self, session: &str, cwd: &str) -> bool {
        let patterns = self.ignore.matching(cwd);
        let is_ignored = !patterns.is_empty();
        if self.sessions.insert(session.to_owned(), is_ignored) != Some(is_ignored) {
            self.decided.extend(patterns.into_iter().map(|pattern| LeftOut::new(session, pattern)));
        }
        is_ignored
    }

    /// Whether the session is ignored, if anything tells; its transcript may lie below `root` too.
    fn session(&mut self, session: &str, root: Option<&Path>) -> Result<Option<bool>, store::Error> {
        if let Some(known) = self.sessions.get(session) {
            return Ok(Some(*known));
        }
        let mut roots = self.roots.clone();
        roots.extend(root.filter(|root| !self.roots.iter().any(|known| known == root)).map(Path::to_owned));
        let mains = roots.iter().flat_map(|root| find::mains(root, session).into_iter().map(move |main| (root, main)));
        for (root, main) in mains {
            if let Some(cwd) = self.first_words(root, &main, None).cwd {
                return Ok(Some(self.decide(session, &cwd)));
            }
        }
        let Some(home) = self.home.as_ref().filter(|home| home.database().exists()) else { return Ok(None) };
        let reader = match self.store.take() {
            Some(reader) => self.store.insert(reader),
            None => self.store.insert(GroundReader::open(home)?),
        };
        let stored = reader.ground()?;
        let keys: Vec<_> = self.ignore.patterns().iter().map(|it| LeftOut::new(session, it)).collect();
        let began = match stored_cwd(&stored, session)? {
            Some(cwd) => Some(cwd),
            None if stored.is_left_out(&keys)? => {
                self.sessions.insert(session.to_owned(), true);
                return Ok(Some(true));
            }
            None => stored_event_cwd(&stored, session)?,
        };
        drop(stored);
        Ok(began.map(|cwd| self.decide(session, &cwd)))
    }

    /// What is to become of a file that a look found below `root`.
    ///
    /// # Errors
    /// The store's, which had to be asked.
    pub(crate) fn file(&mut self, root: &Path, file: &Candidate, now_ms: i64) -> Result<Fate, store::Error> {
        if self.is_empty() || file.role == Role::History {
            return Ok(Fate::Taken);
        }
        let inode = (file.on_disk.device, file.on_disk.inode);
        let own = match file.role {
            Role::Main | Role::Subagent => self.first_words(root, &file.path, Some(inode)),
            Role::Meta => match file.path.strip_suffix(".meta.json") {
                Some(agent) => self.first_words(root, &format!("{agent}.jsonl"), None),
                None => FirstWords::default(),
            },
            Role::ToolResult | Role::History => FirstWords::default(),
        };
        let named = [file.session_id.as_deref(), own.session.as_deref()];
        if named.into_iter().flatten().any(|session| self.ignore.ignores_session(session)) {
            return Ok(Fate::Ignored);
        }
        let stem = (file.role == Role::Main).then(|| file.stem());
        let [by_path, by_word] = named;
        let session = by_path.or(by_word).or(stem.as_deref());
        // The transcript itself, or the one in whose folder it lies: it may not be the only one of the session.
        let main = match find::main_above(&file.path) {
            Some(main) => self.first_words(root, &main, None).cwd,
            None => own.cwd.clone().filter(|_| file.role == Role::Main),
        };
        if let (Some(cwd), Some(session)) = (&main, session) {
            return Ok(Fate::of(self.decide(session, cwd)));
        }
        if let Some(session) = session
            && let Some(is_ignored) = self.session(session, Some(root))?
        {
            return Ok(Fate::of(is_ignored));
        }
        if let Some(cwd) = &own.cwd {
            return Ok(Fate::of(self.ignore.ignores(cwd)));
        }
        let waited_ms = now_ms.saturating_sub(file.on_disk.mtime_ns / 1_000_000);
        let is_over = waited_ms > PATIENCE_MS && !self.ignore.may_be_under(name_of_project(root, &file.path));
        Ok(if is_over { Fate::Taken } else { Fate::Waits })
    }

    /// What a file says first. What cannot be read now says nothing. `inode` is what a look found there, if one looked.
    fn first_words(&mut self, root: &Path, path: &str, inode: Option<(u64, u64)>) -> FirstWords {
        let key = root.join(path);
        if let Some((asked, words)) = self.files.get(&key)
            && inode.is_none_or(|inode| inode == *asked)
        {
            return words.clone();
        }
        let opened = open::beneath(root, Path::new(path)).and_then(|file| Ok((on_disk(&file)?, file)));
        let Ok((disk, mut file)) = opened else { return FirstWords::default() };
        let words = find::first_words(&mut file);
        if words.cwd.is_some() {
            self.files.insert(key, ((disk.device, disk.inode), words.clone()));
        }
        words
    }
}

/// Where the session began, as its stored transcript tells.
fn stored_cwd(stored: &Ground<'_>, session: &str) -> Result<Option<String>, store::Error> {
    let (mut head, mut cwd) = (Vec::new(), None);
    stored.beginning(session, |piece| {
        head.extend_from_slice(piece);
        cwd = lines::first_text(&head, "cwd");
        if cwd.is_some() || head.len() > HEAD { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    Ok(cwd)
}

/// Where its first event happened that names a folder.
fn stored_event_cwd(stored: &Ground<'_>, session: &str) -> Result<Option<String>, store::Error> {
    let mut cwd = None;
    stored.payloads(session, |payload| {
        cwd = whose::of(payload).cwd;
        if cwd.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    Ok(cwd)
}

/// The name under which Claude Code keeps the sessions of the folder that this one is of.
fn name_of_project<'p>(root: &'p Path, path: &'p str) -> &'p str {
    let own = || root.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    path.split_once('/').map_or_else(own, |(name, _)| name)
}

#[cfg(test)]
mod tests;
