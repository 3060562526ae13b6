//! A Messages API that answers by a script, for the real client to talk to: what the last prompt says decides the answer, so that
//! a test writes its script into its prompts and any number of sessions may ask at once.
//!
//! It is a program of its own (`messages-api`), because it must run inside the network namespace of the client, which has nothing
//! but a loopback. What was asked is appended to a file, one JSON object a line, so that a test can say that nothing was.

mod script;
mod serve;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{fs, thread};

use serde_json::Value;

pub use serve::serve;

/// Longer than any client takes to ask.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where the program tells what it was asked, and is told what it may answer.
#[derive(Clone, Debug)]
pub struct Desk {
    root: PathBuf,
}

/// One request as the program saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// `POST /v1/messages` and kin, without the query.
    pub line: String,
    /// The last text that a person, or who spoke for one, put to the model; empty where there is none.
    pub prompt: String,
}

impl Desk {
    /// The desk in this folder, which must exist.
    pub fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// Lets every answer go out that waits for this name: those to a prompt that says `wait-NAME`.
    ///
    /// # Panics
    /// When the file cannot be made.
    pub fn release(&self, name: &str) {
        fs::write(self.gate(name), b"").expect("a file in the folder of the API");
    }

    /// Every request so far, in order.
    ///
    /// # Panics
    /// When the program wrote something else.
    pub fn asked(&self) -> Vec<Asked> {
        let text = fs::read_to_string(self.log()).unwrap_or_default();
        let lines = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        lines.map(|line| Asked::read(line).unwrap_or_else(|| panic!("no request: {line}"))).collect()
    }

    /// Every prompt that was put to a model so far.
    pub fn prompts(&self) -> Vec<String> {
        let calls = self.asked().into_iter().filter(|asked| asked.line == "POST /v1/messages");
        calls.map(|asked| asked.prompt).collect()
    }

    /// Waits until a model is asked this: the request has come, its answer may still be held.
    ///
    /// # Panics
    /// When it never is.
    pub fn wait_for(&self, prompt: &str) {
        let begin = Instant::now();
        while !self.prompts().iter().any(|asked| asked == prompt) {
            assert!(begin.elapsed() < PATIENCE, "nobody asked {prompt:?}: {:?}", self.prompts());
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn log(&self) -> PathBuf {
        self.root.join("requests.jsonl")
    }

    fn gate(&self, name: &str) -> PathBuf {
        self.root.join(format!("released-{name}"))
    }
}

impl Asked {
    fn read(line: &str) -> Option<Self> {
        let json: Value = serde_json::from_str(line).ok()?;
        let text = |name: &str| json[name].as_str().map(str::to_owned);
        Some(Self { line: text("line")?, prompt: text("prompt")? })
    }

    fn write(&self) -> String {
        serde_json::json!({ "line": self.line, "prompt": self.prompt }).to_string() + "\n"
    }
}
