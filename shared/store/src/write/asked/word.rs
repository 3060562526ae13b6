//! Whether a word of a `/rate` is here already: every store that takes in the command says it, and every store that knows one
//! that did brings it.
//!
//! Such a word has the same id everywhere, made of the name and the length of the command's file: what is hidden in the file
//! changes its bytes and neither of these. Earlier versions made the id of the bytes. Their rows keep it, and are known by it or,
//! where the bytes were others, by what they say of which conversation, of the very moment of the command.

use rusqlite::{Connection, params};

use super::Asked;
use crate::error::{Context, Error};
use crate::human::{Remark, Said, get, put, same_tag};
use crate::ids::ConversationId;
use crate::sieve::same_text;
use crate::write::ground::{ANYWHERE, event_key};

const HASHES: &str = "select hash from events where name = ?1 and size = ?2";

/// Names begin with the nanosecond.
const COMMANDS: &str = "
    select exists (select 1 from events where name >= ?1 and name < ?2 and event = 'UserPromptSubmit'
                                          and substr(name, -10) = '-Rate.json')";

/// The id of one of the rows that a command makes.
pub(super) fn row_id(asked: &Asked, number: u8) -> String {
    let (name, size) = (asked.event.name.as_bytes(), asked.event.payload.len() as u64);
    let mut hash = blake3::Hasher::new();
    hash.update(b"rating of").update(&(name.len() as u64).to_le_bytes()).update(name);
    hash.update(&size.to_le_bytes()).update(&[number]);
    hash.finalize().to_hex()[..32].to_owned()
}

/// Whether the command's first row is here, whatever conversation it is on.
pub(super) fn is_said(conn: &Connection, asked: &Asked) -> Result<bool, Error> {
    let is_known = |id: &str| put::is_known(conn, "rating_history", id);
    if is_known(&row_id(asked, 0))? {
        return Ok(true);
    }
    let (name, size) = (&asked.event.name, asked.event.payload.len() as i64);
    let mut query = conn.prepare_cached(HASHES).op("prepare")?;
    let mut rows = query.query(params![name, size]).op("look for copies of a rating")?;
    while let Some(row) = rows.next().op("look for a copy of a rating")? {
        let hash: Vec<u8> = row.get(0).op("read a copy of a rating")?;
        if is_known(&former_row_id(name, &hash))? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The id that earlier versions gave a command's first row.
fn former_row_id(name: &str, hash: &[u8]) -> String {
    let mut id = blake3::Hasher::new();
    id.update(b"rating").update(&event_key(ANYWHERE, name, hash)).update(&[0]);
    id.finalize().to_hex()[..32].to_owned()
}

/// Whether the same was said of a conversation at the very moment, in a row of any id.
pub(super) fn was_said(conn: &Connection, id: ConversationId, created_ms: i64, said: &Said) -> Result<bool, Error> {
    let history = get::history(conn, id)?;
    Ok(history.iter().any(|(_, it)| it.stamp.created_ms == created_ms && is_same(&it.said, said)))
}

fn is_same(a: &Said, b: &Said) -> bool {
    match (a, b) {
        (Said::Note(Some(a)), Said::Note(Some(b))) => same_text(a, b),
        (Said::Tag { tag: a, present: true }, Said::Tag { tag: b, present: true }) => same_tag(a, b),
        (a, b) => a == b,
    }
}

/// Adds a remark that is not here under its id; whether it is new: a word of a command is not, if the command's word is here under
/// another.
pub(crate) fn add(conn: &Connection, id: ConversationId, remark: &Remark) -> Result<bool, Error> {
    let created_ms = remark.stamp.created_ms;
    if is_a_commands(conn, created_ms)? && was_said(conn, id, created_ms, &remark.said)? {
        return Ok(false);
    }
    put::remark(conn, id, remark)
}

/// Whether a command was typed in this millisecond.
fn is_a_commands(conn: &Connection, ms: i64) -> Result<bool, Error> {
    let name = |ms: i64| ms.checked_mul(1_000_000).filter(|ns| *ns >= 0).map(|ns| format!("{ns:019}"));
    let (Some(from), Some(to)) = (name(ms), ms.checked_add(1).and_then(name)) else { return Ok(false) };
    conn.prepare_cached(COMMANDS)
        .op("prepare")?
        .query_row([from, to], |row| row.get(0))
        .op("look for a command of a moment")
}
