//! The points at which a pass may die: one between any two things that a crash leaves behind.
//!
//! A pass tells its observer at each; the crash tests end it there and let the next pass find what lies on the disk. In
//! production the observer always goes on.

use std::ops::ControlFlow;

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
}

/// What a pass tells its progress to.
pub struct Steps<'a>(pub &'a mut dyn FnMut(Step) -> ControlFlow<()>);

impl Steps<'_> {
    /// Reports `step`.
    ///
    /// # Errors
    /// [`Error::Stopped`] when the observer wants no more.
    pub fn at(&mut self, step: Step) -> Result<(), Error> {
        match (self.0)(step) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Error::Stopped(step)),
        }
    }
}

/// An observer that lets the pass run.
pub fn go_on(_: Step) -> ControlFlow<()> {
    ControlFlow::Continue(())
}
