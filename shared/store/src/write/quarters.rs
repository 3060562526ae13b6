//! Keeps the figures of the quarters in which conversations change, in proportion to what changes: what a conversation
//! added is noted before its rows are touched for the first time, and what it adds now is counted at the end of the
//! transaction. Where the rows themselves are not to be trusted, the quarter is counted whole.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::OptionalExtension;

use super::Batch;
use super::derived::Look;
use crate::error::{Context, Error};
use crate::ids::ConversationId;
use crate::quarter::{self, Quarter, slot};

/// What a transaction did to quarters.
#[derive(Debug, Default)]
pub(super) struct Touched {
    /// What the conversations added that are others now or gone, by quarter.
    before: BTreeMap<i64, Quarter>,
    conversations: BTreeSet<ConversationId>,
    /// To be counted whole.
    whole: BTreeSet<i64>,
}

impl Batch<'_> {
    /// The rows of a conversation are about to change; those that are there begin at `before_ms`.
    pub(super) fn touch_conversation(
        &self,
        id: ConversationId,
        before_ms: Option<i64>,
        look: Look,
    ) -> Result<(), Error> {
        let mut touched = self.quarters.borrow_mut();
        if touched.conversations.insert(id)
            && let Some(before_ms) = before_ms
        {
            if look == Look::Rows {
                touched.whole.insert(slot(before_ms));
            }
            let added = Quarter::of_one(&self.tx, before_ms, id)?;
            touched.before.entry(slot(before_ms)).or_default().and(&added);
        }
        Ok(())
    }

    /// Everything that begins in the quarter of this time may be another than before.
    pub(super) fn touch_quarter(&self, timestamp_ms: i64) {
        self.quarters.borrow_mut().whole.insert(slot(timestamp_ms));
    }

    /// Counts what was touched.
    pub(super) fn count_quarters(&self) -> Result<(), Error> {
        let Touched { before, conversations, whole } = std::mem::take(&mut *self.quarters.borrow_mut());
        let mut changes: BTreeMap<i64, (Quarter, Quarter)> = BTreeMap::new();
        for (slot, before) in before {
            changes.entry(slot).or_default().0 = before;
        }
        let mut begins = self.tx.prepare_cached("select timestamp_ms from turns where id = ?1").op("prepare")?;
        for id in conversations {
            let now_ms = begins.query_row([id.0], |row| row.get(0)).optional().op("read the time of a conversation")?;
            if let Some(now_ms) = now_ms {
                let adds = Quarter::of_one(&self.tx, now_ms, id)?;
                changes.entry(slot(now_ms)).or_default().1.and(&adds);
            }
        }
        for (slot, (before, after)) in changes.iter().filter(|(slot, _)| !whole.contains(slot)) {
            quarter::change(&self.tx, *slot, before, after)?;
        }
        whole.into_iter().try_for_each(|slot| quarter::recount(&self.tx, slot))
    }
}
