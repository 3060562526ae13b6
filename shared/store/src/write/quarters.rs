//! Counts the quarters again in which a conversation changed, at the end of a transaction.

use super::Batch;
use crate::error::Error;
use crate::quarter::{self, slot};

impl Batch<'_> {
    /// A conversation that begins at this time is another than before, or is there no longer.
    pub(super) fn touch_quarter(&self, timestamp_ms: i64) {
        self.quarters.borrow_mut().insert(slot(timestamp_ms));
    }

    /// Counts what was touched.
    pub(super) fn count_quarters(&self) -> Result<(), Error> {
        let touched = std::mem::take(&mut *self.quarters.borrow_mut());
        touched.into_iter().try_for_each(|slot| quarter::recount(&self.tx, slot))
    }
}
