//! Sessions made up from a seed, as large as wanted and the same in every run, in the shape of real ones.
//!
//! The shape was measured over 37 real transcripts of more than 20 kB (14.4 MB, 5,324 lines, versions 1.0 to 2.1.218):
//!
//! ```text
//! lines   assistant 44 %, user 28 %, attachment and progress 13 %, file-history-snapshot 4 %, system 3 %, others 8 %
//! bytes   user lines 62 % (structured results 30 %, tool results 16 %, images and documents 7 %, prompts 2 %),
//!         assistant lines 30 % (signatures 5.4 %, tool inputs 4.9 %, texts 1.8 %, thinking 0.8 %), the rest 8 %
//! turn    32 lines in the mean (median 13), 8 tool calls (median 3), 2.9 texts, 2.2 thinking blocks
//! session 390 kB in the mean (median 203 kB), 5 turns (median 4); subagents' files are 4 % of the bytes
//! tools   Bash 33 %, Edit 17 %, Read 17 %, Grep 6 %, TodoWrite 6 %, TaskUpdate 5 %, Write 4 %, Agent 1.4 %
//! zstd    ZSTD_REAL x at level 3 in pieces of 256 KiB; the corpus: ZSTD_MADE x
//! ```
//!
//! Sizes are drawn from the quantiles found there (`sizes`); sessions have fewer turns, so that 1,000 of them are about
//! 230 MB. Prose and code are made of 50,000 words by Zipf's law; what tools read is cut from one text for each session, as
//! it is in reality.

mod session;
mod sizes;
mod words;

use std::fs;
use std::path::Path;

use crate::Seed;
pub use session::Session;
use words::Words;

/// How much was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Files.
    pub files: usize,
    /// Lines in them.
    pub lines: usize,
    /// Bytes in them.
    pub bytes: u64,
    /// Hook events beside them.
    pub events: usize,
    /// Their bytes.
    pub event_bytes: u64,
}

/// A maker of sessions.
pub struct Generator {
    words: Words,
    seed: u64,
}

impl Generator {
    /// The one of this seed.
    pub fn new(seed: u64) -> Self {
        Self { words: Words::new(), seed }
    }

    /// The session of this number, empty yet.
    pub fn session(&self, nth: usize) -> Session<'_> {
        let mut seed = Seed::new(self.seed ^ (nth as u64) << 20);
        Session::new(&self.words, Seed::new(seed.number()), nth)
    }

    /// Writes so many sessions below the projects root `root`, and their hook events into `incoming` if there is one.
    ///
    /// # Panics
    /// When a file cannot be written.
    pub fn write(&self, sessions: usize, root: &Path, incoming: Option<&Path>) -> Written {
        let mut written = Written::default();
        let file = |path: &Path, bytes: &[u8]| {
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, bytes).unwrap_or_else(|error| panic!("write {}: {error}", path.display()));
            bytes.len() as u64
        };
        for nth in 0..sessions {
            let mut session = self.session(nth);
            let mut seed = Seed::new(!self.seed ^ nth as u64);
            (0..sizes::TURNS.draw(&mut seed)).for_each(|_| session.turn());
            let project = root.join(format!("-src-acme-{}", nth % 20));
            written.bytes += file(&project.join(&session.id).with_extension("jsonl"), &session.main);
            for (agent, bytes) in &session.subagents {
                let path = project.join(&session.id).join(format!("subagents/agent-{agent}.jsonl"));
                written.bytes += file(&path, bytes);
            }
            written.files += 1 + session.subagents.len();
            written.lines += session.lines;
            if let Some(incoming) = incoming {
                for (name, payload) in &session.events {
                    written.event_bytes += file(&incoming.join(name), payload);
                }
                written.events += session.events.len();
            }
        }
        written
    }
}
