//! Gives each conversation its id, by the keys it is recognised by.
//!
//! An id is given by the first key seen and never changes its meaning (`conversation_ids` has autoincrement: none is
//! reused). When two ids prove to be one conversation the lower of those that it has for keys of its own survives, and `aliases`
//! says so. What it was formerly known by has an id of its own, so that both go their ways should they prove to be two: the one
//! that it had, if something was said of that; else that one becomes the conversation's, and it gets another.

use std::collections::{BTreeMap, BTreeSet};

use super::Batch;
use super::turn::Turn;
use crate::error::Error;
use crate::human::{anchor, get, put};
use crate::ids::{ConversationId, Key};

/// The ids of a conversation.
#[derive(Clone, Debug, Default)]
struct Known {
    /// By keys of its own.
    own: BTreeSet<ConversationId>,
    /// By what it was formerly known by.
    former: BTreeSet<ConversationId>,
}

impl Batch<'_> {
    /// The id of each turn; makes those that are new, and the aliases. No two turns ever get the same id.
    pub(super) fn identify(&self, turns: &[Turn], now_ms: i64) -> Result<Vec<ConversationId>, Error> {
        // Who gets an id that the keys of several turns lead to: a prompt before what nobody asked, and either before
        // what was formerly known by the key; of two of these, who has the first of its keys. An id that was answered with a
        // prompt stays with it.
        let mut owner: BTreeMap<ConversationId, usize> = BTreeMap::new();
        let mut known = vec![Known::default(); turns.len()];
        let mut lost: Vec<Vec<Key>> = vec![Vec::new(); turns.len()];
        let mut claimed = BTreeSet::new();
        for prompt in [true, false] {
            let of = |turn: &&Turn| turn.prompt_text.is_some() == prompt;
            for (key, index) in sorted(turns, of, |turn| turn.keys.as_slice()) {
                if !claimed.insert(key) {
                    continue; // a key is one turn's
                }
                match put::leads(&self.tx, &key)? {
                    Some(id) if *owner.entry(id).or_insert(index) == index => drop(known[index].own.insert(id)),
                    _ => lost[index].push(key),
                }
            }
        }
        for (key, index) in sorted(turns, |_| true, |turn| turn.former_keys.as_slice()) {
            if let Some(id) = put::leads(&self.tx, &key)?
                && *owner.entry(id).or_insert(index) == index
            {
                known[index].former.insert(id);
            }
        }
        let mut ids = Vec::with_capacity(turns.len());
        for (known, lost) in known.into_iter().zip(lost) {
            ids.push(self.unite(known, &lost, now_ms)?);
        }
        Ok(ids)
    }

    /// The id that survives of what a conversation is known by. Keys that lead nowhere, or to another conversation, lead to it
    /// from now on.
    fn unite(&self, known: Known, lost: &[Key], now_ms: i64) -> Result<ConversationId, Error> {
        let Known { own, former } = known;
        let mut others: BTreeSet<ConversationId> = own.iter().chain(&former).copied().collect();
        let survivor = match own.first() {
            Some(id) => *id,
            None => match self.formerly_bare(&former)? {
                Some(id) => {
                    others.insert(self.leave(id, now_ms)?);
                    id
                }
                None => self.new_id(now_ms)?,
            },
        };
        if let Some(first) = lost.iter().min() {
            let takes = own.is_empty() || anchor::takes(&self.tx, survivor, first)?;
            let home = if takes { survivor } else { self.new_id(now_ms)? };
            put::lead(&self.tx, lost, home)?;
            others.insert(home);
        }
        others.remove(&survivor);
        self.execute("delete from aliases where id = ?1", [survivor.0])?;
        others.into_iter().try_for_each(|id| put::alias(&self.tx, id, survivor))?;
        Ok(survivor)
    }

    /// The first of these of which nothing was said: who links to it has to find the conversation there.
    fn formerly_bare(&self, former: &BTreeSet<ConversationId>) -> Result<Option<ConversationId>, Error> {
        for id in former {
            if anchor::is_bare(&self.tx, *id)? {
                return Ok(Some(*id));
            }
        }
        Ok(None)
    }

    /// Has what an id was given for lead to another one, which is new.
    fn leave(&self, id: ConversationId, now_ms: i64) -> Result<ConversationId, Error> {
        let (keys, home) = (get::own_keys(&self.tx, id.0)?, self.new_id(now_ms)?);
        put::lead(&self.tx, &keys, home)?;
        Ok(home)
    }

    fn new_id(&self, now_ms: i64) -> Result<ConversationId, Error> {
        self.execute("insert into conversation_ids (created_ms) values (?1)", [now_ms])?;
        Ok(ConversationId(self.tx.last_insert_rowid()))
    }
}

/// Keys of some turns in their order, each with its turn.
fn sorted<'a>(
    turns: &'a [Turn],
    of: impl Fn(&&Turn) -> bool,
    keys: impl Fn(&'a Turn) -> &'a [Key],
) -> BTreeSet<(Key, usize)> {
    let of = turns.iter().enumerate().filter(|(_, turn)| of(turn));
    of.flat_map(|(index, turn)| keys(turn).iter().map(move |key| (*key, index))).collect()
}
