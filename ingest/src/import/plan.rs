//! What each PATH is, before anything is taken in: a path that is nothing we know stops the import at its beginning.
//!
//! A file has to get the same ground row, (root, path), whether it is imported alone or with its projects root, else a later
//! sweep would store it a second time. So the root is looked for above what was given: a root that is known, else a folder
//! named `projects`, else the folder of the transcripts.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::queue_files::queue_name;
use super::sniff::{self, FileKind};
use crate::error::{At, Error};
use crate::transcripts::Look;

/// Folders deeper than this are not searched.
const MAX_DEPTH: usize = 12;

/// Everything that is to be taken in.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Databases, before the files that they may hold already.
    pub(super) databases: Vec<PathBuf>,
    /// Projects roots, whole, with the history.jsonl beside each.
    pub(super) roots: BTreeSet<PathBuf>,
    /// Parts of a root: files and folders.
    pub(super) parts: BTreeMap<PathBuf, BTreeSet<PathBuf>>,
    /// Queue files by name, so in order of time.
    pub(super) queue_files: BTreeMap<String, Vec<PathBuf>>,
    /// Logs of hook payloads.
    pub(super) hook_logs: BTreeSet<PathBuf>,
    /// What our own export wrote, after what it speaks of.
    pub(super) exports: Vec<PathBuf>,
    /// Files that were recognised and cannot be taken in, with the reason.
    pub(super) refused: Vec<(PathBuf, String)>,
    /// Files of other kinds in the folders.
    pub(super) left_alone: u64,
}

impl Plan {
    /// Finds out what each path is. `known` are the projects roots that are read anyway.
    ///
    /// # Errors
    /// [`Error::Import`] for a path that is nothing we know, and the operating system's.
    pub(super) fn of(paths: &[PathBuf], known: &[PathBuf]) -> Result<Self, Error> {
        let mut plan = Self::default();
        let known = Roots::new(known);
        for path in paths {
            let meta = match fs::metadata(path) {
                Ok(meta) => meta,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Err(wrong(path, "there is no such file or folder"));
                }
                Err(error) => return Err(error).at("look at", path),
            };
            let full = path.canonicalize().at("look at", path)?;
            if meta.is_dir() {
                plan.folder(path, &full, &known)?;
            } else if meta.is_file() {
                plan.file(path, &full, &known)?;
            } else {
                return Err(wrong(path, "is neither a file nor a folder"));
            }
        }
        Ok(plan)
    }

    fn folder(&mut self, given: &Path, full: &Path, known: &Roots) -> Result<(), Error> {
        if let Some(root) = known.same(full) {
            self.roots.insert(root);
            return Ok(());
        }
        if full.ends_with("projects") {
            self.roots.insert(known.spelled(full));
            return Ok(());
        }
        let projects = full.join("projects");
        if projects.is_dir() {
            self.roots.insert(known.spelled(&projects));
            // What a runner in CI leaves has both: what its hooks wrote lies beside.
            let queue = full.join("queue");
            return if queue.is_dir() { self.search(&queue, known) } else { Ok(()) };
        }
        let before = self.count();
        self.search(full, known)?;
        if self.count() == before && self.refused.is_empty() {
            return Err(wrong(
                given,
                "holds nothing that can be imported; looked for transcripts (*.jsonl), history.jsonl, queue files, hook logs, exports and databases; name the folder that has them, such as ~/.claude",
            ));
        }
        Ok(())
    }

    fn count(&self) -> usize {
        let parts: usize = self.parts.values().map(BTreeSet::len).sum();
        let queued: usize = self.queue_files.values().map(Vec::len).sum();
        self.databases.len() + self.roots.len() + parts + queued + self.hook_logs.len() + self.exports.len()
    }

    /// Any other folder: every file in it is looked at.
    fn search(&mut self, folder: &Path, known: &Roots) -> Result<(), Error> {
        let mut starts = BTreeMap::new();
        for entry in WalkDir::new(folder).max_depth(MAX_DEPTH).follow_links(false).sort_by_file_name() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    let path = error.path().unwrap_or(folder).to_owned();
                    let source = error.into_io_error().unwrap_or_else(|| io::ErrorKind::Other.into());
                    if path == folder {
                        return Err(source).at("read", &path);
                    }
                    self.refused.push((path, format!("cannot be read: {source}")));
                    continue;
                }
            };
            if entry.file_type().is_file() {
                self.found(folder, entry.path(), known, &mut starts);
            }
        }
        for (project, start) in starts {
            let above = project.parent().filter(|above| *above == folder).map(Path::to_owned);
            let root = known.above(&project).or(above).unwrap_or_else(|| project.clone());
            let start = respelled(&root, &start);
            self.parts.entry(root).or_default().insert(start);
        }
        Ok(())
    }

    /// One file of a folder. Of transcripts the project folder is noted, with what of it is to be taken in.
    fn found(&mut self, folder: &Path, path: &Path, known: &Roots, starts: &mut BTreeMap<PathBuf, PathBuf>) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if let Some(name) = queue_name(&name) {
            self.queue_files.entry(name.to_string()).or_default().push(path.to_owned());
            return;
        }
        if name == DATABASE {
            self.databases.push(path.to_owned());
            return;
        }
        let is_lines = name.ends_with(".jsonl");
        if let Some(session) = session_folder(path) {
            if is_lines {
                let project = parent(&session);
                let part = [&project, &session].into_iter().find(|part| part.starts_with(folder));
                let start = part.map_or_else(|| folder.to_owned(), PathBuf::clone);
                starts.entry(project).or_insert(start);
                // Beside the subagents lie files that are no transcripts, such as a workflow's journal.
                self.left_alone += u64::from(!name.starts_with("agent-"));
            }
            return;
        }
        if is_lines && name.starts_with("agent-") {
            starts.insert(parent(path), parent(path));
            return;
        }
        if !is_lines && ![".json", ".log", ".ndjson"].iter().any(|end| name.ends_with(end)) {
            self.left_alone += 1;
            return;
        }
        match sniff::file(path) {
            Ok(FileKind::Transcript | FileKind::Empty) if is_lines => {
                starts.insert(parent(path), parent(path));
            }
            Ok(FileKind::History) if name == HISTORY => self.history(&parent(path), known),
            Ok(FileKind::HookLog) => {
                self.hook_logs.insert(path.to_owned());
            }
            Ok(FileKind::Export) => self.exports.push(path.to_owned()),
            Ok(FileKind::TranscriptArray) => self.refused.push((path.to_owned(), ARRAY.to_owned())),
            Ok(_) => self.left_alone += 1,
            Err(error) => self.refused.push((path.to_owned(), format!("cannot be read: {error}"))),
        }
    }

    /// The history.jsonl of a folder.
    fn history(&mut self, folder: &Path, known: &Roots) {
        let root = known.spelled(folder);
        let file = root.join(HISTORY);
        self.parts.entry(root).or_default().insert(file);
    }

    fn file(&mut self, given: &Path, full: &Path, known: &Roots) -> Result<(), Error> {
        let name = full.file_name().unwrap_or_default().to_string_lossy();
        if let Some(name) = queue_name(&name) {
            self.queue_files.entry(name.to_string()).or_default().push(full.to_owned());
            return Ok(());
        }
        match sniff::file(full).at("read", given)? {
            FileKind::Transcript if name.ends_with(".jsonl") => self.transcript(full, known),
            FileKind::Transcript => {
                return Err(wrong(given, "is a transcript under another name; name it SESSION.jsonl"));
            }
            FileKind::History if name == HISTORY => self.history(&parent(full), known),
            FileKind::History => return Err(wrong(given, "is a history.jsonl under another name; give it that name")),
            FileKind::HookLog => {
                self.hook_logs.insert(full.to_owned());
            }
            FileKind::Export => self.exports.push(full.to_owned()),
            FileKind::Database => self.databases.push(full.to_owned()),
            FileKind::TranscriptArray => return Err(wrong(given, ARRAY)),
            FileKind::Empty => return Err(wrong(given, "is empty")),
            FileKind::Unknown => {
                return Err(wrong(
                    given,
                    "is nothing that can be imported; looked for a transcript, history.jsonl, a queue file, a hook log, an export and a database in its first bytes",
                ));
            }
        }
        Ok(())
    }

    /// One transcript and the folder of its session. A subagent's file is taken alone.
    fn transcript(&mut self, file: &Path, known: &Roots) {
        let project = session_folder(file).map_or_else(|| parent(file), |session| parent(&session));
        let root = known.above(&project).unwrap_or_else(|| project.clone());
        let starts = self.parts.entry(root.clone()).or_default();
        starts.insert(respelled(&root, file));
        let session = file.with_extension("");
        if session.is_dir() {
            starts.insert(respelled(&root, &session));
        }
    }

    /// The looks that take in the transcripts.
    pub(super) fn looks(&self) -> Vec<(Vec<PathBuf>, Look)> {
        let mut looks = Vec::new();
        if !self.roots.is_empty() {
            looks.push((self.roots.iter().cloned().collect(), Look::Sweep));
        }
        let parts = self.parts.iter().filter(|(root, _)| !self.roots.contains(*root));
        looks.extend(parts.map(|(root, starts)| (vec![root.clone()], Look::Below(starts.clone()))));
        looks
    }
}

const HISTORY: &str = "history.jsonl";
/// As it is called in a data directory; another name has to be given itself.
const DATABASE: &str = "prompts.db";

const ARRAY: &str =
    "holds transcript lines in a JSON array; only Claude Code's own form, one object a line, can be taken in";

fn wrong(path: &Path, problem: &str) -> Error {
    Error::Import { path: path.to_owned(), problem: problem.to_owned() }
}

fn parent(path: &Path) -> PathBuf {
    path.parent().unwrap_or(path).to_owned()
}

/// The folder of the session that a subagent's file or a tool result belongs to.
fn session_folder(path: &Path) -> Option<PathBuf> {
    let kind = path.ancestors().find(|part| part.ends_with("subagents") || part.ends_with("tool-results"))?;
    kind.parent().map(Path::to_owned)
}

/// `path` below `root`, in the spelling of `root`: a symlink in it must not make another path of the same file.
fn respelled(root: &Path, path: &Path) -> PathBuf {
    match root.canonicalize() {
        Ok(full) => path.strip_prefix(&full).map_or_else(|_| path.to_owned(), |below| root.join(below)),
        Err(_) => path.to_owned(),
    }
}

/// The projects roots that are known, as they are spelled and as they really are.
struct Roots(Vec<(PathBuf, PathBuf)>);

impl Roots {
    fn new(known: &[PathBuf]) -> Self {
        Self(known.iter().filter_map(|root| Some((root.clone(), root.canonicalize().ok()?))).collect())
    }

    fn same(&self, full: &Path) -> Option<PathBuf> {
        self.0.iter().find(|(_, real)| real == full).map(|(spelled, _)| spelled.clone())
    }

    /// The root of a project folder, if that can be known.
    fn above(&self, project: &Path) -> Option<PathBuf> {
        let above = project.parent()?;
        self.same(above).or_else(|| above.ends_with("projects").then(|| above.to_owned()))
    }

    /// A folder or file as the sweep of a known root spells it: roots and the history beside them go by one name.
    fn spelled(&self, full: &Path) -> PathBuf {
        let beside = |(spelled, real): &(PathBuf, PathBuf)| {
            let (spelled, real) = (spelled.parent()?, real.parent()?);
            full.strip_prefix(real).ok().map(|below| match below.as_os_str().is_empty() {
                true => spelled.to_owned(),
                false => spelled.join(below),
            })
        };
        self.same(full).or_else(|| self.0.iter().find_map(beside)).unwrap_or_else(|| full.to_owned())
    }
}
