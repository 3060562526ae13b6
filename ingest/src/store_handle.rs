//! The writer of a process: opened when it is first needed, and dropped after any fault.
//!
//! After a failed sync the kernel may have marked lost pages as clean, so the same connection must never try again; a new
//! one reads what is really there. Nor does a connection see that its file was moved away or replaced: what it then commits
//! is nowhere that anybody looks, so it counts as not done. Nor is another database made in the place of one that was open: it
//! was moved away, or its disk is gone, and may come back.

use queue::broken::{Rule, broken};
use store::write::{Log, Writer};

use crate::error::{At, Error};
use crate::upgrade::Opening;

/// The connection, or the intention of one.
#[derive(Debug)]
pub(crate) struct StoreHandle {
    opening: Opening,
    writer: Option<Writer>,
    /// There was a database.
    was_open: bool,
}

impl StoreHandle {
    /// Nothing is opened yet.
    pub(crate) fn new(opening: Opening) -> Self {
        Self { opening, writer: None, was_open: false }
    }

    /// Opens as another would from now on.
    pub(crate) fn adopt(&mut self, other: Self) {
        *self = Self { was_open: self.was_open, ..other };
    }

    /// Runs `work` on the writer; whatever goes wrong, the writer is dropped.
    ///
    /// # Errors
    /// Those of opening, and of `work`.
    pub(crate) fn with<T>(&mut self, work: impl FnOnce(&mut Writer) -> Result<T, Error>) -> Result<T, Error> {
        let mut writer = match self.writer.take().filter(Writer::is_current) {
            Some(writer) => writer,
            None => self.open()?,
        };
        self.was_open = true;
        let done = work(&mut writer).and_then(|done| {
            writer.check_current()?;
            Ok(done)
        });
        if done.is_ok() || broken(Rule::NoSyncAgain) {
            self.writer = Some(writer);
        }
        done
    }

    fn open(&self) -> Result<Writer, Error> {
        let home = self.opening.home();
        let database = home.database();
        // While it is being replaced it is not there either, for a moment.
        if self.was_open && !home.replacement().exists() {
            std::fs::symlink_metadata(&database).at("find", &database)?;
        }
        self.opening.open()
    }

    /// Empties the log of an open store, if it can be done without waiting; `false` when somebody needs it still.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn rest(&mut self) -> Result<bool, Error> {
        if self.writer.is_none() {
            return Ok(true);
        }
        self.with(|writer| Ok(writer.rest()? == Log::Empty))
    }
}
