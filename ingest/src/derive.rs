//! Derives conversations of the sessions whose ground rows changed.

use store::write::Writer;

/// What deriving changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Derived {
    /// Sessions that were derived.
    pub sessions: u64,
    /// Conversations written, new or changed.
    pub conversations: u64,
}

/// Derives every dirty session.
///
/// # Errors
/// The store's.
pub fn derive(_writer: &mut Writer) -> Result<Derived, store::Error> {
    Ok(Derived::default())
}
