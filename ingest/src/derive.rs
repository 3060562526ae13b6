//! Derives the conversations of the sessions whose ground rows changed: reads what is not settled of a session from the
//! ground, correlates it, writes what differs.
//!
//! ```text
//! dirty session ──window──▶ its end, behind the seal ──correlate──▶ turns ──▶ rows that differ, and the next seal
//!                    └─ names something settled? ──whole──▶ all of its lineage ──┘
//! ```
//!
//! Reading and correlating happen outside a write transaction, so nobody waits for them; if the ground moved on
//! meanwhile the store says so and the session is read again.

pub(crate) mod ahead;
pub(crate) mod compare;
mod rebuild;
mod seal;
mod session;
pub(crate) mod whole;
mod window;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::time::{SystemTime, UNIX_EPOCH};

use store::PARSER;
use store::write::{Ground, Lineage, Look, Replaced, Writer};

pub use rebuild::{Index, rebuild};

/// How often a lineage is read again because its ground moved on; then it waits for the next pass.
const ATTEMPTS: usize = 3;

/// One transaction writes at most so many lineages,
const BATCH_LINEAGES: usize = 64;
/// and what came from about so many bytes: the bound of memory, and of how long others wait.
const BATCH_BYTES: u64 = 16 * 1024 * 1024;

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
pub fn derive(writer: &mut Writer) -> Result<Derived, store::Error> {
    derive_dirty(writer, Look::Digests, &mut |_| ControlFlow::Continue(()))
}

/// Derives dirty sessions until none is left or `observe`, which hears of the sum after each transaction, ends it.
pub(crate) fn derive_observed(
    writer: &mut Writer,
    observe: &mut dyn FnMut(Derived) -> ControlFlow<()>,
) -> Result<Derived, store::Error> {
    derive_dirty(writer, Look::Digests, observe)
}

fn derive_dirty(
    writer: &mut Writer,
    look: Look,
    observe: &mut dyn FnMut(Derived) -> ControlFlow<()>,
) -> Result<Derived, store::Error> {
    let mut done = Derived::default();
    let mut tried = Tried::default();
    loop {
        let given_up = tried.given_up();
        let ground = writer.ground()?;
        let sessions = ground.dirty_sessions(BATCH_LINEAGES, &given_up)?;
        let lineages = read_some(&ground, sessions, given_up)?;
        drop(ground);
        if lineages.is_empty() {
            return Ok(done);
        }
        tried.again(write(writer, &lineages, look, &mut done)?);
        if observe(done).is_break() {
            return Ok(done);
        }
    }
}

/// Derives some of the sessions that were last derived by older rules: one transaction, so that a pass is not held up.
///
/// # Errors
/// The store's.
pub fn derive_older(writer: &mut Writer) -> Result<Derived, store::Error> {
    let mut done = Derived::default();
    let ground = writer.ground()?;
    let sessions = ground.derived_before(PARSER, BATCH_LINEAGES)?;
    if sessions.is_empty() {
        return Ok(done);
    }
    let lineages = read_some(&ground, sessions, BTreeSet::new())?;
    drop(ground);
    write(writer, &lineages, Look::Digests, &mut done)?;
    Ok(done)
}

/// Writes lineages, in one transaction unless others wait for it to end. Gives the sessions whose ground moved on meanwhile: they are to be read again.
fn write(
    writer: &mut Writer,
    lineages: &[Lineage],
    look: Look,
    done: &mut Derived,
) -> Result<Vec<String>, store::Error> {
    let mut batch = writer.batch()?;
    let mut outdated = Vec::new();
    for (at, lineage) in lineages.iter().enumerate() {
        if at > 0 && batch.is_due() {
            batch.commit()?;
            batch = writer.batch()?;
        }
        match batch.replace(lineage, look, now_ms())? {
            Replaced::Written { changed, .. } => {
                done.sessions += lineage.parts.len() as u64;
                done.conversations += changed;
            }
            Replaced::Outdated => outdated.extend(lineage.parts.keys().cloned()),
        }
    }
    batch.commit()?;
    Ok(outdated)
}

/// Sessions that were read in vain, and how often: after a few times they wait for the next pass.
#[derive(Debug, Default)]
struct Tried(BTreeMap<String, usize>);

impl Tried {
    fn again(&mut self, outdated: Vec<String>) {
        for session in outdated {
            *self.0.entry(session).or_default() += 1;
        }
    }

    fn given_up(&self) -> BTreeSet<String> {
        self.0.iter().filter(|(_, times)| **times >= ATTEMPTS).map(|(session, _)| session.clone()).collect()
    }
}

/// Reads some of these sessions, until a batch is full, and correlates each with what has to be known with it.
fn read_some(
    ground: &Ground<'_>,
    sessions: Vec<String>,
    mut seen: BTreeSet<String>,
) -> Result<Vec<Lineage>, store::Error> {
    let (mut found, mut bytes) = (Vec::new(), 0);
    for session in sessions {
        if bytes >= BATCH_BYTES {
            break;
        }
        if !seen.contains(&session) {
            let lineage = match window::read(ground, &session, &mut bytes)? {
                Some(lineage) => lineage,
                None => whole::read(ground, session, &mut bytes)?,
            };
            seen.extend(lineage.parts.keys().cloned());
            found.push(lineage);
        }
    }
    Ok(found)
}

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_millis() as i64)
}

#[cfg(test)]
pub(crate) mod tests;
