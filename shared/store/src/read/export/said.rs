//! How people cut sessions, and what they said of conversations that are not there.

use std::collections::BTreeSet;

use rusqlite::Connection;

use super::{Exporter, own_origin, rows};
use crate::error::Error;
use crate::human::{Member, Remark, SavedView, Title, UserSession, get};
use crate::ids::{ConversationId, Key};
use crate::read::{conversation, turn};

/// Ids of which somebody said something and that are no conversation themselves.
const UNPLACED: &str = "
    with said (id) as (
        select conversation_id from rating_history union select conversation_id from tag_history
        union select conversation_id from note_history union select conversation_id from star_history)
    select id from said where id not in (select id from turns) order by id";

/// Ids of which somebody said something.
const SAID: &str = "
    select conversation_id from rating_history union select conversation_id from tag_history
    union select conversation_id from note_history union select conversation_id from star_history order by 1";

/// Everything that people said, at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Annotations {
    /// The random id of the data directory, 32 hex digits.
    pub origin: String,
    /// Every conversation of which something was said.
    pub conversations: Vec<Annotated>,
    /// And how they cut sessions.
    pub cuts: Cuts,
}

/// A conversation of which something was said, and only that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotated {
    /// Its id.
    pub id: ConversationId,
    /// Claude Code's session, if the conversation is there.
    pub session_id: Option<String>,
    /// What it is recognised by.
    pub keys: Vec<Key>,
    /// Whole histories.
    pub remarks: Vec<Remark>,
}

/// How people cut sessions, named them, and which searches they kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cuts {
    /// The user sessions that they made.
    pub user_sessions: Vec<UserSession>,
    /// What belongs to which, undone ones too.
    pub members: Vec<Member>,
    /// Titles, whole histories.
    pub titles: Vec<Title>,
    /// Saved views, thrown away ones too.
    pub views: Vec<SavedView>,
}

/// A conversation of which something was said and that is not there: not derived yet, or forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unplaced {
    /// Its id.
    pub id: ConversationId,
    /// What it will be recognised by.
    pub keys: Vec<Key>,
    /// Whole histories.
    pub remarks: Vec<Remark>,
}

impl Exporter {
    /// Everything that people said, of one moment.
    ///
    /// # Errors
    /// The engine's.
    pub fn annotations(&mut self) -> Result<Annotations, Error> {
        self.ask(|conn| {
            let mut ids = BTreeSet::new();
            for id in rows(conn, "look for remarks", SAID, [], |row| row.get(0).map(ConversationId))? {
                ids.insert(conversation::survivor(conn, id)?);
            }
            let annotated = |id: ConversationId| {
                let remarks = without_ids(get::history(conn, id)?);
                let session_id = turn::turn(conn, id)?.map(|turn| turn.session_id);
                Ok(Annotated { id, session_id, keys: get::all_keys(conn, id.0)?, remarks })
            };
            Ok(Annotations {
                origin: own_origin(conn)?,
                conversations: ids.into_iter().map(annotated).collect::<Result<_, _>>()?,
                cuts: cuts(conn)?,
            })
        })
    }

    /// User sessions, their members, titles and saved views.
    ///
    /// # Errors
    /// The engine's.
    pub fn cuts(&mut self) -> Result<Cuts, Error> {
        self.ask(cuts)
    }

    /// Conversations of which something was said and that are not there.
    ///
    /// # Errors
    /// The engine's.
    pub fn unplaced(&mut self) -> Result<Vec<Unplaced>, Error> {
        self.ask(|conn| {
            let mut ids = BTreeSet::new();
            for id in rows(conn, "look for remarks", UNPLACED, [], |row| row.get(0).map(ConversationId))? {
                let id = conversation::survivor(conn, id)?;
                if turn::turn(conn, id)?.is_none() {
                    ids.insert(id);
                }
            }
            let unplaced = |id| {
                Ok(Unplaced { id, keys: get::all_keys(conn, id.0)?, remarks: without_ids(get::history(conn, id)?) })
            };
            ids.into_iter().map(unplaced).collect()
        })
    }
}

fn cuts(conn: &Connection) -> Result<Cuts, Error> {
    let members = get::all(conn, &get::MEMBERS, |row| row.get(get::ABOUT))?;
    let with_keys = |(member, from): (Member, Option<i64>)| {
        Ok(Member { from: from.map(|id| get::all_keys(conn, id)).transpose()?, ..member })
    };
    Ok(Cuts {
        user_sessions: only(get::all(conn, &get::USER_SESSIONS, |_| Ok(()))?),
        members: members.into_iter().map(with_keys).collect::<Result<_, _>>()?,
        titles: only(get::all(conn, &get::TITLES, |_| Ok(()))?),
        views: only(get::all(conn, &get::SAVED_VIEWS, |_| Ok(()))?),
    })
}

fn only<T>(rows: Vec<(T, ())>) -> Vec<T> {
    rows.into_iter().map(|(row, ())| row).collect()
}

pub(super) fn without_ids(remarks: Vec<(ConversationId, Remark)>) -> Vec<Remark> {
    remarks.into_iter().map(|(_, remark)| remark).collect()
}
