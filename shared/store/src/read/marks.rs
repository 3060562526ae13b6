//! What is said of one conversation, exactly as its history says, with its tags spelled as all have them.

use rusqlite::Connection;

use super::conversation::survivor;
use super::tags;
use crate::error::{Context, Error};
use crate::human::{Marks, Remark, get};
use crate::ids::ConversationId;

/// With the id that answers for it; `None` if `id` was never given out.
pub(super) fn get(conn: &Connection, id: ConversationId) -> Result<Option<(ConversationId, Marks)>, Error> {
    if !is_known(conn, id)? {
        return Ok(None);
    }
    let id = survivor(conn, id)?;
    Ok(Some((id, of(conn, &get::history(conn, id)?)?)))
}

/// What this history says now.
pub(super) fn of(conn: &Connection, history: &[(ConversationId, Remark)]) -> Result<Marks, Error> {
    let mut marks = Marks::of(history);
    tags::show(conn, &mut marks)?;
    Ok(marks)
}

/// Whether the id was ever given out.
pub(crate) fn is_known(conn: &Connection, id: ConversationId) -> Result<bool, Error> {
    conn.prepare_cached("select exists (select 1 from conversation_ids where id = ?1)")
        .op("prepare")?
        .query_row([id.0], |row| row.get(0))
        .op("look for a conversation")
}
