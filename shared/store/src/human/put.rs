//! Adds human rows, each once: a row whose id is there already changes nothing but what can only come later (an undo).
//!
//! These are functions of a connection, because more than one kind of writer is to call them.

use rusqlite::{Connection, OptionalExtension, Params, params};

use super::{Member, Remark, Said, SavedView, Stamp, Title, UserSession};
use crate::error::{Context, Error};
use crate::ids::{ConversationId, Key};

/// The row of an origin, made if it is new here; a new one is never our own.
pub(crate) fn origin(conn: &Connection, origin: &str) -> Result<i64, Error> {
    let find = || {
        conn.prepare_cached("select id from origins where origin = ?1")
            .op("prepare")?
            .query_row([origin], |row| row.get(0))
            .optional()
            .op("look for an origin")
    };
    if let Some(id) = find()? {
        return Ok(id);
    }
    execute(conn, "insert into origins (origin, own) values (?1, 0) on conflict do nothing", [origin])?;
    find()?.ok_or(Error::Sql { op: "add an origin", detail: "it is not there".into() })
}

/// Where a key leads.
pub(crate) fn leads(conn: &Connection, key: &Key) -> Result<Option<ConversationId>, Error> {
    conn.prepare_cached("select conversation_id from conversation_keys where kind = ?1 and key = ?2")
        .op("prepare")?
        .query_row(params![key.kind(), key.bytes()], |row| row.get(0).map(ConversationId))
        .optional()
        .op("look for a key")
}

/// A new id that `keys` lead to, as far as they lead nowhere yet: what is derived later finds it by them. If its session is
/// here it is derived again, for one of its conversations may have been known by these keys elsewhere.
pub(crate) fn make(
    conn: &Connection,
    keys: &[Key],
    session_id: Option<&str>,
    now_ms: i64,
) -> Result<ConversationId, Error> {
    execute(conn, "insert into conversation_ids (created_ms) values (?1)", [now_ms])?;
    let id = ConversationId(conn.last_insert_rowid());
    attach(conn, keys, id)?;
    if let Some(session) = session_id {
        execute(
            conn,
            "insert into dirty_sessions (session_id, token) select ?1, random()
              where exists (select 1 from transcripts where session_id = ?1)
                 or exists (select 1 from events where session_id = ?1)
             on conflict (session_id) do update set token = excluded.token",
            [session],
        )?;
        execute(conn, "update derivations set settled_ns = null, seal = null where session_id = ?1", [session])?;
    }
    Ok(id)
}

/// Lets `keys` lead to `id`, as far as they lead nowhere yet.
pub(crate) fn attach(conn: &Connection, keys: &[Key], id: ConversationId) -> Result<(), Error> {
    for key in keys {
        execute(
            conn,
            "insert into conversation_keys (kind, key, conversation_id) values (?1, ?2, ?3) on conflict do nothing",
            params![key.kind(), key.bytes(), id.0],
        )?;
    }
    Ok(())
}

/// Lets `keys` lead to `id`, wherever they led before.
pub(crate) fn lead(conn: &Connection, keys: &[Key], id: ConversationId) -> Result<(), Error> {
    for key in keys {
        execute(
            conn,
            "insert into conversation_keys (kind, key, conversation_id) values (?1, ?2, ?3)
             on conflict do update set conversation_id = excluded.conversation_id",
            params![key.kind(), key.bytes(), id.0],
        )?;
    }
    Ok(())
}

/// Lets `id` answer with `survivor`, which is no alias, and with it all that answered with `id`.
pub(crate) fn alias(conn: &Connection, id: ConversationId, survivor: ConversationId) -> Result<(), Error> {
    execute(
        conn,
        "insert into aliases (id, survivor) values (?1, ?2)
         on conflict do update set survivor = excluded.survivor where survivor <> excluded.survivor",
        [id.0, survivor.0],
    )?;
    execute(conn, "update aliases set survivor = ?2 where survivor = ?1", [id.0, survivor.0]).map(drop)
}

/// Whether a table has the row of this id.
pub(crate) fn is_known(conn: &Connection, table: &str, id: &str) -> Result<bool, Error> {
    conn.prepare_cached(&format!("select exists (select 1 from {table} where id = ?1)"))
        .op("prepare")?
        .query_row([id], |row| row.get(0))
        .op("look for a human row")
}

/// Which conversation the remark of this id is about.
pub(crate) fn about(conn: &Connection, table: &str, id: &str) -> Result<Option<ConversationId>, Error> {
    conn.prepare_cached(&format!("select conversation_id from {table} where id = ?1"))
        .op("prepare")?
        .query_row([id], |row| row.get(0).map(ConversationId))
        .optional()
        .op("look for a remark")
}

/// Adds a remark; whether it is new.
pub(crate) fn remark(conn: &Connection, id: ConversationId, remark: &Remark) -> Result<bool, Error> {
    let Stamp { id: row, origin: of, created_ms } = &remark.stamp;
    let of = origin(conn, of)?;
    let added = match &remark.said {
        Said::Rating(rating) => execute(
            conn,
            "insert into rating_history (id, origin_id, conversation_id, created_ms, rating)
             values (?1, ?2, ?3, ?4, ?5) on conflict do nothing",
            params![row, of, id.0, created_ms, rating.map(super::Rating::get)],
        ),
        Said::Tag { tag, present } => execute(
            conn,
            "insert into tag_history (id, origin_id, conversation_id, created_ms, tag, present)
             values (?1, ?2, ?3, ?4, ?5, ?6) on conflict do nothing",
            params![row, of, id.0, created_ms, tag, present],
        ),
        Said::Note(note) => execute(
            conn,
            "insert into note_history (id, origin_id, conversation_id, created_ms, note)
             values (?1, ?2, ?3, ?4, ?5) on conflict do nothing",
            params![row, of, id.0, created_ms, note],
        ),
        Said::Star(starred) => execute(
            conn,
            "insert into star_history (id, origin_id, conversation_id, created_ms, starred)
             values (?1, ?2, ?3, ?4, ?5) on conflict do nothing",
            params![row, of, id.0, created_ms, starred],
        ),
    }?;
    Ok(added > 0)
}

/// Tells what is said now of every conversation of which this transaction said anything, or found out that it is another one.
/// To be done once, before the commit, which fails without it (migration 0010).
pub(crate) fn tell(conn: &Connection) -> Result<(), Error> {
    execute(conn, "insert into telling (now) values (0)", []).map(drop)
}

/// The table of a remark.
pub(crate) fn table(said: &Said) -> &'static str {
    match said {
        Said::Rating(_) => "rating_history",
        Said::Tag { .. } => "tag_history",
        Said::Note(_) => "note_history",
        Said::Star(_) => "star_history",
    }
}

/// Adds a user session if there is none of its id; whether it is new.
pub(crate) fn new_user_session(conn: &Connection, session: &UserSession) -> Result<bool, Error> {
    let Stamp { id, origin: of, created_ms } = &session.stamp;
    let added = execute(
        conn,
        "insert into user_sessions (id, origin_id, created_ms) values (?1, ?2, ?3) on conflict do nothing",
        params![id, origin(conn, of)?, created_ms],
    )?;
    Ok(added > 0)
}

/// Adds a user session; whether it is new. Two stores may have made one with the same id: the earlier counts.
pub(crate) fn user_session(conn: &Connection, session: &UserSession) -> Result<bool, Error> {
    let Stamp { id, origin: of, created_ms } = &session.stamp;
    let new = new_user_session(conn, session)?;
    if !new {
        let row = origin(conn, of)?;
        execute(
            conn,
            "update user_sessions set origin_id = ?2, created_ms = ?3
              where id = ?1 and (created_ms, (select origin from origins where id = origin_id)) > (?3, ?4)",
            params![id, row, created_ms, of],
        )?;
    }
    Ok(new)
}

/// Adds a title; whether it is new.
pub(crate) fn title(conn: &Connection, title: &Title) -> Result<bool, Error> {
    let Stamp { id, origin: of, created_ms } = &title.stamp;
    let added = execute(
        conn,
        "insert into session_titles (id, origin_id, user_session_id, title, created_ms)
         values (?1, ?2, ?3, ?4, ?5) on conflict do nothing",
        params![id, origin(conn, of)?, title.user_session_id, title.title, created_ms],
    )?;
    Ok(added > 0)
}

/// Adds a member, which begins with the conversation `from`; whether it is new. An undo is taken over, the earliest counts.
pub(crate) fn member(conn: &Connection, member: &Member, from: Option<ConversationId>) -> Result<bool, Error> {
    let Stamp { id, origin: of, created_ms } = &member.stamp;
    let new = execute(
        conn,
        "insert into user_session_members (id, origin_id, user_session_id, session_id, from_conversation_id,
                                           created_ms, removed_ms)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7) on conflict do nothing",
        params![
            id,
            origin(conn, of)?,
            member.user_session_id,
            member.session_id,
            from.map(|id| id.0),
            created_ms,
            member.removed_ms,
        ],
    )? > 0;
    if !new {
        execute(
            conn,
            "update user_session_members set removed_ms = ?2
              where id = ?1 and ?2 is not null and (removed_ms is null or removed_ms > ?2)",
            params![id, member.removed_ms],
        )?;
    }
    Ok(new)
}

/// Adds a saved view; whether it is new. That it was thrown away is taken over, the earliest time counts.
pub(crate) fn saved_view(conn: &Connection, view: &SavedView) -> Result<bool, Error> {
    let Stamp { id, origin: of, created_ms } = &view.stamp;
    let new = execute(
        conn,
        "insert into saved_views (id, origin_id, name, query, created_ms, removed_ms)
         values (?1, ?2, ?3, ?4, ?5, ?6) on conflict do nothing",
        params![id, origin(conn, of)?, view.name, view.query, created_ms, view.removed_ms],
    )? > 0;
    if !new {
        execute(
            conn,
            "update saved_views set removed_ms = ?2
              where id = ?1 and ?2 is not null and (removed_ms is null or removed_ms > ?2)",
            params![id, view.removed_ms],
        )?;
    }
    Ok(new)
}

fn execute(conn: &Connection, sql: &str, values: impl Params) -> Result<usize, Error> {
    conn.prepare_cached(sql).op("prepare")?.execute(values).op("write a human row")
}
