//! What people said, in one small file: the lines of an export without the conversations. `ingest import` takes them back.
//!
//! It is written as text and by other code than the database, so that a fault of the one spares the other, and people can
//! read it without us.

use std::path::Path;

use export::jsonl;
use export::out::{Existing, Out};
use queue::DataDir;
use store::read::export::Exporter;

use crate::disk::sync_dir;
use crate::error::Error;

/// Writes it to `dest`, which must be free.
///
/// # Errors
/// The store's and the operating system's.
pub(super) fn make(home: &DataDir, dest: &Path, now_ms: i64) -> Result<(), Error> {
    let said = Exporter::open(home)?.annotations()?;
    let mut out = Out::file(dest, Existing::Keep)?;
    out.write(|out| {
        jsonl::head(out, &said.origin, now_ms)?;
        said.conversations.iter().try_for_each(|one| jsonl::annotated(out, one))?;
        jsonl::cuts(out, &said.cuts)
    })?;
    out.finish()?;
    sync_dir(dest.parent().unwrap_or(Path::new(".")))
}
