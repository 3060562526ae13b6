//! Derives sessions again and looks whether anything would change, without changing anything.

use std::collections::BTreeSet;

use store::write::{Look, Replaced, Writer};

use super::{PARSER, now_ms, whole};

/// Which of these sessions are not derived as they would be now, and how many could be compared. Those that wait to be
/// derived anyway, or were derived by older rules, are left out.
///
/// # Errors
/// The store's.
pub(crate) fn compare(writer: &mut Writer, sessions: &[String]) -> Result<(Vec<String>, u64), store::Error> {
    let (mut differ, mut compared) = (Vec::new(), 0);
    for session in sessions {
        let ground = writer.ground()?;
        let is_old = ground.derivation(session)?.is_none_or(|known| known.parser != PARSER);
        let lineage = whole::read(&ground, session.clone(), &mut 0)?;
        let others: BTreeSet<_> = lineage.parts.keys().cloned().collect();
        let waits = others.iter().map(|one| ground.token(one)).collect::<Result<Vec<_>, _>>()?;
        drop(ground);
        if is_old || waits.iter().any(Option::is_some) {
            continue;
        }
        // The transaction is given up: nothing of it is ever seen.
        let batch = writer.batch()?;
        if let Replaced::Written { changed, removed } = batch.replace(&lineage, Look::Rows, now_ms())? {
            compared += 1;
            if changed + removed > 0 {
                differ.push(session.clone());
            }
        }
    }
    Ok((differ, compared))
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
