//! The points at which a pass may die: one between any two things that a crash leaves behind.
//!
//! A pass tells its observer at each; the crash tests end it there and let the next pass find what lies on the disk. In
//! production the observer always goes on.

use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};

use crate::error::Error;

/// Where a pass is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// A spilled file was copied into tmp (its disk is another than the queue's).
    Copied,
    /// That copy is in incoming, the original still in the spill place.
    Placed,
    /// A spilled file is in incoming and nowhere else.
    Drained,
    /// A tmp file without a writer is in incoming.
    Adopted,
    /// A directory was read.
    Scanned,
    /// A file is locked, still where it was.
    Locked,
    /// It is in processing, its attempt counted.
    Claimed,
    /// It was read and understood, or found wanting.
    Parsed,
    /// The transaction holds the batch, uncommitted.
    Written,
    /// The batch is durable, its files still in processing.
    Committed,
    /// One file of it is in the archive.
    Archived,
    /// The reason of a bad file is written, the file still in processing.
    Explained,
    /// A bad file is in failed.
    Failed,
    /// A file's attempt was taken back after a transient fault.
    PutBack,
    /// The transcripts were followed.
    Followed,
    /// Conversations were derived.
    Derived,
    /// Ratings from within sessions were said of them.
    Rated,
}

/// What a pass asks at each step whether to go on. `Send`, because a pass has two threads.
pub type Observer<'a> = dyn FnMut(Step) -> ControlFlow<()> + Send + 'a;

/// The observer, shared by the threads of a pass. Once it has ended the pass, no step of any thread goes on.
pub(crate) struct Steps<'a>(Mutex<Asked<'a>>);

struct Asked<'a> {
    observer: &'a mut Observer<'a>,
    ended: Option<Step>,
}

impl<'a> Steps<'a> {
    pub(crate) fn new(observer: &'a mut Observer<'a>) -> Self {
        Self(Mutex::new(Asked { observer, ended: None }))
    }

    /// Reports `step`.
    ///
    /// # Errors
    /// [`Error::Stopped`] when the observer wants no more.
    pub(crate) fn at(&self, step: Step) -> Result<(), Error> {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.ended.is_none() && (asked.observer)(step).is_break() {
            asked.ended = Some(step);
        }
        asked.ended.map_or(Ok(()), |step| Err(Error::Stopped(step)))
    }
}

/// An observer that lets the pass run.
pub fn go_on(_: Step) -> ControlFlow<()> {
    ControlFlow::Continue(())
}
