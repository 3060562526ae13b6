//! Which conversations are exported: found newest first in short steps, given oldest first.
//!
//! A name (an id, a session) leads to few candidates, each of which is then held to the whole filter; without one the list
//! is walked, so many rows at a time. Both ask the same statement, once with a long and once with a short range.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use rusqlite::{Connection, OptionalExtension, params};

use super::{Exporter, rows};
use crate::error::{Context, Error};
use crate::ids::ConversationId;
use crate::read::conversation::survivor;
use crate::read::list::Position;
use crate::read::session::project;
use crate::read::words::Words;
use crate::words::{Kind, Status, Via};

/// Rows that one step of the walk may look at.
const STEP: i64 = 2_000;
/// More hits than this are kept aside while the list is walked; fewer are looked at one by one.
const FEW: usize = 5_000;

/// What shall be exported. What is empty or `None` leaves out nothing.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of these sessions: Claude Code's, or those that a person made.
    pub sessions: Vec<String>,
    /// Begun in this folder or below it, or in a repository that lies there.
    pub project: Option<String>,
    /// Begun at this time or later, in milliseconds since 1970, UTC.
    pub since_ms: Option<i64>,
    /// Begun before this time.
    pub until_ms: Option<i64>,
    /// Of these kinds.
    pub kinds: Vec<Kind>,
    /// Through these doors.
    pub vias: Vec<Via>,
    /// That ended so.
    pub statuses: Vec<Status>,
    /// With a rating in this range.
    pub rating: Option<RangeInclusive<u8>>,
    /// With all of these tags.
    pub tags: Vec<String>,
    /// Starred.
    pub starred: bool,
    /// With these words in one block.
    pub words: Option<Words>,
    /// One of these; an alias stands for its survivor.
    pub ids: Vec<ConversationId>,
    /// The newest, at most so many.
    pub limit: Option<usize>,
}

/// A conversation that is to be exported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selected {
    /// Its id.
    pub id: ConversationId,
    /// When it began, in milliseconds since 1970, UTC.
    pub timestamp_ms: i64,
    /// The session that Claude Code says it belongs to.
    pub session_id: String,
    /// The session that a person says it belongs to.
    pub user_session_id: String,
}

/// A sign that a conversation has a row of this kind and it, or an alias of it, is meant.
macro_rules! of_turn {
    ($row:literal) => {
        concat!(
            "(",
            $row,
            ".conversation_id = t.id or ",
            $row,
            ".conversation_id in (select id from aliases where survivor = t.id))"
        )
    };
}

/// From (?1, ?2) down to (?3, ?4), both included. Lists are JSON arrays or null.
const HELD: &str = concat!(
    "select t.id, t.timestamp_ms, t.session_id,
            (select u.user_session_id from conversation_user_sessions u where u.conversation_id = t.id)
       from turns t indexed by turns_newest
      where (t.timestamp_ms, t.id) <= (?1, ?2) and (t.timestamp_ms, t.id) >= (?3, ?4)
        and (?5 is null or t.kind in (select value from json_each(?5)))
        and (?6 is null or t.via in (select value from json_each(?6)))
        and (?7 is null or t.status in (select value from json_each(?7)))
        and (?8 is null or exists (
               select 1 from (select coalesce(t.cwd, s.cwd) as ran_in
                                from (select 1) left join sessions s on s.session_id = t.session_id) ran
                where ran_in = ?8 or substr(ran_in, 1, length(?8) + 1) = ?8 || '/'
                   or ",
    project!("t.session_id", "ran_in"),
    " = ?8 or substr(",
    project!("t.session_id", "ran_in"),
    ", 1, length(?8) + 1) = ?8 || '/'))
        and (?9 is null or (select r.rating from rating_history r where ",
    of_turn!("r"),
    " order by r.created_ms desc, r.id desc limit 1) between ?9 and ?10)
        and (?11 is null or not exists (
               select 1 from json_each(?11) wanted
                where not exists (select 1 from tag_history g where g.tag = wanted.value and g.present = 1 and ",
    of_turn!("g"),
    " and not exists (select 1 from tag_history later
                                           where later.conversation_id = g.conversation_id and later.tag = g.tag
                                             and (later.created_ms, later.id) > (g.created_ms, g.id)))))
        and (not ?12 or (select s.starred from star_history s where ",
    of_turn!("s"),
    " order by s.created_ms desc, s.id desc limit 1) = 1)
      order by t.timestamp_ms desc, t.id desc"
);

/// The last row of a step that begins at (?1, ?2).
const STEP_END: &str = "
    select timestamp_ms, id from turns indexed by turns_newest
     where (timestamp_ms, id) <= (?1, ?2) order by timestamp_ms desc, id desc limit 1 offset ?3";

const PLACE: &str = "select timestamp_ms, id from turns where id = ?1";

const OF_SESSION: &str = "
    select t.timestamp_ms, t.id from turns t indexed by turns_session
     where t.session_id in (select ?1 union select m.session_id from user_session_members m
                             where m.user_session_id = ?1 and m.removed_ms is null)
       and (t.session_id = ?1
            or (select u.user_session_id from conversation_user_sessions u where u.conversation_id = t.id) = ?1)";

const HITS: &str = "select rowid from search where search match ?1 and rowid > ?2 order by rowid limit 10000";

const OF_BLOCK: &str = "
    select t.timestamp_ms, t.id from blocks b join turns t on t.id = b.conversation_id where b.id = ?1";

impl Exporter {
    /// The conversations that the filter leaves, oldest first. Of a limit the newest.
    ///
    /// # Errors
    /// The engine's.
    pub fn select(&mut self, filter: &Filter) -> Result<Vec<Selected>, Error> {
        let held = Held::new(filter);
        let mut found = match self.candidates(filter)? {
            Some(candidates) if candidates.len() <= FEW => self.look_at(&candidates, &held, filter)?,
            candidates => self.walk(candidates.as_deref(), &held, filter)?,
        };
        found.reverse();
        Ok(found)
    }

    /// What the names in the filter lead to, newest first; `None` if it has none.
    fn candidates(&mut self, filter: &Filter) -> Result<Option<Vec<Position>>, Error> {
        let mut left: Option<HashSet<Position>> = None;
        let mut keep = |found: HashSet<Position>| {
            left = Some(match left.take() {
                Some(before) => before.intersection(&found).copied().collect(),
                None => found,
            });
        };
        if !filter.ids.is_empty() {
            keep(self.ask(|conn| {
                let mut found = HashSet::new();
                for &id in &filter.ids {
                    found.extend(position(conn, PLACE, survivor(conn, id)?.0)?);
                }
                Ok(found)
            })?);
        }
        if !filter.sessions.is_empty() {
            let mut found = HashSet::new();
            for session in &filter.sessions {
                found.extend(self.ask(|conn| rows(conn, "look for a session", OF_SESSION, [session], place))?);
            }
            keep(found);
        }
        if let Some(words) = &filter.words {
            keep(self.holding(words)?);
        }
        Ok(left.map(|left| {
            let mut left: Vec<_> = left.into_iter().collect();
            left.sort_unstable_by_key(|place| std::cmp::Reverse((place.timestamp_ms, place.id)));
            left
        }))
    }

    fn holding(&mut self, words: &Words) -> Result<HashSet<Position>, Error> {
        let (mut found, mut last) = (HashSet::new(), i64::MIN);
        if words.expression().is_empty() {
            return Ok(found);
        }
        loop {
            let hits: Vec<i64> = self.ask(|conn| {
                let hits = rows(conn, "search", HITS, params![words.expression(), last], |row| row.get(0))?;
                for &hit in &hits {
                    found.extend(position(conn, OF_BLOCK, hit)?);
                }
                Ok(hits)
            })?;
            match hits.last() {
                Some(&hit) => last = hit,
                None => return Ok(found),
            }
        }
    }

    fn look_at(&mut self, places: &[Position], held: &Held, filter: &Filter) -> Result<Vec<Selected>, Error> {
        let limit = filter.limit.unwrap_or(usize::MAX);
        let mut found = Vec::new();
        for step in places.chunks(200) {
            self.ask(|conn| {
                for place in step.iter().filter(|place| filter.in_time(place.timestamp_ms)) {
                    found.extend(held.rows(conn, *place, *place)?);
                }
                Ok(())
            })?;
            if found.len() >= limit {
                break;
            }
        }
        found.truncate(limit);
        Ok(found)
    }

    fn walk(&mut self, among: Option<&[Position]>, held: &Held, filter: &Filter) -> Result<Vec<Selected>, Error> {
        let among: Option<HashSet<ConversationId>> = among.map(|places| places.iter().map(|place| place.id).collect());
        let limit = filter.limit.unwrap_or(usize::MAX);
        let last = Position { timestamp_ms: filter.since_ms.unwrap_or(i64::MIN), id: ConversationId(i64::MIN) };
        let mut from = Position {
            timestamp_ms: filter.until_ms.map_or(i64::MAX, |until| until.saturating_sub(1)),
            id: ConversationId(i64::MAX),
        };
        let mut found: Vec<Selected> = Vec::new();
        loop {
            let end = self.ask(|conn| {
                let end = conn
                    .prepare_cached(STEP_END)
                    .op("prepare")?
                    .query_row(params![from.timestamp_ms, from.id.0, STEP], place)
                    .optional()
                    .op("walk along the list")?
                    .filter(|end| *end > last);
                let step = held.rows(conn, from, end.unwrap_or(last))?;
                found.extend(step.into_iter().filter(|row| among.as_ref().is_none_or(|among| among.contains(&row.id))));
                Ok(end)
            })?;
            match end {
                // The next step begins below the row that ended this one.
                Some(end) if found.len() < limit => {
                    from = Position { id: ConversationId(end.id.0.saturating_sub(1)), ..end };
                }
                _ => break,
            }
        }
        found.truncate(limit);
        Ok(found)
    }
}

impl Filter {
    fn in_time(&self, ms: i64) -> bool {
        self.since_ms.is_none_or(|since| ms >= since) && self.until_ms.is_none_or(|until| ms < until)
    }
}

/// The filter as the statement takes it.
struct Held {
    kinds: Option<String>,
    vias: Option<String>,
    statuses: Option<String>,
    project: Option<String>,
    rating: Option<(u8, u8)>,
    tags: Option<String>,
    starred: bool,
}

impl Held {
    fn new(filter: &Filter) -> Self {
        fn list<'a>(words: impl Iterator<Item = &'a str>) -> Option<String> {
            let words: Vec<_> = words.collect();
            (!words.is_empty()).then(|| serde_json::Value::from(words).to_string())
        }
        Self {
            kinds: list(filter.kinds.iter().map(|kind| kind.as_str())),
            vias: list(filter.vias.iter().map(|via| via.as_str())),
            statuses: list(filter.statuses.iter().map(|status| status.as_str())),
            // Of the root nothing is left, and everything is below it.
            project: filter.project.as_ref().map(|path| path.trim_end_matches('/').to_owned()),
            rating: filter.rating.as_ref().map(|range| (*range.start(), *range.end())),
            tags: list(filter.tags.iter().map(String::as_str)),
            starred: filter.starred,
        }
    }

    /// What it leaves of the rows from `from` down to `to`.
    fn rows(&self, conn: &Connection, from: Position, to: Position) -> Result<Vec<Selected>, Error> {
        let wanted = params![
            from.timestamp_ms,
            from.id.0,
            to.timestamp_ms,
            to.id.0,
            self.kinds,
            self.vias,
            self.statuses,
            self.project,
            self.rating.map(|range| range.0),
            self.rating.map(|range| range.1),
            self.tags,
            self.starred,
        ];
        rows(conn, "choose conversations", HELD, wanted, |row| {
            Ok(Selected {
                id: ConversationId(row.get(0)?),
                timestamp_ms: row.get(1)?,
                session_id: row.get(2)?,
                user_session_id: row.get(3)?,
            })
        })
    }
}

fn place(row: &rusqlite::Row<'_>) -> rusqlite::Result<Position> {
    Ok(Position { timestamp_ms: row.get(0)?, id: ConversationId(row.get(1)?) })
}

fn position(conn: &Connection, sql: &str, key: i64) -> Result<Option<Position>, Error> {
    conn.prepare_cached(sql).op("prepare")?.query_row([key], place).optional().op("look for a conversation")
}
