//! `ingest rebuild`: derives everything again from the ground. On a healthy store no row changes.

use store::write::Writer;

use super::{Derived, derive};

/// What a rebuild did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rebuilt {
    /// Sessions that were derived.
    pub sessions: u64,
    /// Conversations that were not as they should be.
    pub conversations: u64,
}

/// Marks every session and derives all of them.
///
/// # Errors
/// The store's.
pub fn rebuild(writer: &mut Writer) -> Result<Rebuilt, store::Error> {
    let batch = writer.batch()?;
    batch.mark_all_dirty()?;
    batch.commit()?;
    let Derived { sessions, conversations } = derive(writer)?;
    Ok(Rebuilt { sessions, conversations })
}
