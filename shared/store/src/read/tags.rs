//! The tags that people use: how they are spelled, and how many conversations have each.
//!
//! Two tags that differ only in upper and lower case are one. Whoever sets one gets the spelling that is in use, so there
//! is nearly always one spelling; two stores that become one may bring two.

use std::collections::BTreeMap;

use rusqlite::Connection;

use crate::error::{Context, Error};
use crate::human::{Tag, folded};

/// A tag and how much it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagCount {
    /// In its most used spelling.
    pub tag: String,
    /// Conversations that have it.
    pub conversations: u64,
}

/// Each tag costs a look-up, however many conversations have it.
const NEXT: &str = "select min(tag) from tagged where tag > ?1";

/// All spellings of all tags, in order of the alphabet, at most `most`.
pub(super) fn all(conn: &Connection, most: usize) -> Result<Vec<String>, Error> {
    let mut found: Vec<String> = Vec::new();
    let mut query = conn.prepare_cached(NEXT).op("prepare")?;
    while found.len() < most {
        let after = found.last().map_or("", String::as_str);
        let next: Option<String> = query.query_row([after], |row| row.get(0)).op("read tags")?;
        match next {
            Some(tag) => found.push(tag),
            None => break,
        }
    }
    Ok(found)
}

/// The spellings in which a tag is in use.
pub(crate) fn tag_spellings(conn: &Connection, tag: &str) -> Result<Vec<String>, Error> {
    let wanted = folded(tag);
    Ok(all(conn, usize::MAX)?.into_iter().filter(|known| folded(known) == wanted).collect())
}

/// The tag as it is spelled here, if it is in use.
pub(crate) fn tag_spelling(conn: &Connection, tag: &Tag) -> Result<Option<Tag>, Error> {
    let is_used: bool = conn
        .prepare_cached("select exists (select 1 from tagged where tag = ?1)")
        .op("prepare")?
        .query_row([tag.as_str()], |row| row.get(0))
        .op("look for a tag")?;
    if is_used {
        return Ok(Some(tag.clone()));
    }
    Ok(tag_spellings(conn, tag.as_str())?.into_iter().next().map(Tag::kept))
}

/// All tags, the most used first.
pub(super) fn counts(conn: &Connection) -> Result<Vec<TagCount>, Error> {
    // A conversation that has two spellings of one tag is counted once.
    const SPELLED: &str = "select tag, count(*) from tagged group by tag order by tag";
    const UNITED: &str = "
        select count(distinct conversation_id) from tagged where tag in (select value from json_each(?1))";
    let mut query = conn.prepare_cached(SPELLED).op("prepare")?;
    let rows = query.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))).op("count tags")?;
    let mut tags: BTreeMap<String, Vec<(i64, String)>> = BTreeMap::new();
    for row in rows {
        let (tag, count) = row.op("count tags")?;
        tags.entry(folded(&tag)).or_default().push((count, tag));
    }
    let mut found = Vec::with_capacity(tags.len());
    for mut spellings in tags.into_values() {
        spellings.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        let count = match &spellings[..] {
            [(count, _)] => *count,
            several => {
                let list: Vec<_> = several.iter().map(|(_, tag)| tag).collect();
                let list = serde_json::to_string(&list).unwrap_or_default();
                conn.prepare_cached(UNITED)
                    .op("prepare")?
                    .query_row([list], |row| row.get(0))
                    .op("count the conversations of a tag")?
            }
        };
        if let Some((_, tag)) = spellings.into_iter().next() {
            found.push(TagCount { tag, conversations: count.cast_unsigned() });
        }
    }
    found.sort_by(|a, b| b.conversations.cmp(&a.conversations).then_with(|| a.tag.cmp(&b.tag)));
    Ok(found)
}
