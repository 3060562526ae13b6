//! Sessions made up from a seed, as large as wanted and the same in every run, in the shape of real ones.
//!
//! The shape was measured over the 37 real transcripts of more than 20 kB that could be found (14.4 MB, 5,324 lines, versions
//! 1.0 to 2.1.218), and again over what is made here:
//!
//! ```text
//!                                              real             made
//! lines   assistant, user                      44 %, 28 %       46 %, 29 %
//!         attachment and progress, others      13 %, 15 %       12 %, 13 %
//! bytes   user, assistant, other lines         62 %, 30 %, 8 %  66 %, 28 %, 6 %
//!         structured results, tool results     30 %, 16 %       35 %, 19 %
//!         images and documents, prompts        7 %, 2 %         5 %, 1 %
//!         signatures, tool inputs              5.4 %, 4.9 %     5.8 %, 4.7 %
//!         texts, thinking                      1.8 %, 0.8 %     2.2 %, 1.0 %
//!         subagents' files                     4 %              4 %
//! turn    lines, mean and median               32, 13           29, 14
//!         tool calls, mean and median          8, 3             8, 3
//! zstd -3 in pieces of 256 KiB                 0.25 x           0.26 x
//! ```
//!
//! Sizes are drawn from the quantiles found there (`sizes`); sessions have fewer turns, 3 instead of 5, so that 1,000 of
//! them are about 230 MB. Prose and code are made of 50,000 words by Zipf's law; what tools read and print is mostly cut from
//! one text for each session, as in reality.

mod session;
mod sizes;
mod words;

use std::fs;
use std::path::Path;

use crate::Seed;
pub use session::Session;
use words::{VOCABULARY, Words};

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
        Self { words: Words::new(VOCABULARY), seed }
    }

    /// One whose texts are made of so few words that each of them is nearly everywhere: only beside what others made.
    pub fn of_words(seed: u64, count: usize) -> Self {
        Self { words: Words::new(count), seed }
    }

    /// The session of this number, empty yet.
    pub fn session(&self, nth: usize) -> Session<'_> {
        let mut seed = Seed::new(self.seed ^ (nth as u64) << 20);
        Session::new(&self.words, Seed::new(seed.number()), nth)
    }

    /// One of many small sessions, empty yet; see [`Session::brief_turn`].
    pub fn brief(&self, nth: usize) -> Session<'_> {
        let mut seed = Seed::new(self.seed ^ (nth as u64) << 20);
        Session::brief(&self.words, Seed::new(seed.number()), nth)
    }

    /// So many bytes of prose.
    pub fn prose(&self, seed: &mut Seed, length: usize) -> String {
        self.words.prose(seed, length)
    }

    /// The word that is used the n-th most, from 0 on.
    pub fn word(&self, rank: usize) -> &str {
        self.words.nth(rank)
    }

    /// The session of this number, with as many turns as sessions have.
    pub fn whole(&self, nth: usize) -> Session<'_> {
        let mut session = self.session(nth);
        let mut seed = Seed::new(!self.seed ^ nth as u64);
        (0..sizes::TURNS.draw(&mut seed)).for_each(|_| session.turn());
        session
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
            let session = self.whole(nth);
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
