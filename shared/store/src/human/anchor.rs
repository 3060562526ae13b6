//! Which id a row hangs on that comes from elsewhere, and which keys an id may have.
//!
//! What was once taken for one conversation may prove to be two, and every store learns that in an order of its own. So that a
//! word stays with the same one of them everywhere, whatever was known when it was said, it hangs on a key and not on what its
//! id has come to mean: on the first key of its id, a line before an event. That key travels with it, and an id of which
//! something was said never gets one that would come before.

use rusqlite::{Connection, OptionalExtension, params};

use super::{get, put};
use crate::error::{Context, Error};
use crate::ids::{ConversationId, Key};
use crate::read;

/// Where a key leads, and whether a prompt is there.
const LEADS: &str = "
    select k.conversation_id,
           exists (select 1 from turns t
                    where t.id = coalesce(a.survivor, k.conversation_id) and t.prompt_text is not null)
      from conversation_keys k left join aliases a on a.id = k.conversation_id
     where k.kind = ?1 and k.key = ?2";

/// Whether a key leads to a conversation that is here, with a prompt or without.
const IS_HERE: &str = "
    select exists (select 1 from conversation_keys k left join aliases a on a.id = k.conversation_id
                     join turns t on t.id = coalesce(a.survivor, k.conversation_id)
                    where k.kind = ?1 and k.key = ?2)";

/// Whether anything hangs on an id.
const HANGS: [&str; 5] = [
    "select 1 from rating_history where conversation_id = ?1",
    "select 1 from tag_history where conversation_id = ?1",
    "select 1 from note_history where conversation_id = ?1",
    "select 1 from star_history where conversation_id = ?1",
    "select 1 from user_session_members where from_conversation_id = ?1",
];

/// The conversation that one of `keys` leads to, by the rule by which an id stays with one of two ([`crate::write`]): a prompt
/// comes before what nobody asked, then the first key.
pub(crate) fn find(conn: &Connection, keys: &[Key]) -> Result<Option<ConversationId>, Error> {
    let mut query = conn.prepare_cached(LEADS).op("prepare")?;
    let mut best = None;
    for key in keys {
        let found = query.query_row(params![key.kind(), key.bytes()], |row| Ok((row.get(0)?, row.get(1)?)));
        let Some((id, prompt)): Option<(i64, bool)> = found.optional().op("look for a key")? else { continue };
        let found = (!prompt, *key, id);
        best = Some(best.map_or(found, |best| std::cmp::min(best, found)));
    }
    Ok(best.map(|(_, _, id)| ConversationId(id)))
}

/// Whether one of `keys` leads to more than an id that waits for its conversation.
pub(crate) fn is_here(conn: &Connection, keys: &[Key]) -> Result<bool, Error> {
    let mut query = conn.prepare_cached(IS_HERE).op("prepare")?;
    for key in keys {
        if query.query_row(params![key.kind(), key.bytes()], |row| row.get(0)).op("look for a conversation")? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The id for what was said of an id that had the keys `own` where it was said; `about` is the conversation as far as it is
/// known here. That one, if its first key is the same; else one of its own, with what it does not need of these keys, that
/// stands for the same.
pub(crate) fn hang(
    conn: &Connection,
    own: &[Key],
    about: Option<ConversationId>,
    session_id: Option<&str>,
    now_ms: i64,
) -> Result<ConversationId, Error> {
    let Some(about) = about else { return put::make(conn, own, session_id, now_ms) };
    let first = first_key(conn, about)?;
    if own.is_empty() || first == own.iter().min().copied() {
        return Ok(about);
    }
    let mut apart = Vec::new();
    for key in own {
        match put::leads(conn, key)? {
            None => apart.push(*key),
            Some(id) if id == about && first != Some(*key) => apart.push(*key),
            Some(_) => {}
        }
    }
    if apart.is_empty() {
        return Ok(about);
    }
    let id = put::make(conn, &[], session_id, now_ms)?;
    put::lead(conn, &apart, id)?;
    put::alias(conn, id, read::survivor(conn, about)?)?;
    Ok(id)
}

/// Whether `key` may lead to this id too.
pub(crate) fn takes(conn: &Connection, id: ConversationId, key: &Key) -> Result<bool, Error> {
    Ok(first_key(conn, id)?.is_none_or(|first| first < *key) || is_bare(conn, id)?)
}

/// Whether nothing was said of this id.
pub(crate) fn is_bare(conn: &Connection, id: ConversationId) -> Result<bool, Error> {
    for sql in HANGS {
        if conn.prepare_cached(sql).op("prepare")?.exists([id.0]).op("look for what hangs on an id")? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn first_key(conn: &Connection, id: ConversationId) -> Result<Option<Key>, Error> {
    Ok(get::own_keys(conn, id.0)?.into_iter().min())
}
