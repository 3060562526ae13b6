//! Finds a conversation by where its prompt stands: what is hidden here changes what it is recognised by, and no place.

use rusqlite::{Connection, OptionalExtension, params};

use crate::error::{Context, Error};
use crate::human::{anchor, get};
use crate::ids::{ConversationId, Key};
use crate::write::event_key;

/// The queue files and the places in files at which the prompt of a conversation stands.
macro_rules! prompts {
    ($columns:literal) => {
        concat!(
            "select ",
            $columns,
            " from blocks b join turns t on t.id = b.conversation_id
                left join transcripts f on b.source = 0 and f.id = b.source_id
                left join events e on b.source = 1 and e.id = b.source_id
                join origins o on o.id = coalesce(f.origin_id, e.origin_id)
               where b.kind = 'prompt'"
        )
    };
}

const THERE: &str = prompts!("t.session_id, o.origin, e.name, f.root, f.path, b.source_offset");

const HERE: &str = prompts!("b.conversation_id");

const EVENT: &str =
    "select e.hash from events e join origins o on o.id = e.origin_id where e.name = ?1 and o.origin = ?2";

/// Our id of their conversation `id`, if its prompt stands here where it stands there.
pub(super) fn find(other: &Connection, here: &Connection, id: i64) -> Result<Option<ConversationId>, Error> {
    let mut query = other.prepare_cached(&format!("{THERE} and b.conversation_id in {}", get::SAME)).op("prepare")?;
    let mut rows = query.query([id]).op("look for a prompt")?;
    while let Some(row) = rows.next().op("look for a prompt")? {
        let read =
            || -> rusqlite::Result<(String, String, Option<String>)> { Ok((row.get(0)?, row.get(1)?, row.get(2)?)) };
        let (session, origin, event) = read().op("read the place of a prompt")?;
        let found = match event {
            Some(name) => by_event(here, &origin, &name)?,
            None => {
                let read =
                    || -> rusqlite::Result<(String, String, i64)> { Ok((row.get(3)?, row.get(4)?, row.get(5)?)) };
                let (root, path, offset) = read().op("read the place of a prompt")?;
                here.prepare_cached(&format!(
                    "{HERE} and t.session_id = ?1 and o.origin = ?2 and f.root = ?3 and f.path = ?4 and b.source_offset = ?5"
                ))
                .op("prepare")?
                .query_row(params![session, origin, root, path, offset], |row| row.get(0).map(ConversationId))
                .optional()
                .op("look for a prompt")?
            }
        };
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// The conversation of the queue file of this name.
fn by_event(here: &Connection, origin: &str, name: &str) -> Result<Option<ConversationId>, Error> {
    let mut query = here.prepare_cached(EVENT).op("prepare")?;
    let hashes = query.query_map([name, origin], |row| row.get::<_, Vec<u8>>(0)).op("look for an event")?;
    let keys: Vec<Key> = hashes
        .map(|hash| hash.map(|hash| Key::Event(event_key(origin, name, &hash))))
        .collect::<Result<_, _>>()
        .op("look for an event")?;
    anchor::find(here, &keys)
}
