//! Derives everything again from the ground, and looks at every row: on a healthy store none changes.

use std::ops::ControlFlow;

use store::write::{Look, Writer};

use super::{Derived, derive_dirty};

/// Whether the index of words is made anew too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Index {
    /// What it lacks is added.
    Keep,
    /// It is emptied first.
    Anew,
}

/// Marks every session and derives all of them; `observe` hears of each transaction with how many sessions were marked,
/// and may end the work: what is left stays marked, for the next pass.
///
/// # Errors
/// The store's.
pub fn rebuild(
    writer: &mut Writer,
    index: Index,
    observe: &mut dyn FnMut(Derived, u64) -> ControlFlow<()>,
) -> Result<Derived, store::Error> {
    let batch = writer.batch()?;
    batch.mark_all_dirty()?;
    if index == Index::Anew {
        batch.clear_index()?;
    }
    batch.commit()?;
    let marked = writer.dirty()?;
    derive_dirty(writer, Look::Rows, &mut |done| observe(done, marked))
}
