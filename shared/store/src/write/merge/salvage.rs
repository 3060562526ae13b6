//! Takes out of a damaged database what can still be read of it and nowhere else be had: which id means which conversation,
//! what people said, and hook events.
//!
//! Every table is read by itself, from both ends towards the damage. A row is taken only if it makes sense: an event if its
//! bytes have the hash that was kept of them, a remark if its fields could be ours. Nothing derived is taken, and nothing
//! that is here already is changed.

mod event;

use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::{Connection, Row, params};

use super::other::{Copy, beside};
use crate::error::{Context, Error};
use crate::human::{Remark, Stamp, anchor, get, put};
use crate::ids::{ConversationId, Key};
use crate::open;
use crate::write::asked::word;
use crate::write::{Batch, Writer, copies, forget};
use event::Event;

/// No store has given out more ids; a larger one is damage.
const LARGEST_ID: i64 = 1 << 32;
/// The year 2100, in milliseconds. No row of ours is newer.
const LATEST_MS: i64 = 4_102_444_800_000;
/// Longer ids are nobody's.
const LONGEST_ID: usize = 256;

/// A damaged database, of which at least the list of tables can be read. It is never written to.
#[derive(Debug)]
pub struct Wreck {
    conn: Connection,
    /// Stands for origins that cannot be read.
    origin: Option<String>,
    _copy: Option<Copy>,
}

/// Which conversations the damaged database knew.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ids {
    /// Ids and keys that were not here.
    pub new: u64,
    /// Ids up to this one mean the same in both.
    last: i64,
    /// Of what was forgotten: nothing that was said of it is taken over.
    forgotten: BTreeSet<i64>,
}

/// What was taken out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Salvaged {
    /// Rows that were not here.
    pub new: u64,
    /// Tables of which not everything can be read.
    pub damaged: Vec<&'static str>,
}

impl Wreck {
    /// Opens it, with what its `-wal` still holds; that needs a copy, which is made in `place`.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if nothing can be read; the operating system's.
    pub fn open(path: &Path, place: &Path) -> Result<Self, Error> {
        // Any one table may be lost; each is read by itself.
        let readable = |conn: Connection| {
            conn.query_row("select count(*) from sqlite_schema", [], |_| Ok(())).op("read the damaged database")?;
            Ok::<_, Error>(conn)
        };
        if std::fs::metadata(beside(path, "-wal")).is_ok_and(|wal| wal.len() > 0) {
            let with_log = || {
                let copy = Copy::new(place)?;
                copy.take(path)?;
                Ok::<_, Error>((readable(copy.open()?)?, copy))
            };
            if let Ok((conn, copy)) = with_log() {
                return Ok(Self { origin: own_origin(&conn), conn, _copy: Some(copy) });
            }
        }
        let conn = readable(open::connect_frozen(path)?)?;
        Ok(Self { origin: own_origin(&conn), conn, _copy: None })
    }

    /// The random id of its data directory, if that can be read.
    pub fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }

    /// The projects roots that it knew, as far as they can be read.
    pub fn roots(&self) -> Vec<String> {
        let mut found = Vec::new();
        let sql = "select substr(h.key, 15) from meta h where h.key like 'projects_root:/%'";
        let _ = rows(&self.conn, sql, &["h.rowid"], &mut |row| {
            found.extend(row.get(0));
            Ok(())
        });
        found
    }

    fn select<T>(&self, table: &get::Table<T>, own: &str) -> String {
        match self.origin {
            Some(_) => table.select(),
            None => table.select_as(own),
        }
    }
}

fn own_origin(conn: &Connection) -> Option<String> {
    let found: String = conn.query_row("select origin from origins where own = 1", [], |row| row.get(0)).ok()?;
    is_origin(&found).then_some(found)
}

fn is_origin(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

impl Writer {
    /// Makes a store that holds nothing yet that of a data directory which had this id before.
    ///
    /// # Errors
    /// The engine's; [`Error::Sql`] if it holds something, or the id is none.
    pub fn adopt_origin(&mut self, origin: &str) -> Result<(), Error> {
        const SQL: &str = "
            update origins set origin = ?1
             where own = 1 and not exists (select 1 from events) and not exists (select 1 from transcripts)";
        if !is_origin(origin) || self.conn.execute(SQL, [origin]).op("adopt an origin")? != 1 {
            return Err(Error::Sql { op: "adopt an origin", detail: "it is not possible here".into() });
        }
        origin.clone_into(&mut self.origin);
        Ok(())
    }

    /// Takes over which id means which conversation. To be done first, before new ids are given out.
    ///
    /// # Errors
    /// Ours, never those of `wreck`.
    pub fn salvage_ids(&mut self, wreck: &Wreck) -> Result<Ids, Error> {
        let batch = self.batch()?;
        let mut ids = Ids::default();
        let mut add = |id: i64, created_ms: i64| {
            if (1..LARGEST_ID).contains(&id) {
                ids.new += add(
                    &batch,
                    "insert into conversation_ids (id, created_ms) values (?1, ?2) on conflict do nothing",
                    params![id, created_ms.clamp(0, LATEST_MS)],
                )?;
            }
            Ok(())
        };
        rows(&wreck.conn, "select h.id, h.created_ms from conversation_ids h", &["h.id"], &mut |row| {
            let (Ok(id), Ok(created_ms)) = (row.get(0), row.get(1)) else { return Ok(()) };
            add(id, created_ms)
        })?;
        // Of what somebody said something, that was an id, whatever became of the list of ids.
        for table in &get::REMARKS {
            let sql = format!("select h.conversation_id from {} h", table.name);
            rows(&wreck.conn, &sql, &["h.rowid"], &mut |row| row.get(0).map_or(Ok(()), |id| add(id, 0)))?;
        }
        let mut forgotten = BTreeSet::new();
        let sql = "select h.kind, h.key, h.conversation_id from conversation_keys h";
        rows(&wreck.conn, sql, &["h.kind", "h.key"], &mut |row| {
            let read = || -> rusqlite::Result<(String, [u8; 16], i64)> { Ok((row.get(0)?, row.get(1)?, row.get(2)?)) };
            let Ok((kind, key, id)) = read() else { return Ok(()) };
            if forget::is_conversation_forgotten(&batch.tx, &[Key::Line(key)])? {
                forgotten.insert(id);
                return Ok(());
            }
            if matches!(&*kind, "line" | "event") {
                ids.new += self::add(
                    &batch,
                    "insert into conversation_keys (kind, key, conversation_id)
                     select ?1, ?2, ?3 where exists (select 1 from conversation_ids where id = ?3)
                     on conflict do nothing",
                    params![kind, key, id],
                )?;
            }
            Ok(())
        })?;
        ids.forgotten = forgotten;
        ids.last = batch
            .tx
            .query_row("select coalesce(max(id), 0) from conversation_ids", [], |row| row.get(0))
            .op("look for the last id")?;
        batch.commit()?;
        Ok(ids)
    }

    /// Takes over what was forgotten on request, and which sessions are ignored, so that it does not come back from elsewhere. To be done before anything comes.
    ///
    /// # Errors
    /// Ours, never those of `wreck`.
    pub fn salvage_forgotten(&mut self, wreck: &Wreck) -> Result<Salvaged, Error> {
        let own = self.origin.clone();
        let batch = self.batch()?;
        let origin = put::origin(&batch.tx, &own)?; // whose word it was matters less than that it holds
        let mut found = Salvaged::default();
        let sql = "select h.kind, h.key, h.created_ms from tombstones h";
        let whole = rows(&wreck.conn, sql, &["h.rowid"], &mut |row| {
            let read = || -> rusqlite::Result<(String, Vec<u8>, i64)> { Ok((row.get(0)?, row.get(1)?, row.get(2)?)) };
            let Ok((kind, key, created_ms)) = read() else { return Ok(()) };
            if matches!(&*kind, "uuid" | "prompt" | "event" | "line" | "conversation") && key.len() == 16 {
                found.new += add(&batch, forget::LAY, params![origin, kind, key, created_ms])?;
            }
            Ok(())
        })?;
        let sql = "select h.secret from forget_secrets h";
        let secrets = rows(&wreck.conn, sql, &["h.rowid"], &mut |row| {
            let Ok(secret) = row.get::<_, Vec<u8>>(0) else { return Ok(()) };
            if secret.len() == 32 {
                let sql = "insert into forget_secrets (origin_id, secret) values (?1, ?2) on conflict do nothing";
                found.new += add(&batch, sql, params![origin, secret])?;
            }
            Ok(())
        })?;
        // A store that ignored nothing, or is older than this table, has none.
        rows(&wreck.conn, "select h.key from left_out h", &["h.key"], &mut |row| {
            let Ok(key) = row.get::<_, [u8; 16]>(0) else { return Ok(()) };
            add(&batch, "insert into left_out (key) values (?1) on conflict do nothing", params![key]).map(drop)
        })?;
        if found.new > 0 {
            batch.sift_later()?;
        }
        batch.commit()?;
        if !secrets {
            found.damaged.push("forget_secrets");
        }
        if !whole {
            found.damaged.push("tombstones");
        }
        Ok(found)
    }

    /// Takes over the hook events whose bytes are what they were, except what was forgotten.
    ///
    /// # Errors
    /// Ours, never those of `wreck`.
    pub fn salvage_events(&mut self, wreck: &Wreck) -> Result<Salvaged, Error> {
        const INSERT: &str = "
            insert into events (origin_id, name, hash, session_id, size, captured_ns, event, prompt_id, stored_ms, codec, payload)
            values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) on conflict do nothing";
        let own = self.origin.clone();
        let origin = match wreck.origin {
            Some(_) => "(select o.origin from origins o where o.id = h.origin_id)".to_owned(),
            None => format!("'{own}'"),
        };
        let sql = format!(
            "select {origin}, h.name, h.hash, h.session_id, h.size, h.captured_ns, h.event, h.prompt_id, h.stored_ms,
                    h.codec, h.payload
               from events h"
        );
        let mut found = Salvaged::default();
        let batch = self.batch()?; // one for all: nobody else waits for this store
        let whole = rows(&wreck.conn, &sql, &["h.id"], &mut |row| {
            let Some(event) = Event::read(row) else { return Ok(()) };
            let known = !copies(&batch.tx, &event.name, &event.plain, None)?.is_empty();
            let forgotten = forget::is_event_forgotten(&batch.tx, &event.origin, &event.name, &event.hash)?;
            if known || forgotten {
                return Ok(());
            }
            let origin = put::origin(&batch.tx, &event.origin)?;
            let values = params![
                origin,
                event.name,
                event.hash,
                event.session_id,
                event.size,
                event.captured_ns,
                event.event,
                event.prompt_id,
                event.stored_ms,
                event.codec,
                event.payload,
            ];
            found.new += add(&batch, INSERT, values)?;
            batch.mark_dirty(&event.session_id)?;
            batch.unseal(&event.session_id)
        })?;
        batch.commit()?;
        if !whole {
            found.damaged.push("events");
        }
        Ok(found)
    }

    /// Takes over what people said. To be done last: what came from elsewhere by its keys is known by then.
    ///
    /// # Errors
    /// Ours, never those of `wreck`.
    pub fn salvage_said(&mut self, wreck: &Wreck, ids: &Ids, now_ms: i64) -> Result<Salvaged, Error> {
        let own = self.origin.clone();
        let batch = self.batch()?;
        let here: &Connection = &batch.tx;
        let mut found = Salvaged::default();
        for table in &get::REMARKS {
            each(wreck, table, &own, &mut found, &mut |row, remark| {
                let Ok(id) = row.get(get::ABOUT) else { return Ok(false) };
                if ids.forgotten.contains(&id) {
                    return Ok(false);
                }
                if !sane(&remark.stamp) || put::is_known(here, table.name, &remark.stamp.id)? {
                    return Ok(false);
                }
                let id = place(wreck, here, ids, id, now_ms)?;
                if is_told_already(here, id, &remark)? { Ok(false) } else { word::add(here, id, &remark) }
            })?;
        }
        each(wreck, &get::USER_SESSIONS, &own, &mut found, &mut |_, session| {
            if sane(&session.stamp) { put::user_session(here, &session) } else { Ok(false) }
        })?;
        each(wreck, &get::MEMBERS, &own, &mut found, &mut |row, member| {
            let Ok(from) = row.get::<_, Option<i64>>(get::ABOUT) else { return Ok(false) };
            if !sane(&member.stamp) || from.is_some_and(|id| ids.forgotten.contains(&id)) {
                return Ok(false);
            }
            let from = match from {
                Some(id) if !put::is_known(here, get::MEMBERS.name, &member.stamp.id)? => {
                    Some(place(wreck, here, ids, id, now_ms)?)
                }
                _ => None,
            };
            put::member(here, &member, from)
        })?;
        each(wreck, &get::TITLES, &own, &mut found, &mut |_, title| {
            if sane(&title.stamp) && !batch.sieve().is_title_forgotten(&title) {
                put::title(here, &title)
            } else {
                Ok(false)
            }
        })?;
        each(wreck, &get::SAVED_VIEWS, &own, &mut found, &mut |_, view| {
            if sane(&view.stamp) { put::saved_view(here, &view) } else { Ok(false) }
        })?;
        batch.commit()?;
        Ok(found)
    }
}

/// Whether a row of ours could have these.
fn sane(stamp: &Stamp) -> bool {
    (1..=LONGEST_ID).contains(&stamp.id.len()) && is_origin(&stamp.origin) && (0..LATEST_MS).contains(&stamp.created_ms)
}

/// Whether the same stands here under an id from which only a bit that flipped tells it apart.
fn is_told_already(here: &Connection, id: ConversationId, remark: &Remark) -> Result<bool, Error> {
    let is_flipped = |id: &str| {
        let differ = id.bytes().zip(remark.stamp.id.bytes()).filter(|(one, other)| one != other).count();
        id.len() == remark.stamp.id.len() && (1..=2).contains(&differ)
    };
    let same = |told: &Remark| told.said == remark.said && told.stamp.created_ms == remark.stamp.created_ms;
    Ok(get::history(here, id)?.iter().any(|(_, told)| same(told) && is_flipped(&told.stamp.id)))
}

/// The conversation here. An id that both know means the same; else its keys tell; else it gets an id of its own, so that what
/// was said is kept.
fn place(wreck: &Wreck, here: &Connection, ids: &Ids, id: i64, now_ms: i64) -> Result<ConversationId, Error> {
    let known: bool = here
        .prepare_cached("select exists (select 1 from conversation_ids where id = ?1)")
        .op("prepare")?
        .query_row([id], |row| row.get(0))
        .op("look for an id")?;
    if known && id <= ids.last {
        return Ok(ConversationId(id));
    }
    let keys = get::own_keys(&wreck.conn, id).unwrap_or_default();
    anchor::hang(here, &keys, anchor::find(here, &keys)?, None, now_ms)
}

/// Runs `take` for each readable row of a table; it tells whether the row was new. One that breaks a rule of the table is
/// left out.
fn each<T>(
    wreck: &Wreck,
    table: &get::Table<T>,
    own: &str,
    found: &mut Salvaged,
    take: &mut dyn FnMut(&Row<'_>, T) -> Result<bool, Error>,
) -> Result<(), Error> {
    let mut new = 0;
    let whole = rows(&wreck.conn, &wreck.select(table, own), &["h.rowid"], &mut |row| {
        let Ok(said) = table.read(row) else { return Ok(()) };
        match take(row, said) {
            Ok(is_new) => new += u64::from(is_new),
            Err(Error::Sql { .. }) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    })?;
    found.new += new;
    if !whole {
        found.damaged.push(table.name);
    }
    Ok(())
}

/// Runs `take` for every row that can be read: from the first on, and if that ends in damage, from the last on too. Whether
/// there was no damage.
fn rows(
    conn: &Connection,
    sql: &str,
    order: &[&str],
    take: &mut dyn FnMut(&Row<'_>) -> Result<(), Error>,
) -> Result<bool, Error> {
    for way in ["asc", "desc"] {
        let order: Vec<_> = order.iter().map(|column| format!("{column} {way}")).collect();
        let Ok(mut query) = conn.prepare(&format!("{sql} order by {}", order.join(", "))) else { return Ok(false) };
        let Ok(mut found) = query.query([]) else { return Ok(false) };
        loop {
            match found.next() {
                Ok(Some(row)) => take(row)?,
                Ok(None) if way == "asc" => return Ok(true),
                Ok(None) => return Ok(false),
                Err(_) => break,
            }
        }
    }
    Ok(false)
}

/// How many rows a statement changes.
fn add(batch: &Batch<'_>, sql: &str, values: impl rusqlite::Params) -> Result<u64, Error> {
    batch.tx.prepare_cached(sql).op("prepare")?.execute(values).op("salvage a row").map(|n| n as u64)
}

#[cfg(test)]
mod tests;
