//! Unpacking that ends: a few bytes can unpack to more than any memory holds, also where a tar hides them behind a name.

use std::cell::Cell;
use std::error::Error;
use std::io::{self, Read};
use std::rc::Rc;

/// For headers and filling beside the file itself, in bytes.
const BESIDE: u64 = 64 * 1024;

/// Reads no more than its budget.
pub(super) struct Limited<R> {
    from: R,
    budget: Budget,
}

/// What may still be read until it is renewed.
#[derive(Clone)]
pub(super) struct Budget {
    left: Rc<Cell<u64>>,
    full: u64,
}

impl<R: Read> Limited<R> {
    /// At most `largest` bytes, and a little, between two renewals.
    pub(super) fn new(from: R, largest: u64) -> (Self, Budget) {
        let full = largest.saturating_add(BESIDE);
        let budget = Budget { left: Rc::new(Cell::new(full)), full };
        (Self { from, budget: budget.clone() }, budget)
    }
}

impl Budget {
    /// All of it again.
    pub(super) fn renew(&self) {
        self.left.set(self.full);
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.from.read(into)?;
        let left = self.budget.left.get().checked_sub(n as u64).ok_or(io::ErrorKind::FileTooLarge)?;
        self.budget.left.set(left);
        Ok(n)
    }
}

/// The same fault without the words of those who unpack: they may quote what they read, and that may be a prompt.
pub(super) fn plain(error: &io::Error) -> io::Error {
    let kind = error.kind();
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(this) = cause {
        let io = this.downcast_ref::<io::Error>();
        if let Some(code) = io.and_then(io::Error::raw_os_error) {
            return io::Error::from_raw_os_error(code);
        }
        cause = match io {
            // Its source skips what it wraps.
            Some(io) => io.get_ref().map(|inner| inner as &(dyn Error + 'static)),
            None => this.source(),
        };
    }
    io::Error::new(kind, format!("it is damaged ({kind})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operating_systems_faults_stay() {
        let eio = || io::Error::from_raw_os_error(5);
        assert_eq!(plain(&eio()).raw_os_error(), Some(5));
        assert_eq!(plain(&io::Error::new(eio().kind(), eio())).raw_os_error(), Some(5));
        let told = plain(&io::Error::other("numeric field was SECRET")).to_string();
        assert_eq!(told, "it is damaged (other error)");
    }
}
