//! What became of the conversations that a filter leaves: how they ended, what people say of them, in how many sessions they are.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::filter::{Filter, Held, held};
use super::stats::Ratings;
use super::tags::{TagCount, tag_spelling};
use crate::error::{Context, Error};
use crate::words::Status;

/// How many conversations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// Answered to the end.
    pub complete: u64,
    /// Ended by a person.
    pub interrupted: u64,
    /// Ended by a fault.
    pub failed: u64,
    /// Not ended yet, as far as is known.
    pub open: u64,
    /// Rated, by rating.
    pub ratings: Ratings,
    /// Starred.
    pub starred: u64,
}

/// Every group of rows that ended alike and of which the same is said.
pub(super) fn outcomes(conn: &Connection, filter: &Filter) -> Result<Outcomes, Error> {
    const SQL: &str = concat!(
        "select f.status, m.rating, coalesce(m.starred, 0), count(*)
           from facets f left join marks m on m.conversation_id = f.conversation_id
          where f.timestamp_ms between ?14 and ?15 and ",
        held!(),
        " group by 1, 2, 3"
    );
    let held = Held::new(conn, filter)?;
    let mut query = conn.prepare_cached(SQL).op("prepare")?;
    let mut rows = query.query(&held.params()[..]).op("count outcomes")?;
    let mut found = Outcomes::default();
    while let Some(row) = rows.next().op("count outcomes")? {
        let get = |column: usize| row.get::<_, i64>(column).op("count outcomes");
        let (status, starred, count) = (get(0)?, get(2)?, get(3)?.unsigned_abs());
        let rating: Option<i64> = row.get(1).op("count outcomes")?;
        let sum = match Status::ALL.iter().find(|known| known.number() == status) {
            Some(Status::Complete) => &mut found.complete,
            Some(Status::Interrupted) => &mut found.interrupted,
            Some(Status::Failed) => &mut found.failed,
            Some(Status::Open) | None => &mut found.open,
        };
        *sum += count;
        if starred != 0 {
            found.starred += count;
        }
        let place = rating.and_then(|rating| usize::try_from(rating - 1).ok());
        if let Some(sum) = place.and_then(|place| found.ratings.0.get_mut(place)) {
            *sum += count.cast_signed();
        }
    }
    Ok(found)
}

/// The sessions, as people cut them.
pub(super) fn sessions(conn: &Connection, filter: &Filter) -> Result<u64, Error> {
    const SQL: &str = concat!(
        "select count(distinct u.user_session_id)
           from facets f cross join conversation_user_sessions u on u.conversation_id = f.conversation_id
          where f.timestamp_ms between ?14 and ?15 and ",
        held!()
    );
    let held = Held::new(conn, filter)?;
    let mut query = conn.prepare_cached(SQL).op("prepare")?;
    let count: i64 = query.query_row(&held.params()[..], |row| row.get(0)).op("count sessions")?;
    Ok(count.unsigned_abs())
}

/// Their tags, the most used first, at most `most`.
pub(super) fn tags(conn: &Connection, filter: &Filter, most: usize) -> Result<Vec<TagCount>, Error> {
    const SQL: &str = concat!(
        "select g.key, count(*) from facets f cross join tagged g on g.conversation_id = f.conversation_id
          where f.timestamp_ms between ?14 and ?15 and ",
        held!(),
        " group by g.key"
    );
    let held = Held::new(conn, filter)?;
    let mut query = conn.prepare_cached(SQL).op("prepare")?;
    let rows = query.query_map(&held.params()[..], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)));
    let counts: BTreeMap<String, i64> = rows.op("count tags")?.collect::<Result<_, _>>().op("count tags")?;
    let mut tags = Vec::with_capacity(counts.len());
    for (key, count) in counts {
        let tag = tag_spelling(conn, &key)?.map_or(key, |tag| tag.as_str().to_owned());
        tags.push(TagCount { tag, conversations: count.unsigned_abs() });
    }
    tags.sort_by(|a, b| b.conversations.cmp(&a.conversations).then_with(|| a.tag.cmp(&b.tag)));
    tags.truncate(most);
    Ok(tags)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::seed::{Store, turn};
    use crate::words::Kind;

    #[test]
    fn what_became_of_them() {
        let store = Store::new();
        for (session, at, kind) in
            [("a", 10, "human"), ("a", 20, "human"), ("b", 30, "command"), ("b", 40, "subagent"), ("c", 90, "human")]
        {
            store.turn(&crate::read::seed::Row { kind, ..turn(session, at, "p") });
        }
        store
            .conn
            .execute_batch(&format!(
                "update facets set status = {} where conversation_id = 2;
                 update facets set status = {} where conversation_id = 3;
                 insert into marks (conversation_id, rating, starred, noted, changed_ms)
                 values (1, 5, 1, 0, 0), (2, null, 1, 0, 0), (4, 5, 0, 0, 0), (5, 1, 0, 0, 0);
                 insert into tagged (key, conversation_id, tag, set_ms)
                 values ('sql', 1, 'SQL', 0), ('sql', 3, 'sql', 0), ('a', 2, 'a', 0), ('b', 3, 'b', 0), ('late', 5, 'late', 0)",
                Status::Failed.number(),
                Status::Interrupted.number()
            ))
            .unwrap();
        let listed = Kind::LISTED.to_vec();
        let check = |since: Option<i64>, until, kinds: &[Kind], expected: (Outcomes, u64, &str)| {
            let filter = Filter { since_ms: since, until_ms: until, kinds: kinds.to_vec(), ..Filter::default() };
            let mut reader = store.reader();
            let tags = reader.tags_of(&filter, 2).unwrap();
            let tags: Vec<_> = tags.iter().map(|tag| format!("{} {}", tag.tag, tag.conversations)).collect();
            let found = (reader.outcomes(&filter).unwrap(), reader.count_sessions(&filter).unwrap());
            assert_eq!((found.0, found.1, tags.join(",").as_str()), expected, "{filter:?}");
        };
        let ratings = Ratings([0, 0, 0, 0, 1]);
        let some = Outcomes { complete: 1, failed: 1, interrupted: 1, starred: 2, ratings, ..Outcomes::default() };
        check(None, Some(90), &listed, (some, 2, "SQL 2,a 1"));
        let all = Outcomes { complete: 2, ratings: Ratings([0, 0, 0, 0, 2]), ..some };
        check(None, Some(90), &[], (all, 2, "SQL 2,a 1"));
        let last = Outcomes { complete: 1, ratings: Ratings([1, 0, 0, 0, 0]), ..Outcomes::default() };
        check(Some(90), None, &listed, (last, 1, "late 1"));
        check(Some(91), None, &listed, (Outcomes::default(), 0, ""));
    }
}
