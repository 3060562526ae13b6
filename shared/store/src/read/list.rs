//! Which conversations a page shows: newest first by (time, id), continued after the last one shown.
//!
//! A page is chosen by ids alone and only then read, so a filter never pays for texts that are not shown. Every
//! statement names its index: a plan that would read a whole table fails in a test, not in front of a person.

use rusqlite::{Connection, params};

use super::turn::{self, Listed};
use super::words::Words;
use crate::error::{Context, Error};
use crate::ids::ConversationId;
use crate::words::Kind;

/// Words with no more hits than this are found by sorting their hits; others by walking along the list.
const MANY_HITS: i64 = 10_000;
/// The walk ends after so many rows: words that are common, but not here, are then found by sorting all their hits.
const LONGEST_WALK: i64 = 2_000;

/// Which kinds a list shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kinds {
    /// What a person gave: [`Kind::LISTED`].
    Listed,
    /// Everything.
    All,
    /// One alone.
    One(Kind),
}

/// A place between two rows: the list goes on after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The time of the row before.
    pub timestamp_ms: i64,
    /// Its id.
    pub id: ConversationId,
}

impl Position {
    /// Before the newest row.
    const START: Self = Self { timestamp_ms: i64::MAX, id: ConversationId(i64::MAX) };
    /// Behind the oldest.
    const END: Self = Self { timestamp_ms: i64::MIN, id: ConversationId(i64::MIN) };
}

/// What a page shall show.
#[derive(Clone, Debug)]
pub struct ListRequest {
    /// Only this session, Claude Code's or a person's.
    pub session_id: Option<String>,
    /// Only these kinds.
    pub kinds: Kinds,
    /// Only what holds these words.
    pub words: Option<Words>,
    /// From here on.
    pub after: Option<Position>,
    /// At most so many.
    pub limit: u32,
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Newest first.
    pub items: Vec<Listed>,
    /// Where the next page begins, if there is one.
    pub next: Option<Position>,
}

/// The row `t` holds the words ?4, by asking the index about this one conversation. Its blocks were written one after the
/// other, so a range of row ids takes in little else, and FTS5 seeks to it.
macro_rules! probed {
    () => {
        "exists (select 1 from search s cross join blocks b on b.id = s.rowid
                  where s.search match ?4 and b.conversation_id = t.id
                    and s.rowid between (select min(id) from blocks where conversation_id = t.id)
                                    and (select max(id) from blocks where conversation_id = t.id))"
    };
}

/// The same, by asking the index once for all: for a prefix FTS5 would collect its hits anew each time it is asked.
macro_rules! collected {
    () => {
        "exists (select 1 from blocks b
                  where b.conversation_id = t.id and +b.id in (select rowid from search where search match ?4))"
    };
}

/// Along the index of the default list, down to (?6, ?7).
macro_rules! listed {
    ($words:expr) => {
        concat!(
            "select t.timestamp_ms, t.id from turns t indexed by turns_listed
              where t.kind in ('human', 'command', 'shell')
                and (t.timestamp_ms, t.id) < (?1, ?2) and (t.timestamp_ms, t.id) >= (?6, ?7)
                and (?3 is null or t.kind = ?3) and (?4 is null or ",
            $words,
            ") order by t.timestamp_ms desc, t.id desc limit ?5"
        )
    };
}

/// Along the index of all.
macro_rules! newest {
    ($words:expr) => {
        concat!(
            "select t.timestamp_ms, t.id from turns t indexed by turns_newest
              where (t.timestamp_ms, t.id) < (?1, ?2) and (t.timestamp_ms, t.id) >= (?6, ?7)
                and (?3 is null or t.kind = ?3) and (?4 is null or ",
            $words,
            ") order by t.timestamp_ms desc, t.id desc limit ?5"
        )
    };
}

/// The ways along an index.
struct Walk {
    /// Without words, or with words each of which stands for itself.
    probed: &'static str,
    /// With a prefix among them.
    collected: &'static str,
    /// The row so many rows further.
    further: &'static str,
}

const LISTED: Walk = Walk {
    probed: listed!(probed!()),
    collected: listed!(collected!()),
    further: "select timestamp_ms, id from turns indexed by turns_listed
               where kind in ('human', 'command', 'shell') and (timestamp_ms, id) < (?1, ?2)
               order by timestamp_ms desc, id desc limit 1 offset ?3",
};

const NEWEST: Walk = Walk {
    probed: newest!(probed!()),
    collected: newest!(collected!()),
    further: "select timestamp_ms, id from turns indexed by turns_newest where (timestamp_ms, id) < (?1, ?2)
               order by timestamp_ms desc, id desc limit 1 offset ?3",
};

/// Here ?3 is a list of kinds between commas, or null. The sessions to look into are the one named and those of which
/// a part was moved to the user session of that name.
macro_rules! session {
    ($words:expr) => {
        concat!(
            "select t.timestamp_ms, t.id from turns t indexed by turns_session
              where t.session_id in (select ?6 union select m.session_id from user_session_members m
                                      where m.user_session_id = ?6 and m.removed_ms is null)
                and (t.timestamp_ms, t.id) < (?1, ?2)
                and (?3 is null or instr(?3, ',' || t.kind || ','))
                and (t.session_id = ?6 or (select u.user_session_id from conversation_user_sessions u
                                            where u.conversation_id = t.id) = ?6)
                and (?4 is null or ",
            $words,
            ") order by t.timestamp_ms desc, t.id desc limit ?5"
        )
    };
}

const SESSION_PROBED: &str = session!(probed!());
const SESSION_COLLECTED: &str = session!(collected!());

const HITS: &str = "select count(*) from (select 1 from search where search match ?1 limit ?2)";

/// Row ids of the index do not follow time (an import takes the newest files first), so the hits are sorted here.
const HOLDING: &str = "
    select distinct t.timestamp_ms, t.id
      from search s cross join blocks b on b.id = s.rowid cross join turns t on t.id = b.conversation_id
     where s.search match ?4 and (t.timestamp_ms, t.id) < (?1, ?2) and (?3 is null or instr(?3, ',' || t.kind || ','))
     order by t.timestamp_ms desc, t.id desc limit ?5";

/// Fills the page.
pub(super) fn page(conn: &Connection, request: &ListRequest) -> Result<Page, Error> {
    let words = request.words.as_ref().map(Words::expression);
    if words == Some("") {
        return Ok(Page { items: Vec::new(), next: None });
    }
    let limit = i64::from(request.limit);
    let mut places = places(conn, request, words, limit + 1)?;
    let more = places.len() as i64 > limit;
    if more {
        places.pop();
    }
    let ids: Vec<_> = places.iter().map(|place| place.id).collect();
    let next = if more { places.last().copied() } else { None };
    Ok(Page { items: turn::listed(conn, &ids)?, next })
}

/// The newest of the listed kinds.
pub(super) fn last(conn: &Connection) -> Result<Option<ConversationId>, Error> {
    let from = Position::START;
    Ok(walk(conn, LISTED.probed, from, None, None, 1, Position::END)?.first().map(|place| place.id))
}

fn places(conn: &Connection, request: &ListRequest, words: Option<&str>, limit: i64) -> Result<Vec<Position>, Error> {
    let after = request.after.unwrap_or(Position::START);
    let kinds = between_commas(request.kinds);
    let prefix = request.words.as_ref().is_some_and(Words::has_prefix);
    if let Some(session) = &request.session_id {
        let sql = if prefix { SESSION_COLLECTED } else { SESSION_PROBED };
        return collect(conn, sql, params![after.timestamp_ms, after.id.0, kinds, words, limit, session]);
    }
    let (along, one) = match request.kinds {
        Kinds::Listed => (LISTED, None),
        Kinds::All => (NEWEST, None),
        Kinds::One(kind) if Kind::LISTED.contains(&kind) => (LISTED, Some(kind)),
        Kinds::One(kind) => (NEWEST, Some(kind)),
    };
    let Some(words) = words else { return walk(conn, along.probed, after, one, None, limit, Position::END) };
    if has_many_hits(conn, words)? {
        let sql = if prefix { along.collected } else { along.probed };
        let end = further(conn, along.further, after)?;
        let found = walk(conn, sql, after, one, Some(words), limit, end.unwrap_or(Position::END))?;
        if end.is_none() || found.len() as i64 == limit {
            return Ok(found);
        }
    }
    collect(conn, HOLDING, params![after.timestamp_ms, after.id.0, kinds, words, limit])
}

/// The places between `after` and `end`, with the words if there are any.
fn walk(
    conn: &Connection,
    sql: &str,
    after: Position,
    kind: Option<Kind>,
    words: Option<&str>,
    limit: i64,
    end: Position,
) -> Result<Vec<Position>, Error> {
    let kind = kind.map(Kind::as_str);
    collect(conn, sql, params![after.timestamp_ms, after.id.0, kind, words, limit, end.timestamp_ms, end.id.0])
}

/// The end of a walk that begins after `after`; `None` if the list ends first.
fn further(conn: &Connection, sql: &str, after: Position) -> Result<Option<Position>, Error> {
    Ok(collect(conn, sql, params![after.timestamp_ms, after.id.0, LONGEST_WALK])?.pop())
}

fn has_many_hits(conn: &Connection, words: &str) -> Result<bool, Error> {
    let hits: i64 = conn
        .prepare_cached(HITS)
        .op("prepare")?
        .query_row(params![words, MANY_HITS + 1], |row| row.get(0))
        .op("count hits")?;
    Ok(hits > MANY_HITS)
}

fn collect(conn: &Connection, sql: &str, params: impl rusqlite::Params) -> Result<Vec<Position>, Error> {
    conn.prepare_cached(sql)
        .op("prepare")?
        .query_map(params, |row| Ok(Position { timestamp_ms: row.get(0)?, id: ConversationId(row.get(1)?) }))
        .op("list conversations")?
        .collect::<Result<_, _>>()
        .op("list conversations")
}

fn between_commas(kinds: Kinds) -> Option<String> {
    let kinds: &[Kind] = match &kinds {
        Kinds::All => return None,
        Kinds::Listed => Kind::LISTED,
        Kinds::One(kind) => std::slice::from_ref(kind),
    };
    Some(kinds.iter().fold(String::from(","), |list, kind| list + kind.as_str() + ","))
}

#[cfg(test)]
mod tests;
