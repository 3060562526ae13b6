//! Takes in another database of Prompt Manager: another machine's, or a backup of any machine's, this one included.
//!
//! What people said comes last, because it hangs on conversations, and those are known once what came in is derived.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::SystemTime;

use store::write::{Merged, Progress, Writer};

use crate::clock;
use crate::derive::derive_observed;
use crate::error::Error;
use crate::forget::{self, Cleaned};
use crate::intake::places::Places;
use crate::show::Show;

/// Takes it in; `observe` is told after each transaction and may end it, to be continued another time.
///
/// # Errors
/// [`store::Error::Refused`] for a file that cannot be taken in, untouched; the store's. What was committed stays, and
/// running again is harmless.
pub(crate) fn import(
    writer: &mut Writer,
    places: &Places,
    path: &Path,
    observe: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Merged, Error> {
    let other = writer.open_other(path)?;
    writer.merge_stones(&other)?;
    let never = AtomicBool::new(false);
    let _ = forget::learn(writer, places, &never, &Show::new(true))?;
    // A file of theirs that holds what was forgotten or is hidden here would stand beside ours as another one.
    let guard = writer.guarded()?;
    let cleaned = if writer.has_forgotten()? || guard.is_some() {
        let home = writer.data_dir().clone();
        Some(Cleaned::of(&home, path, &home.database_dir(), guard, &never)?)
    } else {
        None
    };
    let other = match &cleaned {
        Some(cleaned) => writer.open_other(&cleaned.database())?,
        None => other,
    };
    let last = Cell::new(Progress::default());
    let mut observe = |now| {
        last.set(now);
        observe(now)
    };
    let mut merged = writer.merge_ground(&other, &mut observe)?;
    if merged.stopped {
        return Ok(merged);
    }
    derive_on(writer, &mut merged, &mut || observe(last.get()))?;
    if merged.stopped {
        return Ok(merged);
    }
    let said = writer.merge_human(&other, clock::millis(SystemTime::now()), &mut observe)?;
    (merged.human, merged.stopped) = (said.human, said.stopped);
    // Sessions of which something was said by a key that is new here.
    derive_on(writer, &mut merged, &mut || observe(last.get()))?;
    Ok(merged)
}

/// Derives what is dirty, until `on` ends it.
pub(super) fn derive_on(
    writer: &mut Writer,
    merged: &mut Merged,
    on: &mut dyn FnMut() -> ControlFlow<()>,
) -> Result<(), Error> {
    let derived = derive_observed(writer, &mut |_| {
        let go = on();
        merged.stopped |= go.is_break();
        go
    })?;
    merged.conversations += derived.conversations;
    Ok(())
}

#[cfg(test)]
mod tests;
