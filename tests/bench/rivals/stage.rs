//! Where programs are measured: the corpus, and for each a home of its own with a copy of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use harness::{Generator, Told, repository};
use tempfile::TempDir;

/// Of every run, so that all see the same sessions.
const SEED: u64 = 57;
/// Words that texts are made of.
const WORDS: usize = 57;
/// 2026-10-01.
pub(super) const BEGIN_MS: u64 = 1_790_812_800_000;

/// The corpus and the place of all homes.
pub(super) struct Stage {
    root: TempDir,
    corpus: PathBuf,
    pub(super) files: usize,
    pub(super) bytes: u64,
    /// A word that is in one prompt, and one that is nearly everywhere.
    pub(super) rare: String,
    pub(super) common: String,
    /// How often things are asked for.
    pub(super) rounds: usize,
}

impl Stage {
    /// One with a corpus of so many sessions, and of one that holds the rare word.
    pub(super) fn new(sessions: usize, rounds: usize) -> Self {
        let target = repository().join("target/rivals");
        let root = tempfile::Builder::new().prefix("homes-").tempdir_in(target).expect("a folder");
        let corpus = root.path().join("corpus");
        let generator = Generator::of_words(SEED, WORDS);
        let written = generator.write(sessions, &corpus, None);
        let rare = "zyxwvutrare".to_owned();
        let mut told = Told::begin(SEED, "/src/acme-1", BEGIN_MS);
        told.prompt(&format!("find {rare} once"));
        told.answers("It is found.");
        let mut stage = Self {
            files: written.files,
            bytes: written.bytes,
            common: generator.word(5).to_owned(),
            root,
            corpus,
            rare,
            rounds,
        };
        let corpus = stage.corpus.clone();
        stage.bytes += put(&told, &corpus);
        stage.files += 1;
        stage
    }

    /// An error with the words of who fetched it, if it could not be fetched.
    pub(super) fn fetched(&self, name: &str) -> Result<(), String> {
        let folder = folder(name);
        if folder.is_dir() || name == "prompt-manager" {
            return Ok(());
        }
        let log = fs::read_to_string(folder.with_extension("log")).unwrap_or_default();
        Err(format!("cannot be fetched: {}", last_line(&log)))
    }

    /// A home with the corpus where Claude Code keeps its transcripts.
    pub(super) fn home(&self, name: &str) -> PathBuf {
        let home = self.root.path().join(name);
        fs::create_dir_all(home.join(".claude")).expect("a home");
        fs::create_dir_all(home.join("tmp")).expect("a home");
        let copied = Command::new("cp").arg("-r").arg(&self.corpus).arg(projects(&home)).status();
        assert!(copied.is_ok_and(|status| status.success()), "cp -r {}", self.corpus.display());
        home
    }

    /// A program in a home, and in an environment that holds nothing else.
    pub(super) fn command(&self, home: &Path, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("LANG", "C.UTF-8").current_dir(home);
        command.env("HOME", home).env("TMPDIR", home.join("tmp"));
        command
    }
}

/// Where a program was fetched to.
pub(super) fn folder(name: &str) -> PathBuf {
    repository().join("target/rivals").join(name)
}

/// Where Claude Code would keep its transcripts.
pub(super) fn projects(home: &Path) -> PathBuf {
    home.join(".claude/projects")
}

/// Writes the files of a session below a projects root, over what is there; gives their bytes.
pub(super) fn put(told: &Told, root: &Path) -> u64 {
    let mut sum = 0;
    for (path, bytes) in told.files() {
        let path = root.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, &bytes).unwrap_or_else(|error| panic!("write {}: {error}", path.display()));
        sum += bytes.len() as u64;
    }
    sum
}

/// All bytes below a folder but those of the corpus, of links and of what is temporary.
pub(super) fn size(home: &Path) -> u64 {
    let entries = fs::read_dir(home).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(meta) if meta.is_dir() && ![projects(home), home.join("tmp")].contains(&entry.path()) => size(&entry.path()),
        Ok(meta) if meta.is_file() => meta.len(),
        _ => 0,
    });
    sizes.sum()
}

/// The last words of an output.
pub(super) fn last_line(text: &str) -> &str {
    text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it says nothing").trim()
}
