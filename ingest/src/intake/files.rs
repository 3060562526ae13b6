//! The limit of open files. Each file of the two batches under way is one, so the limit is raised, or the batch lowered
//! to fit.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What the rest of the process needs: the database, its log and lock, stdio, a transcript, room to spare.
const OTHERS: u64 = 64;

/// One is read while another is stored.
const BATCHES: u64 = 2;

/// The number of files that may be in a batch, at most `wanted`.
pub(crate) fn allow(wanted: usize) -> usize {
    let needed = BATCHES * wanted as u64 + OTHERS;
    let limit = getrlimit(Resource::Nofile);
    // `None` is "no limit", for both.
    let Some(current) = limit.current.filter(|current| *current < needed) else { return wanted };
    let raised = limit.maximum.map_or(needed, |maximum| maximum.min(needed));
    let granted = match setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum: limit.maximum }) {
        Ok(()) => raised,
        Err(_) => current,
    };
    usize::try_from(granted.saturating_sub(OTHERS) / BATCHES).map_or(wanted, |files| files.clamp(1, wanted))
}
