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
    /// The engine's. Refused: [`Refused::NoTag`], [`Refused::Conflict`].
    pub fn rename_tag(&mut self, from: &Tag, to: Option<&Tag>, merge: bool, now_ms: i64) -> Outcome<Renamed> {
        self.act(now_ms, |act| {
            let spellings = read::tag_spellings(act.conn, from.as_str())?;
            if spellings.is_empty() {
                return Ok(Err(Refused::NoTag(from.clone())));
            }
            let is_other = to.filter(|to| folded(to.as_str()) != folded(from.as_str()));
            let merged = match is_other {
                Some(to) => !read::tag_spellings(act.conn, to.as_str())?.is_empty(),
                None => false,
            };
            if merged && !merge {
                let to = to.map(Tag::as_str).unwrap_or_default();
                return Ok(Err(Refused::Conflict(format!(
                    "There is a tag {to} already: send \"merge\": true to join the two."
                ))));
            }
            let mut conversations = std::collections::BTreeSet::new();
            for spelling in spellings.iter().filter(|spelling| to.is_none_or(|to| to.as_str() != spelling.as_str())) {
                for (id, changed_ms) in act.tagged(spelling)? {
                    // Newer than everything that was said of it, this loop's own words included.
                    let at = act.now_ms.max(changed_ms.saturating_add(1));
                    act.say(id, at, Said::Tag { tag: spelling.clone(), present: false })?;
                    if let Some(to) = to {
                        act.say(id, at, Said::Tag { tag: to.as_str().to_owned(), present: true })?;
                    }
                    conversations.insert(id);
                }
            }
            Ok(Ok(Renamed { conversations: conversations.len() as u64, merged }))
        })
    }
}

impl Act<'_> {
    /// The conversations that have a tag in this spelling, and when something was last said of each.
    fn tagged(&self, spelling: &str) -> Result<Vec<(ConversationId, i64)>, Error> {
        const SQL: &str = "
            select t.conversation_id, m.changed_ms from tagged t join marks m on m.conversation_id = t.conversation_id
             where t.tag = ?1";
        self.conn
            .prepare_cached(SQL)
            .op("prepare")?
            .query_map([spelling], |row| Ok((ConversationId(row.get(0)?), row.get(1)?)))
            .op("look for a tag")?
            .collect::<Result<_, _>>()
            .op("look for a tag")
    }
}
