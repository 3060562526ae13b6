//! What is left to do after something was forgotten, here or elsewhere: hold what is stored against the stones that came, and
//! take the words of what is gone out of the indexes.

use std::ops::ControlFlow;
use std::sync::atomic::AtomicBool;

use store::write::Writer;

use super::going;
use crate::derive;

/// Does it; nothing where nothing is left. Ended by `stop`, it goes on the next time.
///
/// # Errors
/// The store's.
pub(crate) fn catch_up(
    writer: &mut Writer,
    stop: &AtomicBool,
    say: &dyn Fn(&str),
) -> Result<ControlFlow<()>, store::Error> {
    let flow = take_out(writer, stop, say)?;
    if flow.is_continue() && writer.has_remains_here()? {
        say("writing the database anew");
        writer.rewrite()?;
    }
    Ok(flow)
}

/// The same, but for what stays behind between the rows: for a file that is only copied from, row by row.
pub(super) fn take_out(
    writer: &mut Writer,
    stop: &AtomicBool,
    say: &dyn Fn(&str),
) -> Result<ControlFlow<()>, store::Error> {
    if writer.is_to_be_sifted()? {
        tracing::info!("holding everything that is stored against what was forgotten");
        let mut observe = |done: store::write::Sifted| {
            say(&format!("holding what is stored against what was forgotten: {} files", done.files));
            going(stop)
        };
        let (done, flow) = writer.sift_all(&mut observe)?;
        if flow.is_break() {
            return Ok(flow);
        }
        tracing::info!(files = done.files, events = done.events, conversations = done.conversations, "taken out");
    }
    if !writer.has_remains_here()? {
        return Ok(ControlFlow::Continue(()));
    }
    derive::derive(writer)?; // what was derived of it goes before the words of that do
    let of = store::write::INDEXES.len();
    writer.merge_words(&mut |done| {
        say(&format!("indexes of words: {done} of {of}"));
        going(stop)
    })
}
