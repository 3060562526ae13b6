//! A session at a glance: of each of its conversations where it stands and how it went, and nothing of what was said.

use rusqlite::Connection;

use super::Position;
use crate::error::{Context, Error};
use crate::human::{Rating, parts};
use crate::ids::ConversationId;

/// A session at a glance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    /// Its conversations that lists show, the oldest first.
    pub points: Vec<OutlinePoint>,
}

/// A conversation of an outline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutlinePoint {
    /// Its id.
    pub id: ConversationId,
    /// When it began, in milliseconds since 1970, UTC.
    pub timestamp_ms: i64,
    /// Whether it failed, or a tool call failed or was refused.
    pub failed: bool,
    /// What a person gave it.
    pub rating: Option<Rating>,
    /// Whether it is starred.
    pub starred: bool,
}

impl OutlinePoint {
    /// Its place among the conversations of the session, for a page that begins behind it.
    pub fn position(&self) -> Position {
        Position { key: 0, timestamp_ms: self.timestamp_ms, id: self.id }
    }
}

/// The outline of a session, Claude Code's or a person's. `None` if there is none.
pub(in crate::read) fn outline(conn: &Connection, id: &str) -> Result<Option<Outline>, Error> {
    const SQL: &str = "
        select t.id, t.timestamp_ms,
               coalesce((select f.failed from facets f
                          where f.timestamp_ms = t.timestamp_ms and f.conversation_id = t.id), 0),
               m.rating, coalesce(m.starred, 0)
          from turns t left join marks m on m.conversation_id = t.id
         where t.session_id = ?1 and t.ordinal >= ?2 and t.ordinal < ?3 and t.kind in ('human', 'command', 'shell')";
    if parts::holders(conn, id)?.is_empty() {
        return Ok(None);
    }
    let mut points = Vec::new();
    for stretch in parts::of_user_session(conn, id)? {
        let mut query = conn.prepare_cached(SQL).op("prepare")?;
        let rows = query
            .query_map((&stretch.session_id, stretch.start, stretch.end), |row| {
                let rating: Option<i64> = row.get(3)?;
                Ok(OutlinePoint {
                    id: ConversationId(row.get(0)?),
                    timestamp_ms: row.get(1)?,
                    failed: row.get(2)?,
                    rating: rating.and_then(Rating::new),
                    starred: row.get(4)?,
                })
            })
            .op("read the outline of a session")?;
        for row in rows {
            points.push(row.op("read the outline of a session")?);
        }
    }
    points.sort_unstable_by_key(|point| (point.timestamp_ms, point.id));
    Ok(Some(Outline { points }))
}
