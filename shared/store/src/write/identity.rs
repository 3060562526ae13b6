//! Gives each conversation its id, by the keys it is recognised by.
//!
//! An id is given by the first key seen and never changes its meaning (`conversation_ids` has autoincrement: none is
//! reused). When two ids prove to be one conversation the lower survives and `aliases` says so.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{OptionalExtension, params};

use super::Batch;
use super::turn::Turn;
use crate::error::{Context, Error};
use crate::ids::{ConversationId, Key};

const KEEP_KEY: &str =
    "insert into conversation_keys (kind, key, conversation_id) values (?1, ?2, ?3) on conflict do nothing";

const MOVE_KEY: &str = "insert into conversation_keys (kind, key, conversation_id) values (?1, ?2, ?3)
                        on conflict do update set conversation_id = excluded.conversation_id";

impl Batch<'_> {
    /// The id of each turn; makes those that are new, and the aliases. No two turns ever get the same id.
    pub(super) fn identify(&self, turns: &[Turn], now_ms: i64) -> Result<Vec<ConversationId>, Error> {
        // Who gets an id that the keys of several turns lead to: a prompt before what nobody asked, and either before
        // what was formerly known by the key. An id that was answered with a prompt stays with it.
        let by_rank = |turn: &Turn| match turn.prompt_text {
            Some(_) => [turn.keys.clone(), Vec::new(), turn.former_keys.clone()],
            None => [Vec::new(), turn.keys.clone(), turn.former_keys.clone()],
        };
        let mut owner: BTreeMap<ConversationId, usize> = BTreeMap::new();
        for rank in 0..3 {
            for (index, turn) in turns.iter().enumerate() {
                for key in &by_rank(turn)[rank] {
                    if let Some(id) = self.find_key(key)? {
                        owner.entry(id).or_insert(index);
                    }
                }
            }
        }
        let mut known = vec![BTreeSet::new(); turns.len()];
        for (id, index) in owner {
            known[index].insert(id);
        }
        let mut ids = Vec::with_capacity(turns.len());
        for (turn, known) in turns.iter().zip(&known) {
            // A key whose id went to another conversation leads to the new one from now on.
            let (id, keep) = match known.first() {
                Some(id) => (*id, KEEP_KEY),
                None => {
                    self.execute("insert into conversation_ids (created_ms) values (?1)", [now_ms])?;
                    (ConversationId(self.tx.last_insert_rowid()), MOVE_KEY)
                }
            };
            ids.push(id);
            for key in &turn.keys {
                self.execute(keep, params![key.kind(), key.bytes(), id.0])?;
            }
            self.execute("delete from aliases where id = ?1", [id.0])?;
            for other in known.iter().filter(|other| **other != id) {
                self.execute(
                    "insert into aliases (id, survivor) values (?1, ?2)
                     on conflict do update set survivor = excluded.survivor where survivor <> excluded.survivor",
                    [other.0, id.0],
                )?;
                self.execute("update aliases set survivor = ?2 where survivor = ?1", [other.0, id.0])?;
            }
        }
        Ok(ids)
    }

    fn find_key(&self, key: &Key) -> Result<Option<ConversationId>, Error> {
        self.tx
            .prepare_cached("select conversation_id from conversation_keys where kind = ?1 and key = ?2")
            .op("prepare")?
            .query_row(params![key.kind(), key.bytes()], |row| row.get(0).map(ConversationId))
            .optional()
            .op("look for a key")
    }
}
