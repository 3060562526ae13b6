//! What people said: each row by its random id, on the conversation that its keys lead to here.

use rusqlite::{Connection, OptionalExtension, Row};

use super::{ROW, Run, place};
use crate::error::{Context, Error};
use crate::human::{anchor, get, put};
use crate::ids::{ConversationId, Key};
use crate::write::asked::word;

/// All human rows.
pub(super) fn rows(run: &mut Run<'_>, now_ms: i64) -> Result<(), Error> {
    for table in &get::REMARKS {
        each(run, table, |other, here, row, remark| {
            if put::is_known(here, table.name, &remark.stamp.id)? {
                return Ok(false);
            }
            let id = translate(other, here, row.get(get::ABOUT).op("read a remark")?, now_ms)?;
            word::add(here, id, &remark)
        })?;
    }
    each(run, &get::USER_SESSIONS, |_, here, _, session| put::user_session(here, &session))?;
    each(run, &get::MEMBERS, |other, here, row, member| {
        let from: Option<i64> = row.get(get::ABOUT).op("read a member")?;
        // Of one that is here already only the undoing matters.
        let from = match from {
            Some(id) if !put::is_known(here, get::MEMBERS.name, &member.stamp.id)? => {
                Some(translate(other, here, id, now_ms)?)
            }
            _ => None,
        };
        put::member(here, &member, from)
    })?;
    each(run, &get::TITLES, |_, here, _, title| put::title(here, &title))?;
    each(run, &get::SAVED_VIEWS, |_, here, _, view| put::saved_view(here, &view))
}

/// Runs `take` for each row of a table, with the other connection and ours; it tells whether the row was new.
fn each<T>(
    run: &mut Run<'_>,
    table: &get::Table<T>,
    take: impl Fn(&Connection, &Connection, &Row<'_>, T) -> Result<bool, Error>,
) -> Result<(), Error> {
    let other = &run.other.conn;
    let mut query = other.prepare(&format!("{} order by h.rowid", table.select())).op("prepare")?;
    let mut rows = query.query([]).op("read human rows")?;
    while let Some(row) = rows.next().op("read a human row")? {
        if run.merged.stopped {
            return Ok(());
        }
        let said = table.read(row).op("read a human row")?;
        let here = &run.batch()?.tx;
        if take(other, here, row, said)? {
            run.merged.human += 1;
        }
        run.spend(ROW)?;
    }
    Ok(())
}

/// Our id of their conversation. What their id itself was given for comes first; then what they know it to be the same
/// as; then where it stands. If nothing of it is known here, it gets an id: what was said is kept, and found when the conversation comes.
fn translate(other: &Connection, here: &Connection, id: i64, now_ms: i64) -> Result<ConversationId, Error> {
    let (own, session) = (get::own_keys(other, id)?, session(other, id)?);
    let mut about = anchor::find(here, &own)?;
    if about.is_none() {
        let all = get::all_keys(other, id)?;
        about = match anchor::find(here, &all)? {
            Some(found) => Some(found),
            None => place::find(other, here, id)?,
        };
        if about.is_none() && all.is_empty() {
            about = sibling(other, here, id)?;
        }
        if about.is_none() && all.len() > own.len() {
            let rest: Vec<Key> = all.into_iter().filter(|key| !own.contains(key)).collect();
            about = Some(put::make(here, &rest, session.as_deref(), now_ms)?);
        }
    }
    anchor::hang(here, &own, about, session.as_deref(), now_ms)
}

/// The session of a conversation.
fn session(other: &Connection, id: i64) -> Result<Option<String>, Error> {
    other
        .prepare_cached(&format!("select session_id from turns where id in {} limit 1", get::SAME))
        .op("prepare")?
        .query_row([id], |row| row.get(0))
        .optional()
        .op("look for a session")
}

/// Where another remark about a conversation that lost its keys was put.
fn sibling(other: &Connection, here: &Connection, id: i64) -> Result<Option<ConversationId>, Error> {
    for table in &get::REMARKS {
        let mut query =
            other.prepare_cached(&format!("{} where h.conversation_id = ?1", table.select())).op("prepare")?;
        let mut rows = query.query([id]).op("read remarks")?;
        while let Some(row) = rows.next().op("read a remark")? {
            let remark = table.read(row).op("read a remark")?;
            if let Some(found) = put::about(here, table.name, &remark.stamp.id)? {
                return Ok(Some(found));
            }
        }
    }
    Ok(None)
}
