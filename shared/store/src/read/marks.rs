//! What is said of one conversation, exactly as its history says.

use rusqlite::Connection;

use super::conversation::survivor;
use crate::error::{Context, Error};
use crate::human::{Marks, get};
use crate::ids::ConversationId;

/// With the id that answers for it; `None` if `id` was never given out.
pub(super) fn get(conn: &Connection, id: ConversationId) -> Result<Option<(ConversationId, Marks)>, Error> {
    if !is_known(conn, id)? {
        return Ok(None);
    }
    let id = survivor(conn, id)?;
    Ok(Some((id, Marks::of(&get::history(conn, id)?))))
}

/// Whether the id was ever given out.
pub(crate) fn is_known(conn: &Connection, id: ConversationId) -> Result<bool, Error> {
    conn.prepare_cached("select exists (select 1 from conversation_ids where id = ?1)")
        .op("prepare")?
        .query_row([id.0], |row| row.get(0))
        .op("look for a conversation")
}
