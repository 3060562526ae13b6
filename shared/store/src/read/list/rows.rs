//! Rows of `facets` in an order, by steps: along the table itself by time, over all of it by any other figure, and of a few
//! ids by looking each up.
//!
//! Every statement is one text whatever the filter is, with the directions of an order as two variants of it.

use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};

use super::{Direction, Position, Sort};
use crate::error::{Context, Error};
use crate::human::folded;
use crate::ids::ConversationId;
use crate::read::conversation::survivor;
use crate::read::filter::{Filter, Held, Rated, held, sources};
use crate::read::health::older_sessions;

/// What leads to no more rows than this is collected rather than walked.
const FEW: i64 = 2_000;
/// The same where a query is asked of each row, which costs ten times as much.
const FEW_TO_SEARCH: i64 = 10_000;
/// Rows of `facets` that are looked at to count where an answer is wanted soon.
const COUNTED_SOON: i64 = 20_000;
/// Rows of `facets` that a step looks at, and rows that it gives at most; later steps are longer.
const STEPS: [(i64, i64); 3] = [(1_000, 64), (10_000, 512), (50_000, 512)];

/// What rows are sorted by. Ties stand in the order of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::read) struct Order {
    sort: Sort,
    direction: Direction,
}

impl Order {
    pub(super) const fn new(sort: Sort, direction: Direction) -> Self {
        Self { sort, direction }
    }

    pub(super) fn sort(self, rows: &mut [Position]) {
        match self.direction {
            Direction::Descending => rows.sort_unstable_by(|a, b| b.cmp(a)),
            Direction::Ascending => rows.sort_unstable(),
        }
    }

    pub(super) fn is_after(self, row: Position, place: Position) -> bool {
        match self.direction {
            Direction::Descending => row < place,
            Direction::Ascending => row > place,
        }
    }

    /// The place before all rows.
    pub(super) fn start(self) -> Position {
        match self.direction {
            Direction::Descending => Position::LAST,
            Direction::Ascending => Position::FIRST,
        }
    }

    /// The place behind all rows.
    fn end(self) -> Position {
        match self.direction {
            Direction::Descending => Position::FIRST,
            Direction::Ascending => Position::LAST,
        }
    }

    /// The number of the figure in the statements.
    fn figure(self) -> i64 {
        match self.sort {
            Sort::Time | Sort::Relevance => 0,
            Sort::Length => 1,
            Sort::Tokens => 2,
            Sort::Cost => 3,
            Sort::Rating => 4,
        }
    }

    /// What stands for a figure that is not there, so that its row comes last.
    fn nothing(self) -> i64 {
        match self.direction {
            Direction::Descending => -1,
            Direction::Ascending => i64::MAX,
        }
    }
}

/// The figure of the row `f`: ?18 says which, ?19 is what stands for none.
macro_rules! figure {
    () => {
        "case ?18 when 1 then f.prompt_length when 2 then f.tokens when 3 then coalesce(f.cost, ?19)
              when 4 then coalesce((select m.rating from marks m where m.conversation_id = f.conversation_id), ?19)
              else 0 end"
    };
}

/// Along the table from behind (?20, ?21) to (?22, ?23), at most ?24 rows.
macro_rules! walk {
    ($behind:literal, $until:literal, $order:literal) => {
        concat!(
            "select case when ?18 = 4 then ?19 else 0 end, f.timestamp_ms, f.conversation_id from facets f
              where (f.timestamp_ms, f.conversation_id) ",
            $behind,
            " (?20, ?21) and (f.timestamp_ms, f.conversation_id) ",
            $until,
            " (?22, ?23) and ",
            held!(),
            " order by f.timestamp_ms ",
            $order,
            ", f.conversation_id ",
            $order,
            " limit ?24"
        )
    };
}
const NEWEST: &str = walk!("<", ">=", "desc");
const OLDEST: &str = walk!(">", "<=", "asc");

/// The place ?3 rows behind (?1, ?2).
const FURTHER_DOWN: &str = "
    select 0, timestamp_ms, conversation_id from facets where (timestamp_ms, conversation_id) < (?1, ?2)
     order by timestamp_ms desc, conversation_id desc limit 1 offset ?3";
const FURTHER_UP: &str = "
    select 0, timestamp_ms, conversation_id from facets where (timestamp_ms, conversation_id) > (?1, ?2)
     order by timestamp_ms, conversation_id limit 1 offset ?3";

/// Over all rows in the time that is asked for, from behind (?20, ?21, ?22), at most ?23.
macro_rules! by_figure {
    ($from:literal, $behind:literal, $order:literal) => {
        concat!(
            "select ",
            figure!(),
            " as figure, f.timestamp_ms, f.conversation_id ",
            $from,
            " and (",
            figure!(),
            ", f.timestamp_ms, f.conversation_id) ",
            $behind,
            " (?20, ?21, ?22) and ",
            held!(),
            " order by figure ",
            $order,
            ", f.timestamp_ms ",
            $order,
            ", f.conversation_id ",
            $order,
            " limit ?23"
        )
    };
}
const LARGEST: &str = by_figure!("from facets f where f.timestamp_ms between ?14 and ?15", "<", "desc");
const SMALLEST: &str = by_figure!("from facets f where f.timestamp_ms between ?14 and ?15", ">", "asc");

/// Over what somebody rated.
const BEST: &str = by_figure!(
    "from marks r cross join turns t on t.id = r.conversation_id
       cross join facets f on f.timestamp_ms = t.timestamp_ms and f.conversation_id = t.id
      where r.rating is not null",
    "<",
    "desc"
);
const WORST: &str = by_figure!(
    "from marks r cross join turns t on t.id = r.conversation_id
       cross join facets f on f.timestamp_ms = t.timestamp_ms and f.conversation_id = t.id
      where r.rating is not null",
    ">",
    "asc"
);

/// Of the ids in ?20, a JSON array.
const OF_IDS: &str = concat!(
    "select ",
    figure!(),
    ", f.timestamp_ms, f.conversation_id
       from json_each(?20) j cross join turns t on t.id = j.value
       cross join facets f on f.timestamp_ms = t.timestamp_ms and f.conversation_id = t.id
      where ",
    held!()
);

const COUNT: &str = concat!("select count(*) from facets f where f.timestamp_ms between ?14 and ?15 and ", held!());

/// Of the ?18 newest rows in that time: how many there are, and how many of them the filter leaves.
const COUNT_NEWEST: &str = concat!(
    "select count(*), coalesce(sum(",
    held!(),
    "), 0) from (select * from facets where timestamp_ms between ?14 and ?15
                  order by timestamp_ms desc, conversation_id desc limit ?18) f"
);

const OF_SESSION: &str = "
    select t.id from turns t indexed by turns_session
     where t.session_id in (select ?1 union select m.session_id from user_session_members m
                             where m.user_session_id = ?1 and m.removed_ms is null) limit ?2";
const OF_TAG: &str = "select conversation_id from tagged where key = ?1 limit ?2";
const OF_TOOL: &str = "
    select u.conversation_id from tools n cross join tool_uses u on u.tool_id = n.id where n.name = ?1 limit ?2";
/// Seen by the sources of the mask ?1, which few quarters may hold. The signs of plus keep the engine from making an index of
/// all rows for this one question.
const OF_SOURCE: &str = "
    select f.conversation_id
      from quarter_turns q
           cross join facets f on f.timestamp_ms >= q.slot * 900000 and f.timestamp_ms < (q.slot + 1) * 900000
                              and coalesce(f.folder_id, 0) = q.folder_id and +f.via = q.via and +f.kind = q.kind
           cross join turns t on t.id = f.conversation_id
     where q.hook_only * (?1 & 1) + q.transcript_only * (?1 >> 1 & 1)
           + (q.turns - q.hook_only - q.transcript_only) * (?1 >> 2 & 1) > 0
       and ?1 >> iif(t.from_hook = t.from_transcript, 2, t.from_transcript) & 1
     limit ?2";
const RATED: &str = "select conversation_id from marks where rating is not null and rating between ?1 and ?2 limit ?3";
const STARRED: &str = "select conversation_id from marks where starred = 1 limit ?1";
const KEPT: &str = "
    select conversation_id from marks where rating between 4 and 5 union select conversation_id from marks where starred = 1
    union select conversation_id from tagged limit ?1";

/// Rows in an order, some at a time.
#[derive(Debug)]
pub(in crate::read) enum Stream {
    /// Of a few ids: all at once.
    Few(Vec<Position>),
    /// Along the table by time.
    ByTime { order: Order, from: Position, steps: usize },
    /// By a figure, over all rows; of ratings, over those that have one.
    ByFigure { order: Order, from: Position },
}

/// Some rows.
#[derive(Debug)]
pub(in crate::read) struct Step {
    pub(in crate::read) rows: Vec<Position>,
    /// Everything up to here was looked at.
    pub(super) end: Position,
    pub(in crate::read) is_last: bool,
}

impl Stream {
    /// Of all rows that the filter leaves.
    pub(super) fn walk(order: Order, after: Option<Position>) -> Self {
        let from = after.unwrap_or(order.start());
        match order.sort {
            Sort::Time | Sort::Relevance => Self::ByTime { order, from, steps: 0 },
            Sort::Rating if order.is_unrated(from) && after.is_some() => Self::ByTime { order, from, steps: 0 },
            _ => Self::ByFigure { order, from },
        }
    }

    /// Of those of these ids that the filter leaves.
    pub(super) fn of(
        conn: &Connection,
        ids: &[i64],
        order: Order,
        after: Option<Position>,
        held: &Held,
    ) -> Result<Self, Error> {
        let (ids, figure, nothing) = (serde_json::Value::from(ids).to_string(), order.figure(), order.nothing());
        let mut found = rows(conn, OF_IDS, held, &[&figure, &nothing, &ids])?;
        order.sort(&mut found);
        found.retain(|row| after.is_none_or(|after| order.is_after(*row, after)));
        Ok(Self::Few(found))
    }

    pub(in crate::read) fn step(&mut self, conn: &Connection, held: &Held) -> Result<Step, Error> {
        match self {
            Self::Few(rows) => {
                let rows = std::mem::take(rows);
                Ok(Step { end: rows.last().copied().unwrap_or(Position::FIRST), rows, is_last: true })
            }
            Self::ByTime { order, from, steps } => {
                let step = along(conn, held, *order, *from, *steps)?;
                (*from, *steps) = (step.end, *steps + 1);
                Ok(step)
            }
            Self::ByFigure { order, from } => {
                let order = *order;
                let sql = match (order.sort, order.direction) {
                    (Sort::Rating, Direction::Descending) => BEST,
                    (Sort::Rating, Direction::Ascending) => WORST,
                    (_, Direction::Descending) => LARGEST,
                    (_, Direction::Ascending) => SMALLEST,
                };
                let (figure, nothing, most) = (order.figure(), order.nothing(), STEPS[1].1);
                let found =
                    rows(conn, sql, held, &[&figure, &nothing, &from.key, &from.timestamp_ms, &from.id.0, &most])?;
                let ended = (found.len() as i64) < most;
                let end = found.last().copied().unwrap_or(*from);
                *from = end;
                let mut step = Step { rows: found, end, is_last: ended };
                if ended && order.sort == Sort::Rating && held.wants_unrated() {
                    let from = Position { key: order.nothing(), ..order.start() };
                    (step.end, step.is_last) = (from, false);
                    *self = Self::ByTime { order, from, steps: 0 };
                }
                Ok(step)
            }
        }
    }
}

impl Order {
    /// Whether a place in a list by rating stands among what nobody rated.
    fn is_unrated(self, place: Position) -> bool {
        place.key == self.nothing()
    }
}

/// A step along the table.
fn along(conn: &Connection, held: &Held, order: Order, from: Position, steps: usize) -> Result<Step, Error> {
    let (size, most) = STEPS[steps.min(STEPS.len() - 1)];
    let unrated;
    let held = if order.sort == Sort::Rating {
        unrated = held.unrated();
        &unrated
    } else {
        held
    };
    // What the filter says of time bounds the walk itself, and not only its rows.
    let (first, last) = (
        Position { key: 0, timestamp_ms: held.since, id: ConversationId(i64::MIN) },
        Position { key: 0, timestamp_ms: held.until, id: ConversationId(i64::MAX) },
    );
    let by_time = |place: &Position| (place.timestamp_ms, place.id);
    let (sql, further, from, bound) = match order.direction {
        Direction::Descending => (NEWEST, FURTHER_DOWN, from.min_by_time(last), first),
        Direction::Ascending => (OLDEST, FURTHER_UP, from.max_by_time(first), last),
    };
    let end = conn
        .prepare_cached(further)
        .op("prepare")?
        .query_row(params![from.timestamp_ms, from.id.0, size], position)
        .optional()
        .op("walk along the list")?
        .filter(|end| match order.direction {
            Direction::Descending => by_time(end) > by_time(&bound),
            Direction::Ascending => by_time(end) < by_time(&bound),
        });
    let to = end.unwrap_or(bound);
    let (figure, nothing) = (order.figure(), order.nothing());
    let found =
        rows(conn, sql, held, &[&figure, &nothing, &from.timestamp_ms, &from.id.0, &to.timestamp_ms, &to.id.0, &most])?;
    let key = if order.sort == Sort::Rating { order.nothing() } else { 0 };
    if found.len() as i64 == most
        && let Some(last) = found.last().copied()
    {
        return Ok(Step { rows: found, end: last, is_last: false });
    }
    Ok(Step { rows: found, end: Position { key, ..end.unwrap_or(order.end()) }, is_last: end.is_none() })
}

impl Position {
    fn min_by_time(self, other: Self) -> Self {
        if (other.timestamp_ms, other.id) < (self.timestamp_ms, self.id) { other } else { self }
    }

    fn max_by_time(self, other: Self) -> Self {
        if (other.timestamp_ms, other.id) > (self.timestamp_ms, self.id) { other } else { self }
    }
}

/// How many rows the filter leaves.
pub(super) fn count(conn: &Connection, held: &Held) -> Result<u64, Error> {
    let count: i64 = conn
        .prepare_cached(COUNT)
        .op("prepare")?
        .query_row(&held.params()[..], |row| row.get(0))
        .op("count conversations")?;
    Ok(count.unsigned_abs())
}

/// How many of the newest rows the filter leaves, and whether these were all.
pub(super) fn count_newest(conn: &Connection, held: &Held) -> Result<(u64, bool), Error> {
    let mut values = held.params().to_vec();
    values.push(&COUNTED_SOON);
    let (seen, left): (i64, i64) = conn
        .prepare_cached(COUNT_NEWEST)
        .op("prepare")?
        .query_row(&values[..], |row| Ok((row.get(0)?, row.get(1)?)))
        .op("count conversations")?;
    Ok((left.unsigned_abs(), seen < COUNTED_SOON))
}

/// How many of these ids the filter leaves.
pub(super) fn count_of(conn: &Connection, ids: &[i64], held: &Held) -> Result<u64, Error> {
    let ids = serde_json::Value::from(ids).to_string();
    Ok(rows(conn, OF_IDS, held, &[&0, &0, &ids])?.len() as u64)
}

/// The ids that the most telling name in the filter leads to, if these are few; ids themselves always.
pub(super) fn named(conn: &Connection, filter: &Filter, searches: bool) -> Result<Option<Vec<i64>>, Error> {
    if !filter.ids.is_empty() {
        let ids: Result<std::collections::BTreeSet<_>, _> =
            filter.ids.iter().map(|&id| survivor(conn, id).map(|id| id.0)).collect();
        return Ok(Some(ids?.into_iter().collect()));
    }
    let few = if searches { FEW_TO_SEARCH } else { FEW };
    let mut best: Option<Vec<i64>> = None;
    let keys: Vec<_> = filter.tags.iter().map(|tag| folded(tag)).collect();
    let mut names: Vec<Vec<(&str, &dyn ToSql)>> = Vec::new();
    for sessions in [&filter.sessions, &filter.user_sessions] {
        names.push(sessions.iter().map(|session| (OF_SESSION, session as &dyn ToSql)).collect());
    }
    names.extend(keys.iter().map(|key| vec![(OF_TAG, key as &dyn ToSql)]));
    names.push(filter.tools.iter().map(|tool| (OF_TOOL, tool as &dyn ToSql)).collect());
    for group in names.iter().filter(|group| !group.is_empty()) {
        // No more than what is known already is worth collecting.
        let most = best.as_ref().map_or(few, |best| best.len() as i64);
        let mut found = std::collections::BTreeSet::new();
        for (sql, name) in group {
            found.extend(ids(conn, sql, &[*name, &(most + 1)])?);
            if found.len() as i64 > most {
                break;
            }
        }
        keep(&mut best, found, most);
    }
    if let Some(Rated::Between(_) | Rated::Any) = filter.rating {
        let most = best.as_ref().map_or(few, |best| best.len() as i64);
        let (low, high) = filter.rating.as_ref().map_or((1, 5), Rated::range);
        keep(&mut best, ids(conn, RATED, &[&low, &high, &(most + 1)])?.into_iter().collect(), most);
    }
    if filter.starred == Some(true) {
        let most = best.as_ref().map_or(few, |best| best.len() as i64);
        keep(&mut best, ids(conn, STARRED, &[&(most + 1)])?.into_iter().collect(), most);
    }
    if filter.kept == Some(true) {
        let most = best.as_ref().map_or(few, |best| best.len() as i64);
        keep(&mut best, ids(conn, KEPT, &[&(most + 1)])?.into_iter().collect(), most);
    }
    // What older rules derived may not be counted by quarter yet.
    if let Some(mask) = sources(filter)
        && older_sessions(conn)? == 0
    {
        let most = best.as_ref().map_or(few, |best| best.len() as i64);
        keep(&mut best, ids(conn, OF_SOURCE, &[&mask, &(most + 1)])?.into_iter().collect(), most);
    }
    Ok(best)
}

fn keep(best: &mut Option<Vec<i64>>, found: std::collections::BTreeSet<i64>, most: i64) {
    if found.len() as i64 <= most {
        *best = Some(found.into_iter().collect());
    }
}

fn ids(conn: &Connection, sql: &str, values: &[&dyn ToSql]) -> Result<Vec<i64>, Error> {
    let mut query = conn.prepare_cached(sql).op("prepare")?;
    let rows = query.query_map(values, |row| row.get(0)).op("look for conversations")?;
    rows.collect::<Result<_, _>>().op("look for conversations")
}

/// The rows of a statement that takes the filter and `more` behind it.
fn rows(conn: &Connection, sql: &str, held: &Held, more: &[&dyn ToSql]) -> Result<Vec<Position>, Error> {
    let values: Vec<&dyn ToSql> = held.params().into_iter().chain(more.iter().copied()).collect();
    let mut query = conn.prepare_cached(sql).op("prepare")?;
    let found = query.query_map(&values[..], position).op("list conversations")?;
    found.collect::<Result<_, _>>().op("list conversations")
}

fn position(row: &Row<'_>) -> rusqlite::Result<Position> {
    Ok(Position { key: row.get(0)?, timestamp_ms: row.get(1)?, id: ConversationId(row.get(2)?) })
}

#[cfg(test)]
pub(super) const STATEMENTS: [(&str, &str); 18] = [
    ("newest", NEWEST),
    ("oldest", OLDEST),
    ("further down", FURTHER_DOWN),
    ("further up", FURTHER_UP),
    ("largest", LARGEST),
    ("smallest", SMALLEST),
    ("best", BEST),
    ("worst", WORST),
    ("of ids", OF_IDS),
    ("count", COUNT),
    ("count newest", COUNT_NEWEST),
    ("of a session", OF_SESSION),
    ("of a tag", OF_TAG),
    ("of a tool", OF_TOOL),
    ("of a source", OF_SOURCE),
    ("rated", RATED),
    ("starred", STARRED),
    ("kept", KEPT),
];
