//! The tags that people use: how they are spelled, and how many conversations have each.
//!
//! Spellings of one tag are one ([`folded`]). Whoever sets one gets the spelling that is in use, so there is nearly always one
//! spelling; two stores that become one may bring two. Then it is shown in the one that most conversations have it in, and of two
//! such in the one that was set last.

use rusqlite::{Connection, OptionalExtension};

use crate::error::{Context, Error};
use crate::human::{Marks, Tag, folded};
use crate::veil::Veil;

/// A tag and how much it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagCount {
    /// As it is shown.
    pub tag: String,
    /// Conversations that have it.
    pub conversations: u64,
}

/// The tags in use as they are shown, the most used first, each with what its spellings have in common; at most `most`.
pub(super) fn all(conn: &Connection, most: u32) -> Result<Vec<(String, TagCount)>, Error> {
    const SQL: &str = "
        select key, tag, conversations
          from (select key, tag, sum(conversations) over (partition by key) as conversations,
                       row_number() over (partition by key order by conversations desc, newest_ms desc, tag) as place
                  from spellings)
         where place = 1
         order by conversations desc, tag limit ?1";
    conn.prepare_cached(SQL)
        .op("prepare")?
        .query_map([most], |row| {
            let conversations = row.get::<_, i64>(2)?.unsigned_abs();
            Ok((row.get(0)?, TagCount { tag: row.get(1)?, conversations }))
        })
        .op("read tags")?
        .collect::<Result<_, _>>()
        .op("read a tag")
}

/// The tag as it is shown here, if it is in use.
pub(crate) fn tag_spelling(conn: &Connection, tag: &str) -> Result<Option<Tag>, Error> {
    const SQL: &str =
        "select tag from spellings where key = ?1 order by conversations desc, newest_ms desc, tag limit 1";
    conn.prepare_cached(SQL)
        .op("prepare")?
        .query_row([folded(tag)], |row| row.get::<_, String>(0).map(Tag::kept))
        .optional()
        .op("look for a tag")
}

/// The tags in use that are shown so through a veil: who sees only the mark of one, and sends it back, means it.
pub(crate) fn shown_as(conn: &Connection, veil: &Veil, shown: &str) -> Result<Vec<String>, Error> {
    if !(veil.is_drawn() && shown.contains(Veil::MARK)) {
        return Ok(Vec::new());
    }
    let tags = all(conn, u32::MAX)?.into_iter().map(|(_, tag)| tag.tag);
    Ok(tags.filter(|tag| veil.over(tag) == shown).collect())
}

/// Spells tags as they are shown.
pub(crate) fn show(conn: &Connection, marks: &mut Marks) -> Result<(), Error> {
    for tag in &mut marks.tags {
        if let Some(shown) = tag_spelling(conn, tag)? {
            shown.as_str().clone_into(tag);
        }
    }
    marks.tags.sort();
    Ok(())
}
