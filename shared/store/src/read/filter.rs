//! Which conversations: one filter for the list, for exports, for what is done to many at once and for the command line.
//!
//! What names a few conversations (an id, a session, a tag, rare words) leads to them; what is left over is a condition on
//! each row of `facets`. The conditions are one text of SQL with every value bound, so that each way to find rows holds
//! them to the same filter, and a cached statement serves them all.

use std::ops::RangeInclusive;

use rusqlite::{Connection, ToSql};

use super::project::{Wanted, folders};
use super::query::Query;
use crate::error::{Context, Error};
use crate::human::folded;
use crate::ids::ConversationId;
use crate::words::{Kind, SeenBy, Status, Via};

/// What is looked for. What is empty or `None` leaves out nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// Of these sessions: Claude Code's, or those that a person made.
    pub sessions: Vec<String>,
    /// Of these user sessions alone: not what a person has put elsewhere.
    pub user_sessions: Vec<String>,
    /// Begun in this folder or below it, or in a repository that lies there. Without a slash: in a repository, or else a
    /// folder, of this name.
    pub project: Option<String>,
    /// Of this project itself, named as figures name it: not of what lies below it.
    pub of_project: Option<String>,
    /// Of these kinds.
    pub kinds: Vec<Kind>,
    /// Through these doors.
    pub vias: Vec<Via>,
    /// That ended so.
    pub statuses: Vec<Status>,
    /// Seen so by hooks and transcripts.
    pub sources: Vec<SeenBy>,
    /// Answered last by one of these models.
    pub models: Vec<String>,
    /// That called one of these tools.
    pub tools: Vec<String>,
    /// With all of these tags, in whatever spelling.
    pub tags: Vec<String>,
    /// Starred, or not.
    pub starred: Option<bool>,
    /// Worth keeping, as a person says: rated 4 or 5, starred or tagged; or not.
    pub kept: Option<bool>,
    /// With such a rating.
    pub rating: Option<Rated>,
    /// That failed or in which a tool call failed or was refused; or none of this.
    pub has_error: Option<bool>,
    /// Begun at this time or later, in milliseconds since 1970, UTC.
    pub since_ms: Option<i64>,
    /// Begun before this time.
    pub until_ms: Option<i64>,
    /// That hold this.
    pub query: Option<Query>,
    /// One of these; an alias stands for its survivor.
    pub ids: Vec<ConversationId>,
}

/// Which ratings.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Rated {
    /// One in this range, of 1 to 5.
    Between(RangeInclusive<u8>),
    /// Any.
    Any,
    /// No rating.
    None,
}

impl Rated {
    /// From what people type: `4`, `=4`, `>=4`, `<=2`, `>3`, `<3`, `any`, `none`.
    pub fn parse(typed: &str) -> Option<Self> {
        let typed = typed.trim();
        match typed {
            "any" => return Some(Self::Any),
            "none" => return Some(Self::None),
            _ => {}
        }
        let number = |text: &str| text.trim().parse().ok().filter(|rating| (1..=5_u8).contains(rating));
        let range = if let Some(rest) = typed.strip_prefix(">=") {
            number(rest)?..=5
        } else if let Some(rest) = typed.strip_prefix("<=") {
            1..=number(rest)?
        } else if let Some(rest) = typed.strip_prefix('>') {
            number(rest)? + 1..=5
        } else if let Some(rest) = typed.strip_prefix('<') {
            1..=number(rest)? - 1
        } else {
            let rating = number(typed.strip_prefix('=').unwrap_or(typed))?;
            rating..=rating
        };
        (!range.is_empty()).then_some(Self::Between(range))
    }

    /// As a range of numbers, 0 for no rating.
    pub(super) fn range(&self) -> (u8, u8) {
        match self {
            Self::Between(range) => (*range.start(), *range.end()),
            Self::Any => (1, 5),
            Self::None => (0, 0),
        }
    }
}

/// Whether the row `f` of `facets` is wanted: parameters ?1 to ?17. Which source saw it is known of its quarter where all of
/// that are alike, and only else asked of its turn, which is a wide row. Masks have a bit for each number of a word, lists are
/// JSON arrays; null is no condition.
macro_rules! held {
    () => {
        "(?1 is null or (?1 >> f.kind) & 1) and (?2 is null or (?2 >> f.via) & 1) and (?3 is null or (?3 >> f.status) & 1)
         and (?4 is null or f.failed = ?4)
         and (?5 is null or f.folder_id in (select value from json_each(?5)))
         and (?6 is null or f.model_id in (select value from json_each(?6)))
         and (?7 is null or exists (
                select 1 from json_each(?7) w cross join tool_uses u
                    on u.tool_id = w.value and u.timestamp_ms = f.timestamp_ms and u.conversation_id = f.conversation_id))
         and (?8 is null or not exists (
                select 1 from json_each(?8) w
                 where not exists (select 1 from tagged g where g.key = w.value and g.conversation_id = f.conversation_id)))
         and (?9 is null or coalesce((select m.rating from marks m where m.conversation_id = f.conversation_id), 0)
                between ?9 and ?10)
         and (?11 is null or coalesce((select m.starred from marks m where m.conversation_id = f.conversation_id), 0) = ?11)
         and (?12 is null or exists (
                select 1 from turns t join conversation_user_sessions u on u.conversation_id = t.id
                 where t.id = f.conversation_id and (t.session_id in (select value from json_each(?12))
                                                     or u.user_session_id in (select value from json_each(?12)))))
         and (?13 is null or (select u.user_session_id from conversation_user_sessions u
                               where u.conversation_id = f.conversation_id) in (select value from json_each(?13)))
         and +f.timestamp_ms between ?14 and ?15
         and (?16 is null or coalesce(
                (select case q.hook_only * (?16 & 1) + q.transcript_only * (?16 >> 1 & 1)
                             + (q.turns - q.hook_only - q.transcript_only) * (?16 >> 2 & 1)
                             when 0 then 0 when q.turns then 1 end
                   from quarter_turns q
                  where q.slot = (f.timestamp_ms - iif(f.timestamp_ms < 0, 899999, 0)) / 900000
                    and q.folder_id = coalesce(f.folder_id, 0) and q.via = f.via and q.kind = f.kind),
                (select ?16 >> iif(t.from_hook = t.from_transcript, 2, t.from_transcript) & 1
                   from turns t where t.id = f.conversation_id)))
         and (?17 is null or ?17 = (
                exists (select 1 from marks m where m.conversation_id = f.conversation_id and (m.rating >= 4 or m.starred))
                or exists (select 1 from tagged g where g.conversation_id = f.conversation_id)))"
    };
}
pub(super) use held;

/// A filter as the statements take it: names are numbers.
#[derive(Clone, Debug)]
pub(super) struct Held {
    kinds: Option<i64>,
    vias: Option<i64>,
    statuses: Option<i64>,
    failed: Option<bool>,
    folders: Option<String>,
    models: Option<String>,
    tools: Option<String>,
    tags: Option<String>,
    rating: Option<(u8, u8)>,
    starred: Option<bool>,
    sessions: Option<String>,
    user_sessions: Option<String>,
    pub(super) since: i64,
    /// The last millisecond that is wanted.
    pub(super) until: i64,
    sources: Option<i64>,
    kept: Option<bool>,
}

const MODEL: &str = "select id from models where name = ?1";
const TOOL: &str = "select id from tools where name = ?1";

impl Held {
    pub(super) fn new(conn: &Connection, filter: &Filter) -> Result<Self, Error> {
        let folders = match (&filter.project, &filter.of_project) {
            (None, None) => None,
            (typed, name) => Some(folders(conn, |cwd, project| {
                typed.as_deref().is_none_or(|typed| Wanted::new(typed).takes(cwd, project))
                    && name.as_deref().is_none_or(|name| name == project)
            })?),
        };
        let numbers = |sql, names: &[String]| -> Result<Option<Vec<i64>>, Error> {
            if names.is_empty() {
                return Ok(None);
            }
            ids(conn, sql, names).map(Some)
        };
        let json = |ids: Option<Vec<i64>>| ids.map(|ids| serde_json::Value::from(ids).to_string());
        let list = |names: &[String]| (!names.is_empty()).then(|| serde_json::Value::from(names).to_string());
        Ok(Self {
            kinds: mask(filter.kinds.iter().map(|kind| kind.number())),
            vias: mask(filter.vias.iter().map(|via| via.number())),
            statuses: mask(filter.statuses.iter().map(|status| status.number())),
            failed: filter.has_error,
            folders: json(folders),
            models: json(numbers(MODEL, &filter.models)?),
            tools: json(numbers(TOOL, &filter.tools)?),
            tags: list(&filter.tags.iter().map(|tag| folded(tag)).collect::<Vec<_>>()),
            rating: filter.rating.as_ref().map(Rated::range),
            starred: filter.starred,
            sessions: list(&filter.sessions),
            user_sessions: list(&filter.user_sessions),
            since: filter.since_ms.unwrap_or(i64::MIN),
            until: filter.until_ms.map_or(i64::MAX, |until| until.saturating_sub(1)),
            sources: sources(filter),
            kept: filter.kept,
        })
    }

    /// Only what nobody rated: the second half of a list by rating.
    pub(super) fn unrated(&self) -> Self {
        Self { rating: Some((0, 0)), ..self.clone() }
    }

    /// Whether what nobody rated is wanted too.
    pub(super) fn wants_unrated(&self) -> bool {
        self.rating.is_none_or(|(low, _)| low == 0)
    }

    /// The values of ?1 to ?17.
    pub(super) fn params(&self) -> [&dyn ToSql; 17] {
        const NONE: Option<u8> = None;
        let (low, high): (&dyn ToSql, &dyn ToSql) = match &self.rating {
            Some((low, high)) => (low, high),
            None => (&NONE, &NONE),
        };
        [
            &self.kinds,
            &self.vias,
            &self.statuses,
            &self.failed,
            &self.folders,
            &self.models,
            &self.tools,
            &self.tags,
            low,
            high,
            &self.starred,
            &self.sessions,
            &self.user_sessions,
            &self.since,
            &self.until,
            &self.sources,
            &self.kept,
        ]
    }
}

/// Which sources are wanted, as a mask; `None` if that leaves out nothing.
pub(super) fn sources(filter: &Filter) -> Option<i64> {
    mask(filter.sources.iter().map(|source| source.number())).filter(|mask| *mask != 0b111)
}

fn mask(numbers: impl Iterator<Item = i64>) -> Option<i64> {
    let mask = numbers.fold(0, |mask, number| mask | 1 << number);
    (mask != 0).then_some(mask)
}

/// The ids that a statement finds for each of the names.
fn ids<N: AsRef<str>>(conn: &Connection, sql: &str, names: impl IntoIterator<Item = N>) -> Result<Vec<i64>, Error> {
    let mut query = conn.prepare_cached(sql).op("prepare")?;
    let mut found = Vec::new();
    for name in names {
        for id in query.query_map([name.as_ref()], |row| row.get(0)).op("look up a name")? {
            found.push(id.op("look up a name")?);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratings_as_people_type_them() {
        let check = |typed: &str, expected: Option<(u8, u8)>| {
            assert_eq!(Rated::parse(typed).map(|rated| rated.range()), expected, "{typed}");
        };
        check("4", Some((4, 4)));
        check("=4", Some((4, 4)));
        check(">=4", Some((4, 5)));
        check("<= 2", Some((1, 2)));
        check(">3", Some((4, 5)));
        check("<3", Some((1, 2)));
        check("any", Some((1, 5)));
        check("none", Some((0, 0)));
        for bad in ["", "0", "6", ">5", "<1", ">=6", "=>4", "4.5", "-1", "None", "4-5"] {
            check(bad, None);
        }
    }
}
