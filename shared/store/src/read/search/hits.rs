//! The indexes: how many hits they have, which conversations these are in, and whether a given one is among them.

use rusqlite::{Connection, OptionalExtension, ToSql, params};

use super::bits::Bits;
use crate::error::{Context, Error};
use crate::ids::ConversationId;
use crate::read::query::Place;

/// Titles stand for the first conversations of their sessions: so many are followed at most, the newest.
const MOST_TITLES: i64 = 20_000;

/// An index, and what of it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Index {
    /// Words of prompts and of what Claude said: of one of the two, or of both.
    Said { prompt: Option<bool> },
    /// Parts of words of prompts.
    PromptParts,
    /// Words of what tools were given and gave back: of one of the two, or of both.
    Tools { place: Option<Place> },
    /// Words of notes and tags.
    Human { place: Option<Place> },
    /// Parts of words of notes and tags.
    HumanParts { place: Option<Place> },
    /// Words of titles that people gave.
    Titles,
    /// Parts of words of these.
    TitleParts,
    /// Words of titles that sessions have of themselves, where people gave none.
    SessionTitles,
    /// Parts of words of these.
    SessionTitleParts,
}

/// What the rows of an index are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RowsAre {
    /// Conversations.
    Conversations,
    /// Pieces of conversations.
    OfConversations,
}

/// The rows of a conversation, looked up when first needed. They were written one after the other, so a range of row ids
/// takes in little else, and FTS5 seeks to it.
#[derive(Clone, Debug)]
pub(in crate::read) struct Rows {
    id: ConversationId,
    blocks: Option<(i64, i64)>,
    calls: Option<(i64, i64)>,
}

const BLOCK_RANGE: &str = "select coalesce(min(id), 1), coalesce(max(id), 0) from blocks where conversation_id = ?1";
const CALL_RANGE: &str = "select coalesce(min(id), 1), coalesce(max(id), 0) from tool_calls where conversation_id = ?1";

impl Rows {
    pub(in crate::read) fn of(id: ConversationId) -> Self {
        Self { id, blocks: None, calls: None }
    }

    /// The first and the last of its blocks' rows.
    pub(in crate::read) fn blocks(&mut self, conn: &Connection) -> Result<(i64, i64), Error> {
        found(&mut self.blocks, conn, BLOCK_RANGE, self.id)
    }

    /// The first and the last row of the index of tools that can be its own.
    pub(in crate::read) fn calls(&mut self, conn: &Connection) -> Result<(i64, i64), Error> {
        let (first, last) = found(&mut self.calls, conn, CALL_RANGE, self.id)?;
        Ok((first * 2, last * 2 + 1))
    }
}

fn found(
    known: &mut Option<(i64, i64)>,
    conn: &Connection,
    sql: &str,
    id: ConversationId,
) -> Result<(i64, i64), Error> {
    if let Some(range) = known {
        return Ok(*range);
    }
    let range = conn
        .prepare_cached(sql)
        .op("prepare")?
        .query_row([id.0], |row| Ok((row.get(0)?, row.get(1)?)))
        .op("look for a conversation's rows")?;
    Ok(*known.insert(range))
}

const MEASURE_HUMAN: &str = "select count(*) from (select 1 from search_human where search_human match ?1 limit ?2)";
const MEASURE_TITLES: &str = "select count(*) from (select 1 from search_titles where search_titles match ?1 limit ?2)";
const MEASURE_TITLE_PARTS: &str =
    "select count(*) from (select 1 from search_title_parts where search_title_parts match ?1 limit ?2)";
const MEASURE_HUMAN_PARTS: &str =
    "select count(*) from (select 1 from search_human_parts where search_human_parts match ?1 limit ?2)";

/// ?2: 1 of prompts, 0 of answers, null of both.
const SAID: &str = "
    select b.conversation_id from search s cross join blocks b on b.id = s.rowid
     where s.search match ?1 and (?2 is null or (b.kind = 'prompt') = ?2)";
/// ?2: 0 of inputs, 1 of outputs, null of both.
const TOOLS: &str = "
    select c.conversation_id from search_tools s cross join tool_calls c on c.id = s.rowid >> 1
     where s.search_tools match ?1 and (?2 is null or (s.rowid & 1) = ?2)";
/// ?2: a kind, or null for notes and tags.
const HUMAN: &str = "
    select h.conversation_id from search_human s cross join human_texts h on h.id = s.rowid
     where s.search_human match ?1 and h.conversation_id is not null and (?2 is null or h.kind = ?2)";
const HUMAN_PARTS: &str = "
    select h.conversation_id from search_human_parts s cross join human_texts h on h.id = s.rowid
     where s.search_human_parts match ?1 and h.conversation_id is not null and (?2 is null or h.kind = ?2)";

/// The first conversation that lists show of the user session `x`.
macro_rules! first_of_user_session {
    () => {
        "(select t.id from turns t indexed by turns_session
           where t.session_id in (select x.session union select m.session_id from user_session_members m
                                   where m.user_session_id = x.session and m.removed_ms is null)
             and t.kind in ('human', 'command', 'shell')
             and (select u.user_session_id from conversation_user_sessions u where u.conversation_id = t.id) = x.session
           order by t.timestamp_ms, t.id limit 1)"
    };
}
const TITLES: &str = concat!(
    "select ",
    first_of_user_session!(),
    " from (select h.user_session_id as session from search_human s cross join human_texts h on h.id = s.rowid
             where s.search_human match ?1 and h.kind = 'title' order by s.rowid desc limit ?2) x"
);
const TITLE_PARTS: &str = concat!(
    "select ",
    first_of_user_session!(),
    " from (select h.user_session_id as session from search_human_parts s cross join human_texts h on h.id = s.rowid
             where s.search_human_parts match ?1 and h.kind = 'title' order by s.rowid desc limit ?2) x"
);

/// The first conversation that lists show of the session `x`.
macro_rules! first_of_session {
    () => {
        "(select t.id from turns t indexed by turns_session where t.session_id = x.session and t.kind in ('human', 'command', 'shell')
           order by t.ordinal limit 1)"
    };
}
const SESSION_TITLES: &str = concat!(
    "select ",
    first_of_session!(),
    " from (select n.session_id as session from search_titles s cross join titles n on n.id = s.rowid
             where s.search_titles match ?1
               and not exists (select 1 from human_texts h where h.user_session_id = n.session_id)
             order by s.rowid desc limit ?2) x"
);
const SESSION_TITLE_PARTS: &str = concat!(
    "select ",
    first_of_session!(),
    " from (select n.session_id as session from search_title_parts s cross join titles n on n.id = s.rowid
             where s.search_title_parts match ?1
               and not exists (select 1 from human_texts h where h.user_session_id = n.session_id)
             order by s.rowid desc limit ?2) x"
);

/// The title that a conversation stands for: of its user session, else of its session, if it is the first of that.
pub(in crate::read) const TITLE: &str = concat!(
    "select coalesce(
        (select x.text from (select h.text, h.user_session_id as session from human_texts h
                              where h.user_session_id = u.user_session_id) x where ?1 = ",
    first_of_user_session!(),
    "),
        (select x.title from (select n.title, n.session_id as session from titles n
                               where n.session_id = o.session_id
                                 and not exists (select 1 from human_texts h where h.user_session_id = n.session_id)) x
          where ?1 = ",
    first_of_session!(),
    "))
       from turns o join conversation_user_sessions u on u.conversation_id = o.id where o.id = ?1"
);

const ROWS_SAID: &str = "select rowid from search where search match ?1 limit ?2";
const ROWS_PARTS: &str = "select rowid from search_parts where search_parts match ?1 limit ?2";
const ROWS_TOOLS: &str = "select rowid from search_tools where search_tools match ?1 limit ?2";
const BLOCKS: &str = "select id from blocks where conversation_id = ?1";
const BLOCKS_AND_KINDS: &str = "select id, kind = 'prompt' from blocks where conversation_id = ?1";
const CALLS: &str = "select id from tool_calls where conversation_id = ?1";

const PROBE_SAID: &str = "
    select 1 from search s cross join blocks b on b.id = s.rowid
     where s.search match ?1 and s.rowid between ?2 and ?3 and b.conversation_id = ?4
       and (?5 is null or (b.kind = 'prompt') = ?5) limit 1";
const PROBE_PARTS: &str = "select 1 from search_parts where search_parts match ?1 and rowid = ?2";
const PROBE_TOOLS: &str = "
    select 1 from search_tools s cross join tool_calls c on c.id = s.rowid >> 1
     where s.search_tools match ?1 and s.rowid between ?2 and ?3 and c.conversation_id = ?4
       and (?5 is null or (s.rowid & 1) = ?5) limit 1";
const PROBE_HUMAN: &str = "
    select 1 from human_texts h cross join search_human s on s.rowid = h.id
     where h.conversation_id = ?2 and (?3 is null or h.kind = ?3) and s.search_human match ?1 limit 1";
const PROBE_HUMAN_PARTS: &str = "
    select 1 from human_texts h cross join search_human_parts s on s.rowid = h.id
     where h.conversation_id = ?2 and (?3 is null or h.kind = ?3) and s.search_human_parts match ?1 limit 1";

impl Index {
    /// How many hits it has, of all places that it holds; `most` if there are that many or more.
    pub(super) fn measure(self, conn: &Connection, expression: &str, most: i64) -> Result<i64, Error> {
        let sql = match self {
            Self::Said { .. } | Self::PromptParts | Self::Tools { .. } => {
                return self.rows(conn, expression, most).map(|rows| rows.count());
            }
            Self::Human { .. } | Self::Titles => MEASURE_HUMAN,
            Self::HumanParts { .. } | Self::TitleParts => MEASURE_HUMAN_PARTS,
            Self::SessionTitles => MEASURE_TITLES,
            Self::SessionTitleParts => MEASURE_TITLE_PARTS,
        };
        conn.prepare_cached(sql).op("prepare")?.query_row(params![expression, most], |row| row.get(0)).op("count hits")
    }

    /// What few of its hits are looked up by: `None` where a row is not one of a conversation's own.
    pub(super) fn rows_are(self) -> Option<RowsAre> {
        match self {
            Self::Said { .. } | Self::Tools { .. } => Some(RowsAre::OfConversations),
            Self::PromptParts => Some(RowsAre::Conversations),
            _ => None,
        }
    }

    /// The conversations of all hits.
    pub(super) fn conversations(self, conn: &Connection, expression: &str) -> Result<Bits, Error> {
        let collect = |sql: &str, values: &[&dyn ToSql]| -> Result<Bits, Error> {
            let mut query = conn.prepare_cached(sql).op("prepare")?;
            let mut rows = query.query(values).op("search")?;
            let mut bits = Bits::default();
            while let Some(row) = rows.next().op("search")? {
                if let Some(id) = row.get(0).op("search")? {
                    bits.insert(id);
                }
            }
            Ok(bits)
        };
        match self {
            Self::Said { prompt } => collect(SAID, &[&expression, &prompt]),
            Self::PromptParts => self.rows(conn, expression, i64::MAX),
            Self::Tools { place } => collect(TOOLS, &[&expression, &side(place)]),
            Self::Human { place } => collect(HUMAN, &[&expression, &place.map(Place::as_str)]),
            Self::HumanParts { place } => collect(HUMAN_PARTS, &[&expression, &place.map(Place::as_str)]),
            Self::Titles => collect(TITLES, &[&expression, &MOST_TITLES]),
            Self::TitleParts => collect(TITLE_PARTS, &[&expression, &MOST_TITLES]),
            Self::SessionTitles => collect(SESSION_TITLES, &[&expression, &MOST_TITLES]),
            Self::SessionTitleParts => collect(SESSION_TITLE_PARTS, &[&expression, &MOST_TITLES]),
        }
    }

    /// Whether it cannot be asked about one conversation.
    pub(super) fn is_always_collected(self) -> bool {
        matches!(self, Self::Titles | Self::TitleParts | Self::SessionTitles | Self::SessionTitleParts)
    }

    /// The rows of its hits, `most` at most.
    pub(super) fn rows(self, conn: &Connection, expression: &str, most: i64) -> Result<Bits, Error> {
        let sql = match self {
            Self::Tools { .. } => ROWS_TOOLS,
            Self::PromptParts => ROWS_PARTS,
            _ => ROWS_SAID,
        };
        let mut query = conn.prepare_cached(sql).op("prepare")?;
        let mut rows = query.query(params![expression, most]).op("search")?;
        let mut bits = Bits::default();
        while let Some(row) = rows.next().op("search")? {
            bits.insert(row.get(0).op("search")?);
        }
        Ok(bits)
    }

    /// Whether a row of the conversation is among them.
    pub(super) fn has_row(self, conn: &Connection, id: ConversationId, bits: &Bits) -> Result<bool, Error> {
        let has = |sql: &str, is: &dyn Fn(&rusqlite::Row<'_>) -> rusqlite::Result<bool>| -> Result<bool, Error> {
            let mut query = conn.prepare_cached(sql).op("prepare")?;
            let mut found = query.query([id.0]).op("search")?;
            while let Some(row) = found.next().op("search")? {
                if is(row).op("search")? {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        match self {
            Self::Tools { place } => {
                let sides =
                    [Place::Input, Place::Output].into_iter().filter(|side| place.is_none_or(|place| place == *side));
                let sides: Vec<i64> = sides.map(|place| i64::from(place == Place::Output)).collect();
                has(CALLS, &|row| {
                    let call: i64 = row.get(0)?;
                    Ok(sides.iter().any(|side| bits.has(call * 2 + side)))
                })
            }
            Self::Said { prompt: None } => has(BLOCKS, &|row| Ok(bits.has(row.get(0)?))),
            Self::Said { prompt: Some(prompt) } => {
                has(BLOCKS_AND_KINDS, &|row| Ok(bits.has(row.get(0)?) && row.get::<_, bool>(1)? == prompt))
            }
            _ => Ok(false),
        }
    }

    /// Whether a hit is in the conversation.
    pub(super) fn probe(
        self,
        conn: &Connection,
        expression: &str,
        id: ConversationId,
        rows: &mut Rows,
    ) -> Result<bool, Error> {
        let found = |sql: &str, values: &[&dyn ToSql]| -> Result<bool, Error> {
            let mut query = conn.prepare_cached(sql).op("prepare")?;
            query.query_row(values, |_| Ok(())).optional().op("search").map(|row| row.is_some())
        };
        match self {
            Self::Said { prompt } => {
                let (first, last) = rows.blocks(conn)?;
                found(PROBE_SAID, &[&expression, &first, &last, &id.0, &prompt])
            }
            Self::PromptParts => found(PROBE_PARTS, &[&expression, &id.0]),
            Self::Tools { place } => {
                let (first, last) = rows.calls(conn)?;
                found(PROBE_TOOLS, &[&expression, &first, &last, &id.0, &side(place)])
            }
            Self::Human { place } => found(PROBE_HUMAN, &[&expression, &id.0, &place.map(Place::as_str)]),
            Self::HumanParts { place } => found(PROBE_HUMAN_PARTS, &[&expression, &id.0, &place.map(Place::as_str)]),
            _ => Ok(false), // always collected
        }
    }

    /// How much a hit says about a conversation.
    pub(super) fn weight(self) -> i64 {
        match self {
            Self::Titles | Self::SessionTitles | Self::Human { place: Some(Place::Tag) } => 8,
            Self::Human { .. } => 6,
            Self::Said { prompt: Some(true) } => 6,
            Self::Said { .. } => 3,
            Self::PromptParts | Self::HumanParts { .. } | Self::TitleParts | Self::SessionTitleParts => 2,
            Self::Tools { .. } => 1,
        }
    }
}

/// Which half of a tool call's rows.
fn side(place: Option<Place>) -> Option<i64> {
    place.map(|place| i64::from(place == Place::Output))
}

#[cfg(test)]
pub(in crate::read) const STATEMENTS: [&str; 26] = [
    BLOCK_RANGE,
    CALL_RANGE,
    MEASURE_HUMAN,
    MEASURE_HUMAN_PARTS,
    ROWS_SAID,
    ROWS_PARTS,
    ROWS_TOOLS,
    BLOCKS,
    BLOCKS_AND_KINDS,
    CALLS,
    SAID,
    TOOLS,
    HUMAN,
    HUMAN_PARTS,
    TITLES,
    TITLE_PARTS,
    PROBE_SAID,
    PROBE_PARTS,
    PROBE_TOOLS,
    PROBE_HUMAN,
    PROBE_HUMAN_PARTS,
    MEASURE_TITLES,
    MEASURE_TITLE_PARTS,
    SESSION_TITLES,
    SESSION_TITLE_PARTS,
    TITLE,
];
