//! What a pass did, for a person in one line and for programs as JSON with names that stay.

use std::fmt;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::error::Error;
use crate::intake::claim::Stays;
use crate::step::Step;

/// So many files that cannot be read are those on a bad spot; more are a bad disk.
const MOST_LEFT: u64 = 64;

/// The figures of one pass or, summed up, of several.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PassReport {
    /// Queue files stored as new events.
    pub stored: u64,
    /// Queue files whose event was there already.
    pub replayed: u64,
    /// Queue files of what was forgotten on request: they stay out, and are removed.
    pub forgotten: u64,
    /// Queue files moved to failed.
    pub failed: u64,
    /// Queue files of ignored projects and sessions, which are removed.
    pub ignored: u64,
    /// Queue files and transcripts that are left where they are: nothing tells yet whether they are of something ignored.
    pub waiting: u64,
    /// Queue files, also of the spill place, that another ingester had at that moment, or that wait for one of their name.
    pub busy: u64,
    /// Queue files left for the next pass after a fault that will pass. Those that only could not be moved to the archive are stored.
    pub put_back: u64,
    /// Of these, how many cannot be read or moved.
    #[serde(skip)]
    pub(crate) left: u64,
    /// Entries in the queue that are not ours to touch.
    pub left_alone: u64,
    /// Files of dead hooks taken over from tmp.
    pub adopted: u64,
    /// Files taken over from the spill place.
    pub drained: u64,
    /// Payload bytes stored.
    pub bytes: u64,
    /// Transcript files that had something new.
    pub transcript_files: u64,
    /// Transcript bytes taken in.
    pub transcript_bytes: u64,
    /// Sessions derived anew.
    pub sessions: u64,
    /// Conversations that this changed.
    pub conversations: u64,
    /// The first fault that will pass, if there was one; the pass is then to be tried again later.
    pub trouble: Option<String>,
    /// There is more than one pass takes.
    pub more: bool,
    /// Where the time went.
    pub took_ms: Times,
}

/// Where the time of a pass went, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Times {
    /// From the queue to the archive.
    pub queue: u64,
    /// Following transcripts.
    pub transcripts: u64,
    /// Deriving conversations.
    pub derive: u64,
}

/// Measures [`Times`] from the steps of a pass.
#[derive(Debug)]
pub struct Stopwatch {
    last: Instant,
    queue: Duration,
    transcripts: Duration,
    derive: Duration,
}

impl Stopwatch {
    /// Starts at `now`.
    pub fn new(now: Instant) -> Self {
        Self { last: now, queue: Duration::ZERO, transcripts: Duration::ZERO, derive: Duration::ZERO }
    }

    /// The time since the last step belongs to what this one ends.
    pub fn at(&mut self, step: Step, now: Instant) {
        let part = match step {
            Step::Followed => &mut self.transcripts,
            Step::Derived | Step::Rated => &mut self.derive,
            _ => &mut self.queue,
        };
        *part += now - self.last;
        self.last = now;
    }

    /// The sums.
    pub fn times(&self) -> Times {
        let ms = |part: Duration| u64::try_from(part.as_millis()).unwrap_or(u64::MAX);
        Times { queue: ms(self.queue), transcripts: ms(self.transcripts), derive: ms(self.derive) }
    }
}

impl PassReport {
    /// Whether there is anything worth a line in a log.
    pub fn is_idle(&self) -> bool {
        let Self { busy, left_alone, waiting, took_ms, .. } = *self;
        *self == Self { busy, left_alone, waiting, took_ms, ..Self::default() }
    }

    /// Queue files that are out of the queue.
    pub(crate) fn taken(&self) -> u64 {
        self.stored + self.replayed + self.forgotten + self.failed + self.ignored
    }

    /// Goes on without a file that cannot be read or moved now: it stays for the next pass, and is told of.
    ///
    /// # Errors
    /// The error itself, if it is not about one file alone, or if so many say the same that it is about the disk.
    pub(crate) fn leave(&mut self, error: Error) -> Result<(), Error> {
        if !error.is_of_one_file() || self.left >= MOST_LEFT {
            return Err(error);
        }
        tracing::warn!(%error, "a queue file is left for the next pass");
        self.left += 1;
        self.put_back += 1;
        self.trouble.get_or_insert_with(|| error.to_string());
        Ok(())
    }

    /// Goes on without a file that is stored and cannot leave processing, be it one or all of a full disk: each is tried once in a
    /// pass. It counts as known already when it has left.
    pub(crate) fn keep(&mut self, Stays(error): Stays) {
        tracing::debug!(%error, "a queue file that is stored stays in processing"); // the pass tells the first
        self.put_back += 1;
        self.trouble.get_or_insert_with(|| error.to_string());
    }

    /// Adds another part of the same pass.
    pub fn add(&mut self, part: Self) {
        self.stored += part.stored;
        self.replayed += part.replayed;
        self.forgotten += part.forgotten;
        self.failed += part.failed;
        self.ignored += part.ignored;
        self.busy += part.busy;
        self.waiting += part.waiting;
        self.put_back += part.put_back;
        self.left += part.left;
        self.left_alone += part.left_alone;
        self.adopted += part.adopted;
        self.drained += part.drained;
        self.bytes += part.bytes;
        self.transcript_files += part.transcript_files;
        self.transcript_bytes += part.transcript_bytes;
        self.sessions += part.sessions;
        self.conversations += part.conversations;
        self.took_ms.queue += part.took_ms.queue;
        self.took_ms.transcripts += part.took_ms.transcripts;
        self.took_ms.derive += part.took_ms.derive;
        self.trouble = self.trouble.take().or(part.trouble);
        self.more |= part.more;
    }

    /// Adds the pass that came after. What is still so counts once, however often it was seen.
    pub fn followed_by(&mut self, next: Self) {
        self.busy = 0;
        self.waiting = 0;
        self.left_alone = 0;
        self.more = false;
        self.add(next);
    }
}

impl fmt::Display for PassReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} stored", count(self.stored, "event"))?;
        for (n, what) in [
            (self.replayed, "known already"),
            (self.forgotten, "forgotten before and removed"),
            (self.failed, "moved to queue/failed with a reason"),
            (self.ignored, "ignored"),
            (self.waiting, "waiting: nothing tells yet whether to ignore them"),
            (self.busy, "in the hands of another ingester"),
            (self.put_back, "put back for later"),
            (self.left_alone, "not ours and left alone"),
            (self.adopted, "taken over from dead hooks"),
            (self.drained, "taken over from the spill place"),
        ] {
            if n > 0 {
                write!(f, ", {n} {what}")?;
            }
        }
        if self.transcript_files > 0 {
            let files = count(self.transcript_files, "transcript file");
            write!(f, "; {files} followed ({} KiB)", self.transcript_bytes.div_ceil(1024))?;
        }
        if self.conversations > 0 {
            write!(f, "; {} new or changed", count(self.conversations, "conversation"))?;
        }
        if let Some(trouble) = &self.trouble {
            write!(f, "; to be tried again: {trouble}")?;
        }
        Ok(())
    }
}

/// `1 file`, `2 files`.
pub(crate) fn count(n: u64, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line() {
        let check = |report: PassReport, expected: &str| assert_eq!(report.to_string(), expected);
        check(PassReport::default(), "0 events stored");
        check(
            PassReport {
                stored: 1,
                failed: 2,
                transcript_files: 1,
                transcript_bytes: 1025,
                conversations: 3,
                ..Default::default()
            },
            "1 event stored, 2 moved to queue/failed with a reason; 1 transcript file followed (2 KiB); 3 conversations new or changed",
        );
    }

    #[test]
    fn a_stopwatch_parts_the_time() {
        let begin = Instant::now();
        let mut watch = Stopwatch::new(begin);
        let steps = [(Step::Scanned, 5), (Step::Archived, 7), (Step::Followed, 10), (Step::Derived, 17)];
        for (step, ms) in steps {
            watch.at(step, begin + Duration::from_millis(ms));
        }
        assert_eq!(watch.times(), Times { queue: 7, transcripts: 3, derive: 7 });
    }

    #[test]
    fn idle() {
        assert!(PassReport { left_alone: 3, busy: 1, ..Default::default() }.is_idle());
        assert!(!PassReport { stored: 1, ..Default::default() }.is_idle());
        assert!(!PassReport { trouble: Some("a".into()), ..Default::default() }.is_idle());
    }

    #[test]
    fn sums() {
        let mut sum = PassReport { stored: 2, left_alone: 1, more: true, ..Default::default() };
        sum.followed_by(PassReport { stored: 3, left_alone: 1, ..Default::default() });
        assert_eq!(sum, PassReport { stored: 5, left_alone: 1, ..Default::default() });
    }
}
