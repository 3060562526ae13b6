//! Rows of the ground that are small: each is found by its natural key, or added as it is.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Params, params};

use super::{ROW, Run};
use crate::codec;
use crate::error::{Context, Error};
use crate::human::put;
use crate::write::{copies, forget};

/// What was forgotten, with what its texts were hashed with. First of all, so that what either side forgot stays out.
pub(super) fn tombstones(run: &mut Run<'_>) -> Result<(), Error> {
    let mut query = run
        .other
        .conn
        .prepare("select o.origin, t.kind, t.key, t.created_ms from tombstones t join origins o on o.id = t.origin_id")
        .op("prepare")?;
    let mut rows = query.query([]).op("read tombstones")?;
    while let Some(row) = rows.next().op("read a tombstone")? {
        let read = || -> rusqlite::Result<(String, String, Vec<u8>, i64)> {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        };
        let (origin, kind, key, created_ms) = read().op("read a tombstone")?;
        let batch = run.batch()?;
        let origin = put::origin(&batch.tx, &origin)?;
        batch.execute(forget::LAY, params![origin, kind, key, created_ms])?;
        if batch.tx.changes() > 0 {
            batch.sift_later()?;
        }
        run.spend(ROW)?;
    }
    let sql = "select o.origin, s.secret from forget_secrets s join origins o on o.id = s.origin_id";
    let mut query = run.other.conn.prepare(sql).op("prepare")?;
    let mut rows = query.query([]).op("read the secrets of forgetting")?;
    while let Some(row) = rows.next().op("read a secret of forgetting")? {
        let read = || -> rusqlite::Result<(String, Vec<u8>)> { Ok((row.get(0)?, row.get(1)?)) };
        let (origin, secret) = read().op("read a secret of forgetting")?;
        let batch = run.batch()?;
        let origin = put::origin(&batch.tx, &origin)?;
        let sql = "insert into forget_secrets (origin_id, secret) values (?1, ?2) on conflict do nothing";
        batch.execute(sql, params![origin, secret])?;
    }
    Ok(())
}

/// Working directories, by origin and path, as they were when first met. Those of another machine mean its disk, not ours.
pub(super) fn places(run: &mut Run<'_>) -> Result<(), Error> {
    let mut query = run
        .other
        .conn
        .prepare("select o.origin, p.cwd, p.git_root, p.met_ms from places p join origins o on o.id = p.origin_id")
        .op("prepare")?;
    let mut rows = query.query([]).op("read places")?;
    while let Some(row) = rows.next().op("read a place")? {
        let read = || -> rusqlite::Result<(String, String, Option<String>, i64)> {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        };
        let (origin, cwd, git_root, met_ms) = read().op("read a place")?;
        let batch = run.batch()?;
        let origin = put::origin(&batch.tx, &origin)?;
        batch.execute(
            "insert into places (origin_id, cwd, git_root, met_ms) values (?1, ?2, ?3, ?4)
             on conflict do update set git_root = excluded.git_root, met_ms = excluded.met_ms
                                 where excluded.met_ms < met_ms",
            params![origin, cwd, git_root, met_ms],
        )?;
        run.spend(ROW)?;
    }
    Ok(())
}

/// Hook events, by origin, name and hash. The payload is copied packed, once it proved to be whole.
pub(super) fn events(run: &mut Run<'_>) -> Result<(), Error> {
    let mut query = run
        .other
        .conn
        .prepare(
            "select o.origin, e.name, e.hash, e.session_id, e.size, e.captured_ns, e.event, e.prompt_id, e.stored_ms,
                    e.codec, e.payload
               from events e join origins o on o.id = e.origin_id order by e.id",
        )
        .op("prepare")?;
    let mut rows = query.query([]).op("read events")?;
    while let Some(row) = rows.next().op("read an event")? {
        if run.merged.stopped {
            return Ok(());
        }
        let read = || -> rusqlite::Result<(String, String, Vec<u8>, String, i64)> {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
        };
        let (origin, name, hash, session_id, size) = read().op("read an event")?;
        let bytes = u64::try_from(size).unwrap_or(0);
        run.progress.done += bytes;
        // In this order: what is known is not looked at any further, and takes no lock.
        if exists(run.here(), IS_KNOWN, params![name, hash, origin])? {
            run.spend(ROW / 4)?;
            continue;
        }
        if forget::is_event_forgotten(run.here(), &origin, &name, &hash)? {
            run.merged.forgotten += 1;
            run.spend(ROW / 4)?;
            continue;
        }
        let read = || -> rusqlite::Result<(i64, Vec<u8>)> { Ok((row.get(9)?, row.get(10)?)) };
        let (kind, payload) = read().op("read an event")?;
        let plain = codec::unpack(kind, payload.clone(), bytes as usize)
            .map_err(|error| run.other.damaged(&error.to_string()))?;
        let batch = run.batch()?;
        let origin_id = put::origin(&batch.tx, &origin)?;
        // It may have been taken in here with something hidden, or there.
        if !copies(&batch.tx, &name, &plain, Some(origin_id))?.is_empty() {
            run.spend(cost(&payload))?;
            continue;
        }
        let (kind, payload, hash) = match batch.sieve().masked(&plain) {
            Some(hidden) => {
                let packed = codec::pack(&hidden);
                (packed.codec, packed.bytes.into_owned(), blake3::hash(&hidden).as_bytes().to_vec())
            }
            None => (kind, payload, hash),
        };
        if forget::is_event_forgotten(&batch.tx, &origin, &name, &hash)? {
            run.merged.forgotten += 1;
            run.spend(cost(&payload))?;
            continue;
        }
        let value = |column| row.get_ref(column).op("read an event");
        let (captured, event, prompt, stored) = (value(5)?, value(6)?, value(7)?, value(8)?);
        let cost = cost(&payload);
        run.batch()?.execute(
            "insert into events (origin_id, name, hash, session_id, size, captured_ns, event, prompt_id, stored_ms, codec, payload)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) on conflict do nothing",
            params![
                origin_id,
                name,
                hash,
                session_id,
                size,
                Raw(captured),
                Raw(event),
                Raw(prompt),
                Raw(stored),
                kind,
                payload
            ],
        )?;
        run.touch(&session_id)?;
        run.merged.events += 1;
        run.merged.bytes += bytes;
        run.spend(cost)?;
    }
    Ok(())
}

fn cost(payload: &[u8]) -> u64 {
    payload.len() as u64 + ROW
}

const IS_KNOWN: &str = "
    select exists (select 1 from events e join origins o on o.id = e.origin_id
                    where e.name = ?1 and e.hash = ?2 and o.origin = ?3)";

fn exists(conn: &Connection, sql: &str, key: impl Params) -> Result<bool, Error> {
    let found = conn.prepare_cached(sql).op("prepare")?.query_row(key, |row| row.get(0)).optional();
    Ok(found.op("look for a row")?.unwrap_or(false))
}

/// A value that is handed on as it was read.
struct Raw<'a>(ValueRef<'a>);

impl rusqlite::ToSql for Raw<'_> {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        Ok(rusqlite::types::ToSqlOutput::Borrowed(self.0))
    }
}
