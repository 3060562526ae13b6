//! The captured runs of Claude Code, and what a person would say happened in them.
//!
//! A scenario folder holds `hooks/` (payloads as they came on stdin, named `{ns}-{session}-{event}.json`), `projects/` (the
//! transcripts of the same run) and `expected.json` (the conversations of the default list, in order for each session).

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::repository;

/// Every captured run.
pub const SCENARIOS: [Scenario; 3] =
    [Scenario("print-mode"), Scenario("interactive"), Scenario("interrupted-and-queued")];

/// One captured run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scenario(&'static str);

/// One hook event as Claude Code sent it.
#[derive(Clone, Debug)]
pub struct Hook {
    /// When it came, nanoseconds since 1970.
    pub ns: u64,
    /// The event's name, which Claude Code gives as an argument.
    pub event: String,
    /// What came on stdin.
    pub payload: Vec<u8>,
}

impl Hook {
    /// The payload, parsed.
    ///
    /// # Panics
    /// When it is not JSON, which no captured one is.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.payload).expect("a captured payload is JSON")
    }
}

/// A conversation reduced to what a person would compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    /// Claude Code's session.
    pub session_id: String,
    /// `human`, `command`, `shell`, …
    pub kind: String,
    /// `complete`, `interrupted`, `failed` or `open`.
    pub status: String,
    /// What the person asked.
    pub prompt: Option<String>,
    /// The last thing Claude said.
    pub response: Option<String>,
    /// The tools it called, and whether each one failed or was refused.
    pub tools: Vec<(String, bool)>,
}

impl Conversation {
    /// From an item of the API's list.
    ///
    /// # Panics
    /// When a field that every item has is missing.
    pub fn from_api(item: &Value) -> Self {
        Self::read(item, "prompt_text", "response_text", "tool_calls")
    }

    fn read(item: &Value, prompt: &str, response: &str, tools: &str) -> Self {
        let field = |name: &str| item.get(name).unwrap_or_else(|| panic!("no {name} in {item}"));
        let text = |name: &str| field(name).as_str().map(str::to_owned);
        let required = |name: &str| text(name).unwrap_or_else(|| panic!("{name} is no text in {item}"));
        Self {
            session_id: required("session_id"),
            kind: required("kind"),
            status: required("status"),
            prompt: text(prompt),
            response: text(response),
            tools: field(tools)
                .as_array()
                .unwrap_or_else(|| panic!("{tools} is no list in {item}"))
                .iter()
                .map(tool)
                .collect(),
        }
    }
}

fn tool(item: &Value) -> (String, bool) {
    match (item["name"].as_str(), item["error"].as_bool()) {
        (Some(name), Some(error)) => (name.to_owned(), error),
        _ => panic!("a tool call without name or error: {item}"),
    }
}

impl Scenario {
    /// The scenario's name, which is its folder's.
    pub fn name(self) -> &'static str {
        self.0
    }

    /// Its folder.
    pub fn dir(self) -> PathBuf {
        repository().join("tests/fixtures/claude-code-2.1.330").join(self.0)
    }

    /// Its projects folder: what Claude Code left below `~/.claude/projects`.
    pub fn projects(self) -> PathBuf {
        self.dir().join("projects")
    }

    /// Its hook events in the order they came.
    ///
    /// # Panics
    /// When the folder cannot be read or holds a file of another name.
    pub fn hooks(self) -> Vec<Hook> {
        let dir = self.dir().join("hooks");
        let mut paths: Vec<_> = entries(&dir);
        paths.sort();
        paths.iter().map(|path| read_hook(path)).collect()
    }

    /// Its conversations in the default list, in order for each session.
    ///
    /// # Panics
    /// When `expected.json` cannot be read.
    pub fn expected(self) -> Vec<Conversation> {
        let path = self.dir().join("expected.json");
        let text = fs::read(&path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()));
        let json: Value =
            serde_json::from_slice(&text).unwrap_or_else(|error| panic!("parse {}: {error}", path.display()));
        let list = json["conversations"].as_array().expect("expected.json has a list of conversations");
        list.iter().map(|item| Conversation::read(item, "prompt", "response", "tools")).collect()
    }

    /// Every session that has a hook event, in order of its first one.
    pub fn sessions(self) -> Vec<String> {
        let mut sessions = Vec::new();
        for hook in self.hooks() {
            let id = hook.json()["session_id"].as_str().expect("every payload names its session").to_owned();
            if !sessions.contains(&id) {
                sessions.push(id);
            }
        }
        sessions
    }
}

fn read_hook(path: &Path) -> Hook {
    let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let parts = name.split_once('-').zip(name.rsplit_once('-'));
    let Some(((ns, _), (_, event))) = parts else { panic!("{} is not named as a queue file", path.display()) };
    let ns = ns.parse().unwrap_or_else(|error| panic!("{}: no time in its name: {error}", path.display()));
    let payload = fs::read(path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()));
    Hook { ns, event: event.to_owned(), payload }
}

/// The entries of `dir`.
pub(crate) fn entries(dir: &Path) -> Vec<PathBuf> {
    let list = fs::read_dir(dir).unwrap_or_else(|error| panic!("list {}: {error}", dir.display()));
    list.map(|entry| entry.expect("an entry").path()).collect()
}
