//! A tag as a whole: called otherwise, joined with another, or taken off everywhere.

use super::{Act, Annotator, Outcome, Refused};
use crate::error::{Context, Error};
use crate::human::{Said, Tag, folded};
use crate::ids::ConversationId;
use crate::read;

/// What became of a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renamed {
    /// Conversations that had it.
    pub conversations: u64,
    /// Whether some conversations had the other tag before.
    pub merged: bool,
}

impl Annotator {
    /// Gives every conversation that has the tag `from`, in whatever spelling, the tag `to` in its place, spelled as it is given.
    /// Another tag that is called so is joined with only if `merge` says so. `to` of `None` takes it off.
    ///
    /// # Errors
    /// The engine's. Refused: [`Refused::NoTag`], [`Refused::Conflict`], [`Refused::Unfit`].
    pub fn rename_tag(&mut self, from: &Tag, to: Option<&Tag>, merge: bool, now_ms: i64) -> Outcome<Renamed> {
        self.act(now_ms, |act| {
            if read::tag_spelling(act.conn, from.as_str())?.is_none() {
                return Ok(Err(Refused::NoTag(from.clone())));
            }
            let other = to.filter(|to| folded(to.as_str()) != folded(from.as_str()));
            let merged = match other {
                Some(other) => read::tag_spelling(act.conn, other.as_str())?.is_some(),
                None => false,
            };
            if let Some(other) = other.filter(|_| merged && !merge) {
                return Ok(Err(Refused::Conflict(format!(
                    "There is a tag {other} already: send \"merge\": true to join the two."
                ))));
            }
            if let Some((to, Err(unfit))) = to.filter(|_| !merged).map(|to| (to, to.check_new())) {
                return Ok(Err(Refused::Unfit(to.clone(), unfit)));
            }
            let mut conversations = 0;
            for (id, spelling, changed_ms) in act.tagged(from)? {
                if to.is_some_and(|to| to.as_str() == spelling) {
                    continue; // it is called so already
                }
                // Newer than everything that was said of it.
                let at = act.now_ms.max(changed_ms.saturating_add(1));
                if other.is_some() || to.is_none() {
                    act.say(id, at, Said::Tag { tag: spelling, present: false })?;
                }
                if let Some(to) = to {
                    act.say(id, at, Said::Tag { tag: to.as_str().to_owned(), present: true })?;
                }
                conversations += 1;
            }
            Ok(Ok(Renamed { conversations, merged }))
        })
    }
}

impl Act<'_> {
    /// The conversations that have a tag, how it is spelled there, and when something was last said of each.
    fn tagged(&self, tag: &Tag) -> Result<Vec<(ConversationId, String, i64)>, Error> {
        const SQL: &str = "
            select t.conversation_id, t.tag, m.changed_ms from tagged t join marks m on m.conversation_id = t.conversation_id
             where t.key = ?1";
        self.conn
            .prepare_cached(SQL)
            .op("prepare")?
            .query_map([folded(tag.as_str())], |row| Ok((ConversationId(row.get(0)?), row.get(1)?, row.get(2)?)))
            .op("look for a tag")?
            .collect::<Result<_, _>>()
            .op("look for a tag")
    }
}
