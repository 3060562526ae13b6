//! Takes in another database of Prompt Manager: another machine's, or a backup of any machine's, this one included.
//!
//! What people said comes last, because it hangs on conversations, and those are known once what came in is derived.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::SystemTime;

use store::write::{Merged, Progress, Writer};

use crate::clock;
use crate::derive::derive;
use crate::error::Error;

/// Takes it in; `observe` is told after each transaction and may end it, to be continued another time.
///
/// # Errors
/// [`store::Error::Refused`] for a file that cannot be taken in, untouched; the store's. What was committed stays, and
/// running again is harmless.
pub fn import(
    writer: &mut Writer,
    path: &Path,
    observe: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Merged, Error> {
    let other = writer.open_other(path)?;
    let ground = writer.merge_ground(&other, observe)?;
    if ground.stopped {
        return Ok(ground);
    }
    let mut conversations = derive(writer)?.conversations;
    let human = writer.merge_human(&other, clock::millis(SystemTime::now()), observe)?;
    conversations += derive(writer)?.conversations; // of sessions where something was said by a key that is new
    Ok(Merged { conversations, human: human.human, stopped: human.stopped, ..ground })
}

#[cfg(test)]
mod tests;
