//! What could not be taken out: it is said, and stays on record with what it needs, while the rest goes.

use std::path::{Path, PathBuf};

use super::user::say;
use crate::error::Error;

/// The places that were left.
#[derive(Debug, Default)]
pub(super) struct Left {
    places: Vec<PathBuf>,
}

impl Left {
    /// What was done at `place`; if that failed, it is said that this is left, and nothing was done.
    ///
    /// # Errors
    /// Those of standard output.
    pub(super) fn unless(&mut self, done: Result<bool, Error>, place: &Path) -> Result<bool, Error> {
        let (path, problem) = match done {
            Ok(done) => return Ok(done),
            Err(Error::Refused { path, problem }) => (path, problem),
            Err(error) => (place.to_owned(), format!("failed to {error}")),
        };
        say(&format!("left {}: {problem}", path.display()))?;
        self.places.push(place.to_owned());
        Ok(false)
    }

    /// Fails if there is anything.
    ///
    /// # Errors
    /// [`Error::Refused`] with the first of them.
    pub(super) fn end(&self) -> Result<(), Error> {
        let Some(path) = self.first() else { return Ok(()) };
        let problem = "is left: not everything is taken out; mend what is said above and run this again".to_owned();
        Err(Error::Refused { path: path.to_owned(), problem })
    }

    /// One of them, if any.
    pub(super) fn first(&self) -> Option<&Path> {
        self.places.first().map(PathBuf::as_path)
    }
}
