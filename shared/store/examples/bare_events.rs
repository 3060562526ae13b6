//! The least that taking in a queue can cost: the rows of a store's events inserted by SQLite alone, in transactions as
//! large as ours and as durable, with our indexes. `cargo bench -p tests --bench queue` runs it beside the real ingester.
//!
//! `bare_events DATABASE NEW BATCH`: prints the rows and the seconds, without those of reading them.
#![expect(clippy::print_stdout, reason = "a floor is its figures")]

use std::error::Error;
use std::time::{Duration, Instant};

use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, TransactionBehavior, params_from_iter};

/// Our own table and indexes.
const TABLES: &str = include_str!("../../../migrations/0001_ground.sql");
const READ: &str = "
    select origin_id, name, hash, captured_ns, event, session_id, prompt_id, size, codec, payload, stored_ms
      from events where id > ?1 order by id limit ?2";
const INSERT: &str = "
    insert into events (origin_id, name, hash, captured_ns, event, session_id, prompt_id, size, codec, payload, stored_ms)
    values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args_os().skip(1);
    let (Some(database), Some(new), Some(batch)) = (args.next(), args.next(), args.next()) else {
        return Err("usage: bare_events DATABASE NEW BATCH".into());
    };
    let batch: i64 = batch.to_string_lossy().parse()?;
    let from = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut read = from.prepare(READ)?;

    let mut conn = Connection::open(new)?;
    conn.pragma_update(None, "journal_mode", "wal")?;
    conn.pragma_update(None, "synchronous", "full")?;
    conn.pragma_update(None, "wal_autocheckpoint", 0)?;
    conn.execute_batch(TABLES)?;
    conn.execute("insert into origins (id, origin, own) values (1, 'bare', 1)", [])?;
    let (mut count, mut took) = (0, Duration::ZERO);
    loop {
        let row = |row: &rusqlite::Row<'_>| (0..11).map(|at| row.get(at)).collect::<Result<Vec<Value>, _>>();
        let rows = read.query_map([count, batch], row)?.collect::<Result<Vec<_>, _>>()?;
        if rows.is_empty() {
            break;
        }
        let begin = Instant::now();
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let mut insert = tx.prepare_cached(INSERT)?;
            for row in &rows {
                insert.execute(params_from_iter(row))?;
            }
        }
        tx.commit()?;
        took += begin.elapsed();
        count += rows.len() as i64;
    }
    println!("{count} {:.4}", took.as_secs_f64());
    Ok(())
}
