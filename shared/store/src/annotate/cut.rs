//! Splits a session, merges sessions, undoes either, and gives them titles.
//!
//! All of it is members (see [`crate::human`]'s parts): a split adds one at each place, a merge takes each stretch of the
//! merged session over by a newer member at the same place, and an undo sets members aside, so that what stood there
//! before holds again. The rows of one action share their time, which is never that of another: by it an undone merge is
//! known as what gave a title.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension, params};

use super::{Act, Annotator, Outcome, Refused};
use crate::error::{Context, Error};
use crate::human::parts::{self, Stretch};
use crate::human::{Member, Name, Title, UserSession, put};
use crate::ids::ConversationId;
use crate::read;

/// Which session to split, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// The user session.
    pub session_id: String,
    /// The conversations that each new one begins with, and its title.
    pub at: Vec<(ConversationId, Option<Name>)>,
}

/// Which sessions to make one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merge {
    /// The user session that keeps its id.
    pub into: String,
    /// The ones that are joined to it.
    pub sessions: Vec<String>,
    /// What it shall be called.
    pub title: Option<Name>,
}

/// Where conversations are after an undo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The user sessions that they went back to.
    pub into: Vec<String>,
}

/// Where a conversation stands.
struct Place {
    id: ConversationId,
    session_id: String,
    ordinal: i64,
    timestamp_ms: i64,
}

impl Annotator {
    /// The most places, and the most sessions, of one call.
    pub const MOST_SESSIONS: usize = 100;

    /// Cuts a user session: what comes from each of the conversations on, up to the next of them, becomes a user session of its
    /// own. Gives the new ids, in the order of `at`.
    ///
    /// # Errors
    /// The engine's. Refused: no such session or conversation; one that is in another session, is a subagent's, is the first
    /// of the session, or is named twice.
    pub fn split(&mut self, split: &Split, now_ms: i64) -> Outcome<Vec<String>> {
        if split.at.is_empty() || split.at.len() > Self::MOST_SESSIONS {
            let most = Self::MOST_SESSIONS;
            return Ok(Err(Refused::Senseless(format!("A session is split at 1 to {most} conversations."))));
        }
        self.act(now_ms, |act| act.split(split))
    }

    /// Joins user sessions to one, which keeps its id.
    ///
    /// # Errors
    /// The engine's. Refused: no such session; one that is merged with itself, is named twice, or has no conversations.
    pub fn merge(&mut self, merge: &Merge, now_ms: i64) -> Outcome<()> {
        if merge.sessions.is_empty() || merge.sessions.len() > Self::MOST_SESSIONS {
            let most = Self::MOST_SESSIONS;
            return Ok(Err(Refused::Senseless(format!("1 to {most} sessions are merged into another."))));
        }
        self.act(now_ms, |act| act.merge(merge))
    }

    /// Takes back what made a user session what it is: of a part that was split off, the split, and of one that others were
    /// merged into, the merges. With `change`, the id of one of its members, that split or merge alone. Other splits and
    /// merges stay.
    ///
    /// # Errors
    /// The engine's. Refused: no such session, or nothing to take back.
    pub fn undo(&mut self, session_id: &str, change: Option<&str>, now_ms: i64) -> Outcome<Moved> {
        self.act(now_ms, |act| act.undo(session_id, change))
    }

    /// Gives a user session a title, or takes it back.
    ///
    /// # Errors
    /// The engine's. Refused: [`Refused::NoSession`].
    pub fn title(&mut self, session_id: &str, title: Option<&Name>, now_ms: i64) -> Outcome<()> {
        self.act(now_ms, |act| {
            if parts::holders(act.conn, session_id)?.is_empty() {
                return Ok(Err(Refused::NoSession(session_id.to_owned())));
            }
            let given = read::given_title(act.conn, session_id)?;
            let seen: Vec<&str> = given.as_deref().into_iter().collect();
            match title.map(|title| act.lifted("title", title.as_str(), &seen, Name::parse)).transpose() {
                Ok(title) => act.title(session_id, title.as_ref()).map(Ok),
                Err(refused) => Ok(Err(refused)),
            }
        })
    }
}

impl Act<'_> {
    fn split(&self, split: &Split) -> Outcome<Vec<String>> {
        let session = &split.session_id;
        if let Err(refused) = self.stretches(session)? {
            return Ok(Err(refused));
        }
        let mut places = Vec::new();
        for (index, (id, title)) in split.at.iter().enumerate() {
            match self.place(*id, session)? {
                Ok(place) => places.push((place, index, title)),
                Err(refused) => return Ok(Err(refused)),
            }
        }
        places.sort_by_key(|(place, ..)| (place.timestamp_ms, place.ordinal, place.id));
        if let Some([(twice, ..), _]) = places.array_windows().find(|[(a, ..), (b, ..)]| a.id == b.id) {
            return Ok(Err(Refused::Senseless(format!("Conversation {} is named twice.", twice.id.0))));
        }
        let mut made = vec![String::new(); places.len()];
        let (mut rest, mut at) = (session.clone(), self.next_member_ms()?);
        for (place, index, title) in places {
            let stretches = match self.stretches(&rest)? {
                Ok(stretches) => stretches,
                Err(refused) => return Ok(Err(refused)),
            };
            if !self.is_asked_before(&stretches, &place)? {
                return Ok(Err(Refused::Senseless(format!(
                    "Conversation {} is the first of its session: nothing would be left before it.",
                    place.id.0
                ))));
            }
            let new = self.stamp(at)?.id;
            self.user_session(&new, at)?;
            for stretch in &stretches {
                if let Some(from) = self.cut(stretch, &place)? {
                    self.member(&new, &stretch.session_id, from, at)?;
                }
            }
            if let Some(title) = title {
                self.title(&new, Some(title))?;
            }
            made[index].clone_from(&new);
            rest = new;
            at += 1;
        }
        Ok(Ok(made))
    }

    fn merge(&self, merge: &Merge) -> Outcome<()> {
        let Merge { into, sessions, title } = merge;
        if parts::holders(self.conn, into)?.is_empty() {
            return Ok(Err(Refused::NoSession(into.clone())));
        }
        let mut named = BTreeSet::from([into]);
        let mut stretches = Vec::new();
        for session in sessions {
            if session == into {
                return Ok(Err(Refused::Senseless(format!("Session {session} cannot be merged with itself."))));
            }
            if !named.insert(session) {
                return Ok(Err(Refused::Senseless(format!("Session {session} is named twice."))));
            }
            match self.stretches(session)? {
                Ok(found) => stretches.extend(found),
                Err(refused) => return Ok(Err(refused)),
            }
        }
        let at = self.next_ms(into)?;
        self.user_session(into, at)?;
        for stretch in &stretches {
            self.member(into, &stretch.session_id, stretch.from, at)?;
        }
        if let Some(title) = title {
            self.title_at(into, Some(title.as_str().to_owned()), at)?;
        }
        Ok(Ok(()))
    }

    fn undo(&self, session_id: &str, change: Option<&str>) -> Outcome<Moved> {
        const OF: &str = "
            select created_ms from user_session_members where id = ?2 and user_session_id = ?1 and removed_ms is null";
        const UNDO: &str = "
            update user_session_members set removed_ms = ?2
             where user_session_id = ?1 and removed_ms is null and (?3 is null or created_ms = ?3)";
        let stretches = parts::of_user_session(self.conn, session_id)?;
        let of = match change {
            None => None,
            Some(id) => {
                let found: Option<i64> = self
                    .conn
                    .prepare_cached(OF)
                    .op("prepare")?
                    .query_row([session_id, id], |row| row.get(0))
                    .optional()
                    .op("look for a change of a session")?;
                if found.is_none() {
                    let text = format!("Session {session_id} has no change {id} that could be undone.");
                    return Ok(Err(Refused::Conflict(text)));
                }
                found
            }
        };
        let at = self.next_ms(session_id)?;
        let undone = self
            .conn
            .prepare_cached(UNDO)
            .op("prepare")?
            .execute(params![session_id, at, of])
            .op("undo a change of a session")?;
        if undone == 0 {
            return Ok(Err(match &parts::holders(self.conn, session_id)?[..] {
                [] => Refused::NoSession(session_id.to_owned()),
                holders => Refused::Conflict(nothing_to_undo(session_id, holders)),
            }));
        }
        self.title_at(session_id, self.standing_title(session_id)?, at)?;
        let mut into = Vec::new();
        for stretch in &stretches {
            for now in parts::of_session(self.conn, &stretch.session_id)? {
                let shared = now.start.max(stretch.start)..now.end.min(stretch.end);
                let shared = Stretch { start: shared.start, end: shared.end, ..now };
                if shared.owner != session_id
                    && !into.contains(&shared.owner)
                    && parts::is_anything_in(self.conn, &shared)?
                {
                    into.push(shared.owner);
                }
            }
        }
        Ok(Ok(Moved { into }))
    }

    /// The stretches of a user session in which there is something.
    fn stretches(&self, session_id: &str) -> Outcome<Vec<Stretch>> {
        let stretches = parts::of_user_session(self.conn, session_id)?;
        if !stretches.is_empty() {
            return Ok(Ok(stretches));
        }
        Ok(Err(match &parts::holders(self.conn, session_id)?[..] {
            [] => Refused::NoSession(session_id.to_owned()),
            holders => Refused::Conflict(format!(
                "Session {session_id} has no conversations of its own any more: they are in {}.",
                holders.join(", ")
            )),
        }))
    }

    /// Where a conversation stands, which must be in this user session.
    fn place(&self, id: ConversationId, session_id: &str) -> Outcome<Place> {
        const SQL: &str = "
            select t.session_id, t.ordinal, t.timestamp_ms, t.kind = 'subagent', u.user_session_id
              from turns t join conversation_user_sessions u on u.conversation_id = t.id where t.id = ?1";
        let survivor = read::survivor(self.conn, id)?;
        let found = self
            .conn
            .prepare_cached(SQL)
            .op("prepare")?
            .query_row([survivor.0], |row| {
                let place =
                    Place { id: survivor, session_id: row.get(0)?, ordinal: row.get(1)?, timestamp_ms: row.get(2)? };
                Ok((place, row.get::<_, bool>(3)?, row.get::<_, String>(4)?))
            })
            .optional()
            .op("look for a conversation")?;
        Ok(match found {
            None => Err(Refused::NoConversation(id)),
            Some((_, true, _)) => Err(Refused::Senseless(format!(
                "Conversation {} is a subagent's and stays with the prompt that started it.",
                id.0
            ))),
            Some((_, _, owner)) if owner != session_id => {
                Err(Refused::Senseless(format!("Conversation {} is in session {owner}, not in {session_id}.", id.0)))
            }
            Some((place, ..)) => Ok(place),
        })
    }

    /// Whether somebody asked something before this place.
    fn is_asked_before(&self, stretches: &[Stretch], place: &Place) -> Result<bool, Error> {
        const SQL: &str = "
            select exists (select 1 from turns
                            where session_id = ?1 and ordinal >= ?2 and ordinal < ?3
                              and (session_id = ?4 and ordinal < ?5 or session_id <> ?4 and timestamp_ms < ?6)
                              and kind in ('human', 'command', 'shell'))";
        for stretch in stretches {
            let values = params![
                stretch.session_id,
                stretch.start,
                stretch.end,
                place.session_id,
                place.ordinal,
                place.timestamp_ms
            ];
            let found: bool = self
                .conn
                .prepare_cached(SQL)
                .op("prepare")?
                .query_row(values, |row| row.get(0))
                .op("look for earlier conversations")?;
            if found {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Where a stretch is cut so that everything from `place` on is in its second part: `None` if nothing of it is,
    /// `Some(None)` if all of a session is.
    fn cut(&self, stretch: &Stretch, place: &Place) -> Result<Option<Option<ConversationId>>, Error> {
        const FIRST: &str = "
            select id, exists (select 1 from turns b
                                where b.session_id = t.session_id and b.ordinal >= ?2 and b.ordinal < t.ordinal)
              from turns t
             where session_id = ?1 and ordinal >= ?2 and ordinal < ?3 and timestamp_ms >= ?4 and kind <> 'subagent'
             order by ordinal limit 1";
        if stretch.session_id == place.session_id {
            return Ok(if stretch.start >= place.ordinal {
                Some(stretch.from)
            } else {
                (place.ordinal < stretch.end).then_some(Some(place.id))
            });
        }
        let first = self
            .conn
            .prepare_cached(FIRST)
            .op("prepare")?
            .query_row(params![stretch.session_id, stretch.start, stretch.end, place.timestamp_ms], |row| {
                Ok((ConversationId(row.get(0)?), row.get::<_, bool>(1)?))
            })
            .optional()
            .op("look for later conversations")?;
        Ok(first.map(|(id, is_inside)| if is_inside { Some(id) } else { stretch.from }))
    }

    /// Later than every change of sessions before, and than every undo of one.
    fn next_member_ms(&self) -> Result<i64, Error> {
        const NEWEST: &str = "select max(max(created_ms, coalesce(removed_ms, created_ms))) from user_session_members";
        let newest: Option<i64> = self
            .conn
            .prepare_cached(NEWEST)
            .op("prepare")?
            .query_row([], |row| row.get(0))
            .op("look for the newest change of sessions")?;
        Ok(newest.map_or(self.now_ms, |newest| self.now_ms.max(newest.saturating_add(1))))
    }

    /// The same, and later than every title of this user session.
    fn next_ms(&self, session_id: &str) -> Result<i64, Error> {
        let titled = self.newest_title(session_id)?.map_or(self.now_ms, |(ms, _)| ms.saturating_add(1));
        Ok(self.next_member_ms()?.max(titled))
    }

    fn user_session(&self, id: &str, created_ms: i64) -> Result<(), Error> {
        let stamp = crate::human::Stamp { id: id.to_owned(), ..self.stamp(created_ms)? };
        // One that is there stays as it is: ours would be the later.
        put::new_user_session(self.conn, &UserSession { stamp }).map(drop)
    }

    fn member(
        &self,
        user_session_id: &str,
        session_id: &str,
        from: Option<ConversationId>,
        created_ms: i64,
    ) -> Result<(), Error> {
        let member = Member {
            stamp: self.stamp(created_ms)?,
            user_session_id: user_session_id.to_owned(),
            session_id: session_id.to_owned(),
            from: None,
            removed_ms: None,
        };
        put::member(self.conn, &member, from).map(drop)
    }

    /// A title that stays whatever is undone.
    fn title(&self, session_id: &str, title: Option<&Name>) -> Result<(), Error> {
        let at = self.next_ms(session_id)?;
        self.title_at(session_id, title.map(|title| title.as_str().to_owned()), at)
    }

    fn title_at(&self, session_id: &str, title: Option<String>, at: i64) -> Result<(), Error> {
        if self.newest_title(session_id)?.and_then(|(_, known)| known) == title {
            return Ok(());
        }
        let title = Title { stamp: self.stamp(at)?, user_session_id: session_id.to_owned(), title };
        put::title(self.conn, &title).map(drop)
    }

    fn newest_title(&self, session_id: &str) -> Result<Option<(i64, Option<String>)>, Error> {
        const NEWEST: &str = "
            select created_ms, title from session_titles where user_session_id = ?1
             order by created_ms desc, id desc limit 1";
        self.conn
            .prepare_cached(NEWEST)
            .op("prepare")?
            .query_row([session_id], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
            .op("look for a title")
    }

    /// The newest title that neither a merge gave which is undone, nor an undo gave back.
    fn standing_title(&self, session_id: &str) -> Result<Option<String>, Error> {
        const STANDING: &str = "
            select title from session_titles t
             where user_session_id = ?1
               and not exists (select 1 from user_session_members m
                                where m.user_session_id = ?1
                                  and (m.created_ms = t.created_ms and m.removed_ms is not null
                                       or m.removed_ms = t.created_ms))
             order by created_ms desc, id desc limit 1";
        let found: Option<Option<String>> = self
            .conn
            .prepare_cached(STANDING)
            .op("prepare")?
            .query_row([session_id], |row| row.get(0))
            .optional()
            .op("look for a title that stands")?;
        Ok(found.flatten())
    }
}

fn nothing_to_undo(session_id: &str, holders: &[String]) -> String {
    let others: Vec<_> = holders.iter().filter(|holder| *holder != session_id).map(String::as_str).collect();
    if others.is_empty() {
        format!("Session {session_id} was neither split off nor merged: there is nothing to undo.")
    } else {
        let others = others.join(", ");
        format!("Nothing was merged into session {session_id}; parts of it are in {others}: undo those.")
    }
}
