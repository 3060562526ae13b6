//! Derives sessions again and looks whether anything would change, without changing anything.

use std::collections::BTreeSet;

use store::write::{Look, Replaced, Writer};

use super::{PARSER, now_ms, whole};

/// How often a session is read again because somebody committed meanwhile.
const ATTEMPTS: usize = 5;

/// What deriving a session again would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compared {
    /// Change nothing.
    Same,
    /// Change or remove a row.
    Differs,
    /// That cannot be told now: it waits to be derived anyway, was derived by older rules, or changes all the time.
    Unknown,
}

/// Compares one session, and those that are derived with it.
///
/// # Errors
/// The store's.
pub(crate) fn compare(writer: &mut Writer, session: &str) -> Result<Compared, store::Error> {
    for _ in 0..ATTEMPTS {
        let before = writer.version()?;
        let ground = writer.ground()?;
        let is_old = ground.derivation(session)?.is_none_or(|known| known.parser != PARSER);
        let lineage = whole::read(&ground, session.to_owned(), &mut 0)?;
        let waits = lineage.parts.keys().map(|one| ground.token(one)).collect::<Result<Vec<_>, _>>()?;
        drop(ground);
        if is_old || waits.iter().any(Option::is_some) {
            return Ok(Compared::Unknown);
        }
        // The transaction is given up: nothing of it is ever seen. A token does not tell of an event that was stored and
        // derived since.
        let batch = writer.batch()?;
        if batch.version()? != before {
            continue;
        }
        return Ok(match batch.replace(&lineage, Look::Rows, now_ms())? {
            Replaced::Written { changed: 0, removed: 0 } => Compared::Same,
            Replaced::Written { .. } => Compared::Differs,
            Replaced::Outdated => Compared::Unknown,
        });
    }
    Ok(Compared::Unknown)
}

/// Derives these sessions again, from their beginning, and puts right every row of them.
///
/// # Errors
/// The store's.
pub(crate) fn again(writer: &mut Writer, sessions: &BTreeSet<String>) -> Result<(), store::Error> {
    let batch = writer.batch()?;
    for session in sessions {
        batch.unseal(session)?;
        batch.mark_dirty(session)?;
    }
    batch.commit()?;
    super::derive_dirty(writer, Look::Rows, &mut |_| std::ops::ControlFlow::Continue(())).map(drop)
}
