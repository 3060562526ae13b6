//! One conversation for an export: in a line for a table, or whole.

use rusqlite::{Connection, OptionalExtension};

use super::Exporter;
use super::said::without_ids;
use crate::error::{Context, Error};
use crate::human::{Marks, Remark, get};
use crate::ids::{ConversationId, Key};
use crate::read::conversation::{self, Conversation, Depth};
use crate::read::marks;
use crate::read::session::{self, Session};
use crate::read::turn::{self, Listed};
use crate::usage::Usage;

/// What a table shows of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Its row and its tool calls.
    pub listed: Listed,
    /// What a person calls its session here, else the session's own title.
    pub title: Option<String>,
    /// Its tokens.
    pub usage: Vec<Usage>,
    /// How many subagents it started, those of its subagents among them.
    pub subagents: usize,
    /// Their tokens.
    pub subagents_usage: Vec<Usage>,
    /// What people said of it.
    pub standing: Marks,
}

/// Whether a conversation is read with the subagents that it started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subagents {
    /// They are conversations of their own.
    Left,
    /// Whole, and theirs.
    Included,
}

/// A conversation with everything that is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    /// The conversation.
    pub conversation: Conversation,
    /// What a person calls its session here, else the session's own title.
    pub title: Option<String>,
    /// What it and its aliases are recognised by.
    pub keys: Vec<Key>,
    /// Whole histories, those of its aliases too.
    pub remarks: Vec<Remark>,
    /// What people said of it, as it stands.
    pub standing: Marks,
}

const TITLE: &str = "
    select title from session_titles where user_session_id = ?1 order by created_ms desc, id desc limit 1";

impl Exporter {
    /// A conversation in a line. `None` if it is no longer there under this id.
    ///
    /// # Errors
    /// The engine's.
    pub fn summary(&mut self, id: ConversationId) -> Result<Option<Summary>, Error> {
        self.ask(|conn| {
            let Some(listed) = turn::listed(conn, id)? else { return Ok(None) };
            let subagents = descendants(conn, id)?;
            let mut subagents_usage = Vec::new();
            for &child in &subagents {
                subagents_usage.extend(conversation::tokens(conn, child)?);
            }
            let session = session::get(conn, &listed.turn.session_id)?;
            Ok(Some(Summary {
                title: title(conn, &listed.turn.user_session_id, session.as_ref())?,
                usage: conversation::tokens(conn, id)?,
                subagents: subagents.len(),
                subagents_usage,
                standing: marks::of(conn, &get::history(conn, id)?)?,
                listed,
            }))
        })
    }

    /// A conversation with everything. `None` if it is no longer there under this id.
    ///
    /// # Errors
    /// The engine's.
    pub fn whole(&mut self, id: ConversationId, subagents: Subagents) -> Result<Option<Whole>, Error> {
        self.ask(|conn| {
            let found = match subagents {
                Subagents::Left => conversation::alone(conn, id, Depth::WHOLE)?,
                Subagents::Included => conversation::with_subagents(conn, id, 0, Depth::WHOLE)?,
            };
            let Some(mut conversation) = found else { return Ok(None) };
            conversation.session = session::get(conn, &conversation.turn.session_id)?;
            let said = get::history(conn, id)?;
            Ok(Some(Whole {
                title: title(conn, &conversation.turn.user_session_id, conversation.session.as_ref())?,
                keys: get::all_keys(conn, id.0)?,
                standing: marks::of(conn, &said)?,
                remarks: without_ids(said),
                conversation,
            }))
        })
    }
}

/// The subagents of a conversation and theirs.
fn descendants(conn: &Connection, id: ConversationId) -> Result<Vec<ConversationId>, Error> {
    let mut found = conversation::subagents(conn, id)?;
    let mut at = 0;
    while let Some(&parent) = found.get(at) {
        for child in conversation::subagents(conn, parent)? {
            if child != id && !found.contains(&child) {
                found.push(child);
            }
        }
        at += 1;
    }
    Ok(found)
}

fn title(conn: &Connection, user_session_id: &str, session: Option<&Session>) -> Result<Option<String>, Error> {
    let given: Option<Option<String>> = conn
        .prepare_cached(TITLE)
        .op("prepare")?
        .query_row([user_session_id], |row| row.get(0))
        .optional()
        .op("read a title")?;
    Ok(given.flatten().or_else(|| session.and_then(|session| session.title.clone())))
}
