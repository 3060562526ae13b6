//! Which conversations are exported: found newest first in short steps, given oldest first.
//!
//! The list's own filter and steps, each step a question of its own, so that a long export never holds the WAL.

use std::collections::HashSet;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension};

use super::Exporter;
use crate::error::{Context, Error};
use crate::ids::ConversationId;
use crate::read::filter::Filter;
use crate::read::list::{NEWEST_FIRST, Position, Question};
use crate::read::search::scratch::Scratch;
use crate::read::search::{Asked, Grain};
use crate::read::span::LastChunk;
use crate::veil::Veil;

/// Rows that one question is asked about.
const STEP: usize = 200;

/// A conversation that is to be exported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selected {
    /// Its id.
    pub id: ConversationId,
    /// When it began, in milliseconds since 1970, UTC.
    pub timestamp_ms: i64,
    /// The session that Claude Code says it belongs to. Shared by all of a session: a large store has a million of these.
    pub session_id: Arc<str>,
    /// The session that a person says it belongs to.
    pub user_session_id: Arc<str>,
}

const SESSIONS: &str = "
    select t.session_id, u.user_session_id from turns t join conversation_user_sessions u on u.conversation_id = t.id
     where t.id = ?1";

impl Exporter {
    /// The conversations that the filter leaves, oldest first. Of a limit the newest.
    ///
    /// # Errors
    /// The engine's.
    pub fn select(&mut self, filter: &Filter, limit: Option<usize>) -> Result<Vec<Selected>, Error> {
        let limit = limit.unwrap_or(usize::MAX);
        let scratch = Scratch::new()?;
        let (scratch, chunk, veil) = (&scratch, &LastChunk::default(), &Veil::default());
        let Some(question) =
            self.look(|conn| Question::new(Asked { conn, scratch, chunk, veil }, filter, Grain::Counted))?
        else {
            return Ok(Vec::new());
        };
        let mut stream = self.look(|conn| question.stream(conn, NEWEST_FIRST, None))?;
        let (mut found, mut names) = (Vec::new(), HashSet::new());
        loop {
            let step = self.look(|conn| stream.step(conn, &question.held))?;
            for rows in step.rows.chunks(STEP) {
                self.ask(|conn| {
                    for row in rows {
                        if question.holds(Asked { conn, scratch, chunk, veil }, row.id)? {
                            found.extend(selected(conn, *row, &mut names)?);
                        }
                    }
                    Ok(())
                })?;
                if found.len() >= limit {
                    break;
                }
            }
            if step.is_last || found.len() >= limit {
                break;
            }
        }
        found.truncate(limit);
        found.reverse();
        Ok(found)
    }
}

/// `None` if it has gone meanwhile.
fn selected(conn: &Connection, place: Position, names: &mut HashSet<Arc<str>>) -> Result<Option<Selected>, Error> {
    let mut once = |name: String| match names.get(name.as_str()) {
        Some(known) => known.clone(),
        None => {
            let name: Arc<str> = name.into();
            names.insert(name.clone());
            name
        }
    };
    conn.prepare_cached(SESSIONS)
        .op("prepare")?
        .query_row([place.id.0], |row| {
            let (session_id, user_session_id) = (once(row.get(0)?), once(row.get(1)?));
            Ok(Selected { id: place.id, timestamp_ms: place.timestamp_ms, session_id, user_session_id })
        })
        .optional()
        .op("read a conversation")
}
