//! `jsonl`: everything, a JSON object a line, in the form that `ingest import` takes back (docs/export.md).
//!
//! Ids are local to a store, so every line also carries the keys by which another store finds the same conversation.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;
use store::human::{Member, UserSession};
use store::read::export::{Annotated, Cuts, Unplaced, Whole};

use crate::shape;
use crate::time::rfc3339;

/// The version of the form.
pub const VERSION: u32 = 1;

/// The line that comes first.
///
/// # Errors
/// Those of `out`.
pub fn head(out: &mut dyn Write, origin: &str, now_ms: i64) -> io::Result<()> {
    let kind = "prompt-manager-export";
    line(out, &shape::Head { r#type: kind, version: VERSION, origin, exported_at: rfc3339(now_ms) })
}

/// A conversation. Its subagents are lines of their own and name it as `parent_id`.
///
/// # Errors
/// Those of `out`.
pub fn conversation(out: &mut dyn Write, whole: &Whole) -> io::Result<()> {
    line(out, &shape::Conversation::of(whole))
}

/// What was said of a conversation that is not there.
///
/// # Errors
/// Those of `out`.
pub fn unplaced(out: &mut dyn Write, unplaced: &Unplaced) -> io::Result<()> {
    line(out, &shape::Conversation::unplaced(unplaced))
}

/// What was said of a conversation, without the conversation.
///
/// # Errors
/// Those of `out`.
pub fn annotated(out: &mut dyn Write, annotated: &Annotated) -> io::Result<()> {
    line(out, &shape::Conversation::annotated(annotated))
}

/// How people cut and named sessions, and the searches they kept.
///
/// # Errors
/// Those of `out`.
pub fn cuts(out: &mut dyn Write, cuts: &Cuts) -> io::Result<()> {
    let mut sessions: BTreeMap<&str, (Option<&UserSession>, Vec<&Member>)> = BTreeMap::new();
    for session in &cuts.user_sessions {
        sessions.entry(&session.stamp.id).or_default().0 = Some(session);
    }
    for member in &cuts.members {
        sessions.entry(&member.user_session_id).or_default().1.push(member);
    }
    for (id, (row, members)) in &sessions {
        line(out, &shape::UserSessionOf::of(id, *row, members))?;
    }
    for title in &cuts.titles {
        line(out, &shape::TitleOf::of(title))?;
    }
    for view in &cuts.views {
        line(out, &shape::ViewOf::of(view))?;
    }
    Ok(())
}

fn line(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    // Made whole before it is written: what cannot be made leaves no half line.
    let mut bytes = serde_json::to_vec(value)?;
    bytes.push(b'\n');
    out.write_all(&bytes)
}

#[cfg(test)]
mod tests;
