//! Stdin, which may come in pieces, come late, or never end.
//!
//! Claude Code has been seen to leave it open, so the end of the stream is not waited for, and neither is the rest of a
//! payload for ever. Two limits: one second of *waiting* in all, and two seconds whatever comes. A large payload on a
//! busy machine is never cut as long as it flows; an endless stream is.

use std::io;
use std::time::{Duration, Instant};

use queue::sys::{self, Stdin};

use crate::fault::Fault;

/// How much is held before it is written: what a Linux pipe holds, so that most payloads are one read and one write.
const CAPACITY: usize = 64 * 1024;

/// The time spent in waiting for bytes, all in all.
const PATIENCE: Duration = Duration::from_secs(1);

/// The time after which even a stream that flows is left, and after the end of a value, one that still flows.
const LIMIT: Duration = Duration::from_secs(2);

/// What to do now.
pub(crate) enum Next<'a> {
    /// These bytes have come; they are part of the unsaved ones.
    Bytes(&'a [u8]),
    /// There is no room: save what there is.
    Full,
    /// Nothing is there at the moment: save what there is, so that it outlives this process, and ask again.
    Waiting,
    /// Nothing more will come, or it is not waited for.
    End,
}

/// The reading side.
pub(crate) struct Input {
    unsaved: Vec<u8>,
    started: Instant,
    waited: Duration,
}

impl Input {
    pub(crate) fn new() -> Self {
        Self { unsaved: Vec::with_capacity(CAPACITY), started: Instant::now(), waited: Duration::ZERO }
    }

    /// Goes one step on. Once the value is `complete` it only takes what is ready.
    pub(crate) fn next(&mut self, complete: bool) -> Result<Next<'_>, Fault> {
        if self.unsaved.len() == self.unsaved.capacity() {
            return Ok(Next::Full);
        }
        let limit = if complete { PATIENCE } else { LIMIT };
        let before = self.unsaved.len();
        // An interrupted call is repeated, within the limits like everything else.
        while self.started.elapsed() < limit {
            let left = PATIENCE.saturating_sub(self.waited);
            let timeout = if complete || before > 0 { Duration::ZERO } else { left };
            match self.poll(timeout) {
                Ok(Stdin::Ready) => {}
                Ok(Stdin::Silent) if before > 0 && !complete && !left.is_zero() => return Ok(Next::Waiting),
                Ok(Stdin::Silent | Stdin::Ended) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Fault::new("wait for", "stdin", error)),
            }
            match sys::read_stdin(&mut self.unsaved) {
                Ok(0) => break,
                Ok(_) => return Ok(Next::Bytes(&self.unsaved[before..])),
                // Or another reader of the same pipe was faster.
                Err(error) if matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock) => {}
                Err(error) => return Err(Fault::new("read", "stdin", error)),
            }
        }
        Ok(Next::End)
    }

    /// What has come and is not saved yet.
    pub(crate) fn unsaved(&self) -> &[u8] {
        &self.unsaved
    }

    /// It is saved now.
    pub(crate) fn saved(&mut self) {
        self.unsaved.clear();
    }

    fn poll(&mut self, timeout: Duration) -> io::Result<Stdin> {
        if timeout.is_zero() {
            return sys::poll_stdin(timeout);
        }
        let before = Instant::now();
        let result = sys::poll_stdin(timeout);
        self.waited += before.elapsed();
        result
    }
}
