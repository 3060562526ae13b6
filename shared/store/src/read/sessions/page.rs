//! A page of sessions: those that nobody changed are walked along an index, the few that somebody did are put between.
//!
//! A walk has a bound, so that a page that little fits into may be short, and tell where the next one begins. Words of a
//! title that are rare tell which sessions to look at, and nothing is walked.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::titled::Words;
use super::{SessionPosition, SessionsPage, SessionsRequest, beginning, last_activity, place_of, project, strings};
use crate::error::{Context, Error};
use crate::human::parts::{self, Stretch};
use crate::read::project::Wanted;

/// So many sessions are looked at for a page.
const LONGEST_WALK: usize = 20_000;
/// So many in one go, where few are wanted.
const STRIDE: usize = 1_000;

/// Sessions with whether lists show them as Claude Code cut them, and (?4: if it is asked for) what they are called or, behind
/// any blanks, enough of the first prompt to know its first line, and (?5: if some are asked for) their directory and project.
macro_rules! looked_at {
    ($sessions:literal) => {
        concat!(
            "select s.session_id, s.ended_ms,
                    not exists (select 1 from user_session_members m where m.session_id = s.session_id and m.removed_ms is null)
                    and not exists (select 1 from user_session_members m
                                     where m.user_session_id = s.session_id and m.removed_ms is null)
                    and exists (select 1 from turns t
                                 where t.session_id = s.session_id and t.kind in ('human', 'command', 'shell')),
                    iif(?4, coalesce((select text from human_texts where user_session_id = s.session_id), s.title), null),
                    iif(?4, (select substr(ltrim(t.prompt_text, char(9, 10, 11, 12, 13, 32, 133, 160, 5760, 8192, 8193, 8194, 8195,
                                                        8196, 8197, 8198, 8199, 8200, 8201, 8202, 8232, 8233, 8239, 8287, 12288)), 1, 4000)
                               from turns t
                              where t.session_id = s.session_id and t.kind in ('human', 'command', 'shell')
                                and t.prompt_text is not null
                              order by t.ordinal limit 1), null),
                    iif(?5 is null, null, s.cwd), iif(?5 is null, null, ",
            project!(),
            ")
               from (select session_id, ended_ms, cwd, origin_id, title from sessions ",
            $sessions,
            ") s"
        )
    };
}
pub(super) const WALK: &str = looked_at!(
    "indexed by sessions_ended where (ended_ms, session_id) < (?1, ?2) and ended_ms >= ?3
      order by ended_ms desc, session_id desc limit ?6"
);
/// A project is a few directories that sessions ran in.
pub(super) const WALK_OF_PROJECT: &str = looked_at!(
    "indexed by sessions_cwd where cwd in (select value from json_each(?5))
        and (ended_ms, session_id) < (?1, ?2) and ended_ms >= ?3
      order by ended_ms desc, session_id desc limit ?6"
);
/// ?6: its id.
pub(super) const ONE: &str =
    looked_at!("where session_id = ?6 and (ended_ms, session_id) < (?1, ?2) and ended_ms >= ?3");

const TOUCHED: &str = "
    select user_session_id from user_session_members where removed_ms is null
     union
    select session_id from user_session_members where removed_ms is null";

/// What is asked for, made ready.
struct Asked<'a> {
    after: SessionPosition,
    since_ms: i64,
    words: Option<Words>,
    project: Option<Wanted<'a>>,
    /// The directories that may be of it, as JSON.
    directories: Option<String>,
    /// One more than the page takes, to know whether there is more.
    wanted: usize,
}

/// What was found, and where the looking stopped; `None`: at the end, or as there was enough.
struct Found {
    places: Vec<SessionPosition>,
    reached: Option<SessionPosition>,
}

/// Fills the page.
pub(in crate::read) fn page(conn: &Connection, request: &SessionsRequest) -> Result<SessionsPage, Error> {
    let start = SessionPosition { ended_ms: request.until_ms.unwrap_or(i64::MAX), id: String::new() };
    let project = request.project.as_deref().map(Wanted::new);
    let directories = project.map(|project| project.directories(conn)).transpose()?;
    let asked = Asked {
        // Before a moment means before every id of that moment, and after a position the ids below it.
        after: match &request.after {
            Some(after) if *after < start => after.clone(),
            _ => start,
        },
        since_ms: request.since_ms.unwrap_or(i64::MIN),
        words: request.words.as_deref().map(Words::parse),
        project,
        directories: directories.map(|paths| serde_json::Value::from(paths).to_string()),
        wanted: request.limit as usize + 1,
    };
    let known = match &asked.words {
        Some(words) => words.sessions(conn)?,
        None => None,
    };
    let Found { mut places, reached } = match known {
        Some(ids) => asked.among(conn, ids)?,
        None => asked.walk(conn)?,
    };
    for id in strings(conn, TOUCHED, [])? {
        let stretches = parts::of_user_session(conn, &id)?;
        let Some(ended_ms) = last_activity(conn, &stretches)? else { continue };
        let place = SessionPosition { ended_ms, id };
        let is_here =
            place < asked.after && ended_ms >= asked.since_ms && reached.as_ref().is_none_or(|it| place > *it);
        if is_here && asked.takes(conn, &place.id, &stretches)? {
            places.push(place);
        }
    }
    places.sort_by(|a, b| b.cmp(a));
    let more = places.len() >= asked.wanted;
    places.truncate(request.limit as usize);
    let items = places.iter().map(|place| super::session(conn, &place.id)).collect::<Result<_, _>>()?;
    let next = if more { places.pop() } else { reached };
    Ok(SessionsPage { items, next })
}

impl Asked<'_> {
    /// Along an index, the newest first.
    fn walk(&self, conn: &Connection) -> Result<Found, Error> {
        let sql = if self.project.is_some() { WALK_OF_PROJECT } else { WALK };
        let stride = if self.words.is_some() || self.project.is_some() { STRIDE } else { self.wanted };
        let (mut after, mut places, mut looked_at) = (self.after.clone(), Vec::new(), 0);
        while looked_at < LONGEST_WALK {
            let mut query = conn.prepare_cached(sql).op("prepare")?;
            let values = params![
                after.ended_ms,
                after.id,
                self.since_ms,
                self.words.is_some(),
                self.directories,
                i64::try_from(stride).unwrap_or(i64::MAX)
            ];
            let rows = query.query_map(values, |row| self.look_at(row)).op("list sessions")?;
            let mut seen: Vec<(SessionPosition, bool)> = rows.collect::<Result<_, _>>().op("list sessions")?;
            seen.sort_by(|(a, _), (b, _)| b.cmp(a));
            looked_at += seen.len();
            let is_end = seen.len() < stride;
            if let Some((last, _)) = seen.last() {
                after = last.clone();
            }
            places.extend(seen.into_iter().filter(|(_, is_wanted)| *is_wanted).map(|(place, _)| place));
            if is_end || places.len() >= self.wanted {
                places.truncate(self.wanted);
                return Ok(Found { places, reached: None });
            }
        }
        Ok(Found { places, reached: Some(after) })
    }

    /// Of these, the newest first.
    fn among(&self, conn: &Connection, ids: impl IntoIterator<Item = String>) -> Result<Found, Error> {
        let mut ended = conn
            .prepare_cached("select ended_ms from sessions where session_id = ?1 and ended_ms is not null")
            .op("prepare")?;
        let mut all = Vec::new();
        for id in ids {
            let found = ended.query_row([&id], |row| row.get(0)).optional().op("look for a session")?;
            all.extend(found.map(|ended_ms| SessionPosition { ended_ms, id }));
        }
        all.sort_by(|a, b| b.cmp(a));
        let mut query = conn.prepare_cached(ONE).op("prepare")?;
        let mut places = Vec::new();
        for place in all {
            let values = params![self.after.ended_ms, self.after.id, self.since_ms, true, self.directories, place.id];
            let found = query.query_row(values, |row| self.look_at(row)).optional().op("look at a session")?;
            if found.is_some_and(|(_, is_wanted)| is_wanted) {
                places.push(place);
                if places.len() >= self.wanted {
                    break;
                }
            }
        }
        Ok(Found { places, reached: None })
    }

    /// A session that nobody changed, and whether it is wanted.
    fn look_at(&self, row: &Row<'_>) -> rusqlite::Result<(SessionPosition, bool)> {
        let place = SessionPosition { id: row.get(0)?, ended_ms: row.get(1)? };
        let mut is_wanted = row.get(2)?;
        if let Some(project) = self.project {
            let (cwd, of): (Option<String>, Option<String>) = (row.get(5)?, row.get(6)?);
            is_wanted &= cwd.zip(of).is_some_and(|(cwd, of)| project.takes(&cwd, &of));
        }
        if let Some(words) = self.words.as_ref().filter(|_| is_wanted) {
            let title = match row.get(3)? {
                Some(title) => Some(title),
                None => row.get::<_, Option<String>>(4)?.map(|prompt| beginning(&prompt)),
            };
            is_wanted = words.are_in(&title.unwrap_or_default());
        }
        Ok((place, is_wanted))
    }

    /// Whether a user session that somebody changed has the title and the project that are asked for.
    fn takes(&self, conn: &Connection, id: &str, stretches: &[Stretch]) -> Result<bool, Error> {
        if let Some(words) = &self.words {
            let title = super::title(conn, id, stretches)?.map(|(title, _)| title).unwrap_or_default();
            if !words.are_in(&title) {
                return Ok(false);
            }
        }
        let Some(project) = self.project else { return Ok(true) };
        for stretch in stretches {
            if place_of(conn, &stretch.session_id)?.is_some_and(|(cwd, of)| project.takes(&cwd, &of)) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
