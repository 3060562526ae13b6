//! Derives on a thread beside the writer's: what is committed is read and correlated while the writer writes what came before.

use std::collections::BTreeSet;
use std::sync::mpsc::{Receiver, TryRecvError};

use store::write::{GroundReader, Lineage, Look, Writer};

use super::{BATCH_LINEAGES, Derived, Tried, read_some};

/// Lineages that are ready to be written.
#[derive(Debug)]
pub(crate) struct Ready(Vec<Lineage>);

impl Ready {
    /// Writes them, in one transaction. The receipt goes back to [`run`].
    pub(crate) fn write(&self, writer: &mut Writer, done: &mut Derived) -> Result<Notice, store::Error> {
        let outdated = super::write(writer, &self.0, Look::Digests, done)?;
        Ok(Notice::Written { sessions: self.sessions().cloned().collect(), outdated })
    }

    fn sessions(&self) -> impl Iterator<Item = &String> {
        self.0.iter().flat_map(|lineage| lineage.parts.keys())
    }
}

/// What the writer lets us know.
#[derive(Debug)]
pub(crate) enum Notice {
    /// More of the ground is committed, and of these sessions all that is coming.
    Ground(Vec<String>),
    /// These sessions were written; those that are outdated have to be read again.
    Written { sessions: Vec<String>, outdated: Vec<String> },
    /// Nothing more will be committed but what is still under way.
    Last,
}

/// Reads dirty sessions and hands them to `send` until all is derived, or the other side is gone. Those of which more is `coming`
/// have to wait for it: what their hooks told would be derived, indexed, and taken out again a moment later.
pub(crate) fn run(
    reader: &mut GroundReader,
    coming: BTreeSet<String>,
    notices: &Receiver<Notice>,
    mut send: impl FnMut(Ready) -> Result<(), Gone>,
) -> Result<(), store::Error> {
    let mut at = State { coming, ..State::default() };
    loop {
        loop {
            match notices.try_recv() {
                Ok(notice) => at.take(notice),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return Ok(()),
            }
        }
        let mut skip = at.tried.given_up();
        skip.extend(at.under_way.iter().chain(&at.coming).cloned());
        let ground = reader.ground()?;
        let sessions = ground.dirty_sessions(BATCH_LINEAGES, &skip)?;
        let ready = Ready(read_some(&ground, sessions, skip)?);
        drop(ground);
        if !ready.0.is_empty() {
            at.under_way.extend(ready.sessions().cloned());
            if send(ready).is_err() {
                return Ok(());
            }
        } else if at.last && at.under_way.is_empty() {
            return Ok(());
        } else {
            match notices.recv() {
                Ok(notice) => at.take(notice),
                Err(_) => return Ok(()),
            }
        }
    }
}

/// The other side has ended.
#[derive(Debug)]
pub(crate) struct Gone;

#[derive(Default)]
struct State {
    /// Read, and not yet written.
    under_way: BTreeSet<String>,
    /// Not to be read yet.
    coming: BTreeSet<String>,
    tried: Tried,
    last: bool,
}

impl State {
    fn take(&mut self, notice: Notice) {
        match notice {
            Notice::Ground(whole) => {
                for session in &whole {
                    self.coming.remove(session);
                }
            }
            Notice::Last => {
                self.coming.clear();
                self.last = true;
            }
            Notice::Written { sessions, outdated } => {
                for session in &sessions {
                    self.under_way.remove(session);
                }
                self.tried.again(outdated);
            }
        }
    }
}
