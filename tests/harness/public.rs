//! Other people's sessions, from public repositories: read where they lie, never copied into ours.

use std::fs;
use std::path::{Path, PathBuf};

use crate::repository;

/// The folder of real sessions.
pub struct Corpus {
    root: PathBuf,
}

impl Corpus {
    /// `$PROMPT_MANAGER_TEST_CORPUS`, else `../shared/fixtures/public`. `None`, said in plain words, where it is absent: a
    /// test that needs it then proves nothing, and must say so.
    #[expect(clippy::print_stdout, reason = "a skipped test must say so")]
    pub fn find() -> Option<Self> {
        let root = std::env::var_os("PROMPT_MANAGER_TEST_CORPUS")
            .map_or_else(|| repository().join("../shared/fixtures/public"), PathBuf::from);
        if root.join("MANIFEST.tsv").is_file() {
            return Some(Self { root });
        }
        println!("SKIPPED: no real sessions at {} (set PROMPT_MANAGER_TEST_CORPUS)", root.display());
        None
    }

    /// Its folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The paths of every transcript below the root, sorted: a session's own file or a subagent's.
    ///
    /// # Panics
    /// When the list of the folder cannot be read.
    pub fn transcripts(&self) -> Vec<String> {
        self.of_kind("transcript")
    }

    /// The paths below the root that the folder's list calls `kind`, sorted.
    ///
    /// # Panics
    /// When the list cannot be read.
    pub fn of_kind(&self, kind: &str) -> Vec<String> {
        let list = self.root.join("MANIFEST.tsv");
        let text = fs::read_to_string(&list).unwrap_or_else(|error| panic!("read {}: {error}", list.display()));
        let mut paths: Vec<_> = text
            .lines()
            .map(|line| line.split('\t').collect::<Vec<_>>())
            .filter(|fields| fields.get(3) == Some(&kind))
            .map(|fields| fields[0].to_owned())
            .collect();
        paths.sort();
        paths
    }

    /// Where a transcript would lie below a projects root, so that all of them can lie there at once: the folder it has here
    /// becomes a project's name, a subagent's file stays in its session's folder.
    pub fn below(path: &str) -> String {
        let session = path.split_once("/subagents/").map_or(path, |(session, _)| session);
        let (folder, _) = session.rsplit_once('/').unwrap_or_default();
        let project: String = folder.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        format!("-{project}/{}", path[folder.len()..].trim_start_matches('/'))
    }

    /// The bytes of a file below the root.
    ///
    /// # Panics
    /// When it cannot be read.
    pub fn read(&self, path: &str) -> Vec<u8> {
        let path = self.root.join(path);
        fs::read(&path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()))
    }
}
